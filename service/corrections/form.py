"""What labels a caller may send: their form, and that every quote stands in the note (the rules of labels.md)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StringConstraints
from typing_extensions import TypedDict

from models.analysis import (
    CustomerClassLabel,
    DecisionRole,
    DimensionId,
    GapSide,
    KindLabel,
    KpStatus,
    ObjectionStatus,
    ObjectionType,
    OutcomeLabel,
)
from models.labels import QUESTION_IDS
from service.corrections.labels import EVIDENCED, Labels
from service.fields import NO_NUL
from service.problems import FieldFault

MOST = 50
"""People, objections, competitors, gaps or quotes of a note: more is no label but an accident."""
Quote = Annotated[str, StringConstraints(min_length=1, pattern=NO_NUL)]
Number = Annotated[StrictInt | StrictFloat, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Level = Annotated[StrictInt, Field(ge=0, le=2)]
QuestionId = Annotated[str, Field(json_schema_extra={"enum": list(QUESTION_IDS)})]
_CLOSED = ConfigDict(extra="forbid")
NOT_THERE = "These words do not stand in the note"


def _ends(value: list[Any]) -> list[Any]:
    low, high = value
    if (low is None and high is None) or (low is not None and high is not None and low > high):
        raise ValueError("A range is [low, high] with at most one open end")
    return value


Range = Annotated[list[Number | None], Field(min_length=2, max_length=2), AfterValidator(_ends)]
AmountLabel = Number | Range | None
"""Yuan: a number, or [low, high] with at most one open end."""


class PersonLabel(TypedDict):
    """Somebody of the customer's side."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    mention: Quote
    decision_role: DecisionRole
    met: StrictBool


class ObjectionLabel(TypedDict):
    """An objection and the clause that carries it."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    type: ObjectionType
    status: ObjectionStatus
    quote: Quote


class GapLabel(TypedDict):
    """Our price minus the other's; `percent` only where the note states one."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    against: GapSide
    amount: AmountLabel
    percent: Number | None


class StepLabel(TypedDict):
    """The next step, and its time as written."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    quote: Quote
    when: Quote | None


class PriceChanges(TypedDict, total=False):
    """The prices that are set."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    ours: AmountLabel
    competitor: AmountLabel
    customer: AmountLabel
    gaps: Annotated[list[GapLabel], Field(max_length=MOST)]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


def _known(ids: list[str]) -> list[str]:
    if set(ids) - set(QUESTION_IDS) or len(set(ids)) < len(ids):
        raise ValueError("One to three different questions of the catalogue")
    return ids


class LabelChanges(TypedDict, total=False):
    """Labels to set, in the form of labels.md; what is left out stays as it is."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    kind: KindLabel
    outcome: OutcomeLabel
    people: Annotated[list[PersonLabel], Field(max_length=MOST)]
    kp_status: KpStatus
    objections: Annotated[list[ObjectionLabel], Field(max_length=MOST)]
    price: PriceChanges
    competitors: Annotated[list[Quote], Field(max_length=MOST)]
    customer_class: CustomerClassLabel | None
    next_step: StepLabel | None
    funds_date: Quote | None
    rubric: dict[DimensionId, Level]
    must_ask: Annotated[list[QuestionId], Field(min_length=1, max_length=3), AfterValidator(_known)]
    evidence: dict[
        Literal["need", "recognition", "competition", "close_attempt", "diagnosis", "reflection"],
        Annotated[list[Quote], Field(max_length=MOST)],
    ]


def flat_changes(changes: LabelChanges) -> dict[str, Any]:
    """What is set, by the fields of service/corrections/labels.py. Evidence is one field, given whole."""
    out: dict[str, Any] = {}
    for name, value in changes.items():
        if name in ("price", "rubric"):
            assert isinstance(value, dict)
            out.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            out[name] = value
    return out


def _quotes(labels: Labels) -> Iterator[tuple[str, str]]:
    for i, person in enumerate(labels["people"]):
        yield f"people.{i}.mention", person["mention"]
    for i, objection in enumerate(labels["objections"]):
        yield f"objections.{i}.quote", objection["quote"]
    for i, competitor in enumerate(labels["competitors"]):
        yield f"competitors.{i}", competitor
    if labels["next_step"]:
        yield "next_step.quote", labels["next_step"]["quote"]
        if labels["next_step"]["when"]:
            yield "next_step.when", labels["next_step"]["when"]
    if labels["funds_date"]:
        yield "funds_date", labels["funds_date"]
    for dimension, quotes in labels["evidence"].items():
        for i, quote in enumerate(quotes):
            yield f"evidence.{dimension}.{i}", quote


def text_faults(text: str, labels: Labels) -> list[FieldFault]:
    """What is wrong with whole labels of a text whose form is right already."""
    faults = [FieldFault(field=field, message=NOT_THERE) for field, quote in _quotes(labels) if quote not in text]
    for i, gap in enumerate(labels["price"]["gaps"]):
        if gap["amount"] is None and gap["percent"] is None:
            faults.append(FieldFault(field=f"price.gaps.{i}", message="A gap has an amount or a percent"))
    faults += [
        FieldFault(field=f"evidence.{d}", message="Evidence of a part at level 0")
        for d in EVIDENCED
        if labels["evidence"].get(d) and not labels["rubric"][d]
    ]
    if not labels["must_ask"]:
        faults.append(FieldFault(field="must_ask", message="One to three questions of the catalogue"))
    return faults
