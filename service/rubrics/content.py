"""What a rubric may hold, checked: weights, and the wordings that differ from our own."""

from __future__ import annotations

import string
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints, field_validator

from models.analysis import DimensionId
from models.labels import DIMENSIONS, QUESTION_IDS, WEIGHTS
from models.questions import Catalogue
from models.rubric import STANDARD, Rubric, Texts

WHOLE = 100
HEAVIEST = 40
ADVICE_LENGTH, ADDITION_LENGTH, QUESTION_LENGTH = 120, 40, 200
_PLAIN = "[^\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u200b-\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ufeff]*"
"""One line without control, invisible and direction-changing characters: reps read it beside their own words."""


def _line(limit: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=limit, pattern=f"^{_PLAIN}$")


def _even(value: int) -> int:
    """Half a weight is what level 1 is worth: points stay whole."""
    if value % 2:
        raise ValueError("A weight is an even number, so that half of it is whole points")
    return value


@cache
def question_slots() -> frozenset[str]:
    """The names that a question's wording may have in braces."""
    return Catalogue().slots()


def _slots(value: str) -> str:
    """A wording is filled with the note's own words: nothing but a known name may stand in braces."""
    try:
        parts = list(string.Formatter().parse(value))
    except ValueError:
        raise ValueError("A brace has no partner") from None
    for _, name, form, conversion in parts:
        if name is not None and (name not in question_slots() or form or conversion):
            raise ValueError("Only these may stand in braces: " + ", ".join(sorted(question_slots())))
    return value


def _known(value: str) -> str:
    if value not in QUESTION_IDS:
        raise ValueError("There is no such question")
    return value


QuestionId = Annotated[str, AfterValidator(_known)]
Weight = Annotated[StrictInt, Field(ge=0, le=HEAVIEST), AfterValidator(_even)]
Advice = Annotated[str, _line(ADVICE_LENGTH)]
Addition = Annotated[str, _line(ADDITION_LENGTH)]
Question = Annotated[str, _line(QUESTION_LENGTH), AfterValidator(_slots)]


class AdviceTexts(BaseModel):
    """A dimension's advice; what is left out is our own."""

    model_config = ConfigDict(extra="forbid")

    absent: Annotated[Advice | None, Field(description="At level 0.")] = None
    vague: Annotated[Advice | None, Field(description="At level 1.")] = None


class AdditionTexts(BaseModel):
    """A dimension's one line of what to add; what is left out is our own."""

    model_config = ConfigDict(extra="forbid")

    absent: Annotated[Addition | None, Field(description="At level 0.")] = None
    vague: Annotated[Addition | None, Field(description="At level 1.")] = None


class RubricContent(BaseModel):
    """A rubric. Levels and what they mean are not its own (labels.md): it weighs and words them."""

    model_config = ConfigDict(extra="forbid")

    weights: Annotated[
        dict[DimensionId, Weight],
        Field(description=f"All ten, even whole numbers from 0 to {HEAVIEST}, {WHOLE} together.", examples=[dict(WEIGHTS)]),
    ]
    advice: dict[DimensionId, AdviceTexts] = {}
    additions: dict[DimensionId, AdditionTexts] = {}
    questions: Annotated[
        dict[QuestionId, Question],
        Field(description="A question's own wording; names in braces are filled."),
    ] = {}

    @field_validator("weights")
    @classmethod
    def _complete(cls, value: dict[DimensionId, int]) -> dict[DimensionId, int]:
        if set(value) != set(DIMENSIONS):
            raise ValueError("All ten dimensions need a weight")
        if sum(value.values()) != WHOLE:
            raise ValueError(f"The weights are {sum(value.values())} together; they must be {WHOLE}")
        return {d: value[d] for d in DIMENSIONS}


def standard_content() -> RubricContent:
    """labels.md's rubric: its weights, no wording of its own."""
    return RubricContent(weights=dict(STANDARD.weights))


def _texts(given: dict[DimensionId, AdviceTexts] | dict[DimensionId, AdditionTexts]) -> dict[DimensionId, Texts]:
    return {id_: (texts.absent, texts.vague) for id_, texts in given.items()}


def to_rubric(version: int, content: RubricContent) -> Rubric:
    """What a model scores by. Version 0 is labels.md's own."""
    if version == 0:
        return STANDARD
    return Rubric(version, content.weights, _texts(content.advice), _texts(content.additions), dict(content.questions))
