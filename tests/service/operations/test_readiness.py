"""What is missing is told by name, and a server that misses something mends by itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from models.pipeline import TRAINED
from service.database import migrate, open_engine
from service.operations.readiness import Readiness, head_revision
from tests.service.serving import Serving


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TRAINED, tmp_path / "model"))


@pytest.fixture
def readiness(tmp_path: Path, model: Path) -> Iterator[Readiness]:
    engine = open_engine(f"sqlite:///{tmp_path / 'fupan.sqlite3'}")
    migrate(engine)
    yield Readiness(engine, lambda: model)
    engine.dispose()


def named(readiness: Readiness) -> list[str]:
    return [f.field for f in readiness.faults()]


def test_a_changed_or_missing_model(readiness: Readiness, model: Path) -> None:
    assert named(readiness) == []
    kept = (model / "card.json").read_bytes()
    (model / "card.json").write_bytes(kept.replace(b"version", b"vErsion"))
    assert [(f.field, "changed" in f.message) for f in readiness.faults()] == [("model", True)]
    (model / "card.json").write_bytes(kept)
    assert named(readiness) == []
    aside = model.rename(model.with_name("aside"))
    assert [(f.field, "missing" in f.message) for f in readiness.faults()] == [("model", True)]
    aside.rename(model)
    assert named(readiness) == []


def test_model_files_are_read_again_only_when_touched(readiness: Readiness, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.operations import readiness as module

    reads: list[Path] = []
    monkeypatch.setattr(module, "verify", reads.append)
    for _ in range(3):
        readiness.faults()
    assert len(reads) == 1
    (model / "card.json").touch()
    readiness.faults()
    assert len(reads) == 2


def test_a_missing_database_file_is_not_made_anew(readiness: Readiness, tmp_path: Path) -> None:
    for part in tmp_path.glob("fupan.sqlite3*"):
        part.rename(part.with_name(f"aside-{part.name}"))
    assert named(readiness) == ["database"]
    assert not list(tmp_path.glob("fupan.sqlite3*"))
    for part in tmp_path.glob("aside-*"):
        part.rename(part.with_name(part.name.removeprefix("aside-")))
    assert named(readiness) == []


@pytest.mark.parametrize("statement", ["UPDATE alembic_version SET version_num = '0000'", "DROP TABLE alembic_version"])
def test_a_schema_that_is_not_at_head(readiness: Readiness, tmp_path: Path, statement: str) -> None:
    with open_engine(f"sqlite:///{tmp_path / 'fupan.sqlite3'}").begin() as connection:
        connection.execute(text(statement))
    assert named(readiness) == ["schema"]


def test_a_database_that_does_not_answer_and_its_password(model: Path) -> None:
    engine = open_engine("postgresql+psycopg://user:geheim@127.0.0.1:9/fupan")
    faults = Readiness(engine, lambda: model).faults()
    assert [f.field for f in faults] == ["database"]
    assert "geheim" not in faults[0].message


def test_a_server_tells_what_is_missing_and_mends(run: Callable[..., Serving], model: Path, tmp_path: Path) -> None:
    server = run(FUPAN_MODEL_PATH=str(model))
    assert server.get("/readyz").json() == {"status": "ready", "model": server.get("/v1/model").json()["version"]}
    assert {f.stat().st_mode & 0o777 for f in (tmp_path / "0").glob("fupan.sqlite3*")} == {0o600}  # personal data
    aside = model.rename(model.with_name("aside"))
    for part in (tmp_path / "0").glob("fupan.sqlite3*"):
        part.rename(part.with_name(f"aside-{part.name}"))
    answer = server.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert [e["field"] for e in answer.json()["errors"]] == ["model", "database"]
    assert server.get("/healthz").json() == {"status": "ok"}
    assert "fupan_database_up 0" in server.get("/metrics").text
    aside.rename(model)
    for part in (tmp_path / "0").glob("aside-*"):
        part.rename(part.with_name(part.name.removeprefix("aside-")))
    assert server.get("/readyz").json() == {"status": "ready", "model": server.get("/v1/model").json()["version"]}


def test_head_is_the_newest_migration() -> None:
    newest = max(f.name for f in (Path(__file__).parents[3] / "service/migrations/versions").glob("[0-9]*.py"))
    assert newest.startswith(head_revision() or "none")
