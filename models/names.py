"""Who is named: a character-level CRF tags people of the customer's side and competing firms or brands.

Characters, not words: a name jieba cuts wrong (东明的) is still found. Features are the characters around, jieba's word and tag at
each, and the title and surname lists, so that an unseen name is known by the company it keeps (name_features.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc

from models.crf import Crf
from models.name_features import FAMILIES, CharacterFeatures
from models.segmenter import SalesTokenizer

LABELS = ("PER", "CMP")
MODEL_FILE = "names.crf"


@dataclass(frozen=True, slots=True)
class NameSpan:
    """`text[start:end]` of the normalised note with its label, PER or CMP, and the CRF's mean marginal over its characters."""

    start: int
    end: int
    label: str
    probability: float


_VISITED = re.compile(
    r"(?:^|[,。;!\n|】:])[^,。;!\n|]{0,4}(?:去了?|到了?|拜访|走访|回访|店访|客户名?称?[::】]|单位[::】]|公司[::】]|打给|电话|约了?)[^,。;!\n|用拿比报签换选被买进试]{0,6}$"
)
"""What goes before the firm that was visited: it is the customer, never a competitor."""


class NameTagger:
    """Writes doc._.names. Needs: the tokenizer's words and tags."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self.features = CharacterFeatures(has_word)
        self._crf: Crf | None = None
        self._model = b""

    def set_model(self, model: bytes) -> None:
        """Use a trained CRFsuite model (the content of its file)."""
        self._crf, self._model = Crf(model, FAMILIES), model

    def predict(self, doc: Doc) -> tuple[NameSpan, ...]:
        """The named people and competitors of a Doc over normalised text, in order."""
        crf = self._crf
        if crf is None or not len(doc):
            return ()
        text = doc._.text
        labels = crf.tag(*self.features(doc), len(text))
        spans: list[NameSpan] = []
        start = -1
        for i, label in enumerate([*labels, "O"]):
            if start >= 0 and (label[0] != "I" or label[1:] != labels[start][1:]):
                if labels[start][2:] != "CMP" or not _VISITED.search(text, max(0, start - 12), start):
                    marginals = [crf.marginal(labels[k], k) for k in range(start, i)]
                    spans.append(NameSpan(start, i, labels[start][2:], sum(marginals) / len(marginals)))
                start = -1
            if label[0] == "B":
                start = i
        return tuple(spans)

    def __call__(self, doc: Doc) -> Doc:
        doc._.names = self.predict(doc)
        return doc

    def to_disk(self, path: str | Path, **_: Any) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        (Path(path) / MODEL_FILE).write_bytes(self._model)

    def from_disk(self, path: str | Path, **_: Any) -> NameTagger:
        self.set_model((Path(path) / MODEL_FILE).read_bytes())
        return self


@Language.factory("names", assigns=["doc._.names"])
def create_names(nlp: Language, name: str) -> NameTagger:
    tokenizer = nlp.tokenizer
    assert isinstance(tokenizer, SalesTokenizer)
    return NameTagger(tokenizer.has_word)
