"""Phrases with a gap (嫌…慢, 不…头我哪敢): two parts in one clause with a few characters between, which no unbroken phrase can say.

lexicons/gapped.tsv (phrase by phrase) and frames.tsv (every first part of a list with every second one) have the groups of senses.tsv: what is found
stands among a clause's senses (docs/adr/0010-gapped-senses.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from models.clauses import Clause
from models.cues import CueHit, Parts
from models.lexicon import Frame, frames, grouped

GAP = "…"
REACH = 8
"""Characters between the parts, at most."""
_NONE: dict[str, tuple[str, ...]] = {}


def _masks(words: Iterable[tuple[str, ...]]) -> dict[str, int]:
    """Each word to a number with a bit for every list that holds it; words of the same lists share one, for there are a hundred thousand."""
    held: dict[str, list[int]] = {}
    for number, own in enumerate(words):
        for word in own:
            held.setdefault(word, []).append(number)
    masks: dict[tuple[int, ...], int] = {}
    for numbers in map(tuple, held.values()):
        if numbers not in masks:
            masks[numbers] = sum(1 << number for number in numbers)
    return {word: masks[tuple(numbers)] for word, numbers in held.items()}


class GapScanner:
    """Finds the gapped phrases of a lexicon, and those of frames, in each clause.

    Where the other part is the same, a part hides one that begins inside it: 没嫌…贵 hides 嫌…贵 and 嫌我们…贵, 对…不感兴趣 hides 对…感兴趣.
    """

    def __init__(self, groups: Mapping[str, Iterable[str]], frames: Sequence[Frame] = ()) -> None:
        self._phrases: dict[str, dict[str, tuple[str, ...]]] = {}
        """Of each first part the second ones with their groups."""
        for group, phrases in groups.items():
            for phrase in phrases:
                head, _, tail = phrase.partition(GAP)
                own = self._phrases.setdefault(head, {})
                own[tail] = (*own.get(tail, ()), group)
        self._groups = [frame.group for frame in frames]
        self._heads, self._tails = _masks(frame.heads for frame in frames), _masks(frame.tails for frame in frames)
        """First and second parts of the frames: two that have a bit in common make a phrase."""
        for head in self._phrases:
            self._heads.setdefault(head, 0)
            for tail in self._phrases[head]:
                self._tails.setdefault(tail, 0)
        self._find = Parts(self._heads.keys() | self._tails.keys())

    def __call__(self, text: str, grams: Sequence[str], clauses: Sequence[Clause]) -> list[list[CueHit]]:
        """The hits of each clause, in order of their first part."""
        parts, masks = self._find(text, grams), self._tails
        heads = [part for part in parts if part[1] in self._heads]
        tails = [(at, part, masks[part]) for at, part in parts if part in masks]
        starts, ends = [start for start, _ in heads], [at for at, _, _ in tails]
        return [
            self._hits(
                clause.end,
                heads[bisect_left(starts, clause.start) : bisect_left(starts, clause.end)],
                tails[bisect_left(ends, clause.start) : bisect_left(ends, clause.end)],
            )
            for clause in clauses
        ]

    def _hits(self, limit: int, heads: Sequence[tuple[int, str]], tails: Sequence[tuple[int, str, int]]) -> list[CueHit]:
        """Those of these parts, which stand in one clause in order and must end before `limit`; of a second part also the mask."""
        hits: list[CueHit] = []
        ended: dict[tuple[int, int], int] = {}  # a second part's place to where the first part that reached it ends
        places, here, any_frame = [at for at, _, _ in tails], {tail for _, tail, _ in tails}, 0
        for _, _, mask in tails:
            any_frame |= mask
        for start, head in heads:
            mask, phrases = self._heads[head], self._phrases.get(head, _NONE)
            if not mask & any_frame and phrases.keys().isdisjoint(here):
                continue
            end, reached = start + len(head), 0
            for at, tail, other in tails[bisect_left(places, end) : bisect_right(places, end + REACH)]:
                if mask & other or tail in phrases:
                    close = at + len(tail)
                    if close > limit or close <= reached or start < ended.get((at, close), 0):
                        continue
                    reached, ended[at, close] = close, end
                    hits.append(CueHit(start, close, head + GAP + tail, self._groups_of(head, tail)))
        return hits

    def _groups_of(self, head: str, tail: str) -> tuple[str, ...]:
        """The groups of two parts that make a phrase."""
        groups = list(self._phrases.get(head, _NONE).get(tail, ()))
        common = self._heads[head] & self._tails[tail]
        while common:
            lowest = common & -common
            groups.append(self._groups[lowest.bit_length() - 1])
            common ^= lowest
        return tuple(dict.fromkeys(groups))


def gap_scanner() -> GapScanner:
    """The scanner of lexicons/gapped.tsv and frames.tsv."""
    return GapScanner(grouped("gapped.tsv"), frames("frames.tsv"))
