"""Whether an objection is open or was resolved: told by what comes after it in the note (he nods, she signs, the money has come)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from spacy.tokens import Doc

from models.context import Context

LATER = ("0", "1", "2", "2")
"""How far behind the objection's clause a cue stands: in it, in the next one, in the two after that, later ("L")."""


def _bigrams(prefix: str, text: str) -> list[str]:
    return [prefix + text[k : k + 2] for k in range(len(text) - 1)]


def _told(context: Context, distance: str) -> list[str]:
    """The cues and senses of a clause so far behind the objection's."""
    behind = distance != "0"
    features: list[str] = []
    for hit in context.hits:
        mark = "!" if hit.start in context.negated else ""
        for group in hit.groups:
            features.append(distance + mark + group)
            if behind:
                features.append("A" + mark + group)
        if behind and ("resolved" in hit.groups or "signed" in hit.groups):
            features.append("Q" + hit.phrase)
    for hit in context.senses:
        for group in hit.groups:
            features.append("u" + distance + group)
            if behind:
                features.append("uA" + group)
    return features


def status_features(doc: Doc, places: Sequence[int]) -> list[list[str]]:
    """Features of the objection in each of these clauses: the cues and senses before it, in and behind it by distance, the words of the next clauses and of
    the last. Needs: clauses, context."""
    text, clauses, contexts = doc._.text, doc._.clauses, doc._.contexts
    far = min(places, default=len(clauses)) + len(LATER)
    later = [_told(context, "L") for context in contexts[far:]]  # the same for every objection that lies so far before
    out = []
    for at in places:
        features: list[str] = []
        for context, distance in zip(contexts[at:], LATER, strict=False):
            features += _told(context, distance)
        features += chain.from_iterable(later[at + len(LATER) - far :])
        for context in contexts[max(0, at - 2) : at]:
            features += ["B" + group for hit in context.hits for group in hit.groups]
            features += ["uB" + group for hit in context.senses for group in hit.groups]
        pieces = [text[c.start : c.end] for c in clauses[at : at + 3]]
        for prefix, piece in zip(("c", "+", "++"), pieces, strict=False):
            features += _bigrams(prefix, piece)
        if at + 1 < len(clauses):
            features += _bigrams("Z", text[clauses[-1].start : clauses[-1].end])
        features += ["w" + word for word in doc._.words[clauses[at].first : clauses[at].last]]
        features += [f"pos{4 * at // len(clauses)}", f"left{min(len(clauses) - 1 - at, 4)}"]
        out.append(features)
    return out
