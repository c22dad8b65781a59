"""`python -m service backup | restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service.console import fail, settings_or_exit
from service.database import open_engine
from service.operations.backup import BackupError, restore_backup, write_backup

Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


def backup(path: Annotated[Path, typer.Argument(help="The file to write, e.g. fupan-2026-11-26.jsonl.gz.")], force: Force = False) -> None:
    """Write all stored data to a file; the service may go on serving meanwhile."""
    rows = _carried_out(lambda engine: write_backup(engine, path, force))
    typer.echo(f"{path}: {sum(rows.values())} rows of {len(rows)} tables")


def restore(path: Annotated[Path, typer.Argument(help="A file written by `backup`.")], force: Force = False) -> None:
    """Put a backup into the database of FUPAN_DATABASE_URL, SQLite or PostgreSQL. Stop the service before."""
    rows = _carried_out(lambda engine: restore_backup(engine, path, force))
    typer.echo(f"{path}: {sum(rows.values())} rows restored")


def _carried_out(work: Callable[[Engine], dict[str, int]]) -> dict[str, int]:
    """The work's answer, or a message and exit code 2; the messages of drivers may hold data and passwords and are not shown."""
    engine = open_engine(settings_or_exit().database_url)
    try:
        return work(engine)
    except BackupError as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"{error.filename or 'The file'}: {error.strerror}") from None
    except SQLAlchemyError as error:
        raise fail(f"The database did not do it ({type(error).__name__}); nothing was changed") from None
    finally:
        engine.dispose()
