"""How sure a difference between two ways is: bootstrap over the notes of a set, both ways on the same draws."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.corpus import LabelledNote
from training.fit import SEED
from training.scoring import score

RESAMPLES = 200
Predictions = dict[str, dict[str, Any]]


def difference_intervals(
    notes: Sequence[LabelledNote], ours: Predictions, theirs: Predictions, resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """Figure → the middle 95 % of ours - theirs over bootstrap samples of the notes; a figure that most samples do not have is left out."""
    rng = random.Random(SEED)
    found: dict[str, list[float]] = {}
    for _ in range(resamples):
        drawn = [rng.choice(notes) for _ in notes]
        gold = {str(i): n for i, n in enumerate(drawn)}
        a, b = (score(gold, {str(i): p[n["id"]] for i, n in enumerate(drawn)}) for p in (ours, theirs))
        for figure, value in a.items():
            other = b.get(figure)  # a way that says nothing of a field has no figure for it
            if value is not None and other is not None:
                found.setdefault(figure, []).append(value - other)
    return {
        figure: (float(low), float(high))
        for figure, values in found.items()
        if 2 * len(values) > resamples
        for low, high in [np.percentile(values, [2.5, 97.5])]
    }
