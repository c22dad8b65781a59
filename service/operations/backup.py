"""Backup and restore: all our tables as JSON lines (gzip), read in one transaction. The same file goes into SQLite and PostgreSQL.

Lines: a header {"fupan_backup", "revision", "tables", "key"}, then [table, [values]] a row, then {"rows": {table: count}}. A file without
its last line is not whole. DBOS's own tables are left out: what is to be done stands in ours (adr 0005).
"""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import JSON, Connection, Date, DateTime, Engine, LargeBinary, MetaData, Numeric, Table, Time, inspect, text
from sqlalchemy.types import TypeEngine

from service.database import migrate, open_engine, read_only, rebuilding
from service.operations.readiness import head_revision

FORMAT = 1
BATCH = 500
"""Rows held in memory at a time."""
VERSION_TABLE = "alembic_version"


class BackupError(Exception):
    """A backup cannot be made or restored; the message says why and holds no data."""


def our_tables(revision: str) -> list[str]:
    """The names of the tables the migrations make up to a revision, in the order of their foreign keys."""
    engine = open_engine("sqlite://")
    try:
        migrate(engine, revision)
        metadata = MetaData()
        metadata.reflect(engine)
        return [t.name for t in metadata.sorted_tables if t.name != VERSION_TABLE]
    finally:
        engine.dispose()


def _reflected(connection: Connection, names: Iterable[str]) -> list[Table]:
    metadata = MetaData()
    return [Table(name, metadata, autoload_with=connection) for name in names]


# One database's values as JSON and back. The column's type on the other side decides what a text is read as.


def _plain(value: Any, kind: TypeEngine[Any]) -> Any:
    if isinstance(kind, JSON) or value is None:
        return value
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, (bytes, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Decimal):
        return str(value)
    return value


def _typed(value: Any, kind: TypeEngine[Any]) -> Any:
    if isinstance(kind, JSON) or value is None:
        return value
    if isinstance(kind, DateTime):
        moment = datetime.fromisoformat(value)
        if kind.timezone:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, Time):
        return time.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, Numeric) and isinstance(value, str):
        return Decimal(value)
    return value


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database while others write."""
    with read_only(engine).connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok":
            raise BackupError("The SQLite database is damaged (PRAGMA quick_check); nothing was written")
        yield connection


def write_backup(engine: Engine, path: Path, force: bool = False, key: str | None = None) -> dict[str, int]:
    """Write the backup to `path` (readable by its owner alone), whole or not at all; how many rows of which table.
    `key` is the key of stored secrets where the installation keeps it in a file.

    Raises BackupError where the file exists and `force` is not set, or the database is not at this version's schema; OSError where the
    file cannot be written.
    """
    if path.exists() and not force:
        raise BackupError(f"{path} exists; --force writes over it")
    head = head_revision()
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with (
            _snapshot(engine) as connection,
            _private(unfinished) as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out,
        ):
            if _revision(connection) != head:
                raise BackupError("The database is not at this version's schema: start the service once, or use the version that wrote it")
            names = our_tables(head or "head")
            rows = {}
            out.write(_line({"fupan_backup": FORMAT, "revision": head, "tables": names, "key": key}))
            for table in _reflected(connection, names):
                kinds = [c.type for c in table.columns]
                out.write(_line({"table": table.name, "columns": [c.name for c in table.columns]}))
                found = connection.execution_options(yield_per=BATCH).execute(table.select().order_by(*table.primary_key.columns))
                count = 0
                for row in found:
                    out.write(_line([_plain(v, k) for v, k in zip(row, kinds, strict=True)]))
                    count += 1
                rows[table.name] = count
            out.write(_line({"rows": rows}))
        if force:
            os.replace(unfinished, path)
        else:
            os.link(unfinished, path)  # unlike a rename, this fails where somebody has made the file meanwhile
    except FileExistsError:
        raise BackupError(f"{path} exists; --force writes over it") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file of mode 0600 that is on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
        yield raw
        raw.flush()
        os.fsync(raw.fileno())


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608, a constant of ours


def read_backup(path: Path) -> Iterator[Any]:
    """The file's lines. Raises BackupError where it is no backup or not whole, OSError where it cannot be read."""
    try:
        with gzip.open(path, "rb") as lines:
            for line in lines:
                yield json.loads(line)
    except (EOFError, gzip.BadGzipFile, UnicodeDecodeError, json.JSONDecodeError):
        raise BackupError(f"{path} is not a whole backup of Fupan") from None


