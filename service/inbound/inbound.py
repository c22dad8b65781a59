"""Inbound at work: the sweep that hands events over to the durable queue, and the workflow of one event.

An event is handed over by its id after it is stored; the sweep, which runs each second and whenever something changed, also finds what a crash
left between storing and handing over, what waits behind a flood, and what failed for the database's sake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.database import reading, scrub, writing
from service.durable import HandOver
from service.inbound import events
from service.inbound.intake import Intake
from service.inbound.integrations import Receivers
from service.inbound.receiving import AnalysisError, Receiving
from service.sweeping import Sweep
from service.vault import Vault

QUEUE = "events"
WORKFLOW = "receive"
GATHER_SECONDS = 0.05
"""After a change the sweep waits so long for more of them."""
PURGE_EVERY = timedelta(hours=1)
ATTEMPTS = 5
"""Errors of ours that are not the database's set an event aside after so many attempts."""
LONGEST_WAIT = 300


@dataclass
class Inbound:
    """What takes events in and to notes. Finished events are kept for `kept`, so that one sent again is known."""

    receiving: Receiving
    vault: Vault
    receivers: Receivers
    hand_over: HandOver
    kept: timedelta
    intake: Intake = field(init=False)
    sweep: Sweep = field(init=False)
    _purged: datetime | None = None

    def __post_init__(self) -> None:
        self.sweep = Sweep("inbound", self.step, GATHER_SECONDS)
        self.intake = Intake(self.receiving.engine, self.sweep.wake)

    def step(self) -> int:
        """Hand over what is due; how many. Handed over first and noted after: a crash in between hands over again, by the same id."""
        engine, now = self.receiving.engine, self.receiving.now()
        with reading(engine) as session:
            chosen = events.due(session, now)
        if chosen:
            self.hand_over(QUEUE, WORKFLOW, chosen)
            with writing(engine) as session:
                events.mark(session, chosen, now)
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            with writing(engine) as session:
                purged = events.purge(session, now, self.kept)
            if purged:
                scrub(engine)
            self._purged = now
        return len(chosen)

    def receive(self, event_id: str, number: int) -> None:
        """The workflow `receive`. May run again from its beginning: an event that is done is not done again."""
        try:
            self.receiving.receive(event_id)
        except AnalysisError as error:
            structlog.get_logger().error("analysis failed", event_id=event_id, error=str(error))
            self.receiving.fail(event_id, "analysis")
        except Exception as error:
            transient = isinstance(error, (DBAPIError, PoolTimeout)) and not isinstance(error, IntegrityError)
            structlog.get_logger().warning("event not done", event_id=event_id, number=number, error=type(error).__name__)
            if transient or number < ATTEMPTS:
                self.receiving.postpone(event_id, self.receiving.now() + timedelta(seconds=min(2**number, LONGEST_WAIT)))
            else:
                self.receiving.fail(event_id, "internal")
        self.sweep.wake()
