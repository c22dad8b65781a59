"""What the first look says of each amount, as numbers: its role, the others' roles and how the figures compare, names and cues around, what the clause carries."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import inf, log10

import numpy as np
from spacy.tokens import Doc

from models.amounts import AmountMention
from models.clause_numbers import Look, Numbers, apart_of, log_odds
from models.clauses import Clause
from models.names import NameSpan
from models.price_differences import difference_parts, product_parts
from models.prices import representative

_FORMS = ("money", "percent", "discount")
_PARTS = ("high", "low", "gap")
_PRODUCT = ("each", "total")


def _compared(values: np.ndarray, table: Numbers) -> Numbers:
    """[amounts, 21]: of each role, how sure the surest other amount is, how far its figure is, whether it is the same, whether it stands before; the others' roles added up."""
    size = len(values)
    others = np.where(np.eye(size, dtype=bool)[:, :, None], 0, table[None])
    best, sure = others.argmax(axis=1), others.max(axis=1)
    logs = np.log(values)
    far = logs[:, None] - logs[best] if size > 1 else np.zeros_like(sure)
    alone = [sure, sure * np.clip(far, -3, 3), sure * (np.abs(far) < 0.03), sure * (best < np.arange(size)[:, None])]
    return np.concatenate([*(part[:, 1:] for part in alone), others.sum(axis=1)], axis=1)


class _Named:
    """Who is named where, asked for each amount."""

    def __init__(self, names: Sequence[NameSpan]) -> None:
        self._starts = [sorted(n.start for n in names if (n.label == "CMP") == rival) for rival in (False, True)]
        self._counts = [sum([0.3] * len(starts)) for starts in self._starts]
        self._ends = sorted((n.end, i, n.label == "CMP") for i, n in enumerate(names))

    def near(self, amount: AmountMention, clause: Clause) -> list[float]:
        """Of people, then of competitors: whether one is named before the amount in its clause, behind it there, in an earlier clause, and how many; whose name stands nearest before."""
        numbers: list[float] = []
        for starts, count in zip(self._starts, self._counts, strict=True):
            first = bisect_left(starts, clause.start)
            before = bisect_left(starts, amount.start) > first
            behind = bisect_left(starts, clause.end) > bisect_left(starts, amount.end)
            numbers += (before, behind, first > 0, count)
        ended = bisect_right(self._ends, (amount.start, inf))
        rival = ended and self._ends[ended - 1][2]
        return [*numbers, float(ended > 0 and not rival), float(rival)]


def price_numbers(doc: Doc, look: Look) -> Numbers | None:
    """[amounts, numbers] of doc._.amounts, whose first probabilities are doc._.price_table; None where there are none."""
    found = doc._
    amounts, table, clauses = found.amounts, found.price_table, found.clauses
    if not amounts:
        return None
    size = len(amounts)
    places = [a.start for a in amounts]
    at, around = look.around(places)
    values = np.maximum([representative(a.value) for a in amounts], 1e-3)
    names = _Named(found.names)
    named = [names.near(amount, clauses[i]) for amount, i in zip(amounts, at.tolist(), strict=True)]

    neighbours = np.zeros((2, size, table.shape[1]), dtype=np.float32)
    neighbours[0, 1:], neighbours[1, :-1] = table[:-1], table[1:]
    parts, products = difference_parts(amounts, values.tolist()), product_parts(found.text, amounts, values.tolist())
    money = sorted(value for value, a in zip(values.tolist(), amounts, strict=True) if a.form == "money")
    form = [
        [log10(value) / 3, *(a.form == f for f in _FORMS), isinstance(a.value, tuple), a.unit is not None, i / 4, size / 4, i == size - 1]
        + [part in parts[i] for part in _PARTS]
        + [part in products[i] for part in _PRODUCT]
        + [(len(money) - bisect_right(money, value)) / 4, bisect_left(money, value) / 4]
        for i, (value, a) in enumerate(zip(values.tolist(), amounts, strict=True))
    ]
    moods = [
        [c.guess, c.hypothetical, c.earlier, c.other_customer, c.speaker == "rep", c.speaker == "customer"]
        for c in (found.contexts[i] for i in at.tolist())
    ]
    told = np.array([a + b + c for a, b, c in zip(named, form, moods, strict=True)], dtype=np.float32)
    return np.concatenate(
        [
            log_odds(table),
            apart_of(doc, "prices", table),
            _compared(values, table),
            *neighbours,
            around,
            look.cues_around(places, at),
            told,
        ],
        axis=1,
        dtype=np.float32,
    )
