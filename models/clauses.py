"""Sentences and clauses: split at punctuation and, where a run has none, at the places a trained model takes for stops.

The model (training/finders.py, train_boundaries) learned from the corpus's own punctuated notes with the punctuation taken away.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.features import Window, WindowWeights
from models.linear import LinearHeads, to_write

STOPS = re.compile(
    r"(?<!\d),|,(?!\d{3}(?!\d))|[。!?;\n|…~]+"
    r"|(?<=[\u4e00-\u9fff\d)”])(?!(?<=\d) [万千亿块元])(?!(?<=\d [万千块]) \d(?!\d)) +(?=[\u4e00-\u9fff\d(“①-⑳])"
    r"|(?<!\d):|:(?!\d)|[—]{2,}|-{2,}|→|、(?=.{8})|[【】]"
)
"""Commas but those of 12,000; sentence ends; spaces but those inside an amount (6 万 5); colons but those of 12:30; dashes, arrows, brackets."""
# Spaces beside a figure and between two words, stops, and a time of day: what tells whether a note's spaces are stops (split_at_stops).
_SPACED = re.compile(r"[\u4e00-\u9fff] \d[\d.,]* ?[\u4e00-\u9fff]")
_APART = re.compile(r"[\u4e00-\u9fff)”] +[\u4e00-\u9fff(“]")
_PUNCTUATED = re.compile(r"[,。;!?]")
_CLOCK = re.compile(r"\d:\d\d$")
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
_FIGURE = frozenset("0123456789.零〇一二两三四五六七八九十百千万亿")
"""Between two of these words an amount may go on (十六万 九): there is no cut."""
_EDGE = " \t\n,。!?;:、“”\"'()「」『』《》[]【】-—…~|·>•*"


class Clause(NamedTuple):
    """`text[start:end]` of the normalised note, trimmed; tokens [first, last); `sentence` counts from 0; `label` is the heading before it."""

    start: int
    end: int
    first: int
    last: int
    sentence: int
    label: str


FAMILIES = (("a2w=", "a=", "b=", "b2w="), ("a2=", "ab=", "b2="), ("ta=", "tb="), ("tt=",), ("tab=",), ("atb=",))


def gap_features(words: Sequence[str], tags: Sequence[str]) -> list[Window]:
    """Features of the gaps between neighbouring words, one gap fewer than words: the words and tags on both sides of it."""
    around = ["^", *words, "$"]
    return [
        Window(around, {"a2w=": 0, "a=": 1, "b=": 2, "b2w=": 3}),
        Window(list(map("_".join, pairwise(around))), {"a2=": 0, "ab=": 1, "b2=": 2}),
        Window(tags, {"ta=": 0, "tb=": 1}),
        Window(list(map("_".join, pairwise(tags))), {"tt=": 0}),
        Window(list(map("_".join, zip(tags[:-1], words[1:], strict=True))), {"tab=": 0}),
        Window(list(map("_".join, zip(words[:-1], tags[1:], strict=True))), {"atb=": 0}),
    ]


def split_at_stops(text: str) -> list[tuple[int, int, str]]:
    """(start, end, stop after it) of the pieces between stops, untrimmed; together with the stops they cover the text.

    Where a punctuated note has spaces beside its figures only (報 7 萬 2，), as is usual in Taiwan, they are no stops, but for that behind a time (9:40 到).
    """
    pieces: list[tuple[int, int, str]] = []
    at = 0
    spaced = _SPACED.search(text) is not None and _APART.search(text) is None and len(_PUNCTUATED.findall(text)) >= 2
    for stop in STOPS.finditer(text):
        if spaced and stop[0][0] == " " and not _CLOCK.search(text, max(0, stop.start() - 4), stop.start()):
            continue
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

    def __init__(self) -> None:
        self._boundaries: LinearHeads | None = None

    def use(self, boundaries: LinearHeads) -> None:
        """Cut by this model."""
        self._boundaries = boundaries
        counted = np.hstack([boundaries.weights, np.ones_like(boundaries.weights)])  # beside each weight, that it is known
        self._weights = WindowWeights(boundaries.vocabulary, counted, FAMILIES)

    def _stops(self, words: Sequence[str], tags: Sequence[str]) -> list[float]:
        """For each word the probability of a stop before it."""
        if self._boundaries is None or len(words) < 2:
            return [0.0] * len(words)
        sums = self._weights.sums(gap_features(words, tags), len(words) - 1)
        return [0.0, *self._boundaries.of_sums(sums[:, :1] * np.maximum(sums[:, 1:], 1) ** -0.5)[:, 0].tolist()]

    def _cuts(self, doc: Doc, first: int, last: int) -> list[int]:
        """Token indices where an unpunctuated run of tokens [first, last) starts a new clause."""
        if self._boundaries is None:
            return []
        words, tags = doc._.words[first:last], doc._.tags[first:last]
        offsets = [0]
        for word in words:
            offsets.append(offsets[-1] + len(word))
        stops = self._stops(words, tags)
        stops = [0.0 if i and words[i - 1][-1] in _FIGURE and words[i][0] in _FIGURE else stop for i, stop in enumerate(stops)]
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
        joblib.dump(to_write(self._boundaries)[0], Path(path) / "boundaries.joblib")

    def from_disk(self, path: str | Path, **_: Any) -> ClauseSplitter:
        boundaries: LinearHeads = joblib.load(Path(path) / "boundaries.joblib")
        self.use(boundaries)
        self._boundaries = boundaries.lean()
        return self


@Language.factory("clauses", assigns=["doc._.clauses"])
def create_clauses(nlp: Language, name: str) -> ClauseSplitter:
    return ClauseSplitter()
