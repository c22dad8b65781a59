"""Linear heads: logistic regressions that share one feature space and are applied with one look-up.

They are trained by scikit-learn (training/fit.py); here only the learned weights are applied, because scikit-learn's own
predict costs more per call than the rest of a note's analysis (docs/adr/0003).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.bags import BagWeights, Items

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

    def __getstate__(self) -> tuple[tuple[str, ...], bytes, Vector, Vector, str]:
        """The names as bytes of their own: joblib's reader, which is Python, would take them one by one."""
        return self.heads, json.dumps(list(self.vocabulary)).encode(), self.weights, self.bias, self.link

    def __setstate__(self, state: tuple[tuple[str, ...], bytes, Vector, Vector, str]) -> None:
        heads, names, weights, bias, link = state
        vocabulary = {name: row for row, name in enumerate(json.loads(names))}
        for field, value in zip(("heads", "vocabulary", "weights", "bias", "link"), (heads, vocabulary, weights, bias, link), strict=True):
            object.__setattr__(self, field, value)

    def lean(self) -> LinearHeads:
        """Its links and bias alone: all that is asked of it once its weights are laid out elsewhere, for a fifth of a process's memory."""
        return LinearHeads(self.heads, {}, np.zeros((0, len(self.bias)), dtype=np.float32), self.bias, self.link)

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
            return np.asarray(expit(scores), dtype=np.float32)
        return shares(scores)


def shares(scores: Vector) -> Vector:
    """Softmax over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), dtype=np.float32)


def to_write(*models: LinearHeads | None) -> tuple[LinearHeads, ...]:
    """The same models. Raises ValueError where one is missing or lean: a loaded model is not written again, its file is where it was."""
    whole = tuple(model for model in models if model is not None and model.vocabulary)
    if len(whole) < len(models) or not whole:
        raise ValueError("no trained model to write; a loaded one keeps its weights in another form")
    return whole


class SharedHeads:
    """Models whose weights lie side by side: an item's features are looked up and added up once for all."""

    def __init__(self, models: Sequence[LinearHeads], families: Sequence[tuple[str, ...]] = (("",),)) -> None:
        self._models = [model.lean() for model in models]
        names = models[0].vocabulary if all(m.vocabulary == models[0].vocabulary for m in models) else None
        if names is None:
            names = {name: row for row, name in enumerate(dict.fromkeys(chain.from_iterable(m.vocabulary for m in models)))}
        columns = sum(len(m.bias) + 1 for m in models)
        weights = np.zeros((len(names), columns), dtype=np.float32)
        at = 0
        for model in models:
            rows = [names[name] for name in model.vocabulary]
            weights[rows, at : at + len(model.bias)] = model.weights
            weights[rows, at + len(model.bias)] = 1  # beside the weights, that the model knows the feature
            at += len(model.bias) + 1
        self._weights = BagWeights(names, weights, families)

    def sums(self, items: Items | Sequence[Sequence[str]]) -> list[Vector]:
        """[items, heads + 1] for each model: the weights added up, and the number of features it knows; `items` in bags, or their features' names."""
        table = self._weights.sums(items) if isinstance(items, Items) else self._weights.sums_of_names(items)
        edges = list(accumulate((len(m.bias) + 1 for m in self._models), initial=0))
        return [table[:, a:b] for a, b in pairwise(edges)]

    def probabilities(self, items: Items | Sequence[Sequence[str]]) -> list[Vector]:
        """[items, heads] by each model."""
        return [model.of_sums(scaled(sums)) for model, sums in zip(self._models, self.sums(items), strict=True)]


def scaled(sums: Vector) -> Vector:
    """The sums of weights by 1/sqrt(n), where n, the number of features, is the last column."""
    return np.asarray(sums[:, :-1] * np.maximum(sums[:, -1:], 1) ** -0.5, dtype=np.float32)
