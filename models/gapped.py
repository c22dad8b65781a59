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
        table: dict[tuple[str, str], list[str]] = {}
        for group, phrases in groups.items():
            for phrase in phrases:
                head, tail = phrase.split(GAP)
                if group not in table.setdefault((head, tail), []):
                    table[head, tail].append(group)
        self._groups = {parts: tuple(found) for parts, found in table.items()}
        self._heads, self._tails = Parts({head for head, _ in table}), Parts({tail for _, tail in table})

    def __call__(self, text: str, grams: Sequence[str], clauses: Sequence[Clause]) -> list[list[CueHit]]:
        """The hits of each clause, in order of their first part."""
        heads, tails = self._heads(text, grams), self._tails(text, grams)
        head_starts, tail_starts = [start for start, _ in heads], [start for start, _ in tails]
        groups = self._groups
        out: list[list[CueHit]] = []
        for clause in clauses:
            hits: list[CueHit] = []
            ended: dict[tuple[int, int], int] = {}  # a second part's place to where the first part that reached it ends
            for start, head in heads[bisect_left(head_starts, clause.start) : bisect_left(head_starts, clause.end)]:
                end, reached = start + len(head), 0
                for at, tail in tails[bisect_left(tail_starts, end) : bisect_left(tail_starts, min(end + REACH + 1, clause.end))]:
                    found = groups.get((head, tail))
                    close = at + len(tail)
                    if found is None or close > clause.end or close <= reached or end <= ended.get((at, close), 0):
                        continue
                    reached, ended[at, close] = close, end
                    hits.append(CueHit(start, close, head + GAP + tail, found))
            out.append(hits)
        return out


def gap_scanner() -> GapScanner:
    """The scanner of lexicons/gapped.tsv."""
    return GapScanner(grouped("gapped.tsv"))
