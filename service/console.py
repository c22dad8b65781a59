"""What every command does first: settings, model, database; where one is at fault it is named and the program ends with code 2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.artefacts import ArtefactError
from models.pipeline import Analyzer
from service.database import migrate, open_engine, reading
from service.settings import Settings, read_settings
from service.vault import Vault, VaultError
from service.versions.switches import active
from service.wiring import shelf, vault

errors = Console(stderr=True)


def fail(message: str, code: int = 2) -> typer.Exit:
    """The exit of a command that cannot be carried out, to be raised; its message is printed to standard error."""
    errors.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(code)


def settings_or_exit() -> Settings:
    """The settings. Raises typer.Exit where a value is wrong, after naming its variable (never the value)."""
    try:
        return read_settings()
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise fail("\n".join(f"FUPAN_{'_'.join(str(p) for p in f['loc']).upper()}: {f['msg']}" for f in faults)) from None


def analyzer_or_exit(settings: Settings, engine: Engine | None = None) -> Analyzer:
    """The model version that is active in the database; without a database the shipped one."""
    try:
        version = None
        if engine is not None:
            with reading(engine) as session:
                version = active(session)
        return shelf(settings).load(version)
    except ArtefactError as error:
        raise fail(str(error)) from None


def database_or_exit(settings: Settings) -> Engine:
    """The database, brought to the newest revision."""
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
    except SQLAlchemyError as error:  # its text may hold the address with its password
        raise fail(f"FUPAN_DATABASE_URL: the database does not answer or cannot be written ({type(error).__name__})") from None
    return engine


def vault_or_exit(settings: Settings) -> Vault:
    """The vault of stored secrets."""
    try:
        return vault(settings)
    except VaultError as error:
        raise fail(str(error)) from None


def show(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table for a person; where no person looks, whole lines for a program."""
    table = Table(box=None)
    for name in header:
        table.add_column(name, overflow="fold")  # an id cut short is of no use
    for row in rows:
        table.add_row(*("" if v is None else v.strftime("%Y-%m-%d %H:%M") if isinstance(v, datetime) else escape(str(v)) for v in row))
    Console(width=None if Console().is_terminal else 1000).print(table)


def utc_now() -> datetime:
    """The clock of commands and server."""
    return datetime.now(UTC)
