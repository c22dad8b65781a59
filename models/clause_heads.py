"""What each clause carries: objections by type, a next step, money's date, and evidence for the rubric.

One set of linear heads over words, characters, cue phrases and the neighbouring clauses; the finders after it read the probabilities.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from itertools import chain, pairwise
from operator import add
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import ObjectionType
from models.bags import Bag, Items, in_a_row
from models.linear import LinearHeads, SharedHeads, to_write
from models.masking import masked
from models.telling import positions

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


FAMILIES = (("",), ("b",), ("c",), ("w", "-w", "+w"), ("m", "-m", "+m"), ("u", "-u", "+u"))


def clause_features(doc: Doc) -> Items:
    """The features of the clauses, with those of neighbours in the sentence: a sentence added elsewhere changes nothing. Needs: clauses, context, people, prices."""
    found = doc._
    clauses, contexts = found.clauses, found.contexts
    text, words = masked(doc)
    grams = found.grams if text is found.text else list(map(add, text, text[1:]))
    marks = _buckets(doc, [c.start for c in clauses])
    edges: list[str] = []
    own: list[list[str]] = []
    characters: list[list[str]] = []
    names: list[list[str]] = []
    senses = [[g for h in context.senses for g in h.groups] for context in contexts]
    for clause, context, position in zip(clauses, contexts, positions(clauses, contexts), strict=True):
        w = words[clause.first : clause.last]
        own.append(w)
        edges += map("_".join, zip(["^", *w], [*w, "$"], strict=True))
        characters.append(grams[clause.start : clause.end - 1])
        speaker = context.speaker
        f = ["s" + speaker, f"n{min((clause.end - clause.start) // 4, 6)}", "k" + position]
        q: list[str] = []
        for h in context.hits:
            f.append("Q" + h.phrase)
            q += map("!".__add__, h.groups) if h.start in context.negated else h.groups
        if q:
            for prefix, holds in (
                ("sq" + speaker, speaker),
                ("g", context.guess),
                ("h", context.hypothetical),
                ("o", context.other_customer),
            ):
                if holds:
                    f += map(prefix.__add__, q)
        if context.guess:
            f.append("guess")
        if clause.label:
            f += ("L" + clause.label, "l" + clause.label[-2:])
        names.append(f)
    listed: tuple[Sequence[Collection[str]], ...] = (characters, own, marks, senses)
    bags = [_bag(FAMILIES[0], names), Bag(FAMILIES[1], edges, [len(w) + 1 for w in own]), *map(_bag, FAMILIES[2:], listed)]
    return Items(len(clauses), bags, [a.sentence == b.sentence for a, b in pairwise(clauses)])


def _bag(prefixes: tuple[str, ...], values: Sequence[Collection[str]]) -> Bag:
    return Bag(prefixes, list(chain.from_iterable(values)), list(map(len, values)))


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
        self._shared = SharedHeads(self._models, FAMILIES)

    def write(self, docs: Sequence[Doc]) -> None:
        """Probabilities [clauses, HEADS] of each clause of several notes carrying each thing."""
        for doc in docs:
            doc._.clause_probabilities = np.zeros((len(doc._.clauses), len(HEADS)), dtype=np.float32)
        filled = [doc for doc in docs if doc._.clauses]
        if self._models is None or not filled:
            return
        table, types = self._shared.probabilities(in_a_row([clause_features(doc) for doc in filled]))
        chosen = table[:, COLUMN["objection"], None] * types
        table[:, : len(OBJECTION_TYPES)] = (table[:, : len(OBJECTION_TYPES)] + chosen) / 2
        end = 0
        for doc in filled:
            begin, end = end, end + len(doc._.clauses)
            doc._.clause_probabilities = table[begin:end]

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(to_write(*self._models or ()), Path(path) / "clause_heads.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ClauseHeads:
        first, second = joblib.load(Path(path) / "clause_heads.joblib")
        self.use((first, second))
        self._models = first.lean(), second.lean()
        return self


@Language.factory(
    "clause_heads", assigns=["doc._.clause_probabilities"], requires=["doc._.clauses", "doc._.contexts", "doc._.people", "doc._.prices"]
)
def create_clause_heads(nlp: Language, name: str) -> ClauseHeads:
    return ClauseHeads()
