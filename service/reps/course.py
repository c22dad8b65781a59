"""A rep's own course: scores over time, what is left out most, open objections by customer; and the line that draws the scores."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from models.analysis import DimensionId
from service.reps.brief import OpenObjection, make_brief
from service.reps.visits import Visit

LEFT_OUT = 3
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 680, 220, 46, 12, 12, 28


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of the rubric, how often it was absent or vague, and the points that this cost a note on average."""

    id: DimensionId
    name: str
    notes: int
    share: float
    points: float
    advice: str


@dataclass(frozen=True, slots=True)
class Point:
    """A note in the drawing."""

    x: float
    y: float
    score: int
    day: date
    customer: str | None


@dataclass(frozen=True, slots=True)
class Line:
    """Scores as a drawing of WIDTH by HEIGHT: dots of notes, a line through the mean of the five notes up to each day's
    last, and the days at its ends."""

    points: list[Point]
    path: str
    first: date
    last: date


def missing_most(visits: Sequence[Visit]) -> list[Missing]:
    """The parts that cost most points."""
    lost: dict[DimensionId, float] = defaultdict(float)
    notes: dict[DimensionId, int] = defaultdict(int)
    about: dict[DimensionId, tuple[str, str]] = {}
    for visit in visits:
        for d in visit.analysis.quality.dimensions:
            if d.level < 2:
                lost[d.id] += d.weight * (2 - d.level) / 2
                notes[d.id] += 1
                if d.id not in about or d.level == 0:
                    about[d.id] = (d.name, d.advice or "")
    worst = sorted(lost, key=lambda i: -lost[i])[:LEFT_OUT]
    return [Missing(i, about[i][0], notes[i], notes[i] / len(visits), lost[i] / len(visits), about[i][1]) for i in worst]


def open_by_customer(visits: Sequence[Visit], today: date) -> list[tuple[str, list[OpenObjection]]]:
    """Customers with objections that no later note resolves, the last visited first; one who has signed since has none."""
    by: dict[str, list[Visit]] = defaultdict(list)
    for visit in visits:
        if visit.customer:
            by[visit.customer].append(visit)
    out = []
    for customer, theirs in sorted(by.items(), key=lambda item: item[1][-1].visited_at, reverse=True):
        still = make_brief(customer, theirs, today).open_objections
        if still and theirs[-1].analysis.outcome.label != "signed":
            out.append((customer, still))
    return out


def score_line(visits: Sequence[Visit]) -> Line | None:
    """The drawing of scores over time; None below two notes."""
    if len(visits) < 2:
        return None
    first, last = visits[0].visited_at, visits[-1].visited_at
    days = max((last - first).days, 1)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / days, 1)

    def y(score: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - score / 100), 1)

    scores = [v.analysis.quality.score for v in visits]
    points = [Point(x(v.visited_at), y(s), s, v.visited_at, v.customer) for v, s in zip(visits, scores, strict=True)]
    means = [sum(scores[max(0, i - 4) : i + 1]) / len(scores[max(0, i - 4) : i + 1]) for i in range(len(scores))]
    of_day = {p.x: y(m) for p, m in zip(points, means, strict=True)}
    path = " ".join(f"{x},{y}" for x, y in of_day.items())
    return Line(points, path, first, last)
