"""`python -m service rubrics`: a version from a file, tried, switched on, applied and rolled back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.labels import WEIGHTS
from service.accounts.store import create_tenant
from service.cli import app
from service.database import migrate, open_engine, writing
from service.notes.store import NewNote, save
from tests.service.audits.house import analysis

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Commands on a database with a tenant 公司 of two notes (scores 20 and 0)."""
    url = f"sqlite:///{tmp_path / 'r.sqlite3'}"
    monkeypatch.setenv("FUPAN_DATABASE_URL", url)
    engine = open_engine(url)
    migrate(engine)
    with writing(engine) as session:
        tenant = create_tenant(session, "公司", NOW).id
        for levels in ({"kp": 2, "need": 1}, 0):
            save(session, tenant, NewNote("王总说贵，要再考虑", "api", visited_at=NOW.date()), analysis(levels=levels), NOW, NOW.date())
    engine.dispose()

    def invoke(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["rubrics", *arguments, "--tenant", "公司"])
        assert result.exit_code == code, result.output
        return result.output

    return invoke


def test_a_version_is_tried_switched_on_applied_and_rolled_back(run, tmp_path: Path) -> None:
    file = tmp_path / "own.json"
    file.write_text(json.dumps({"weights": {**WEIGHTS, "kp": 24, "figures": 0}, "remark": "重视KP"}))
    period = ("--from", "2026-11-01", "--to", date(2026, 11, 30).isoformat())
    assert run("add", str(file)).strip() == "1"
    assert "Try this version" in run("switch", "1", code=1)
    assert "no such version" in run("try", "7", code=1)
    tried = run("try", "1", *period)
    assert "2 notes: 1 move, 1 up, 0 down; mean 10.0 → 15.0" in tried
    run("switch", "1")
    listed = [line.split() for line in run("list").splitlines() if line.split()[0] in "01"]
    assert [(line[0], "on" in line) for line in listed] == [("1", True), ("0", False)]
    assert "2 notes scored by version 1" in run("apply", *period)
    assert "0 move" in run("try", "1", *period)
    assert "version 0 is on" in run("rollback")


@pytest.mark.parametrize(("text", "said"), [("{", "cannot be read"), ('{"weights": {"kp": 100}}', "weights"), ("[]", "body")])
def test_a_file_at_fault_is_said(run, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    assert said in run("add", str(tmp_path / "bad.json"), code=1)
