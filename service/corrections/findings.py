"""What a rep marks as wrong: a finding of an analysis; and the labels without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from models.kp import kp_status
from models.people import FoundPerson
from service.corrections.labels import Labels, changed_fields, flat

FindingKind = Literal["kp", "person", "objection", "price", "competitor", "class", "step", "funds"]
"""What the note page tells apart (service/texts.py, dispute). `kp`: somebody is no first KP."""


def matches(result: Mapping[str, Any], kind: str, quote: str) -> dict[str, Any] | None:
    """The analysis's finding of this kind with these words, as {kind, quote, start, end, type}; None where it has none."""
    for found, type_, words in _of_kind(result, kind):
        if words == quote:
            return {"kind": kind, "quote": quote, "start": found["start"], "end": found["end"], "type": type_}
    return None


def _of_kind(result: Mapping[str, Any], kind: str) -> list[tuple[Mapping[str, Any], str | None, str]]:
    if kind in ("kp", "person"):
        people = [p for p in result["people"] if kind == "person" or p["decision_role"] == "first_kp"]
        return [(p, p["decision_role"], p["mention"]) for p in people]
    if kind == "objection":
        return [(o, o["type"], o["quote"]) for o in result["objections"]]
    if kind == "price":
        return [(m, m["role"], m["quote"]) for m in result["price"]["mentions"] if m["role"] != "other"]
    if kind == "competitor":
        return [(c, None, c["mention"]) for c in result["competitors"]]
    field = {"class": "customer_class", "step": "next_step", "funds": "funds_date"}[kind]
    found = result[field]
    return [(found, None, found["quote"])] if found else []


def status_of(people: Sequence[Mapping[str, Any]], text: str) -> str:
    """kp_status as it follows from the people (labels.md, boundary cases)."""
    found = [FoundPerson(p["mention"], 0, 0, (), None, p["decision_role"], 1.0, p["met"], 1.0) for p in people]
    return kp_status(found, text)


def without(labels: Labels, finding: Mapping[str, Any], text: str) -> dict[str, Any]:
    """The fields to set so that the finding is gone."""
    kind, quote = finding["kind"], finding["quote"]
    out = dict(labels)
    if kind in ("kp", "person"):
        if kind == "person":
            out["people"] = [p for p in labels["people"] if p["mention"] != quote]
        else:
            out["people"] = [{**p, "decision_role": "unknown"} if p["mention"] == quote else p for p in labels["people"]]
        out["kp_status"] = status_of(out["people"], text)
    elif kind == "objection":
        out["objections"] = [o for o in labels["objections"] if (o["type"], o["quote"]) != (finding["type"], quote)]
    elif kind == "price":
        side = str(finding["type"]).removeprefix("gap_")
        gone = {} if str(finding["type"]).startswith("gap_") else {side: None}
        gaps = [g for g in labels["price"]["gaps"] if side not in ("ours", g["against"])]
        out["price"] = {**labels["price"], **gone, "gaps": gaps}
    elif kind == "competitor":
        out["competitors"] = [c for c in labels["competitors"] if c != quote]
    else:
        out[{"class": "customer_class", "step": "next_step", "funds": "funds_date"}[kind]] = None
    after = flat(out)
    return {field: after[field] for field in changed_fields(labels, out)}
