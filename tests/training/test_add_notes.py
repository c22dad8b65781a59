from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.add_notes import join, kp_status

SCRIPT = Path(__file__).resolve().parents[2] / "training" / "add_notes.py"
TEXT = {"id": "w99-001", "text": "鹿老板看完报价单把老花镜摘了，周四带样再去", "style": "口语", "industry": "测试"}
LABEL = {"id": "w99-001", "kind": "d", "out": "n", "people": ["鹿老板|first_kp|met"], "obj": ["price|open|把老花镜摘了"], "gaps": ["competitor|100~200|"], "next": "周四带样再去|周四",
         "rub": "2002000102", "ask": ["value_vs_price"], "ev": ["diagnosis|把老花镜摘了"]}  # fmt: skip


def run(tmp_path: Path, command: str, texts: list[dict], labels: list[dict] | None = None, *more: str) -> subprocess.CompletedProcess[str]:
    files = [tmp_path / "w99.jsonl"]
    files[0].write_text("".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts), "utf-8")
    if labels is not None:
        files.append(tmp_path / "labels.jsonl")
        files[1].write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in labels), "utf-8")
    return subprocess.run([sys.executable, str(SCRIPT), command, *map(str, files), *more], capture_output=True, text=True, check=False)


def test_text_and_label_join_to_the_form_of_labels_md() -> None:
    note = join(TEXT, LABEL)
    assert note["writer"] == "w99"
    assert note["people"] == [{"mention": "鹿老板", "decision_role": "first_kp", "met": True}]
    assert (note["kp_status"], note["next_step"]) == ("met_first_kp", {"quote": "周四带样再去", "when": "周四"})
    assert note["price"]["gaps"] == [{"against": "competitor", "amount": [100, 200], "percent": None}]


def test_the_joined_notes_are_written_only_without_faults(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    good = run(tmp_path, "labels", [TEXT], [LABEL], "--out", str(out))
    assert good.returncode == 0, good.stdout + good.stderr
    assert json.loads(out.read_text("utf-8")) == join(TEXT, LABEL)
    out.unlink()
    bad = run(tmp_path, "labels", [TEXT], [{**LABEL, "obj": ["price|open|嫌贵"]}], "--out", str(out))
    assert bad.returncode == 1
    assert "嫌贵" in bad.stdout
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rub": "200"}, "rub"),
        ({"people": ["鹿老板|first_kp"]}, "ValueError"),
        ({"mood": "x"}, "unknown keys"),
        ({"id": "w99-002"}, "KeyError"),
    ],
)
def test_faulty_labels_are_named_by_line(tmp_path: Path, change: dict, fault: str) -> None:
    result = run(tmp_path, "labels", [TEXT], [{**LABEL, **change}])
    assert result.returncode == 1
    assert "labels.jsonl:1" in result.stdout
    assert fault in result.stdout


def test_a_sentence_of_another_note_is_refused(tmp_path: Path) -> None:
    twin = {**TEXT, "id": "w99-002"}
    result = run(tmp_path, "texts", [TEXT, twin])
    assert result.returncode == 1
    assert "shares" in result.stdout


@pytest.mark.parametrize(
    ("people", "status"),
    [
        ([("first_kp", True)], "met_first_kp"),
        ([("influencer", True), ("first_kp", False)], "met_other_only"),
        ([("unknown", True), ("first_kp", False)], "met_other_only"),
        ([("unknown", True)], "unclear"),
        ([("contact", True)], "met_nobody"),
        ([("first_kp", False)], "met_nobody"),
    ],
)
def test_kp_status_follows_from_people(people: list[tuple[str, bool]], status: str) -> None:
    assert kp_status([{"decision_role": role, "met": met} for role, met in people], None) == status
