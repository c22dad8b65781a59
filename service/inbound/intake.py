"""Storing what hooks bring, by one thread: the requests that wait share one transaction, so that a flood costs few commits.

What `put` answers is on the disk: on SQLite these commits are synchronised, unlike those of the rest, which can be computed again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.engine import Connection, RootTransaction
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from service.database import BUSY_MILLISECONDS
from service.inbound.events import insert

GROUP = 200
"""Requests stored by one transaction at most."""
EAGER_MILLISECONDS = 3
EAGER_SECONDS = 2.5
WAITING = 2_000
"""Requests that may wait; a hook beyond that is told to come again."""


class FullError(Exception):
    """Too many requests wait to be stored."""


@dataclass(frozen=True, slots=True)
class _Batch:
    rows: Sequence[dict[str, Any]] = field(repr=False)
    stored: Future[None]


class Intake:
    """`stored` is called after each commit."""

    def __init__(self, engine: Engine, stored: Callable[[], None]) -> None:
        self._engine, self._stored = engine, stored
        self._waiting: queue.Queue[_Batch | None] = queue.Queue(WAITING)
        self._thread: threading.Thread | None = None

    def put(self, rows: Sequence[dict[str, Any]]) -> Future[None]:
        """Done when the rows are committed; carries the database's error where they cannot be. Raises FullError."""
        batch = _Batch(rows, Future())
        try:
            self._waiting.put_nowait(batch)
        except queue.Full:
            raise FullError from None
        return batch.stored

    def start(self) -> None:
        """Store from now on, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what waits, then end."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(10)
            self._thread = None

    def _run(self) -> None:
        ending = False
        while not ending:
            group = [self._waiting.get()]
            while len(group) < GROUP:
                try:
                    group.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            ending = None in group
            self._store([batch for batch in group if batch is not None])

    def _store(self, group: Sequence[_Batch]) -> None:
        rows = [row for batch in group for row in batch.rows]
        try:
            if rows:
                self._commit(rows)
        except Exception as error:  # whoever waits answers 503 and the CRM sends again
            if isinstance(error, (IntegrityError, DataError)) and len(group) > 1:  # one of them: its integration was deleted meanwhile
                for batch in group:
                    self._store([batch])
                return
            structlog.get_logger().warning("events not stored", error=type(error).__name__, requests=len(group))
            for batch in group:
                batch.stored.set_exception(error)
            return
        for batch in group:
            batch.stored.set_result(None)
        if rows:
            self._stored()

    def _commit(self, rows: Sequence[dict[str, Any]]) -> None:
        with self._engine.connect() as connection:
            if self._engine.dialect.name != "sqlite":
                with connection.begin():
                    insert(connection, rows)
                return
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA synchronous=FULL")  # outside a transaction, where alone it has an effect
            driver.execute(f"PRAGMA busy_timeout={EAGER_MILLISECONDS}")
            try:
                with self._begin(connection):
                    insert(connection, rows)
            finally:
                driver.execute("PRAGMA synchronous=NORMAL")
                driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")

    def _begin(self, connection: Connection) -> RootTransaction:
        """A transaction, as soon as another process's ends: SQLite's own waiting sleeps up to 100 ms between looks."""
        until = time.monotonic() + EAGER_SECONDS
        while True:
            try:
                return connection.begin()
            except OperationalError:
                if time.monotonic() > until:
                    raise
