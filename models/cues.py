"""Cue phrases: one scan of the note against lexicons/cues.tsv, the longest phrase at each place.

A longer phrase hides the shorter ones inside it: in 没嫌贵 there is no 贵. So a denial is a phrase of its own, and data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat, zip_longest
from operator import add

from models.lexicon import grouped


@dataclass(frozen=True, slots=True)
class CueHit:
    """Phrase `text[start:end]` and the groups it stands in."""

    start: int
    end: int
    phrase: str
    groups: tuple[str, ...]


class CueScanner:
    """Finds phrases of a grouped lexicon, longest first, without overlaps."""

    def __init__(self, groups: dict[str, tuple[str, ...]]) -> None:
        table: dict[str, list[str]] = {}
        for group, phrases in groups.items():
            for phrase in phrases:
                if group not in table.setdefault(phrase, []):
                    table[phrase].append(group)
        self._groups = {phrase: tuple(found) for phrase, found in table.items()}
        self._sizes: dict[str, list[int]] = {}  # by a phrase's first two characters, or its only one
        for phrase in sorted(table, key=len, reverse=True):
            self._sizes.setdefault(phrase[:2], []).append(len(phrase))
        self._sizes = {head: sorted(set(sizes), reverse=True) for head, sizes in self._sizes.items()}

    def __call__(self, text: str, grams: Sequence[str] | None = None) -> list[CueHit]:
        """The hits in order of place; `grams`, the text's neighbouring characters two by two, where they are at hand."""
        if grams is None:
            grams = list(map(add, text, text[1:]))
        hits: list[CueHit] = []
        groups, end = self._groups, 0
        longer = map(self._sizes.get, grams, repeat(()))
        single = map(self._sizes.get, text, repeat(()))
        for i, (sizes, alone) in enumerate(zip_longest(longer, single, fillvalue=())):
            if i < end or not (sizes or alone):
                continue
            for size in (*sizes, *alone):
                phrase = text[i : i + size]
                if phrase in groups and len(phrase) == size:
                    end = i + size
                    hits.append(CueHit(i, end, phrase, groups[phrase]))
                    break
        return hits


def cue_scanner() -> CueScanner:
    """The scanner of lexicons/cues.tsv."""
    return CueScanner(grouped("cues.tsv"))
