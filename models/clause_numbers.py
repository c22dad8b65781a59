"""What the first look says of each clause, as numbers: every head's log-odds there, in the clauses beside and elsewhere in the note, and cue phrases counted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from models.clause_heads import HEADS

Numbers = NDArray[np.float32]
ABSENT = -6.0
"""The log-odds of a clause that is not there."""
_SURE = 1e-4
_REACH = 2


def log_odds(probabilities: NDArray[np.floating]) -> Numbers:
    """log(p / (1 - p)), cut where p is within 0.0001 of 0 or 1."""
    p = np.minimum(np.maximum(probabilities, _SURE), 1 - _SURE)
    return np.asarray(np.log(p / (1 - p)), dtype=np.float32)


def apart_of(doc: Doc, part: str, table: NDArray[np.floating]) -> Numbers:
    """A part of doc._.apart (span_heads.py) beside its table: zeros in a note that the encoder did not read."""
    return np.zeros_like(table) if doc._.apart is None else getattr(doc._.apart, part)


@dataclass(frozen=True, slots=True)
class Look:
    """One note's first look.

    starts: where each clause begins; heads: log-odds [clauses + 4, HEADS] with _REACH absent clauses before and behind; cues: [clauses + 4, groups];
    hit_starts, hit_clauses: [hits] of the cue phrases, hits: [hits, groups] of 1, or -1 behind a negation.
    """

    starts: list[int]
    heads: Numbers
    cues: Numbers
    hit_starts: NDArray[np.intp]
    hit_clauses: NDArray[np.intp]
    hits: Numbers

    def clause_of(self, at: int) -> int:
        """The clause that holds the character at `at`."""
        return max(0, bisect_right(self.starts, at) - 1)

    def around(self, places: Sequence[int]) -> tuple[NDArray[np.intp], Numbers]:
        """(clause, [places, numbers]) of what stands at some places: heads of its clause, the next and the one before, each head's best in the note."""
        at = np.array([self.clause_of(place) for place in places])
        note = np.broadcast_to(self.heads.max(axis=0), (len(at), self.heads.shape[1]))
        return at, np.concatenate([*(self.heads[at + _REACH + step] for step in (0, 1, -1)), note], axis=1)

    def cues_around(self, places: Sequence[int], at: NDArray[np.intp]) -> Numbers:
        """[places, numbers]: cues of its clause, whose number is `at`, before and behind each place, and of the next clause and the one before."""
        in_own, before = self.hit_clauses == at[:, None], self.hit_starts < np.array(places)[:, None]
        own = [(where.astype(np.float32) @ self.hits) for where in (in_own & before, in_own & ~before)]
        return np.concatenate([*own, *(self.cues[at + _REACH + step] for step in (1, -1))], axis=1)


def first_look(doc: Doc, groups: Mapping[str, int]) -> Look:
    """The Look of a note; `groups`: each cue group's column. Needs: clause_probabilities, contexts."""
    found = doc._
    clauses = found.clauses
    rows: list[int] = []
    columns: list[int] = []
    signs: list[int] = []
    places: list[int] = []
    within: list[int] = []
    for i, context in enumerate(found.contexts):
        for hit in context.hits:
            sign = -1 if hit.start in context.negated else 1
            for group in hit.groups:
                rows.append(len(places))
                columns.append(groups[group])
                signs.append(sign)
            places.append(hit.start)
            within.append(i)
    hits = np.zeros((len(places), len(groups)), dtype=np.float32)
    hits[rows, columns] = signs
    heads = np.full((len(clauses) + 2 * _REACH, len(HEADS)), ABSENT, dtype=np.float32)
    heads[_REACH : _REACH + len(clauses)] = log_odds(found.clause_probabilities)
    cues = np.zeros((len(clauses) + 2 * _REACH, len(groups)), dtype=np.float32)
    clause_rows = np.array(within, dtype=np.intp)
    np.add.at(cues, clause_rows + _REACH, hits)
    return Look([c.start for c in clauses], heads, cues, np.array(places, dtype=np.intp), clause_rows, hits)


_SPEAKERS = ("", "rep", "customer")


def clause_numbers(doc: Doc, look: Look) -> Numbers:
    """[clauses, numbers]: the heads of the clause and of two on either side, each head's best elsewhere, moods, place, amounts, people."""
    found = doc._
    n = len(found.clauses)
    heads = look.heads
    own = heads[_REACH : _REACH + n]
    ordered = np.sort(heads, axis=0)
    elsewhere = np.where(own >= ordered[-1], ordered[-2], ordered[-1])
    told = np.zeros((n, 16), dtype=np.float32)
    for i, (clause, context) in enumerate(zip(found.clauses, found.contexts, strict=True)):
        told[i, :8] = (
            context.guess,
            context.hypothetical,
            context.earlier,
            context.other_customer,
            n / 10,
            i / max(n - 1, 1),
            i == 0,
            i == n - 1,
        )
        told[i, 8] = (clause.end - clause.start) / 20
        told[i, 9 + _SPEAKERS.index(context.speaker)] = 1
    for amount in found.amounts:
        told[look.clause_of(amount.start), 12] += 1
    for person in found.people:
        for start, _ in person.places:
            told[look.clause_of(start), 13 + (person.role == "first_kp")] += 1
    for name in found.names:
        told[look.clause_of(name.start), 15] += name.label == "CMP"
    beside = [heads[_REACH + step : _REACH + step + n] for step in (-1, 1, -2, 2)]
    return np.concatenate([own, elsewhere, *beside, told, apart_of(doc, "clauses", found.clause_probabilities)], axis=1, dtype=np.float32)
