"""Who is named: a character-level CRF tags people of the customer's side and competing firms or brands.

Characters, not words: a name jieba cuts wrong (东明的) is still found. Features are the characters around, jieba's word and tag at
each, and the title and surname lists, so that an unseen name is known by the company it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pycrfsuite
from spacy.language import Language
from spacy.tokens import Doc

from models.cues import CueScanner
from models.lexicon import grouped, rows
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


def _kind_of(c: str) -> str:
    if c.isdigit():
        return "9"
    if c.isascii():
        return "A" if c.isupper() else "a" if c.islower() else "."
    return "汉" if "\u4e00" <= c <= "\u9fff" else "."


class CharacterFeatures:
    """Doc -> a list of feature lists, one a character."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self._has_word = has_word
        surnames = rows("surnames.txt")
        self._surnames = frozenset(surnames[0][0]) | frozenset(surnames[1][0].split())
        self._given = frozenset(rows("given_names.txt")[0][0])
        titles: dict[str, tuple[str, ...]] = {f"t-{g}": w for g, w in grouped("titles.tsv").items()}
        self._titles = CueScanner(titles)
        self._cues = CueScanner({g: w for g, w in grouped("cues.tsv").items() if g in
                                 ("says", "met", "absent", "price_theirs", "price_ours", "incumbent", "compare", "colleague", "gap", "kp", "authority")})  # fmt: skip

    def __call__(self, doc: Doc) -> list[list[str]]:
        text = doc._.text
        n = len(text)
        word_of = [""] * n
        for start, word, tag in zip(doc._.starts, doc._.words, doc._.tags, strict=True):
            size = len(word)
            for k in range(size):
                at = start + k
                place = "S" if size == 1 else "B" if k == 0 else "E" if k == size - 1 else "M"
                word_of[at] = f"{place}{tag}"
        marks = [""] * n
        for hit in self._titles(text):
            for at in range(hit.start, hit.end):
                marks[at] = f"{hit.groups[0]}{'B' if at == hit.start else 'I'}"
        cues = [""] * (n + 1)
        for hit in self._cues(text):
            for at in range(hit.start, hit.end):
                cues[at] = hit.groups[0]
        padded = f"  {text}  "
        features: list[list[str]] = []
        surnames, has_word = self._surnames, self._has_word
        pairs = [has_word(text[i : i + 2]) for i in range(n - 1)] + [False, False]
        given = ["1" if c in self._given else "0" for c in padded]
        surname = ["1" if c in surnames else "0" for c in padded]
        for i, c in enumerate(text):
            p = i + 2
            after, before = padded[p + 1], padded[p - 1]
            features.append([
                "c" + c, "n" + after, "p" + before, "N" + padded[p + 1 : p + 3], "P" + padded[p - 2 : p],
                "x" + c + after, "y" + before + c, "w" + word_of[i], "v" + (word_of[i + 1] if i + 1 < n else ""),
                "m" + marks[i], "M" + (marks[i + 1] if i + 1 < n else "") + "/" + (marks[i + 2] if i + 2 < n else ""),
                "s" + surname[p] + _kind_of(c) + _kind_of(after) + _kind_of(before),
                "q" + cues[i] + "/" + (cues[i - 1] if i else "^"), "Q" + cues[min(i + 1, n)] + "/" + cues[min(i + 2, n)] + "/" + cues[min(i + 3, n)],
                f"d{pairs[i - 1] if i else ''}{pairs[i]}{pairs[i + 1]}",
                f"f{surname[p]}{given[p + 1]}{given[p + 2]}{pairs[i]}{pairs[i + 1]}", f"g{surname[p - 2]}{surname[p - 1]}{given[p]}{given[p + 1]}",
            ])  # fmt: skip
        return features


class NameTagger:
    """Writes doc._.names. Needs: the tokenizer's words and tags."""

    def __init__(self, has_word: Callable[[str], bool]) -> None:
        self.features = CharacterFeatures(has_word)
        self._tagger: pycrfsuite.Tagger | None = None
        self._model = b""

    def set_model(self, model: bytes) -> None:
        """Use a trained CRFsuite model (the content of its file)."""
        tagger = pycrfsuite.Tagger()
        tagger.open_inmemory(model)
        self._tagger, self._model = tagger, model

    def predict(self, doc: Doc) -> tuple[NameSpan, ...]:
        """The named people and competitors of a Doc over normalised text, in order."""
        tagger = self._tagger
        if tagger is None or not len(doc):
            return ()
        tagger.set(self.features(doc))
        labels = tagger.tag()
        spans: list[NameSpan] = []
        start = -1
        for i, label in enumerate([*labels, "O"]):
            if start >= 0 and (label[0] != "I" or label[1:] != labels[start][1:]):
                if labels[start][2:] != "CMP" or not _VISITED.search(doc._.text, max(0, start - 12), start):
                    marginals = [tagger.marginal(labels[k], k) for k in range(start, i)]
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
