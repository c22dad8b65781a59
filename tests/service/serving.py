"""Servers started as an operator starts them, with settings of the test's own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import httpx

from tests.service.forking import Forked, Nursery

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "A" * 43 + "="


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Return once the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def children(pid: int) -> set[int]:
    """The processes that a process has forked, as the kernel lists them."""
    try:
        return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


def alive(pid: int) -> bool:
    """Whether a process is there, and is not a dead one that nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Serving:
    """A running `python -m service serve`, its files in `folder`: forked from the nursery, or an interpreter of its own, where `program` runs."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = ("serve",),
        program: Sequence[str] = ("-m", "service"),
        nursery: Nursery | None = None,
        **settings: str,
    ) -> None:
        self.database = folder / "fupan.sqlite3"
        self.log_path = folder / "server.log"
        self._log_file = self.log_path.open("a")
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "FUPAN_PORT": "0",
            "FUPAN_DATABASE_URL": f"sqlite:///{self.database}",
            "FUPAN_SECRET_KEY": SECRET_KEY,
            "FUPAN_REQUESTS_PER_MINUTE": "1000000",
            "FUPAN_REQUEST_BURST": "1000000",
            **settings,
        }
        self.process: subprocess.Popen[str] | Forked
        if nursery is None:
            command = [sys.executable, *program, *arguments]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=self._log_file, text=True, start_new_session=True
            )
        else:
            self.process = nursery.start(arguments, environment, self._log_file)
        assert self.process.stdout is not None
        self.said = self.process.stdout.readline()
        assert self.said, self.log
        found = re.search(r"http://\S+/", self.said)
        self.url = found[0].rstrip("/").replace("0.0.0.0", "127.0.0.1") if found else ""

    @cached_property
    def key(self) -> str:
        """The admin key that the first start on a database tells; set it for a later start."""
        assert self.process.stdout is not None
        shown = re.search(r"fk_[A-Za-z0-9_-]{43}", self.process.stdout.readline())
        assert shown, "no key at the first start"
        return shown[0]

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def call(self, method: str, path: str, **request) -> httpx.Response:
        """A request with the admin key."""
        return httpx.request(method, self.url + path, headers={"authorization": f"Bearer {self.key}"}, timeout=60, **request)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; the exit code. SIGKILL goes to all of its processes at once, as when a machine loses its power."""
        if self.process.poll() is None and number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        elif self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(60)
        self._log_file.close()
        return code
