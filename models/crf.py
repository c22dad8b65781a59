"""A CRFsuite model opened up: the weights of a note's features are looked up and added up here, and the best labels found.

python-crfsuite copies and hashes every feature of every character anew (half a millisecond a note). Here each character's features are one row
of a gather. Forward and backward sums are two triangular systems with a narrow band, which LAPACK solves in some ten microseconds each; the best
path is looked for only where the marginals leave a doubt. Labels and marginals are CRFsuite's (tests/models/test_features.py).

The file's layout is that of CRFsuite 0.12, lib/crf/src/crf1d_model.c and lib/cqdb/src/cqdb.c: little-endian, a header, the features
(kind, from, to, weight), then two tables of strings, labels and attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dtbtrs

from models.features import Coded, Window, WindowWeights

_HEADER = np.dtype([("magic", "S4"), ("size", "<u4"), ("kind", "S4"), ("version", "<u4"), ("unused", "<u4"), ("labels", "<u4"), ("attributes", "<u4"),
                    ("features_at", "<u4"), ("labels_at", "<u4"), ("attributes_at", "<u4")])  # fmt: skip
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
_STATE = 0
"""The kind of a feature whose source is an attribute; those of a transition have a label there."""
_TRANSITION = 1
_CHUNK = 12
"""Bytes before a chunk's records: its name, size and number of records."""


def _strings(model: bytes, at: int, count: int) -> list[str]:
    """The strings of the table (a constant database) at `at`, by their ids."""
    size, offset = np.frombuffer(model, "<u4", 2, at + 16).tolist()
    out = []
    for place in np.frombuffer(model, "<u4", size, at + offset)[:count].tolist():
        begin = at + place + 8
        out.append(model[begin : begin + int.from_bytes(model[begin - 4 : begin], "little") - 1].decode())
    return out


Scores = NDArray[np.float64]
OUTSIDE = "O"
DOUBTS = (1e-2, 1e-5, 0.0)
"""A character is taken for OUTSIDE where another label has less than this probability: right if the path then found has more; else the next is tried."""
_RANGE = 600.0
"""A block's sums stay within exp of this, which float64 holds."""


class Crf:
    """A trained CRFsuite model (the content of its file) over windows whose prefixes are `families`.

    Raises ValueError for bytes that are no CRFsuite model. Keeps state between `tag` and `marginals`: one thread at a time.
    """

    def __init__(self, model: bytes, families: Sequence[Sequence[str]]) -> None:
        header: Any = np.frombuffer(model, _HEADER, 1)[0] if len(model) > _HEADER.itemsize else None
        if header is None or (header["magic"], header["kind"], header["version"]) != (b"lCRF", b"FOMC", 100):
            raise ValueError("not a CRFsuite model of version 100")
        self.labels = _strings(model, int(header["labels_at"]), int(header["labels"]))
        attributes = _strings(model, int(header["attributes_at"]), int(header["attributes"]))
        begin = int(header["features_at"]) + _CHUNK
        features = np.frombuffer(model, _FEATURE, int.from_bytes(model[begin - 4 : begin], "little"), begin)
        states, moves = features[features["kind"] == _STATE], features[features["kind"] == _TRANSITION]
        weights = np.zeros((len(attributes), len(self.labels)))
        weights[states["source"], states["label"]] = states["weight"]
        self._weights = WindowWeights({name: row for row, name in enumerate(attributes)}, weights, families)
        self._decoder = Decoder(_square(moves, len(self.labels)), self.labels.index(OUTSIDE))
        self._marginals: Scores = np.zeros((0, len(self.labels)))

    def tag(self, windows: Sequence[Window], coded: Sequence[Coded], items: int) -> list[str]:
        """The most probable labels of a sequence."""
        path, self._marginals = self._decoder(self._weights.sums(windows, items, coded))
        return [self.labels[label] for label in path]

    def marginals(self, label: str) -> list[float]:
        """The probability of `label` at each place of the sequence tagged last."""
        probabilities: list[float] = self._marginals[:, self.labels.index(label)].tolist()
        return probabilities


def _square(moves: NDArray[Any], labels: int) -> Scores:
    out = np.zeros((labels, labels))
    out[moves["source"], moves["label"]] = moves["weight"]
    return out


