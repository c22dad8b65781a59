"""Which of the names that may be a competitor's are one: told by the clause around, where the tagger sees a few characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from math import log2
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.linear import LinearHeads, SharedHeads, to_write
from models.names import NameSpan
from models.surroundings import sense_features, word_features

RIVAL_THRESHOLD = 0.45
"""Chosen on train held out by writer."""
_VISITED = re.compile(
    r"(?:^|[,。;!\n|】:])[^,。;!\n|]{0,4}(?:去了?|到了?|拜访|走访|回访|店访|客户名?称?[::】]|单位[::】]|公司[::】]|打给|电话|约了?)[^,。;!\n|用拿比报签换选被买进试]{0,6}$"
)
"""What goes before the firm that was visited: it is the customer, never a competitor."""


_ORGANISATION = re.compile(r"^(?:公司|集团|医院|学校|酒店|工厂|物流|科技|包装|装饰|工地|广场|园区?|镇|县|区|路|村|街|城)")
_QUOTES = frozenset("「“‘\"'《『」”’》』")


def rival_features(doc: Doc, candidates: tuple[NameSpan, ...]) -> list[list[str]]:
    """One list of features a candidate: how sure the tagger is, its form, figures and words around, the cues of its clause. Needs: clauses, context."""
    text, clauses, contexts = doc._.text, doc._.clauses, doc._.contexts
    starts = [c.start for c in clauses]
    figures = [(a.start, a.end) for a in doc._.amounts if a.form == "money"]
    out: list[list[str]] = []
    for i, c in enumerate(candidates):
        before, after = text[max(0, c.start - 3) : c.start], text[c.end : c.end + 3]
        ahead = min((s - c.end for s, _ in figures if s >= c.end), default=99)
        behind = min((c.start - e for _, e in figures if e <= c.start), default=99)
        f = [f"p={min(int(-log2(c.probability + 1e-6) * 2), 12)}", f"len={min(c.end - c.start, 6)}", f"han={not text[c.start].isascii()}", f"count={min(text.count(text[c.start : c.end]), 3)}",
             f"i={min(i, 2)}|{min(len(candidates), 4)}", f"b1={before[-1:]}", f"b2={before[-2:]}", f"b3={before}", f"a1={after[:1]}", f"a2={after[:2]}", f"a3={after}",
             f"quoted={before[-1:] in _QUOTES}", f"ahead={min(ahead, 12) // 2}", f"behind={min(behind, 12) // 2}", f"figures={min(len(figures), 3)}", f"begins={c.start < 3}",
             f"visited={bool(_VISITED.search(text, max(0, c.start - 12), c.start))}", f"organisation={bool(_ORGANISATION.match(text[c.end : c.end + 2]))}"]  # fmt: skip
        at = bisect_right(starts, c.start) - 1
        if at >= 0:
            context = contexts[at]
            f += word_features(doc, at, c.start, c.end)
            f += sense_features(doc, at, c.start, c.end)
            f += [f"{'A' if h.start >= c.end else 'B'}{g}" for h in context.hits for g in h.groups]
            f += [
                f"s={context.speaker}",
                f"other={context.other_customer}",
                f"ea={context.earlier}",
                f"l={clauses[at].label}",
            ]
        out.append(f)
    return out


def with_rivals(doc: Doc, table: NDArray[np.float32]) -> tuple[NameSpan, ...]:
    """The named people and the competitors, in order. `table` [candidates]: see RivalFinder.probabilities."""
    people = [n for n in doc._.names if n.label == "PER"]
    rivals = [
        NameSpan(c.start, c.end, "CMP", p) for c, p in zip(doc._.rival_candidates, table.tolist(), strict=False) if p >= RIVAL_THRESHOLD
    ]
    return tuple(sorted([*people, *rivals], key=lambda n: n.start))


class RivalFinder:
    """Writes doc._.rival_table and adds competitors to doc._.names. Needs: names, clauses, context. second_look.py decides anew."""

    def __init__(self) -> None:
        self._model: LinearHeads | None = None

    def use(self, model: LinearHeads) -> None:
        """Decide by this model."""
        self._model = model
        self._shared = SharedHeads([model])

    def probabilities(self, doc: Doc) -> NDArray[np.float32]:
        """[candidates]: of each of doc._.rival_candidates being a competitor's name."""
        candidates = doc._.rival_candidates
        if self._model is None or not candidates:
            return np.zeros(0, dtype=np.float32)
        return self._shared.probabilities(rival_features(doc, candidates))[0][:, 0]

    def __call__(self, doc: Doc) -> Doc:
        table = self.probabilities(doc)
        doc._.rival_table, doc._.names = table, with_rivals(doc, table)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(to_write(self._model)[0], Path(path) / "rivals.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> RivalFinder:
        model: LinearHeads = joblib.load(Path(path) / "rivals.joblib")
        self.use(model)
        self._model = model.lean()
        return self


@Language.factory(
    "rivals", assigns=["doc._.rival_table", "doc._.names"], requires=["doc._.rival_candidates", "doc._.clauses", "doc._.contexts"]
)
def create_rivals(nlp: Language, name: str) -> RivalFinder:
    return RivalFinder()
