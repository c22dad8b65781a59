"""`python -m service analyze | serve | reanalyze | audit | backup | restore`, and the groups of commands of the rooms."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import OperationalError

from models.artefacts import ArtefactError
from models.pipeline import Analyzer
from service import foreign_logs, logs
from service.accounts.commands import keys, people, teams, tenants
from service.accounts.demo import DEMO_TENANT
from service.api import ANALYSIS
from service.audits.commands import audit
from service.bootstrap import Prepared, assemble, prepare
from service.console import analyzer_or_exit, errors, fail, settings_or_exit
from service.inbound.commands import integrations
from service.notefiles import NoteFileError, read_notes
from service.notes.commands import reanalyze, retention
from service.operations.commands import backup, restore
from service.operations.metrics import share_between_processes
from service.operations.processes import Supervisor
from service.outbound.commands import deliveries, subscriptions
from service.problems import Problem
from service.requests import item_error, parse_item
from service.settings import Settings
from service.terminal import show
from service.vault import VaultError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Fupan 复盘: analyze sales visit notes.")

for _name, _commands in (
    ("tenants", tenants),
    ("teams", teams),
    ("people", people),
    ("keys", keys),
    ("retention", retention),
    ("integrations", integrations),
    ("subscriptions", subscriptions),
    ("deliveries", deliveries),
):
    app.add_typer(_commands, name=_name)
for _command in (reanalyze, audit, backup, restore):
    app.command()(_command)


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
        for number, item in progress.track(items, total=len(items)):
            note = item if isinstance(item, Problem) else parse_item(item, limit)
            if isinstance(note, Problem):
                failed += 1
                out.write(item_error(number, item, note).model_dump_json(exclude_none=True).encode() + b"\n")
            else:
                out.write(ANALYSIS.dump_json(analyzer.analyze(note, today)) + b"\n")
    out.flush()
    return failed


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections before its address is printed.

    The protocol is named because asyncio switches Nagle's delay off only on sockets that say TCP; with it each answer waits 40 ms.
    Raises OSError where the address cannot be had.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(address)
    listening.listen(2048)
    return listening


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FUPAN_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FUPAN_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Server processes (FUPAN_WORKERS).")] = None,
) -> None:
    """Serve the API and the pages."""
    settings = settings_or_exit()
    given = {"host": host, "port": port, "workers": workers}
    settings = settings.model_copy(update={k: v for k, v in given.items() if v is not None})
    logs.configure(settings.log_level)
    foreign_logs.take_over(settings.log_level)
    os.umask(0o077)  # the database file holds personal data
    try:
        prepared = prepare(settings)
    except (ArtefactError, VaultError) as error:
        raise fail(str(error)) from None
    except OperationalError:  # its text may hold the address with its password
        raise fail("The database of FUPAN_DATABASE_URL does not answer or cannot be written.") from None
    except OSError as error:
        raise fail(f"{error.filename or 'A file'}: {error.strerror}") from None
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        raise fail(f"{settings.host} port {settings.port}: {error.strerror}") from None
    address = listening.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    print(f"Fupan 复盘: http://{shown}:{address[1]}/", flush=True)
    if prepared.demo_key is not None:
        print(f"Key of the new tenant {DEMO_TENANT}, role admin, shown this once: {prepared.demo_key}", flush=True)
    if settings.workers == 1:
        _answer(settings, prepared, listening)
        return
    with tempfile.TemporaryDirectory(prefix="fupan-metrics-") as folder:
        share_between_processes(Path(folder))
        work = partial(_worker, settings, prepared, listening)
        Supervisor(settings.workers, work, settings.shutdown_seconds + settings.hand_back_seconds, Path(folder)).run()


def _worker(settings: Settings, prepared: Prepared, listening: socket.socket, _: int) -> None:
    _answer(settings, prepared, listening)


def _answer(settings: Settings, prepared: Prepared, listening: socket.socket) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in flight."""
    config = uvicorn.Config(
        assemble(settings, prepared),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    uvicorn.Server(config).run(sockets=[listening])
