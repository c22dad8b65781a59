"""Saving corrections. The model's analysis stays as it was; what is corrected counts through an analysis beside it (service/notes/correcting)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from models.rubric import STANDARD
from service.corrections.comparing import differing
from service.corrections.corrected import corrected_result
from service.corrections.form import text_faults
from service.corrections.labels import Labels, changed_fields, flat, from_result, overlaid, settled_evidence, whole
from service.corrections.reviewers import Reviewer
from service.corrections.tables import Correction, NoteReview
from service.ids import new_id
from service.notes.correcting import models_analysis, put_corrected, take_corrected
from service.notes.store import RESULT
from service.notes.tables import StoredAnalysis, StoredNote
from service.problems import FieldFault
from service.rubrics.store import rubric as rubric_of


class LabelFaultError(Exception):
    """Labels that cannot be; `faults` name the fields."""

    def __init__(self, faults: list[FieldFault]) -> None:
        super().__init__("Labels that cannot be")
        self.faults = faults


class ConflictError(Exception):
    """What was to be corrected is another thing by now; the message says what and holds no data."""


@dataclass(frozen=True, slots=True)
class LabelState:
    """A note's labels as they count: the model's of its analysis, with the corrections in their place."""

    analysis: StoredAnalysis
    model: Labels
    labels: Labels
    review: NoteReview | None

    @property
    def complete(self) -> bool:
        """Whether a trainer said that all labels are right."""
        return self.review is not None and self.review.complete

    @property
    def weights(self) -> dict[str, int]:
        """What each dimension weighs in this analysis's score."""
        return {d["id"]: d["weight"] for d in json.loads(self.analysis.result)["quality"]["dimensions"]}

    @property
    def corrected(self) -> list[str]:
        """The fields whose value is another than the model's."""
        return changed_fields(self.model, self.labels)


def _reviews(session: Session, note: StoredNote, blind: bool) -> list[NoteReview]:
    """The reviews of the note's revision, the newest first."""
    own = (NoteReview.tenant_id == note.tenant_id, NoteReview.note_id == note.id, NoteReview.revision == note.revision)
    query = select(NoteReview).where(*own, NoteReview.blind.is_(blind))
    return list(session.scalars(query.order_by(NoteReview.changed.desc(), NoteReview.id.desc())))


def _counting(model: Labels, review: NoteReview | None) -> Labels:
    if review is None:
        return model
    return review.labels if review.complete else overlaid(model, review.labels, review.corrected)


def state_of(session: Session, note: StoredNote) -> LabelState:
    """The note's labels as they count now."""
    analysis = models_analysis(session, note)
    model = from_result(note.text, json.loads(analysis.result))
    review = next(iter(_reviews(session, note, blind=False)), None)
    return LabelState(analysis, model, _counting(model, review), review)


def blind_state(session: Session, note: StoredNote, reviewer: Reviewer) -> LabelState:
    """The labels that a reviewer who does not see the others' begins with: the model's, or the reviewer's own of before.

    Raises ConflictError where nobody else has checked the note yet, or the reviewer has seen its labels already.
    """
    first = _reviews(session, note, blind=False)
    if any(r.by_id == reviewer.id for r in first):
        raise ConflictError("You have checked this note already, so a blind check of yours would tell nothing")
    if not first:
        raise ConflictError("Nobody has checked this note yet; a blind check is a second one")
    analysis = models_analysis(session, note)
    model = from_result(note.text, json.loads(analysis.result))
    own = next((r for r in _reviews(session, note, blind=True) if r.by_id == reviewer.id), None)
    return LabelState(analysis, model, _counting(model, own), own)


def history(session: Session, note: StoredNote) -> list[Correction]:
    """The corrections of a note in the order they were made; blind ones stay unseen."""
    own = (Correction.tenant_id == note.tenant_id, Correction.note_id == note.id, Correction.blind.is_(False))
    return list(session.scalars(select(Correction).where(*own).order_by(Correction.id)))


