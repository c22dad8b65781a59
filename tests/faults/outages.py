"""The database locked by somebody else, gone and back, or its disk full: hooks say 503, the CRM sends again, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from service.database import reading
from tests.faults.counting import Count, at_work, waiting
from tests.faults.processes import wait_for
from tests.faults.sending import events
from tests.faults.stage import Stage

NOTICE_SECONDS = 60
FILLER = "filler"


def _under_way(stage: Stage) -> bool:
    with reading(stage.engine) as session:
        events, deliveries = waiting(session)
        return events > 0 and deliveries > 0 and at_work(session)


def _through(stage: Stage, name: str, outage: Callable[[], AbstractContextManager[None]]) -> Count:
    """Events before, while and after the outage; those before are on their way through queues and analyses when it begins."""
    amount, threads = (80, 16) if stage.sizes.quick else (300, 16)
    chosen = events(amount, name)
    stage.crm.send(chosen[: amount // 2], threads)
    wait_for(lambda: _under_way(stage), NOTICE_SECONDS, "events at work", 0.005)
    with outage():
        until = time.monotonic() + stage.sizes.seconds
        sending = stage.crm.begin(chosen[amount // 2 :], threads)
        wait_for(lambda: stage.crm.answers[503] > 0, NOTICE_SECONDS, "a 503 while the database is away")
        time.sleep(max(0.0, until - time.monotonic()))  # the outage is to last so long
    sending()
    stage.settle()
    found = stage.count()
    found.expect(found.accepted == amount, f"{found.accepted} of {amount} events were taken")
    return found


def database_locked(stage: Stage) -> Count:
    """Another process holds the database's lock."""
    return _through(stage, "locked", stage.database.locked)


def database_gone(stage: Stage) -> Count:
    """The file is moved away, or the server is stopped."""
    return _through(stage, "gone", stage.database.gone)


class _Full:
    """A disk without a free block, until the filler is deleted."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / FILLER

    def __enter__(self) -> None:
        with self._filler.open("wb", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while True:
                        filler.write(b"\0" * size)
                except OSError:
                    continue

    def __exit__(self, *_: object) -> None:
        self._filler.unlink()


def disk_full(stage: Stage) -> Count:
    """No block is free on the database's disk (a small one of its own in memory)."""
    return _through(stage, "full", lambda: _Full(Path(stage.engine.url.database or "").parent))
