"""Deliveries at work: the sweep that hands over what is due, and the workflow of one attempt.

An attempt is a short workflow, not one that sleeps for days: a sleeping workflow keeps its place in the queue and a thread. When the next attempt
is due stands in our table, and the sweep, which runs each second and whenever something changed, finds it there, also what a crash left
between storing and handing over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from service.database import reading, writing
from service.logs import working_for
from service.outbound import outbox, sending
from service.outbound.connector import Connector
from service.outbound.content import Read
from service.outbound.handing import due, mark
from service.outbound.outcome import Outcome
from service.vault import Vault

QUEUE = "deliveries"
WORKFLOW = "deliver"
SWEEP_SECONDS = 1.0
PAUSE_SECONDS = 0.05
PURGE_EVERY = timedelta(hours=1)
Enqueue = Callable[..., None]
"""Durable.enqueue: queue, workflow, id, arguments."""


@dataclass
class Deliveries:
    """What sends. `read` gives a note's content, `now` the moment, `random` 0 to below 1; finished deliveries are kept for `kept`."""

    engine: Engine
    vault: Vault
    connector: Connector
    read: Read
    now: Callable[[], datetime]
    random: Callable[[], float]
    enqueue: Enqueue
    kept: timedelta
    _changed: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _purged: datetime | None = None

    def wake(self) -> None:
        """Something is due: sweep soon instead of within the second."""
        self._changed.set()

    def step(self) -> int:
        """Hand over what is due; how many. Handed over first and noted after: a crash in between hands over again, by the same id."""
        now = self.now()
        with reading(self.engine) as session:
            chosen = due(session, now)
        for handover in chosen:
            with working_for(handover.request_id):
                self.enqueue(QUEUE, WORKFLOW, handover.workflow_id, handover.delivery_id, handover.number)
        if chosen:
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
        self.wake()

    def start(self) -> None:
        """Sweep from now on, on a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._sweep, name="deliveries", daemon=True)
        self._thread.start()

    def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                more = self.step()
            except Exception as error:  # the database is away: it is tried again
                structlog.get_logger().warning("no sweep", error=type(error).__name__)
                more = 0
            # In a burst every attempt's end wakes the sweep: one for several of them is enough.
            self._stopping.wait(PAUSE_SECONDS)
            if not more:
                self._changed.wait(SWEEP_SECONDS)
            self._changed.clear()

    def stop(self) -> None:
        """Hand over nothing more."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(10)