@dataclass(frozen=True, slots=True)
class Change:
    """What a trainer saves: fields (see labels.FIELDS) to values, and whether all labels are right (None: as it was). `revision` is the one
    the trainer read, None: the present one."""

    fields: Mapping[str, Any]
    complete: bool | None = None
    blind: bool = False
    appeal_id: str | None = None
    revision: int | None = None


def save(session: Session, note: StoredNote, reviewer: Reviewer, change: Change, now: datetime) -> LabelState:
    """Save a trainer's corrections.

    Raises LabelFaultError where a quote does not stand in the note or a label is missing, ConflictError as blind_state does, or where
    the text is another by now or the stored analysis has a form that takes no corrections any more.
    """
    session.refresh(note, with_for_update=True)  # two who save at once come one after the other
    if change.revision not in (None, note.revision):
        raise ConflictError("The note's text has changed; read it again")
    begin = blind_state(session, note, reviewer) if change.blind else state_of(session, note)
    after = settled_evidence(whole({**flat(begin.labels), **change.fields}))
    if "evidence" in change.fields:
        after = {**after, "evidence": {d: quotes for d, quotes in change.fields["evidence"].items() if quotes}}
    if faults := text_faults(note.text, after):
        raise LabelFaultError(faults)
    changed = changed_fields(begin.labels, after)
    if "evidence" not in change.fields:
        changed = [field for field in changed if field != "evidence"]
    about = {"tenant_id": note.tenant_id, "note_id": note.id, "revision": note.revision, "analysis_id": begin.analysis.id, "model_version": begin.analysis.model_version}  # fmt: skip
    by = {"by_id": reviewer.id, "by_name": reviewer.name, "blind": change.blind}
    before_fields, after_fields = flat(begin.labels), flat(after)
    session.add_all(
        Correction(
            id=new_id("co", now), **about, **by, field=field, before=before_fields[field], after=after_fields[field], created=now,
            appeal_id=change.appeal_id,
        )
        for field in changed
    )  # fmt: skip
    complete = begin.complete if change.complete is None else change.complete
    corrected = set(changed) | set(begin.review.corrected if begin.review else ())
    same = (NoteReview.note_id == note.id, NoteReview.by_id == reviewer.id, NoteReview.blind.is_(change.blind))
    row = session.scalar(select(NoteReview).where(*same))
    if row is None:
        row = NoteReview(id=new_id("rv", now), created=now, **by)
        session.add(row)
    values = {
        **about, "labels": after, "corrected": [f for f in after_fields if f in corrected], "differs": differing(begin.model, after),
        "complete": complete, "changed": now,
    }  # fmt: skip
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    if not change.blind:
        _apply(session, note, begin.analysis, begin.model, after, row, now)
    return LabelState(begin.analysis, begin.model, after, row)


def _apply(
    session: Session, note: StoredNote, base: StoredAnalysis, model: Labels, labels: Labels, review: NoteReview, now: datetime
) -> None:
    """Let the corrected values count. Raises ConflictError."""
    if not changed_fields(model, labels):
        take_corrected(session, note)
        return
    try:
        rubric = rubric_of(session, note.tenant_id, base.rubric_version) or STANDARD
        analysis = RESULT.validate_json(json.dumps(corrected_result(note.text, json.loads(base.result), labels, rubric)))
    except (ValidationError, KeyError):
        raise ConflictError("This note's analysis is of an older form; analyze the note again first") from None
    put_corrected(session, note, analysis, review.id, now)


def reapply(session: Session, tenant_id: str, note_id: str, now: datetime) -> None:
    """After a new analysis of a note: put the corrections of this revision into it as well."""
    if session.scalar(select(NoteReview.id).where(NoteReview.tenant_id == tenant_id, NoteReview.note_id == note_id).limit(1)) is None:
        return
    note = session.get_one(StoredNote, note_id)
    state = state_of(session, note)
    if state.review is not None:
        _apply(session, note, state.analysis, state.model, state.labels, state.review, now)
