"""`python -m service import`: a file to notes by command line, for who has the database; goes on where a killed one stood."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy import Engine

from service.accounts.access import Principal
from service.bootstrap import hooks
from service.commands.accounts import find_tenant, team_id_of
from service.console import analyzer_or_exit, database_or_exit, errors, fail, settings_or_exit, utc_now
from service.database import reading, writing
from service.imports import store
from service.imports.analyses import in_processes
from service.imports.cells import FileError, shown
from service.imports.files import Sample
from service.imports.guessing import FIELD_WORDS, FIELDS, Field
from service.imports.pages import STATES, fault_lines
from service.imports.rows import Matching
from service.imports.tables import Import
from service.imports.working import Working

CORES = len(os.sched_getaffinity(0))


def import_(
    file: Annotated[Path | None, typer.Argument(help="A .xlsx, .csv or .jsonl file that a CRM exported.")] = None,
    tenant: Annotated[str, typer.Option(help="Id or name of the tenant.")] = "",
    team: Annotated[str | None, typer.Option(help="Id or name of the team all notes go to; without it, the file's team column.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help=f"FIELD=HEADER, corrects the guess; FIELD= leaves it out. Fields: {', '.join(FIELDS)}.")
    ] = None,
    day_first: Annotated[bool | None, typer.Option(help="Whether 1/2/2026 is 1 February; guessed from the column.")] = None,
    unknown: Annotated[str, typer.Option(help="People and teams not known yet: create, or refuse their rows.")] = "create",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether the columns are right.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with an import (im_…) that was interrupted.")] = None,
    faults: Annotated[Path | None, typer.Option(help="Write the rows at fault to this CSV file.")] = None,
    processes: Annotated[int, typer.Option(min=1, help="How many processes analyze; as many as there are cores.")] = CORES,
) -> None:
    """Import a file of notes: all of it is seen at once when it is done, or nothing of it."""
    if (file is None) == (resume is None):
        raise fail("Give a file, or --resume with an import's id.")
    if unknown not in ("create", "refuse"):
        raise fail("--unknown: create or refuse")
    settings = settings_or_exit()
    engine = database_or_exit(settings)
    with reading(engine) as session:
        owner = find_tenant(session, tenant).id
        team_id = None if team is None else team_id_of(session, owner, team)
    if file is not None:
        import_id = _begin(engine, owner, team_id, file, settings.max_import_bytes, column or [], day_first, unknown, yes)
    else:
        assert resume is not None
        import_id = resume
    principal = Principal(owner, "command", "admin")
    with reading(engine) as session:
        if store.find(session, principal, import_id) is None:
            raise fail("--resume: there is no such import", 1)
    analyzer = analyzer_or_exit(settings, engine)
    engine.dispose()  # no connection is forked
    with in_processes(analyzer, processes, date.today()) as analyses:
        row = _work(Working(engine, analyses, date.today, utc_now, hooks().erasers, settings.max_note_characters), import_id)
    if faults is not None and row.faults:
        faults.write_bytes(b"".join(fault_lines(engine, row)))
    print(f"{row.id} {STATES[row.state]}: {row.total} rows, {row.stored} imported, {row.known} known before, {row.faults} at fault")
    if row.state != "done":
        raise fail(row.reason or "The import is not done; --resume goes on with it", 1)


def _begin(
    engine: Engine, tenant_id: str, team_id: str | None, path: Path, limit: int, corrections: list[str], day_first: bool | None, unknown: str,
    yes: bool,
) -> str:  # fmt: skip
    try:
        if path.stat().st_size > limit:
            raise fail(f"The file is larger than FUPAN_MAX_IMPORT_BYTES ({limit})")
        with path.open("rb") as file, writing(engine) as session:
            row, seen = store.create(session, tenant_id, team_id, path.name, file, utc_now())
            matching = _corrected(store.matching_of(row), seen, corrections, day_first, unknown)
            _show(seen, matching)
            if not yes and errors.is_terminal and not typer.confirm("这样对吗？", err=True):
                raise fail("Nothing was imported; --column corrects a column", 1)
            store.start(row, matching, utc_now())
            return row.id
    except (FileError, OSError) as error:
        raise fail(error.strerror or "The file cannot be read" if isinstance(error, OSError) else str(error)) from None


def _corrected(matching: Matching, seen: Sample, corrections: list[str], day_first: bool | None, unknown: str) -> Matching:
    fields: dict[Field, int] = dict(matching.fields)
    for correction in corrections:
        name, _, header = correction.partition("=")
        field = next((f for f in FIELDS if f == name), None)
        if field is None or (header and header not in seen.columns):
            raise fail(f"--column: FIELD=HEADER with a field of {', '.join(FIELDS)} and a header of the file")
        fields.pop(field, None)
        if header:
            at = seen.columns.index(header)
            fields = {f: i for f, i in fields.items() if i != at} | {field: at}
    if "text" not in fields:
        raise fail("No column holds the notes' text: name it by --column text=HEADER")
    order = matching.order if day_first is None else "dmy" if day_first else "mdy"
    return Matching(fields, order, "create" if unknown == "create" else "refuse")


def _show(seen: Sample, matching: Matching) -> None:
    """Which column is taken for what, with its first values, on standard error."""
    table = Table("列", "前三个值", "是什么")
    words = {i: FIELD_WORDS[field] for field, i in matching.fields.items()}
    for i, (name, values) in enumerate(zip(seen.columns, seen.values, strict=True)):
        table.add_row(escape(name), escape("\n".join(shown(v)[:40] for v in values[:3])), words.get(i, "—"))
    errors.print(table)


def _work(working: Working, import_id: str) -> Import:
    """Work to the end, in this process, with a bar; a server that finds the import waiting leaves it alone meanwhile."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        task = progress.add_task("", total=None)

        def told(row: Import) -> None:
            reading_file = row.state == "reading"
            progress.update(
                task,
                description=STATES[row.state],
                completed=row.total if reading_file else row.handled,
                total=None if reading_file else row.total,
            )

        working.go_on(import_id, lambda: False, lambda: False, told)
    with reading(working.engine) as session:
        row = session.get_one(Import, import_id)
        session.expunge(row)
        return row
