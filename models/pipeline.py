"""The straight line of one note: text → segment → find → judge → score → ask → answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from models import (
    clause_heads,
    clauses,
    context,
    customer_class,
    judge,
    names,
    objections,
    people,
    prices,
    rivals,
    segmenter,
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
    "objections",
    "steps",
    "customer_class",
    "judge",
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
    objections,
    steps,
    customer_class,
    judge,
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
    """A loaded model: notes in, analyses out. Holds no state between notes."""

    def __init__(self, nlp: Language, card: Card) -> None:
        self.nlp = nlp
        self.card = card
        self._answer = Answerer(ModelVersion(card.version, card.trained_at), card.reliability)
        self._components = [component for _, component in nlp.pipeline]

    def analyze(self, note: Note, today: date, rubric: Rubric = STANDARD) -> Analysis:
        """The complete analysis of one note, scored and worded by `rubric`; `today` anchors relative dates where the note has no visited_at.

        Raises ValueError for a text without anything but white space and invisible characters.
        """
        normalized = normalize(note.text)
        if not normalized.text.strip():
            raise ValueError("text is blank")
        with self.nlp.memory_zone():  # what this note added to the vocabulary goes when the note goes
            return self._answer(note, normalized, self.read(without_repeats(normalized.text)), note.visited_at or today, rubric)

    def read(self, text: str) -> Doc:
        """The Doc of a normalised text with every component's findings."""
        doc = self.nlp.make_doc(text)
        for component in self._components:
            doc = component(doc)
        return doc


def load(path: Path = TRAINED) -> Analyzer:
    """The trained analyzer, after every file's checksum was found to agree with the manifest.

    Raises ArtefactError where a file is missing, changed or not in the manifest.
    """
    card = verify(path)
    register()
    return Analyzer(spacy.load(path / "nlp"), card)
