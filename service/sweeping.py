"""Looking for what is to be done, each second and soon after something changed, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from service.logs import place

SWEEP_SECONDS = 1.0


class Sweep:
    """Calls `step`, which answers how much it did; after a change it waits `gather` seconds for more of them."""

    def __init__(self, name: str, step: Callable[[], int], gather: float = 0.0) -> None:
        self._name, self._step, self._gather = name, step, gather
        self._changed, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._elsewhere: Callable[[], None] | None = None

    def wake(self) -> None:
        """There may be something to do: look soon instead of within the second."""
        if self._elsewhere is not None:
            self._elsewhere()
        self._changed.set()

    def runs_elsewhere(self, wake: Callable[[], None]) -> None:
        """Another process looks; `wake` wakes it there."""
        self._elsewhere = wake

    def start(self) -> None:
        """Look from now on."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                did = self._step()
            except Exception as error:  # the database is away: it is tried again
                structlog.get_logger().warning("no sweep", room=self._name, error=place(error))
                self._changed.clear()
                did = 0
            if not did:
                self._changed.wait(SWEEP_SECONDS)
            self._stopping.wait(self._gather)
            self._changed.clear()
