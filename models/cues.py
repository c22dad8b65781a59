"""Cue phrases: one scan of the note against lexicons/cues.tsv, the longest phrase at each place.

A longer phrase hides the shorter ones inside it: in 没嫌贵 there is no 贵. So a denial is a phrase of its own, and data. lexicons/senses.tsv is scanned
in the same way: far more phrases in finer groups, which no rule reads, so that the models know phrasings that no training note has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from operator import add, itemgetter
from typing import NamedTuple

from models.lexicon import grouped

_place = itemgetter(0)


class CueHit(NamedTuple):
    """Phrase `text[start:end]` and the groups it stands in."""

    start: int
    end: int
    phrase: str
    groups: tuple[str, ...]


def _sizes_by_head(strings: Iterable[str]) -> dict[str, set[int]]:
    """The first two characters of strings, or the only one, to the sizes of those that begin so."""
    sizes: dict[str, set[int]] = {}
    for string in strings:
        head = string[:2]
        if head in sizes:
            sizes[head].add(len(string))
        else:
            sizes[head] = {len(string)}
    return sizes


def _from_long_to_short(sizes: Mapping[str, set[int]]) -> dict[str, tuple[int, ...]]:
    """Each head's sizes in order; heads of the same sizes share one tuple."""
    shared: dict[tuple[int, ...], tuple[int, ...]] = {}
    ordered = ((head, tuple(sorted(own, reverse=True))) for head, own in sizes.items())
    return {head: shared.setdefault(own, own) for head, own in ordered}


class CueScanner:
    """Finds phrases of a grouped lexicon, longest first, without overlaps."""

    def __init__(self, groups: dict[str, tuple[str, ...]]) -> None:
        table: dict[str, tuple[str, ...]] = {}
        for group, phrases in groups.items():
            alone = (group,)  # shared by all its phrases, of which there are a hundred thousand
            for phrase in phrases:
                known = table.get(phrase)
                if known is None:
                    table[phrase] = alone
                elif group not in known:
                    table[phrase] = (*known, group)
        self._groups = table
        self._sizes = _from_long_to_short(_sizes_by_head(table))
        self._singles = frozenset(phrase for phrase in table if len(phrase) == 1)

    def __call__(self, text: str, grams: Sequence[str] | None = None) -> list[CueHit]:
        """The hits in order of place; `grams`, the text's neighbouring characters two by two, where they are at hand."""
        if grams is None:
            grams = list(map(add, text, text[1:]))
        starts = [(i, sizes) for i, sizes in enumerate(map(self._sizes.get, grams)) if sizes]
        if self._singles:
            starts += [(i, (1,)) for i, c in enumerate(text) if c in self._singles]
        hits: list[CueHit] = []
        groups, end = self._groups, 0
        for i, sizes in sorted(starts, key=_place):  # stable: at one place the longer phrases come first
            if i < end:
                continue
            for size in sizes:
                phrase = text[i : i + size]
                if phrase in groups and len(phrase) == size:
                    end = i + size
                    hits.append(CueHit(i, end, phrase, groups[phrase]))
                    break
        return hits


class Parts:
    """Finds every place of some strings, those at one place from long to short."""

    def __init__(self, strings: Collection[str]) -> None:
        by_head = _sizes_by_head(strings)
        self._strings = frozenset(strings)
        self._singles = frozenset(string for string in strings if len(string) == 1)
        for head, sizes in by_head.items():
            if len(head) == 2 and head[0] in self._singles:
                sizes.add(1)
        self._sizes = _from_long_to_short({head: sizes for head, sizes in by_head.items() if len(head) == 2})

    def __call__(self, text: str, grams: Sequence[str]) -> list[tuple[int, str]]:
        """(place, string) in order; `grams`: the text's neighbouring characters two by two."""
        strings, singles = self._strings, self._singles
        found: list[tuple[int, str]] = []
        for i, (gram, sizes) in enumerate(zip(grams, map(self._sizes.get, grams), strict=True)):
            if sizes is None:
                if text[i] in singles:
                    found.append((i, text[i]))
                continue
            for size in sizes:
                string = gram if size == 2 else text[i : i + size]
                if string in strings and len(string) == size:  # at the text's end a long one is cut to a shorter one
                    found.append((i, string))
        if text and text[-1] in singles:
            found.append((len(text) - 1, text[-1]))
        return found


def cue_scanner() -> CueScanner:
    """The scanner of lexicons/cues.tsv."""
    return CueScanner(grouped("cues.tsv"))


def sense_scanner() -> CueScanner:
    """The scanner of lexicons/senses.tsv."""
    return CueScanner(grouped("senses.tsv"))
