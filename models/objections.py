"""The customer's objections: clauses the heads point to, one entry a type, with a status and the clause as quote."""

from __future__ import annotations

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

RESOLVED_THRESHOLD = 0.7
"""Chosen on dev: a reason called resolved that is not costs the rep more than the other way round."""
DENIALS: dict[str, tuple[str, frozenset[str]]] = {
    "price": ("price_fine", frozenset(["price_high", "price_bargain"])),
    "authority": ("decides_self", frozenset(["authority"])),
    "payment": ("pay_fine", frozenset(["pay_lack", "pay_terms"])),
}
"""Type to the cue group that denies it and the groups that affirm it all the same."""


@dataclass(frozen=True, slots=True)
class FoundObjection:
    """`text[start:end]` of the normalised note carries an objection of `type`."""

    type: ObjectionType
    status: ObjectionStatus
    start: int
    end: int
    probability: float


def _denials(context: Context) -> list[str]:
    """The types a clause denies (没嫌贵, 钱不是问题) where nothing in it affirms them."""
    groups = {g for h in context.hits for g in h.groups}
    return [kind for kind, (denial, affirming) in DENIALS.items() if denial in groups and not affirming & groups]


class ObjectionFinder:
    """Writes doc._.objections. Needs: clauses, context, clause_probabilities. `thresholds` per type are chosen on cross-validated train predictions."""

    def __init__(self) -> None:
        self.thresholds = dict.fromkeys(map(str, OBJECTION_TYPES), 0.5)
        self.status: LinearHeads | None = None

    def use(self, status: LinearHeads) -> None:
        """Tell open from resolved by this model."""
        self.status = status

    def _status(self, doc: Doc, clause: int) -> ObjectionStatus:
        if self.status is None:
            return "open"
        return "resolved" if self.status.probabilities(status_features(doc, clause))[0] >= RESOLVED_THRESHOLD else "open"

    def predict(self, doc: Doc) -> tuple[FoundObjection, ...]:
        """At most one objection a type, in order of place: the type's most probable clause."""
        table, clauses = doc._.clause_probabilities, doc._.clauses
        if not clauses:
            return ()
        table = table.copy()
        for row, context in enumerate(doc._.contexts):
            for denied in _denials(context):
                table[row, COLUMN[denied]] = 0
        found = []
        for kind in OBJECTION_TYPES:
            column = table[:, COLUMN[kind]]
            best = int(column.argmax())
            if column[best] < self.thresholds[kind]:
                continue
            found.append(FoundObjection(kind, self._status(doc, best), clauses[best].start, clauses[best].end, float(column[best])))
        return tuple(sorted(found, key=lambda o: (o.start, o.type)))

    def __call__(self, doc: Doc) -> Doc:
        doc._.objections = self.predict(doc)
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
