"""What every command does first: settings, model, database; where one is at fault it is named and the program ends with code 2."""

from __future__ import annotations

from datetime import UTC, datetime

import typer
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.artefacts import ArtefactError
from models.pipeline import Analyzer, load
from service.database import migrate, open_engine
from service.settings import Settings

errors = Console(stderr=True)


def fail(message: str, code: int = 2) -> typer.Exit:
    """Say what is wrong; raise what this returns."""
    errors.print(message, style="red", markup=False)
    return typer.Exit(code)


def settings_or_exit() -> Settings:
    """The settings of the environment."""
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            errors.print(f"FUPAN_{'_'.join(str(p) for p in fault['loc']).upper()}: {fault['msg']}", style="red")
        raise typer.Exit(2) from None


def analyzer_or_exit(settings: Settings) -> Analyzer:
    """The trained model."""
    try:
        return load(settings.model_path)
    except ArtefactError as error:
        raise fail(str(error)) from None


def database_or_exit(settings: Settings) -> Engine:
    """The database, brought to the newest revision."""
    engine = open_engine(settings.database_url)
    try:
        migrate(engine)
    except SQLAlchemyError as error:
        raise fail(f"FUPAN_DATABASE_URL: the database does not answer ({type(error).__name__})") from None
    return engine


def utc_now() -> datetime:
    """The clock of commands and server."""
    return datetime.now(UTC)
