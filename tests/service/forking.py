"""Servers forked from one process that holds the program and the shipped model, so that a start takes a moment and not an interpreter's seconds.

`python -m tests.service.forking FD` takes, on a Unix socket, a line of arguments and environment with three descriptors: standard output, standard
error, and a socket on which the server's process id is told and, at its end, its exit code.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 1 << 16


class Forked:
    """A forked process, by the names of subprocess.Popen."""

    def __init__(self, teller: socket.socket, stdout: IO[str]) -> None:
        self._teller, self.stdout = teller, stdout
        self.pid = int(teller.recv(LONGEST))
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        with suppress(BlockingIOError):
            self._hear(0)
        return self._code

    def wait(self, seconds: float | None = None) -> int:
        """The exit code at the end. Raises TimeoutError where that does not come in time."""
        self._hear(seconds)
        assert self._code is not None
        return self._code

    def send_signal(self, number: int) -> None:
        """To a process that runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """It alone, none of the processes it has forked."""
        self.send_signal(signal.SIGKILL)

    def _hear(self, seconds: float | None) -> None:
        if self._code is None:
            self._teller.settimeout(seconds)
            self._code = int(self._teller.recv(LONGEST))
            self._teller.close()


class Nursery:
    """The process that servers are forked from; it is started with the first of them."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: IO[str]) -> Forked:
        """`python -m service` with these arguments and no other environment."""
        if self._ours is None:
            self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                command = [sys.executable, "-m", "tests.service.forking", str(theirs.fileno())]
                self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        (reader, writer), (told, teller) = os.pipe(), socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        asked = json.dumps([list(arguments), dict(environment)]).encode()
        socket.send_fds(self._ours, [asked], [writer, log.fileno(), teller.fileno()])
        os.close(writer)
        teller.close()
        return Forked(told, os.fdopen(reader))

    def close(self) -> None:
        """No more servers."""
        if self._ours is not None:
            self._ours.close()
            self._process.wait(30)


def main(descriptor: int) -> None:
    """Fork a server a request, until nobody can ask any more."""
    from models.pipeline import TRAINED, load
    from service.versions import shelf

    analyzer = load(TRAINED)
    shelf.load = lambda folder: analyzer if folder == TRAINED else load(folder)  # type: ignore[attr-defined]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    asking = socket.socket(fileno=descriptor)
    while True:
        asked, given, _, _ = socket.recv_fds(asking, LONGEST, 3)
        if not asked:
            return
        if os.fork() == 0:
            asking.close()
            keep(*json.loads(asked), *given)
        for one in given:
            os.close(one)


def keep(arguments: list[str], environment: dict[str, str], out: int, log: int, teller: int) -> None:
    """Fork the server and tell its process id and its exit code: who asked is not its parent."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    telling = socket.socket(fileno=teller)
    pid = os.fork()
    if pid == 0:
        telling.close()
        become(arguments, environment, out, log)
    os.close(out)
    telling.send(str(pid).encode())
    telling.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
    os._exit(0)


def become(arguments: list[str], environment: dict[str, str], out: int, log: int) -> None:
    """The forked process: the program, until it ends."""
    from service.cli import app

    os.setsid()  # a test kills a server with all its processes
    with open(os.devnull) as nothing:
        for number, descriptor in enumerate((nothing.fileno(), out, log)):
            os.dup2(descriptor, number)
    os.close(out)
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        app(arguments)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
