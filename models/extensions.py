"""The Doc extensions of the pipeline: what each component writes, in one place.

text, words, tags and starts (character offsets of the words) are the tokenizer's, kept as plain Python values: spaCy makes a Token for each look.
So are grams (every two neighbouring characters): several components read them, and a string that is made once is hashed once.
"""

from __future__ import annotations

from typing import Any

from spacy.tokens import Doc

EXTENSIONS: dict[str, Any] = {
    "text": "",
    "words": (),
    "tags": (),
    "starts": (),
    "grams": (),
    "clauses": (),
    "names": (),
    "rival_candidates": (),
    "cues": (),
    "times": (),
    "amounts": (),
    "contexts": (),
    "people": (),
    "prices": (),
    "clause_probabilities": None,
    "objections": (),
    "next_step": None,
    "funds_date": None,
    "customer_class": None,
    "judgement": None,
}


def register() -> None:
    """Declare the extensions on spaCy's Doc (again and again does no harm)."""
    for name, default in EXTENSIONS.items():
        if not Doc.has_extension(name):
            Doc.set_extension(name, default=default)
