"""keys, tenants, teams, people, retention and reanalyze by command line; the first start's key."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service.cli import app
from tests.service.serving import Serving


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUPAN_DATABASE_URL", f"sqlite:///{tmp_path / 'c.sqlite3'}")

    def invoke(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result.stdout.strip() if code == 0 else result.output

    return invoke


def test_from_nothing_to_a_key_and_back(run) -> None:
    tenant = run("tenants", "create", "恒达销售")
    assert re.fullmatch(r"tn_[0-9a-f]{32}", tenant)
    assert "恒达销售" in run("tenants", "list")
    team = run("teams", "create", "一组", "--tenant", "恒达销售")
    person = run("people", "create", "王小明", "--tenant", tenant, "--team", "一组", "--external-id", "crm-1")
    trainer = run("keys", "create", "--tenant", tenant, "--role", "trainer", "--team", team, "--label", "带教")
    rep = run("keys", "create", "--tenant", tenant, "--role", "rep", "--person", "crm-1")
    for key in (trainer, rep):
        assert re.fullmatch(r"fk_[A-Za-z0-9_-]{43}", key)
    listed = run("keys", "list", "--tenant", tenant)
    assert trainer not in listed
    assert trainer[:9] in listed
    assert person in listed
    key_id = re.search(r"ky_[0-9a-f]{32}", listed)[0]
    run("keys", "revoke", key_id, "--tenant", tenant)
    assert re.search(r"\d{4}-\d\d-\d\d", run("keys", "list", "--tenant", tenant))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("keys", "create", "--tenant", "nobody", "--role", "admin"), 1, "--tenant"),
        (("keys", "create", "--tenant", "公司", "--role", "king"), 2, "--role"),
        (("keys", "create", "--tenant", "公司", "--role", "trainer"), 1, "team_ids"),
        (("keys", "create", "--tenant", "公司", "--role", "trainer", "--team", "x"), 1, "--team"),
        (("keys", "create", "--tenant", "公司", "--role", "rep", "--person", "x"), 1, "--person"),
        (("keys", "revoke", "ky_x", "--tenant", "公司"), 1, "no such key"),
        (("people", "create", "x", "--tenant", "公司", "--role", "boss"), 2, "--role"),
        (("tenants", "create", "公司"), 1, "in use"),
        (("reanalyze", "--tenant", "nobody"), 1, "--tenant"),
    ],
)
def test_what_cannot_be_is_named(run, arguments: tuple[str, ...], code: int, said: str) -> None:
    run("tenants", "create", "公司")
    assert said in run(*arguments, code=code)


def test_a_database_that_does_not_answer_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUPAN_DATABASE_URL", "postgresql+psycopg://u:secret@127.0.0.1:1/x")
    said = run("tenants", "list", code=2)
    assert "FUPAN_DATABASE_URL" in said
    assert "secret" not in said


def test_the_first_start_shows_a_key_that_works(server: Serving) -> None:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=30) as http:
        assert http.post("/v1/notes", json={"text": "王总嫌贵了点"}).status_code == 201
        note = http.get("/v1/notes", params={"q": "嫌贵了点"}).json()["notes"][0]
        assert note["text"] == "王总嫌贵了点"
    assert server.key not in server.log
    assert "嫌贵了点" not in server.log
    assert '"route": "/v1/notes"' in server.log


def test_reanalyze_and_retention_say_what_they_did(tmp_path: Path, run, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = run("tenants", "create", "公司")
    assert re.fullmatch(r"0 notes, 0 analyzed again by \S+", run("reanalyze", "--tenant", tenant))
    assert run("retention", "run") == ""
