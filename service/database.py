"""The database: one engine, one metadata, migrated by Alembic. It holds no note text; so far only which model versions served here."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, String, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

MIGRATIONS = Path(__file__).parent / "migrations"

MIGRATION_LOCK = 0x66757061
"""Any number of our own, for PostgreSQL's advisory lock."""


class Base(DeclarativeBase):
    """The tables of the service."""


class ServedModel(Base):
    """A model version this installation has served, so that a later result can say which version said what."""

    __tablename__ = "served_models"

    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    corpus_hash: Mapped[str] = mapped_column(String(64))
    trained_at: Mapped[str] = mapped_column(String(40))
    first_served_at: Mapped[datetime]


def open_engine(url: str) -> Engine:
    """An engine for the address; a SQLite file's folder is made and its journal set to WAL."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite" and address.database and address.database != ":memory:":
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    # Parameters of statements are note text: they stay out of every error's message.
    options: dict[str, Any] = {"hide_parameters": True}
    if address.get_backend_name() == "postgresql":
        # A connection the database has dropped is made anew (it mends by itself); one that cannot be made fails soon.
        options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
    engine = create_engine(address, **options)
    if address.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def _wal(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

    return engine


def migrate(on: Engine | Connection, revision: str = "head") -> None:
    """Bring the schema to a revision, by default the newest; on a connection, as part of its transaction."""
    if isinstance(on, Engine):
        with on.begin() as connection:
            migrate(connection, revision)
        return
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    if on.dialect.name == "postgresql":  # several machines that start at once migrate one after the other
        on.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
    config.attributes["connection"] = on
    command.upgrade(config, revision)


def record_served(engine: Engine, version: str, corpus_hash: str, trained_at: str, now: datetime) -> None:
    """Note that this model version is served from now on, once."""
    with suppress(IntegrityError), Session(engine) as session, session.begin():  # another machine has noted it meanwhile
        if session.scalar(select(ServedModel).where(ServedModel.version == version)) is None:
            session.add(ServedModel(version=version, corpus_hash=corpus_hash, trained_at=trained_at, first_served_at=now))
