"""A real server on loopback with its own database, and a client for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A running `python -m service serve`; `log` is its standard error so far."""

    def __init__(self, folder: Path) -> None:
        self._log_path = folder / "server.log"
        environment = {
            **os.environ,
            "FUPAN_PORT": "0",
            "FUPAN_DATABASE_URL": f"sqlite:///{folder / 'fupan.sqlite3'}",
            "FUPAN_MAX_BODY_BYTES": "2000000",
        }
        self.database = folder / "fupan.sqlite3"
        self._log_file = self._log_path.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=self._log_file, text=True
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+/", line)
        assert found, f"no address in {line!r}: {self._log_path.read_text()}"
        self.url = found[0].rstrip("/")

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        self._log_file.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=60) as http:
        yield http
