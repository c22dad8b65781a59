"""Which events a subscription wants: its types and its filters, checked when it is set, and asked of each event. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from models.analysis import Amount, Analysis, Gap, GapSide, KindLabel, KpStatus, ObjectionStatus, ObjectionType

EventType = Literal["note.analyzed", "note.deleted", "webhook.test"]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
"""`note.analyzed`: an analysis was stored (also a later one, by a newer model). `note.deleted`: a note is gone, and what was made of it should go.
`webhook.test`: sent on request while a subscription is set up; no filter holds it back."""

_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Score = Annotated[int, Field(ge=0, le=100, strict=True)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectionFilter(_Settings):
    """An objection of a type, in any or in one status."""

    type: ObjectionType
    status: Annotated[ObjectionStatus | None, Field(description="Without it: open or resolved.")] = None


class PriceGapFilter(_Settings):
    """A price difference (ours minus the other's). Without amounts: that the note has one at all."""

    against: GapSide | None = None
    amount_above: Annotated[
        float | None,
        Field(allow_inf_nan=False, description="Yuan. A gap with two ends counts by its upper one, an open end counts as above."),
    ] = None
    percent_above: Annotated[float | None, Field(allow_inf_nan=False)] = None


class Filters(_Settings):
    """All conditions given must hold; within a list, one is enough. Without conditions everything passes."""

    score_below: Annotated[_Score | None, Field(description="Passes where the score is smaller than this.")] = None
    score_above: Annotated[_Score | None, Field(description="Passes where the score is greater than this.")] = None
    kinds: Annotated[list[KindLabel] | None, Field(min_length=1)] = None
    kp_statuses: Annotated[list[KpStatus] | None, Field(min_length=1)] = None
    objections: Annotated[list[ObjectionFilter] | None, Field(min_length=1, max_length=16)] = None
    price_gap: PriceGapFilter | None = None
    teams: Annotated[list[_Id] | None, Field(min_length=1, max_length=200, description="Ids of teams.")] = None
    reps: Annotated[list[_Id] | None, Field(min_length=1, max_length=1000, description="Ids of reps.")] = None

    @model_validator(mode="after")
    def _some_score_passes(self) -> Filters:
        if self.score_below is not None and self.score_above is not None and self.score_above + 1 >= self.score_below:
            raise ValueError("No score is above score_above and below score_below")
        return self


class Selection(_Settings):
    """What a subscription receives."""

    event_types: Annotated[list[EventType], Field(min_length=1, max_length=len(EVENT_TYPES))] = ["note.analyzed", "note.deleted"]
    filters: Filters = Filters()
    include_text: Annotated[
        StrictBool, Field(description="Also send the note's text and its findings' quotes. They are personal data: off by default.")
    ] = False


@dataclass(frozen=True, slots=True)
class AnalysisFacts:
    """What filters ask of an analysis."""

    score: int
    kind: KindLabel
    kp_status: KpStatus
    objections: frozenset[tuple[ObjectionType, ObjectionStatus]]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What filters ask of an event. `analysis` is None where the event is not about one."""

    type: EventType
    team_id: str | None
    rep_id: str | None
    analysis: AnalysisFacts | None


def analysis_facts(analysis: Analysis) -> AnalysisFacts:
    """The facts of an analysis."""
    return AnalysisFacts(
        analysis.quality.score,
        analysis.kind.label,
        analysis.kp.status,
        frozenset((objection.type, objection.status) for objection in analysis.objections),
        analysis.price.gaps,
    )


def selects(selection: Selection, facts: Facts) -> bool:
    """Whether the event goes to a subscription with this selection."""
    if facts.type == "webhook.test":
        return True
    return facts.type in selection.event_types and matches(selection.filters, facts)


def matches(filters: Filters, facts: Facts) -> bool:
    """Whether the event passes the filters.

    Conditions on an analysis do not hold back an event without one: who received a note's analysis must hear of its deletion, and a deletion
    no longer knows the score.
    """
    if filters.teams is not None and facts.team_id not in filters.teams:
        return False
    if filters.reps is not None and facts.rep_id not in filters.reps:
        return False
    return facts.analysis is None or _passes(filters, facts.analysis)


def _passes(filters: Filters, analysis: AnalysisFacts) -> bool:
    return (
        (filters.score_below is None or analysis.score < filters.score_below)
        and (filters.score_above is None or analysis.score > filters.score_above)
        and (filters.kinds is None or analysis.kind in filters.kinds)
        and (filters.kp_statuses is None or analysis.kp_status in filters.kp_statuses)
        and (filters.objections is None or any(_has(analysis, wanted) for wanted in filters.objections))
        and (filters.price_gap is None or any(_gap_passes(filters.price_gap, gap) for gap in analysis.gaps))
    )


def _has(analysis: AnalysisFacts, wanted: ObjectionFilter) -> bool:
    return any(kind == wanted.type and wanted.status in (None, status) for kind, status in analysis.objections)


def _gap_passes(wanted: PriceGapFilter, gap: Gap) -> bool:
    if wanted.against is not None and gap.against != wanted.against:
        return False
    if wanted.amount_above is not None and not _above(gap.amount, wanted.amount_above):
        return False
    return wanted.percent_above is None or (gap.percent is not None and gap.percent > wanted.percent_above)


def _above(amount: Amount | None, bound: float) -> bool:
    if amount is None:
        return False
    if not isinstance(amount, tuple):
        return amount > bound
    upper = amount[1]
    return upper is None or upper > bound
