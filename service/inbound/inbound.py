"""Inbound at work: the sweep that hands events over to the durable queue, and the workflow of a few events.

An event is handed over by its id after it is stored; the sweep, which runs each second and whenever something changed, also finds what a crash
left between storing and handing over, what waits behind a flood, and what failed for the database's sake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from service.database import reading, scrub, writing
from service.durable import HandOver, Handover
from service.inbound import events
from service.inbound.intake import Intake
from service.inbound.integrations import Receivers
from service.inbound.receiving import AnalysisError, Receiving
from service.logs import working_for
from service.sweeping import Sweep
from service.vault import Vault

QUEUE = "events"
WORKFLOW = "receive"
GROUPS = 4
"""Workflows that one process takes from the queue at once; two are worked on while the others are at hand."""
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

    def receive_together(self, handovers: Sequence[Handover]) -> None:
        """The workflow `receive`. May run again from its beginning: an event that is done is not done again."""
        by_id = {h.id: h for h in handovers}
        alone = list(by_id)
        try:
            alone = self.receiving.receive_together(alone)
        except (OperationalError, PoolTimeout) as error:  # the database is away: none of them would fare better alone
            structlog.get_logger().warning("events not done", count=len(handovers), error=type(error).__name__)
            self._postpone(alone, max(h.number for h in handovers))
            alone = []
        except Exception as error:  # one of them is at fault: which one shows when each is done alone
            structlog.get_logger().warning("events not done together", count=len(handovers), error=type(error).__name__)
        for event_id in alone:
            with working_for(by_id[event_id].request_id):
                self.receive(event_id, by_id[event_id].number)
        self.sweep.wake()

    def receive(self, event_id: str, number: int) -> None:
        """Do one event, handed over for the `number`th time. May run again from its beginning."""
        try:
            self.receiving.receive(event_id)
        except AnalysisError as error:
            structlog.get_logger().error("analysis failed", event_id=event_id, error=str(error))
            self.receiving.fail(event_id, "analysis")
        except Exception as error:
            structlog.get_logger().warning("event not done", event_id=event_id, number=number, error=type(error).__name__)
            transient = isinstance(error, (DBAPIError, PoolTimeout)) and not isinstance(error, IntegrityError)
            if transient or number < ATTEMPTS:
                self._postpone([event_id], number)
            else:
                self.receiving.fail(event_id, "internal")

    def _postpone(self, event_ids: Sequence[str], number: int) -> None:
        self.receiving.postpone(event_ids, self.receiving.now() + timedelta(seconds=min(2**number, LONGEST_WAIT)))
