"""Fitting linear heads and networks with scikit-learn, and their calibration on cross-validated scores."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence

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
Matrix = NDArray[np.float32]


def vocabulary_of(features: Sequence[Sequence[str]], minimum: int) -> dict[str, int]:
    """Every feature seen in at least `minimum` items, in a fixed order."""
    counts = Counter(f for item in features for f in set(item))
    return {f: i for i, f in enumerate(sorted(f for f, n in counts.items() if n >= minimum))}


def matrix_of(features: Sequence[Sequence[str]], vocabulary: dict[str, int]) -> sparse.csr_matrix:
    """Rows of binary features, each scaled to 1/sqrt(n), as LinearHeads applies them."""
    indptr, indices, data = [0], [], []
    for item in features:
        known = sorted({vocabulary[f] for f in item if f in vocabulary})
        indices += known
        data += [max(1, len(known)) ** -0.5] * len(known)
        indptr.append(len(indices))
    return sparse.csr_matrix(
        (np.array(data, dtype=np.float64), np.array(indices, dtype=np.int32), np.array(indptr, dtype=np.int64)),
        shape=(len(features), len(vocabulary)),
    )


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
    model = LogisticRegression(C=c, max_iter=400, class_weight=weight, random_state=SEED, solver="lbfgs", tol=1e-3)
    model.fit(x, y)
    if not multinomial:
        return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)
    weights = np.zeros((x.shape[1], outputs), dtype=np.float32)
    bias = np.full(outputs, -8.0, dtype=np.float32)
    if len(seen) == 2:
        weights[:, seen[1]], weights[:, seen[0]] = model.coef_[0] / 2, -model.coef_[0] / 2
        bias[seen[1]], bias[seen[0]] = model.intercept_[0] / 2, -model.intercept_[0] / 2
    else:
        weights[:, seen], bias[seen] = model.coef_.T, model.intercept_
    return weights, bias


def fit_heads(
    heads: Sequence[str],
    features: Sequence[Sequence[str]],
    targets: NDArray[np.int64],
    *,
    dense: Matrix | None = None,
    link: str = "sigmoid",
    c: float = 8.0,
    minimum: int = 2,
    balance: float = 0.0,
    dense_weight: float = 1.0,
    vocabulary: dict[str, int] | None = None,
) -> LinearHeads:
    """Fit `heads` on items of named features (and dense ones), over their own vocabulary or one shared with another model.

    targets: [items, heads] of 0, 1 or -1 (left out) for sigmoid; [items] class indices, -1 left out, for softmax.
    """
    vocabulary = vocabulary_of(features, minimum) if vocabulary is None else vocabulary
    x = matrix_of(features, vocabulary)
    mean = scale = np.zeros(0, dtype=np.float32)
    if dense is not None:
        mean, scale = dense.mean(axis=0).astype(np.float32), (dense.std(axis=0) + 1e-3).astype(np.float32) / np.float32(dense_weight)
        x = sparse.hstack([x, sparse.csr_matrix((dense - mean) / scale)]).tocsr()
    if link == "softmax":
        keep = targets >= 0
        weights, bias = _logistic(x[keep], targets[keep], c, balance, len(heads))
        return LinearHeads(tuple(heads), vocabulary, weights, bias, link, mean, scale)
    fitted = Parallel(n_jobs=2)(
        delayed(_logistic)(x[targets[:, h] >= 0], targets[targets[:, h] >= 0, h], c, balance, 0) for h in range(len(heads))
    )
    return LinearHeads(
        tuple(heads), vocabulary, np.hstack([w for w, _ in fitted]), np.concatenate([b for _, b in fitted]), link, mean, scale
    )


def sigmoid_calibration(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> tuple[float, float]:
    """(slope, shift) of Platt's sigmoid over held-out scores, so that sigmoid(slope x score + shift) is a calibrated probability."""
    model = LogisticRegression(C=1e3, max_iter=200)
    model.fit(scores.reshape(-1, 1), truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def fit_network(
    outputs: Sequence[str], numbers: Matrix, targets: NDArray[np.int64], *, units: int, alpha: float, epochs: int, members: int
) -> Network:
    """Fit the members of a Network, which differ in their random start alone.

    numbers: [items, inputs]; targets: [items, outputs] of 0 or 1; alpha: L2 penalty.
    """
    mean, scale = numbers.mean(axis=0).astype(np.float32), (numbers.std(axis=0) + 1e-3).astype(np.float32)
    x = np.clip((numbers - mean) / scale, -LIMIT, LIMIT)

    def member(seed: int) -> MLPClassifier:
        model = MLPClassifier((units,), alpha=alpha, learning_rate_init=0.002, max_iter=epochs, batch_size=64, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is chosen, not run to convergence
            return model.fit(x, targets)

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
