from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from models.analysis import Note
from models.artefacts import MANIFEST_FILE, ArtefactError, verify
from models.pipeline import TRAINED, Analyzer, load
from tests.conftest import TODAY
from training.corpus import corpus_hash


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(TRAINED, tmp_path / "trained")
    return tmp_path / "trained"


def test_the_card_says_what_the_model_was_made_of() -> None:
    card = verify(TRAINED)
    assert card.corpus_hash == corpus_hash()
    assert {"scikit-learn", "spacy", "rjieba", "joblib"} <= card.libraries.keys()
    assert {"dev", "test"} <= card.metrics.keys()
    assert card.notes["train"] >= 300


def test_a_whole_model_loads_and_predicts_as_the_first(copy: Path, analyzer: Analyzer) -> None:
    note = Note("李经理嫌贵，要问老板")
    assert load(copy).analyze(note, TODAY) == analyzer.analyze(note, TODAY)


def test_one_changed_byte_refuses_to_load(copy: Path) -> None:
    victim = next(copy.rglob("judge.joblib"))
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 2] ^= 1
    victim.write_bytes(raw)
    with pytest.raises(ArtefactError, match=r"judge\.joblib.*changed"):
        load(copy)


def test_a_missing_file_refuses_to_load(copy: Path) -> None:
    next(copy.rglob("names.crf")).unlink()
    with pytest.raises(ArtefactError, match=r"names\.crf is missing"):
        load(copy)


def test_a_file_the_manifest_does_not_name_refuses_to_load(copy: Path) -> None:
    (copy / "nlp" / "extra.joblib").write_bytes(b"x")
    with pytest.raises(ArtefactError, match="not in the manifest"):
        load(copy)


def test_no_model_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="make train"):
        load(tmp_path)


def test_the_manifest_names_every_file() -> None:
    manifest = json.loads((TRAINED / MANIFEST_FILE).read_text())
    files = {f.relative_to(TRAINED).as_posix() for f in TRAINED.rglob("*") if f.is_file()} - {MANIFEST_FILE}
    assert set(manifest) == files
