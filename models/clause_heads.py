"""What each clause carries: objections by type, a next step, money's date, and evidence for the rubric.

One set of linear heads over words, characters, cue phrases and the neighbouring clauses; the finders after it read the probabilities.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import ObjectionType
from models.features import Group
from models.linear import LinearHeads, SharedHeads
from models.masking import masked

OBJECTION_TYPES: tuple[ObjectionType, ...] = get_args(ObjectionType)
EVIDENCE = ("need", "recognition", "competition", "close_attempt", "diagnosis", "reflection")
HEADS = (*OBJECTION_TYPES, "next_step", "funds", *(f"ev_{d}" for d in EVIDENCE), "objection")
"""The last head tells an objection of any type; which type is then a choice among the eight (ClauseHeads.types)."""
COLUMN = {head: i for i, head in enumerate(HEADS)}


def _buckets(doc: Doc, starts: list[int]) -> list[set[str]]:
    """Per clause: which findings of earlier components stand in it."""
    marks: list[set[str]] = [set() for _ in starts]

    def put(at: int, mark: str) -> None:
        i = bisect_left(starts, at + 1) - 1
        if i >= 0:
            marks[i].add(mark)

    for name in doc._.names:
        put(name.start, name.label)
    for time in doc._.times:
        put(time.start, "TIME")
    for person in doc._.people:
        for start, _ in person.places:
            put(start, "P:" + person.role)
    for price in doc._.prices:
        put(price.start, "M:" + price.role)
    return marks


PREFIXES = (
    "w",
    "b",
    "c",
    "q",
    "Q",
    "m",
    "s",
    "sqrep",
    "sqcustomer",
    "guess",
    "g",
    "h",
    "o",
    "L",
    "l",
    "-w",
    "-q",
    "-m",
    "+w",
    "+q",
    "+m",
    "n",
    "k",
)


def clause_features(doc: Doc) -> list[list[Group]]:
    """One list of features a clause, with those of its neighbours in the sentence: a sentence added elsewhere changes nothing. Needs: clauses, context, people, prices."""
    found = doc._
    clauses, contexts = found.clauses, found.contexts
    text, words = masked(doc)
    pairs, grams = list(map("_".join, pairwise(words))), list(map(add, text, text[1:]))
    marks = _buckets(doc, [c.start for c in clauses])
    own: list[list[str]] = []
    cue_names: list[list[str]] = []
    for clause, context in zip(clauses, contexts, strict=True):
        groups = [("!" if h.start in context.negated else "") + g for h in context.hits for g in h.groups]
        cue_names.append(groups)
        own.append(words[clause.first : clause.last])
    last = len(clauses) - 1
    features: list[list[Group]] = []
    for i, (clause, context) in enumerate(zip(clauses, contexts, strict=True)):
        w, q = own[i], cue_names[i]
        edges = ["^_" + w[0], *pairs[clause.first : clause.last - 1], w[-1] + "_$"] if w else ["^_$"]
        f: list[Group] = [("w", w), ("b", edges), ("c", grams[clause.start : clause.end - 1]), ("s", (context.speaker,))]
        if marks[i]:
            f.append(("m", tuple(marks[i])))
        if q:
            f += (("q", q), ("Q", [h.phrase for h in context.hits]))
            if context.speaker:
                f.append(("sq" + context.speaker, q))
            f += [
                (prefix, q) for prefix, holds in (("g", context.guess), ("h", context.hypothetical), ("o", context.other_customer)) if holds
            ]
        if context.guess:
            f.append(("guess", ("",)))
        if clause.label:
            f += (("L", (clause.label,)), ("l", (clause.label[-2:],)))
        for side, j in (("-", i - 1), ("+", i + 1)):
            if 0 <= j <= last and clauses[j].sentence == clause.sentence:
                f += ((side + "w", own[j]), (side + "q", cue_names[j]), (side + "m", tuple(marks[j])))
        f.append(("n", (str(min((clause.end - clause.start) // 4, 6)),)))
        f.append(("k", ("0" if last == 0 else "a" if i == 0 else "z" if i == last else str(3 * i // (last + 1)),)))
        features.append(f)
    return features


class ClauseHeads:
    """Writes doc._.clause_probabilities, float [clauses, HEADS]. Needs: clauses, context, people, prices.

    A type's probability is the mean of two views: its own head, and an objection of any type times the choice among the types,
    which rare types learn more from. Both models share one vocabulary, so the features are looked up once.
    """

    def __init__(self) -> None:
        self._models: tuple[LinearHeads, LinearHeads] | None = None

    def use(self, models: tuple[LinearHeads, LinearHeads]) -> None:
        """Predict by these models: all HEADS, and the choice among the objection types."""
        self._models = models
        self._shared = SharedHeads(self._models, PREFIXES)

    def predict(self, doc: Doc) -> NDArray[np.float32]:
        """Probabilities [clauses, HEADS] of each clause carrying each thing."""
        if self._models is None or not doc._.clauses:
            return np.zeros((len(doc._.clauses), len(HEADS)), dtype=np.float32)
        model, types = self._models
        sums, type_sums = self._shared.sums(clause_features(doc))
        table = model.of_sums(sums)
        chosen = table[:, COLUMN["objection"], None] * types.of_sums(type_sums)
        table[:, : len(OBJECTION_TYPES)] = (table[:, : len(OBJECTION_TYPES)] + chosen) / 2
        return table

    def __call__(self, doc: Doc) -> Doc:
        doc._.clause_probabilities = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self._models, Path(path) / "clause_heads.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ClauseHeads:
        self.use(joblib.load(Path(path) / "clause_heads.joblib"))
        return self


@Language.factory(
    "clause_heads", assigns=["doc._.clause_probabilities"], requires=["doc._.clauses", "doc._.contexts", "doc._.people", "doc._.prices"]
)
def create_clause_heads(nlp: Language, name: str) -> ClauseHeads:
    return ClauseHeads()
