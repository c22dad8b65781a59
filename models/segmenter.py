"""jieba's dictionary with our own sales words, as the tokenizer of a spaCy pipeline.

rjieba gives jieba's cut many times faster (docs/adr/0002); each tokenizer owns its instance, so nothing is shared or global.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from operator import add
from pathlib import Path
from typing import Any

import rjieba
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab

from models.extensions import Reading
from models.lexicon import grouped, rows

WRITTEN = ("text", "words", "tags", "starts", "grams")
TITLE_FREQUENCY = 3000
"""Enough to win against a cut into single characters, not against an everyday word."""


class SalesTokenizer:
    """text -> Doc, one token a jieba word. The words of the Doc concatenate to the text, white space included; jieba's tags are in doc._.tags."""

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab
        # like_url, is_stop and twenty more of every word, which no component reads, take half a millisecond a note
        vocab.lex_attr_getters = {}  # type: ignore[attr-defined]
        self._jieba = rjieba.Jieba()
        for word, frequency, tag in rows("dictionary.tsv"):
            self._jieba.add_word(word, int(frequency), tag)
        for titles in grouped("titles.tsv").values():
            for title in titles:
                if len(title) > 2 and not self._jieba.has_word(title):
                    self._jieba.add_word(title, TITLE_FREQUENCY, "n")
        self.has_word: Callable[[str], bool] = self._jieba.has_word
        """Whether a word stands in jieba's dictionary or ours."""

    def __call__(self, text: str) -> Doc:
        found = self.read(text)._
        doc = Doc(self.vocab, words=found.words, spaces=[False] * len(found.words))
        for name in WRITTEN:
            setattr(doc._, name, getattr(found, name))
        return doc

    def read(self, text: str) -> Reading:
        """The same findings without spaCy's tokens."""
        reading = Reading()
        found = reading._
        found.text = text
        found.words, found.tags = map(list, zip(*self._jieba.tag(text), strict=True)) if text else ([], [])
        found.starts = [0, *accumulate(map(len, found.words))][:-1]
        found.grams = list(map(add, text, text[1:]))
        return reading

    def to_bytes(self, **_: Any) -> bytes:
        """The dictionary is a data file of this package, so there is no state to save."""
        return b""

    def from_bytes(self, _: bytes, **__: Any) -> SalesTokenizer:
        return self

    def to_disk(self, path: str | Path, **_: Any) -> None:
        """Nothing to write; see to_bytes."""

    def from_disk(self, path: str | Path, **_: Any) -> SalesTokenizer:
        return self


@registry.tokenizers("fupan.SalesTokenizer.v1")  # type: ignore[untyped-decorator]
def create_tokenizer() -> Callable[[Language], SalesTokenizer]:
    def make(nlp: Language) -> SalesTokenizer:
        return SalesTokenizer(nlp.vocab)

    return make
