"""Fitting linear heads and networks with scikit-learn, and their calibration on cross-validated scores."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import accumulate, chain

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from models.linear import LinearHeads
from models.network import LIMIT, Network

SEED = 20261124
WORKERS = 3
"""Processes that fit side by side; one more than two cores, so that none idles while the names' last model is fitted (train_names)."""
Matrix = NDArray[np.float32]
Rows = NDArray[np.intp]


class Encoded:
    """Named features of many items as one binary matrix [items, names], so that models of many parts of them read each name once."""

    def __init__(self, features: Sequence[Sequence[str]]) -> None:
        items = [sorted(set(item)) for item in features]
        self.names = sorted(set(chain.from_iterable(items)))
        self._column = {name: i for i, name in enumerate(self.names)}
        indices = np.fromiter(map(self._column.__getitem__, chain.from_iterable(items)), np.int32)
        indptr = np.array([0, *accumulate(map(len, items))], dtype=np.int64)
        self.matrix = sparse.csr_matrix((np.ones(len(indices)), indices, indptr), shape=(len(items), len(self.names)))

    def part(self, rows: Rows, minimum: int, vocabulary: dict[str, int] | None) -> tuple[dict[str, int], sparse.csr_matrix]:
        """(vocabulary, x) of some rows: the names seen in at least `minimum` of them, or another part's; each row scaled to 1/sqrt(n), as LinearHeads applies it."""
        x = self.matrix[rows]
        if vocabulary is None:
            columns = np.flatnonzero(np.bincount(x.indices, minlength=len(self.names)) >= minimum)
            vocabulary = {self.names[column]: i for i, column in enumerate(columns.tolist())}
        else:
            columns = np.array([self._column[name] for name in vocabulary])
        x = x[:, columns]
        x.data = np.repeat(np.maximum(1, np.diff(x.indptr)) ** -0.5, np.diff(x.indptr))
        return vocabulary, x


def _logistic(x: sparse.csr_matrix, y: NDArray[np.int64], c: float, balance: float, multinomial: int) -> tuple[Matrix, Matrix]:
    """(weights [features, outputs], bias [outputs]). `balance` 0 leaves class weights even, 1 balances them fully."""
    outputs = multinomial or 1
    seen = np.unique(y)
    if len(seen) < 2:
        rate = (float((y == 1).sum()) + 0.5) / (len(y) + 1)
        bias = np.full(outputs, np.log(rate / (1 - rate)) if not multinomial else 0.0, dtype=np.float32)
        if multinomial and len(seen):
            bias[int(seen[0])] = 5.0
        return np.zeros((x.shape[1], outputs), dtype=np.float32), bias
    weight = {int(k): (len(y) / (len(seen) * float((y == k).sum()))) ** balance for k in seen}
    if not multinomial:  # trust region Newton comes to the end in the time in which lbfgs comes half the way (docs/experiments.md)
        binary = LogisticRegression(C=c, class_weight=weight, random_state=SEED, solver="liblinear", tol=1e-2, intercept_scaling=10)
        binary.fit(x, y)
        return binary.coef_.T.astype(np.float32), binary.intercept_.astype(np.float32)
    model = LogisticRegression(C=c, max_iter=400, class_weight=weight, random_state=SEED, solver="lbfgs", tol=1e-4)
    model.fit(x, y)
    weights = np.zeros((x.shape[1], outputs), dtype=np.float32)
    bias = np.full(outputs, -8.0, dtype=np.float32)
    if len(seen) == 2:
        weights[:, seen[1]], weights[:, seen[0]] = model.coef_[0] / 2, -model.coef_[0] / 2
        bias[seen[1]], bias[seen[0]] = model.intercept_[0] / 2, -model.intercept_[0] / 2
    else:
        weights[:, seen], bias[seen] = model.coef_.T, model.intercept_
    return weights, bias


def fit_parts(
    heads: Sequence[str],
    features: Encoded,
    targets: NDArray[np.int64],
    parts: Sequence[Rows],
    *,
    link: str = "sigmoid",
    c: float = 8.0,
    minimum: int = 2,
    balance: float = 0.0,
    vocabularies: Sequence[dict[str, int]] | None = None,
) -> list[LinearHeads]:
    """Fit `heads` on each part of the items, side by side; each over the part's own vocabulary, or over given ones.

    targets: [items, heads] of 0, 1 or -1 (left out) for sigmoid; [items] class indices, -1 left out, for softmax.
    """
    multinomial = len(heads) if link == "softmax" else 0
    columns = targets[:, None] if multinomial else targets
    names, jobs = [], []
    for k, rows in enumerate(parts):
        vocabulary, x = features.part(rows, minimum, vocabularies[k] if vocabularies else None)
        names.append(vocabulary)
        for y in columns[rows].T:
            known = y >= 0
            rows_known = x if known.all() else x[known]  # heads whose labels are all known share one matrix, which is handed over once
            jobs.append(delayed(_logistic)(rows_known, y[known], c, balance, multinomial))
    fitted = Parallel(n_jobs=WORKERS)(jobs)
    size = columns.shape[1]
    return [
        LinearHeads(tuple(heads), vocabulary, np.hstack([w for w, _ in own]), np.concatenate([b for _, b in own]), link)
        for k, vocabulary in enumerate(names)
        for own in [fitted[k * size : (k + 1) * size]]
    ]


def sigmoid_calibration(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """(slope, shift) of Platt's sigmoid over held-out scores, so that sigmoid(slope x score + shift) is a calibrated probability."""
    model = LogisticRegression(C=1e3, max_iter=200)
    model.fit(scores.reshape(-1, 1), truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def fit_network(
    outputs: Sequence[str],
    numbers: Matrix,
    targets: NDArray[np.int64],
    *,
    units: int,
    alpha: float,
    epochs: int,
    members: int,
    batch: int = 64,
    rate: float = 0.002,
    weights: NDArray[np.float64] | None = None,
) -> Network:
    """Fit the members of a Network, which differ in their random start alone.

    numbers: [items, inputs]; targets: [items, outputs] of 0 or 1; alpha: L2 penalty; batch: items a step; rate: learning rate; weights: [items], of 1
    where there are none.
    """
    mean, scale = numbers.mean(axis=0).astype(np.float32), (numbers.std(axis=0) + 1e-3).astype(np.float32)
    x = np.clip((numbers - mean) / scale, -LIMIT, LIMIT)

    def member(seed: int) -> MLPClassifier:
        model = MLPClassifier((units,), alpha=alpha, learning_rate_init=rate, max_iter=epochs, batch_size=batch, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is chosen, not run to convergence
            return model.fit(x, targets, sample_weight=weights)

    fitted = [member(SEED + k) for k in range(members)]
    return Network(
        tuple(outputs),
        mean,
        scale,
        np.hstack([m.coefs_[0] for m in fitted]).astype(np.float32),
        np.concatenate([m.intercepts_[0] for m in fitted]).astype(np.float32),
        np.stack([m.coefs_[1] for m in fitted]).astype(np.float32),
        np.stack([m.intercepts_[1] for m in fitted]).astype(np.float32),
    )
