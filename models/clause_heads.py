"""What each clause carries: objections by type, a next step, money's date, and evidence for the rubric.

One set of linear heads over words, characters, cue phrases and the neighbouring clauses; the finders after it read the probabilities.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import ObjectionType
from models.linear import LinearHeads

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


def clause_features(doc: Doc) -> list[list[str]]:
    """One list of features a clause, with those of its neighbours in the sentence: a sentence added elsewhere changes nothing. Needs: clauses, context, people, prices."""
    text, clauses, contexts = doc._.text, doc._.clauses, doc._.contexts
    words = doc._.words
    marks = _buckets(doc, [c.start for c in clauses])
    own: list[list[str]] = []
    cue_names: list[list[str]] = []
    for clause, context in zip(clauses, contexts, strict=True):
        groups = [("!" if h.start in context.negated else "") + g for h in context.hits for g in h.groups]
        cue_names.append(groups)
        own.append(words[clause.first : clause.last])
    last = len(clauses) - 1
    features: list[list[str]] = []
    for i, (clause, context) in enumerate(zip(clauses, contexts, strict=True)):
        t = text[clause.start : clause.end]
        w, q = own[i], cue_names[i]
        f = ["w" + x for x in w]
        f += [f"b{a}_{b}" for a, b in zip(["^", *w], [*w, "$"], strict=True)]
        f += ["c" + t[k : k + 2] for k in range(len(t) - 1)]
        f += ["q" + x for x in q]
        f += ["Q" + h.phrase for h in context.hits]
        f += ["m" + x for x in marks[i]]
        f.append("s" + context.speaker)
        if context.speaker:
            f += [f"sq{context.speaker}{x}" for x in q]
        if context.guess:
            f.append("guess")
            f += ["g" + x for x in q]
        if context.hypothetical:
            f += ["h" + x for x in q]
        if context.other_customer:
            f += ["o" + x for x in q]
        if clause.label:
            f += ["L" + clause.label, "l" + clause.label[-2:]]
        if i and clauses[i - 1].sentence == clause.sentence:
            f += ["-w" + x for x in own[i - 1]]
            f += ["-q" + x for x in cue_names[i - 1]]
            f += ["-m" + x for x in marks[i - 1]]
        if i < last and clauses[i + 1].sentence == clause.sentence:
            f += ["+w" + x for x in own[i + 1]]
            f += ["+q" + x for x in cue_names[i + 1]]
            f += ["+m" + x for x in marks[i + 1]]
        f.append("n" + str(min(len(t) // 4, 6)))
        f.append("k" + ("0" if last == 0 else "a" if i == 0 else "z" if i == last else str(3 * i // (last + 1))))
        features.append(f)
    return features


class ClauseHeads:
    """Writes doc._.clause_probabilities, float [clauses, HEADS]. Needs: clauses, context, people, prices.

    A type's probability is the mean of two views: its own head, and an objection of any type times the choice among the types,
    which rare types learn more from. Both models share one vocabulary, so the features are looked up once.
    """

    def __init__(self, model: LinearHeads | None = None, types: LinearHeads | None = None) -> None:
        self.model, self.types = model, types

    def predict(self, doc: Doc) -> NDArray[np.float32]:
        """Probabilities [clauses, HEADS] of each clause carrying each thing."""
        if self.model is None or self.types is None or not doc._.clauses:
            return np.zeros((len(doc._.clauses), len(HEADS)), dtype=np.float32)
        rows = [self.model.known(features) for features in clause_features(doc)]
        table = self.model.probabilities_of_all_rows(rows)
        chosen = table[:, COLUMN["objection"], None] * self.types.probabilities_of_all_rows(rows)
        table[:, : len(OBJECTION_TYPES)] = (table[:, : len(OBJECTION_TYPES)] + chosen) / 2
        return table

    def __call__(self, doc: Doc) -> Doc:
        doc._.clause_probabilities = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump((self.model, self.types), Path(path) / "clause_heads.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ClauseHeads:
        self.model, self.types = joblib.load(Path(path) / "clause_heads.joblib")
        return self


@Language.factory(
    "clause_heads", assigns=["doc._.clause_probabilities"], requires=["doc._.clauses", "doc._.contexts", "doc._.people", "doc._.prices"]
)
def create_clause_heads(nlp: Language, name: str) -> ClauseHeads:
    return ClauseHeads()
