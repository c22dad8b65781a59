"""Complete labelled data: the notes of which a trainer said that all labels are right, in corpora's form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Engine, select

from service.corrections.labels import EVIDENCED, Labels, flat, whole
from service.corrections.tables import NoteReview
from service.database import reading
from service.notes.tables import StoredNote

PART = 500
INDUSTRY, STYLE = "未注明", "真实记录"
"""A stored note tells neither its industry nor its style; corpora's form has both."""
UNKNOWN_WRITER = "unknown"


def labelled_note(note: StoredNote, labels: Labels) -> dict[str, Any]:
    """One line of corpora's form. `writer` is the rep, so that a split by writers keeps a rep's notes together; `evidence` stands there
    only where it is known for every dimension that needs it."""
    evidence, rubric = labels["evidence"], labels["rubric"]
    entry = {
        "id": note.id, "writer": note.person_id or UNKNOWN_WRITER, "industry": INDUSTRY, "style": STYLE, "text": note.text,
        **{name: value for name, value in whole(flat(labels)).items() if name != "evidence"},
    }  # fmt: skip
    if all(bool(rubric[d]) == bool(evidence.get(d)) for d in EVIDENCED):
        entry["evidence"] = {d: evidence[d] for d in EVIDENCED if evidence.get(d)}
    return entry


def complete_notes(db: Engine, tenant: str, visible: Iterable[ColumnElement[bool]] = ()) -> Iterator[dict[str, Any]]:
    """The tenant's complete notes by id, each once, with the labels of its newest review that is not blind; those whose text the CRM has
    changed since are left out until they are checked again. `visible` narrows the notes. Holds no transaction while the caller works."""
    after = ""
    chosen = (StoredNote.tenant_id == tenant, StoredNote.hidden.is_(False), *visible)
    while True:
        with reading(db) as session:
            ids = list(
                session.scalars(
                    select(NoteReview.note_id)
                    .where(NoteReview.tenant_id == tenant, NoteReview.complete, NoteReview.blind.is_(False), NoteReview.note_id > after)
                    .distinct()
                    .order_by(NoteReview.note_id)
                    .limit(PART)
                )
            )
            notes = list(session.scalars(select(StoredNote).where(*chosen, StoredNote.id.in_(ids)).order_by(StoredNote.id)))
            newest: dict[str, NoteReview] = {}
            reviews = select(NoteReview).where(NoteReview.note_id.in_(ids), NoteReview.blind.is_(False))
            for review in session.scalars(reviews.order_by(NoteReview.changed, NoteReview.id)):
                newest[review.note_id] = review
            session.expunge_all()
        for note in notes:
            review = newest[note.id]
            if review.complete and review.revision == note.revision:
                yield labelled_note(note, review.labels)
        if len(ids) < PART:
            return
        after = ids[-1]
