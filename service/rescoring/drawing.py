"""The distribution of scores before and after as bars of an SVG; the same numbers stand in a table beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from service.rescoring.trial import TrialBin

WIDTH, HEIGHT, BASE, TOP = 540, 190, 164, 14
STEP, BAR = 52, 21


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `count` stands over it where it is not 0."""

    x: int
    y: float
    height: float
    when: Literal["before", "after"]
    count: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Bars, and the middle of each pair with the scores it stands for."""

    bars: list[Bar]
    labels: list[tuple[int, str]]


def draw(bins: Sequence[TrialBin]) -> Drawing:
    """Two bars a bin, scaled to the highest."""
    most = max([n for b in bins for n in (b.before, b.after)] + [1])
    bars, labels = [], []
    for place, one in enumerate(bins):
        left = 12 + STEP * place
        labels.append((left + BAR, f"{one.low}–{one.high}"))
        for x, when, count in ((left, "before", one.before), (left + BAR, "after", one.after)):
            height = round((BASE - TOP) * count / most, 1)
            bars.append(Bar(x, BASE - height, height, when, count))  # type: ignore[arg-type]
    return Drawing(bars, labels)