def check_backup(path: Path) -> dict[str, Any]:
    """Read the whole file, counting; its header. Raises BackupError as read_backup, or where the counts do not agree."""
    header: dict[str, Any] | None = None
    rows: dict[str, int] = {}
    table, told = "", None
    for line in read_backup(path):
        if header is None:
            if not isinstance(line, dict) or line.get("fupan_backup") != FORMAT:
                break
            header = line
        elif isinstance(line, list):
            rows[table] += 1
        elif "table" in line:
            table = line["table"]
            rows[table] = 0
        else:
            told = line.get("rows")
    if header is None or told != rows or set(rows) != set(header["tables"]):
        raise BackupError(f"{path} is not a whole backup of Fupan")
    return header


def restore_backup(engine: Engine, path: Path, force: bool = False) -> dict[str, int]:
    """Put the backup into the database, in one transaction, and bring it to this version's schema; how many rows of which table.

    A database that holds rows is left alone unless `force` is set; then all it held goes, DBOS's own tables with it (what was finished
    there must not hide what the backup says is still to be done). Stop every server process before.
    Raises BackupError, OSError as check_backup; BackupError for a backup of a newer version.
    """
    header = check_backup(path)
    revision = header["revision"]
    try:
        known = our_tables(revision)
    except Exception:
        raise BackupError(
            f"The backup has schema {revision}, which this version of Fupan does not know; restore it with a newer one"
        ) from None
    if set(known) != set(header["tables"]):
        raise BackupError(f"{path} has other tables than its schema {revision}")
    rows: dict[str, int] = {}
    with rebuilding(engine) as connection:
        _make_room(connection, force)
        migrate(connection, revision)
        tables = {t.name: t for t in _reflected(connection, known)}
        for table, batch in _batches(path, tables):
            connection.execute(table.insert(), batch)
            rows[table.name] = rows.get(table.name, 0) + len(batch)
        _move_sequences(connection, tables.values())
        migrate(connection)
        if engine.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise BackupError(f"{path} has rows that refer to rows it does not have")
    engine.dispose()
    return rows


def _batches(path: Path, tables: dict[str, Table]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """The rows of the file, by table, some hundred at a time."""
    table: Table | None = None
    columns: list[tuple[str, TypeEngine[Any]]] = []
    batch: list[dict[str, Any]] = []
    for line in read_backup(path):
        if isinstance(line, list):
            batch.append({name: _typed(value, kind) for (name, kind), value in zip(columns, line, strict=True)})
        if batch and table is not None and (len(batch) == BATCH or not isinstance(line, list)):
            yield table, batch
            batch = []
        if isinstance(line, dict) and "table" in line:
            table = tables[line["table"]]
            columns = [(name, table.columns[name].type) for name in line["columns"]]


def _make_room(connection: Connection, force: bool) -> None:
    """Drop what is there; without `force` only tables of ours without rows."""
    sqlite = connection.dialect.name == "sqlite"
    present = set(inspect(connection).get_table_names())
    # In SQLite, DBOS's tables stand among ours: all of the file goes. In PostgreSQL they have a schema.
    ours = present if sqlite else present & {*our_tables("head"), VERSION_TABLE}
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name in ours)
    if not force:
        filled = [t.name for t in metadata.sorted_tables if t.name != VERSION_TABLE and connection.execute(t.select().limit(1)).first()]
        if filled:
            raise BackupError(f"The database holds rows ({', '.join(sorted(filled))}); --force replaces all it holds")
    metadata.drop_all(connection)
    if not sqlite:
        connection.execute(text("DROP SCHEMA IF EXISTS dbos CASCADE"))


def _move_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """Let PostgreSQL's counters go on after the highest number restored."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.columns:
            named = {"table": f'"{table.name}"', "column": column.name}
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), named).scalar()
            if sequence:
                quoted = connection.dialect.identifier_preparer.format_column(column)
                source = connection.dialect.identifier_preparer.format_table(table)
                highest = connection.exec_driver_sql(f"SELECT max({quoted}) FROM {source}").scalar()  # noqa: S608, names of our own schema
                connection.execute(
                    text("SELECT setval(:s, :n, :called)"), {"s": sequence, "n": highest or 1, "called": highest is not None}
                )
