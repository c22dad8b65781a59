"""Whether this process could do its work now: model files as they were trained, database answering, schema at its newest revision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from models.artefacts import ArtefactError, model_files, verify
from service.database import MIGRATIONS, read_only
from service.problems import FieldFault

MODEL, DATABASE, SCHEMA = "model", "database", "schema"
LOOKING = 2.0
"""Seconds another look at the database is waited for."""


def head_revision() -> str | None:
    """The newest revision of the migrations that come with this program."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


class Readiness:
    """Looks at database and model when asked; `folder` tells where the files of the model in use are. They are read again only after one of
    them was touched."""

    def __init__(self, engine: Engine, folder: Callable[[], Path]) -> None:
        self._engine, self._folder = engine, folder
        self._head = head_revision()
        self._looking = threading.Lock()
        self._seen: tuple[tuple[str, int, int], ...] | None = None
        self._model_fault: str | None = None

    def faults(self) -> list[FieldFault]:
        """What stands in the way, by name: `model`, `database`, `schema`; empty when ready. Blocks while the database is waited for."""
        found = [(MODEL, self._model()), *self._database()]
        return [FieldFault(field=name, message=message) for name, message in found if message]

    def database_up(self) -> bool:
        """Whether the database answers and has the schema."""
        return not self._database()

    def _model(self) -> str | None:
        folder = self._folder()
        try:
            now = tuple((str(f), (s := f.stat()).st_mtime_ns, s.st_size) for f in sorted(folder.rglob("*")) if f.is_file())
        except OSError:  # a file went between being listed and looked at
            now = ()
        if now != self._seen or not now:
            try:
                verify(folder)
                self._model_fault = None
            except (ArtefactError, OSError, ValueError):
                there = model_files(folder)
                self._model_fault = "The trained model has changed or is incomplete" if there else "The trained model is missing"
            self._seen = now
        return self._model_fault

    def _database(self) -> list[tuple[str, str]]:
        file = self._engine.url.database
        # A connection to a SQLite file that is gone would make an empty one, or go on reading the unlinked one.
        if self._engine.dialect.name == "sqlite" and file and file != ":memory:" and not Path(file).is_file():
            return [(DATABASE, "The database file is missing")]
        # One look at a time: where a dead network lets connections hang, those who ask meanwhile are told so and do not hang too.
        if not self._looking.acquire(timeout=LOOKING):
            return [(DATABASE, "The database does not answer")]
        try:
            with read_only(self._engine).connect() as connection:
                revision = MigrationContext.configure(connection).get_current_revision()
        except Exception:  # whatever the driver says may hold the address and its password
            return [(DATABASE, "The database does not answer")]
        finally:
            self._looking.release()
        return (
            []
            if revision == self._head
            else [(SCHEMA, "The database's schema is not the one of this version: start the service once to migrate it")]
        )
