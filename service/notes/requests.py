"""What callers send to have a note stored, and what they get back."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, field_validator, model_validator

from models.analysis import Analysis, KindLabel, KpStatus, ObjectionStatus, ObjectionType, OutcomeLabel
from service.fields import NO_NUL, Name, PersonId, TeamId
from service.notes.tables import AnalysisObjection, NoteRevision, StoredAnalysis, StoredNote
from service.requests import EXAMPLE_TEXT, MAX_BATCH, ItemError, written_date

RUBRIC = "The version of the tenant's rubric it was scored by; 0 is labels.md's own."


class StoreRequest(BaseModel):
    """A visit note to store. Sent again with the same crm_id, what is left out stays as it was."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"crm_id": "visit-1042", "text": EXAMPLE_TEXT, "visited_at": "2026-11-24", "customer": "城北恒达五金"}]
        },
    )

    text: Annotated[str, Field(min_length=1, pattern=NO_NUL, description="The visit note as the rep typed it, not blank.")]
    visited_at: Annotated[date | None, BeforeValidator(written_date), Field(description="The day of the visit. Default: today.")] = None
    crm_id: Annotated[Name | None, Field(description="The CRM's id of this note; the same id again is the same note.")] = None
    team_id: Annotated[TeamId | None, Field(description="Default: the rep's team.")] = None
    rep_id: PersonId | None = None
    rep_external_id: Annotated[Name | None, Field(description="The rep by the CRM's id instead of rep_id.")] = None
    customer: Annotated[Name | None, Field(description="The customer's name.")] = None
    customer_id: Annotated[Name | None, Field(description="The CRM's id of the customer.")] = None
    draft: Annotated[StrictBool, Field(description="Drafts are never stored: true is refused; POST /v1/analyses takes drafts.")] = False

    @field_validator("draft")
    @classmethod
    def _no_draft(cls, value: bool) -> bool:
        if value:
            raise ValueError("A draft is never stored")
        return value

    @model_validator(mode="after")
    def _one_rep(self) -> StoreRequest:
        if self.rep_id is not None and self.rep_external_id is not None:
            raise ValueError("Name the rep by rep_id or by rep_external_id, not both")
        return self


class StoreBatchRequest(BaseModel):
    """Up to 1,000 notes to store; each is checked and stored by itself, so one fault does not lose the others."""

    model_config = ConfigDict(extra="forbid")

    notes: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH, description="The notes, each as in POST /v1/notes.")]


class ObjectionSummary(BaseModel):
    """An objection's type and status, for lists."""

    type: ObjectionType
    status: ObjectionStatus


class AnalysisSummary(BaseModel):
    """What lists say of an analysis."""

    id: str
    model_version: str
    rubric_version: Annotated[int, Field(description=RUBRIC)]
    kind: KindLabel
    score: int
    grade: str
    kp_status: KpStatus
    outcome: OutcomeLabel
    price_gap: Annotated[float | None, Field(description="Ours minus the other's, yuan; of a range its low end.")]
    price_gap_percent: float | None
    price_gap_against: Literal["competitor", "customer"] | None
    objections: list[ObjectionSummary]


class AnalysisAnswer(BaseModel):
    """One analysis of one revision of a note by one model version."""

    id: str
    revision: Annotated[int, Field(description="The revision of the note whose text the offsets count.")]
    current: bool
    model_version: str
    rubric_version: Annotated[int, Field(description=RUBRIC)]
    created: datetime
    corrected: Annotated[bool, Field(description="A trainer's corrections stand in it; the model's own analysis is kept beside it.")]
    result: Annotated[Analysis, Field(description="As the model version gave it at that time.")]


class _NoteFields(BaseModel):
    id: str
    crm_id: str | None
    source: Annotated[str, Field(description="Who owns crm_id: an integration, a rep, or api.")]
    team_id: str | None
    rep_id: str | None
    customer: str | None
    customer_id: str | None
    visited_at: date
    text: str
    revision: int
    created: datetime
    changed: datetime


class NoteAnswer(_NoteFields):
    """A stored note with its current analysis."""

    analysis: AnalysisAnswer


class NoteEntry(_NoteFields):
    """A stored note in a list."""

    analysis: AnalysisSummary


class NotesAnswer(BaseModel):
    """A page of notes; `next` is null on the last."""

    notes: list[NoteEntry]
    next: str | None


class AnalysesAnswer(BaseModel):
    """All analyses of a note, the newest first."""

    analyses: list[AnalysisAnswer]


class RevisionAnswer(BaseModel):
    """An earlier text of a note."""

    model_config = ConfigDict(from_attributes=True)

    revision: int
    text: str
    visited_at: date
    replaced: datetime


class RevisionsAnswer(BaseModel):
    """The earlier texts of a note, the newest first."""

    revisions: list[RevisionAnswer]


class StoredEntry(BaseModel):
    """A note of a batch that is stored."""

    id: str
    crm_id: str | None
    change: Annotated[Literal["created", "revised", "same"], Field(description="same: stored already, nothing new was analyzed.")]
    analysis: AnalysisSummary


class StoreBatchAnswer(BaseModel):
    """One entry a note, in the order of the request."""

    notes: list[StoredEntry | ItemError]
    errors: int = Field(description="How many entries are errors.")


def note_fields(note: StoredNote) -> dict[str, Any]:
    """The fields of a note in an answer."""
    same = ("id", "crm_id", "source", "team_id", "customer", "customer_id", "visited_at", "text", "revision", "created", "changed")
    return {"rep_id": note.person_id, **{name: getattr(note, name) for name in same}}


def analysis_fields(row: StoredAnalysis) -> dict[str, Any]:
    """An analysis in an answer. The result is given as it was stored: an older version's is not fitted to today's form."""
    same = ("id", "revision", "current", "model_version", "rubric_version", "created")
    return {"result": json.loads(row.result), "corrected": row.review_id is not None, **{name: getattr(row, name) for name in same}}


def summary(row: StoredAnalysis, objections: list[AnalysisObjection]) -> AnalysisSummary:
    """An analysis in a list."""
    same = [name for name in AnalysisSummary.model_fields if name != "objections"]
    listed = [{"type": o.type, "status": o.status} for o in objections]
    return AnalysisSummary.model_validate({"objections": listed, **{name: getattr(row, name) for name in same}})


def revision_answer(row: NoteRevision) -> RevisionAnswer:
    """An earlier text in an answer."""
    return RevisionAnswer.model_validate(row)
