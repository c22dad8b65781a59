"""What deletion takes: reviews, corrections and appeals of deleted notes; of a deleted trainer the name, while the labels stay."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from service.corrections.tables import Appeal, Correction, NoteReview
from service.notes.hooks import Erasure

GONE = ""
"""Stands in the place of the id and name of a person who was deleted."""


def erase(session: Session, erasure: Erasure) -> Mapping[str, int]:
    """The Eraser of this room."""
    counts = {}
    for name, table in (("reviews", NoteReview), ("corrections", Correction), ("appeals", Appeal)):
        of_notes = (table.tenant_id == erasure.tenant_id, table.note_id.in_(erasure.note_ids))
        counts[name] = session.scalar(select(func.count()).select_from(table).where(*of_notes)) or 0
        session.execute(delete(table).where(*of_notes))
    if erasure.person_id is not None:
        _forget(session, erasure.tenant_id, erasure.person_id)
    return counts


def _forget(session: Session, tenant_id: str, person_id: str) -> None:
    corrections = update(Correction).where(Correction.tenant_id == tenant_id, Correction.by_id == person_id)
    session.execute(corrections.values(by_id=GONE, by_name=GONE))
    reviews = update(NoteReview).where(NoteReview.tenant_id == tenant_id, NoteReview.by_id == person_id)
    session.execute(reviews.values(by_id=NoteReview.id, by_name=GONE))  # its own id: two who are gone stay two
    appeals = update(Appeal).where(Appeal.tenant_id == tenant_id, Appeal.decided_by == person_id)
    session.execute(appeals.values(decided_by=GONE, decided_by_name=GONE))
