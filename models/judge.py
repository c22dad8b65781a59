"""Note-level judgements: the ten rubric levels, outcome, kind and which questions to ask, from the findings and the cue phrases alone.

Words are not read here: what a name or a brand is called moves no judgement, and words beside the findings gained nothing (docs/experiments.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log1p
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import KindLabel, OutcomeLabel, PriceRole
from models.clause_heads import HEADS, OBJECTION_TYPES
from models.context import Context
from models.gaps import assemble
from models.kp import kp_status
from models.labels import DIMENSIONS, QUESTION_IDS
from models.lexicon import grouped
from models.network import Network
from models.people import ROLES

OUTCOMES: tuple[OutcomeLabel, ...] = ("signed", "not_signed", "unclear")
KP_STATUSES = ("met_first_kp", "met_other_only", "met_nobody", "unclear")
PRICE_ROLES: tuple[PriceRole, ...] = get_args(PriceRole)
OUTPUTS = (*(f"{d}>={level}" for d in DIMENSIONS for level in (1, 2)), *OUTCOMES, "diagnostic", *QUESTION_IDS)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probabilities: `levels` [10, 2] of a level of at least 1 and at least 2; `outcome` [3]; `kind` of diagnostic; `questions` [16]."""

    levels: NDArray[np.float32]
    outcome: NDArray[np.float32]
    kind: float
    questions: NDArray[np.float32]

    @property
    def kind_label(self) -> KindLabel:
        return "diagnostic" if self.kind >= 0.5 else "flow_of_events"

    @property
    def outcome_label(self) -> OutcomeLabel:
        return OUTCOMES[int(self.outcome.argmax())]


def judged(probabilities: NDArray[np.float32]) -> Judgement:
    """The judgement told by the network's OUTPUTS."""
    levels, outcome, kind, questions = np.split(probabilities, [2 * len(DIMENSIONS), 2 * len(DIMENSIONS) + 3, 2 * len(DIMENSIONS) + 4])
    return Judgement(levels.reshape(len(DIMENSIONS), 2), outcome / outcome.sum(), float(kind[0]), questions)


def signature(doc: Doc, groups: Mapping[str, int]) -> list[float]:
    """What the finders found, as numbers; `groups`: each cue group's column. Needs every finder."""
    found = doc._
    text, people, prices, objections, table = found.text, found.people, found.prices, found.objections, found.clause_probabilities
    rivals = {text[n.start : n.end] for n in found.names if n.label == "CMP"}
    slots = assemble(text, prices)
    status = kp_status(people, text)
    filled = [slots.ours is not None, slots.competitor is not None, slots.customer is not None, bool(slots.gaps)]
    step, funds, stated = found.next_step, found.funds_date, found.customer_class
    rows = len(table)
    columns: list[list[float]] = np.sort(table, axis=0).T.tolist() if rows else [[0.0]] * len(HEADS)
    numbers = [column[-1] for column in columns]
    numbers += [column[-2] for column in columns] if rows > 1 else [0.0] * len(HEADS)
    numbers += np.log1p(table.sum(axis=0)).tolist()
    parts = [(p.role, p.met) for p in people]
    numbers += [float(parts.count((r, m))) for r in ROLES for m in (True, False)]
    for met in (False, True):
        surest = dict.fromkeys(ROLES, 0.0)
        for p in people:
            if p.met or not met:
                surest[p.role] = max(surest[p.role], p.role_probability)
        numbers += surest.values()
    price_roles = [x.role for x in prices]
    numbers += [float(price_roles.count(r)) for r in PRICE_ROLES]
    numbers += [float(x) for x in filled]
    numbers += [float(status == s) for s in KP_STATUSES]
    types, statuses = {o.type for o in objections}, [o.status for o in objections]
    numbers += [float(t in types) for t in OBJECTION_TYPES]
    numbers += [float(statuses.count(s)) for s in ("open", "resolved")]
    numbers += [float(x is not None) for x in (step, step and step.when, funds, stated)]
    numbers += [float(len(rivals)), log1p(len(text)), log1p(rows), float(len(found.amounts)), float(len(found.times))]
    return numbers + _cue_counts(found.contexts, groups)


def _cue_counts(contexts: Sequence[Context], groups: Mapping[str, int]) -> list[float]:
    """log(1 + n) of each cue group's phrases: said plainly, negated, in the rep's own clauses."""
    size = len(groups)
    counts = [0] * (3 * size)
    for context in contexts:
        for hit in context.hits:
            side = size if hit.start in context.negated else 0
            for group in hit.groups:
                column = groups[group]
                counts[side + column] += 1
                if context.speaker == "rep":
                    counts[2 * size + column] += 1
    return list(map(log1p, counts))


class Judge:
    """Writes doc._.judgement, and withdraws a next step for which the rubric gives no point. Needs every finder."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network
        self.groups = {group: i for i, group in enumerate(sorted(grouped("cues.tsv")))}

    def predict(self, docs: Sequence[Doc]) -> list[Judgement | None]:
        """The notes' judgements, or None before training."""
        if self.network is None:
            return [None] * len(docs)
        numbers = np.array([signature(doc, self.groups) for doc in docs], dtype=np.float32)
        return [judged(row) for row in self.network.probabilities(numbers)]

    def write(self, docs: Sequence[Doc]) -> None:
        """Judge several notes at once."""
        for doc, judgement in zip(docs, self.predict(docs), strict=True):
            doc._.judgement = judgement
            if judgement is not None and judgement.levels[DIMENSIONS.index("next_step"), 0] < 0.5:
                doc._.next_step = None

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.network, Path(path) / "judge.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> Judge:
        self.network = joblib.load(Path(path) / "judge.joblib")
        return self


@Language.factory("judge", assigns=["doc._.judgement"], requires=["doc._.people", "doc._.objections", "doc._.prices", "doc._.next_step"])
def create_judge(nlp: Language, name: str) -> Judge:
    return Judge()
