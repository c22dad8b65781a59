"""The words and senses around a stretch of the note: in its own clause, before and after it, and in the clauses beside."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from spacy.tokens import Doc


def word_features(doc: Doc, at: int, start: int, end: int, mark: Callable[[int], str] = lambda _: "") -> list[str]:
    """Named features of the words around `[start, end)`, which stands in clause `at`.

    Bw, Aw: a word of the clause before or after it; B1, A1, B2, A2: the nearest one and two; Nw, Vw: a word of the next clause and of the one before
    in its sentence, behind the `mark` that the caller gives the next clause. A word that the stretch cuts counts on neither side.
    """
    words, starts, clauses = doc._.words, doc._.starts, doc._.clauses
    clause = clauses[at]
    before = words[clause.first : bisect_left(starts, start, clause.first, clause.last)]
    after = words[bisect_left(starts, end, clause.first, clause.last) : clause.last]
    features = [*map("Bw=".__add__, before), *map("Aw=".__add__, after)]
    if before:
        features += ("B1=" + before[-1], "B2=" + "|".join(before[-2:]))
    if after:
        features += ("A1=" + after[0], "A2=" + "|".join(after[:2]))
    if at + 1 < len(clauses) and clauses[at + 1].sentence == clause.sentence:
        following = clauses[at + 1]
        features += map(f"N{mark(at + 1)}w=".__add__, words[following.first : following.last])
    if at and clauses[at - 1].sentence == clause.sentence:
        preceding = clauses[at - 1]
        features += map("Vw=".__add__, words[preceding.first : preceding.last])
    return features


def sense_features(doc: Doc, at: int, start: int, end: int) -> list[str]:
    """Named features of the sense phrases around `[start, end)`, which stands in clause `at`.

    u<, u>, u=: a sense of its clause before, behind and in it; uN, uV: one of the next clause and of the one before in its sentence.
    """
    clauses, contexts = doc._.clauses, doc._.contexts
    features: list[str] = []
    for hit in contexts[at].senses:
        side = "u<" if hit.end <= start else "u>" if hit.start >= end else "u="
        features += map(side.__add__, hit.groups)
    for prefix, i in (("uN", at + 1), ("uV", at - 1)):
        if 0 <= i < len(clauses) and clauses[i].sentence == clauses[at].sentence:
            features += [prefix + group for hit in contexts[i].senses for group in hit.groups]
    return features