class Decoder:
    """Scores [places, labels] -> (the best path, marginals [places, labels]), with `transitions` [from, to] between neighbours.

    Forward: a[t] = e[t] * (M' a[t-1]) is a lower triangular system over all places' labels, whose band is two places wide; backward its transpose.
    Blocks of places are solved in turn, each from sums brought back to 1, so that nothing overflows however long the text.
    """

    def __init__(self, transitions: Scores, outside: int) -> None:
        self._transitions, self._outside = transitions, outside
        self._columns: list[list[float]] = transitions.T.tolist()
        count = self._count = len(transitions)
        self._top = float(transitions.max())
        self._moves = np.exp(transitions - self._top)
        self._block = max(1, int(_RANGE / (self._top - float(transitions.min()) + np.log(count))))
        # the band below column (place, p): at distance k stands -(label p to label k - count + p)
        to = np.arange(1, 2 * count)[None, :] - count + np.arange(count)[:, None]
        inside = (to >= 0) & (to < count)
        self._band_label = np.hstack([np.zeros((count, 1), np.intp), np.where(inside, to, 0)]).ravel()
        self._band_move = np.hstack(
            [np.ones((count, 1)), -np.where(inside, np.take_along_axis(self._moves, to.clip(0, count - 1), 1), 0)]
        ).ravel()

    def __call__(self, scores: Scores) -> tuple[list[int], Scores]:
        highest = scores.max(axis=1, keepdims=True)
        marginals, total = self._sums(np.exp(scores - highest))
        doubt = 1 - marginals[:, self._outside]
        for least in DOUBTS:
            open_ = doubt >= least
            path = self._path(scores, open_)
            unlooked = float(doubt[~open_].max(initial=0.0))
            at = np.array(path)
            reached = (scores[np.arange(len(at)), at] - highest[:, 0]).sum() + (self._transitions[at[:-1], at[1:]] - self._top).sum()
            if np.exp(reached - total) > unlooked:
                break
        return path, marginals

    def _sums(self, e: Scores) -> tuple[Scores, float]:
        """(marginals, log of the sum over all paths) for factors e [places, labels] of which each place's highest is 1."""
        places, count = e.shape
        following = np.vstack([e[1:], e[-1:]])
        band = (following.take(self._band_label, axis=1) * self._band_move).reshape(places * count, 2 * count).T
        ahead, behind = np.empty_like(e), np.empty_like(e)
        begins = range(0, places, self._block)
        total, right = 0.0, e[0]
        for begin in begins:
            end = min(begin + self._block, places)
            sums = np.zeros((end - begin) * count)
            sums[:count] = right
            block = ahead[begin:end] = dtbtrs(band[:, begin * count : end * count], sums, uplo="L", diag="U")[0].reshape(-1, count)
            mass = block[-1].sum()
            total += float(np.log(mass))
            if end < places:
                right = e[end] * ((block[-1] / mass) @ self._moves)
        last = np.ones(count)
        for begin in reversed(begins):
            end = min(begin + self._block, places)
            sums = np.zeros((end - begin) * count)
            sums[-count:] = last
            block = behind[begin:end] = dtbtrs(band[:, begin * count : end * count], sums, uplo="L", trans="T", diag="U")[0].reshape(
                -1, count
            )
            if begin:
                last = self._moves @ (e[begin] * block[0])
                last /= last.sum()
        both = ahead * behind
        return both / both.sum(axis=1, keepdims=True), total

    def _path(self, scores: Scores, open_: NDArray[np.bool_]) -> list[int]:
        """The best path of those that are outside wherever it is not `open_`: each stretch of open places by itself."""
        outside, columns, places = self._outside, self._columns, len(scores)
        path = [outside] * places
        edges = np.flatnonzero(np.diff(np.concatenate([[False], open_, [False]]))).tolist()
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            rows = scores[begin:end].tolist()
            reached = rows[0] if begin == 0 else [a + column[outside] for a, column in zip(rows[0], columns, strict=True)]
            came: list[list[int]] = []
            for row in rows[1:]:
                ways = [list(map(add, reached, column)) for column in columns]
                best = list(map(max, ways))
                came.append(list(map(list.index, ways, best)))
                reached = list(map(add, best, row))
            if end < places:
                reached = list(map(add, reached, columns[outside]))
            label = reached.index(max(reached))
            path[end - 1] = label
            for at, back in zip(range(end - 2, begin - 1, -1), reversed(came), strict=True):
                label = path[at] = back[label]
        return path
