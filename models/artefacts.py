"""The trained model's files: a card and a manifest of checksums, verified before anything is loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from models.reliability import UNKNOWN, Reliability

CARD_FILE = "card.json"
MANIFEST_FILE = "manifest.json"


class ArtefactError(Exception):
    """The trained model cannot be loaded: the message names the file and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """The corrected notes a model was trained with beside the corpus: how many, how many were held out for comparing, and the hash of all."""

    trained: int
    held_out: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Card:
    """What a model is: made when, from which corpus, with which libraries, and how well it does."""

    version: str
    trained_at: str
    corpus_hash: str
    notes: dict[str, int]
    seed: int
    libraries: dict[str, str]
    metrics: dict[str, Any]
    reliability: Reliability = UNKNOWN
    corrections: Corrections | None = None
    code: str = ""
    """Hash of the code and word lists of models/ that it was trained for; a model reads features by their names, so other code may not fit."""


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@cache
def code_hash() -> str:
    """SHA-256 over the names and bytes of what makes a model's features: the modules and word lists of models/."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.py"), *folder.glob("lexicons/*")]):
        if file.is_file():
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def model_files(path: Path) -> list[Path]:
    """Every file of a trained model but the manifest, in a fixed order."""
    return sorted(f for f in path.rglob("*") if f.is_file() and f.name != MANIFEST_FILE)


def verify(path: Path) -> Card:
    """The card, once every file below `path` is the one the manifest names.

    Raises ArtefactError where the model is missing, or a file is missing, changed, or not in the manifest.
    """
    manifest_path = path / MANIFEST_FILE
    if not manifest_path.is_file():
        raise ArtefactError(f"no trained model in {path}: run `make train`")
    try:
        expected: dict[str, str] = dict(json.loads(manifest_path.read_text("utf-8")))
    except (ValueError, TypeError):
        raise ArtefactError(f"{manifest_path} is no manifest") from None
    present = {f.relative_to(path).as_posix(): f for f in model_files(path)}
    for name in sorted(expected.keys() | present.keys()):
        if name not in present:
            raise ArtefactError(f"model file {name} is missing from {path}: run `make train`")
        if name not in expected:
            raise ArtefactError(f"model file {name} is not in the manifest of {path}: refusing to load")
        if sha256(present[name]) != expected[name]:
            raise ArtefactError(f"model file {name} in {path} has changed since training (checksum differs): refusing to load")
    try:
        card = json.loads((path / CARD_FILE).read_text("utf-8"))
        told, corrections = card["reliability"], card.get("corrections")
        calibration = {field: (slope, shift) for field, (slope, shift) in told["calibration"].items()}
        reliability = Reliability(calibration, told["review"])
        return Card(**{**card, "reliability": reliability, "corrections": Corrections(**corrections) if corrections else None})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ArtefactError(f"{path / CARD_FILE} is no model card of this version") from None
