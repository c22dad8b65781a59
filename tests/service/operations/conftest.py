"""Servers started as an operator starts them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[3]


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Return once the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Running:
    """`serve` with settings of the test's own; `program` runs instead of `-m service` where given."""

    def __init__(
        self, folder: Path, program: tuple[str, ...] = ("-m", "service"), arguments: tuple[str, ...] = (), **settings: str
    ) -> None:
        self.log_path = folder / "server.log"
        self._log_file = self.log_path.open("w")
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "FUPAN_PORT": "0",
            "FUPAN_DATABASE_URL": f"sqlite:///{folder / 'fupan.sqlite3'}",
            **settings,
        }
        command = [sys.executable, *program, "serve", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=self._log_file, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+/", self.process.stdout.readline())
        assert found, self.log_path.read_text()
        self.url = found[0].rstrip("/").replace("0.0.0.0", "127.0.0.1")

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(40)
        self._log_file.close()
        return code


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a server; all are stopped at the test's end."""
    started: list[Running] = []

    def start(**options: object) -> Running:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Running(folder, **options))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for server in started:
        server.stop(signal.SIGKILL)
