"""A CRFsuite model opened up: the weights of a note's features are looked up and added up here, the best labels found by CRFsuite.

python-crfsuite copies and hashes every feature of every character anew (half a millisecond a note). Here each character's features are one row
of a gather, and CRFsuite is given the sums: its copy of the model has one attribute a label, of weight 1, so that the attribute's value is the
label's score (above the first label's, which has none). The transitions, the best path and the marginals stay CRFsuite's own.

The file's layout is that of CRFsuite 0.12, lib/crf/src/crf1d_model.c and lib/cqdb/src/cqdb.c: little-endian, a header, the features
(kind, from, to, weight), then two tables of strings, labels and attributes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pycrfsuite

from models.features import Coded, Window, WindowWeights

_HEADER = np.dtype([("magic", "S4"), ("size", "<u4"), ("kind", "S4"), ("version", "<u4"), ("unused", "<u4"), ("labels", "<u4"), ("attributes", "<u4"),
                    ("features_at", "<u4"), ("labels_at", "<u4"), ("attributes_at", "<u4")])  # fmt: skip
_FEATURE = np.dtype([("kind", "<u4"), ("source", "<u4"), ("label", "<u4"), ("weight", "<f8")])
_STATE = 0
"""The kind of a feature whose source is an attribute; those of a transition have a label there."""
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


class Crf:
    """A trained CRFsuite model (the content of its file) over windows whose prefixes are `families`.

    Raises ValueError for bytes that are no CRFsuite model. Keeps state between `tag` and `marginal`: one thread at a time.
    """

    def __init__(self, model: bytes, families: Sequence[Sequence[str]]) -> None:
        header: Any = np.frombuffer(model, _HEADER, 1)[0] if len(model) > _HEADER.itemsize else None
        if header is None or (header["magic"], header["kind"], header["version"]) != (b"lCRF", b"FOMC", 100):
            raise ValueError("not a CRFsuite model of version 100")
        labels = _strings(model, int(header["labels_at"]), int(header["labels"]))
        attributes = _strings(model, int(header["attributes_at"]), int(header["attributes"]))
        summing = bytearray(model)
        begin = int(header["features_at"]) + _CHUNK
        features = np.frombuffer(summing, _FEATURE, int.from_bytes(model[begin - 4 : begin], "little"), begin)
        states = np.flatnonzero(features["kind"] == _STATE)
        weights = np.zeros((len(attributes), len(labels)))
        weights[features["source"][states], features["label"][states]] = features["weight"][states]
        self._weights = WindowWeights({name: row for row, name in enumerate(attributes)}, weights, families)
        self._keys: list[str] = []
        for label, source in enumerate(np.unique(features["source"][states])[: len(labels) - 1].tolist(), 1):
            own = states[features["source"][states] == source]
            features["weight"][own] = 0
            features["weight"][own[0]], features["label"][own[0]] = 1, label
            self._keys.append(attributes[source])
        self._tagger = pycrfsuite.Tagger()
        self._summing = bytes(summing)  # CRFsuite reads these bytes as long as the tagger lives
        self._tagger.open_inmemory(self._summing)

    def tag(self, windows: Sequence[Window], coded: Sequence[Coded], items: int) -> list[str]:
        """The most probable labels of a sequence."""
        keys, scores = self._keys, self._weights.sums(windows, items, coded)
        self._tagger.set([dict(zip(keys, row, strict=True)) for row in (scores[:, 1:] - scores[:, :1]).tolist()])
        labels: list[str] = self._tagger.tag()
        return labels

    def marginal(self, label: str, at: int) -> float:
        """The probability of `label` at place `at` of the sequence tagged last."""
        return float(self._tagger.marginal(label, at))
