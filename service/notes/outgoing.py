"""What deliveries tell of notes: reading a note for them, and telling them when one is analyzed or erased."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import event, select
from sqlalchemy.orm import Session

from service.accounts.tables import Person
from service.notes.hooks import Erasure, Hooks
from service.notes.store import RESULT
from service.notes.tables import NoteRevision, StoredAnalysis, StoredNote
from service.outbound import outbox
from service.outbound.content import Content, Gone
from service.outbound.payload import Subject


def read_content(session: Session, tenant_id: str, note_id: str, analysis_id: str) -> Content | None:
    """The note with this analysis and the text and day it is of; None where either is gone.

    Raises ValueError where the stored result has a form that this version does not read.
    """
    # By their keys: in the transaction that has just stored them nothing is read again.
    note, row = session.get(StoredNote, note_id), session.get(StoredAnalysis, analysis_id)
    if note is None or row is None or note.tenant_id != tenant_id or (row.tenant_id, row.note_id) != (tenant_id, note_id):
        return None
    read: StoredNote | NoteRevision = note if row.revision == note.revision else session.get_one(NoteRevision, (note_id, row.revision))
    person = session.get(Person, note.person_id) if note.person_id else None
    subject = Subject(
        note.id, note.crm_id, note.customer_id, note.person_id, person.external_id if person else None, note.team_id, read.visited_at
    )
    return Content(subject, note.source, person.name if person else None, note.customer, read.text, RESULT.validate_json(row.result))


def hooks(now: Callable[[], datetime], committed: Callable[[], None]) -> Hooks:
    """What deliveries do about notes; `committed` is called when there may be something to send."""

    def on_analysis(session: Session, tenant_id: str, note_id: str, analysis_id: str) -> None:
        if not outbox.listened_to(session, tenant_id):
            return
        content = read_content(session, tenant_id, note_id, analysis_id)
        if content is not None and outbox.analyzed(session, tenant_id, analysis_id, content, now()):
            event.listen(session, "after_commit", lambda _: committed())

    def erase(session: Session, erasure: Erasure) -> Mapping[str, int]:
        query = select(StoredNote).where(StoredNote.tenant_id == erasure.tenant_id, StoredNote.id.in_(erasure.note_ids))
        gone = [Gone(n.id, n.crm_id, n.source, n.team_id, n.person_id) for n in session.scalars(query)]
        cancelled = outbox.deleted(session, erasure.tenant_id, gone, now())
        event.listen(session, "after_commit", lambda _: committed())
        return {"deliveries": cancelled}

    return Hooks(on_analysis, (erase,))
