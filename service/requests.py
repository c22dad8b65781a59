"""What callers send: one note, from the API or a line of a file, checked field by field."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from models.analysis import Analysis, Note
from models.text import normalize
from service.problems import FieldFault, Problem, faults_of, invalid

MAX_BATCH = 1000
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
EXAMPLE_TEXT = (
    "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总出差回来拍板。没把上线后省的人工讲清楚，怪我。下周三带案例去见王总。"
)


def written_date(value: Any) -> Any:
    """A date is written as a date: a number, in a query a string of digits, is not taken for seconds since 1970."""
    if isinstance(value, (int, float)) or (isinstance(value, str) and not _DATE.match(value)):
        raise ValueError("A date is written YYYY-MM-DD")
    return value


class NoteRequest(BaseModel):
    """One visit note."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"id": "crm-1042", "text": EXAMPLE_TEXT, "visited_at": "2026-11-24"}]}
    )

    text: Annotated[
        str,
        Field(
            min_length=1, description="The visit note as the rep typed it, not blank. Offsets in the answer count its Unicode code points."
        ),
    ]
    id: Annotated[str | None, Field(max_length=200, description="Echoed in the answer.")] = None
    visited_at: Annotated[
        date | None,
        BeforeValidator(written_date),
        Field(description="The day of the visit; relative dates (下周三) count from it. Default: today."),
    ] = None
    draft: Annotated[StrictBool, Field(description="True while the rep is still typing. A draft is never stored.")] = False


class BatchRequest(BaseModel):
    """Up to 1,000 notes; each is checked by itself, so one fault does not lose the others."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"notes": [{"id": "1", "text": EXAMPLE_TEXT}, {"id": "2", "text": "老板不在，资料放前台"}]}]},
    )

    notes: Annotated[list[Any], Field(min_length=1, max_length=MAX_BATCH, description="The notes, each as in POST /v1/analyses.")]


class ItemError(BaseModel):
    """What stands in a note's place where it could not be analyzed."""

    index: int = Field(description="The note's place in the request, from 0 (a file: its line or row, from 1).")
    id: str | None = None
    error: Problem


class BatchAnswer(BaseModel):
    """One entry a note, in the order of the request."""

    analyses: list[Analysis | ItemError]
    errors: int = Field(description="How many entries are errors.")


_NOTE = TypeAdapter(NoteRequest)


def text_problem(text: str, limit: int) -> Problem | None:
    """What is wrong with a note's text, if anything: too long, or blank."""
    if len(text) > limit:
        return invalid([FieldFault(field="text", message=f"The note has {len(text)} characters; the limit is {limit}")])
    if not normalize(text).text.strip():
        return invalid([FieldFault(field="text", message="The note is blank")])
    return None


def checked(request: NoteRequest, limit: int) -> Note | Problem:
    """The note of a request whose fields are of the right form, or the problem with its text."""
    return text_problem(request.text, limit) or Note(request.text, request.id, request.visited_at)


def parse_item(item: Any, limit: int) -> Note | Problem:
    """The note of one entry of a batch or file, or the problem with it."""
    try:
        request = _NOTE.validate_python(item)
    except ValidationError as error:
        return invalid(faults_of(error.errors(include_url=False, include_input=False, include_context=False)))
    return checked(request, limit)


def item_error(index: int, item: Any, problem: Problem) -> ItemError:
    """The error entry of one item, with its id where it has a usable one."""
    given = item.get("id") if isinstance(item, dict) else None
    return ItemError(index=index, id=given if isinstance(given, str) and len(given) <= 200 else None, error=problem)
