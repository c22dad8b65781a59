"""What is started before the first request and closed after the last: rooms add their parts at wiring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import structlog
from fastapi import FastAPI

from service.logs import place


@dataclass
class Lifecycle:
    """Functions run when the server starts (in order) and when it has answered its last request (in reverse order).

    They run in the process that serves, after any fork: threads and connections are made here, not at wiring.
    """

    on_start: list[Callable[[], None]] = field(default_factory=list)
    on_stop: list[Callable[[], None]] = field(default_factory=list)

    @asynccontextmanager
    async def run(self, _: FastAPI | None = None) -> AsyncIterator[None]:
        """FastAPI's lifespan, or any process's. A part that fails to close does not keep the others from closing."""
        for start in self.on_start:
            await asyncio.to_thread(start)
        try:
            yield
        finally:
            for stop in reversed(self.on_stop):
                try:
                    await asyncio.to_thread(stop)
                except Exception as error:
                    structlog.get_logger().error("could not close", error=place(error))
