"""Which amounts are prices, and whose: a trained role for every amount of the note (assembled into slots in gaps.py)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.amounts import AmountForm, AmountMention
from models.analysis import Amount
from models.linear import LinearHeads, SharedHeads, scaled, to_write
from models.price_differences import COUNTED, difference_parts, product_parts, stated_differences
from models.price_pairs import pair_features, relation
from models.price_words import Place, owner_marks, rule_role
from models.surroundings import word_features

MONEY_ROLES = ("other", "ours", "competitor", "customer", "gap")
"""A gap's side is told afterwards, from the figures beside it (gap_side). For percent and discount forms, `ours` and `customer` mean a reduction granted by us or asked by the customer."""
PRICE_THRESHOLD = 0.4
"""Chosen on dev: a price missed costs as much as a number taken for one."""
_CUES = frozenset(["price_ours", "price_theirs", "price_customer", "price_old", "price_selling", "deposit", "gap", "quantity", "price_bargain", "price_high",
                   "price_fine", "signed", "hypothetical", "earlier", "other_customer", "funds", "pay_terms", "need", "compare", "close", "negation"])  # fmt: skip

_QUOTING = frozenset(
    ["报", "报价", "开", "开价", "给", "给他", "要", "才", "只", "只要", "也", "就", "说", "是", ":", "卖", "做", "收", "的"]
)
_SPOKEN = re.compile(r"[块毛]|\d万\d|[一二两三四五六七八九][千百万][一二三四五六七八九]$")


@dataclass(frozen=True, slots=True)
class FoundPrice:
    """An amount with its role. `value`: yuan, a percentage or a discount factor, by `form`."""

    start: int
    end: int
    form: AmountForm
    value: Amount
    unit: str | None
    currency: str
    role: str
    probability: float


def representative(value: Amount) -> float:
    """One number for an amount: itself, or the middle (or the one known end) of a range."""
    if isinstance(value, tuple):
        ends = [v for v in value if v is not None]
        return float(sum(ends) / len(ends))
    return float(value)


