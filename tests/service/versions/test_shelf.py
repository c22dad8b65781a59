"""The models of a machine: what is whole, what is refused and why, and adding one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from models.artefacts import MANIFEST_FILE, ArtefactError, verify
from models.pipeline import TRAINED
from service.versions.shelf import Shelf
from tests.service.versions.shelving import make_model, seal


def changed(folder: Path) -> None:
    file = folder / "nlp" / "names" / "names.crf"
    file.write_bytes(file.read_bytes()[:-1] + b"x")


def not_this_card(folder: Path) -> None:
    (folder / "card.json").write_text('{"version": "v1"}')
    seal(folder)


FAULTS: list[tuple[Callable[[Path], object], str]] = [
    (changed, "names.crf.*has changed"),
    (lambda folder: (folder / "nlp" / "meta.json").unlink(), "meta.json is missing"),
    (lambda folder: (folder / "more.joblib").write_bytes(b"x"), "not in the manifest"),
    (lambda folder: (folder / MANIFEST_FILE).unlink(), "no trained model"),
    (lambda folder: (folder / MANIFEST_FILE).write_text("[1"), "no manifest"),
    (not_this_card, "no model card of this version"),
    (lambda folder: folder.rename(folder.with_name("aside")), "not on this machine"),
]


@pytest.mark.parametrize(("harm", "said"), FAULTS)
def test_a_version_that_is_not_whole_is_refused_and_listed_as_such(tmp_path: Path, harm: Callable[[Path], object], said: str) -> None:
    folder = make_model(tmp_path / "v1", "v1")
    shelf = Shelf(TRAINED, tmp_path)
    assert shelf.card("v1").version == "v1"
    harm(folder)
    with pytest.raises(ArtefactError, match=said):
        shelf.load("v1")
    assert all(one.fault and one.card is None for one in shelf.models() if not one.shipped)


def test_a_version_of_other_code_or_under_another_name_is_refused(tmp_path: Path) -> None:
    make_model(tmp_path / "v1", "v1", code="0" * 64)
    make_model(tmp_path / "v3", "v2")
    shelf = Shelf(TRAINED, tmp_path)
    with pytest.raises(ArtefactError, match="train it again"):
        shelf.card("v1")
    with pytest.raises(ArtefactError, match="holds model version v2"):
        shelf.card("v3")
    assert shelf.card(None) == verify(TRAINED)  # the shipped one is trained by `make` whenever the code is another
    assert [(m.version, m.shipped, m.fault is None) for m in shelf.models()] == [
        (verify(TRAINED).version, True, True),
        ("v1", False, False),
        ("v3", False, False),
    ]


@pytest.mark.parametrize("name", ["..", "../models", "a/b", "", ".hidden", "a" * 65, "a\n", "/etc"])
def test_what_is_no_name_reaches_no_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtefactError, match="no name"):
        Shelf(TRAINED, tmp_path).folder_of(name)


def test_adding_copies_a_whole_model_and_nothing_else(tmp_path: Path) -> None:
    source = make_model(tmp_path / "candidate", "v1")
    shelf = Shelf(TRAINED, tmp_path / "models")
    assert [m.version for m in shelf.models()] == [verify(TRAINED).version]
    found, new = shelf.add(source)
    assert (found.version, new, found.folder) == ("v1", True, tmp_path / "models" / "v1")
    assert shelf.card("v1") == verify(source)
    assert shelf.add(source)[1] is False
    changed(source)
    with pytest.raises(ArtefactError, match="has changed"):
        shelf.add(source)
    (source / "nlp" / "names" / "names.crf").write_bytes(b"another")
    seal(source)
    with pytest.raises(ArtefactError, match="is another model"):
        shelf.add(source)
    for card in ({"code": "0" * 64}, {"version": "../../v9"}):
        (source / "card.json").write_text(json.dumps({**json.loads((source / "card.json").read_text()), "version": "v4", **card}))
        seal(source)
        with pytest.raises(ArtefactError):
            shelf.add(source)
    assert [f.name for f in (tmp_path / "models").iterdir()] == ["v1"]


def test_names_a_person_may_give(tmp_path: Path) -> None:
    shelf = Shelf(TRAINED, tmp_path)
    assert shelf.named("shipped") is shelf.named(verify(TRAINED).version) is None
    assert shelf.named("v1") == "v1"
    assert shelf.stamp("v1") == ()
    make_model(tmp_path / "v1", "v1")
    before = shelf.stamp("v1")
    changed(tmp_path / "v1")
    assert shelf.stamp("v1") != before
