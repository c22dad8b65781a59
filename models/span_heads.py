"""What the encoder's vectors say of persons, amounts, names and clauses, weighed with what the linear finders say: the first look.

A stretch of text is read as the mean and the maximum of its pieces' vectors by a network with one hidden layer for each kind of stretch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit
from spacy.language import Language
from spacy.tokens import Doc

from models.candidates import CandidateFinder
from models.clause_heads import HEADS
from models.clause_numbers import log_odds
from models.encoder import Encoder
from models.linear import shares
from models.people import ROLES, PeopleFinder, found_persons, surest_parts
from models.prices import decided
from models.rivals import with_rivals
from models.tagged import tagged_persons, tagged_rivals

Table = NDArray[np.float32]
Stretches = Sequence[Sequence[tuple[int, int]]]
"""Of each item the [start, end) of all its places."""
SHARE = 0.5
"""What the encoder's word weighs, in log-odds, beside the linear finder's. Chosen on train held out by writer (docs/experiments.md)."""
_SURE = 1e-4
_NOTHING = np.zeros((0, 0), dtype=np.float32)


class Apart(NamedTuple):
    """How far the encoder's log-odds lie above the linear finder's, in the forms of person_table, price_table, rival_table and clause_probabilities:
    0 where one of the two says nothing. The second look reads it: of two that differ the mean tells less than of two that agree."""

    persons: Table
    prices: Table
    rivals: Table
    clauses: Table


def apart(linear: Table, encoded: Table) -> Table:
    """One part of Apart from the two opinions' probabilities."""
    return np.asarray(np.nan_to_num(log_odds(encoded) - log_odds(linear), nan=0.0), dtype=np.float32)


def vectors(doc: Doc, items: Stretches) -> Table:
    """[items, 2 x dimensions]: the mean and the maximum over the pieces that each item's places touch; not a number where one was not read.

    Every item has a place, every place a character.
    """
    _, starts, ends = doc._.pieces
    begins, stops = np.array([place for places in items for place in places]).T
    first, last = np.searchsorted(ends, begins, "right"), np.searchsorted(starts, stops, "left")
    counts = np.fromiter(map(len, items), np.intp, len(items))
    rows = np.zeros((len(doc._.hidden) + 1, doc._.hidden.shape[1]), dtype=np.float32)  # reduceat looks at what stands behind a stretch
    rows[:-1] = doc._.hidden
    edges, of_items = np.stack([first, last], axis=1).ravel(), np.cumsum(counts) - counts
    sums = np.add.reduceat(np.add.reduceat(rows, edges)[::2], of_items)
    highest = np.maximum.reduceat(np.maximum.reduceat(rows, edges)[::2], of_items)
    return np.concatenate([sums / np.add.reduceat(last - first, of_items)[:, None].astype(np.float32), highest], axis=1)


def weighed(linear: Table, encoded: Table) -> Table:
    """Two opinions of the same probabilities as one: the mean of their log-odds by SHARE; the one where the other is not a number."""
    mixed = expit((1 - SHARE) * log_odds(linear) + SHARE * log_odds(encoded))
    return np.asarray(np.where(np.isnan(encoded), linear, np.where(np.isnan(linear), encoded, mixed)), dtype=np.float32)


def weighed_choice(linear: Table, encoded: Table) -> Table:
    """The same of probabilities of which one is true."""
    mixed = shares(
        np.asarray((1 - SHARE) * np.log(np.maximum(linear, _SURE)) + SHARE * np.log(np.maximum(encoded, _SURE)), dtype=np.float32)
    )
    return np.asarray(np.where(np.isnan(encoded), linear, np.where(np.isnan(linear), encoded, mixed)), dtype=np.float32)


