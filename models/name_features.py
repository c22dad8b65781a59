"""What the names' CRF reads of each character: the characters around, jieba's word and tag, titles, cues, and the lists of surnames and given names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from models.cues import CueScanner
from models.features import Coded, Window
from models.lexicon import grouped, rows

FAMILIES = ("cnp", "NPxy", "wv")
"""The prefixes of the windows."""
KINDS = "9Aa.汉"
NEAR = 3
"""Characters a code is read ahead of its own."""


def _kind_of(c: str) -> str:
    if c.isdigit():
        return "9"
    if c.isascii():
        return "A" if c.isupper() else "a" if c.islower() else "."
    return "汉" if "\u4e00" <= c <= "\u9fff" else "."


def _alphabet(between: str, *values: Sequence[str]) -> list[str]:
    """The spellings of every combination of values, the last one running fastest, as _combined counts them."""
    return [between.join(combination) for combination in product(*values)]


def _combined(*parts: tuple[NDArray[np.intp], int]) -> NDArray[np.intp]:
    """One code for several (codes, how many there are)."""
    out = parts[0][0]
    for codes, size in parts[1:]:
        out = out * size + codes
    return out


def _word_places(words: list[str], tags: list[str]) -> list[str]:
    """Of each character its place in its word (Single, Begin, Middle, End) and the word's tag."""
    out: list[str] = []
    for word, tag in zip(words, tags, strict=True):
        size = len(word)
        if size == 1:
            out.append("S" + tag)
        else:
            out += ("B" + tag, *(["M" + tag] * (size - 2)), "E" + tag)
    return out


class _Characters(dict[str, int]):
    """Character to 4 x kind + 2 x surname + given name, for ASCII and Han; others are told anew each time, so that no note leaves a trace."""

    def __init__(self, surnames: frozenset[str], given: frozenset[str]) -> None:
        common = map(chr, (*range(0x80), *range(0x4E00, 0xA000)))
        super().__init__({c: 4 * KINDS.index(_kind_of(c)) + 2 * (c in surnames) + (c in given) for c in common})

    def __missing__(self, c: str) -> int:
        return 4 * KINDS.index(_kind_of(c))


class CharacterFeatures:
    """Doc -> (the windows of FAMILIES over its characters, the columns of small alphabets)."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self._has_word = has_word
        surnames = rows("surnames.txt")
        self._characters = _Characters(frozenset(surnames[0][0]), frozenset(rows("given_names.txt")[0][0]))
        titles: dict[str, tuple[str, ...]] = {f"t-{g}": w for g, w in grouped("titles.tsv").items()}
        cues = {g: w for g, w in grouped("cues.tsv").items() if g in
                ("says", "met", "absent", "price_theirs", "price_ours", "incumbent", "compare", "colleague", "gap", "kp", "authority")}  # fmt: skip
        self._titles, self._cues = CueScanner(titles), CueScanner(cues)
        marks, groups = ["", *(g + place for g in titles for place in "BI")], ["", *cues, "^"]
        self._marks, self._groups = {m: i for i, m in enumerate(marks)}, {g: i for i, g in enumerate(groups)}
        known, flags = ("False", "True"), ("0", "1")
        self._alphabets = {
            "m": marks,
            "M": _alphabet("/", marks, marks),
            "q": _alphabet("/", groups, groups),
            "Q": _alphabet("/", groups, groups, groups),
            "s": _alphabet("", flags, KINDS, KINDS, KINDS),
            "d": _alphabet("", (*known, ""), known, known),
            "f": _alphabet("", flags, flags, flags, known, known),
            "g": _alphabet("", flags, flags, flags, flags),
        }

    def __call__(self, doc: Doc) -> tuple[list[Window], list[Coded]]:
        found = doc._
        text, grams = found.text, found.grams
        n = len(text)
        around = [" ", " ", *text, " ", " "]  # character i stands at i + 2
        pairs = ["  ", " " + text[:1], *grams, text[-1:] + " ", "  "]  # and with the next one at i + 2
        windows = [
            Window(around, {"c": 2, "n": 3, "p": 1}),
            Window(pairs, {"N": 3, "P": 0, "x": 2, "y": 1}),
            Window([*_word_places(found.words, found.tags), ""], {"w": 0, "v": 1}),
        ]
        m = np.zeros(n + NEAR, dtype=np.intp)
        for hit in self._titles(text, grams):
            m[hit.start + 1 : hit.end] = self._marks[hit.groups[0] + "I"]
            m[hit.start] = self._marks[hit.groups[0] + "B"]
        q = np.zeros(n + NEAR + 1, dtype=np.intp)  # of character i at i + 1
        q[0] = self._groups["^"]
        for hit in self._cues(text, grams):
            q[hit.start + 1 : hit.end + 1] = self._groups[hit.groups[0]]
        character = np.fromiter(map(self._characters.__getitem__, around), np.intp, n + 4)
        kind, surname, given = character >> 2, character >> 1 & 1, character & 1
        known = np.zeros(n + 2, dtype=np.intp)  # of characters i and i + 1 at i + 1
        known[0] = 2
        known[1:n] = np.fromiter(map(self._has_word, grams), np.intp, len(grams))
        marks, groups, kinds = len(self._marks), len(self._groups), len(KINDS)
        own, after, before = slice(2, n + 2), slice(3, n + 3), slice(1, n + 1)
        codes = {
            "m": m[:n],
            "M": _combined((m[1 : n + 1], marks), (m[2 : n + 2], marks)),
            "q": _combined((q[1 : n + 1], groups), (q[:n], groups)),
            "Q": _combined((q[2 : n + 2], groups), (q[3 : n + 3], groups), (q[4 : n + 4], groups)),
            "s": _combined((surname[own], 2), (kind[own], kinds), (kind[after], kinds), (kind[before], kinds)),
            "d": _combined((known[:n], 3), (known[1 : n + 1], 2), (known[2 : n + 2], 2)),
            "f": _combined((surname[own], 2), (given[after], 2), (given[4 : n + 4], 2), (known[1 : n + 1], 2), (known[2 : n + 2], 2)),
            "g": _combined((surname[:n], 2), (surname[before], 2), (given[own], 2), (given[after], 2)),
        }
        return windows, [Coded(prefix, self._alphabets[prefix], column) for prefix, column in codes.items()]
