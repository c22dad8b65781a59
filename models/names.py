"""Who is named: a character-level CRF tags people of the customer's side and competing firms or brands.

Characters, not words: a name jieba cuts wrong (东明的) is still found. Features are the characters around, jieba's word and tag at
each, and the title and surname lists, so that an unseen name is known by the company it keeps (name_features.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from models.crf import OUTSIDE, Crf
from models.name_features import FAMILIES, CharacterFeatures
from models.segmenter import SalesTokenizer

LABELS = ("PER", "CMP")
PERSON_LABELS = frozenset(["B-PER", "I-PER"])
MODEL_FILE = "names.crf"


@dataclass(frozen=True, slots=True)
class NameSpan:
    """`text[start:end]` of the normalised note with its label, PER or CMP, and the CRF's mean marginal over its characters."""

    start: int
    end: int
    label: str
    probability: float


RIVAL_START = 0.02
"""A place where a competitor's name begins with at least this probability begins a candidate; rivals.py decides."""
PERSON_START = 0.05
"""The same of a person's name off the most probable path; people.py decides."""
WITHIN = 0.3
"""A candidate goes on while the next character is inside a name with at least this share of the beginning's probability."""
_QUOTED = re.compile(r"""[「『“‘"《【]([^「」『』“”‘’"《》【】,，。;；!！?？\n]{2,8})[」』”’"》】]""")
_QUOTES = '「」『』“”‘’"《》【】'


def in_quotes(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole of what stands in quotes where text[start:end] is half of it or more, else the same without quotes at its ends."""
    for quoted in _QUOTED.finditer(text, max(0, start - 9), end + 9):
        first, stop = quoted.span(1)
        if 2 * (min(end, stop) - max(start, first)) >= stop - first:
            return first, stop
    while start < end - 1 and text[start] in _QUOTES:
        start += 1
    while start < end - 1 and text[end - 1] in _QUOTES:
        end -= 1
    return start, end


class NameTagger:
    """Writes doc._.names (persons), doc._.doubtful_people and doc._.rival_candidates. Needs: the tokenizer's words and tags."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self.features = CharacterFeatures(has_word)
        self._crf: Crf | None = None
        self._model = b""

    def set_model(self, model: bytes) -> None:
        """Use a trained CRFsuite model (the content of its file)."""
        self._crf, self._model = Crf(model, FAMILIES), model

    def predict(self, doc: Doc) -> tuple[tuple[NameSpan, ...], tuple[NameSpan, ...], tuple[NameSpan, ...]]:
        """(the named people, who else may be one, where competitors may be named) of a Doc over normalised text, in order."""
        crf = self._crf
        if crf is None or not len(doc):
            return (), (), ()
        labels = crf.tag(*self.features(doc), len(doc._.text))
        named = [label != OUTSIDE for label in labels]
        persons = [label in PERSON_LABELS for label in labels]
        rivals: list[NameSpan] = []
        for span in _stretches(crf, "CMP", RIVAL_START, persons):
            start, end = in_quotes(doc._.text, span.start, span.end)
            whole = span if any(persons[start:end]) else replace(span, start=start, end=end)
            if not rivals or rivals[-1].end <= whole.start:
                rivals.append(whole)
        return _people(crf, labels), _stretches(crf, "PER", PERSON_START, named), tuple(rivals)

    def __call__(self, doc: Doc) -> Doc:
        doc._.names, doc._.doubtful_people, doc._.rival_candidates = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        if not self._model:
            raise ValueError("no trained model to write; a loaded one keeps its weights in another form")
        (Path(path) / MODEL_FILE).write_bytes(self._model)

    def from_disk(self, path: str | Path, **_: Any) -> NameTagger:
        self.set_model((Path(path) / MODEL_FILE).read_bytes())
        self._model = b""
        return self


def _people(crf: Crf, labels: Sequence[str]) -> tuple[NameSpan, ...]:
    """The persons on the most probable path."""
    starts = [i for i, label in enumerate(labels) if label == "B-PER"]
    if not starts:
        return ()
    beginning, within = crf.marginals("B-PER").tolist(), crf.marginals("I-PER").tolist()
    spans: list[NameSpan] = []
    for start in starts:
        end = start + 1
        while end < len(labels) and labels[end] == "I-PER":
            end += 1
        spans.append(NameSpan(start, end, "PER", (beginning[start] + sum(within[start + 1 : end])) / (end - start)))
    return tuple(spans)


def _stretches(crf: Crf, kind: str, least: float, blocked: Sequence[bool]) -> tuple[NameSpan, ...]:
    """Stretches that begin a name of a kind with a probability of `least` or more, on the most probable path or not, without a blocked character."""
    beginning = crf.marginals("B-" + kind)
    starts = np.flatnonzero(beginning >= least).tolist()
    if not starts:
        return ()
    within = crf.marginals("I-" + kind).tolist()
    spans: list[NameSpan] = []
    end = 0
    for start in starts:
        if start < end or blocked[start]:
            continue
        begins, end = float(beginning[start]), start + 1
        while end < len(blocked) and not blocked[end] and within[end] >= WITHIN * begins:
            end += 1
        spans.append(NameSpan(start, end, kind, begins))
    return tuple(spans)


@Language.factory("names", assigns=["doc._.names", "doc._.doubtful_people", "doc._.rival_candidates"])
def create_names(nlp: Language, name: str) -> NameTagger:
    tokenizer = nlp.tokenizer
    assert isinstance(tokenizer, SalesTokenizer)
    return NameTagger(tokenizer.has_word)