class SpanHeads:
    """Writes doc._.candidates, person_table, people, price_table, prices, rival_candidates, rival_table, names, clause_probabilities anew, clause_resolved and apart.

    Needs: the encoder's vectors and the linear finders' tables.
    """

    def __init__(self, encoder: Encoder, finder: CandidateFinder) -> None:
        self._encoder, self._finder = encoder, finder

    def _scores(self, kind: str, items: Table) -> Table:
        """[items, outputs] before their links."""
        assert self._encoder.weights is not None
        heads = self._encoder.weights.heads
        units = items @ heads[f"{kind}.1.weight"] + heads[f"{kind}.1.bias"]
        units = 0.5 * units * (1 + erf(units * np.float32(0.5**0.5)))
        return np.asarray(units @ heads[f"{kind}.2.weight"] + heads[f"{kind}.2.bias"], dtype=np.float32)

    def _tags(self, doc: Doc) -> Table:
        """[pieces, TAGS] of probabilities."""
        assert self._encoder.weights is not None
        heads = self._encoder.weights.heads
        return shares(doc._.hidden.astype(np.float32) @ heads["tags.weight"] + heads["tags.bias"])

    def _rivals(self, doc: Doc, tags: Table) -> Table:
        """Weigh the candidates for competitors, with those that the tags alone find among them: how far apart the two opinions of each are."""
        found = doc._
        tagged = tagged_rivals(doc, tags)
        told = [*zip(found.rival_candidates, found.rival_table.tolist(), strict=True), *((span, np.nan) for span in tagged)]
        if not told:
            return _NOTHING
        told.sort(key=lambda own: own[0].start)
        found.rival_candidates = tuple(span for span, _ in told)
        linear = np.array([probability for _, probability in told], dtype=np.float32)
        encoded = expit(self._scores("rv", vectors(doc, [[(c.start, c.end)] for c in found.rival_candidates]))[:, 0])
        found.rival_table = weighed(linear, encoded)
        found.names = with_rivals(doc, found.rival_table)
        return apart(linear, encoded)

    def _persons(self, doc: Doc, tags: Table) -> Table:
        """Weigh the persons, alike."""
        found = doc._
        told = [*zip(found.candidates, found.person_table, strict=True)]
        unseen = np.full(2 + len(ROLES), np.nan, dtype=np.float32)
        told += [(candidate, unseen) for candidate in tagged_persons(doc, tags, self._finder)]
        if not told:
            return _NOTHING
        told.sort(key=lambda own: min(own[0].places))
        found.candidates = [candidate for candidate, _ in told]
        scores, linear = self._scores("pers", vectors(doc, [c.places for c in found.candidates])), np.array([row for _, row in told])
        encoded = np.concatenate([expit(scores[:, :2]), shares(scores[:, 2:])], axis=1)
        own = np.concatenate([weighed(linear[:, :2], encoded[:, :2]), weighed_choice(linear[:, 2:], encoded[:, 2:])], axis=1)
        found.person_table = own
        found.people = found_persons(found.candidates, own, surest_parts(own))
        return apart(linear, encoded)

    def _prices(self, doc: Doc) -> Table:
        """Weigh the amounts, alike."""
        found = doc._
        if not found.amounts:
            return _NOTHING
        encoded, linear = shares(self._scores("am", vectors(doc, [[(a.start, a.quote_end)] for a in found.amounts]))), found.price_table
        found.price_table = weighed_choice(linear, encoded)
        found.prices = decided(doc, found.price_table)
        return apart(linear, encoded)

    def _clauses(self, doc: Doc) -> Table:
        """Weigh what the clauses carry, alike."""
        found = doc._
        if not found.clauses:
            return _NOTHING
        scores, linear = self._scores("cl", vectors(doc, [[(c.start, c.end)] for c in found.clauses])), found.clause_probabilities
        encoded = expit(scores[:, : len(HEADS)])
        found.clause_probabilities = weighed(linear, encoded)
        found.clause_resolved = expit(scores[:, len(HEADS)])
        return apart(linear, encoded)

    def __call__(self, doc: Doc) -> Doc:
        found = doc._
        if found.hidden is not None:
            tags = self._tags(doc)
            rivals, persons = self._rivals(doc, tags), self._persons(doc, tags)
            found.apart = Apart(rivals=rivals, persons=persons, prices=self._prices(doc), clauses=self._clauses(doc))
            found.hidden = found.pieces = None
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        """The encoder keeps the heads."""

    def from_disk(self, path: str | Path, **_: Any) -> SpanHeads:
        return self


@Language.factory(
    "span_heads",
    assigns=[
        "doc._.candidates",
        "doc._.person_table",
        "doc._.price_table",
        "doc._.rival_candidates",
        "doc._.rival_table",
        "doc._.clause_probabilities",
        "doc._.clause_resolved",
        "doc._.apart",
    ],
    requires=["doc._.hidden", "doc._.person_table", "doc._.price_table", "doc._.rival_table", "doc._.clause_probabilities"],
)
def create_span_heads(nlp: Language, name: str) -> SpanHeads:
    encoder, people = nlp.get_pipe("encoder"), nlp.get_pipe("people")
    assert isinstance(encoder, Encoder)
    assert isinstance(people, PeopleFinder)
    return SpanHeads(encoder, people.candidates)
