"""What the finders found in a whole note, as numbers: what the judge reads. No word of the note is among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log1p
from typing import get_args

import numpy as np
from spacy.tokens import Doc

from models.analysis import KpStatus, PriceRole
from models.clause_heads import HEADS, OBJECTION_TYPES
from models.clause_numbers import ABSENT, Numbers, log_odds
from models.context import Context
from models.people import ROLES, FoundPerson

KP_STATUSES: tuple[KpStatus, ...] = get_args(KpStatus)
PRICE_ROLES: tuple[PriceRole, ...] = get_args(PriceRole)
_UNREAD = np.concatenate([np.zeros(3 * len(HEADS)), np.full(2 * len(HEADS), ABSENT)])


def note_numbers(doc: Doc, senses: Mapping[str, int]) -> Numbers:
    """[numbers] of one note; `senses`: each group's column. Needs every finder."""
    found = doc._
    text, people, prices, objections = found.text, found.people, found.prices, found.objections
    rivals = {text[n.start : n.end] for n in found.names if n.label == "CMP"}
    slots, status, step, funds = found.slots, found.kp_status, found.next_step, found.funds_date
    numbers = _persons(people)
    price_roles = [x.role for x in prices]
    numbers += [float(price_roles.count(r)) for r in PRICE_ROLES]
    numbers += [float(x) for x in (slots.ours is not None, slots.competitor is not None, slots.customer is not None, bool(slots.gaps))]
    numbers += [float(status == s) for s in KP_STATUSES]
    types, statuses = {o.type for o in objections}, [o.status for o in objections]
    numbers += [float(t in types) for t in OBJECTION_TYPES]
    numbers += [float(statuses.count(s)) for s in ("open", "resolved")]
    numbers += [float(x is not None) for x in (step, step and step.when, funds, found.customer_class)]
    numbers += [
        float(len(rivals)),
        log1p(sum(c.end - c.start for c in found.clauses)),
        log1p(len(found.clauses)),
        float(len(found.amounts)),
        float(len(found.times)),
    ]
    return np.concatenate([_heads(found.clause_probabilities), numbers, _sense_counts(found.contexts, senses)], dtype=np.float32)


def _heads(table: Numbers) -> Numbers:
    """Of each head the highest probability of a clause, the second highest and log(1 + their sum); the log-odds of the two."""
    if not len(table):
        return np.asarray(_UNREAD, dtype=np.float32)
    ordered = np.sort(table, axis=0)
    second = ordered[-2] if len(table) > 1 else np.zeros(len(HEADS), dtype=np.float32)
    surest = log_odds(np.stack([ordered[-1], second]))
    if len(table) == 1:
        surest[1] = ABSENT
    return np.concatenate([ordered[-1], second, np.log1p(table.sum(axis=0)), surest[0], surest[1]])


def _persons(people: Sequence[FoundPerson]) -> list[float]:
    """How many of each role were met and not; the surest role of each, of all and of those met; how sure a person of each role is there, met and not."""
    parts = [(p.role, p.met) for p in people]
    numbers = [float(parts.count((r, m))) for r in ROLES for m in (True, False)]
    roles: dict[str, int] = {role: i for i, role in enumerate(ROLES)}
    surest, there = np.zeros((2, len(ROLES))), np.zeros((3, len(ROLES)))
    for p in people:
        column, sure = roles[p.role], p.probability * p.role_probability
        surest[: 1 + p.met, column] = np.maximum(surest[: 1 + p.met, column], p.role_probability)
        for row in (0, 1 if p.met else 2):
            there[row, column] = max(there[row, column], sure)
    return [*numbers, *surest.ravel().tolist(), *there.ravel().tolist()]


def _sense_counts(contexts: Sequence[Context], groups: Mapping[str, int]) -> list[float]:
    """log(1 + n) of each sense's phrases."""
    counts = [0] * len(groups)
    for context in contexts:
        for hit in context.senses:
            for group in hit.groups:
                counts[groups[group]] += 1
    return list(map(log1p, counts))
