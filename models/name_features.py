"""What the names' CRF reads of each character: the characters around, jieba's word and tag, titles, cues, and the lists of surnames and given names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain, product

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
    """The spellings of every combination of values, the last one running fastest."""
    return [between.join(combination) for combination in product(*values)]


@lru_cache(maxsize=1024)
def _places(size: int, tag: str) -> tuple[str, ...]:
    """Of each character of a word its place there (Single, Begin, Middle, End) and the word's tag."""
    return ("S" + tag,) if size == 1 else ("B" + tag, *(["M" + tag] * (size - 2)), "E" + tag)


_HAN = slice(0x4E00, 0xA000)


def _code_points(surnames: str, given: str) -> NDArray[np.intp]:
    """By code point up to the last common Han character, and one beyond for all others: 4 x kind + 2 x surname + given name."""
    codes = np.full(_HAN.stop + 1, 4 * KINDS.index("."), dtype=np.intp)
    codes[_HAN] = 4 * KINDS.index("汉")
    for c in map(chr, range(_HAN.start)):
        codes[ord(c)] = 4 * KINDS.index(_kind_of(c))
    codes[list(map(ord, surnames))] += 2
    codes[list(map(ord, given))] += 1
    return codes


class CharacterFeatures:
    """Doc -> (the windows of FAMILIES over its characters, the columns of small alphabets)."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self._has_word = has_word
        surnames = rows("surnames.txt")
        self._characters = _code_points("".join(set(surnames[0][0])), "".join(set(rows("given_names.txt")[0][0])))
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

    def __call__(self, doc: Doc) -> tuple[list[Window], Coded]:
        found = doc._
        text, grams = found.text, found.grams
        n = len(text)
        around = [" ", " ", *text, " ", " "]  # character i stands at i + 2
        pairs = ["  ", " " + text[:1], *grams, text[-1:] + " ", "  "]  # and with the next one at i + 2
        windows = [
            Window(around, {"c": 2, "n": 3, "p": 1}),
            Window(pairs, {"N": 3, "P": 0, "x": 2, "y": 1}),
            Window([*chain.from_iterable(map(_places, map(len, found.words), found.tags)), ""], {"w": 0, "v": 1}),
        ]
        m = np.zeros(n + NEAR, dtype=np.intp)
        for hit in self._titles(text, grams):
            m[hit.start + 1 : hit.end] = self._marks[hit.groups[0] + "I"]
            m[hit.start] = self._marks[hit.groups[0] + "B"]
        q = np.zeros(n + NEAR + 1, dtype=np.intp)  # of character i at i + 1
        q[0] = self._groups["^"]
        for hit in self._cues(text, grams):
            q[hit.start + 1 : hit.end + 1] = self._groups[hit.groups[0]]
        points = np.frombuffer(f"  {text}  ".encode("utf-32-le", "surrogatepass"), np.uint32)
        character = self._characters.take(points, mode="clip")
        kind, surname, given = character >> 2, character >> 1 & 1, character & 1
        known = np.zeros(n + 2, dtype=np.intp)  # of characters i and i + 1 at i + 1
        known[0] = 2
        known[1:n] = list(map(self._has_word, grams))
        marks, groups, kinds = len(self._marks), len(self._groups), len(KINDS)
        own, after, before = slice(2, n + 2), slice(3, n + 3), slice(1, n + 1)
        codes = np.empty((len(self._alphabets), n), dtype=np.intp)
        kinds_around = (kind[own] * kinds + kind[after]) * kinds + kind[before]
        given_after, names = given[after], surname[own] * 2
        ahead = known[1 : n + 1] * 2 + known[2 : n + 2]
        codes[0] = m[:n]
        codes[1] = m[1 : n + 1] * marks + m[2 : n + 2]
        codes[2] = q[1 : n + 1] * groups + q[:n]
        codes[3] = (q[2 : n + 2] * groups + q[3 : n + 3]) * groups + q[4 : n + 4]
        codes[4] = surname[own] * kinds**3 + kinds_around
        codes[5] = known[:n] * 4 + ahead
        codes[6] = ((names + given_after) * 2 + given[4 : n + 4]) * 4 + ahead
        codes[7] = ((surname[:n] * 2 + surname[before]) * 2 + given[own]) * 2 + given_after
        return windows, Coded(self._alphabets, codes)
