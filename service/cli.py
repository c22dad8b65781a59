"""`python -m service analyze | serve | work | reanalyze`, and the groups keys, tenants, teams, people, retention, integrations."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from models.artefacts import ArtefactError
from models.pipeline import Analyzer
from service import logs
from service.accounts.commands import keys, people, teams, tenants
from service.accounts.demo import DEMO_TENANT
from service.api import ANALYSIS
from service.bootstrap import bootstrap
from service.console import analyzer_or_exit, errors, settings_or_exit
from service.inbound.commands import integrations
from service.notefiles import NoteFileError, read_notes
from service.notes.commands import reanalyze, retention
from service.problems import Problem
from service.requests import item_error, parse_item
from service.terminal import show
from service.vault import VaultError

NICENESS = 10

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Fupan 复盘: analyze sales visit notes.")

for _name, _commands in (
    ("tenants", tenants),
    ("teams", teams),
    ("people", people),
    ("keys", keys),
    ("retention", retention),
    ("integrations", integrations),
):
    app.add_typer(_commands, name=_name)
app.command()(reanalyze)


@app.command()
def analyze(
    notes: Annotated[
        str | None, typer.Argument(help="A .jsonl, .csv or .xlsx file of notes, or - for JSON lines on standard input.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="One note, shown for a person.")] = None,
) -> None:
    """One analysis a line, in input order; a broken line gives an error object in its place and exit code 1 at the end."""
    if (notes is None) == (text is None):
        errors.print("Give a file of notes (or -), or one note by --text.", style="red")
        raise typer.Exit(2)
    settings = settings_or_exit()
    if text is not None:
        note = parse_item({"text": text}, settings.max_note_characters)
        if isinstance(note, Problem):
            errors.print("；".join(f"{e.field}: {e.message}" for e in note.errors), style="red")
            raise typer.Exit(1)
        show(Console(), text, analyzer_or_exit(settings).analyze(note, date.today()))
        return
    assert notes is not None
    try:
        items = list(read_notes(None if notes == "-" else Path(notes), sys.stdin.buffer))
    except NoteFileError as error:
        errors.print(str(error), style="red")
        raise typer.Exit(2) from None
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


@app.command()
def work() -> None:
    """Work off what hooks brought, without serving: beside a server with FUPAN_WORK_HERE=false, so that hooks never wait for analyses."""
    settings = settings_or_exit()
    logs.configure(settings.log_level)
    os.nice(NICENESS)  # where both want the processor, the hooks get it
    try:
        service = bootstrap(settings.model_copy(update={"work_here": True}))
    except (ArtefactError, VaultError) as error:
        errors.print(str(error), style="red")
        raise typer.Exit(2) from None
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    service.start_work()
    print("Fupan 复盘: working", flush=True)
    ended.wait()
    service.stop_work()


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
) -> None:
    """Serve the API and the pages."""
    settings = settings_or_exit()
    settings = settings.model_copy(update={k: v for k, v in (("host", host), ("port", port)) if v is not None})
    logs.configure(settings.log_level)
    try:
        service = bootstrap(settings)
    except (ArtefactError, VaultError) as error:
        errors.print(str(error), style="red")
        raise typer.Exit(2) from None
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        errors.print(f"{settings.host} port {settings.port}: {error.strerror}", style="red")
        raise typer.Exit(2) from None
    server = uvicorn.Server(uvicorn.Config(service.app, access_log=False, log_level="warning", server_header=False))
    address = listening.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    print(f"Fupan 复盘: http://{shown}:{address[1]}/", flush=True)
    if service.demo_key is not None:
        print(f"Key of the new tenant {DEMO_TENANT}, role admin, shown this once: {service.demo_key}", flush=True)
    server.run(sockets=[listening])
