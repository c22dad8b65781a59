"""Phrases with a gap (嫌…慢, 不…头我哪敢): two parts in one clause with a few characters between, which no unbroken phrase can say.

lexicons/gapped.tsv has the groups of senses.tsv: what is found stands among a clause's senses (docs/adr/0010-gapped-senses.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from models.clauses import Clause
from models.cues import CueHit, Parts
from models.lexicon import grouped

GAP = "…"
REACH = 8
"""Characters between the parts, at most."""
Tails = dict[str, list[tuple[str, tuple[str, ...]]]]
"""By their first character: second parts with their groups, from long to short."""


class GapScanner:
    """Finds the gapped phrases of a lexicon in each clause.

    A longer part hides a shorter one inside it where the other part is the same: 没嫌…贵 hides 嫌…贵, 对…不感兴趣 hides 对…感兴趣.
    """

    def __init__(self, groups: dict[str, tuple[str, ...]]) -> None:
        self._phrases: dict[str, list[tuple[str, str]]] = {}
        """Of each first part the second ones, each with a group."""
        for group, phrases in groups.items():
            for phrase in phrases:
                head, _, tail = phrase.partition(GAP)
                if head in self._phrases:
                    self._phrases[head].append((tail, group))
                else:
                    self._phrases[head] = [(tail, group)]
        self._heads = Parts(self._phrases)
        self._ordered: dict[str, Tails] = {}

    def _tails(self, head: str) -> Tails:
        """The second parts of a first one; put in order when it is first met, for a start should not wait for the thousands that no note has."""
        if head not in self._ordered:
            table: dict[str, list[str]] = {}
            for tail, group in self._phrases[head]:
                table.setdefault(tail, []).append(group)
            by_first: Tails = {}
            for tail in sorted(table, key=len, reverse=True):
                by_first.setdefault(tail[0], []).append((tail, tuple(table[tail])))
            self._ordered[head] = by_first
        return self._ordered[head]

    def __call__(self, text: str, grams: Sequence[str], clauses: Sequence[Clause]) -> list[list[CueHit]]:
        """The hits of each clause, in order of their first part."""
        heads = self._heads(text, grams)
        starts = [start for start, _ in heads]
        return [
            self._hits(text, clause.end, heads[bisect_left(starts, clause.start) : bisect_left(starts, clause.end)]) for clause in clauses
        ]

    def _hits(self, text: str, limit: int, heads: Sequence[tuple[int, str]]) -> list[CueHit]:
        """Those that begin with these first parts and end before `limit`."""
        hits: list[CueHit] = []
        ended: dict[tuple[int, int], int] = {}  # a second part's place to where the first part that reached it ends
        ordered = self._ordered
        for start, head in heads:
            tails = ordered.get(head) or self._tails(head)
            end, reached = start + len(head), 0
            stop = end + REACH + 1
            window = text[end : stop if stop < limit else limit]
            if tails.keys().isdisjoint(window):
                continue
            for at, character in enumerate(window, end):
                if character not in tails:
                    continue
                for tail, groups in tails[character]:
                    close = at + len(tail)
                    if close > limit or close <= reached or end <= ended.get((at, close), 0) or not text.startswith(tail, at):
                        continue
                    reached, ended[at, close] = close, end
                    hits.append(CueHit(start, close, head + GAP + tail, groups))
        return hits


def gap_scanner() -> GapScanner:
    """The scanner of lexicons/gapped.tsv."""
    return GapScanner(grouped("gapped.tsv"))
