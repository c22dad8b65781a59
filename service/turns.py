"""Writers of one SQLite file take turns within a process.

SQLite lets one write at a time, and who waits looks again after sleeps of up to 100 ms, in no order: with several writers some wait for seconds.
A lock wakes the next one at once. It is for speed alone: whoever waits for it in vain goes on to SQLite's own lock.
"""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import Engine, event

WAIT_SECONDS = 5.0
_HELD = "fupan_turn"


class Turns:
    """One lock for all engines of this process on the same file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self, info: dict[str, Any]) -> None:
        """Wait for the turn of the connection with this `info`; a connection that has it keeps it until it goes back to its pool."""
        if not info.get(_HELD):
            info[_HELD] = self._lock.acquire(timeout=WAIT_SECONDS)

    def give_back(self, info: dict[str, Any]) -> None:
        """End the connection's turn, where it has it."""
        if info.pop(_HELD, False):
            self._lock.release()

    def watch(self, engine: Engine) -> None:
        """End the turn of each of the engine's connections when it goes back to the pool or breaks."""
        event.listen(engine, "checkin", lambda _, record: self.give_back(record.info))
        event.listen(engine, "invalidate", lambda _, record, __: self.give_back(record.info))


_by_file: dict[str, Turns] = {}


def turns_of(file: str) -> Turns:
    """The turns of a SQLite file in this process."""
    return _by_file.setdefault(file, Turns())
