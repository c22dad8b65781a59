"""Names that the encoder's tags alone see: further candidates for persons and competitors, beside those of the tagger, the rules and the lexicons."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.tokens import Doc

from models.candidates import Candidate, CandidateFinder, same_person, trimmed
from models.encoder import TAGS
from models.names import NameSpan, in_quotes

RIVAL, PERSON = 0.2, 0.3
"""How sure the tags must be of a name's first piece where nothing else saw one."""
_WITHIN = 0.5
"""How sure of each piece behind it."""
_NAME = re.compile(r"[\u4e00-\u9fff]{2,5}|[A-Z][A-Za-z]+")
"""What a name of a person looks like: no lone character, no figures."""


def _stretches(doc: Doc, tags: NDArray[np.float32], label: str, sure: float) -> Iterator[tuple[int, int, float]]:
    """[start, end) in the text of each name with that label, and how sure its first piece is. `tags`: probabilities [pieces, TAGS]."""
    first, within = (tags[:, TAGS.index(f"{place}-{label}")] for place in "BI")
    pieces, end = doc._.pieces, 0
    for piece in np.flatnonzero(first >= sure).tolist():
        if piece < end:
            continue
        end = piece + 1
        while end < len(within) and within[end] >= _WITHIN:
            end += 1
        yield int(pieces.starts[piece]), int(pieces.ends[end - 1]), float(first[piece])


def _free(start: int, end: int, taken: Sequence[tuple[int, int]]) -> bool:
    return all(end <= other or stop <= start for other, stop in taken)


def tagged_rivals(doc: Doc, tags: NDArray[np.float32]) -> list[NameSpan]:
    """Names taken for a competitor's that are neither a name nor a candidate yet."""
    taken = [(own.start, own.end) for own in (*doc._.names, *doc._.rival_candidates)]
    found = [(*in_quotes(doc._.text, start, end), sure) for start, end, sure in _stretches(doc, tags, "CMP", RIVAL)]
    return [NameSpan(start, end, "CMP", sure) for start, end, sure in found if _free(start, end, taken)]


def tagged_persons(doc: Doc, tags: NDArray[np.float32], finder: CandidateFinder) -> list[Candidate]:
    """Persons who are no candidate yet, nor another form of one."""
    found = doc._
    taken = [place for c in found.candidates for place in c.places] + [(own.start, own.end) for own in found.names if own.label == "CMP"]
    spans = []
    for first, end, _ in _stretches(doc, tags, "PER", PERSON):
        named = found.text[first:end]
        bare = named.strip()[trimmed(named.strip()) :]
        start = first + named.index(bare)
        stop = start + len(bare)
        if _NAME.fullmatch(bare) and _free(start, stop, taken) and not any(same_person(bare, c.mention) for c in found.candidates):
            spans.append((start, stop, 0.0))
    return finder.gathered(doc, spans)
