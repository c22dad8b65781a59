"""Whether an objection is open or was resolved: told by what comes after it in the note (he nods, she signs, the money has come)."""

from __future__ import annotations

from collections.abc import Sequence

from spacy.tokens import Doc

from models.context import Context

LATER = ("0", "1", "2", "2")
"""How far behind the objection's clause a cue stands: in it, in the next one, in the two after that, later ("L")."""


def _bigrams(prefix: str, text: str) -> list[str]:
    return [prefix + text[k : k + 2] for k in range(len(text) - 1)]


def _senses(contexts: Sequence[Context], at: int) -> list[str]:
    """The senses of the two clauses before, and from the objection's clause on by distance."""
    features = ["uB" + group for context in contexts[max(0, at - 2) : at] for hit in context.senses for group in hit.groups]
    for behind, context in enumerate(contexts[at:]):
        distance = LATER[behind] if behind < len(LATER) else "L"
        for hit in context.senses:
            for group in hit.groups:
                features.append(f"u{distance}{group}")
                if behind:
                    features.append("uA" + group)
    return features


def status_features(doc: Doc, at: int) -> list[str]:
    """Features of the objection in clause `at`: the cues in and behind it by distance, the words of the next clauses and of the last. Needs: clauses, context."""
    text, clauses, contexts = doc._.text, doc._.clauses, doc._.contexts
    features: list[str] = []
    for j in range(at, len(clauses)):
        distance = LATER[j - at] if j - at < len(LATER) else "L"
        for hit in contexts[j].hits:
            mark = "!" if hit.start in contexts[j].negated else ""
            for group in hit.groups:
                features.append(distance + mark + group)
                if j > at:
                    features.append("A" + mark + group)
            if j > at and ("resolved" in hit.groups or "signed" in hit.groups):
                features.append("Q" + hit.phrase)
    for j in range(max(0, at - 2), at):
        features += ["B" + group for hit in contexts[j].hits for group in hit.groups]
    features += _senses(contexts, at)
    pieces = [text[c.start : c.end] for c in clauses[at : at + 3]]
    for prefix, piece in zip(("c", "+", "++"), pieces, strict=False):
        features += _bigrams(prefix, piece)
    if at + 1 < len(clauses):
        features += _bigrams("Z", text[clauses[-1].start : clauses[-1].end])
    features += ["w" + word for word in doc._.words[clauses[at].first : clauses[at].last]]
    features += [f"pos{4 * at // len(clauses)}", f"left{min(len(clauses) - 1 - at, 4)}"]
    return features
