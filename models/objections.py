"""The customer's objections: clauses the heads point to, one entry a type, with a status and a quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import ObjectionStatus, ObjectionType
from models.clause_heads import COLUMN, OBJECTION_TYPES
from models.context import Context
from models.linear import LinearHeads
from models.status import status_features

RESOLVED = 0.45
"""Chosen on train held out by writer; from 0.4 to 0.55 the figures are the same (docs/experiments.md)."""
JOIN_SHARE = 0.4
"""A clause beside the most probable one belongs to the quote from this share of its probability on: of two that may carry the objection, both are shown."""
LONGEST_QUOTE = 26
"""Characters of two clauses that are quoted together, at most."""
DENIALS: dict[str, tuple[str, frozenset[str]]] = {
    "price": ("price_fine", frozenset(["price_high", "price_bargain"])),
    "authority": ("decides_self", frozenset(["authority"])),
    "payment": ("pay_fine", frozenset(["pay_lack", "pay_terms"])),
}
"""Type to the cue group that denies it and the groups that affirm it all the same."""
_DENYING = frozenset(denial for denial, _ in DENIALS.values())


@dataclass(frozen=True, slots=True)
class FoundObjection:
    """`text[start:end]` of the normalised note carries an objection of `type`, best in its clause number `clause`; `resolved`: how probably it was."""

    type: ObjectionType
    clause: int
    start: int
    end: int
    probability: float
    resolved: float

    @property
    def status(self) -> ObjectionStatus:
        return "resolved" if self.resolved >= RESOLVED else "open"


def _denials(context: Context) -> list[str]:
    """The types a clause denies (没嫌贵, 钱不是问题) where nothing in it affirms them."""
    groups = context.groups
    if groups.isdisjoint(_DENYING):
        return []
    return [kind for kind, (denial, affirming) in DENIALS.items() if denial in groups and not affirming & groups]


def quote_of(doc: Doc, kind: ObjectionType, at: int) -> tuple[int, int]:
    """(start, end) of the quote of a type told best in clause `at`: with a neighbour in the sentence that may as well be what carries it, both."""
    clauses, column = doc._.clauses, doc._.clause_probabilities[:, COLUMN[kind]]
    start, end, least = clauses[at].start, clauses[at].end, JOIN_SHARE * column[at]
    for beside in sorted((i for i in (at - 1, at + 1) if 0 <= i < len(clauses) and column[i] >= least), key=lambda i: -column[i]):
        first, last = sorted((at, beside))
        joined = clauses[first].start, clauses[last].end
        if (
            clauses[first].sentence == clauses[last].sentence
            and joined[1] - joined[0] <= LONGEST_QUOTE
            and kind not in _denials(doc._.contexts[beside])
        ):
            return joined
    return start, end


def strongest(doc: Doc) -> tuple[list[int], list[float]]:
    """(clause, probability) of each type where it is most probable and not denied; needs a clause."""
    table = doc._.clause_probabilities[:, : len(OBJECTION_TYPES)].copy()
    for row, context in enumerate(doc._.contexts):
        for denied in _denials(context):
            table[row, COLUMN[denied]] = 0
    places = table.argmax(axis=0)
    return places.tolist(), table[places, range(len(OBJECTION_TYPES))].tolist()


_SETTLED = frozenset(
    ["放心了", "没再提", "不再提", "说可以", "没话说", "点头了", "接受了", "没问题了", "说没问题了", "踏实了", "没意见了", "想通", "打消"]
)
"""Said behind an objection in its sentence: in train and dev 13 of 15 such objections are resolved."""
SETTLED = 0.5
"""How probably an objection is resolved at the least where one of these is said."""


def settled(doc: Doc, at: int) -> bool:
    """Whether the customer is told to have given way behind the beginning of clause `at`, in it or the next one of its sentence. Needs: clauses, context."""
    clauses = doc._.clauses
    start = clauses[at].start
    for clause, context in zip(clauses[at : at + 2], doc._.contexts[at : at + 2], strict=True):
        within = clause.sentence == clauses[at].sentence and not context.hypothetical
        if within and any(h.start > start and h.phrase in _SETTLED and h.start not in context.negated for h in context.hits):
            return True
    return False


class ObjectionFinder:
    """Writes doc._.objections as the clauses alone tell them; decisions.py settles them. Needs: clauses, context, clause_probabilities.

    `thresholds` per type are chosen on cross-validated train predictions.
    """

    def __init__(self) -> None:
        self.thresholds = dict.fromkeys(map(str, OBJECTION_TYPES), 0.5)
        self.status: LinearHeads | None = None

    def use(self, status: LinearHeads) -> None:
        """Tell open from resolved by this model."""
        self.status = status

    def _resolved(self, doc: Doc, places: Sequence[int]) -> list[float]:
        """How probably the objection in each of these clauses was resolved."""
        if self.status is None or not places:
            return [0.0] * len(places)
        told = self.status.probabilities_of_all(status_features(doc, places))[:, 0]
        if doc._.clause_resolved is not None:
            told = np.nanmean([told, doc._.clause_resolved[list(places)]], axis=0)
        return told.tolist()  # type: ignore[no-any-return]

    def found(
        self,
        doc: Doc,
        places: Sequence[int],
        shares: Sequence[float],
        thresholds: Mapping[str, float],
        views: Sequence[float] | None = None,
    ) -> tuple[FoundObjection, ...]:
        """An objection of each type whose share reaches its threshold, in order of place: the clause at `places` carries it.

        What doc._.objections says of a clause's status already is taken over, the mean of two opinions; `views`, a third one of each type's, weighs as much as
        either of them, and then what the customer is told to have said settles it (`settled`).
        """
        told = {o.clause: o.resolved for o in doc._.objections}
        there = [k for k, (kind, share) in enumerate(zip(OBJECTION_TYPES, shares, strict=True)) if share >= thresholds[kind]]
        untold = sorted({places[k] for k in there} - told.keys())
        told |= dict(zip(untold, self._resolved(doc, untold), strict=True))
        found = []
        for k in there:
            kind, at = OBJECTION_TYPES[k], places[k]
            resolved = (2 * told[at] + views[k]) / 3 if views else told[at]
            if views and resolved < SETTLED and settled(doc, at):
                resolved = SETTLED
            found.append(FoundObjection(kind, at, *quote_of(doc, kind, at), shares[k], resolved))
        return tuple(sorted(found, key=lambda o: (o.start, o.type)))

    def __call__(self, doc: Doc) -> Doc:
        doc._.objections = self.found(doc, *strongest(doc), self.thresholds) if doc._.clauses else ()
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump((self.thresholds, self.status), Path(path) / "objections.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ObjectionFinder:
        self.thresholds, self.status = joblib.load(Path(path) / "objections.joblib")
        return self


@Language.factory("objections", assigns=["doc._.objections"], requires=["doc._.clause_probabilities"])
def create_objections(nlp: Language, name: str) -> ObjectionFinder:
    return ObjectionFinder()
