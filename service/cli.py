"""`python -m service analyze`, and the commands of service/commands/."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.analysis import Note
from models.pipeline import Analyzer
from service.api import ANALYSIS, CHUNK
from service.commands.accounts import keys, people, teams, tenants
from service.commands.audit import audit
from service.commands.corrections import corrections
from service.commands.demo import demo
from service.commands.imports import import_
from service.commands.inbound import integrations
from service.commands.notes import reanalyze, retention
from service.commands.operations import backup, restore
from service.commands.outbound import deliveries, subscriptions
from service.commands.rubrics import rubrics
from service.commands.serving import serve, work
from service.commands.versions import models
from service.console import analyzer_or_exit, errors, fail, settings_or_exit
from service.notefiles import NoteFileError, read_notes
from service.problems import Problem
from service.requests import item_error, parse_item
from service.terminal import show

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Fupan 复盘: analyze sales visit notes.")

for _name, _commands in (
    ("tenants", tenants),
    ("teams", teams),
    ("people", people),
    ("keys", keys),
    ("retention", retention),
    ("corrections", corrections),
    ("integrations", integrations),
    ("subscriptions", subscriptions),
    ("deliveries", deliveries),
    ("models", models),
    ("rubrics", rubrics),
):
    app.add_typer(_commands, name=_name)
for _command in (serve, work, reanalyze, audit, backup, restore):
    app.command()(_command)
app.command("import")(import_)
app.command()(demo)


@app.command()
def analyze(
    notes: Annotated[
        str | None, typer.Argument(help="A .jsonl, .csv or .xlsx file of notes, or - for JSON lines on standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="One note, shown for a person.")] = None,
) -> None:
    """One analysis a line, in input order; a broken line gives an error object in its place and exit code 1 at the end."""
    if (notes is None) == (text is None):
        raise fail("Give a file of notes (or -), or one note by --text.")
    settings = settings_or_exit()
    if text is not None:
        note = parse_item({"text": text}, settings.max_note_characters)
        if isinstance(note, Problem):
            raise fail("；".join(f"{e.field}: {e.message}" for e in note.errors), 1)
        show(Console(), text, analyzer_or_exit(settings).analyze(note, date.today()))
        return
    assert notes is not None
    try:
        items = list(read_notes(None if notes == "-" else Path(notes), sys.stdin.buffer))
    except NoteFileError as error:
        raise fail(str(error)) from None
    if _write(analyzer_or_exit(settings), items, settings.max_note_characters):
        raise typer.Exit(1)


def _write(analyzer: Analyzer, items: list[tuple[int, Any]], limit: int) -> int:
    """Write one line an item to standard output; how many are errors."""
    out, today, failed = sys.stdout.buffer, date.today(), 0
    columns = (TextColumn("分析"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=len(items))
        for first in range(0, len(items), CHUNK):
            part = items[first : first + CHUNK]
            notes = [item if isinstance(item, Problem) else parse_item(item, limit) for _, item in part]
            analyses = iter(analyzer.analyze_all([note for note in notes if isinstance(note, Note)], today))
            for (number, item), note in zip(part, notes, strict=True):
                if isinstance(note, Problem):
                    failed += 1
                    out.write(item_error(number, item, note).model_dump_json(exclude_none=True).encode() + b"\n")
                else:
                    out.write(ANALYSIS.dump_json(next(analyses)) + b"\n")
            progress.advance(task, len(part))
    out.flush()
    return failed
