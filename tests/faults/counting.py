"""What is left after the faults: counted from the database, from what the receiver saw and from what the CRM was answered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from service.database import reading
from service.inbound.tables import InboundEvent
from service.notes.tables import NoteEvent, StoredAnalysis, StoredNote
from service.outbound.tables import Delivery
from tests.faults.receiver import Receiver
from tests.faults.sending import Crm


@dataclass
class Count:
    """The figures of one scenario. `wrong` says what is not as it must be, in words; `remarks` what was done."""

    sent: int = 0
    accepted: int = 0
    done: int = 0
    superseded: int = 0
    notes: int = 0
    analyses: int = 0
    due: int = 0
    received: int = 0
    repeated: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note it as wrong where it does not hold."""
        if not holds:
            self.wrong.append(otherwise)


def waiting(session: Session) -> tuple[int, int]:
    """Events not finished and deliveries still to be made."""
    events = session.scalar(select(func.count()).where(InboundEvent.state == "received")) or 0
    return events, session.scalar(select(func.count()).where(Delivery.state == "pending")) or 0


def at_work(session: Session) -> bool:
    """Whether a workflow has taken an event and has not ended."""
    assert session.bind is not None
    table = "workflow_status" if session.bind.dialect.name == "sqlite" else "dbos.workflow_status"
    return session.scalar(text(f"SELECT 1 FROM {table} WHERE status = 'PENDING' AND name = 'receive' LIMIT 1")) is not None


def count(engine: Engine, crm: Crm, receiver: Receiver) -> Count:
    """Count, and hold the figures against what was promised."""
    with reading(engine) as session:
        events = session.execute(select(InboundEvent.id, InboundEvent.event_id, InboundEvent.state, InboundEvent.reason)).all()
        written = set(session.scalars(select(NoteEvent.event_id)))
        notes = session.scalar(select(func.count()).select_from(StoredNote)) or 0
        analyses = Counter(session.execute(select(StoredAnalysis.note_id, StoredAnalysis.revision)).tuples().all())
        analysis_ids = set(session.scalars(select(StoredAnalysis.id)))
        deliveries = session.execute(select(Delivery.id, Delivery.analysis_id, Delivery.state)).all()
    done = [e for e in events if e.state == "done"]
    superseded = sum(e.reason == "superseded" for e in events)
    delivered, due = receiver.delivered(), {d.id: d.analysis_id for d in deliveries}
    lost_events = crm.taken - {e.event_id for e in events if e.state == "done" or e.reason == "superseded"}
    lost_deliveries = set(due) - set(delivered)
    found = Count(
        len(crm.sent), len(crm.taken), len(done), superseded, notes, analyses.total(), len(due),
        len(set(delivered) & set(due)), sum(n > 1 for n in delivered.values()), len(lost_events) + len(lost_deliveries),
    )  # fmt: skip
    states = Counter(e.state for e in events)
    found.expect(not crm.lost, f"{len(crm.lost)} events were never taken")
    found.expect(not lost_events, f"{len(lost_events)} accepted events lost ({dict(states)})")
    found.expect(len({e.event_id for e in events}) == len(events), "an event is stored twice")
    found.expect(all(n == 1 for n in analyses.values()), "a revision was analyzed twice")
    found.expect(analyses.total() == len(done), f"{len(done)} events done, {analyses.total()} analyses")
    found.expect({e.id for e in done} == written, "events done and events written to notes differ")
    found.expect(sorted(due.values()) == sorted(analysis_ids), f"{len(analysis_ids)} analyses, {len(due)} deliveries due")
    found.expect(all(d.state == "delivered" for d in deliveries), f"deliveries: {dict(Counter(d.state for d in deliveries))}")
    found.expect(not lost_deliveries, f"{len(lost_deliveries)} deliveries lost")
    found.expect(not set(delivered) - set(due), "the receiver saw ids that no delivery has")
    found.expect(all(due.get(s.id) == s.analysis_id for s in receiver.seen), "a delivery's id told of another analysis")
    found.expect(receiver.forged == 0, f"{receiver.forged} requests with a wrong signature")
    found.expect(receiver.strayed == 0, f"{receiver.strayed} redirects followed")
    return found