def price_features(doc: Doc) -> list[list[str]]:
    """One list of features an amount. Needs: names, clauses, context."""
    text: str = doc._.text
    amounts: tuple[AmountMention, ...] = doc._.amounts
    clauses, contexts = doc._.clauses, doc._.contexts
    starts = [c.start for c in clauses]
    marks = owner_marks(doc)
    mark_places = [m[0] for m in marks]
    values = [representative(a.value) for a in amounts]
    pricey = [
        bool(a.explicit or a.unit or any(c in "万wWkK千" for c in text[a.start : a.end]) or _SPOKEN.search(text[a.start : a.end]))
        for a in amounts
    ]
    many, amount_starts = sum(pricey), [a.start for a in amounts]
    prices = np.array([max(v, 1e-6) for v, p in zip(values, pricey, strict=True) if p])
    parts, differences = difference_parts(amounts, values), stated_differences(values)
    products = product_parts(text, amounts, values)
    token_starts, words, tags = doc._.starts, doc._.words, doc._.tags
    out: list[list[str]] = []
    owner_before = "^"
    rules: list[str] = []
    for i, amount in enumerate(amounts):
        before, after = text[max(0, amount.start - 8) : amount.start], text[amount.end : amount.end + 6]
        span = text[amount.start : amount.end]
        form = amount.form[0]
        counted = (
            "counted" if form == "m" and amount.unit is None and COUNTED.match(text, amount.end) else "unit" if amount.unit else "bare"
        )
        size = int(log10(max(values[i], 0.01)) + 3)
        at = bisect_right(starts, amount.start) - 1
        clause_start = clauses[at].start if at >= 0 else 0
        clause_end = clauses[at].end if at >= 0 else len(text)
        k = bisect_right(mark_places, amount.start)
        here = bisect_left(mark_places, clause_start)  # marks[here:k] stand in the clause before the amount
        owner = marks[k - 1][1] if here < k else "-" + marks[k - 1][1] if k and amount.start - marks[k - 1][0] < 40 else "none"
        first = marks[here][1] if here < k else "none"
        following = marks[k][1] if k < len(marks) and mark_places[k] < clause_end else "none"
        f = [f"{form}|{counted}", f"{form}|{counted}|{pricey[i]}", f"{form}|o={owner}", f"{form}|o={owner}|{counted}", f"{form}|first={first}|{owner}", f"{form}|next={following}",
             f"{form}|o={owner}|next={following}", f"{form}|ob={owner_before}|o={owner}", f"u={amount.unit}", f"size={size}", f"size={size}|{counted}", f"pricey={pricey[i]}|{owner}",
             f"han={not span[0].isdigit()}", f"range={isinstance(amount.value, tuple)}", f"dec={'.' in span}", f"i={min(i, 4)}|{min(len(amounts), 5)}", f"np={min(many, 5)}|{pricey[i]}"]  # fmt: skip
        token = bisect_right(token_starts, amount.start - 1) - 1
        if token >= 0:
            quoting = words[token] in _QUOTING
            at_name = token - 1 if token and quoting else token
            tag = tags[at_name]
            f += [
                f"tag={tag}|{owner}",
                f"lone={len(words[at_name]) == 1 and tag[0] not in 'vpdurcxm'}",
                f"quoting={quoting}|{tag}",
            ]
        place = Place(counted, pricey[i], owner, first, following, clauses[at].label if at >= 0 else "")
        difference = differences[i]
        rule = rule_role(text, amount, place, difference)
        rules.append(rule)
        f += [
            f"{form}|rule={rule}",
            f"{form}|rule={rule}|{owner}",
            f"{form}|rule={rule}|{rules[-2] if i else '^'}",
            f"{form}|rule={rule}|n={min(many, 3)}",
        ]
        f += [f"{form}p{n}=" + before[-n:] for n in (1, 2, 3)]
        f += [f"{form}a{n}=" + after[:n] for n in (1, 2)]
        if at >= 0:
            f += word_features(doc, at, amount.start, amount.end)
            context = contexts[at]
            f += [f"s={context.speaker}", f"hy={context.hypothetical}", f"ea={context.earlier}", f"ot={context.other_customer}"]
            if clauses[at].label:
                f += [f"l={clauses[at].label}", f"l2={clauses[at].label[-2:]}"]
            nearest = None
            for h in context.hits:
                side = "<" if h.end <= amount.start else ">" if h.start >= amount.end else "="
                mark = "!" if h.start in context.negated else ""
                groups = [g for g in h.groups if g in _CUES]
                f += [f"{form}{side}{mark}{g}" for g in groups]
                if groups and abs(h.start - amount.start) < 9:
                    f.append(f"{side}Q{h.phrase}")
                if h.end <= amount.start and groups and groups != ["quantity"]:
                    nearest = groups[0]
            f += [
                f"{form}near={nearest}",
                f"{form}near={nearest}|{owner}",
                f"here={min(i - bisect_left(amount_starts, clause_start, 0, i), 2)}|{owner}",
            ]
            if at and clauses[at - 1].sentence == clauses[at].sentence:
                f += [f"-{g}" for h in contexts[at - 1].hits for g in h.groups if g in _CUES]
            if at + 1 < len(clauses) and clauses[at + 1].sentence == clauses[at].sentence:
                f += [f"+{g}" for h in contexts[at + 1].hits for g in h.groups if g in _CUES]
        for j, step in ((i - 1, "prev"), (i + 1, "next")):
            if 0 <= j < len(amounts):
                compared = relation(values[i], values[j])
                f += [f"{step}{amounts[j].form[0]}{compared}", f"{step}{compared}|{owner}"]
        f.append(f"difference={difference}|{pricey[i]}")
        for part in sorted(products[i]):
            f += [f"product={part}|{counted}", f"product={part}|{owner}", f"product={part}|{rule}"]
        ends = sorted(parts[i])  # the weights' sum hangs by 1e-8 on their order, and training on that
        f += [f"end={part}" for part in ends] + [f"end={part}|{rule}" for part in ends]
        ratios = values[i] / prices
        near_alike = np.count_nonzero((ratios > 0.3) & (ratios < 3.3)) - (pricey[i] and values[i] > 1e-6)
        f.append(f"alike={min(near_alike, 3)}|{pricey[i]}")
        owner_before = owner
        out.append(f)
    return out


