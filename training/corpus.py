"""Reading the corpus: corpora/{train,dev,test}/WRITER.jsonl, one labelled note a line, in the form of labels.md."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
SPLITS = ("train", "dev", "test")
FINDINGS_ONLY = ("snippets", "stories")
"""Texts without kind, outcome, rubric or questions: training reads them, nothing is chosen or reported on them."""
LabelledNote = dict[str, Any]


def files(root: Path = CORPORA) -> list[Path]:
    """Every note file of the corpus, in a fixed order."""
    return [path for split in (*SPLITS, *FINDINGS_ONLY) for path in sorted((root / split).glob("*.jsonl"))]


def read_snippets(root: Path = CORPORA) -> list[LabelledNote]:
    """The snippets: short pieces labelled with findings only."""
    return read_split("snippets", root)


def read_stories(root: Path = CORPORA) -> list[LabelledNote]:
    """The stories: whole visits labelled with findings only, which the encoders alone are fitted on (training/encoder)."""
    return read_split("stories", root)


def read_split(split: str, root: Path = CORPORA) -> list[LabelledNote]:
    """The labelled notes of one split, by writer. Raises ValueError naming file and line where a line is not JSON."""
    notes: list[LabelledNote] = []
    for path in sorted((root / split).glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if not line.strip():
                continue
            try:
                notes.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: not JSON ({error})") from None
    return notes


def read_writers(root: Path = CORPORA) -> list[dict[str, Any]]:
    """The writers' briefs: writer, split, industries, brief."""
    return [json.loads(line) for line in (root / "writers.jsonl").read_text("utf-8").splitlines()]


def corpus_hash(root: Path = CORPORA) -> str:
    """SHA-256 over the names and bytes of all note files."""
    digest = hashlib.sha256()
    for path in files(root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
