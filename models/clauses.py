"""Sentences and clauses: split at punctuation and, where a run has none, at the places a trained model takes for stops.

The model (training/boundaries.py) learned from the corpus's own punctuated notes with the punctuation taken away.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.linear import LinearHeads

STOPS = re.compile(
    r"(?<!\d),|,(?!\d{3}(?!\d))|[。!?;\n|…~]+|(?<=[\u4e00-\u9fff\d)”]) +(?=[\u4e00-\u9fff\d(“①-⑳])|(?<!\d):|:(?!\d)|[—]{2,}|-{2,}|→|、(?=.{8})|[【】]"
)
SENTENCE_STOPS = frozenset("。!?;\n|…")
LONG_RUN = 16
"""A run of more characters without any stop is offered to the boundary model."""
BOUNDARY_THRESHOLD = 0.5
LONGEST = 22
"""A piece still longer than this is cut at its most probable gap, from WEAK_BOUNDARY on."""
WEAK_BOUNDARY = 0.08
SHORTEST = 4
MAX_LABEL = 6
"""A piece this short before a colon is the heading of what follows (异议:…)."""
_EDGE = " \t\n,。!?;:、“”\"'()「」『』《》[]【】-—…~|·>•*"


@dataclass(frozen=True, slots=True)
class Clause:
    """`text[start:end]` of the normalised note, trimmed; tokens [first, last); `sentence` counts from 0; `label` is the heading before it."""

    start: int
    end: int
    first: int
    last: int
    sentence: int
    label: str


def gap_features(words: Sequence[str], tags: Sequence[str], i: int) -> list[str]:
    """Features of the gap between word i-1 and word i."""
    a, b = words[i - 1], words[i]
    a2 = words[i - 2] if i > 1 else "^"
    b2 = words[i + 1] if i + 1 < len(words) else "$"
    return [f"a={a}", f"b={b}", f"ab={a}_{b}", f"ta={tags[i - 1]}", f"tb={tags[i]}", f"tt={tags[i - 1]}_{tags[i]}", f"a2={a2}_{a}", f"b2={b}_{b2}",
            f"a2w={a2}", f"b2w={b2}", f"tab={tags[i - 1]}_{b}", f"atb={a}_{tags[i]}"]  # fmt: skip


def split_at_stops(text: str) -> list[tuple[int, int, str]]:
    """(start, end, stop after it) of the pieces between stops, untrimmed; together with the stops they cover the text."""
    pieces: list[tuple[int, int, str]] = []
    at = 0
    for stop in STOPS.finditer(text):
        pieces.append((at, stop.start(), stop[0]))
        at = stop.end()
    pieces.append((at, len(text), "\n"))
    return pieces


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _EDGE:
        start += 1
    while end > start and text[end - 1] in _EDGE:
        end -= 1
    return start, end


class ClauseSplitter:
    """Writes doc._.clauses. Needs: the tokenizer's words and tags."""

    name = "clauses"

    def __init__(self, boundaries: LinearHeads | None = None) -> None:
        self.boundaries = boundaries

    def _cuts(self, doc: Doc, first: int, last: int) -> list[int]:
        """Token indices where an unpunctuated run of tokens [first, last) starts a new clause."""
        if self.boundaries is None:
            return []
        words, tags = doc._.words[first:last], doc._.tags[first:last]
        offsets = [0]
        for word in words:
            offsets.append(offsets[-1] + len(word))
        gaps = [gap_features(words, tags, i) for i in range(1, len(words))]
        stops = [0.0, *self.boundaries.probabilities_of_all(gaps)[:, 0].tolist()] if gaps else [0.0]

        likely, cuts, waiting = np.array(stops, dtype=np.float64), [], [(0, len(words))]
        while waiting:  # no recursion: a run of ten thousand characters has thousands of cuts
            a, b = waiting.pop()
            low, high = bisect_left(offsets, offsets[a] + SHORTEST), bisect_right(offsets, offsets[b] - SHORTEST)
            if low >= high:
                continue
            best = low + int(likely[low:high].argmax())
            if likely[best] >= (WEAK_BOUNDARY if offsets[b] - offsets[a] > LONGEST else BOUNDARY_THRESHOLD):
                cuts.append(best)
                waiting += [(a, best), (best, b)]
        return [first + i for i in sorted(cuts)]

    def predict(self, doc: Doc) -> tuple[Clause, ...]:
        """The clauses of a Doc over normalised text, in order; a note of nothing but stops has none."""
        text = doc._.text
        starts = doc._.starts
        clauses: list[Clause] = []
        sentence, label, token = 0, "", 0
        for begin, finish, stop in split_at_stops(text):
            while token < len(starts) and starts[token] < begin:
                token += 1
            first = token
            while token < len(starts) and starts[token] < finish:
                token += 1
            last = token
            cuts = self._cuts(doc, first, last) if finish - begin > LONG_RUN and stop != ":" else []
            for a, b in zip([first, *cuts], [*cuts, last], strict=True):
                from_char = begin if a == first else starts[a]
                to_char = finish if b == last else starts[b]
                start, end = _trim(text, from_char, to_char)
                if start >= end:
                    continue
                if stop == ":" and end - start <= MAX_LABEL and b == last:
                    label = text[start:end]
                    clauses.append(Clause(start, end, a, b, sentence, ""))
                else:
                    clauses.append(Clause(start, end, a, b, sentence, label))
            if stop and (SENTENCE_STOPS & set(stop)):
                sentence += 1
                label = ""
        return tuple(clauses)

    def __call__(self, doc: Doc) -> Doc:
        doc._.clauses = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        joblib.dump(self.boundaries, Path(path) / "boundaries.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ClauseSplitter:
        self.boundaries = joblib.load(Path(path) / "boundaries.joblib")
        return self


@Language.factory("clauses", assigns=["doc._.clauses"])
def create_clauses(nlp: Language, name: str) -> ClauseSplitter:
    return ClauseSplitter()
