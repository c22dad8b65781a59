"""Storing several notes at once that were never stored before: a statement a table, not a dozen a note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.ids import new_id
from service.notes.store import NewNote, add_rows
from service.notes.tables import NoteEvent, StoredNote


def fresh(session: Session, tenant_id: str, news: Sequence[NewNote]) -> list[bool]:
    """Which notes were never stored, neither by this event nor under this CRM id; of several with one CRM id the first."""
    event_ids = [n.event_id for n in news if n.event_id]
    written = set(session.scalars(select(NoteEvent.event_id).where(NoteEvent.tenant_id == tenant_id, NoteEvent.event_id.in_(event_ids))))
    columns = select(StoredNote.source, StoredNote.crm_id).where(StoredNote.tenant_id == tenant_id)
    asked = columns.where(StoredNote.source.in_({n.source for n in news}), StoredNote.crm_id.in_([n.crm_id for n in news if n.crm_id]))
    known = {(source, crm_id) for source, crm_id in session.execute(asked)}
    out = []
    for new in news:
        same = (new.source, new.crm_id)
        out.append(new.event_id not in written and same not in known)
        if new.crm_id is not None:
            known.add(same)
    return out


def add_fresh(
    session: Session, tenant_id: str, notes: Sequence[tuple[NewNote, Analysis]], now: datetime, today: date
) -> list[tuple[str, str]]:
    """Store notes that `fresh` said are, with their analyses; the ids of note and analysis. Other rooms are still to be told.

    Raises IntegrityError where another transaction stored one of them meanwhile.
    """
    rows = [
        StoredNote(
            id=new_id("nt", now), tenant_id=tenant_id, source=new.source, crm_id=new.crm_id, revision=1, text=new.text,
            visited_at=new.visited_at or today, created=now, changed=now, team_id=new.team_id, person_id=new.person_id,
            customer=new.customer, customer_id=new.customer_id, hidden=False,
        )
        for new, _ in notes
    ]  # fmt: skip
    stored = add_rows(session, tenant_id, rows, [analysis for _, analysis in notes], now)
    session.add_all(
        NoteEvent(tenant_id=tenant_id, event_id=new.event_id, note_id=row.id)
        for row, (new, _) in zip(rows, notes, strict=True)
        if new.event_id is not None
    )
    session.flush()
    return [(row.id, analysis.id) for row, analysis in zip(rows, stored, strict=True)]
