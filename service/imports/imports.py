"""Imports at work in a server: a sweep hands over what is due to the durable queue; one workflow is a slice of an import's work.

A slice takes seconds, so that a server which stops hands back soon, and ids and counts are all that DBOS holds. What a killed process left is due
again when its lease has run out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import update

from service.database import reading, writing
from service.imports import store
from service.imports.tables import Import
from service.imports.working import LEASE, Working

QUEUE = "imports"
WORKFLOW = "import"
SWEEP_SECONDS = 1.0
SLICE_SECONDS = 10.0
PURGE_EVERY = timedelta(hours=1)
Enqueue = Callable[..., None]
"""Durable.enqueue: queue, workflow, id, arguments."""


@dataclass
class Imports:
    """What takes files to notes beside the requests. `monotonic` tells seconds."""

    working: Working
    enqueue: Enqueue
    monotonic: Callable[[], float]
    _changed: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _purged: float | None = None

    def wake(self) -> None:
        """There may be something to do: sweep now."""
        self._changed.set()

    def step(self) -> int:
        """Hand over what is due; how many. Several processes that hand over the same slice name it the same, so it is worked on once."""
        engine, now = self.working.engine, self.working.now()
        with reading(engine) as session:
            chosen = [(row.id, row.slices) for row in store.due(session, now)]
        for import_id, slices in chosen:
            self.enqueue(QUEUE, WORKFLOW, f"{import_id}:{slices}", import_id, slices)
            with writing(engine) as session:
                same = (Import.id == import_id, Import.slices == slices)
                session.execute(update(Import).where(*same).values(slices=slices + 1, next_at=now + LEASE))
        if self._purged is None or self.monotonic() - self._purged >= PURGE_EVERY.total_seconds():
            self._purged = self.monotonic()
            with writing(engine) as session:
                store.purge(session, now)
        return len(chosen)

    def work(self, import_id: str, _: int) -> None:
        """The workflow `import`: one slice. May run again from its beginning: it goes on where the import stands."""
        until = self.monotonic() + SLICE_SECONDS
        self.working.go_on(import_id, self._stopping.is_set, lambda: self.monotonic() >= until)
        # After an error this is not reached: the next slice then comes when the lease has run out.
        with writing(self.working.engine) as session:
            mine = (Import.id == import_id, Import.state.in_(store.AT_WORK))
            session.execute(update(Import).where(*mine).values(next_at=self.working.now()))
        self.wake()

    def start(self) -> None:
        """Sweep from now on, on a thread of its own."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._sweep, name="imports", daemon=True)
        self._thread.start()

    def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                self.step()
            except Exception as error:  # the database is away: it is tried again
                structlog.get_logger().warning("no sweep of imports", error=type(error).__name__)
            self._changed.wait(SWEEP_SECONDS)
            self._changed.clear()

    def stop(self) -> None:
        """Hand over nothing more, and let what runs end after its part."""
        self._stopping.set()
        self.wake()
        if self._thread is not None:
            self._thread.join(10)
