"""The encoder's word on notes that it was not trained on, for the models that are fitted on it.

`make encoder` (training/encoder) fits one encoder on all of train and two on half of it each; a note is read here by the one that has not seen it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spacy.tokens import Doc

from models.artefacts import ArtefactError, sha256
from models.encoder import WEIGHTS, Encoder, Weights, read_weights
from training.corpus import LabelledNote
from training.finders import Item
from training.fit import WORKERS

HALVES = 2
_BATCH = 512


def half_of(note: LabelledNote) -> int:
    """Which half of train a note belongs to: all notes of a writer to one, snippets each by itself. It never changes as the corpus grows."""
    by = note["writer"] if "kind" in note else note["id"]
    return int(hashlib.sha1(by.encode(), usedforsecurity=False).hexdigest(), 16) % HALVES


def checked(folder: Path, *files: str) -> None:
    """Raises ArtefactError where a file of a folder of encoders is missing or is not the one its manifest names."""
    expected = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]
    for file in files:
        if not (folder / file).is_file() or sha256(folder / file) != expected.get(file):
            raise ArtefactError(f"{folder / file} is not the file that the manifest beside it names: `make encoder` builds both")


def _weights(name: str) -> Weights:
    checked(WEIGHTS, f"{name}.onnx", f"{name}.npz")
    return read_weights(WEIGHTS, name)


def read_encoded(encoder: Encoder, span_heads: Callable[[Doc], Doc], items: Sequence[Item]) -> None:
    """Weigh with the linear finders' word on every item that of the encoder that has not seen it; the one of all is in use afterwards."""
    checked(WEIGHTS, "pieces.npz")
    encoder.set_pieces((WEIGHTS / "pieces.npz").read_bytes())
    with ThreadPoolExecutor(WORKERS) as pool:
        for half in range(HALVES):
            encoder.use(_weights(f"without-{half}"))
            docs = [item.doc for item in items if half_of(item.note) == half]
            for first in range(0, len(docs), _BATCH):
                encoder.write(docs[first : first + _BATCH], pool)
                for doc in docs[first : first + _BATCH]:
                    span_heads(doc)
    encoder.use(_weights("all"))
