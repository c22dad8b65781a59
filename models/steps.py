"""What happens next and when money comes: the clause, and the time expression that stands in it."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_heads import COLUMN
from models.times import TimeMention

JOIN_THRESHOLD = 0.4
"""A clause beside the chosen one joins the quote from this probability on."""
MAX_JOINED = 3
_MONEY = re.compile("款|钱|账|帐|预算|拨|资金|经费|到位|付|结清|结算|补贴|贷|工资|奖金|分红|收入|卖|粮|提成|退税|报销")
"""A word of money, or of what a customer waits for to have it."""


@dataclass(frozen=True, slots=True)
class FoundStep:
    """`text[start:end]` of the normalised note, with the time expression that belongs to it."""

    start: int
    end: int
    when: TimeMention | None
    probability: float


class StepFinder:
    """Writes doc._.next_step and doc._.funds_date. Needs: clauses, context (times), clause_probabilities."""

    def __init__(self, thresholds: dict[str, float] | None = None) -> None:
        self.thresholds = thresholds or {"next_step": 0.5, "funds": 0.5}

    def next_step(self, doc: Doc) -> FoundStep | None:
        """The most probable clause, with neighbours of the same sentence that go on with it; among equals one with a time."""
        clauses = doc._.clauses
        if not clauses:
            return None
        column = doc._.clause_probabilities[:, COLUMN["next_step"]]
        times: tuple[TimeMention, ...] = doc._.times
        starts = [t.start for t in times]
        timed = [bisect_left(starts, c.start) < bisect_left(starts, c.end) for c in clauses]
        best = int(max(range(len(clauses)), key=lambda i: column[i] + (0.15 if timed[i] else 0)))
        if column[best] < self.thresholds["next_step"]:
            return None
        first = last = best
        while (
            last + 1 < len(clauses)
            and last - first < MAX_JOINED
            and column[last + 1] >= JOIN_THRESHOLD
            and clauses[last + 1].sentence == clauses[best].sentence
        ):
            last += 1
        while (
            first > 0
            and last - first < MAX_JOINED
            and column[first - 1] >= JOIN_THRESHOLD
            and clauses[first - 1].sentence == clauses[best].sentence
        ):
            first -= 1
        start, end = clauses[first].start, clauses[last].end
        when = next((t for t in times if clauses[best].start <= t.start < clauses[best].end), None) or next(
            (t for t in times if start <= t.start < end), None
        )
        if (
            when is None
            and first > 0
            and clauses[first - 1].sentence == clauses[first].sentence
            and timed[first - 1]
            and clauses[first - 1].end - clauses[first - 1].start <= 8
        ):
            when = next(t for t in times if clauses[first - 1].start <= t.start < clauses[first - 1].end)
            start = clauses[first - 1].start
        return FoundStep(start, end, when, float(column[best]))

    def funds_date(self, doc: Doc) -> FoundStep | None:
        """The clause that tells when money comes; there is none without a time expression in it, or without a word of money in it or beside it."""
        clauses = doc._.clauses
        if not clauses:
            return None
        column = doc._.clause_probabilities[:, COLUMN["funds"]]
        for i in sorted(range(len(clauses)), key=lambda i: -column[i])[:2]:
            if column[i] < self.thresholds["funds"]:
                return None
            if not _MONEY.search(doc._.text, clauses[max(0, i - 1)].start, clauses[min(i + 1, len(clauses) - 1)].end):
                continue
            when = next((t for t in doc._.times if clauses[i].start <= t.start < clauses[i].end), None)
            if when:
                return FoundStep(clauses[i].start, clauses[i].end, when, float(column[i]))
        return None

    def __call__(self, doc: Doc) -> Doc:
        doc._.next_step = self.next_step(doc)
        doc._.funds_date = self.funds_date(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.thresholds, Path(path) / "steps.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> StepFinder:
        self.thresholds = joblib.load(Path(path) / "steps.joblib")
        return self


@Language.factory("steps", assigns=["doc._.next_step", "doc._.funds_date"], requires=["doc._.clause_probabilities", "doc._.times"])
def create_steps(nlp: Language, name: str) -> StepFinder:
    return StepFinder()
