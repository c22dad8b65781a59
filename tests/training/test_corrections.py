"""Corrected notes: taken in only when whole, held out by their id, and not a word of them in a message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from spacy.language import Language
from typer.testing import CliRunner

from models.artefacts import code_hash, verify
from models.encoder import read_weights
from models.pipeline import TRAINED, build_nlp
from training import artefacts as writing
from training import train
from training.corpus import LabelledNote, read_snippets, read_split
from training.corrections import HELD_OUT_PERCENT, CorrectionsError, is_held_out, read_corrections

SECRET = "蒋振国"
NOTE: LabelledNote = {
    "id": "nt_1", "writer": "rep-1", "text": f"{SECRET}嫌贵，说东明便宜两千，周五再去", "kind": "diagnostic", "outcome": "not_signed",
    "people": [{"mention": SECRET, "decision_role": "first_kp", "met": True}], "kp_status": "met_first_kp",
    "objections": [{"type": "price", "status": "open", "quote": "嫌贵"}],
    "price": {"ours": None, "competitor": None, "customer": None, "gaps": [{"against": "competitor", "amount": 2000, "percent": None}]},
    "competitors": ["东明"], "customer_class": None, "next_step": {"quote": "周五再去", "when": "周五"}, "funds_date": None,
    "rubric": dict.fromkeys(("kp", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step"), 1),
    "must_ask": ["asked_to_sign"],
}  # fmt: skip


def written(path: Path, notes: list[Any]) -> Path:
    path.write_text("".join((n if isinstance(n, str) else json.dumps(n, ensure_ascii=False)) + "\n" for n in notes), "utf-8")
    return path


def many(count: int, **change: Any) -> list[LabelledNote]:
    return [{**NOTE, "id": f"nt_{i}", "writer": f"rep-{i % 4}", "text": f"{NOTE['text']}，第{i}次", **change} for i in range(count)]


def test_whole_notes_are_taken_and_a_share_is_held_out(tmp_path: Path) -> None:
    notes = many(300)
    taken = read_corrections([written(tmp_path / "a.jsonl", [*notes[:200], ""]), written(tmp_path / "b.jsonl", notes[200:])])
    assert {n["id"] for n in [*taken.trained, *taken.held_out]} == {n["id"] for n in notes}
    assert all(is_held_out(n["id"]) for n in taken.held_out)
    assert not any(is_held_out(n["id"]) for n in taken.trained)
    assert abs(len(taken.held_out) / 3 - HELD_OUT_PERCENT) < 8
    other_order = read_corrections([written(tmp_path / "c.jsonl", notes[::-1])])
    assert (other_order.trained, other_order.sha256) == (taken.trained, taken.sha256)
    changed = read_corrections([written(tmp_path / "d.jsonl", [*notes[1:], {**notes[0], "kind": "flow_of_events"}])])
    assert changed.sha256 != taken.sha256


def test_copies_of_a_text_are_not_parted(tmp_path: Path) -> None:
    notes = [{**n, "text": NOTE["text"]} for n in many(30)]
    taken = read_corrections([written(tmp_path / "a.jsonl", notes)])
    assert sorted([len(taken.trained), len(taken.held_out)]) == [0, 30]


CORPUS_NOTE = read_split("test")[0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("not json", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ({k: v for k, v in NOTE.items() if k not in ("kind", "must_ask")}, "incomplete: kind, must_ask"),
        ({**NOTE, "id": 7}, "must be text"),
        ({**NOTE, "writer": ""}, "must be text"),
        ({**NOTE, "id": CORPUS_NOTE["id"]}, "id stands in the corpus"),
        ({**NOTE, "text": CORPUS_NOTE["text"]}, "text stands in the corpus"),
        ({**NOTE, "kind": "good"}, "kind is none of its labels"),
        ({**NOTE, "text": "没有这个人"}, "people: a mention is not in the text"),
        ({**NOTE, "people": [{"mention": SECRET, "decision_role": "boss", "met": True}]}, "people: decision_role"),
        ({**NOTE, "objections": [SECRET]}, "not of the form"),
        ({**NOTE, "price": None}, "not of the form"),
        ({**NOTE, "price": {"ours": SECRET, "competitor": None, "customer": None, "gaps": []}}, "price.ours is no amount"),
        ({**NOTE, "price": {}}, "price is incomplete"),
        ({**NOTE, "rubric": {"kp": SECRET}}, "rubric is not ten levels"),
        ({**NOTE, "must_ask": [SECRET]}, "must_ask"),
        ({**NOTE, "evidence": {"need": [f"{SECRET}要"]}}, "evidence"),
        ({**NOTE, "next_step": {"quote": f"找{SECRET}", "when": None}}, "next_step.quote"),
    ],
)
def test_a_fault_is_told_by_line_without_a_word_of_the_note(tmp_path: Path, line: Any, told: str) -> None:
    path = written(tmp_path / "faulty.jsonl", [*many(2), line])
    with pytest.raises(CorrectionsError) as caught:
        read_corrections([path])
    assert any(f"{path}:3: " in fault and told in fault for fault in caught.value.faults)
    assert all(SECRET not in fault and "faulty.jsonl:3" in fault for fault in caught.value.faults)


def test_a_note_twice_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorrectionsError) as caught:
        read_corrections([written(tmp_path / "a.jsonl", [*many(1), *many(1)]), tmp_path / "none.jsonl"])
    assert [f.rpartition(": ")[2] for f in caught.value.faults] == [
        "its id stands in the corpus or before",
        "No such file or directory",
    ]


def fitted() -> Language:
    """The trained pipeline as it was before it was written: a loaded one cannot be written again."""
    nlp = build_nlp().from_disk(TRAINED / "nlp")
    for name, file in (
        ("clauses", "boundaries"),
        ("rivals", "rivals"),
        ("people", "people"),
        ("prices", "prices"),
        ("clause_heads", "clause_heads"),
    ):
        nlp.get_pipe(name).use(joblib.load(TRAINED / "nlp" / name / f"{file}.joblib"))  # type: ignore[attr-defined]
    nlp.get_pipe("names").set_model((TRAINED / "nlp" / "names" / "names.crf").read_bytes())  # type: ignore[attr-defined]
    encoder = nlp.get_pipe("encoder")
    encoder.set_pieces((TRAINED / "nlp" / "encoder" / "pieces.npz").read_bytes())  # type: ignore[attr-defined]
    encoder.use(read_weights(TRAINED / "nlp" / "encoder", "all"))  # type: ignore[attr-defined]
    return nlp


def test_training_takes_the_corrections_in_and_its_card_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitting itself is as without them (test_corpus.py), so here the trained pipeline stands for the fitted one."""
    trained_on: list[str] = []
    monkeypatch.setattr(train, "build_nlp", fitted)
    monkeypatch.setattr(train, "train", lambda nlp, notes, say: trained_on.extend(n["id"] for n in notes) or [])
    monkeypatch.setattr(writing, "read_split", lambda split: read_split(split)[:10])
    path = written(tmp_path / "a.jsonl", many(20))
    taken = read_corrections([path])
    command = train.typer.Typer()
    command.command()(train.main)
    done = CliRunner().invoke(command, ["--corrections", str(path), "--out", str(tmp_path / "model")])
    assert done.exit_code == 0, done.output
    card = verify(tmp_path / "model")
    assert card.corrections == taken.told
    assert card.code == code_hash()
    assert taken.held_out
    assert set(trained_on) == {n["id"] for n in [*read_split("train"), *read_snippets(), *taken.trained]}
    assert not {n["id"] for n in taken.held_out} & set(trained_on)
    assert card.metrics["held-out corrections"].keys() == card.metrics["test"].keys()


@pytest.mark.parametrize(("given", "code"), [(["--corrections", "x.jsonl"], 2), (["--corrections", "x.jsonl", "--out", "model"], 1)])
def test_nothing_is_trained_where_something_is_wrong(tmp_path: Path, given: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.jsonl").write_text("{}\n")
    monkeypatch.setattr(train, "train", None)
    command = train.typer.Typer()
    command.command()(train.main)
    assert CliRunner().invoke(command, given).exit_code == code
    assert [f.name for f in tmp_path.iterdir()] == ["x.jsonl"]
