"""Which encoder reads which note, and that only the encoders of the manifest are read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.artefacts import ArtefactError
from models.encoder import WEIGHTS
from training.corpus import read_snippets, read_split
from training.encoding import HALVES, checked, half_of

FILES = [f"{name}.{kind}" for name in ("all", "without-0", "without-1") for kind in ("onnx", "npz")] + ["pieces.npz"]


def test_the_encoders_kept_with_the_code_are_those_of_their_manifest() -> None:
    checked(WEIGHTS, *FILES)


@pytest.mark.parametrize("fault", ["changed", "missing", "unnamed"])
def test_another_file_is_refused(tmp_path: Path, fault: str) -> None:
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    folder = tmp_path / "weights"
    if fault == "changed":
        (folder / "all.npz").write_bytes((folder / "all.npz").read_bytes() + b"\0")
    elif fault == "missing":
        (folder / "all.npz").unlink()
    else:
        manifest = json.loads((folder / "manifest.json").read_text())
        del manifest["files"]["all.npz"]
        (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArtefactError, match=r"all\.npz"):
        checked(folder, "all.npz")


def test_a_writers_notes_are_of_one_half_and_snippets_of_both() -> None:
    halves: dict[str, set[int]] = {}
    for note in read_split("train"):
        halves.setdefault(note["writer"], set()).add(half_of(note))
    assert all(len(own) == 1 for own in halves.values())
    sizes = [sum(own == {half} for own in halves.values()) for half in range(HALVES)]
    assert min(sizes) > 0.35 * len(halves)
    assert {half_of(snippet) for snippet in read_snippets()[:100]} == set(range(HALVES))
