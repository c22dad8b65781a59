"""`python -m service serve | work`."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from sqlalchemy.exc import OperationalError

from models.artefacts import ArtefactError
from service import foreign_logs, logs
from service.accounts.demo import DEMO_TENANT
from service.bell import Bell
from service.bootstrap import Prepared, application, prepare, working
from service.console import fail, settings_or_exit
from service.operations.lifecycle import Lifecycle
from service.operations.metrics import share_between_processes
from service.operations.processes import Job, Supervisor
from service.settings import Settings
from service.vault import VaultError

NICENESS = 10


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (FUPAN_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (FUPAN_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Server processes (FUPAN_WORKERS).")] = None,
) -> None:
    """Serve the API and the pages."""
    settings = settings_or_exit()
    given = {"host": host, "port": port, "workers": workers}
    run(settings.model_copy(update={k: v for k, v in given.items() if v is not None}))


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises typer.Exit where that cannot be, after naming why."""
    prepared = _prepared(settings, first_tenant=settings.on_loopback)
    try:
        listening = listen(settings.host, settings.port)
    except OSError as error:
        raise fail(f"{settings.host} port {settings.port}: {error.strerror}") from None
    address = listening.getsockname()
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    print(f"Fupan 复盘: http://{shown}:{address[1]}/", flush=True)
    if prepared.demo_key is not None:
        print(f"Key of the new tenant {DEMO_TENANT}, role admin, shown this once: {prepared.demo_key}", flush=True)
    bell = Bell()
    jobs = [Job("server", partial(_answer, settings, prepared, listening, bell))] * settings.workers
    if settings.work_here:
        jobs.append(Job("work", partial(_work_beside, settings, prepared, listening, bell)))
    with tempfile.TemporaryDirectory(prefix="fupan-metrics-") as folder:
        share_between_processes(Path(folder))
        # Closed at once, so that who connects after SIGTERM is refused and does not wait.
        Supervisor(jobs, settings.shutdown_seconds + settings.hand_back_seconds, Path(folder), listening.close).run()


def work() -> None:
    """Work off what hooks brought, without serving: for a server with FUPAN_WORK_HERE=false, or more of it on another machine."""
    settings = settings_or_exit()
    prepared = _prepared(settings, first_tenant=False)
    _work(settings, prepared, Bell(), lambda: print("Fupan 复盘: working", flush=True))


def _work_beside(settings: Settings, prepared: Prepared, listening: socket.socket, bell: Bell) -> None:
    listening.close()  # who connects must find nobody here once the server processes are gone
    _work(settings, prepared, bell, lambda: None)


def _work(settings: Settings, prepared: Prepared, bell: Bell, begun: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT, then hand back what is under way."""
    os.nice(NICENESS)  # where both want the processor, the hooks get it
    asyncio.run(_until_told(working(settings, prepared, bell), begun))


async def _until_told(lifecycle: Lifecycle, begun: Callable[[], None]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with lifecycle.run():
        begun()
        await ended.wait()


def _prepared(settings: Settings, first_tenant: bool) -> Prepared:
    """What a serving or working process needs, or a message and exit code 2."""
    logs.configure(settings.log_level)
    foreign_logs.take_over(settings.log_level)
    os.umask(0o077)  # the database file holds personal data
    try:
        return prepare(settings, first_tenant)
    except (ArtefactError, VaultError) as error:
        raise fail(str(error)) from None
    except OperationalError:  # its text may hold the address with its password
        raise fail("The database of FUPAN_DATABASE_URL does not answer or cannot be written.") from None
    except OSError as error:
        raise fail(f"{error.filename or 'A file'}: {error.strerror}") from None


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


def _answer(settings: Settings, prepared: Prepared, listening: socket.socket, bell: Bell) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in flight."""
    config = uvicorn.Config(
        application(settings, prepared, bell),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    uvicorn.Server(config).run(sockets=[listening])
