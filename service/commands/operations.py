"""`python -m service backup | restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service.console import fail, settings_or_exit, utc_now
from service.database import open_engine, writing
from service.inbound import events
from service.operations.backup import BackupError, check_backup, restore_backup, write_backup
from service.outbound import outbox
from service.settings import Settings
from service.vault import VaultError, key_path, read_key, write_key

Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]


def backup(path: Annotated[Path, typer.Argument(help="The file to write, e.g. fupan-2026-11-26.jsonl.gz.")], force: Force = False) -> None:
    """Write all stored data to a file; the service may go on serving meanwhile."""
    rows = _carried_out(lambda engine, settings: write_backup(engine, path, force, _own_key(settings)))
    typer.echo(f"{path}: {sum(rows.values())} rows of {len(rows)} tables")


def restore(path: Annotated[Path, typer.Argument(help="A file written by `backup`.")], force: Force = False) -> None:
    """Put a backup into the database of FUPAN_DATABASE_URL, SQLite or PostgreSQL. Stop the service before."""

    def restored(engine: Engine, settings: Settings) -> dict[str, int]:
        rows = restore_backup(engine, path, force)
        with writing(engine) as session:
            events.hand_over_again(session, utc_now())
            outbox.hand_over_again(session)
        _put_back(check_backup(path).get("key"), settings, path)
        return rows

    rows = _carried_out(restored)
    typer.echo(f"{path}: {sum(rows.values())} rows restored")


def _own_key(settings: Settings) -> str | None:
    """The key of stored secrets, where it stands in a file beside the database and not in the operator's own keeping."""
    path = key_path(settings.database_url)
    return read_key(path) if settings.secret_key is None and path is not None and path.exists() else None


def _put_back(key: str | None, settings: Settings, backup_path: Path) -> None:
    """Let the restored secrets open again: the backup's key goes into the key file, or into a file the operator takes it from."""
    set_keys = settings.secret_key.get_secret_value().split(",") if settings.secret_key is not None else []
    if key is None or key in [k.strip() for k in set_keys]:
        return
    path = key_path(settings.database_url) if settings.secret_key is None else None
    if path is None:
        path = backup_path.with_name(backup_path.name + ".key")
        typer.echo(f"Stored secrets open with the key in {path}: append it to FUPAN_SECRET_KEY after a comma, then delete that file")
    if path.exists() and read_key(path) != key:
        path.rename(path.with_name(path.name + ".before-restore"))
    write_key(path, key)


def _carried_out(work: Callable[[Engine, Settings], dict[str, int]]) -> dict[str, int]:
    """The work's answer, or a message and exit code 2; the messages of drivers may hold data and passwords and are not shown."""
    settings = settings_or_exit()
    engine = open_engine(settings.database_url)
    try:
        return work(engine, settings)
    except (BackupError, VaultError) as error:
        raise fail(str(error)) from None
    except OSError as error:
        raise fail(f"{error.filename or 'The file'}: {error.strerror}") from None
    except SQLAlchemyError as error:
        raise fail(f"The database did not do it ({type(error).__name__}); nothing was changed") from None
    finally:
        engine.dispose()
