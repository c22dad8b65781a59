"""What of an analysis is filtered and counted: pure, from the result to the values of the columns."""

from __future__ import annotations

from typing import Any

from models.analysis import Amount, Analysis


def low_end(amount: Amount | None) -> float | None:
    """One number for an amount in yuan: of a range its low end, or its high end where the low one is open."""
    if amount is None:
        return None
    if isinstance(amount, tuple):
        low, high = amount
        return float(low) if low is not None else None if high is None else float(high)
    return float(amount)


def columns(analysis: Analysis) -> dict[str, Any]:
    """Values of StoredAnalysis. The gap is the one to the competitor, where the note has none the one to the customer's figure."""
    gaps = sorted(analysis.price.gaps, key=lambda g: g.against != "competitor")
    gap = gaps[0] if gaps else None
    return {
        "model_version": analysis.model.version,
        "kind": analysis.kind.label,
        "score": analysis.quality.score,
        "grade": analysis.quality.grade,
        "kp_status": analysis.kp.status,
        "outcome": analysis.outcome.label,
        "price_gap": low_end(gap.amount) if gap else None,
        "price_gap_percent": gap.percent if gap else None,
        "price_gap_against": gap.against if gap else None,
    }
