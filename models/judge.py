"""Note-level judgements: the ten rubric levels, outcome, kind and which questions to ask, from the findings and the words.

Two layers of linear heads: the rubric first; kind, outcome and questions read the rubric's probabilities with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any, get_args

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import KindLabel, OutcomeLabel, PriceRole
from models.clause_heads import HEADS, OBJECTION_TYPES
from models.features import Group
from models.gaps import assemble
from models.kp import kp_status
from models.labels import DIMENSIONS, QUESTION_IDS
from models.linear import LinearHeads, SharedHeads
from models.people import ROLES

OUTCOMES: tuple[OutcomeLabel, ...] = ("signed", "not_signed", "unclear")
KP_STATUSES = ("met_first_kp", "met_other_only", "met_nobody", "unclear")
PRICE_ROLES: tuple[PriceRole, ...] = get_args(PriceRole)
RUBRIC_HEADS = tuple(f"{d}>={level}" for d in DIMENSIONS for level in (1, 2))


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


def signature(doc: Doc) -> tuple[list[str], list[float]]:
    """What the finders found, as named features and as numbers. Needs every finder."""
    found = doc._
    text, people, prices, objections, table = found.text, found.people, found.prices, found.objections, found.clause_probabilities
    rivals = {text[n.start : n.end] for n in found.names if n.label == "CMP"}
    slots = assemble(text, prices)
    status = kp_status(people, text)
    names = (
        [f"P{p.role}{p.met}" for p in people]
        + [f"O{o.type}{o.status}" for o in objections]
        + [f"kp={status}", f"np={min(len(people), 3)}", f"no={min(len(objections), 3)}"]
    )
    filled = [slots.ours is not None, slots.competitor is not None, slots.customer is not None, bool(slots.gaps)]
    step, funds, stated = found.next_step, found.funds_date, found.customer_class
    names += [f"slots={''.join('1' if x else '0' for x in filled)}", f"step={step is not None}{step is not None and step.when is not None}", f"funds={funds is not None}",
              f"class={stated.label if stated else None}", f"rival={bool(rivals)}"]  # fmt: skip
    rows = len(table)
    top = np.sort(table, axis=0)[-2:] if rows else np.zeros((0, len(HEADS)), dtype=np.float32)
    best = top[-1] if rows else np.zeros(len(HEADS))
    second = top[-2] if rows > 1 else np.zeros(len(HEADS))
    total = table.sum(axis=0) if rows else np.zeros(len(HEADS))
    numbers: list[float] = [*map(float, best), *map(float, second), *(log(1 + float(x)) for x in total)]
    numbers += [float(sum(p.role == r and p.met == m for p in people)) for r in ROLES for m in (True, False)]
    numbers += [float(sum(x.role == r for x in prices)) for r in PRICE_ROLES]
    numbers += [float(x) for x in filled]
    numbers += [float(status == s) for s in KP_STATUSES]
    numbers += [float(any(o.type == t for o in objections)) for t in OBJECTION_TYPES] + [
        float(sum(o.status == "open" for o in objections)),
        float(sum(o.status == "resolved" for o in objections)),
    ]
    numbers += [
        float(step is not None),
        float(step is not None and step.when is not None),
        float(funds is not None),
        float(stated is not None),
    ]
    numbers += [
        float(len(rivals)),
        log(1 + len(text)),
        log(1 + rows),
        float(len(found.amounts)),
        float(len(found.times)),
    ]
    return names, numbers


PREFIXES = ("", "w", "b", "Q", "Q!", "q", "srep", "scustomer", "s", "g", "L", "^q", "$q", "len=")


def note_features(doc: Doc) -> list[Group]:
    """Words, cue phrases with speaker and negation, headings, opening and end of a note."""
    found = doc._
    features: list[Group] = [("w", found.words), ("b", found.pairs)]
    contexts = found.contexts
    for context in contexts:
        if not context.hits:
            continue
        groups = [("!" if h.start in context.negated else "") + g for h in context.hits for g in h.groups]
        features += (("q", groups), ("s" + context.speaker, groups))
        for h in context.hits:
            features.append(("Q!" if h.start in context.negated else "Q", (h.phrase,)))
            if context.guess or context.hypothetical:
                features.append(("g", h.groups))
    if contexts:
        features.append(("L", [c.label for c in found.clauses if c.label]))
        features += [("^q", h.groups) for h in contexts[0].hits]
        features += [("$q", h.groups) for h in contexts[-1].hits]
    features.append(("len=", (str(min(len(found.text) // 12, 12)),)))
    return features


class Judge:
    """Writes doc._.judgement, and withdraws a next step for which the rubric gives no point. Needs every finder."""

    def __init__(self) -> None:
        self._models: tuple[LinearHeads, LinearHeads, LinearHeads] | None = None

    def use(self, rubric: LinearHeads, verdict: LinearHeads, outcome: LinearHeads) -> None:
        """Judge by these models, which share their vocabulary: they are trained on the same features."""
        self._models = rubric, verdict, outcome
        self._shared = SharedHeads(self._models, PREFIXES)

    def predict(self, doc: Doc) -> Judgement | None:
        """The note's judgement, or None before training."""
        if self._models is None:
            return None
        rubric, verdict, outcome = self._models
        names, numbers = signature(doc)
        rubric_sums, verdict_sums, outcome_sums = self._shared.sums([[*note_features(doc), ("", names)]])
        levels = rubric.of_sums(rubric_sums, numbers)[0]
        numbers += levels.tolist()
        outcomes = outcome.of_sums(outcome_sums, numbers)[0]
        numbers += outcomes.tolist()
        verdicts = verdict.of_sums(verdict_sums, numbers)[0]
        return Judgement(levels.reshape(len(DIMENSIONS), 2), outcomes, float(verdicts[0]), verdicts[1 : 1 + len(QUESTION_IDS)])

    def __call__(self, doc: Doc) -> Doc:
        judgement = doc._.judgement = self.predict(doc)
        if judgement is not None and judgement.levels[DIMENSIONS.index("next_step"), 0] < 0.5:
            doc._.next_step = None
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self._models, Path(path) / "judge.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> Judge:
        self.use(*joblib.load(Path(path) / "judge.joblib"))
        return self


@Language.factory("judge", assigns=["doc._.judgement"], requires=["doc._.people", "doc._.objections", "doc._.prices", "doc._.next_step"])
def create_judge(nlp: Language, name: str) -> Judge:
    return Judge()
