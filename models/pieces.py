"""What the encoder reads a note as: the pieces of multilingual-e5's SentencePiece vocabulary, and their embeddings.

Of its 250,000 pieces those that Chinese notes may hold are kept; embeddings stay in the 4 bits that they are published in (docs/adr/0012).
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

BEGIN, END, UNKNOWN = 0, 2, 3
"""Ids around every window, and of a character that no piece holds."""
_SPACE = "▁"
_BLOCK = 32
"""Values of an embedding that share a scale."""


class Cut(NamedTuple):
    """The pieces of a text: ids, and [start, end) of each, int64 [pieces]."""

    ids: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Pieces:
    """The vocabulary: text → Cut by the most probable path of a unigram model (Kudo 2018), and ids → embeddings."""

    def __init__(self, pieces: list[str], scores: NDArray[np.float32], codes: NDArray[np.uint8], scales: NDArray[np.float16]) -> None:
        """`scores`: log-probabilities [pieces]; `codes` [4 + pieces, blocks, 16]: two values a byte; `scales` [4 + pieces, blocks].

        Rows 0 to 3 of the embeddings are those of the special ids.
        """
        self._entries = {piece: (score, number) for number, (piece, score) in enumerate(zip(pieces, scores.tolist(), strict=True), 4)}
        self._longest: dict[str, int] = {}
        for piece in pieces:
            self._longest[piece[0]] = max(len(piece), self._longest.get(piece[0], 1))
        self._unknown = float(scores.min()) - 10
        self._codes, self._scales = codes, scales

    @classmethod
    def from_file(cls, file: Path | IO[bytes]) -> Pieces:
        """Read what `save` wrote."""
        with np.load(file, allow_pickle=False) as own:
            return cls(own["pieces"].tobytes().decode().split("\n"), own["scores"], own["codes"], own["scales"])

    def __call__(self, text: str) -> Cut:
        """The pieces of a normalised text, which together cover it."""
        text = text.replace(" ", _SPACE)
        size = len(text)
        best = [0.0] + [-1e30] * size
        back = [(0, UNKNOWN)] * (size + 1)
        entries, longest = self._entries, self._longest
        for start, character in enumerate(text):
            reached = best[start]
            if reached + self._unknown > best[start + 1]:
                best[start + 1], back[start + 1] = reached + self._unknown, (start, UNKNOWN)
            for end in range(start + 1, min(size, start + longest.get(character, 0)) + 1):
                entry = entries.get(text[start:end])
                if entry is not None and reached + entry[0] > best[end]:
                    best[end], back[end] = reached + entry[0], (start, entry[1])
        rows: list[tuple[int, int, int]] = []
        end = size
        while end:
            start, number = back[end]
            rows.append((number, start, end))
            end = start
        table = np.array(rows[::-1], dtype=np.int64).reshape(-1, 3)
        return Cut(table[:, 0], table[:, 1], table[:, 2])

    def embeddings(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """[pieces, dimensions] of some ids."""
        codes, scales = self._codes[ids], self._scales[ids].astype(np.float32)
        values = np.concatenate([codes & 15, codes >> 4], axis=2).astype(np.float32) - 8
        return (values * scales[:, :, None]).reshape(len(ids), -1)


def save(path: Path, pieces: list[str], scores: NDArray[np.float32], codes: NDArray[np.uint8], scales: NDArray[np.float16]) -> None:
    """Write a vocabulary; arguments as of Pieces."""
    text = np.frombuffer("\n".join(pieces).encode(), dtype=np.uint8)
    np.savez(
        path, pieces=text, scores=scores, codes=codes.reshape(-1, codes.size // len(codes) // (_BLOCK // 2), _BLOCK // 2), scales=scales
    )
