"""A note read in context: a small pretrained transformer, fine-tuned on the corpus, gives every piece of the text a vector (docs/adr/0012).

span_heads.py tells from the vectors what persons, amounts, names and clauses are. Sentences that tell nothing (content.py) are not read: they would be
context of the others. Each window is read by itself: what a sentence is read as depends on nothing beyond it, nor on the notes analysed beside it.
"""

from __future__ import annotations

import hashlib
import io
import shutil
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.pieces import BEGIN, END, Pieces

WEIGHTS = Path(__file__).parent / "weights"
"""What `make encoder` builds: the vocabulary, an encoder of all of train, and two that have not seen the one or the other half of it."""
LIMIT = 254
"""Pieces of a window, beside the two around it."""
TAGS = ("", "B-PER", "I-PER", "B-CMP", "I-CMP")
"""What pieces are: a task that the encoder learns beside the others."""
KEPT = 64
"""Windows of long notes whose vectors stay in memory, by a hash of their pieces: whoever types on in a long note has only its last window read anew."""
Hidden = NDArray[np.float16]


class Weights(NamedTuple):
    """A trained encoder: the file of its graph, an ONNX model (embeddings [pieces, dimensions] → vectors of the same shape), and its heads' arrays by name."""

    graph: Path
    heads: dict[str, NDArray[np.float32]]


def read_weights(folder: Path, name: str) -> Weights:
    """The encoder called `name` of a folder: NAME.onnx and NAME.npz."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        return Weights(folder / f"{name}.onnx", {key: file[key] for key in file.files})


def windows(doc: Doc, starts: NDArray[np.int64]) -> list[list[int]]:
    """The pieces of each window: those of doc._.content in whole sentences, as many as LIMIT pieces hold; a longer sentence in clauses. `starts`: where
    pieces begin."""
    places, clauses, size = starts.tolist(), doc._.clauses, len(starts)
    edges = [0, *(bisect_left(places, clause.start) for clause in clauses[1:]), size]
    sentences: dict[int, list[range]] = {}
    for i in doc._.content:
        sentences.setdefault(clauses[i].sentence, []).append(range(edges[i], edges[i + 1]))
    out: list[list[int]] = [[]]
    for parts in sentences.values():
        whole = list(chain.from_iterable(parts))
        fitting = [whole] if len(whole) <= LIMIT else [list(part[k : k + LIMIT]) for part in parts for k in range(0, len(part), LIMIT)]
        for rows in fitting:
            if len(out[-1]) + len(rows) > LIMIT:
                out.append([])
            out[-1] += rows
    text = doc._.text
    for window in out:  # a line that goes on behind the last sentence is no part of it
        while window and text[places[window[-1]]].isspace():
            window.pop()
    return [window for window in out if window]


class Encoder:
    """Writes doc._.pieces and doc._.hidden, float16 [pieces, dimensions], not a number where a piece was not read. Needs: clauses, content."""

    def __init__(self) -> None:
        self.weights: Weights | None = None
        self._pieces: Pieces | None = None
        self._file = b""
        self._session: onnxruntime.InferenceSession | None = None
        self._kept: OrderedDict[bytes, Hidden] = OrderedDict()
        self._lock = Lock()

    def use(self, weights: Weights) -> None:
        """Read by this encoder."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        self.weights = weights
        self._kept.clear()
        self._session = onnxruntime.InferenceSession(str(weights.graph), options, providers=["CPUExecutionProvider"])

    def set_pieces(self, file: bytes) -> None:
        """Use a vocabulary (the content of its file)."""
        self._file = file
        self._pieces = Pieces.from_file(io.BytesIO(file))

    def _window(self, ids: NDArray[np.int64]) -> Hidden:
        """[pieces, dimensions]: the vectors of one window."""
        assert self.weights is not None
        assert self._pieces is not None
        assert self._session is not None
        around = np.concatenate([[BEGIN], ids, [END]])
        given = self._pieces.embeddings(around) + self.weights.heads["positions"][: len(around)]
        return np.asarray(self._session.run(None, {"x": given})[0][1:-1], dtype=np.float16)

    def _kept_window(self, ids: NDArray[np.int64]) -> Hidden:
        """The same, from memory where it was read lately."""
        key = hashlib.sha256(ids.tobytes()).digest()
        with self._lock:
            hidden = self._kept.get(key)
        if hidden is None:
            hidden = self._window(ids)
        with self._lock:
            self._kept[key] = hidden
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return hidden

    def write(self, docs: Sequence[Doc], pool: ThreadPoolExecutor | None = None) -> None:
        """Read several notes, side by side in the threads of `pool` where there is one."""
        if self._session is None or self._pieces is None:
            return
        jobs: list[tuple[Doc, list[int], bool]] = []
        for doc in docs:
            cut = doc._.pieces = self._pieces(doc._.text)
            own = windows(doc, cut.starts)
            jobs += [(doc, rows, len(own) > 1 and pool is None) for rows in own]
        read = (pool.map if pool else map)(lambda job: (self._kept_window if job[2] else self._window)(job[0]._.pieces.ids[job[1]]), jobs)
        for (doc, rows, _), hidden in zip(jobs, read, strict=True):
            if doc._.hidden is None:
                doc._.hidden = np.full((len(doc._.pieces.ids), hidden.shape[1]), np.nan, dtype=np.float16)
            doc._.hidden[rows] = hidden

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if self.weights is None or not self._file:
            raise ValueError("no encoder to write; of a loaded one the vocabulary's file is not kept")
        (folder / "pieces.npz").write_bytes(self._file)
        shutil.copyfile(self.weights.graph, folder / "all.onnx")
        np.savez(folder / "all.npz", **self.weights.heads)  # type: ignore[arg-type]

    def from_disk(self, path: str | Path, **_: Any) -> Encoder:
        folder = Path(path)
        self.set_pieces((folder / "pieces.npz").read_bytes())
        self._file = b""
        self.use(read_weights(folder, "all"))
        return self


@Language.factory(
    "encoder",
    assigns=["doc._.pieces", "doc._.hidden"],
    requires=["doc._.clauses", "doc._.content"],
)
def create_encoder(nlp: Language, name: str) -> Encoder:
    return Encoder()
