"""Which amounts are prices, and whose: a trained role for every amount of the note (assembled into slots in gaps.py)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.amounts import AmountForm, AmountMention
from models.analysis import Amount
from models.linear import LinearHeads

MONEY_ROLES = ("other", "ours", "competitor", "customer", "gap_competitor", "gap_customer")
"""For percent and discount forms, `ours` and `customer` mean a reduction granted by us or asked by the customer."""
_CUES = frozenset(["price_ours", "price_theirs", "price_customer", "price_old", "price_selling", "deposit", "gap", "quantity", "price_bargain", "price_high",
                   "price_fine", "signed", "hypothetical", "earlier", "other_customer", "funds", "pay_terms", "need", "compare", "close", "negation"])  # fmt: skip


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
    text: str = doc.text
    amounts: tuple[AmountMention, ...] = doc._.amounts
    clauses, contexts = doc._.clauses, doc._.contexts
    starts = [c.start for c in clauses]
    rivals = [n for n in doc._.names if n.label == "CMP"]
    people = [n for n in doc._.names if n.label == "PER"]
    values = [representative(a.value) for a in amounts]
    money = [v for a, v in zip(amounts, values, strict=True) if a.form == "money"]
    out: list[list[str]] = []
    for i, amount in enumerate(amounts):
        before, after = text[max(0, amount.start - 8) : amount.start], text[amount.end : amount.end + 6]
        span = text[amount.start : amount.end]
        form = amount.form[0]
        f = [form, f"{form}u={amount.unit}", f"{form}x={amount.explicit}", f"size={int(log10(max(values[i], 0.01)) + 3)}", f"scale={any(c in '万千亿wWkK' for c in span)}",
             f"han={not span[0].isdigit()}", f"range={isinstance(amount.value, tuple)}", f"dec={'.' in span}", f"i={min(i, 4)}", f"n={min(len(amounts), 5)}", f"last={i == len(amounts) - 1}",
             f"m={min(len(money), 4)}"]  # fmt: skip
        f += [f"{form}p{k}=" + before[-k:] for k in (1, 2, 3, 4)]
        f += [f"{form}a{k}=" + after[:k] for k in (1, 2, 3)]
        f += ["B" + before[k : k + 2] for k in range(len(before) - 1)]
        f += ["A" + after[k : k + 2] for k in range(len(after) - 1)]
        at = bisect_right(starts, amount.start) - 1
        if at >= 0:
            clause, context = clauses[at], contexts[at]
            f += [f"s={context.speaker}", f"l={clause.label}", f"hy={context.hypothetical}", f"ea={context.earlier}", f"ot={context.other_customer}"]
            nearest = None
            for h in context.hits:
                side = "q<" if h.end <= amount.start else "q>" if h.start >= amount.end else "q="
                mark = "!" if h.start in context.negated else ""
                f += [f"{form}{side}{mark}{g}" for g in h.groups if g in _CUES]
                f += [f"{side}{context.speaker}{g}" for g in h.groups if g in _CUES]
                f.append(f"{side}Q{h.phrase}")
                if h.end <= amount.start:
                    for g in h.groups:
                        if g in _CUES and g != "quantity":
                            nearest = g
            f.append(f"{form}near={nearest}")
            earlier_here = [j for j in range(i) if amounts[j].start >= clause.start]
            f.append(f"here={min(len(earlier_here), 2)}")
            for back in (1, 2):
                if at >= back:
                    f += [f"-{back}{g}" for h in contexts[at - back].hits for g in h.groups if g in _CUES]
                    f.append(f"-{back}s={contexts[at - back].speaker}")
            if at + 1 < len(clauses):
                f += [f"+1{g}" for h in contexts[at + 1].hits for g in h.groups if g in _CUES]
                f += [f"+1Q{h.phrase}" for h in contexts[at + 1].hits]
                f.append("+1s=" + contexts[at + 1].speaker)
            f += [f"rival-in{'<' if r.start < amount.start else '>'}" for r in rivals if clause.start <= r.start < clause.end]
            f += [f"person-in{'<' if r.start < amount.start else '>'}" for r in people if clause.start <= r.start < clause.end]
            if at and any(clauses[at - 1].start <= r.start < clauses[at - 1].end for r in rivals):
                f.append("rival-before")
        f.append(f"rivals={min(len(rivals), 2)}")
        for j, step in ((i - 1, "prev"), (i + 1, "next")):
            if 0 <= j < len(amounts):
                ratio = values[i] / max(values[j], 1e-6)
                size = "<<" if ratio < 0.2 else "<" if ratio < 0.97 else "=" if ratio < 1.03 else ">" if ratio < 5 else ">>"
                f += [f"{step}{amounts[j].form[0]}{size}", f"{step}gap={min((abs(amounts[j].start - amount.start)) // 6, 6)}"]
        if form == "m" and i and any(abs(abs(values[a] - values[b]) - values[i]) < 1e-6 * values[i] for a in range(len(values)) for b in range(a) if a != i != b):
            f.append("is-difference")
        out.append(f)
    return out


class PriceRoles:
    """Writes doc._.prices. Needs: names, clauses, context."""

    def __init__(self, model: LinearHeads | None = None) -> None:
        self.model = model

    def predict(self, doc: Doc) -> tuple[FoundPrice, ...]:
        """Every amount of the note with its most probable role."""
        if self.model is None or not doc._.amounts:
            return ()
        found = []
        for amount, features in zip(doc._.amounts, price_features(doc), strict=True):
            probabilities = self.model.probabilities(features)
            best = int(np.argmax(probabilities))
            found.append(FoundPrice(amount.start, amount.quote_end, amount.form, amount.value, amount.unit, amount.currency, self.model.heads[best], float(probabilities[best])))
        return tuple(found)

    def __call__(self, doc: Doc) -> Doc:
        doc._.prices = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.model, Path(path) / "prices.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> PriceRoles:
        self.model = joblib.load(Path(path) / "prices.joblib")
        return self


@Language.factory("prices", assigns=["doc._.prices"], requires=["doc._.names", "doc._.clauses", "doc._.contexts"])
def create_prices(nlp: Language, name: str) -> PriceRoles:
    return PriceRoles()
