"""Serving: the socket, the address and key that are printed, and one process or several that answer."""

from __future__ import annotations

import os
import socket
import tempfile
from functools import partial
from pathlib import Path

import uvicorn
from sqlalchemy.exc import OperationalError

from models.artefacts import ArtefactError
from service import foreign_logs, logs
from service.accounts.demo import DEMO_TENANT
from service.bootstrap import Prepared, assemble, prepare
from service.console import fail
from service.operations.metrics import share_between_processes
from service.operations.processes import Supervisor
from service.settings import Settings
from service.vault import VaultError


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


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises typer.Exit where that cannot be, after naming why."""
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
