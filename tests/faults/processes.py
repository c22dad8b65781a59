"""Servers started, killed and started again on the same port."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.service.serving import alive, children

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
"""Generous: the machine may be busy."""


def wait_for(condition: Callable[[], bool], seconds: float, what: str, pause: float = 0.02) -> None:
    """Look again and again until it holds. Raises TimeoutError naming what was waited for."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(what)
        time.sleep(pause)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Nursery:
    """Forks servers from one process that holds the model; without one (`fresh`) each start is a new interpreter, as in life."""

    fresh: bool = False
    _process: subprocess.Popen[str] | None = None
    _popen: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, environment: Mapping[str, str], log: Path) -> int:
        """The process id of a server that is starting."""
        if self.fresh:
            with log.open("ab") as out:
                made = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.served"],
                    cwd=ROOT,
                    env={**os.environ, **environment},
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            self._popen[made.pid] = made
            return made.pid
        if self._process is None:
            command = [sys.executable, "-m", "tests.faults.served", "nursery"]
            self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert self._process.stdout is not None
            assert self._process.stdout.readline() == "ready\n"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"environment": dict(environment), "log": str(log)}) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def ended(self, pid: int) -> bool:
        """Whether the process is gone."""
        if pid in self._popen:
            return self._popen[pid].poll() is not None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False

    def close(self) -> None:
        """No more servers."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(30)


@dataclass
class Server:
    """One server, at one address through all its lives."""

    nursery: Nursery
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    starts: int = 0
    _pid: int | None = None

    @property
    def pid(self) -> int:
        """Of the process that lives."""
        assert self._pid is not None
        return self._pid

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._pid = self.nursery.start({**self.environment, "FUPAN_PORT": str(self.port)}, self.log)
        self.starts += 1
        wait_for(self._answers, START_SECONDS, f"an answer of the server; its log is {self.log}")

    def _answers(self) -> bool:
        if self.nursery.ended(self.pid):
            raise RuntimeError(f"The server ended: {self.log.read_text()[-2000:]}")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9 of all its processes at once; waits until they are gone. One that is gone already stays so."""
        forked = children(self.pid)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        wait_for(lambda: self.nursery.ended(self.pid) and not any(alive(p) for p in forked), 60, "the end of the processes", 0.005)

    def kill_one(self) -> None:
        """kill -9 of one of its processes, which is replaced: one that answers or the one that works."""
        for pid in random.sample(sorted(children(self.pid)), 1):
            os.kill(pid, signal.SIGKILL)

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._pid is not None and not self.nursery.ended(self._pid)


@contextmanager
def nursery(fresh: bool) -> Iterator[Nursery]:
    """A nursery, closed at the end."""
    made = Nursery(fresh)
    try:
        yield made
    finally:
        made.close()
