"""The database: one engine, one metadata, migrated by Alembic. It holds no note text; so far only which model versions served here."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, String, create_engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

MIGRATIONS = Path(__file__).parent / "migrations"


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
    engine = create_engine(address)
    if address.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def _wal(connection: object, _: object) -> None:
            cursor = connection.cursor()  # type: ignore[attr-defined]
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA busy_timeout=5000")
            cursor.close()

    return engine


def migrate(engine: Engine) -> None:
    """Bring the schema to the newest revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def reachable(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


def record_served(engine: Engine, version: str, corpus_hash: str, trained_at: str, now: datetime) -> None:
    """Note that this model version is served from now on, once."""
    with Session(engine) as session, session.begin():
        if session.scalar(select(ServedModel).where(ServedModel.version == version)) is None:
            session.add(ServedModel(version=version, corpus_hash=corpus_hash, trained_at=trained_at, first_served_at=now))
