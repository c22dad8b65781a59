"""`python -m service integrations`: from making one to replaying its failed events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FUPAN_DATABASE_URL", f"sqlite:///{tmp_path / 'c.sqlite3'}")

    def invoke(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result.stdout.strip() if code == 0 else result.output

    invoke("tenants", "create", "公司")
    return invoke


def test_from_making_an_integration_to_replaying_it(run, tmp_path: Path) -> None:
    made = run("integrations", "create", "push", "--tenant", "公司", "--label", "我们的CRM").splitlines()
    assert made[0].startswith("in_")
    secret = json.loads(made[1])["secrets"][0]
    assert any(f"/v1/hooks/{made[0]}" in line for line in made[2:])
    listed = run("integrations", "list", "--tenant", "公司")
    assert "我们的CRM" in listed
    assert secret not in listed
    sample, mapping = tmp_path / "sample.json", tmp_path / "mapping.json"
    sample.write_text('{"id": 7, "content": "王总嫌贵"}', "utf-8")
    mapping.write_text('{"text": "content", "crm_id": "id"}', "utf-8")
    assert "mapping.text" in run("integrations", "try", made[0], str(sample), "--tenant", "公司", code=1)
    tried = json.loads(run("integrations", "try", made[0], str(sample), "--tenant", "公司", "--mapping", str(mapping)))
    assert (tried["outcome"], tried["note"]["text"], tried["note"]["crm_id"]) == ("note", "王总嫌贵", "7")
    assert "event id" in run("integrations", "events", made[0], "--tenant", "公司", "--state", "failed")
    assert run("integrations", "replay", made[0], "--tenant", "公司") == "0 events are done again"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "other"), 2, "kind"),
        (("create", "hubspot"), 1, "secrets.client_secrets"),
        (("create", "push", "--unknown", "x"), 2, "--unknown"),
        (("create", "push", "--team", "x"), 1, "--team"),
        (("create", "push", "--secrets", "/nowhere"), 2, "--secrets"),
        (("create", "push", "--mapping", "/nowhere"), 2, "--mapping"),
        (("events", "in_x"), 1, "no such integration"),
        (("events", "in_x", "--state", "x"), 2, "--state"),
        (("replay", "in_x"), 1, "no such integration"),
    ],
)
def test_what_cannot_be_is_named(run, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert said in run("integrations", *arguments, "--tenant", "公司", code=code)
