"""A note read in context: a small pretrained transformer, fine-tuned on the corpus, gives every piece of the text a vector (docs/adr/0012).

span_heads.py tells from the vectors what persons, amounts, names and clauses are; here they are made, with the names that its tags find.
Each window is read by itself: what a sentence is read as depends on nothing beyond its window, nor on the notes analysed beside it.
"""

from __future__ import annotations

import hashlib
import io
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.names import NameSpan
from models.pieces import BEGIN, END, Pieces

WEIGHTS = Path(__file__).parent / "weights"
"""What `make encoder` builds: the vocabulary, an encoder of all of train, and two that have not seen the one or the other half of it."""
LIMIT = 126
"""Pieces of a window, beside the two around it."""
TAGS = ("", "B-PER", "I-PER", "B-CMP", "I-CMP")
LEAST = 0.2
"""A name that the tags alone find becomes a candidate from this probability on; people.py and rivals.py decide."""
KEPT = 64
"""Windows of long notes whose vectors stay in memory, by a hash of their pieces: whoever types on in a long note has only its last window read anew."""
Hidden = NDArray[np.float16]


class Weights(NamedTuple):
    """A trained encoder: its graph as an ONNX model (embeddings [pieces, dimensions] → vectors of the same shape), and its heads' arrays by name."""

    graph: bytes
    heads: dict[str, NDArray[np.float32]]


def read_weights(folder: Path, name: str) -> Weights:
    """The encoder called `name` of a folder: NAME.onnx and NAME.npz."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        return Weights((folder / f"{name}.onnx").read_bytes(), {key: file[key] for key in file.files})


def windows(doc: Doc, starts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """[first, last) pieces of each window: whole sentences, or clauses of a long one, as many as LIMIT pieces hold. `starts`: where pieces begin."""
    size = len(starts)
    if size <= LIMIT:
        return [(0, size)]
    places = starts.tolist()
    clauses = doc._.clauses
    edges = [bisect_left(places, clause.start) for clause in clauses[1:]]
    sentences = [edge for edge, before, after in zip(edges, clauses, clauses[1:], strict=False) if before.sentence != after.sentence]
    out = []
    first = 0
    while first < size:
        last = first + LIMIT
        if last >= size:
            last = size
        else:
            last = max((e for e in sentences if first < e <= last), default=0) or max((e for e in edges if first < e <= last), default=last)
        out.append((first, last))
        first = last
    return out


class Encoder:
    """Writes doc._.pieces and doc._.hidden, and adds to doc._.doubtful_people and doc._.rival_candidates whom and what its tags find beside them.

    Needs: clauses, names.
    """

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
        self._session = onnxruntime.InferenceSession(weights.graph, options, providers=["CPUExecutionProvider"])

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
        jobs: list[tuple[Doc, NDArray[np.int64], bool]] = []
        for doc in docs:
            cut = doc._.pieces = self._pieces(doc._.text)
            own = windows(doc, cut.starts) if len(cut.ids) else []
            jobs += [(doc, cut.ids[first:last], len(own) > 1 and pool is None) for first, last in own]
        read = (pool.map if pool else map)(lambda job: (self._kept_window if job[2] else self._window)(job[1]), jobs)
        parts: dict[int, list[Hidden]] = {id(doc): [] for doc in docs}
        for (doc, _, _), hidden in zip(jobs, read, strict=True):
            parts[id(doc)].append(hidden)
        for doc in docs:
            if parts[id(doc)]:
                doc._.hidden = np.concatenate(parts[id(doc)])
                self._name(doc)

    def _name(self, doc: Doc) -> None:
        """Add what the tags find where no candidate stands yet."""
        assert self.weights is not None
        found, heads = doc._, self.weights.heads
        scores = found.hidden.astype(np.float32) @ heads["tags.weight"] + heads["tags.bias"]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = powers / powers.sum(axis=1, keepdims=True)
        starts, ends = found.pieces.starts.tolist(), found.pieces.ends.tolist()
        people = [*found.names, *found.doubtful_people]
        for kind, first, there in (("PER", 1, people), ("CMP", 3, [*found.rival_candidates, *found.names])):
            beginning, within = shares[:, first].tolist(), shares[:, first + 1].tolist()
            added = []
            end = 0
            for piece in np.flatnonzero(shares[:, first] >= LEAST).tolist():
                if piece < end:
                    continue
                end = piece + 1
                while end < len(within) and within[end] >= 0.5:
                    end += 1
                span = NameSpan(starts[piece], ends[end - 1], kind, beginning[piece])
                if all(span.end <= other.start or other.end <= span.start for other in there):
                    added.append(span)
            if kind == "PER":
                found.doubtful_people = (*found.doubtful_people, *added)
            else:
                found.rival_candidates = tuple(sorted([*found.rival_candidates, *added], key=lambda s: s.start))

    def __call__(self, doc: Doc) -> Doc:
        self.write([doc])
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if self.weights is None or not self.weights.graph:
            raise ValueError("no encoder to write; a loaded one's graph is not kept")
        (folder / "pieces.npz").write_bytes(self._file)
        (folder / "all.onnx").write_bytes(self.weights.graph)
        np.savez(folder / "all.npz", **self.weights.heads)  # type: ignore[arg-type]

    def from_disk(self, path: str | Path, **_: Any) -> Encoder:
        folder = Path(path)
        self.set_pieces((folder / "pieces.npz").read_bytes())
        self._file = b""
        weights = read_weights(folder, "all")
        self.use(weights)
        self.weights = weights._replace(graph=b"")
        return self


@Language.factory(
    "encoder",
    assigns=["doc._.pieces", "doc._.hidden", "doc._.doubtful_people", "doc._.rival_candidates"],
    requires=["doc._.clauses", "doc._.names"],
)
def create_encoder(nlp: Language, name: str) -> Encoder:
    return Encoder()
