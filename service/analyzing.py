"""The one thread on which every analysis of this process runs, shared by API, stored notes and webhooks.

One, because the CRF tagger keeps state while it works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import ParamSpec, TypeVar

from models.analysis import Analysis, Note
from models.artefacts import Card
from models.pipeline import TRAINED, Analyzer
from models.rubric import STANDARD, Rubric

P = ParamSpec("P")
T = TypeVar("T")


class AnalyzerThread:
    """A loaded analyzer with its thread. `today` is the day a note without a visit date counts from, `folder` where its files are."""

    def __init__(self, analyzer: Analyzer, today: Callable[[], date], folder: Path = TRAINED) -> None:
        self._analyzer, self.today, self.folder = analyzer, today, folder
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analyzer")

    @property
    def card(self) -> Card:
        """The model's card."""
        return self._analyzer.card

    def use(self, analyzer: Analyzer, folder: Path) -> None:
        """Analyze by another model from now on. Waits for its turn, so that the change falls between two tasks; not for the thread itself."""

        def change() -> None:
            self._analyzer, self.folder = analyzer, folder

        self.submit(change).result()

    def analyze(self, note: Note, rubric: Rubric = STANDARD) -> Analysis:
        """Analyze here and now under a rubric: only for functions that run on the thread already, by `run` or `submit`."""
        return self._analyzer.analyze(note, self.today(), rubric)

    def analyze_all(self, notes: Sequence[Note], rubric: Rubric = STANDARD) -> list[Analysis]:
        """As `analyze`, several notes at once."""
        return self._analyzer.analyze_all(notes, self.today(), rubric)

    def submit(self, task: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Run a function on the thread; for callers that are threads themselves."""
        return self._pool.submit(task, *arguments, **named)

    async def run(self, task: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a function on the thread; for coroutines."""
        return await asyncio.wrap_future(self.submit(task, *arguments, **named))

    def close(self) -> None:
        """Finish what is running and take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
