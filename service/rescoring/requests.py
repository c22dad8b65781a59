"""What admins and trainers send and get about rubrics."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.fields import NO_NUL, NoteId
from service.rescoring.selecting import PastNotes
from service.rubrics.content import RubricContent

PART = 500
"""Notes that one request to apply gives new scores."""


class RubricRequest(RubricContent):
    """A rubric to keep as a new version; it is not switched on by that."""

    remark: Annotated[str, Field(max_length=200, pattern=NO_NUL, description="Why it was changed.")] = ""


class ApplyRequest(PastNotes):
    """Past notes to give the score of the version that is on, a part of them a request."""

    cursor: Annotated[NoteId | None, Field(description="The `next` of the answer before; none begins.")] = None


class RubricAnswer(BaseModel):
    """A version. `author` and the times are null for version 0, labels.md's own."""

    version: int
    content: RubricContent
    remark: str
    author: str | None
    created: datetime | None
    tried: Annotated[datetime | None, Field(description="When it was first tried on past notes; before that it cannot be switched on.")]
    on: bool


class RubricsAnswer(BaseModel):
    """Versions, the newest first; `next` is null on the last page."""

    on: Annotated[int, Field(description="The version that new notes are scored by; 0 is labels.md's own.")]
    previous: Annotated[int | None, Field(description="The version that a rollback switches on.")]
    rubrics: list[RubricAnswer]
    next: int | None


class SwitchAnswer(BaseModel):
    """The version that is on now."""

    model_config = ConfigDict(frozen=True)

    on: int


class AppliedAnswer(BaseModel):
    """What a part did; `next` is null when all are done."""

    applied: int
    unreadable: Annotated[int, Field(description="Results of an older form, left as they are.")]
    next: str | None
