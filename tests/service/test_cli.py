"""`python -m service analyze`, as a process where that is what is tested, else in this one with the model that is loaded already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from openpyxl import Workbook
from typer.testing import CliRunner

from models.pipeline import TRAINED, Analyzer, load
from service.cli import app

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., Result]


@pytest.fixture
def run(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("service.versions.shelf.load", lambda folder: analyzer if folder == TRAINED else load(folder))
    return lambda *arguments, **environment: CliRunner().invoke(app, arguments, env=environment)


def lines(output: bytes) -> list[dict]:
    return [json.loads(line) for line in output.splitlines()]


def test_jsonl_in_order_with_an_error_in_its_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_text(
        '{"id": "1", "text": "王总嫌贵"}\n{"id": "2", "text": ""}\nnot json\n\n{"id": "5", "text": "李姐再考虑", "kind": "labels are ignored"}\n',
        "utf-8",
    )
    result = run("analyze", str(path))
    out = lines(result.stdout_bytes)
    assert result.exit_code == 1
    assert [o.get("id") for o in out] == ["1", "2", None, "5"]
    assert out[1]["error"]["status"] == 422
    assert out[2]["index"] == 3
    assert "王总嫌贵" not in result.stderr


def test_standard_input_of_a_process() -> None:
    command = [sys.executable, "-m", "service", "analyze", "-"]
    result = subprocess.run(command, cwd=ROOT, input='{"text": "王总嫌贵"}\n'.encode(), capture_output=True, check=False)
    assert result.returncode == 0
    assert lines(result.stdout)[0]["people"][0]["mention"] == "王总"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_csv_of_a_crm(run: Run, tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "notes.csv"
    path.write_text('编号,拜访日期,拜访记录\n7,2026-11-24,"王总嫌贵，\n下周三再去"\n8,2026-11-24,\n', encoding)
    result = run("analyze", str(path))
    out = lines(result.stdout_bytes)
    assert result.exit_code == 1
    assert out[0]["id"] == "7"
    assert out[0]["next_step"] is None or out[0]["next_step"]["date"] == "2026-12-02"
    assert out[1]["id"] == "8"
    assert out[1]["error"]["errors"][0]["field"] == "text"


def test_xlsx(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.xlsx"
    book = Workbook()
    sheet = book.active
    sheet.append(["id", "text"])
    sheet.append([1, "王总嫌贵"])
    sheet.append([2, "老板不在"])
    book.save(path)
    out = lines(run("analyze", str(path)).stdout_bytes)
    assert [o["id"] for o in out] == ["1", "2"]


@pytest.mark.parametrize(("name", "content"), [("a.csv", "x,y\n1,2\n"), ("a.xlsx", "no workbook"), ("a.doc", "x"), ("a.csv", "")])
def test_a_file_that_cannot_be_read(run: Run, tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    result = run("analyze", str(path))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    assert result.stderr


def test_missing_file_and_missing_argument(run: Run) -> None:
    assert run("analyze", "no-such.jsonl").exit_code == 2
    assert run("analyze").exit_code == 2


def test_text_for_a_person_in_colour(run: Run) -> None:
    result = run("analyze", "--text", "李经理嫌我们3万5太贵，要问老板", FORCE_COLOR="1", COLUMNS="100")
    shown = result.stdout
    assert result.exit_code == 0
    assert "\x1b[4;36m" in shown  # people underlined in cyan
    assert "关键人" in shown
    assert "李经理" in shown
    assert run("analyze", "--text", "  ").exit_code == 1


def test_no_model_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("analyze", "--text", "王总嫌贵", FUPAN_MODEL_PATH=str(tmp_path))
    assert result.exit_code == 2
    assert "make train" in result.stderr


def test_a_wrong_setting_is_named(run: Run) -> None:
    result = run("serve", FUPAN_PORT="high")
    assert result.exit_code == 2
    assert "FUPAN_PORT" in result.stderr
