"""Cue phrases: one scan of the note against lexicons/cues.tsv, the longest phrase at each place.

A longer phrase hides the shorter ones inside it: in 没嫌贵 there is no 贵. So a denial is a phrase of its own, and data.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        lengths: dict[str, set[int]] = {}
        for phrase in table:
            lengths.setdefault(phrase[0], set()).add(len(phrase))
        self._lengths = {first: sorted(sizes, reverse=True) for first, sizes in lengths.items()}

    def __call__(self, text: str) -> list[CueHit]:
        hits: list[CueHit] = []
        groups, lengths, i, n = self._groups, self._lengths, 0, len(text)
        while i < n:
            for size in lengths.get(text[i], ()):
                phrase = text[i : i + size]
                if len(phrase) == size and phrase in groups:
                    hits.append(CueHit(i, i + size, phrase, groups[phrase]))
                    i += size - 1
                    break
            i += 1
        return hits


def cue_scanner() -> CueScanner:
    """The scanner of lexicons/cues.tsv."""
    return CueScanner(grouped("cues.tsv"))
