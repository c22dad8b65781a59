"""A CRFsuite model opened up: the weights of a note's features are looked up and added up here, and the best labels found.

python-crfsuite copies and hashes every feature of every character anew (half a millisecond a note). Here each character's features are one row
of a gather. Forward and backward sums are two triangular systems with a narrow band, which LAPACK solves in some ten microseconds each; the best
path is looked for only where the marginals leave a doubt; in a long text, where no path is likely as a whole, by halves. Labels and marginals are CRFsuite's (tests/models/test_features.py).

The file's layout is that of CRFsuite 0.12, lib/crf/src/crf1d_model.c and lib/cqdb/src/cqdb.c: little-endian, a header, the features
(kind, from, to, weight), then two tables of strings, labels and attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, log
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
DOUBT = 0.02
"""A character is taken for OUTSIDE where another label has less than this probability: right if the path then found has more; else all places are looked at."""
_FEW = 200
"""Of more places in doubt no path is likely as a whole: all places are looked at at once."""
_RANGE = 600.0
"""Sums within exp of this from 1 lose nothing in float64."""
_PLACES = 128
"""A block of so many places is tried first: its sums seldom leave that range."""


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

    def tag(self, windows: Sequence[Window], coded: Coded, items: int) -> list[str]:
        """The most probable labels of a sequence."""
        path, self._marginals = self._decoder(self._weights.sums(windows, items, coded))
        return [self.labels[label] for label in path]

    def marginals(self, label: str) -> Scores:
        """[places]: the probability of `label` at each place of the sequence tagged last."""
        return self._marginals[:, self.labels.index(label)]


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
        self._outside = outside
        relative = transitions - transitions[outside, outside]  # so that a path outside scores nothing
        self._relative = relative
        self._columns: list[list[float]] = relative.T.tolist()
        self._top = float(relative.max())
        self._moves = np.exp(relative - self._top)
        self._block = max(1, int(_RANGE / (self._top - float(relative.min()) + np.log(len(transitions)))))

    def __call__(self, scores: Scores) -> tuple[list[int], Scores]:
        relative = scores - scores[:, self._outside, None]
        highest = relative.max(axis=1)
        e = np.exp(relative - highest[:, None])
        with np.errstate(all="ignore"):
            marginals, total, sound = self._sums(e, _PLACES)
        if not sound:
            marginals, total, _ = self._sums(e, self._block)
        total += float(highest.sum()) + (len(scores) - 1) * self._top
        doubtful = np.flatnonzero(marginals[:, self._outside] <= 1 - DOUBT).tolist()
        if len(doubtful) <= _FEW:
            path, reached = self._path(relative, doubtful)
            if reached - total > log(DOUBT):
                return path, marginals
        return best_path(relative, self._relative), marginals

    def _sums(self, e: Scores, size: int) -> tuple[Scores, float, bool]:
        """(marginals, log of the sum over all paths, whether nothing was lost) for factors e [places, labels] of which each place's highest is 1.

        By blocks of `size` places. Nothing was lost where the sums over the paths through each place of a block are one, as they must.
        """
        places, count = e.shape
        # LAPACK's band, a column a place and label p: at distance `count - p + k` stands what leads from p to label k of the next place
        band = np.zeros((places * count, 2 * count))
        item = band.itemsize
        leading = np.ndarray(
            (places, count, count), band.dtype, band, count * item, (2 * count * count * item, (2 * count - 1) * item, item)
        )
        np.multiply(e[1:, None, :], -self._moves, out=leading[:-1])
        columns = band.T
        ahead, behind = np.zeros(e.size), np.zeros(e.size)
        edges = [*range(0, places * count, size * count), places * count]
        total = 0.0
        ahead[:count] = e[0]
        for begin, end in pairwise(edges):
            block = ahead[begin:end] = dtbtrs(columns[:, begin:end], ahead[begin:end], uplo="L", diag="U")[0]
            mass = float(block[-count:].sum())
            total += log(mass) if 0 < mass < inf else inf
            if end < len(ahead):
                ahead[end : end + count] = e[end // count] * ((block[-count:] / mass) @ self._moves)
        behind[-count:] = 1
        marginals, sound = np.empty_like(e), total < inf
        for begin, end in reversed(list(pairwise(edges))):
            block = behind[begin:end] = dtbtrs(columns[:, begin:end], behind[begin:end], uplo="L", trans="T", diag="U")[0]
            through = (ahead[begin:end] * block).reshape(-1, count)
            sums = through @ np.ones((count, 1))
            lowest = float(sums.min())
            sound = sound and lowest > 0 and float(sums.max()) - lowest <= 1e-9 * lowest
            marginals[begin // count : end // count] = through / sums
            if begin:
                last = self._moves @ (e[begin // count] * block[:count])
                behind[begin - count : begin] = last / last.sum()
        return marginals, total, sound

    def _path(self, scores: Scores, doubtful: list[int]) -> tuple[list[int], float]:
        """(the best path of those that are outside wherever it is not `doubtful`, its score): each stretch of doubtful places by itself."""
        outside, columns, places = self._outside, self._columns, len(scores)
        path, total = [outside] * places, 0.0
        rows = scores[doubtful].tolist()
        first = 0
        while first < len(doubtful):
            last = first + 1
            while last < len(doubtful) and doubtful[last] - doubtful[first] == last - first:
                last += 1
            begin, end = doubtful[first], doubtful[last - 1] + 1
            reached = rows[first] if begin == 0 else [score + column[outside] for score, column in zip(rows[first], columns, strict=True)]
            came: list[list[int]] = []
            for row in rows[first + 1 : last]:
                ways = [list(map(add, reached, column)) for column in columns]
                best = list(map(max, ways))
                came.append(list(map(list.index, ways, best)))
                reached = list(map(add, best, row))
            if end < places:
                reached = list(map(add, reached, columns[outside]))
            highest = max(reached)
            total += highest
            label = path[end - 1] = reached.index(highest)
            for at, back in zip(range(end - 2, begin - 1, -1), reversed(came), strict=True):
                label = path[at] = back[label]
            first = last
        return path, total


def best_path(scores: Scores, transitions: Scores) -> list[int]:
    """The labels of the highest sum of `scores` [places, labels] and `transitions` [from, to] between neighbours.

    Of ever longer stretches the best ways between any two labels at their ends are put together from both halves', on whole arrays: a text of some
    thousand characters takes a dozen rounds.
    """
    labels = len(transitions)
    stay = np.where(np.eye(labels, dtype=bool), 0.0, -inf)[:, :, None]
    ways = np.concatenate([stay, transitions[:, :, None] + scores[1:].T], axis=2)  # [from, to, places]: way i leads to place i
    halves: list[tuple[Scores, Scores]] = []
    while ways.shape[2] > 1:
        if ways.shape[2] % 2:
            ways = np.concatenate([ways, stay], axis=2)
        left, right = ways[:, :, ::2], ways[:, :, 1::2]
        halves.append((left, right))
        ways = (left[:, :, None] + right[None]).max(axis=1)
    begin, end = divmod(int((scores[0][:, None] + ways[:, :, 0]).argmax()), labels)
    begins, ends = np.array([begin]), np.array([end])
    for left, right in reversed(halves):
        stretches = np.arange(left.shape[2])
        begins, ends = begins[: len(stretches)], ends[: len(stretches)]
        middle = (left[begins, :, stretches] + right[:, ends, stretches].T).argmax(axis=1)
        begins, ends = np.column_stack([begins, middle]).ravel(), np.column_stack([middle, ends]).ravel()
    path: list[int] = ends[: len(scores)].tolist()
    return path
