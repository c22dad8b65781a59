"""What pages show of a note's corrections: the corrected values beside the model's, with who and when; a rep's appeals with their answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.corrections import store, words
from service.corrections.labels import flat
from service.corrections.tables import Appeal
from service.notes.tables import StoredNote


@dataclass(frozen=True, slots=True)
class Shown:
    """A corrected field in words. `by` and `at`: who set this value, and when."""

    name: str
    model: str
    value: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """All of a note. `complete_by` is None where nobody has said that all labels are right; `appeals` are those still open."""

    entries: list[Shown]
    complete_by: str | None
    complete_on: datetime | None
    appeals: int


def changes(session: Session, note: StoredNote) -> Changes:
    """What is corrected of a note as it counts now."""
    state = store.state_of(session, note)
    last = {c.field: c for c in store.history(session, note) if c.revision == note.revision}
    model, labels = flat(state.model), flat(state.labels)
    entries = []
    for field in state.corrected:
        if field == "evidence" or state.review is None:
            continue
        made = last.get(field)
        by, at = (made.by_name, made.created) if made else (state.review.by_name, state.review.changed)
        said, is_now = words.value_words(field, model[field]), words.value_words(field, labels[field])
        entries.append(Shown(words.field_word(field), said, is_now, words.by_words(by), at))
    waiting = (
        select(func.count())
        .select_from(Appeal)
        .where(Appeal.tenant_id == note.tenant_id, Appeal.note_id == note.id, Appeal.state == "open")
    )
    by_name = words.by_words(state.review.by_name) if state.review and state.complete else None
    return Changes(entries, by_name, state.review.changed if state.review else None, session.scalar(waiting) or 0)


def appeals_of(session: Session, tenant_id: str, note_ids: Sequence[str]) -> dict[str, list[Appeal]]:
    """The appeals about each of these notes, in the order they were made."""
    out: dict[str, list[Appeal]] = defaultdict(list)
    query = select(Appeal).where(Appeal.tenant_id == tenant_id, Appeal.note_id.in_(note_ids))
    for row in session.scalars(query.order_by(Appeal.id)):
        out[row.note_id].append(row)
    return out
