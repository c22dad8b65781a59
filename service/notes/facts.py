"""What of a note and its analysis is filtered and counted: pure, from the result to the values of the columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from models.analysis import Amount, Analysis
from service.notes.tables import StoredAnalysis, StoredNote


@dataclass(frozen=True, slots=True)
class BitField:
    """A field of NoteFacts.packed: its bits begin at `shift`. `labels` are what its values 0, 1, … mean, where they are labels."""

    shift: int
    bits: int
    labels: tuple[str | None, ...] = ()

    @property
    def mask(self) -> int:
        """The bits of a value."""
        return (1 << self.bits) - 1

    def put(self, value: int) -> int:
        """The value in its place. Raises ValueError where it does not fit: it would change its neighbour."""
        if not 0 <= value <= self.mask:
            raise ValueError("A fact does not fit its bits")
        return value << self.shift

    def label(self, label: str | None) -> int:
        """The label in its place."""
        return self.put(self.labels.index(label))


# Never change a place or an order: stored rows are read by them. Something new takes bits from 53 on (62 is the last).
SCORE = BitField(0, 7)
KIND = BitField(7, 1, ("diagnostic", "flow_of_events"))
KP = BitField(8, 2, ("met_first_kp", "met_other_only", "met_nobody", "unclear"))
OUTCOME = BitField(10, 2, ("signed", "not_signed", "unclear"))
CUSTOMER_CLASS = BitField(12, 3, (None, "A", "B", "C", "D"))
GAP_SIDE = BitField(15, 2, (None, "competitor", "customer"))
OBJECTIONS = {
    (type_, status): BitField(17 + 2 * place + (status == "resolved"), 1)
    for place, type_ in enumerate(("price", "payment", "authority", "stall", "need", "product", "trust", "incumbent"))
    for status in ("open", "resolved")
}
LEVELS = {
    dimension: BitField(33 + 2 * place, 2)
    for place, dimension in enumerate(
        ("kp", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step")
    )
}
OF_NOTE = ("team_id", "person_id", "visited_at", "hidden")


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
        "rubric_version": analysis.quality.rubric_version or 0,
        "score": analysis.quality.score,
        "grade": analysis.quality.grade,
        "kp_status": analysis.kp.status,
        "outcome": analysis.outcome.label,
        "price_gap": low_end(gap.amount) if gap else None,
        "price_gap_percent": gap.percent if gap else None,
        "price_gap_against": gap.against if gap else None,
    }


def note_values(note: StoredNote) -> dict[str, Any]:
    """The part of NoteFacts that is the note's. A customer is told from others by the CRM's id, else by the name."""
    return {"customer_key": note.customer_id or note.customer, **{name: getattr(note, name) for name in OF_NOTE}}


def analysis_values(row: StoredAnalysis, analysis: Analysis) -> dict[str, Any]:
    """The part of NoteFacts that is the analysis's."""
    packed = SCORE.put(row.score) | KIND.label(row.kind) | KP.label(row.kp_status) | OUTCOME.label(row.outcome)
    packed |= CUSTOMER_CLASS.label(analysis.customer_class.label if analysis.customer_class else None)
    packed |= GAP_SIDE.label(row.price_gap_against)
    for objection in analysis.objections:
        packed |= OBJECTIONS[objection.type, objection.status].put(1)
    for dimension in analysis.quality.dimensions:
        packed |= LEVELS[dimension.id].put(dimension.level)
    same = ("model_version", "rubric_version", "price_gap_percent")
    return {"packed": packed, **{name: getattr(row, name) for name in same}}
