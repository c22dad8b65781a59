"""The labels of a note in corpora's form (labels.md), read off an analysis; and the same as a flat table of the fields that are corrected
one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.labels import DIMENSIONS

Labels = dict[str, Any]
EVIDENCED = ("need", "recognition", "competition", "close_attempt", "diagnosis", "reflection")
"""Dimensions whose evidence is quoted; the others find theirs in people, objections, price and next step (corpora/WRITING.md)."""
PRICE_SLOTS = ("ours", "competitor", "customer")
FIELDS: tuple[str, ...] = (
    "kind", "outcome", "people", "kp_status", "objections", *(f"price.{part}" for part in (*PRICE_SLOTS, "gaps", "currency")), "competitors",
    "customer_class", "next_step", "funds_date", *(f"rubric.{d}" for d in DIMENSIONS), "must_ask", "evidence",
)  # fmt: skip
"""What is corrected field by field: a name of labels.md, with a dot where it lies inside one."""


def _gaps(price: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A percent only where the note states one: the analysis fills it in from the figures too."""
    stated = {m["role"] for m in price["mentions"] if m.get("percent") is not None}
    out = []
    for gap in price["gaps"]:
        percent = gap["percent"] if f"gap_{gap['against']}" in stated or gap["amount"] is None else None
        out.append({"against": gap["against"], "amount": gap["amount"], "percent": percent})
    return out


def from_result(text: str, result: Mapping[str, Any]) -> Labels:
    """The labels that an analysis (its stored JSON) gives the text it is of."""
    price, step, levels = result["price"], result["next_step"], result["quality"]["dimensions"]
    labels: Labels = {
        "kind": result["kind"]["label"],
        "outcome": result["outcome"]["label"],
        "people": [{name: p[name] for name in ("mention", "decision_role", "met")} for p in result["people"]],
        "kp_status": result["kp"]["status"],
        "objections": [{name: o[name] for name in ("type", "status", "quote")} for o in result["objections"]],
        "price": {**{slot: price[slot] for slot in PRICE_SLOTS}, "gaps": _gaps(price)},
        "competitors": list(dict.fromkeys(c["mention"] for c in result["competitors"])),
        "customer_class": result["customer_class"]["label"] if result["customer_class"] else None,
        "next_step": {"quote": step["quote"], "when": step["when"]} if step else None,
        "funds_date": (result["funds_date"]["when"] or result["funds_date"]["quote"]) if result["funds_date"] else None,
        "rubric": {d["id"]: d["level"] for d in levels},
        "must_ask": [q["id"] for q in result["questions"]],
        "evidence": {
            d["id"]: list(dict.fromkeys(text[e["start"] : e["end"]] for e in d["evidence"]))
            for d in levels
            if d["id"] in EVIDENCED and d["level"] and d["evidence"]
        },
    }
    if price["currency"] != "CNY":
        labels["price"]["currency"] = price["currency"]
    return labels


def flat(labels: Labels) -> dict[str, Any]:
    """The labels by FIELDS; the currency is CNY where none stands."""
    price, rubric = labels["price"], labels["rubric"]
    inside = {
        **{f"price.{part}": price[part] for part in (*PRICE_SLOTS, "gaps")},
        "price.currency": price.get("currency", "CNY"),
        **{f"rubric.{d}": rubric[d] for d in DIMENSIONS},
    }
    return {field: inside[field] if field in inside else labels[field] for field in FIELDS}


def whole(fields: Mapping[str, Any]) -> Labels:
    """Labels in corpora's form, in its order, from a flat table."""
    price = {part: fields[f"price.{part}"] for part in (*PRICE_SLOTS, "gaps")}
    if fields["price.currency"] != "CNY":
        price["currency"] = fields["price.currency"]
    inside = {"price": price, "rubric": {d: fields[f"rubric.{d}"] for d in DIMENSIONS}}
    return {name: inside[name] if name in inside else fields[name] for name in dict.fromkeys(f.partition(".")[0] for f in FIELDS)}


def overlaid(labels: Labels, other: Labels, fields: Iterable[str]) -> Labels:
    """The labels with these fields taken from the other's. A dimension set to another level keeps only evidence that goes with its level."""
    over = flat(other)
    return settled_evidence(whole({**flat(labels), **{field: over[field] for field in fields}}))


def settled_evidence(labels: Labels) -> Labels:
    """The labels without evidence of dimensions at level 0."""
    rubric = labels["rubric"]
    return {**labels, "evidence": {d: quotes for d, quotes in labels["evidence"].items() if rubric[d] and quotes}}


def changed_fields(before: Labels, after: Labels) -> list[str]:
    """The fields in which two labels differ, in the order of FIELDS."""
    a, b = flat(before), flat(after)
    return [field for field in FIELDS if a[field] != b[field]]
