"""The straight line of one note: text → segment → find → judge → score → ask → answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from threadpoolctl import threadpool_limits

from models import (
    clause_heads,
    clauses,
    content,
    context,
    customer_class,
    decisions,
    encoder,
    gaps,
    judge,
    kp,
    names,
    objections,
    people,
    prices,
    rivals,
    second_look,
    segmenter,
    span_heads,
    spangroups,
    steps,
)
from models.analysis import Analysis, ModelVersion, Note
from models.answer import Answerer
from models.artefacts import Card, verify
from models.extensions import register
from models.rubric import STANDARD, Rubric
from models.text import normalize, without_repeats

COMPONENTS = [
    "clauses",
    "names",
    "context",
    "rivals",
    "people",
    "prices",
    "clause_heads",
    "content",
    "encoder",
    "span_heads",
    "second_look",
    "kp",
    "gaps",
    "objections",
    "steps",
    "customer_class",
    "judge",
    "decisions",
    "spangroups",
]
_DECLARING = (
    segmenter,
    clauses,
    names,
    context,
    rivals,
    people,
    prices,
    clause_heads,
    content,
    encoder,
    span_heads,
    second_look,
    kp,
    gaps,
    objections,
    steps,
    customer_class,
    judge,
    decisions,
    spangroups,
)
"""The modules whose import declares the factories above; named so that a reader (and the linter) sees why they are imported."""
TRAINED = Path(__file__).parent / "trained"


def build_nlp() -> Language:
    """The pipeline with untrained components."""
    register()
    nlp = spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "fupan.SalesTokenizer.v1"}}})
    for name in COMPONENTS:
        nlp.add_pipe(name)
    return nlp


class Analyzer:
    """A loaded model: notes in, analyses out. Keeps nothing of a note for the next, but its components hold the one they read: one thread at a time."""

    def __init__(self, nlp: Language, card: Card) -> None:
        self.nlp = nlp
        assert isinstance(nlp.tokenizer, segmenter.SalesTokenizer)
        self._tokenizer = nlp.tokenizer
        self.card = card
        self._answer = Answerer(ModelVersion(card.version, card.trained_at), card.reliability)
        self._components = [component for name, component in nlp.pipeline if name != "spangroups"]

    def analyze(self, note: Note, today: date, rubric: Rubric = STANDARD) -> Analysis:
        """The complete analysis of one note, scored and worded by `rubric`; `today` anchors relative dates where the note has no visited_at.

        Raises ValueError for a text without anything but white space and invisible characters.
        """
        return self.analyze_all([note], today, rubric)[0]

    def analyze_all(self, notes: Sequence[Note], today: date, rubric: Rubric = STANDARD) -> list[Analysis]:
        """The analyses of some notes, in their order, in less time than one after the other. A hundred notes take some megabytes.

        Raises ValueError where a text has nothing but white space and invisible characters.
        """
        if not notes:
            return []
        normalized = [normalize(note.text) for note in notes]
        if not all(n.text.strip() for n in normalized):
            raise ValueError("text is blank")
        docs = self._read([without_repeats(n.text) for n in normalized])
        return [self._answer(note, n, doc, note.visited_at or today, rubric) for note, n, doc in zip(notes, normalized, docs, strict=True)]

    def read(self, text: str) -> Doc:
        """A normalised text with every component's findings at `_`: a Reading, which lacks the rest of a Doc. `nlp(text)` gives a spaCy Doc."""
        return self._read([text])[0]

    def _read(self, texts: Sequence[str]) -> list[Doc]:
        docs: Any = [self._tokenizer.read(text) for text in texts]
        for component in self._components:
            if hasattr(component, "write"):
                component.write(docs)
            else:
                for doc in docs:
                    component(doc)
        return docs  # type: ignore[no-any-return]


def load(path: Path = TRAINED) -> Analyzer:
    """The trained analyzer, after every file's checksum was found to agree with the manifest.

    Raises ArtefactError where a file is missing, changed or not in the manifest.
    """
    card = verify(path)
    register()
    threadpool_limits(1, "blas")  # a note's products are small: handing them to other threads takes longer than they do
    return Analyzer(spacy.load(path / "nlp"), card)
