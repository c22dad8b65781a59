"""Structured JSON logs: one line a request with its id, method, route and latency; never a body, a query or a note's text.

What libraries log (DBOS, uvicorn, Alembic, SQLAlchemy) takes the same form, see service.foreign_logs.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import respond, unexpected

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


def configure(level: str) -> None:
    """Log JSON lines to standard error from `level` on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level.upper(), logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def request_id() -> str | None:
    """The id of the request (or of what came of it) this code works for; None outside of any."""
    found = structlog.contextvars.get_contextvars().get("request_id")
    return found if isinstance(found, str) else None


@contextmanager
def working_for(identifier: str | None) -> Iterator[None]:
    """Put the request's id on every line logged inside: workflows and threads take it with them and enter it here."""
    if identifier is None:
        yield
        return
    with structlog.contextvars.bound_contextvars(request_id=identifier):
        yield


class RequestLog:
    """ASGI middleware: gives each request an id (or keeps a well-formed X-Request-ID), answers it, logs the request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(b"x-request-id", b"")
        identifier = sent.decode() if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        status, started = 500, False
        began = time.perf_counter()

        async def tagged(message: Message) -> None:
            nonlocal status, started
            if message["type"] == "http.response.start":
                status, started = message["status"], True
                message = {**message, "headers": [*message["headers"], (b"x-request-id", identifier.encode())]}
            await send(message)

        failure: str | None = None
        try:
            with working_for(identifier):
                await self.app(scope, receive, tagged)
        except Exception as error:  # for the log by type and place alone: its message may hold note text
            failure = place(error)
            if not started:
                await respond(unexpected())(scope, receive, tagged)
        route = scope.get("route")
        fields = {
            "request_id": identifier,
            "method": scope["method"],
            "route": getattr(route, "path", "unmatched"),
            "status": status,
            "ms": round(1000 * (time.perf_counter() - began), 2),
        }
        if failure:
            self.log.error("request failed", **fields, error=failure)
        else:
            self.log.info("request", **fields)


def place(error: BaseException) -> str:
    """An exception's type and the line that raised it; its message may hold note text and is left out."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return type(error).__name__ + where
