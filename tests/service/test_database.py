"""The schema and the engine, on both databases."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError, OperationalError

from service.accounts.store import AccountError, create_tenant, find_tenant
from service.accounts.tables import KeyTeam, Person
from service.database import MIGRATIONS, Base, migrate, open_engine, reading, scrub, writing
from service.ids import new_id
from tests.service.conftest import World, make_world, new_postgres_database
from tests.service.serving import ROOT

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def fresh_url(database_url: str, request: pytest.FixtureRequest, tmp_path) -> str:
    """An empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
    return new_postgres_database(request.getfixturevalue("postgres"))


def test_the_migrations_make_what_the_tables_say(engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        ours = [d for d in compare_metadata(context, Base.metadata) if "dbos" not in str(d)]
    assert ours == []


def test_several_processes_migrate_at_once_and_down_and_up_again(fresh_url: str) -> None:
    code = "import sys; from service.database import *; migrate(open_engine(sys.argv[1]))"
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", code, fresh_url], cwd=ROOT, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
        for _ in range(2)
    ]
    for process in starting:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()[-2000:]
    engine = open_engine(fresh_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    migrate(engine)
    assert {"notes", "analyses", "api_keys"} <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_a_foreign_key_to_another_tenant_is_refused_by_the_database(world: World) -> None:
    mine, other = world.tenant(), world.tenant()
    with pytest.raises(IntegrityError), writing(world.engine) as session:
        session.add(Person(id=new_id("pe", NOW), tenant_id=mine.id, team_id=other.teams[0], role="rep", name="x", created=NOW))
    with pytest.raises(IntegrityError), writing(world.engine) as session:
        session.add(KeyTeam(key_id="ky_none", team_id=mine.teams[0], tenant_id=mine.id))


def test_a_moment_comes_back_as_the_same_moment(world: World) -> None:
    moment = datetime(2026, 11, 24, 17, 30, 1, 123456, tzinfo=timezone(timedelta(hours=8)))
    with writing(world.engine) as session:
        create_tenant(session, name := new_id("x", NOW), moment)
    with reading(world.engine) as session:
        stored = find_tenant(session, name).created
    assert stored == moment
    assert stored.tzinfo is UTC
    with pytest.raises(Exception, match="time zone"), writing(world.engine) as session:
        create_tenant(session, "naive", datetime(2026, 1, 1))


def test_an_exception_rolls_back_and_a_taken_name_is_told(world: World) -> None:
    name = new_id("x", NOW)

    def fails() -> None:
        with writing(world.engine) as session:
            create_tenant(session, name, NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with reading(world.engine) as session:
        assert find_tenant(session, name) is None
    with writing(world.engine) as session:
        create_tenant(session, name, NOW)
    with pytest.raises(AccountError), writing(world.engine) as session:
        create_tenant(session, name, NOW)


def test_writers_wait_for_each_other_and_readers_for_nobody(world: World) -> None:
    tenancy = world.tenant()

    def write(number: int) -> None:
        with writing(world.engine) as session:
            session.execute(text("SELECT count(*) FROM teams")).scalar()  # read, then write: the order that fails when deferred
            session.execute(text("UPDATE tenants SET retention_days = coalesce(retention_days, 0) + 1 WHERE id = :id"), {"id": tenancy.id})

    with writing(world.engine) as session:
        session.execute(text("UPDATE tenants SET retention_days = 0 WHERE id = :id"), {"id": tenancy.id})
        with reading(world.engine) as other:
            assert other.execute(text("SELECT retention_days FROM tenants WHERE id = :id"), {"id": tenancy.id}).scalar() is None
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(20)))
    with reading(world.engine) as session:
        assert session.execute(text("SELECT retention_days FROM tenants WHERE id = :id"), {"id": tenancy.id}).scalar() == 20


def test_no_parameter_stands_in_an_error(world: World) -> None:
    with pytest.raises(Exception) as raised, writing(world.engine) as session:
        session.execute(text("INSERT INTO nowhere (x) VALUES (:x)"), {"x": "绝密客户"})
    assert "绝密客户" not in str(raised.value)


def test_a_database_that_is_gone_is_503_and_its_return_is_noticed(tmp_path, thread, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'gone.sqlite3'}")
    migrate(engine)
    tenancy = make_world(engine, thread).tenant()
    monkeypatch.setattr("service.database.SQLITE_PRAGMAS", ("busy_timeout=50",))
    engine.dispose()
    with sqlite3.connect(tmp_path / "gone.sqlite3", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        for method, path in (("GET", "/v1/notes"), ("POST", "/v1/notes")):
            answer = tenancy.call(method, path, json={"text": "王总嫌贵"} if method == "POST" else None)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert answer.headers["content-type"] == "application/problem+json"
    other.close()
    assert tenancy.call("POST", "/v1/notes", json={"text": "王总嫌贵"}).status_code == 201


def test_ids_sort_by_time() -> None:
    made = [new_id("nt", NOW + timedelta(milliseconds=i)) for i in range(50)]
    assert made == sorted(made)
    assert len({new_id("nt", NOW) for _ in range(1000)}) == 1000


def test_a_sqlite_file_that_is_gone_is_not_written_and_not_made_anew(tmp_path) -> None:
    file = tmp_path / "with % and 空格.sqlite3"
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine)
    file.rename(tmp_path / "away")
    for _ in range(2):
        with pytest.raises(OperationalError), writing(engine) as session:
            create_tenant(session, "公司", NOW)
    assert not file.exists()
    (tmp_path / "away").rename(file)
    with writing(engine) as session:
        create_tenant(session, "公司", NOW)
    scrub(engine)
    (tmp_path / "copy").write_bytes(file.read_bytes())
    (tmp_path / "copy").replace(file)  # another file in its place: the open connection, which has none any more, is not gone on with
    with writing(engine) as session:
        create_tenant(session, "另一家", NOW)
    again = open_engine(f"sqlite:///{file}")
    with reading(again) as session:
        assert find_tenant(session, "另一家") is not None
    again.dispose()
    engine.dispose()
