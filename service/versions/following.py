"""A process serves the version that is active: it looks at the database, loads another one beside the one in use, and changes between two notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine

from models.artefacts import ArtefactError, Card
from models.pipeline import Analyzer
from service.analyzing import AnalyzerThread
from service.database import reading, record_served
from service.sweeping import Sweep
from service.versions import switches
from service.versions.memory import give_back
from service.versions.shelf import Shelf, Stamp
from service.versions.switches import Version


@dataclass(frozen=True, slots=True)
class Chosen:
    """A loaded model: the version asked for, where it was not to be had the shipped one instead."""

    version: Version
    analyzer: Analyzer


def choose(engine: Engine, shelf: Shelf) -> Chosen:
    """The active version, loaded; where it is not to be had that is logged and the shipped one is taken.

    Raises ArtefactError where the shipped one is not to be had either.
    """
    with reading(engine) as session:
        version = switches.active(session)
    if version is not None:
        try:
            return Chosen(version, shelf.load(version))
        except ArtefactError as error:
            structlog.get_logger().error("active model refused, shipped model served", reason=str(error))
    return Chosen(None, shelf.load(None))


class Follower:
    """Keeps the thread's analyzer at the active version. `ready` makes a loaded model what the thread runs, and `told` hears of its card."""

    def __init__(
        self, engine: Engine, shelf: Shelf, thread: AnalyzerThread, version: Version, now: Callable[[], datetime],
        ready: Callable[[Analyzer], Analyzer] = lambda analyzer: analyzer, told: Callable[[Card], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._engine, self._shelf, self._thread, self._now = engine, shelf, thread, now
        self._ready, self._told = ready, told
        self._served = version
        self._tried: tuple[Version, Stamp] | None = None
        self.refused: str | None = None
        """The active version's name while this process cannot serve it."""
        self.sweep = Sweep("model", self.step)

    def step(self) -> int:
        """Look once; 1 where another version was taken. One that was refused is tried again when its files change."""
        with reading(self._engine) as session:
            version = switches.active(session)
        if version == self._served:
            self._tried = self.refused = None
            return 0
        attempt = (version, self._shelf.stamp(version))
        if attempt == self._tried:
            return 0
        log = structlog.get_logger()
        try:
            with self._shelf.turn(version):
                analyzer = self._shelf.load(version)
        except ArtefactError as error:
            self._tried, self.refused = attempt, version or "shipped"
            log.error("model refused, the one before is served", version=self.refused, served=self._thread.card.version, reason=str(error))
            return 0
        card, before = analyzer.card, self._thread.card.version
        record_served(self._engine, card.version, card.corpus_hash, card.trained_at, self._now().replace(tzinfo=None))
        self._thread.use(self._ready(analyzer), self._shelf.folder_of(version))
        self._served, self.refused, self._tried = version, None, None
        self._told(card)
        del analyzer
        give_back()  # the one before
        log.info("model switched", version=card.version, before=before)
        return 1

    def start(self) -> None:
        """Look each second."""
        self.sweep.start()

    def stop(self) -> None:
        """Look no more."""
        self.sweep.stop()
