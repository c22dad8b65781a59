"""Normalising a note, with a map from every normalised character back to the sent text.

Finders read the normalised text; whatever they find is handed out with the offsets of the text as it was sent.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, count, pairwise, repeat

from models.lexicon import rows

_DROPPED_CATEGORIES = {"Cf", "Mn", "Me", "Cs", "Co", "Cn"}
"""Zero-width and direction marks, combining marks (emoji selectors), lone surrogates: no reader sees them."""


REPEATED = 5
_STRETCH = re.compile(r"[^\s,。;!?|…~]+")
_BETWEEN = " \n,。;!?|…~"
"""What stands between the stretches of a normalised text."""


@dataclass(frozen=True, slots=True)
class NormalizedText:
    """`text[i]` comes from `sent[origins[i]]`; origins never decrease. `sent_length` is the number of code points sent."""

    text: str
    origins: tuple[int, ...]
    sent_length: int

    def to_sent(self, start: int, end: int) -> tuple[int, int]:
        """The sent text's offsets of normalised `text[start:end]` (an empty stretch stays empty)."""
        if start >= end:
            at = self.origins[start] if start < len(self.origins) else self.sent_length
            return at, at
        return self.origins[start], self.origins[end - 1] + 1

    def from_sent(self, start: int, end: int) -> tuple[int, int]:
        """The normalised offsets of the sent text's `[start:end]`, without the characters that were dropped."""
        return bisect_left(self.origins, start), bisect_left(self.origins, end)


@lru_cache(maxsize=1)
def _characters() -> dict[int, str]:
    """Code point to its normalised form, for the tables in lexicons/."""
    table = {ord(a): b for a, b in rows("traditional.tsv")}
    table.update({ord(a): b for a, b in rows("dialect.tsv")})
    return table


def _one(character: str) -> str:
    """The normalised form of one code point: width folded, Traditional to Simplified, noise dropped, emoji a stop."""
    if character == "\n":
        return character
    if character in "\t\u00a0\u3000":
        return " "
    if "\u2460" <= character <= "\u24ff" or "\u2776" <= character <= "\u2793":
        return ","
    category = unicodedata.category(character)
    if category in _DROPPED_CATEGORIES:
        return ""
    if category == "Cc":
        return " "
    if category == "So" and ord(character) >= 0x2190 and not unicodedata.decomposition(character):
        return ","
    table = _characters()
    folded = (c for c in unicodedata.normalize("NFKC", character) if unicodedata.category(c) not in _DROPPED_CATEGORIES)
    return "".join(table.get(ord(c), c) for c in folded)


class _Forms(dict[str, str]):
    """Character to its normalised form, kept for the next note up to KEPT of them."""

    def __missing__(self, character: str) -> str:
        form = _one(character)
        if len(self) < KEPT:
            self[character] = form
        return form


KEPT = 8192
_FORMS = _Forms()


def without_repeats(text: str) -> str:
    """The text with every stretch between stops that stood before, word for word, blanked out: saying a thing twice says no more.

    Offsets stay; what is blanked at the end goes, so that a note whose last sentences are repeats reads like the note without them. Stretches shorter
    than REPEATED characters may well be said twice, and go only along with the repeated neighbour they stood beside before.
    """
    words = _STRETCH.findall(text)
    long = [word for word in words if len(word) >= REPEATED]
    if len(set(long)) == len(long):
        return text
    firsts: dict[str, int] = {}
    first_pairs: dict[tuple[str, str], int] = {}
    for i, word in enumerate(words):
        firsts.setdefault(word, i)
    for i, pair in enumerate(pairwise(words)):
        first_pairs.setdefault(pair, i)
    again = [len(word) >= REPEATED and firsts[word] < i for i, word in enumerate(words)]
    for i in range(1, len(words)):
        again[i] |= again[i - 1] and first_pairs[words[i - 1], words[i]] < i - 1
    for i in range(len(words) - 2, -1, -1):
        again[i] |= again[i + 1] and first_pairs[words[i], words[i + 1]] < i
    blanks = iter(again)
    read = _STRETCH.sub(lambda stretch: " " * len(stretch[0]) if next(blanks) else stretch[0], text)
    return read[: len(read.rstrip(_BETWEEN)) + 1].rstrip(" \n")


def normalize(sent: str) -> NormalizedText:
    """Normalise a note: full-width forms to ASCII, Traditional to Simplified (one character to one), Cantonese function
    characters to Mandarin, zero-width characters dropped, emoji and circled numbers to a comma, CR and CRLF to LF."""
    if sent.isascii() and "\r" not in sent and sent.isprintable():
        return NormalizedText(sent, tuple(range(len(sent))), len(sent))
    forms = list(map(_FORMS.__getitem__, sent))
    for i in (i for i, character in enumerate(sent) if character == "\r") if "\r" in sent else ():
        forms[i] = "" if sent[i + 1 : i + 2] == "\n" else "\n"
    text = "".join(forms)
    same = "" not in forms and len(text) == len(sent)
    origins = range(len(sent)) if same else chain.from_iterable(map(repeat, count(), map(len, forms)))
    return NormalizedText(text, tuple(origins), len(sent))
