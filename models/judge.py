"""Note-level judgements: the ten rubric levels, outcome, kind, which questions to ask, which objections there are, which of them
were resolved and whether the KP was met.

From the findings and the sense phrases alone: what a name or a brand is called moves no judgement, and words and cue phrases beside them gained nothing
(docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import KindLabel, OutcomeLabel
from models.clause_heads import OBJECTION_TYPES
from models.clause_numbers import Numbers
from models.content import content
from models.labels import DIMENSIONS, QUESTION_IDS
from models.lexicon import columns
from models.network import Network
from models.note_numbers import KP_STATUSES, note_numbers

OUTCOMES: tuple[OutcomeLabel, ...] = ("signed", "not_signed", "unclear")
SIGNED = 0.5
LEVEL = 0.45
"""A level of the rubric is reached from this probability on: chosen on dev, whose error is least from 0.42 to 0.46."""
DIAGNOSTIC = 0.45
"""A note is diagnostic from this probability on: chosen on dev (0.4 to 0.48 are within a point, 0.5 is one lower)."""
RARE = 1e-3
_PARTS = (
    tuple(f"{d}>={level}" for d in DIMENSIONS for level in (1, 2)),
    OUTCOMES,
    ("diagnostic",),
    QUESTION_IDS,
    OBJECTION_TYPES,
    tuple(f"{kind} resolved" for kind in OBJECTION_TYPES),
    KP_STATUSES,
)
OUTPUTS = tuple(str(output) for part in _PARTS for output in part)
_EDGES = [*accumulate(map(len, _PARTS))][:-1]


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities: `levels` [10, 2] of a level of at least 1 and at least 2; `outcome` [3]; `kind` of diagnostic; `questions` [16]; `types` [8] of an
    objection of each type; `resolved` [8] of its being resolved where it is there; `kp` [4] of each KP_STATUS."""

    levels: NDArray[np.float32]
    outcome: NDArray[np.float32]
    kind: float
    questions: NDArray[np.float32]
    types: NDArray[np.float32]
    resolved: NDArray[np.float32]
    kp: NDArray[np.float32]

    @property
    def kind_label(self) -> KindLabel:
        return "diagnostic" if self.kind >= DIAGNOSTIC else "flow_of_events"

    @property
    def kind_probability(self) -> float:
        """Of that label."""
        return self.kind if self.kind_label == "diagnostic" else 1 - self.kind

    @property
    def outcome_label(self) -> OutcomeLabel:
        """The most probable outcome, but `signed` only where it is more probable than not: told wrongly it costs more than left open."""
        first, second, _ = sorted(zip(self.outcome.tolist(), OUTCOMES, strict=True), reverse=True)
        return second[1] if first[1] == "signed" and first[0] < SIGNED else first[1]

    @property
    def outcome_probability(self) -> float:
        """Of that label."""
        return float(self.outcome[OUTCOMES.index(self.outcome_label)])


def judged(probabilities: NDArray[np.float32]) -> Judgement:
    """The judgement told by the network's OUTPUTS."""
    levels, outcome, kind, questions, types, both, kp = np.split(probabilities, _EDGES)
    resolved = np.minimum(both / np.maximum(types, RARE), 1)
    return Judgement(levels.reshape(len(DIMENSIONS), 2), outcome / outcome.sum(), float(kind[0]), questions, types, resolved, kp / kp.sum())


class Judge:
    """Writes doc._.judgement. Needs every finder; decisions.py then settles the findings by it."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network
        self._senses = columns("senses.tsv")

    def numbers(self, docs: Sequence[Doc]) -> Numbers:
        """[notes, numbers] that the network reads."""
        return np.array([note_numbers(content(doc), self._senses) for doc in docs], dtype=np.float32)

    def write(self, docs: Sequence[Doc]) -> None:
        """Judge several notes at once."""
        if self.network is not None:
            for doc, row in zip(docs, self.network.probabilities(self.numbers(docs)), strict=True):
                doc._.judgement = judged(row)

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.network, Path(path) / "judge.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> Judge:
        self.network = joblib.load(Path(path) / "judge.joblib")
        return self


@Language.factory(
    "judge", assigns=["doc._.judgement"], requires=["doc._.people", "doc._.kp_status", "doc._.objections", "doc._.slots", "doc._.next_step"]
)
def create_judge(nlp: Language, name: str) -> Judge:
    return Judge()
