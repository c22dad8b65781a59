"""Who speaks in a clause and in which mood: one shared component, read by all finders.

Negation, hedging, hypothesis, earlier visits and other customers are told here once (docs/note-path.md).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from spacy.language import Language
from spacy.tokens import Doc

from models.amounts import find_amounts
from models.clauses import Clause
from models.cues import CueHit, cue_scanner, sense_scanner
from models.gapped import gap_scanner
from models.times import find_times

_REP = re.compile(r"我们|咱们|咱|我司|我方|我")
_CUSTOMER = re.compile(r"他们|她们|他|她|对方|客户|人家|老板|业主|家长")
_WINDOW = 7
"""Characters after a negation word in which a cue counts as negated."""


class Context(NamedTuple):
    """One clause's speaker ("rep", "customer" or "") and moods; `hits` are its cue phrases, `groups` what groups these are of, `negated` those behind a negation, `senses` its sense phrases, first those in one piece."""

    speaker: str
    guess: bool
    hypothetical: bool
    earlier: bool
    other_customer: bool
    hits: tuple[CueHit, ...]
    groups: frozenset[str]
    negated: frozenset[int]
    senses: tuple[CueHit, ...]


def _speaker(text: str, clause: Clause, person_starts: list[int], before: str) -> str:
    """The first subject named in the clause; none named, the speaker of the clause before in the same sentence."""
    rep, customer = _REP.search(text, clause.start, clause.end), _CUSTOMER.search(text, clause.start, clause.end)
    at = bisect_left(person_starts, clause.start)
    person = person_starts[at] if at < len(person_starts) and person_starts[at] < clause.end else 1 << 30
    r = rep.start() if rep else 1 << 30
    c = min(customer.start() if customer else 1 << 30, person)
    if r == c:
        return before
    return "rep" if r < c else "customer"


class ContextReader:
    """Writes doc._.cues, times, amounts and contexts. Needs: clauses, names."""

    def __init__(self) -> None:
        self._scan, self._sense, self._gapped = cue_scanner(), sense_scanner(), gap_scanner()

    def predict(self, doc: Doc, cues: list[CueHit], senses: list[CueHit]) -> tuple[Context, ...]:
        """One Context a clause."""
        text, clauses = doc._.text, doc._.clauses
        starts, sense_starts = [h.start for h in cues], [h.start for h in senses]
        person_starts = [n.start for n in doc._.names if n.label == "PER"]
        contexts: list[Context] = []
        gapped = self._gapped(text, doc._.grams, clauses)
        speaker, sentence = "", -1
        for clause, apart in zip(clauses, gapped, strict=True):
            if clause.sentence != sentence:
                speaker, sentence = "", clause.sentence
            hits = tuple(cues[bisect_left(starts, clause.start) : bisect_left(starts, clause.end)])
            negations = [h.end for h in hits if "negation" in h.groups]
            negated = frozenset(h.start for h in hits for end in negations if 0 <= h.start - end <= _WINDOW)
            speaker = _speaker(text, clause, person_starts, speaker)
            groups = frozenset([g for h in hits for g in h.groups])
            moods = ("guess" in groups, "hypothetical" in groups, "earlier" in groups, "other_customer" in groups)
            own = (*senses[bisect_left(sense_starts, clause.start) : bisect_left(sense_starts, clause.end)], *apart)
            contexts.append(Context(speaker, *moods, hits, groups, negated, own))
        return tuple(contexts)

    def __call__(self, doc: Doc) -> Doc:
        text = doc._.text
        cues = self._scan(text, doc._.grams)
        doc._.cues = tuple(cues)
        doc._.times = tuple(find_times(text))
        doc._.amounts = tuple(find_amounts(text))
        doc._.contexts = self.predict(doc, cues, self._sense(text, doc._.grams))
        return doc


@Language.factory(
    "context",
    assigns=["doc._.cues", "doc._.times", "doc._.amounts", "doc._.contexts"],
    requires=["doc._.clauses", "doc._.names"],
)
def create_context(nlp: Language, name: str) -> ContextReader:
    return ContextReader()
