"""Notes of an import: stored hidden, part by part, and shown all at once when it has finished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.ids import new_id
from service.notes.store import add_rows
from service.notes.tables import NoteFacts, StoredNote


@dataclass(frozen=True, slots=True)
class Imported:
    """A note of an import, new by what `stored_texts` said."""

    text: str
    visited_at: date
    crm_id: str | None
    team_id: str | None
    person_id: str | None
    customer: str | None
    customer_id: str | None


def stored_texts(session: Session, tenant_id: str, source: str, crm_ids: Sequence[str]) -> dict[str | None, str]:
    """CRM id → text of those that are stored."""
    same = (StoredNote.tenant_id == tenant_id, StoredNote.source == source, StoredNote.crm_id.in_(crm_ids))
    return {row.crm_id: row.text for row in session.execute(select(StoredNote.crm_id, StoredNote.text).where(*same))}


def add_imported(
    session: Session, tenant_id: str, source: str, import_id: str, notes: Sequence[tuple[Imported, Analysis]], now: datetime
) -> None:
    """Store new notes with their analyses, hidden until their import has finished; other rooms are not told of them.

    Raises IntegrityError where another transaction stored one of them meanwhile.
    """
    rows = [
        StoredNote(
            id=new_id("nt", now), tenant_id=tenant_id, source=source, revision=1, created=now, changed=now, import_id=import_id, hidden=True,
            **{name: getattr(note, name) for name in Imported.__slots__},
        )
        for note, _ in notes
    ]  # fmt: skip
    add_rows(session, tenant_id, rows, [analysis for _, analysis in notes], now)


def show_imported(session: Session, tenant_id: str, import_id: str) -> None:
    """Let the notes of an import be seen, all at once."""
    mine = (StoredNote.tenant_id == tenant_id, StoredNote.import_id == import_id, StoredNote.hidden.is_(True))
    facts = (NoteFacts.tenant_id == tenant_id, NoteFacts.hidden.is_(True))
    session.execute(update(NoteFacts).where(*facts, NoteFacts.note_id.in_(select(StoredNote.id).where(*mine))).values(hidden=False))
    session.execute(update(StoredNote).where(*mine).values(hidden=False))
