"""A note's text cut into pieces for a page: what each piece is found to be, and where quotes can jump to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from service.texts import LABELS

LAYERS = ("step", "objection", "funds", "class", "competitor", "price", "person")
"""Later ones lie over earlier ones where findings overlap: the smaller thing stays visible inside the longer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of an analysis: its place, its class of highlight, and what it is in words."""

    start: int
    end: int
    layer: str
    words: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text with one highlight or none. `place` is set where a finding or evidence begins: the offset quotes link to."""

    text: str
    layer: str
    words: str
    place: int | None


def findings(result: Mapping[str, Any]) -> list[Finding]:
    """What an analysis found, in the order of the text."""
    out = []

    def add(found: Mapping[str, Any], layer: str, words: str) -> None:
        out.append(Finding(found["start"], found["end"], layer, words))

    for p in result["people"]:
        add(p, "person", f"{LABELS['role'][p['decision_role']]}，{'见到了' if p['met'] else '没见到'}")
    for o in result["objections"]:
        add(o, "objection", f"异议：{LABELS['objection'][o['type']]}（{LABELS['status'][o['status']]}）")
    for m in result["price"]["mentions"]:
        if m["role"] != "other":
            add(m, "price", LABELS["price"][m["role"]])
    for c in result["competitors"]:
        add(c, "competitor", "对手")
    for name, layer, words in (
        ("customer_class", "class", "客户分类"),
        ("next_step", "step", "下一步"),
        ("funds_date", "funds", "到款时间"),
    ):
        if result[name]:
            add(result[name], layer, words)
    return sorted(out, key=lambda f: (f.start, f.end))


def pieces(text: str, result: Mapping[str, Any]) -> list[Piece]:
    """The whole text in pieces."""
    found = findings(result)
    evidence = [e for d in result["quality"]["dimensions"] for e in d["evidence"]] + [e for q in result["questions"] for e in q["evidence"]]
    places = {f.start for f in found} | {e["start"] for e in evidence}
    cuts = sorted({0, len(text), *places, *(f.end for f in found)} & set(range(len(text) + 1)))
    out = []
    for start, end in pairwise(cuts):
        over = [f for f in found if f.start <= start and end <= f.end]
        top = max(over, key=lambda f: LAYERS.index(f.layer), default=None)
        out.append(
            Piece(text[start:end], top.layer if top else "", "；".join(f.words for f in over), start if start in places else None)
        )  # fmt: skip
    return out
