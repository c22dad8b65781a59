"""The findings settled by the judge's view of the whole note: which objections there are and which are resolved, who plays which part, and whether the next step counts.

A finder sees a clause or a person; the judge saw everything that was found. Where both speak of the same thing they are weighed together here, so that
kp_status follows from the people (labels.md) and both from the whole note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.analysis import KpStatus
from models.clause_heads import OBJECTION_TYPES
from models.judge import LEVEL, Judgement
from models.kp import status_of
from models.labels import DIMENSIONS
from models.note_numbers import KP_STATUSES
from models.objections import FoundObjection, ObjectionFinder, strongest
from models.people import ROLES, Part, found_persons, surest_parts, there

QUOTABLE = 0.06
"""A type needs a clause of this probability at least: no finding without its quote."""
KP_WEIGHT = 2.0
"""What the judge's kp_status weighs beside the persons' own parts, in log-probabilities. Chosen on train held out by writer, like the rest here."""
OVERCOME = 0.95
"""How probably the objection of a customer who signed is resolved: 420 of 441 in train are."""
ANOTHER_KP = 1.5
"""What a second first KP takes off the log-probability of the parts: 32 of the 2,216 notes of train with one have two."""
_FIRST_KP = ROLES.index("first_kp")
LIKELY = 0.12
"""Parts below this probability are not tried."""
MOST = 12
"""Of more persons each keeps his surest part."""


def objection_shares(doc: Doc, judgement: Judgement) -> tuple[list[int], list[float]]:
    """(clause, share) of each type: the mean of its most probable clause and of the judge's view; 0 where no clause may be its quote.

    A clause says one objection: of types told best in the same one only the surest keeps its share (3 of the 4,491 objections of train share a clause).
    """
    places, own = strongest(doc)
    shares = [(p + t) / 2 if p >= QUOTABLE else 0.0 for p, t in zip(own, judgement.types.tolist(), strict=True)]
    surest = {place: max(share for at, share in zip(places, shares, strict=True) if at == place) for place in places}
    return places, [share if share == surest[place] else 0.0 for place, share in zip(places, shares, strict=True)]


def parts_within(table: NDArray[np.float32], kp: NDArray[np.float32]) -> list[Part]:
    """The parts of the persons there that are most probable together with the kp_status that follows from them; `kp`: the judge's, by KP_STATUSES.

    The status follows from which parts there are, so of all ways to the same set of parts only the most probable is kept. A note has one first KP:
    another costs ANOTHER_KP.
    """
    persons, surest = table[there(table)].tolist(), surest_parts(table)
    if len(persons) > MOST:
        return surest
    ways: dict[tuple[frozenset[Part], bool], tuple[float, tuple[Part, ...]]] = {(frozenset(), False): (0.0, ())}
    for person, own in zip(persons, surest, strict=True):
        options = _likely(person) or [(0.0, own)]
        longer: dict[tuple[frozenset[Part], bool], tuple[float, tuple[Part, ...]]] = {}
        for (there_already, decided), (weight, parts) in ways.items():
            for added, part in options:
                decides = part[0] == _FIRST_KP
                key = there_already | {part}, decided or decides
                total = weight + added - (ANOTHER_KP if decided and decides else 0.0)
                if key not in longer or longer[key][0] < total:
                    longer[key] = (total, (*parts, part))
        ways = longer
    status_weight = {s: KP_WEIGHT * log(max(p, 1e-3)) for s, p in zip(KP_STATUSES, kp.tolist(), strict=True)}
    _, best = max(ways.values(), key=lambda way: way[0] + status_weight[status_of([(ROLES[k], met) for k, met in way[1]])])
    return list(best)


def _likely(person: Sequence[float]) -> list[tuple[float, Part]]:
    """(log of its probability, part) of each part that is LIKELY in both its halves. `person`: a row of the persons' table."""
    _, met, *roles = person
    sides = [(reached, is_met) for is_met, reached in ((True, met), (False, 1 - met)) if reached >= LIKELY]
    return [(log(role * reached), (k, is_met)) for k, role in enumerate(roles) if role >= LIKELY for reached, is_met in sides]


def _status_without_people(judgement: Judgement) -> KpStatus:
    nobody, unclear = (float(judgement.kp[KP_STATUSES.index(s)]) for s in ("met_nobody", "unclear"))
    return "met_nobody" if nobody > unclear else "unclear"


def _overcome(objection: FoundObjection) -> FoundObjection:
    """The objection of a customer who signed."""
    return replace(objection, resolved=max(objection.resolved, OVERCOME))


class Decisions:
    """Writes doc._.objections, people and kp_status anew and withdraws a next step for which the rubric gives no point. Needs: judgement.

    `thresholds` per objection type are chosen on cross-validated train predictions.
    """

    def __init__(self, objections: ObjectionFinder) -> None:
        self._objections = objections
        self.thresholds = dict.fromkeys(map(str, OBJECTION_TYPES), 0.5)

    def __call__(self, doc: Doc) -> Doc:
        found = doc._
        judgement: Judgement | None = found.judgement
        if judgement is None:
            return doc
        if found.clauses:
            told = self._objections.found(doc, *objection_shares(doc, judgement), self.thresholds, judgement.resolved.tolist())
            found.objections = told if judgement.outcome_label != "signed" else tuple(map(_overcome, told))
        if found.people:
            found.people = found_persons(found.candidates, found.person_table, parts_within(found.person_table, judgement.kp))
            found.kp_status = status_of([(p.role, p.met) for p in found.people])
        else:
            found.kp_status = _status_without_people(judgement)
        if judgement.levels[DIMENSIONS.index("next_step"), 0] < LEVEL:
            found.next_step = None
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.thresholds, Path(path) / "decisions.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> Decisions:
        self.thresholds = joblib.load(Path(path) / "decisions.joblib")
        return self


@Language.factory(
    "decisions", assigns=["doc._.objections", "doc._.people", "doc._.kp_status"], requires=["doc._.judgement", "doc._.person_table"]
)
def create_decisions(nlp: Language, name: str) -> Decisions:
    objections = nlp.get_pipe("objections")
    assert isinstance(objections, ObjectionFinder)
    return Decisions(objections)
