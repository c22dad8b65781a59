"""From a note's labels to what each model is to predict: tags for characters, classes for candidates, amounts and clauses."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from models.amounts import AmountMention
from models.candidates import Candidate, same_person
from models.clause_heads import COLUMN, EVIDENCE, HEADS, OBJECTION_TYPES
from models.gaps import reduction_factor
from models.judge import OUTCOMES
from models.labels import DIMENSIONS, QUESTION_IDS
from models.names import NameSpan
from models.note_numbers import KP_STATUSES
from models.people import ROLES
from models.prices import MONEY_ROLES, representative
from models.text import NormalizedText, normalize
from training.corpus import LabelledNote

Ints = NDArray[np.int64]


def places(normalized: NormalizedText, text: str, quote: str) -> list[tuple[int, int]]:
    """Where a quote of the sent text stands in the normalised text, every time."""
    return [normalized.from_sent(m.start(), m.end()) for m in re.finditer(re.escape(quote), text)]


def name_tags(note: LabelledNote, doc: Doc, normalized: NormalizedText) -> list[str]:
    """BIO tags, one a character: PER for people of the customer's side, CMP for competitors."""
    tags = ["O"] * len(doc._.text)

    def put(quote: str, label: str) -> None:
        for start, end in places(normalized, note["text"], quote):
            if end > start and all(t == "O" for t in tags[start:end]):
                tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)

    for person in sorted(note["people"], key=lambda p: -len(p["mention"])):
        put(person["mention"], "PER")
    for competitor in sorted(note["competitors"], key=lambda c: -len(c)):
        put(competitor, "CMP")
    return tags


def person_targets(note: LabelledNote, candidates: list[Candidate]) -> tuple[Ints, Ints]:
    """([candidates, 2] of is-person and met, [candidates] role index; -1 where it does not apply)."""
    binary = np.full((len(candidates), 2), -1, dtype=np.int64)
    role = np.full(len(candidates), -1, dtype=np.int64)
    left = [(normalize(p["mention"]).text, p) for p in note["people"]]
    for exact in (True, False):
        for i, candidate in enumerate(candidates):
            if role[i] >= 0:
                continue
            for entry in left:
                if entry[0] == candidate.mention if exact else same_person(entry[0], candidate.mention):
                    binary[i] = (1, int(entry[1]["met"]))
                    role[i] = ROLES.index(entry[1]["decision_role"])
                    left.remove(entry)
                    break
    binary[role < 0, 0] = 0
    return binary, role


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return False
    a, b = (list(v) if isinstance(v, (list, tuple)) else v for v in (a, b))
    if isinstance(a, list) and isinstance(b, list):
        return all(
            x == y or (x is not None and y is not None and abs(x - y) <= 0.01 * max(abs(x), abs(y), 1e-9))
            for x, y in zip(a, b, strict=True)
        )
    if isinstance(a, list) or isinstance(b, list):
        pair, value = (a, b) if isinstance(a, list) else (b, a)
        return any(v is not None and abs(v - value) <= 0.001 * max(abs(value), 1) for v in pair)
    return bool(abs(a - b) <= 0.01 * max(abs(a), abs(b), 1e-9))


def price_targets(note: LabelledNote, amounts: tuple[AmountMention, ...]) -> Ints:
    """[amounts] index into MONEY_ROLES: the slot or gap whose figure the amount is, or whose arithmetic it makes true."""
    price = note["price"]
    gaps = {g["against"]: g for g in price["gaps"]}
    out = np.zeros(len(amounts), dtype=np.int64)
    money = [representative(a.value) for a in amounts if a.form == "money"]

    def follows(slot: str, factor: float) -> bool:
        target = price.get(slot)
        return target is not None and any(
            abs(m * factor - representative(tuple(target) if isinstance(target, list) else target)) <= 0.011 * m for m in money
        )

    for i, amount in enumerate(amounts):
        role = "other"
        if amount.form == "money":
            for slot in ("ours", "competitor", "customer"):
                if _same(price.get(slot), amount.value):
                    role = slot
                    break
            else:
                for side in ("competitor", "customer"):
                    gap = gaps.get(side)
                    if (
                        gap
                        and gap["amount"] is not None
                        and _same(
                            [abs(x) if x is not None else None for x in gap["amount"]]
                            if isinstance(gap["amount"], list)
                            else abs(gap["amount"]),
                            amount.value,
                        )
                    ):
                        role = "gap"
        else:
            factor = reduction_factor(amount.form, amount.value)
            for side in ("competitor", "customer"):
                gap = gaps.get(side)
                share = gap and gap["percent"]
                if share is not None and amount.form == "percent" and abs(abs(share) - representative(amount.value)) < 0.6:
                    role = "gap"
                elif share is not None and side == "customer" and 0 < factor < 1 and abs(round((1 / factor - 1) * 100) - share) <= 1:
                    role = "customer"
            if role == "other" and follows("ours", factor):
                role = "ours"
            elif role == "other" and follows("customer", factor):
                role = "customer"
        out[i] = MONEY_ROLES.index(role)
    return out


