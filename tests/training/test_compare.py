"""Two models' analyses against labels: every figure with what its interval says."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.pipeline import TRAINED, Analyzer
from training import compare as comparing
from training.artefacts import predictions
from training.compare import FEWEST, compare, verdict
from training.corpus import read_split
from training.scoring import score

NOTES = read_split("dev")[:40]


@pytest.fixture(scope="module")
def predicted(analyzer: Analyzer) -> dict:
    return predictions(analyzer, NOTES)


@pytest.mark.parametrize(
    ("figure", "notes", "interval", "expected"),
    [
        ("kind accuracy", 300, (0.01, 0.05), "better"),
        ("kind accuracy", 300, (-0.05, -0.01), "worse"),
        ("score MAE", 300, (0.01, 0.05), "worse"),
        ("score MAE", 300, (-0.05, -0.01), "better"),
        ("kind accuracy", 300, (-0.01, 0.05), "not told apart"),
        ("kind accuracy", 300, (0.0, 0.0), "same"),
        ("kind accuracy", FEWEST - 1, (0.3, 0.5), "too few notes"),
        ("kind accuracy", 300, (None, None), "too few notes"),
    ],
)
def test_what_an_interval_says(figure: str, notes: int, interval: tuple, expected: str) -> None:
    assert verdict(figure, notes, *interval) == expected


def test_a_model_beside_itself_is_the_same(predicted: dict) -> None:
    found = compare("dev", NOTES, predicted, predicted, 20)
    assert {s.figure for s in found.sides} == score({n["id"]: n for n in NOTES}, predicted).keys()
    assert {s.verdict for s in found.sides} <= {"same", "too few notes"}
    assert found.read_otherwise == []


def test_a_model_that_calls_every_kind_wrong_is_worse_in_it_alone(predicted: dict) -> None:
    other = copy.deepcopy(predicted)
    for note in NOTES:
        other[note["id"]]["kind"]["label"] = {"diagnostic": "flow_of_events", "flow_of_events": "diagnostic"}[note["kind"]]
    found = compare("dev", NOTES, predicted, other, 40)
    assert {s.figure for s in found.sides if s.verdict not in ("same", "too few notes")} == {"kind accuracy", "kind macro-F1"}
    assert {s.verdict for s in found.sides if s.figure.startswith("kind")} == {"worse"}
    changed = {n["id"] for n in NOTES if predicted[n["id"]]["kind"]["label"] == n["kind"]}
    assert {o.id for o in found.read_otherwise} == changed
    assert all(o.kind == o.base_kind != o.candidate_kind for o in found.read_otherwise)


def test_few_notes_are_said_to_be_too_few(predicted: dict) -> None:
    found = compare("dev", NOTES[:5], predicted, predicted, 20)
    assert {s.verdict for s in found.sides} == {"too few notes"}
    assert compare("none", [], {}, {}, 20).notes == 0


def test_the_command_tells_both_versions(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(comparing, "read_split", lambda _: NOTES[:5])
    monkeypatch.setattr(comparing, "load", lambda _: analyzer)
    command = comparing.typer.Typer()
    command.command()(comparing.main)
    done = CliRunner().invoke(command, [str(TRAINED), str(TRAINED), "--json", "--resamples", "20"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["base"] == told["candidate"]
    assert [(c["name"], c["notes"]) for c in told["comparisons"]] == [("test", 5)]
    shown = CliRunner().invoke(command, [str(TRAINED), str(TRAINED), "--resamples", "20"])
    assert "too few" in shown.stdout
    monkeypatch.setattr(comparing, "load", lambda path: (_ for _ in ()).throw(comparing.ArtefactError(f"no trained model in {path}")))
    failed = CliRunner().invoke(command, [str(tmp_path), str(TRAINED)])
    assert failed.exit_code == 1
