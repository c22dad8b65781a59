"""Backup and restore, round trips within and between SQLite and PostgreSQL, on tables of every kind of column."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from service.cli import app
from service.database import Base, ServedModel, migrate, open_engine, record_served
from service.operations import backup
from service.operations.backup import BackupError, check_backup, restore_backup, write_backup

NOW = datetime(2026, 11, 26, 8, 30, 15, 123456)
PHRASE = "王总\u0020“嫌贵”\n第二行，𠮷\t👍"


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    url = f"sqlite:///{tmp_path / 'target.sqlite3'}" if request.param == "sqlite" else request.getfixturevalue("empty_postgres")
    engine = open_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'source.sqlite3'}")
    migrate(engine)
    record_served(engine, "v1", PHRASE, "2026-11-24", NOW)
    record_served(engine, "v2", "b" * 64, "2026-11-25", NOW + timedelta(days=1))
    yield engine
    engine.dispose()


def served(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(r) for r in connection.execute(select(ServedModel.__table__).order_by(ServedModel.version))]


def test_there_and_back_again(source: Engine, target: Engine, tmp_path: Path) -> None:
    path = tmp_path / "backup.gz"
    written = write_backup(source, path)
    assert written["served_models"] == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert restore_backup(target, path)["served_models"] == 2
    assert served(target) == served(source)
    migrate(target)  # at head already
    again = tmp_path / "again.gz"
    write_backup(target, again)
    assert gzip.decompress(again.read_bytes()) == gzip.decompress(path.read_bytes())
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".part"]


def test_every_table_of_the_models_is_in_a_backup(source: Engine, tmp_path: Path) -> None:
    write_backup(source, tmp_path / "b.gz")
    assert set(check_backup(tmp_path / "b.gz")["tables"]) == set(Base.metadata.tables)


def test_rows_are_not_replaced_unasked(source: Engine, target: Engine, tmp_path: Path) -> None:
    write_backup(source, tmp_path / "b.gz")
    migrate(target)
    record_served(target, "v9", "c", "d", NOW)
    with pytest.raises(BackupError, match="--force"):
        restore_backup(target, tmp_path / "b.gz")
    assert [r[0] for r in served(target)] == ["v9"]
    restore_backup(target, tmp_path / "b.gz", force=True)
    assert [r[0] for r in served(target)] == ["v1", "v2"]


def test_what_dbos_knew_goes_with_the_rows(source: Engine, target: Engine, tmp_path: Path) -> None:
    write_backup(source, tmp_path / "b.gz")
    migrate(target)
    prefix = "" if target.dialect.name == "sqlite" else "dbos."
    with target.begin() as connection:
        if prefix:
            connection.execute(sa.text("CREATE SCHEMA dbos"))
        connection.execute(sa.text(f"CREATE TABLE {prefix}workflow_status (workflow_uuid TEXT PRIMARY KEY)"))
    restore_backup(target, tmp_path / "b.gz", force=True)
    assert not sa.inspect(target).has_table("workflow_status", schema="dbos" if prefix else None)


def test_a_failure_leaves_the_database_as_it_was(source: Engine, target: Engine, tmp_path: Path) -> None:
    write_backup(source, tmp_path / "b.gz")
    lines = gzip.decompress((tmp_path / "b.gz").read_bytes()).splitlines(keepends=True)
    row = next(i for i, line in enumerate(lines) if line.startswith(b'["v2"'))
    lines[row] = lines[row].replace(b'"v2"', b'"v1"')  # the same primary key twice
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"".join(lines)))
    migrate(target)
    record_served(target, "v9", "c", "d", NOW)
    with pytest.raises(sa.exc.IntegrityError):
        restore_backup(target, tmp_path / "b.gz", force=True)
    assert [r[0] for r in served(target)] == ["v9"]


@pytest.mark.parametrize("cut", [0.0, 0.3, 0.95])
def test_a_file_that_is_not_whole(source: Engine, target: Engine, tmp_path: Path, cut: float) -> None:
    path = tmp_path / "b.gz"
    write_backup(source, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * cut)])
    with pytest.raises(BackupError, match="not a whole backup"):
        restore_backup(target, path, force=True)


@pytest.mark.parametrize("line", [b"{}\n", b"[1]\n", b'{"rows":{}}\n', b"no json\n", b'{"fupan_backup":99}\n'])
def test_a_file_of_something_else(target: Engine, tmp_path: Path, line: bytes) -> None:
    (tmp_path / "b.gz").write_bytes(gzip.compress(line))
    with pytest.raises(BackupError):
        restore_backup(target, tmp_path / "b.gz")


def test_a_backup_of_a_newer_version(source: Engine, target: Engine, tmp_path: Path) -> None:
    (tmp_path / "b.gz").write_bytes(
        gzip.compress(json.dumps({"fupan_backup": 1, "revision": "9999", "tables": []}).encode() + b'\n{"rows":{}}\n')
    )
    with pytest.raises(BackupError, match="newer"):
        restore_backup(target, tmp_path / "b.gz")


def test_a_database_at_another_schema_is_not_backed_up(source: Engine, tmp_path: Path) -> None:
    with source.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(BackupError, match="schema"):
        write_backup(source, tmp_path / "b.gz")
    assert list(tmp_path.glob("*.gz")) == []


def test_a_backup_sees_one_state_while_others_write(source: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = backup._reflected

    def with_a_writer(connection: sa.Connection, names: list[str]) -> list[sa.Table]:
        record_served(source, "v3", "late", "d", NOW)  # commits between the snapshot and the reading of rows
        return real(connection, names)

    monkeypatch.setattr(backup, "_reflected", with_a_writer)
    assert write_backup(source, tmp_path / "b.gz")["served_models"] == 2
    assert len(served(source)) == 3


KINDS = sa.MetaData()
TABLE = sa.Table(
    "kinds",
    KINDS,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("words", sa.Text),
    sa.Column("moment", sa.DateTime(timezone=True)),
    sa.Column("naive", sa.DateTime()),
    sa.Column("day", sa.Date),
    sa.Column("raw", sa.LargeBinary),
    sa.Column("tree", sa.JSON),
    sa.Column("amount", sa.Numeric(12, 2)),
    sa.Column("share", sa.Float),
    sa.Column("yes", sa.Boolean),
)


@given(
    words=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    moment=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=8))])),
    naive=st.datetimes(),
    day=st.dates(min_value=date(1, 1, 1)),
    raw=st.binary(),
    amount=st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**9), max_value=10**9),
    share=st.floats(allow_nan=False, allow_infinity=False),
)
def test_values_come_back_as_they_were(
    words: str | None, moment: datetime, naive: datetime, day: date, raw: bytes, amount: Decimal, share: float
) -> None:
    given_values = {"words": words, "moment": moment, "naive": naive, "day": day, "raw": raw, "amount": amount, "share": share, "yes": True}
    for name, value in given_values.items():
        kind = TABLE.columns[name].type
        line = json.loads(backup._line(backup._plain(value, kind)))
        assert backup._typed(line, kind) == value


def test_every_kind_of_column_between_the_databases(tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table such as later migrations make, put beside ours."""
    monkeypatch.setattr(backup, "our_tables", lambda revision: ["served_models", "kinds"])
    real = backup.migrate

    def migrate_with_kinds(on: sa.Connection, revision: str = "head") -> None:
        real(on, revision)
        KINDS.create_all(on)

    monkeypatch.setattr(backup, "migrate", migrate_with_kinds)
    row = {"words": PHRASE, "moment": NOW.replace(tzinfo=UTC), "naive": NOW, "day": date(2026, 11, 26), "raw": b"\x00\xff", "tree": {"a": [1, None, "贵"], "$": "x"}, "amount": Decimal("12.80"), "share": 0.1, "yes": True}  # fmt: skip
    first, postgres, last = (open_engine(u) for u in (f"sqlite:///{tmp_path / 'a.db'}", empty_postgres, f"sqlite:///{tmp_path / 'b.db'}"))
    migrate(first)
    KINDS.create_all(first)
    with first.begin() as connection:
        connection.execute(TABLE.insert(), [row, {**dict.fromkeys(row), "words": ""}])
    write_backup(first, tmp_path / "1.gz")
    restore_backup(postgres, tmp_path / "1.gz")
    with postgres.begin() as connection:
        assert dict(connection.execute(select(TABLE)).mappings().first() or {}) == {"id": 1, **row}
        assert connection.execute(TABLE.insert().values(words="next").returning(TABLE.c.id)).scalar() == 3  # the counter went on
    write_backup(postgres, tmp_path / "2.gz")
    restore_backup(last, tmp_path / "2.gz")
    with last.connect() as connection:
        back = dict(connection.execute(select(TABLE)).mappings().first() or {})
        assert back == {"id": 1, **row, "moment": NOW}  # SQLite keeps no zone; the moment is UTC
        assert connection.execute(select(sa.func.count()).select_from(TABLE)).scalar() == 3
    for engine in (first, postgres, last):
        engine.dispose()


def test_the_commands(source: Engine, tmp_path: Path) -> None:
    runner = CliRunner()
    path = tmp_path / "b.gz"

    def command(*words: str, url: str) -> tuple[int, str]:
        result = runner.invoke(app, list(words), env={"FUPAN_DATABASE_URL": url})
        return result.exit_code, result.output

    here, there = source.url.render_as_string(), f"sqlite:///{tmp_path / 'x.db'}"
    assert command("backup", str(path), url=here)[0] == 0
    assert command("backup", str(path), url=here) == (2, f"{path} exists; --force writes over it\n")
    assert command("backup", "--force", str(path), url=here)[0] == 0
    assert command("restore", str(path), url=there)[0] == 0
    assert command("restore", str(path), url=there)[0] == 2
    assert command("restore", str(path), "--force", url=there)[0] == 0
    assert command("restore", str(tmp_path / "none"), url=there) == (2, f"{tmp_path / 'none'}: {os.strerror(2)}\n")
    code, output = command("backup", str(tmp_path / "pg.gz"), url="postgresql+psycopg://user:geheim@127.0.0.1:9/fupan")
    assert code == 2
    assert "geheim" not in output
