"""Deliveries at work: the sweep that hands over what is due, and the workflow of one attempt.

An attempt is a short workflow, not one that sleeps for days: a sleeping workflow keeps its place in the queue and a thread. When the next attempt
is due stands in our table, and the sweep, which runs each second and whenever something changed, finds it there, also what a crash left
between storing and handing over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from service.database import reading, writing
from service.durable import HandOver
from service.outbound import outbox, sending
from service.outbound.connector import Connector
from service.outbound.content import Read
from service.outbound.handing import due, mark
from service.outbound.outcome import Outcome
from service.sweeping import Sweep
from service.vault import Vault

QUEUE = "deliveries"
WORKFLOW = "deliver"
PURGE_EVERY = timedelta(hours=1)


@dataclass
class Deliveries:
    """What sends. `read` gives a note's content, `now` the moment, `random` 0 to below 1; finished deliveries are kept for `kept`."""

    engine: Engine
    vault: Vault
    connector: Connector
    read: Read
    now: Callable[[], datetime]
    random: Callable[[], float]
    hand_over: HandOver
    kept: timedelta
    sweep: Sweep = field(init=False)
    _purged: datetime | None = None

    def __post_init__(self) -> None:
        self.sweep = Sweep("deliveries", self.step)

    def step(self) -> int:
        """Hand over what is due; how many. Handed over first and noted after: a crash in between hands over again, by the same id."""
        now = self.now()
        with reading(self.engine) as session:
            chosen = due(session, now)
        if chosen:
            self.hand_over(QUEUE, WORKFLOW, chosen)
            with writing(self.engine) as session:
                mark(session, chosen, now)
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            with writing(self.engine) as session:
                outbox.purge(session, now, self.kept)
            self._purged = now
        return len(chosen)

    def attempt(self, delivery_id: str, number: int) -> None:
        """The workflow `deliver`. May run again from its beginning: an attempt whose result is noted is not made again."""
        at = self.now()
        with reading(self.engine) as session:
            ready = sending.prepare(session, delivery_id, number, self.read, self.vault, at)
        if ready is None:
            return
        outcome = ready if isinstance(ready, Outcome) else sending.send(self.connector, ready)
        with writing(self.engine) as session:
            decision = sending.record(session, delivery_id, number, at, outcome, self.now(), self.random)
        structlog.get_logger().info(
            "delivery attempt",
            delivery_id=delivery_id,
            number=number,
            status=outcome.status,
            failure=outcome.failure,
            decision=type(decision).__name__.lower() if decision is not None else None,
        )
        self.sweep.wake()
