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


class GapScanner:
    """Finds the gapped phrases of a lexicon in each clause.

    A longer part hides a shorter one inside it where the other part is the same: 没嫌…贵 hides 嫌…贵, 对…不感兴趣 hides 对…感兴趣.
    """

    def __init__(self, groups: dict[str, tuple[str, ...]]) -> None:
        table: dict[str, dict[str, list[str]]] = {}
        for group, phrases in groups.items():
            for phrase in phrases:
                head, tail = phrase.split(GAP)
                own = table.setdefault(head, {}).setdefault(tail, [])
                if group not in own:
                    own.append(group)
        self._heads = Parts(table)
        self._tails: dict[str, dict[str, list[tuple[str, tuple[str, ...]]]]] = {}
        """Of each first part the second ones with their groups, by their first character, from long to short."""
        for head, tails in table.items():
            by_first = self._tails.setdefault(head, {})
            for tail in sorted(tails, key=len, reverse=True):
                by_first.setdefault(tail[0], []).append((tail, tuple(tails[tail])))

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
        for start, head in heads:
            end, reached = start + len(head), 0
            window, tails = text[end : min(end + REACH + 1, limit)], self._tails[head]
            if tails.keys().isdisjoint(window):
                continue
            for at, character in enumerate(window, end):
                for tail, groups in tails.get(character, ()):
                    close = at + len(tail)
                    if close > limit or close <= reached or end <= ended.get((at, close), 0) or not text.startswith(tail, at):
                        continue
                    reached, ended[at, close] = close, end
                    hits.append(CueHit(start, close, head + GAP + tail, groups))
        return hits


def gap_scanner() -> GapScanner:
    """The scanner of lexicons/gapped.tsv."""
    return GapScanner(grouped("gapped.tsv"))
