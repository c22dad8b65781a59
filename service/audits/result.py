"""An audit's figures, frozen: the same for the API, the pages and the reports. Notes are counted, one note once."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from models.analysis import DimensionId, KindLabel, KpStatus, ObjectionType
from service.audits.selection import Selection

CustomerReason = Literal["unproven", "not_moving", "asleep"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class VersionFigure(_Frozen):
    """A model version and how many of the notes it analyzed."""

    version: str
    notes: int


class RubricFigure(_Frozen):
    """A version of the rubric (0: labels.md's own) and how many of the notes are scored by it."""

    version: int
    notes: int


class ScoreBin(_Frozen):
    """Notes with scores from `low` to `high`, both included, by kind."""

    low: int
    high: int
    diagnostic: int
    flow_of_events: int


class KpFigure(_Frozen):
    """Notes by whether the first KP was reached."""

    status: KpStatus
    notes: int


class ObjectionFigure(_Frozen):
    """Notes with an objection of a type; one with both counts as open and as resolved."""

    type: ObjectionType
    name: str
    open: int
    resolved: int


class GapBin(_Frozen):
    """Notes whose price gap, ours minus the other's in percent of it, lies from `low` to below `high`."""

    low: float | None
    high: float | None
    competitor: int
    customer: int


class PartFigure(_Frozen):
    """One of the ten parts of the rubric: in how many notes it is missing or vague, and the points that costs a note on average, each by the
    rubric its score carries; `weight` is that of the rubric which is on now."""

    dimension: DimensionId
    name: str
    weight: int
    missing: int
    vague: int
    points_lost: float


class RepFigure(_Frozen):
    """A rep's notes; `rep_id` is null for notes that name none. `bins` are notes by tens of the score, as in `scores`."""

    rep_id: str | None
    name: str
    notes: int
    mean_score: float
    diagnostic: int
    met_first_kp: int
    bins: list[int]
    parts: list[PartFigure]


class StepFigure(_Frozen):
    """A week (from Monday) or a month; both days are cut to the period."""

    first: date
    last: date
    notes: int
    mean_score: float
    diagnostic: int
    met_first_kp: int
    bins: list[int]


class CustomerFigure(_Frozen):
    """A customer to speak about. `customer` is the CRM's id, else the name; `visits` are days of visits up to the period's end."""

    customer: str
    name: str
    rep_id: str | None
    rep: str
    visits: int
    last_visit: date
    days_since: int
    note_id: Annotated[str, Field(description="The newest note.")]


class RepCount(_Frozen):
    """How many of a rep's customers."""

    rep_id: str | None
    name: str
    customers: int


class CustomerList(_Frozen):
    """All customers of a kind are counted, by rep too; the first ones are listed."""

    reason: CustomerReason
    count: int
    by_rep: list[RepCount]
    customers: list[CustomerFigure]


class Reason(_Frozen):
    """Why a note is a good or a weak one: a part of the rubric, with the words it rests on or the advice for it."""

    dimension: DimensionId
    name: str
    points_lost: float
    quote: str | None
    advice: str | None


class NoteFigure(_Frozen):
    """One of the best or weakest notes."""

    note_id: str
    rep: str
    customer: str | None
    visited_at: date
    score: int
    grade: str
    kind: KindLabel
    opening: str
    reasons: list[Reason]


class Example(_Frozen):
    """Where a topic shows: the words of a note, and what to ask or add there."""

    note_id: str
    customer: str | None
    visited_at: date
    quote: str
    remark: str


class Topic(_Frozen):
    """What to coach a rep in: the part that costs most points. None where there are too few notes to say."""

    rep_id: str
    name: str
    notes: int
    part: PartFigure | None
    team_points_lost: Annotated[float | None, Field(description="What this part costs the whole selection's notes on average.")]
    examples: list[Example]


class Audit(_Frozen):
    """Figures over a selection. Each note counts in its newest revision, by its newest analysis."""

    selection: Selection
    team_name: str | None
    notes: int
    mean_score: float | None
    diagnostic: int
    signed: int
    model_versions: list[VersionFigure]
    rubric_versions: list[RubricFigure]
    scores: list[ScoreBin]
    steps: list[StepFigure]
    reps: list[RepFigure]
    kp: list[KpFigure]
    objections: list[ObjectionFigure]
    gaps: list[GapBin]
    gaps_without_percent: Annotated[int, Field(description="Notes whose gap is known in yuan alone.")]
    parts: Annotated[list[PartFigure], Field(description="The most common missing part first.")]
    customers: list[CustomerList]
    best: list[NoteFigure]
    weakest: list[NoteFigure]
    topics: list[Topic]
