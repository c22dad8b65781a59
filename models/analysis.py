"""The result types of one note's analysis, frozen, in the words of shared/spec/analysis.md.

Offsets are Unicode code points (Python string indices) of the note *as it was sent*: `note.text[start:end] == quote`.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

KindLabel = Literal["diagnostic", "flow_of_events"]
OutcomeLabel = Literal["signed", "not_signed", "unclear"]
DecisionRole = Literal["first_kp", "influencer", "contact", "unknown"]
KpStatus = Literal["met_first_kp", "met_other_only", "met_nobody", "unclear"]
ObjectionType = Literal["price", "payment", "authority", "stall", "need", "product", "trust", "incumbent"]
ObjectionStatus = Literal["open", "resolved"]
PriceRole = Literal["ours", "competitor", "customer", "gap_competitor", "gap_customer", "other"]
GapSide = Literal["competitor", "customer"]
CustomerClassLabel = Literal["A", "B", "C", "D"]
SentenceRole = Literal[
    "event", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step"
]
DimensionId = Literal[
    "kp", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step"
]
Amount = int | float | tuple[int | float | None, int | float | None]
"""A number of yuan, or (low, high) where one end may be open."""


@dataclass(frozen=True, slots=True)
class Note:
    """A visit note as it was sent. `visited_at` anchors relative dates such as 下周三."""

    text: str
    id: str | None = None
    visited_at: datetime.date | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the note, `note.text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Kind:
    """`needs_review`: the probability lies below what was right in 95 % of dev notes (models/reliability.py)."""

    label: KindLabel
    probability: float
    needs_review: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    label: OutcomeLabel
    probability: float
    needs_review: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    start: int
    end: int
    role: SentenceRole


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody on the customer's side. `because` are the places the decision role rests on."""

    mention: str
    start: int
    end: int
    title: str | None
    decision_role: DecisionRole
    met: bool
    probability: float
    needs_review: bool
    because: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Kp:
    status: KpStatus
    first_kp: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objection:
    type: ObjectionType
    status: ObjectionStatus
    quote: str
    start: int
    end: int
    probability: float
    needs_review: bool


@dataclass(frozen=True, slots=True)
class PriceMention:
    quote: str
    start: int
    end: int
    role: PriceRole
    amount: Amount | None
    percent: float | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Our price minus the other's, in yuan. `stated`: the note states the percent (or, where there is none, the amount) itself."""

    against: GapSide
    amount: Amount | None
    percent: float | None
    stated: bool


@dataclass(frozen=True, slots=True)
class Price:
    ours: Amount | None
    competitor: Amount | None
    customer: Amount | None
    currency: str
    unit: str | None
    gaps: tuple[Gap, ...]
    mentions: tuple[PriceMention, ...]


@dataclass(frozen=True, slots=True)
class Competitor:
    mention: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class CustomerClass:
    label: CustomerClassLabel
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Dated:
    """A quoted clause with its time expression and, where that names a day, its date."""

    quote: str
    start: int
    end: int
    when: str | None
    date: datetime.date | None


def _is_none(value: object) -> bool:
    return value is None


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the ten rubric levels: 0 absent, 1 vague, 2 specific. A level above 0 always has evidence. `addition` is there under a tenant's
    own rubric only: what to add, in one short line in the tenant's words."""

    id: DimensionId
    name: str
    weight: int
    level: int
    evidence: tuple[Place, ...]
    advice: str | None
    addition: Annotated[str | None, Field(exclude_if=_is_none)] = None


@dataclass(frozen=True, slots=True)
class Quality:
    """`score` is the sum of weight x level / 2 over the dimensions, 0 to 100. `rubric_version` is there under a tenant's own rubric only."""

    score: int
    grade: str
    dimensions: tuple[Dimension, ...]
    rubric_version: Annotated[int | None, Field(exclude_if=_is_none)] = None


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    why: str
    evidence: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    version: str
    trained_at: str


@dataclass(frozen=True, slots=True)
class Analysis:
    id: str | None
    kind: Kind
    outcome: Outcome
    sentences: tuple[Sentence, ...]
    people: tuple[Person, ...]
    kp: Kp
    objections: tuple[Objection, ...]
    price: Price
    competitors: tuple[Competitor, ...]
    customer_class: CustomerClass | None
    next_step: Dated | None
    funds_date: Dated | None
    quality: Quality
    questions: tuple[Question, ...]
    model: ModelVersion
