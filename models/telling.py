"""Sentences with a sense phrase that tells something of the visit, and those with nothing but empty ones: by the lexicon alone, before any model of clauses."""

from __future__ import annotations

from collections.abc import Sequence

from spacy.tokens import Doc

from models.clauses import Clause
from models.context import Context

_EMPTY_SENSES = frozenset(
    ["small_talk", "trip", "empty_next", "general_remark", "interest_vague", "colleagues", "time_vague", "time_point", "says", "feels"]
)
"""Groups of lexicons/senses.tsv that tell nothing of a customer."""
_GENERAL = "general_remark"


def _telling(clauses: Sequence[Clause], contexts: Sequence[Context]) -> set[int]:
    """The sentences with a sense phrase that tells something."""
    return {
        clause.sentence
        for clause, context in zip(clauses, contexts, strict=True)
        if any(_EMPTY_SENSES.isdisjoint(hit.groups) for hit in context.senses)
    }


def general_remarks(doc: Doc) -> set[int]:
    """The sentences that tell nothing but a general self-remark (以后要加强学习), which is a point of its own and no more (labels.md, reflection)."""
    clauses, contexts = doc._.clauses, doc._.contexts
    general = {c.sentence for c, context in zip(clauses, contexts, strict=True) if any(_GENERAL in hit.groups for hit in context.senses)}
    return general - _telling(clauses, contexts) if general else general


def positions(clauses: Sequence[Clause], contexts: Sequence[Context]) -> list[str]:
    """Where each clause stands among those of sentences with a sense phrase that tells something: `0` alone, `a` first, `z` last, `0` to `2` for the thirds between;
    `e` in a sentence without any, which moves nobody's place."""
    telling = _telling(clauses, contexts)
    size = sum(clause.sentence in telling for clause in clauses)
    out: list[str] = []
    at = 0
    for clause in clauses:
        if clause.sentence not in telling:
            out.append("e")
            continue
        out.append("0" if size == 1 else "a" if at == 0 else "z" if at == size - 1 else str(3 * at // size))
        at += 1
    return out
