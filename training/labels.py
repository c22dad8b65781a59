"""The form of a labelled note, checked by the rules of shared/eval/validate.py and the corpus's own additions. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from models.analysis import DecisionRole, KindLabel, KpStatus, ObjectionStatus, ObjectionType, OutcomeLabel
from models.labels import DIMENSIONS, QUESTION_IDS

EVIDENCED = ("need", "recognition", "competition", "close_attempt", "diagnosis", "reflection")
"""Dimensions whose evidence the corpus quotes; the other four find theirs in people, objections, price and next_step."""
PRICE_SLOTS = ("ours", "competitor", "customer")


class Fault(str):
    """What is wrong, in a line for who keeps the corpus; `unquoted` says it without the note's words, for notes that are personal data."""

    unquoted: str

    def __new__(cls, text: str, unquoted: str) -> Fault:
        made = super().__new__(cls, text)
        made.unquoted = unquoted
        return made


def is_amount(value: Any) -> bool:
    """A number, [low, high] with at most one open end, or None."""

    def number(x: Any) -> bool:
        return isinstance(x, (int, float)) and not isinstance(x, bool)

    if value is None or number(value):
        return True
    return isinstance(value, list) and len(value) == 2 and all(x is None or number(x) for x in value) and any(x is not None for x in value)


def evidence_faults(note: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with the quoted evidence, where a note has any."""
    quoted, rubric = note.get("evidence"), note.get("rubric", {})
    if quoted is None:
        return
    for dimension, quotes in quoted.items():
        if dimension not in EVIDENCED:
            yield Fault(f"evidence for {dimension!r}", "evidence for a dimension that has none")
        yield from (
            Fault(f"evidence quote {q!r} not in the text", "evidence: a quote is not in the text")
            for q in quotes
            if not q or q not in note["text"]
        )
    for dimension in EVIDENCED if rubric else ():
        if bool(rubric.get(dimension)) != bool(quoted.get(dimension)):
            yield Fault(
                f"rubric {dimension} is {rubric.get(dimension)} but its evidence is {quoted.get(dimension)}",
                f"rubric {dimension} and its evidence do not agree",
            )


def _people_faults(note: dict[str, Any]) -> Iterator[Fault]:
    for person in note.get("people", []):
        if person.get("mention", "\0") not in note.get("text", ""):
            yield Fault(f"person {person.get('mention')!r} not in the text", "people: a mention is not in the text")
        if person.get("decision_role") not in get_args(DecisionRole) or not isinstance(person.get("met"), bool):
            yield Fault(f"person {person}", "people: decision_role or met is wrong")


def _price_faults(note: dict[str, Any]) -> Iterator[Fault]:
    price = note.get("price") or {}
    for slot in PRICE_SLOTS:
        if not is_amount(price.get(slot)):
            yield Fault(f"price {slot} {price.get(slot)!r}", f"price.{slot} is no amount")
    for gap in price.get("gaps", []):
        empty = gap.get("amount") is None and gap.get("percent") is None
        if gap.get("against") not in {"competitor", "customer"} or not is_amount(gap.get("amount")) or empty:
            yield Fault(f"gap {gap}", "price.gaps: against, amount or percent is wrong")


def _quote_faults(note: dict[str, Any]) -> Iterator[Fault]:
    text = note.get("text", "")
    for objection in note.get("objections", []):
        if not objection.get("quote") or objection["quote"] not in text:
            yield Fault(f"objection quote {objection.get('quote')!r} not in the text", "objections: a quote is not in the text")
        if objection.get("type") not in get_args(ObjectionType) or objection.get("status") not in get_args(ObjectionStatus):
            yield Fault(f"objection {objection}", "objections: type or status is wrong")
    yield from (
        Fault(f"competitor {c!r} not in the text", "competitors: a name is not in the text")
        for c in note.get("competitors", [])
        if c not in text
    )
    step = note.get("next_step")
    if step is not None:
        if step.get("quote", "\0") not in text:
            yield Fault(f"next_step {step.get('quote')!r} not in the text", "next_step.quote is not in the text")
        if step.get("when") is not None and step["when"] not in text:
            yield Fault(f"next_step when {step['when']!r} not in the text", "next_step.when is not in the text")
    if note.get("funds_date") is not None and note["funds_date"] not in text:
        yield Fault(f"funds_date {note['funds_date']!r} not in the text", "funds_date is not in the text")


def finding_faults(note: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with a text and its findings (people, objections, prices, quotes, class, evidence), a line a fault."""
    if not note.get("text", "").strip():
        yield Fault("no text", "no text")
    yield from _people_faults(note)
    yield from _quote_faults(note)
    yield from _price_faults(note)
    if note.get("customer_class") not in {None, "A", "B", "C", "D"}:
        yield Fault(f"customer_class {note.get('customer_class')!r}", "customer_class is not A, B, C, D or null")
    yield from evidence_faults(note)


def faults(note: dict[str, Any]) -> Iterator[Fault]:
    """What is wrong with one labelled note, a line a fault."""
    yield from finding_faults(note)
    for field, allowed in (("kind", get_args(KindLabel)), ("outcome", get_args(OutcomeLabel)), ("kp_status", get_args(KpStatus))):
        if note.get(field) not in allowed:
            yield Fault(f"{field} {note.get(field)!r}", f"{field} is none of its labels")
    rubric = note.get("rubric", {})
    if set(rubric) != set(DIMENSIONS) or any(level not in (0, 1, 2) for level in rubric.values()):
        yield Fault(f"rubric {rubric}", "rubric is not ten levels of 0, 1, 2")
    asked = note.get("must_ask", [])
    if not 1 <= len(asked) <= 3 or set(asked) - set(QUESTION_IDS) or len(set(asked)) < len(asked):
        yield Fault(f"must_ask {asked}", "must_ask is not one to three different question ids")
