"""`python -m service corrections`: labelled data that trainers made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from service.commands.accounts import TenantOption, find_tenant
from service.console import database_or_exit, fail, settings_or_exit
from service.corrections.complete import complete_notes
from service.database import reading

corrections = typer.Typer(no_args_is_help=True, help="Trainers' corrections as labelled data.")


@corrections.callback()
def _group() -> None:
    """Trainers' corrections as labelled data."""  # one command alone would take the group's place


@corrections.command("export")
def export(
    tenant: TenantOption,
    out: Annotated[Path, typer.Option(help="The file to write, JSON lines; only its owner may read it.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that exists.")] = False,
) -> None:
    """Write the notes of which a trainer said that all labels are right, in corpora's form. They hold personal data as the notes do."""
    engine = database_or_exit(settings_or_exit())
    with reading(engine) as session:
        tenant_id = find_tenant(session, tenant).id
    count = 0
    try:
        if force:
            out.unlink(missing_ok=True)
        out.touch(mode=0o600, exist_ok=False)
        with out.open("w", encoding="utf-8") as file:
            for note in complete_notes(engine, tenant_id):
                file.write(json.dumps(note, ensure_ascii=False) + "\n")
                count += 1
    except FileExistsError:
        raise fail("--out: the file exists; --force writes over it", 1) from None
    except OSError as error:
        raise fail(f"--out: {error.strerror}", 1) from None
    print(f"{out}: {count} notes")
