"""Whether two labels of one field say the same: the measure of shared/eval/score.py, quotes that touch counting as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from models.labels import DIMENSIONS
from models.quotes import touches
from service.corrections.labels import PRICE_SLOTS, Labels, flat

COMPARED: tuple[str, ...] = (
    "kind", "outcome", "people", "kp_status", "objections", "price", "competitors", "customer_class", "next_step", "funds_date",
    *(f"rubric.{d}" for d in DIMENSIONS), "must_ask",
)  # fmt: skip
"""Fields of which agreement is told. Prices count as one; evidence is not compared."""


def _paired(a: Sequence[Any], b: Sequence[Any], same: Callable[[Any, Any], bool]) -> bool:
    left = list(b)
    for x in a:
        twin = next((y for y in left if same(x, y)), None)
        if twin is None:
            return False
        left.remove(twin)
    return not left


def _same_people(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return touches(a["mention"], b["mention"]) and (a["decision_role"], a["met"]) == (b["decision_role"], b["met"])


def _same_objections(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return (a["type"], a["status"]) == (b["type"], b["status"]) and touches(a["quote"], b["quote"])


def _same_prices(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    def gaps(price: Mapping[str, Any]) -> list[str]:
        return sorted(f"{g['against']} {g['amount']} {g['percent'] if g['amount'] is None else ''}" for g in price["gaps"])

    return all(a[slot] == b[slot] for slot in PRICE_SLOTS) and gaps(a) == gaps(b)


def _same_step(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> bool:
    if a is None or b is None:
        return a is b
    return touches(a["quote"], b["quote"]) and (a["when"] == b["when"] or touches(a["when"], b["when"]))


def differing(a: Labels, b: Labels) -> list[str]:
    """The compared fields in which two labels of a note differ."""
    one, other = flat(a), flat(b)
    own: dict[str, bool] = {
        "people": _paired(a["people"], b["people"], _same_people),
        "objections": _paired(a["objections"], b["objections"], _same_objections),
        "price": _same_prices(a["price"], b["price"]),
        "competitors": sorted(a["competitors"]) == sorted(b["competitors"]),
        "next_step": _same_step(a["next_step"], b["next_step"]),
        "funds_date": a["funds_date"] == b["funds_date"] or touches(a["funds_date"], b["funds_date"]),
        "must_ask": sorted(a["must_ask"]) == sorted(b["must_ask"]),
    }
    return [field for field in COMPARED if not (own[field] if field in own else one[field] == other[field])]
