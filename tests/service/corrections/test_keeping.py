"""Labelled data by command line, and corrections through backup and restore."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from service.cli import app
from service.corrections.complete import complete_notes
from service.corrections.tables import Appeal, Correction
from service.database import migrate, open_engine, reading
from service.operations.backup import restore_backup, write_backup
from tests.service.conftest import make_world
from training.corrections import read_corrections
from training.labels import faults


def test_exported_by_command_and_restored_elsewhere(thread, tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'own.sqlite3'}"
    engine = open_engine(url)
    migrate(engine)
    tenancy = make_world(engine, thread).tenant()
    note = tenancy.store("王总嫌贵，下周三再去", rep_id=tenancy.reps[0])
    labels = {"customer_class": None, "price": {"ours": [80000, None]}, "next_step": None}
    body = {"revision": 1, "labels": labels, "complete": True}
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/corrections", json=body).status_code == 200
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/appeals", "rep", json={"score": {"reason": "写了"}}).status_code == 201
    monkeypatch.setenv("FUPAN_DATABASE_URL", url)
    out = tmp_path / "out.jsonl"

    def export(*more: str) -> int:
        return CliRunner().invoke(app, ["corrections", "export", "--tenant", tenancy.id, "--out", str(out), *more]).exit_code

    assert [export(), export(), export("--force")] == [0, 1, 0]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    (entry,) = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert list(faults(entry)) == []
    taken = read_corrections([out])
    assert [*taken.trained, *taken.held_out] == [entry]
    assert (entry["price"]["ours"], entry["next_step"]) == ([80000, None], None)

    write_backup(engine, tmp_path / "backup.gz")
    elsewhere = open_engine(empty_postgres)
    restore_backup(elsewhere, tmp_path / "backup.gz")
    assert list(complete_notes(elsewhere, tenancy.id)) == [entry]
    with reading(elsewhere) as session:
        assert session.scalar(select(Correction).where(Correction.field == "price.ours")).before is None
        assert session.scalars(select(Appeal)).one().reason == "写了"
    elsewhere.dispose()
    engine.dispose()
