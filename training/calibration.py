"""Calibration of the probabilities shown, the thresholds for a second look, and how reliable both are.

Calibration is fitted on held-out predictions of train (folds by writer), thresholds are chosen on dev, both are reported on test.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np
from spacy.tokens import Doc

from models.analysis import DecisionRole
from models.reliability import Field, Reliability
from training.corpus import LabelledNote
from training.fit import sigmoid_calibration
from training.scoring import same_person

Pairs = list[tuple[float, bool]]
"""(probability shown, whether it was right) of each finding."""
RIGHT = 0.95
FEWEST = 20
"""Above a threshold at least so many dev findings must lie."""
FIELDS: tuple[Field, ...] = get_args(Field)


def _person_right(note: LabelledNote, mention: str, role: DecisionRole) -> bool:
    return any(same_person(p["mention"], mention) and p["decision_role"] == role for p in note["people"])


def raw_pairs(note: LabelledNote, doc: Doc) -> dict[Field, Pairs]:
    """The raw probabilities of a note's findings on a Doc whose predictions were made without the note."""
    judgement = doc._.judgement
    kinds = {o["type"] for o in note["objections"]}
    return {
        "kind": [(judgement.kind_probability, judgement.kind_label == note["kind"])],
        "outcome": [(judgement.outcome_probability, judgement.outcome_label == note["outcome"])],
        "people": [(p.role_probability, _person_right(note, p.mention, p.role)) for p in doc._.people],
        "objections": [(o.probability, o.type in kinds) for o in doc._.objections],
    }


def shown_pairs(note: LabelledNote, analysis: dict[str, Any]) -> dict[Field, Pairs]:
    """The probabilities of a note's findings as its analysis shows them."""
    kinds = {o["type"] for o in note["objections"]}
    return {
        "kind": [(analysis["kind"]["probability"], analysis["kind"]["label"] == note["kind"])],
        "outcome": [(analysis["outcome"]["probability"], analysis["outcome"]["label"] == note["outcome"])],
        "people": [(p["probability"], _person_right(note, p["mention"], p["decision_role"])) for p in analysis["people"]],
        "objections": [(o["probability"], o["type"] in kinds) for o in analysis["objections"]],
    }


def gathered(parts: Sequence[dict[Field, Pairs]]) -> dict[Field, Pairs]:
    """The pairs of many notes, by field."""
    return {field: [pair for part in parts for pair in part[field]] for field in FIELDS}


def fit_calibration(pairs: dict[Field, Pairs]) -> dict[str, tuple[float, float]]:
    """Field to Platt's (slope, shift) over the log-odds of held-out predictions."""
    out: dict[str, tuple[float, float]] = {}
    for field, found in pairs.items():
        raw = np.clip(np.array([p for p, _ in found]), 1e-4, 1 - 1e-4)
        right = np.array([r for _, r in found], dtype=np.int64)
        if 0 < right.sum() < len(right):
            out[field] = sigmoid_calibration(np.log(raw / (1 - raw)), right)
    return out


def review_threshold(pairs: Pairs) -> float:
    """The lowest probability from which on at least RIGHT of the findings, and at least FEWEST of them, are right; 2.0 where there is none."""
    ordered = sorted(pairs, reverse=True)
    right = 0
    threshold = 2.0
    for count, (probability, ok) in enumerate(ordered, 1):
        right += ok
        following = ordered[count][0] if count < len(ordered) else -1.0
        if probability != following and count >= FEWEST and right >= RIGHT * count:
            threshold = probability
    return threshold


def calibrated(reliability: Reliability, pairs: dict[Field, Pairs]) -> dict[Field, Pairs]:
    """Raw pairs with their probabilities calibrated."""
    return {field: [(reliability.probability(field, p), ok) for p, ok in found] for field, found in pairs.items()}


def calibration_error(pairs: Pairs, bins: int = 10) -> float | None:
    """Expected calibration error: the mean distance of probability and accuracy over equal-width bins."""
    if not pairs:
        return None
    out = 0.0
    for b in range(bins):
        inside = [(p, right) for p, right in pairs if b / bins < p <= (b + 1) / bins]
        out += abs(sum(p for p, _ in inside) - sum(right for _, right in inside))
    return out / len(pairs)


def reliability_rows(pairs: Pairs, bins: int = 5) -> list[tuple[float, float, int]]:
    """(mean probability, share right, how many) of each filled bin: the reliability curve."""
    rows = []
    for b in range(bins):
        inside = [(p, right) for p, right in pairs if b / bins < p <= (b + 1) / bins]
        if inside:
            rows.append((float(np.mean([p for p, _ in inside])), float(np.mean([r for _, r in inside])), len(inside)))
    return rows


def coverage(pairs: Pairs, threshold: float) -> tuple[float, float | None]:
    """(share of findings at or above the threshold, share of these that are right)."""
    above = [right for p, right in pairs if p >= threshold]
    return (len(above) / len(pairs) if pairs else 0.0), (sum(above) / len(above) if above else None)
