"""The customer's objections: clauses the heads point to, one entry a type, with a status and the clause as quote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import ObjectionStatus, ObjectionType
from models.clause_heads import COLUMN, OBJECTION_TYPES
from models.context import Context
from models.linear import LinearHeads
from models.status import status_features

RESOLVED = 0.5
DENIALS: dict[str, tuple[str, frozenset[str]]] = {
    "price": ("price_fine", frozenset(["price_high", "price_bargain"])),
    "authority": ("decides_self", frozenset(["authority"])),
    "payment": ("pay_fine", frozenset(["pay_lack", "pay_terms"])),
}
"""Type to the cue group that denies it and the groups that affirm it all the same."""
_DENYING = frozenset(denial for denial, _ in DENIALS.values())


@dataclass(frozen=True, slots=True)
class FoundObjection:
    """`text[start:end]` of the normalised note carries an objection of `type`; `resolved`: how probably it was."""

    type: ObjectionType
    start: int
    end: int
    probability: float
    resolved: float

    @property
    def status(self) -> ObjectionStatus:
        return "resolved" if self.resolved >= RESOLVED else "open"


def _denials(context: Context) -> list[str]:
    """The types a clause denies (没嫌贵, 钱不是问题) where nothing in it affirms them."""
    groups = {g for h in context.hits for g in h.groups}
    if groups.isdisjoint(_DENYING):
        return []
    return [kind for kind, (denial, affirming) in DENIALS.items() if denial in groups and not affirming & groups]


def strongest(doc: Doc) -> tuple[list[int], list[float]]:
    """(clause, probability) of each type where it is most probable and not denied; needs a clause."""
    table = doc._.clause_probabilities[:, : len(OBJECTION_TYPES)].copy()
    for row, context in enumerate(doc._.contexts):
        for denied in _denials(context):
            table[row, COLUMN[denied]] = 0
    places = table.argmax(axis=0)
    return places.tolist(), table[places, range(len(OBJECTION_TYPES))].tolist()


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
        return self.status.probabilities_of_all(status_features(doc, places))[:, 0].tolist()  # type: ignore[no-any-return]

    def found(
        self,
        doc: Doc,
        places: Sequence[int],
        shares: Sequence[float],
        thresholds: Mapping[str, float],
        views: Sequence[float] | None = None,
    ) -> tuple[FoundObjection, ...]:
        """An objection of each type whose share reaches its threshold, in order of place: the clause at `places` is its quote.

        What doc._.objections says of a clause's status already is taken over; `views`, another opinion of each type's, weighs as much.
        """
        clauses = doc._.clauses
        told = {o.start: o.resolved for o in doc._.objections}
        there = [k for k, (kind, share) in enumerate(zip(OBJECTION_TYPES, shares, strict=True)) if share >= thresholds[kind]]
        untold = sorted({places[k] for k in there if clauses[places[k]].start not in told})
        told |= {clauses[at].start: resolved for at, resolved in zip(untold, self._resolved(doc, untold), strict=True)}
        found = []
        for k in there:
            kind, share, (start, end, *_) = OBJECTION_TYPES[k], shares[k], clauses[places[k]]
            resolved = told[start]
            found.append(FoundObjection(kind, start, end, share, (resolved + views[k]) / 2 if views else resolved))
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
