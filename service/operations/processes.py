"""The processes of one server: forked from one that has loaded the model, so that it is shared (a process more costs some 30 MB, not 200)."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog
from prometheus_client import multiprocess

from service.logs import place

PAUSE = 1.0
"""Seconds between the start of a process and its replacement at the earliest, so that one that cannot start does not spin."""
GRACE = 5.0
"""Seconds given beyond the shutdown time for closing, before a process is killed."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Job:
    """What one process does until it is told to stop; `role` is what the log calls it."""

    role: str
    run: Callable[[], None]


@dataclass
class Supervisor:
    """Keeps a forked process for each job running until told to stop; one that dies is replaced. Where the supervisor itself is killed, its
    processes are told to stop by the kernel (Linux).

    Fork only before threads and connections exist. `metrics_folder` holds the processes' counts; `on_stop` is called when the stop begins.
    """

    jobs: Sequence[Job]
    shutdown_seconds: float
    metrics_folder: Path
    on_stop: Callable[[], None]
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
            for index in range(len(self.jobs)):
                self._fork(index)
            while self._running or (self._waiting and self._stopping is None):
                self._reap()
                self._kill_late()
                time.sleep(0.1)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _: int, __: FrameType | None) -> None:
        if self._stopping is None:
            self._stopping = time.monotonic()
            self.on_stop()
            for pid in self._running:
                os.kill(pid, signal.SIGTERM)

    def _fork(self, index: int) -> None:
        # Signals wait until the process stands in the list: one that came in between would miss it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        if self._stopping is None:
            self._started[index] = time.monotonic()
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                _become(self.jobs[index], parent)
            self._running[pid] = index
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

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
                code = os.waitstatus_to_exitcode(status)
                structlog.get_logger().error("process ended", role=self.jobs[index].role, process=index, code=code)
                self._waiting.append(index)
        for index in [i for i in self._waiting if time.monotonic() - self._started[i] >= PAUSE]:
            self._waiting.remove(index)
            self._fork(index)

    def _kill_late(self) -> None:
        if self._stopping is not None and time.monotonic() - self._stopping > self.shutdown_seconds + GRACE:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)


def _become(job: Job, parent: int) -> NoReturn:
    """The forked process: do the job, then leave without running what the parent would at its exit."""
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))  # until the job has put up its own
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        end_with(parent)
        job.run()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:
        structlog.get_logger().error("process failed", role=job.role, error=place(error))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when its parent dies, however that dies; elsewhere than on Linux nothing is asked for.

    Raises SystemExit where the parent is dead already: it may have died between the fork and the asking.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(0)