def gap_side(values: Sequence[float], roles: Sequence[int], i: int, rival_named: bool) -> str:
    """Whom the stated gap i is against: where it adds up, else whose price is in the note, else a named rival, else the customer."""
    ours, rival, customer = (
        [values[j] for j, r in enumerate(roles) if r == MONEY_ROLES.index(x)] for x in ("ours", "competitor", "customer")
    )
    for others, side in ((rival, "competitor"), (customer, "customer")):
        if any(abs(abs(a - b) - values[i]) <= 0.01 * values[i] for a in ours for b in others):
            return side
    return "competitor" if rival or (rival_named and not customer) else "customer" if customer else "competitor"


def decided(doc: Doc, table: NDArray[np.float32]) -> tuple[FoundPrice, ...]:
    """Every amount of the note with its most probable role; `other` where no price role reaches PRICE_THRESHOLD. `table`: see PriceRoles.probabilities."""
    if not len(table):
        return ()
    amounts, shares = doc._.amounts, table.tolist()
    values = [representative(a.value) for a in amounts]
    roles = [p.index(max(p[1:]), 1) for p in shares]
    roles = [role if p[role] >= PRICE_THRESHOLD else 0 for role, p in zip(roles, shares, strict=True)]
    rival_named = any(n.label == "CMP" for n in doc._.names)
    found = []
    for i, (amount, role) in enumerate(zip(amounts, roles, strict=True)):
        name = MONEY_ROLES[role]
        if name == "gap":
            name = f"gap_{gap_side(values, roles, i, rival_named)}"
        place = (amount.start, amount.quote_end, amount.form, amount.value, amount.unit, amount.currency)
        found.append(FoundPrice(*place, name, shares[i][role]))
    return tuple(found)


class PriceRoles:
    """Writes doc._.price_table and prices. Needs: names, clauses, context. The second model reads what the first guesses of all amounts; second_look.py decides anew."""

    def __init__(self) -> None:
        self._models: tuple[LinearHeads, LinearHeads] | None = None

    def use(self, models: tuple[LinearHeads, LinearHeads]) -> None:
        """Predict by these two models."""
        self._models = models
        self._shared = SharedHeads(models)

    def probabilities(self, doc: Doc) -> NDArray[np.float32]:
        """[amounts, MONEY_ROLES]: of every amount of the note playing each role."""
        if self._models is None or not doc._.amounts:
            return np.zeros((0, len(MONEY_ROLES)), dtype=np.float32)
        first, second = self._models
        guessed, own = self._shared.sums(price_features(doc))
        values = [representative(a.value) for a in doc._.amounts]
        _, beside = self._shared.sums(pair_features(values, first.of_sums(scaled(guessed))))
        return second.of_sums(scaled(own + beside))

    def __call__(self, doc: Doc) -> Doc:
        table = self.probabilities(doc)
        doc._.price_table, doc._.prices = table, decided(doc, table)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(to_write(*self._models or ()), Path(path) / "prices.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> PriceRoles:
        first, second = joblib.load(Path(path) / "prices.joblib")
        self.use((first, second))
        self._models = first.lean(), second.lean()
        return self


@Language.factory("prices", assigns=["doc._.price_table", "doc._.prices"], requires=["doc._.names", "doc._.clauses", "doc._.contexts"])
def create_prices(nlp: Language, name: str) -> PriceRoles:
    return PriceRoles()
