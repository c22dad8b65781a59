"""Dockerfile and compose file, read as far as that is possible where no engine runs: sources, settings, secrets, users."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from service.settings import Settings
from tests.service.serving import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
KNOWN = {f"FUPAN_{name.upper()}" for name in Settings.model_fields}


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def test_what_is_copied_is_there_and_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [word for name, rest in instructions() if name == "COPY" and "--from" not in rest for word in shlex.split(rest)[:-1]]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert source in let_through


def test_the_image_runs_as_a_user_without_rights() -> None:
    names = [name for name, _ in instructions()]
    assert names.count("FROM") == 2
    last_stage = instructions()[len(names) - names[::-1].index("FROM") - 1 :]
    assert dict(last_stage)["USER"] == "fupan"
    assert "--require-hashes" in DOCKERFILE
    assert dict(last_stage)["ENTRYPOINT"] == '["python", "-m", "service"]'


def test_every_setting_named_is_known() -> None:
    named = set(re.findall(r"\bFUPAN_[A-Z_]+", DOCKERFILE)) | set(COMPOSE["services"]["fupan"]["environment"])
    assert named <= KNOWN
    assert {s.upper() for s in COMPOSE["services"]["fupan"]["secrets"]} <= KNOWN


def test_services_are_closed() -> None:
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"]
        assert set(service["secrets"]) <= COMPOSE["secrets"].keys()
        assert not [k for k in service["environment"] if "PASSWORD" in k and not k.endswith("_FILE")]
        for volume in service["volumes"]:
            assert volume.split(":")[0] in COMPOSE["volumes"]
    assert "ports" not in COMPOSE["services"]["db"]
    assert all(p.startswith("127.0.0.1:") for p in COMPOSE["services"]["fupan"]["ports"])
    grace = int(COMPOSE["services"]["fupan"]["stop_grace_period"].removesuffix("s"))
    environment = COMPOSE["services"]["fupan"]["environment"]
    assert grace > int(environment["FUPAN_SHUTDOWN_SECONDS"]) + int(environment["FUPAN_HAND_BACK_SECONDS"]) + 5
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUPAN_DATABASE_URL", raising=False)
    (tmp_path / "fupan_database_url").write_text("postgresql+psycopg://fupan:geheim@db/fupan\n")
    (tmp_path / "fupan_metrics_token").write_text("0123456789abcdef\n")
    (tmp_path / "another_programs_secret").write_text("x")
    settings = Settings(_secrets_dir=tmp_path)
    assert settings.database_url == "postgresql+psycopg://fupan:geheim@db/fupan"
    assert settings.metrics_token is not None
    assert settings.metrics_token.get_secret_value() == "0123456789abcdef"
    assert "0123456789" not in repr(settings.metrics_token)
    (tmp_path / "fupan_metrics_token").write_text("short")
    with pytest.raises(ValidationError):
        Settings(_secrets_dir=tmp_path)
