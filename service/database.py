"""The database: one engine, one metadata, migrated by Alembic; SQLite (WAL) or PostgreSQL, the same behaviour on both."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alembic import command
from alembic.config import Config
from sqlalchemy import DateTime, Dialect, Engine, String, TypeDecorator, create_engine, event, select, text
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DisconnectionError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import ConnectionPoolEntry

from service.turns import turns_of

MIGRATIONS = Path(__file__).parent / "migrations"
READING = "fupan_reading"
"""Execution option of connections that only read; on SQLite such a transaction takes no write lock."""
MIGRATION_LOCK = 0x6675_7061_6E
"""Key of PostgreSQL's advisory lock under which one process at a time migrates."""
BUSY_MILLISECONDS = 5000
SQLITE_PRAGMAS = (f"busy_timeout={BUSY_MILLISECONDS}", "journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", "secure_delete=ON")
"""secure_delete: what is deleted is overwritten with zeros, because notes are personal data."""


class Base(DeclarativeBase):
    """The tables of the service."""


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware in Python, stored as UTC without offset, read back aware; the same on both databases."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Raises ValueError for a moment without a time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs its time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class ServedModel(Base):
    """A model version this installation has served, so that a later result can say which version said what."""

    __tablename__ = "served_models"

    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    corpus_hash: Mapped[str] = mapped_column(String(64))
    trained_at: Mapped[str] = mapped_column(String(40))
    first_served_at: Mapped[datetime]


def open_engine(url: str) -> Engine:
    """An engine for the address; a SQLite file's folder is made."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        # Parameters of statements are note text: they stay out of every error's message. A connection the database has dropped is made
        # anew (it mends by itself); one that cannot be made fails soon.
        return create_engine(
            address,
            pool_size=10,
            max_overflow=20,
            pool_timeout=10,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"connect_timeout": 5},
        )
    if address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address, hide_parameters=True)
    event.listen(engine, "connect", _sqlite_connected)
    keep_to_file(engine)
    turns = turns_of(str(address))
    turns.watch(engine)

    def begin(connection: Connection) -> None:
        # A deferred transaction that reads and then writes fails at once when another has written meanwhile, whatever the busy timeout.
        if connection.get_execution_options().get(READING):
            connection.exec_driver_sql("BEGIN")
            return
        turns.take(connection.info)
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    event.listen(engine, "begin", begin)
    return engine


def keep_to_file(engine: Engine) -> None:
    """Where a SQLite engine's file is gone (a disk that dropped out, a file moved away), have each use of it raise OperationalError until it
    is back: SQLite by itself would go on writing into the file without a name, or make an empty one in its place. Only the engine's first
    connection may make the file."""
    file, made = engine.url.database, threading.Event()
    if not file or file == ":memory:":
        return

    def identity() -> tuple[int, int] | None:
        try:
            found = os.stat(file)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def connecting(_: Dialect, __: object, arguments: list[Any], parameters: dict[str, Any]) -> None:
        if made.is_set():
            arguments[0], parameters["uri"] = f"file:{quote(file)}?mode=rw", True

    def connected(_: object, record: ConnectionPoolEntry) -> None:
        made.set()
        record.info["file"] = identity()

    def used(_: object, record: ConnectionPoolEntry, __: object) -> None:
        if record.info["file"] != identity():
            raise DisconnectionError  # the pool connects anew, which fails while the file is gone

    event.listen(engine, "do_connect", connecting)
    event.listen(engine, "connect", connected)
    event.listen(engine, "checkout", used)


def _sqlite_connected(connection: Any, _: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would not before a SELECT or a SAVEPOINT
    for pragma in SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def read_only(engine: Engine) -> Engine:
    """The same engine for connections that only read."""
    return engine.execution_options(**{READING: True})


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one transaction that may write: committed at the end, rolled back by an exception."""
    with Session(engine) as session, session.begin():
        yield session


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads."""
    with Session(read_only(engine)) as session:
        yield session


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A connection in one transaction that may drop and rename tables that others refer to: SQLite's foreign keys are off meanwhile."""
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")  # has no effect inside a transaction
        try:
            with connection.begin():
                yield connection
        finally:
            if sqlite:
                driver.execute("PRAGMA foreign_keys=ON")


def migrate(on: Engine | Connection, revision: str = "head") -> None:
    """Bring the schema to a revision, by default the newest; several processes may try at once. On a connection (of `rebuilding`), as part of
    its transaction."""
    if isinstance(on, Engine):
        with rebuilding(on) as connection:
            migrate(connection, revision)
        return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if on.dialect.name == "postgresql":  # several machines that start at once migrate one after the other
        on.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    config.attributes["connection"] = on
    command.upgrade(config, revision)


def scrub(engine: Engine) -> None:
    """After a deletion: empty SQLite's write-ahead log, which still holds pages as they were. PostgreSQL's own vacuum does that there."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()  # a checkpoint is not possible inside a transaction, which a Connection would begin
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def record_served(engine: Engine, version: str, corpus_hash: str, trained_at: str, now: datetime) -> None:
    """Note that this model version is served from now on, once."""
    with suppress(IntegrityError), writing(engine) as session:  # another machine has noted it meanwhile
        if session.scalar(select(ServedModel).where(ServedModel.version == version)) is None:
            session.add(ServedModel(version=version, corpus_hash=corpus_hash, trained_at=trained_at, first_served_at=now))
