"""A bell between the processes of one server: who changed something rings, and the process that works looks at once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress

AT_ONCE = 4096
"""Rings heard as one."""


class Bell:
    """Made before the fork, so that all processes share it. It is for speed alone: the one that works also looks each second."""

    def __init__(self) -> None:
        self._heard, self._rung = os.pipe()
        os.set_blocking(self._rung, False)
        self._thread: threading.Thread | None = None
        self._stopping = False

    def ring(self) -> None:
        """There may be something to do."""
        with suppress(BlockingIOError):  # so many rings wait that one more tells nothing new
            os.write(self._rung, b"\0")

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` whenever it rings, from now on, on a thread of its own."""

        def run() -> None:
            while os.read(self._heard, AT_ONCE) and not self._stopping:
                told()

        self._thread = threading.Thread(target=run, name="bell", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopping = True
        if self._thread is not None:
            self.ring()
            self._thread.join(10)
