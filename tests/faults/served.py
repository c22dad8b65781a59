"""The product's own `serve` as a process that faults happen to. Its clock is the machine's and an offset that the suite moves.

`python -m tests.faults.served` serves at once. `python -m tests.faults.served nursery` loads the model once and forks a server for each line
of standard input (the environment and the log's path as JSON), answering its process id: on a busy machine that is a start in one second
instead of twenty.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models.pipeline import TRAINED, load
from service import bootstrap
from service.cli import app
from service.versions import shelf

CLOCK = "FAULTS_CLOCK"
"""Variable with the path of the offset: one double, seconds."""


class MovedClock:
    """A clock as far from the machine's as a file says; the suite writes there, the server reads, without a system call."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(struct.pack("d", 0.0))
        with path.open("r+b") as file:
            self._offset = mmap.mmap(file.fileno(), 8)

    def __call__(self) -> datetime:
        """The moment."""
        return datetime.now(UTC) + timedelta(seconds=struct.unpack("d", self._offset[:8])[0])

    def move(self, seconds: float) -> None:
        """Let the clock jump, forward or back."""
        self._offset[:8] = struct.pack("d", struct.unpack("d", self._offset[:8])[0] + seconds)


def serve() -> None:
    """What `python -m service serve` does, by the moved clock."""
    bootstrap.utc_now = MovedClock(Path(os.environ[CLOCK]))
    app(["serve"])


def nursery() -> None:
    """Fork a server a line, until standard input ends."""
    analyzer = load(TRAINED)
    shelf.load = lambda _: analyzer
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while line := sys.stdin.readline():
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            become(asked["environment"], asked["log"])
        print(pid, flush=True)


def become(environment: dict[str, str], log: str) -> None:
    """The forked process: a server, until it is told to stop."""
    os.setsid()  # the suite kills a server with all its processes
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with open(os.devnull) as nothing, open(log, "ab") as out:
        for number, stream in enumerate((nothing, out, out)):
            os.dup2(stream.fileno(), number)
    os.environ.update(environment)
    code = 1
    try:
        serve()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    nursery() if sys.argv[1:] == ["nursery"] else serve()
