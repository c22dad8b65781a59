"""The Doc extensions of the pipeline: what each component writes, in one place.

text, words, tags and starts (character offsets of the words) are the tokenizer's, kept as plain Python values: spaCy makes a Token for each look.
So are grams (every two neighbouring characters): several components read them, and a string that is made once is hashed once.

A component reads and writes these at `doc._`, of a spaCy Doc or of a Reading alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spacy.tokens import Doc

EXTENSIONS: dict[str, Any] = {
    "text": "",
    "words": (),
    "tags": (),
    "starts": (),
    "grams": (),
    "clauses": (),
    "names": (),
    "doubtful_people": (),
    "pieces": None,
    "hidden": None,
    "rival_candidates": (),
    "rival_table": None,
    "cues": (),
    "times": (),
    "amounts": (),
    "contexts": (),
    "candidates": (),
    "person_table": None,
    "people": (),
    "price_table": None,
    "prices": (),
    "slots": None,
    "kp_status": None,
    "clause_probabilities": None,
    "clause_resolved": None,
    "apart": None,
    "content": (),
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


class Findings:
    """The extensions as plain attributes."""

    __slots__ = tuple(EXTENSIONS)

    def __init__(self) -> None:
        for name, default in EXTENSIONS.items():
            setattr(self, name, default)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Reading:
    """What the components need of a Doc: `_` and a number of words. A spaCy Doc with its vocabulary takes as long as jieba's cut of the note,
    each look at its `_` a thousand times a list's."""

    __slots__ = ("_",)

    def __init__(self) -> None:
        self._ = Findings()

    def __len__(self) -> int:
        return len(self._.words)
