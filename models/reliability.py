"""How far a shown probability can be trusted: calibration of the models' raw probabilities, and from where on a finding needs no second look."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Literal

Field = Literal["kind", "outcome", "people", "objections"]
_EDGE = 1e-4
"""No probability is taken, or shown, as certain."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """`calibration`: field to (slope, shift) of a sigmoid over the raw log-odds, fitted on held-out predictions of train.

    `review`: field to the calibrated probability from which on 95 % were right on dev; above 1 where no probability reaches that.
    """

    calibration: dict[str, tuple[float, float]]
    review: dict[str, float]

    def probability(self, field: Field, raw: float) -> float:
        """The calibrated probability of a raw one, four decimals."""
        raw = min(max(raw, _EDGE), 1 - _EDGE)
        slope, shift = self.calibration.get(field, (1.0, 0.0))
        calibrated = 1 / (1 + exp(-(slope * log(raw / (1 - raw)) + shift)))
        return round(min(max(calibrated, _EDGE), 1 - _EDGE), 4)

    def needs_review(self, field: Field, probability: float) -> bool:
        """Whether a finding of this calibrated probability lies below the field's threshold."""
        return probability < self.review.get(field, 2.0)


UNKNOWN = Reliability({}, {})
"""Before calibration: raw probabilities, everything to be looked at."""
