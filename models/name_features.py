"""What the names' CRF reads of each character: the characters around, jieba's word and tag, titles, cues, and the lists of surnames and given names."""

from __future__ import annotations

from collections.abc import Callable

from spacy.tokens import Doc

from models.cues import CueScanner
from models.features import Window
from models.lexicon import grouped, rows

FAMILIES = ("cnp", "NPxy", "wv", "m", "M", "s", "q", "Q", "d", "f", "g")
"""The prefixes of the windows."""


def _kind_of(c: str) -> str:
    if c.isdigit():
        return "9"
    if c.isascii():
        return "A" if c.isupper() else "a" if c.islower() else "."
    return "汉" if "\u4e00" <= c <= "\u9fff" else "."


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


def _joined(between: str, *columns: list[str]) -> list[str]:
    return list(map(between.join, zip(*columns, strict=True)))


class CharacterFeatures:
    """Doc -> the windows of FAMILIES over its characters (none of an empty one)."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self._has_word = has_word
        surnames = rows("surnames.txt")
        self._surnames = frozenset(surnames[0][0]) | frozenset(surnames[1][0].split())
        self._given = frozenset(rows("given_names.txt")[0][0])
        self._kinds = {c: _kind_of(c) for c in map(chr, (*range(0x80), *range(0x4E00, 0xA000)))}
        titles: dict[str, tuple[str, ...]] = {f"t-{g}": w for g, w in grouped("titles.tsv").items()}
        self._titles = CueScanner(titles)
        self._cues = CueScanner({g: w for g, w in grouped("cues.tsv").items() if g in
                                 ("says", "met", "absent", "price_theirs", "price_ours", "incumbent", "compare", "colleague", "gap", "kp", "authority")})  # fmt: skip

    def __call__(self, doc: Doc) -> list[Window]:
        found = doc._
        text, grams = found.text, found.grams
        n = len(text)
        if not n:
            return []
        around = [" ", " ", *text, " ", " "]  # character i stands at i + 2
        pairs = ["  ", " " + text[0], *grams, text[-1] + " ", "  "]  # and with the next one at i + 2
        words = [*_word_places(found.words, found.tags), ""]
        marks = [""] * (n + 2)
        for hit in self._titles(text, grams):
            marks[hit.start : hit.end] = [hit.groups[0] + "B", *[hit.groups[0] + "I"] * (hit.end - hit.start - 1)]
        cues = ["^", *[""] * (n + 3)]  # of character i at i + 1
        for hit in self._cues(text, grams):
            cues[hit.start + 1 : hit.end + 1] = [hit.groups[0]] * (hit.end - hit.start)
        kinds = [self._kinds.get(c) or _kind_of(c) for c in around]
        surname = ["1" if c in self._surnames else "0" for c in around]
        given = ["1" if c in self._given else "0" for c in around]
        known = ["True" if k else "False" for k in map(self._has_word, grams)] + ["False", "False"]
        return [
            Window(around, {"c": 2, "n": 3, "p": 1}),
            Window(pairs, {"N": 3, "P": 0, "x": 2, "y": 1}),
            Window(words, {"w": 0, "v": 1}),
            Window(marks, {"m": 0}),
            Window(_joined("/", marks[1:-1], marks[2:]), {"M": 0}),
            Window(_joined("", surname[2:-2], kinds[2:-2], kinds[3:-1], kinds[1:-3]), {"s": 0}),
            Window(_joined("/", cues[1:-3], cues[:n]), {"q": 0}),
            Window(_joined("/", cues[2:-2], cues[3:-1], cues[4:]), {"Q": 0}),
            Window(_joined("", ["", *known[: n - 1]], known[:n], known[1:]), {"d": 0}),
            Window(_joined("", surname[2:-2], given[3:-1], given[4:], known[:n], known[1:]), {"f": 0}),
            Window(_joined("", surname[:n], surname[1:-3], given[2:-2], given[3:-1]), {"g": 0}),
        ]
