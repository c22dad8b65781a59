"""Imports at work in a server: a sweep hands over what is due to the durable queue; one workflow is a slice of an import's work.

A slice takes seconds, so that a server which stops hands back soon, and ids and counts are all that DBOS holds. What a killed process left is due
again when its lease has run out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import update

from service.database import reading, writing
from service.durable import HandOver, Handover
from service.imports import store
from service.imports.tables import Import
from service.imports.working import LEASE, Working
from service.sweeping import Sweep

QUEUE = "imports"
WORKFLOW = "import"
SLICE_SECONDS = 10.0
PURGE_EVERY = timedelta(hours=1)


@dataclass
class Imports:
    """What takes files to notes beside the requests. `monotonic` tells seconds."""

    working: Working
    hand_over: HandOver
    monotonic: Callable[[], float]
    sweep: Sweep = field(init=False)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _purged: float | None = None

    def __post_init__(self) -> None:
        self.sweep = Sweep("imports", self.step)

    def step(self) -> int:
        """Hand over what is due; how many. Several processes that hand over the same slice name it the same, so it is worked on once."""
        engine, now = self.working.engine, self.working.now()
        with reading(engine) as session:
            chosen = [Handover(row.id, row.slices) for row in store.due(session, now)]
        if chosen:
            self.hand_over(QUEUE, WORKFLOW, chosen)
            with writing(engine) as session:
                for one in chosen:
                    same = (Import.id == one.id, Import.slices == one.number)
                    session.execute(update(Import).where(*same).values(slices=one.number + 1, next_at=now + LEASE))
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
        self.sweep.wake()

    def start(self) -> None:
        """Look for imports from now on."""
        self._stopping.clear()
        self.sweep.start()

    def stop(self) -> None:
        """Hand over nothing more, and let what runs end after its part."""
        self._stopping.set()
        self.sweep.stop()
