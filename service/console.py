"""What every command needs: settings, or a message and exit code 2."""

from __future__ import annotations

import typer
from pydantic import ValidationError
from rich.console import Console

from service.settings import Settings, read_settings

errors = Console(stderr=True)


def fail(message: str) -> typer.Exit:
    """The exit, code 2, of a command that cannot be carried out; its message is printed to standard error."""
    errors.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(2)


def settings_or_exit() -> Settings:
    """The settings. Raises typer.Exit where a value is wrong, after naming its variable (never the value)."""
    try:
        return read_settings()
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False)
        raise fail("\n".join(f"FUPAN_{'_'.join(str(p) for p in f['loc']).upper()}: {f['msg']}" for f in faults)) from None
