"""Corrected notes of customers, as `python -m service corrections export` writes them: read, checked, and a fixed share held out.

They are the customer's data: no message here repeats a word of them, and they never go into corpora/.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models import artefacts
from training.corpus import SPLITS, LabelledNote, read_split
from training.labels import faults

HELD_OUT_PERCENT = 20
_COMPLETE = (
    "id", "writer", "text", "kind", "outcome", "people", "kp_status", "objections", "price", "competitors", "customer_class", "next_step",
    "funds_date", "rubric", "must_ask",
)  # fmt: skip
"""What a note must have, if only as null or empty: what a trainer left out is not the same as what a trainer found absent."""
_PRICE = ("ours", "competitor", "customer", "gaps")


class CorrectionsError(Exception):
    """Corrections that cannot be trained on; `faults` has a line for each fault, by file and line of the file."""

    def __init__(self, found: Sequence[str]) -> None:
        super().__init__(f"{len(found)} faults in the corrections")
        self.faults = tuple(found)


@dataclass(frozen=True, slots=True)
class Corrections:
    """Complete labelled notes. `trained` are for training; `held_out` no model ever sees before it is compared on them."""

    trained: list[LabelledNote]
    held_out: list[LabelledNote]
    sha256: str

    @property
    def told(self) -> artefacts.Corrections:
        """What a model's card says of them."""
        return artefacts.Corrections(len(self.trained), len(self.held_out), self.sha256)


def is_held_out(note_id: str) -> bool:
    """Whether a note is kept for comparing. Its id decides, so that it stays so in every later training and export."""
    return int.from_bytes(hashlib.sha256(note_id.encode("utf-8", "surrogatepass")).digest()[:8]) % 100 < HELD_OUT_PERCENT


def read_corrections(paths: Sequence[Path]) -> Corrections:
    """The notes of the files. Raises CorrectionsError with every fault of every file; nothing is taken then."""
    corpus = [n for split in SPLITS for n in read_split(split)]
    ids, texts = {n["id"] for n in corpus}, {n["text"] for n in corpus}
    notes: list[LabelledNote] = []
    found: list[str] = []
    for path in paths:
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            found.append(f"{path}: {error.strerror}")
            continue
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            note = _parsed(line)
            wrong = ["not a JSON object in UTF-8"] if note is None else list(note_faults(note, ids, texts))
            found += [f"{path}:{number}: {fault}" for fault in wrong]
            if note is not None and not wrong:
                notes.append(note)
                ids.add(note["id"])
    if found:
        raise CorrectionsError(found)
    notes.sort(key=lambda n: str(n["id"]))  # the same notes make the same model, in whatever order they come
    digest = hashlib.sha256()
    for note in notes:
        digest.update(json.dumps(note, ensure_ascii=True, sort_keys=True).encode() + b"\n")
    first_of: dict[str, str] = {}
    for note in notes:
        first_of.setdefault(note["text"], note["id"])
    kept = [is_held_out(first_of[n["text"]]) for n in notes]  # reps write the same short note again: its copies stay together
    return Corrections(
        [n for n, k in zip(notes, kept, strict=True) if not k], [n for n, k in zip(notes, kept, strict=True) if k], digest.hexdigest()
    )


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def note_faults(note: dict[str, Any], ids: set[str], texts: set[str]) -> Iterator[str]:
    """What is wrong with one corrected note, without its words. `ids` are those of the corpus and of the notes before, `texts` the corpus's."""
    absent = [name for name in _COMPLETE if name not in note]
    if absent:
        yield f"incomplete: {', '.join(absent)}"
        return
    if not all(isinstance(note[name], str) and note[name] for name in ("id", "writer", "text")):
        yield "id, writer and text must be text"
        return
    if note["id"] in ids:
        yield "its id stands in the corpus or before"
    if note["text"] in texts:
        yield "its text stands in the corpus"  # it might be trained on and tested on
    try:
        if any(name not in note["price"] for name in _PRICE):
            yield "price is incomplete"
        yield from (fault.unquoted for fault in faults(note))
    except (AttributeError, KeyError, TypeError, ValueError):  # a list where a text should stand and the like
        yield "labels are not of the form of the corpus (corpora/README.md)"