def rival_targets(note: LabelledNote, candidates: tuple[NameSpan, ...], text: str) -> Ints:
    """[candidates, 1] of 0 or 1: whether it is (the better part of) a labelled competitor's name."""
    named = [normalize(c).text for c in note["competitors"]]
    found = [text[c.start : c.end] for c in candidates]
    right = [any(f == n or (len(f) > 1 and (f in n or n in f)) for n in named) for f in found]
    return np.array(right, dtype=np.int64).reshape(-1, 1)


def undecided_prices(note: LabelledNote, amounts: tuple[AmountMention, ...], roles: Ints) -> NDArray[np.bool_]:
    """[amounts] true where a figure carries no label but may be an earlier quote of a slot, which only the latest (or lowest) one fills.

    Such figures read like the slot's own (首轮报5.6万, 今天让到5.3万): as examples of `other` they would unteach it.
    """
    values = [representative(a.value) for a in amounts]
    out = np.zeros(len(amounts), dtype=bool)
    for slot in ("ours", "competitor", "customer"):
        target = note["price"].get(slot)
        if target is None:
            continue
        figure = representative(tuple(target) if isinstance(target, list) else target)
        own = np.flatnonzero(roles == MONEY_ROLES.index(slot))
        for i, amount in enumerate(amounts):
            if roles[i] or amount.form != "money" or not 0.5 < values[i] / max(figure, 1e-9) < 2.2:
                continue
            out[i] |= values[i] > figure if slot == "competitor" else not len(own) or i < own[-1]
    return out


def covered(note: LabelledNote, doc: Doc, normalized: NormalizedText, quote: str) -> list[int]:
    """The clauses that a quote (its first place in the note) covers, or that cover it, for the better part."""
    out = []
    for start, end in places(normalized, note["text"], quote)[:1]:
        for i, c in enumerate(doc._.clauses):
            shared = min(c.end, end) - max(c.start, start)
            if shared > 0 and shared >= 0.4 * min(c.end - c.start, end - start):
                out.append(i)
    return out


def status_targets(note: LabelledNote, doc: Doc, normalized: NormalizedText) -> list[tuple[int, int]]:
    """(clause, 1 where the objection it carries is resolved) of every labelled objection."""
    return [(i, int(o["status"] == "resolved")) for o in note["objections"] for i in covered(note, doc, normalized, o["quote"])]


def clause_targets(note: LabelledNote, doc: Doc, normalized: NormalizedText) -> Ints:
    """[clauses, HEADS] of 0, 1 or -1 (unknown): which clauses overlap the quote of each labelled thing."""
    clauses = doc._.clauses
    out = np.zeros((len(clauses), len(HEADS)), dtype=np.int64)

    def cover(quote: str, column: int) -> None:
        out[covered(note, doc, normalized, quote), column] = 1

    for objection in note["objections"]:
        cover(objection["quote"], COLUMN[objection["type"]])
        cover(objection["quote"], COLUMN["objection"])
    if note["next_step"]:
        cover(note["next_step"]["quote"], COLUMN["next_step"])
    if note["funds_date"]:
        cover(note["funds_date"], COLUMN["funds"])
    for dimension in EVIDENCE:
        column = COLUMN[f"ev_{dimension}"]
        if "evidence" in note:
            for quote in note["evidence"].get(dimension, []):
                cover(quote, column)
        elif "rubric" in note and note["rubric"][dimension]:
            out[:, column] = -1
    return out


def note_targets(note: LabelledNote) -> list[int]:
    """0 or 1 for each of the judge's OUTPUTS: rubric thresholds, outcomes, whether the kind is diagnostic, each question asked, each type of objection, each
    type of which none is open, and kp_status."""
    rubric = [int(note["rubric"][d] >= level) for d in DIMENSIONS for level in (1, 2)]
    outcome = [int(note["outcome"] == o) for o in OUTCOMES]
    questions, kinds = [int(q in note["must_ask"]) for q in QUESTION_IDS], {o["type"] for o in note["objections"]}
    types, kp = [int(t in kinds) for t in OBJECTION_TYPES], [int(note["kp_status"] == s) for s in KP_STATUSES]
    still_open = {o["type"] for o in note["objections"] if o["status"] == "open"}
    resolved = [int(t in kinds - still_open) for t in OBJECTION_TYPES]
    return [*rubric, *outcome, int(note["kind"] == "diagnostic"), *questions, *types, *resolved, *kp]
