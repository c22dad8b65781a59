"""Several server processes on one socket: the model is loaded once and shared by fork (a process more costs some 30 MB, not 200)."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import structlog
from prometheus_client import multiprocess

from service.logs import place

PAUSE = 1.0
"""Seconds between the start of a process and its replacement at the earliest, so that one that cannot start does not spin."""
GRACE = 5.0
"""Seconds given beyond the shutdown time for closing, before a process is killed."""


@dataclass
class Supervisor:
    """Keeps `count` forked processes running `work(index)` until told to stop; one that dies is replaced.

    Fork only before threads and connections exist. `metrics_folder` holds the processes' counts.
    """

    count: int
    work: Callable[[int], None]
    shutdown_seconds: float
    metrics_folder: Path
    _running: dict[int, int] = field(default_factory=dict)
    _started: dict[int, float] = field(default_factory=dict)
    _waiting: list[int] = field(default_factory=list)
    _stopping: float | None = None

    def run(self) -> None:
        """Block until SIGTERM or SIGINT came and every process ended; each gets the signal and the shutdown time to finish."""
        gc.collect()
        gc.freeze()  # what is loaded stays in pages that the collector never writes to, so they stay shared
        before = {s: signal.signal(s, self._stop) for s in (signal.SIGTERM, signal.SIGINT)}
        try:
            for index in range(self.count):
                self._fork(index)
            while self._running or (self._waiting and self._stopping is None):
                self._reap()
                self._kill_late()
                time.sleep(0.05)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _: int, __: FrameType | None) -> None:
        if self._stopping is None:
            self._stopping = time.monotonic()
            for pid in self._running:
                os.kill(pid, signal.SIGTERM)

    def _fork(self, index: int) -> None:
        # Signals wait until the process stands in the list: one that came in between would miss it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        if self._stopping is None:
            self._started[index] = time.monotonic()
            pid = os.fork()
            if pid == 0:
                self._become(index)
            self._running[pid] = index
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    def _become(self, index: int) -> None:
        """The forked process: work, then leave without running what the parent would at its exit."""
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: sys.exit(0))  # until the server has put up its own
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
            self.work(index)
            code = 0
        except SystemExit as leaving:
            code = leaving.code if isinstance(leaving.code, int) else 1
        except BaseException as error:
            structlog.get_logger().error("server process failed", process=index, error=place(error))
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            index = self._running.pop(pid, None)
            if index is None:
                continue
            multiprocess.mark_process_dead(pid, str(self.metrics_folder))  # type: ignore[no-untyped-call]
            if self._stopping is None:
                structlog.get_logger().error("server process ended", process=index, code=os.waitstatus_to_exitcode(status))
                self._waiting.append(index)
        for index in [i for i in self._waiting if time.monotonic() - self._started[i] >= PAUSE]:
            self._waiting.remove(index)
            self._fork(index)

    def _kill_late(self) -> None:
        if self._stopping is not None and time.monotonic() - self._stopping > self.shutdown_seconds + GRACE:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
