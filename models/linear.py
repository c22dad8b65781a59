"""Linear heads: logistic regressions that share one feature space and are applied with one look-up.

They are trained by scikit-learn (training/fit.py); here only the learned weights are applied, because scikit-learn's own
predict costs more per call than the rest of a note's analysis (docs/adr/0003).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from models.features import Group, Lookup

Vector = NDArray[np.float32]


def added_up(weights: Vector, rows: Sequence[list[int]]) -> Vector:
    """[items, columns]: the weights of each item's rows added up, 1/sqrt(n) each, so that long texts do not outweigh short ones."""
    sizes = np.fromiter(map(len, rows), np.intp, len(rows))
    filled = sizes > 0
    out = np.zeros((len(rows), weights.shape[1]), dtype=np.float32)
    if filled.any():
        counts = sizes[filled]
        gathered = weights.take(np.fromiter(chain.from_iterable(rows), np.intp, int(counts.sum())), axis=0)
        out[filled] = np.add.reduceat(gathered, np.cumsum(counts) - counts, axis=0) * (counts**-0.5)[:, None]
    return out


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """`heads` outputs over named binary features.

    weights: [len(vocabulary), heads]; bias: [heads].
    link: "sigmoid" (each head by itself) or "softmax" (one of the heads).
    """

    heads: tuple[str, ...]
    vocabulary: dict[str, int]
    weights: Vector
    bias: Vector
    link: str

    def known(self, features: Iterable[str]) -> list[int]:
        """The rows of those features that were seen in training, each once."""
        rows: set[int | None] = set(map(self.vocabulary.get, features))
        rows.discard(None)
        return list(rows)  # type: ignore[arg-type]

    def probabilities(self, features: Iterable[str]) -> Vector:
        """Probabilities [heads] of one item."""
        linked: Vector = self.probabilities_of_all([features])[0]
        return linked

    def probabilities_of_all(self, items: Sequence[Iterable[str]]) -> Vector:
        """Probabilities [items, heads] of several items, looked up together."""
        return self.of_sums(added_up(self.weights, [self.known(features) for features in items]))

    def of_sums(self, sums: Vector) -> Vector:
        """Probabilities [items, heads] from the sums of the features' weights."""
        scores = sums + self.bias
        if self.link == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-np.clip(scores, -30, 30))), dtype=np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


def probabilities_of_each(models: Sequence[LinearHeads], items: Sequence[Iterable[str]]) -> list[Vector]:
    """Probabilities [items, heads] by each of several models over one vocabulary, the features looked up once."""
    rows = [models[0].known(features) for features in items]
    return [model.of_sums(added_up(model.weights, rows)) for model in models]


class SharedHeads:
    """Models over one vocabulary, their weights side by side: an item's features are looked up and added up once for all."""

    def __init__(self, models: Sequence[LinearHeads], prefixes: Sequence[str]) -> None:
        vocabulary = models[0].vocabulary
        assert all(m.vocabulary == vocabulary for m in models)
        self._lookup = Lookup(vocabulary, prefixes)
        self._weights = np.hstack([m.weights for m in models])
        self._edges = np.cumsum([len(m.bias) for m in models])[:-1]

    def sums(self, items: Sequence[Sequence[Group]]) -> list[Vector]:
        """[items, heads] for each model, to be given to its `of_sums`."""
        return np.split(added_up(self._weights, [self._lookup.rows(groups) for groups in items]), self._edges, axis=1)
