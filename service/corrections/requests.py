"""What callers send and get about corrections and appeals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints, model_validator

from models.analysis import DimensionId
from service.corrections.appeals import State, Verdict
from service.corrections.findings import FindingKind
from service.corrections.form import MOST, LabelChanges
from service.corrections.labels import flat
from service.corrections.store import LabelState
from service.corrections.tables import Appeal, Correction
from service.fields import CURSOR, NO_NUL, NoteId
from service.ids import pattern

AppealId = Annotated[str, StringConstraints(pattern=pattern("ap")), Field(examples=["ap_" + "0" * 32])]
MAX_REASON = 500
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_REASON, pattern=NO_NUL)]


class CorrectionRequest(BaseModel):
    """Labels to correct, and whether all labels of the note are right then."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"revision": 1, "labels": {"kind": "diagnostic", "rubric": {"need": 2}}}]}
    )

    revision: Annotated[StrictInt, Field(ge=1, le=2**31 - 1, description="The revision of the note that the trainer read.")]
    labels: Annotated[LabelChanges, Field(description="What is left out stays as it is.")] = {}
    complete: Annotated[
        StrictBool | None, Field(description="All labels are right: only such notes are exported. Left out, it stays as it was.")
    ] = None
    blind: Annotated[
        StrictBool, Field(description="A second check without sight of the first; it corrects nothing and tells agreement.")
    ] = False


class CorrectionEntry(BaseModel):
    """One field that a trainer corrected."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    field: str
    before: Any
    after: Any
    revision: int
    analysis_id: Annotated[str, Field(description="The model's analysis it was made over.")]
    model_version: str
    by_name: Annotated[str, Field(description="Empty where that person has been deleted.")]
    created: datetime
    appeal_id: str | None


class LabelsAnswer(BaseModel):
    """A note's labels as they count, beside the model's; and all corrections in the order they were made."""

    note_id: str
    revision: int
    analysis_id: str
    model_version: str
    labels: Annotated[dict[str, Any], Field(description="In the form of labels.md.")]
    model: Annotated[dict[str, Any], Field(description="As the model's analysis has them.")]
    corrected: Annotated[list[str], Field(description="The fields whose value is another than the model's.")]
    complete: bool
    checked_by: str | None
    checked: datetime | None
    corrections: list[CorrectionEntry]


def labels_answer(note_id: str, state: LabelState, corrections: Sequence[Correction]) -> LabelsAnswer:
    """The state as an answer."""
    review, analysis = state.review, state.analysis
    return LabelsAnswer(
        note_id=note_id, revision=analysis.revision, analysis_id=analysis.id, model_version=analysis.model_version, labels=state.labels,
        model=state.model, corrected=[f for f in flat(state.labels) if f in state.corrected], complete=state.complete,
        checked_by=review.by_name if review and review.complete else None, checked=review.changed if review and review.complete else None,
        corrections=[CorrectionEntry.model_validate(c) for c in corrections],
    )  # fmt: skip


class FindingMark(BaseModel):
    """A finding of the note's analysis that is none."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[FindingKind, Field(description="kp: this person is no first KP; person: no person of the customer's side.")]
    quote: Annotated[
        str, StringConstraints(min_length=1, pattern=NO_NUL), Field(description="The finding's words as the analysis has them.")
    ]


class ScoreObjection(BaseModel):
    """An objection to the score."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Words, Field(description="Why, for the trainer.")]
    dimension: Annotated[DimensionId | None, Field(description="The part of the score it is about.")] = None


class AppealRequest(BaseModel):
    """What a rep says against the analysis of a stored note: findings that are none, the score, or both."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"score": {"reason": "需求写了，在第二句", "dimension": "need"}}]}
    )

    findings: Annotated[list[FindingMark], Field(max_length=MOST)] = []
    score: ScoreObjection | None = None

    @model_validator(mode="after")
    def _something(self) -> AppealRequest:
        if not self.findings and self.score is None:
            raise ValueError("Name findings, the score, or both")
        return self


class AppealAnswer(BaseModel):
    """An appeal; `finding` or `reason` says what it is about."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    note_id: str
    revision: int
    analysis_id: str
    kind: Literal["finding", "score"]
    finding: dict[str, Any] | None
    dimension: str | None
    reason: str | None
    state: State
    answer: str | None
    decided_by_name: str | None
    created: datetime
    decided: datetime | None


class AppealsAnswer(BaseModel):
    """Appeals of one request."""

    appeals: list[AppealAnswer]


class AppealsPage(AppealsAnswer):
    """A page of appeals, the newest first; `next` is null on the last."""

    next: str | None


class AppealFilter(BaseModel):
    """Which appeals."""

    model_config = ConfigDict(extra="forbid")

    state: State | None = None
    note: NoteId | None = None
    limit: Annotated[int, Field(ge=1, le=200, description="Entries a page.")] = 50
    cursor: Annotated[AppealId | None, Field(description=CURSOR)] = None


class DecisionRequest(BaseModel):
    """A trainer's decision."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"verdict": "rejected", "answer": "需求要写客户亲口说的"}]})

    verdict: Verdict
    answer: Annotated[Words | None, Field(description="What the rep reads; a rejection needs one.")] = None
    labels: Annotated[
        LabelChanges, Field(description="Labels to set where it is accepted. A finding is taken out where nothing is named.")
    ] = {}


def appeal_answer(row: Appeal) -> AppealAnswer:
    """An appeal in an answer."""
    return AppealAnswer.model_validate(row)
