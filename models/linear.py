"""Linear heads: logistic regressions that share one feature space and are applied with one look-up.

They are trained by scikit-learn (training/fit.py); here only the learned weights are applied, because scikit-learn's own
predict costs more per call than the rest of a note's analysis (docs/adr/0003).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LinearHeads:
    """`heads` outputs over named binary features and, after them, `dense` numeric ones.

    weights: [len(vocabulary) + dense, heads]; bias: [heads]; dense features are standardised by `mean` and `scale` [dense].
    link: "sigmoid" (each head by itself) or "softmax" (one of the heads).
    """

    heads: tuple[str, ...]
    vocabulary: dict[str, int]
    weights: Vector
    bias: Vector
    link: str
    mean: Vector
    scale: Vector

    def known(self, features: Iterable[str]) -> list[int]:
        """The rows of those features that were seen in training, each once."""
        vocabulary = self.vocabulary
        return [vocabulary[f] for f in set(features) if f in vocabulary]

    def probabilities(self, features: Iterable[str], dense: Sequence[float] | Vector = ()) -> Vector:
        """Probabilities [heads]: the named features count 1/sqrt(n) each, so that long texts do not outweigh short ones."""
        return self.probabilities_of_rows(self.known(features), dense)

    def probabilities_of_rows(self, rows: list[int], dense: Sequence[float] | Vector = ()) -> Vector:
        """Probabilities [heads] of features already looked up by `known`."""
        out: Vector = self.bias
        if rows:
            out = np.asarray(out + self.weights[rows].sum(axis=0) * len(rows) ** -0.5, dtype=np.float32)
        if len(dense):
            standard = (np.asarray(dense, dtype=np.float32) - self.mean) / self.scale
            out = np.asarray(out + standard @ self.weights[len(self.vocabulary) :], dtype=np.float32)
        linked: Vector = self._linked(out[None])[0]
        return linked

    def probabilities_of_all(self, items: Sequence[Iterable[str]]) -> Vector:
        """Probabilities [items, heads] of several items without dense features, looked up together."""
        return self.probabilities_of_all_rows([self.known(features) for features in items])

    def probabilities_of_all_rows(self, rows: Sequence[list[int]]) -> Vector:
        """Probabilities [items, heads] of several items already looked up by `known`."""
        sizes = [len(r) for r in rows]
        out = np.repeat(self.bias[None], len(rows), axis=0)
        filled = [i for i, size in enumerate(sizes) if size]
        if filled:
            counts = np.array([sizes[i] for i in filled])
            sums = np.add.reduceat(self.weights[[row for i in filled for row in rows[i]]], np.cumsum(counts) - counts, axis=0)
            out[filled] += sums * (counts**-0.5)[:, None]
        return self._linked(out)

    def _linked(self, scores: Vector) -> Vector:
        """Scores [items, heads] under the link."""
        if self.link == "sigmoid":
            return np.asarray(1 / (1 + np.exp(-np.clip(scores, -30, 30))), dtype=np.float32)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
