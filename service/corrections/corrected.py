"""An analysis with corrected labels put into it, so that lists, audits and briefs read the corrected values where they read the model's."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from models.analysis import Place, Quality
from models.lexicon import rows
from models.rubric import STANDARD, Rubric, scored
from service.corrections.labels import EVIDENCED, Labels, changed_fields, from_result

Result = dict[str, Any]
CERTAIN = {"probability": 1.0, "needs_review": False}
_QUALITY = TypeAdapter(Quality)


@functools.cache
def question_words() -> dict[str, str]:
    """Question id to its wording that needs nothing of the note: the last of the catalogue without a slot."""
    return {row[0]: row[1] for row in rows("questions.tsv") if "{" not in row[1]}


def _place(text: str, quote: str) -> dict[str, int]:
    start = max(text.find(quote), 0)
    return {"start": start, "end": start + len(quote) if quote in text else start}


def _people(text: str, result: Mapping[str, Any], labels: Labels) -> list[Result]:
    known = {p["mention"]: p for p in result["people"]}
    new: Result = {"title": None, "because": []}
    return [{**new, **_place(text, p["mention"]), **known.get(p["mention"], {}), **p, **CERTAIN} for p in labels["people"]]


def _objections(text: str, result: Mapping[str, Any], labels: Labels) -> list[Result]:
    known = {o["quote"]: _place(text, o["quote"]) | {"start": o["start"], "end": o["end"]} for o in result["objections"]}
    return [{**o, **known.get(o["quote"], _place(text, o["quote"])), **CERTAIN} for o in labels["objections"]]


def _gap(gap: Mapping[str, Any], other: Any) -> Result:
    """A gap with its percent filled in from the figures, base: the other's price (shared/spec/analysis.md)."""
    amount, percent = gap["amount"], gap["percent"]
    if percent is None and isinstance(amount, (int, float)) and isinstance(other, (int, float)) and other > 0:
        percent = round(100 * amount / other, 1)
    return {**gap, "percent": percent, "stated": gap["percent"] is not None}


def _price(result: Mapping[str, Any], labels: Labels) -> Result:
    price = labels["price"]
    return {
        **result["price"],
        **{slot: price[slot] for slot in ("ours", "competitor", "customer")},
        "currency": price.get("currency", "CNY"),
        "gaps": [_gap(g, price[g["against"]]) for g in price["gaps"]],
    }


def _customer_class(text: str, label: str | None) -> Result | None:
    if label is None:
        return None
    quote = next((q for q in (f"{label}类", f"{label}级", label, label.lower()) if q in text), "")
    return {"label": label, "quote": quote, **_place(text, quote)}


def _dated(text: str, known: Mapping[str, Any] | None, quote: str | None, when: str | None) -> Result | None:
    if quote is None:
        return None
    date = known["date"] if known and known["when"] == when else None
    return {"quote": quote, **_place(text, quote), "when": when, "date": date}


def _quality(text: str, result: Mapping[str, Any], labels: Labels, found: Mapping[str, Any], rubric: Rubric) -> Result:
    places = {
        "kp": found["people"],
        "objection": found["objections"],
        "figures": [m for m in result["price"]["mentions"] if m["role"] != "other"],
        "next_step": [found["next_step"]] if found["next_step"] else [],
    }
    old, evidence = {d["id"]: d for d in result["quality"]["dimensions"]}, {}
    for id_, dimension in old.items():
        stretches = [_place(text, q) for q in labels["evidence"].get(id_, [])] if id_ in EVIDENCED else places[id_] or dimension["evidence"]
        evidence[id_] = tuple(Place(p["start"], p["end"]) for p in stretches)
    made: Result = _QUALITY.dump_python(scored(rubric, labels["rubric"], evidence), mode="json")
    same = {id_ for id_, dimension in old.items() if dimension["level"] == labels["rubric"][id_]}
    kept = [{**old[d["id"]], "evidence": d["evidence"]} if d["id"] in same else d for d in made["dimensions"]]
    return {**result["quality"], "score": made["score"], "grade": made["grade"], "dimensions": kept}


def _questions(result: Mapping[str, Any], labels: Labels, rubric: Rubric) -> list[Result]:
    known, own = {q["id"]: q for q in result["questions"]}, {i: text for i, text in rubric.questions.items() if "{" not in text}
    words = {**question_words(), **own}
    return [known.get(i) or {"id": i, "text": words[i], "why": "", "evidence": []} for i in labels["must_ask"]]


def corrected_result(text: str, result: Mapping[str, Any], labels: Labels, rubric: Rubric = STANDARD) -> Result:
    """The analysis's JSON with these labels in the place of the model's; what does not change stays as the model gave it. A corrected
    finding has probability 1, a corrected question its wording without the note's names. `rubric` is the one the analysis is scored by."""
    changed = {field.partition(".")[0] for field in changed_fields(from_result(text, result), labels)}
    out: Result = dict(result)
    if "kind" in changed:
        out["kind"] = {"label": labels["kind"], **CERTAIN}
    if "outcome" in changed:
        out["outcome"] = {"label": labels["outcome"], **CERTAIN}
    if "people" in changed:
        out["people"] = _people(text, result, labels)
    if changed & {"people", "kp_status"}:
        firsts = sorted((p for p in labels["people"] if p["decision_role"] == "first_kp"), key=lambda p: not p["met"])
        out["kp"] = {"status": labels["kp_status"], "first_kp": firsts[0]["mention"] if firsts else None, "warnings": []}
    if "objections" in changed:
        out["objections"] = _objections(text, result, labels)
    if "price" in changed:
        out["price"] = _price(result, labels)
    if "competitors" in changed:
        out["competitors"] = [{"mention": c, **_place(text, c)} for c in labels["competitors"]]
    if "customer_class" in changed:
        out["customer_class"] = _customer_class(text, labels["customer_class"])
    if "next_step" in changed:
        step = labels["next_step"]
        out["next_step"] = _dated(text, result["next_step"], step["quote"], step["when"]) if step else None
    if "funds_date" in changed:
        out["funds_date"] = _dated(text, result["funds_date"], labels["funds_date"], labels["funds_date"])
    if changed & {"rubric", "evidence", "people", "objections", "next_step"}:
        out["quality"] = _quality(text, result, labels, out, rubric)
    if "must_ask" in changed:
        out["questions"] = _questions(result, labels, rubric)
    return out
