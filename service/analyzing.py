"""The one thread on which every analysis of this process runs, shared by API, stored notes and webhooks.

One, because the CRF tagger keeps state while it works.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import ParamSpec, TypeVar

from models.analysis import Analysis, Note
from models.artefacts import Card
from models.pipeline import Analyzer

P = ParamSpec("P")
T = TypeVar("T")


class AnalyzerThread:
    """A loaded analyzer with its thread. `today` is the day a note without a visit date counts from."""

    def __init__(self, analyzer: Analyzer, today: Callable[[], date]) -> None:
        self._analyzer, self.today = analyzer, today
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analyzer")

    @property
    def card(self) -> Card:
        """The model's card."""
        return self._analyzer.card

    def analyze(self, note: Note) -> Analysis:
        """Analyze here and now: only for functions that run on the thread already, by `run` or `submit`."""
        return self._analyzer.analyze(note, self.today())

    def analyze_all(self, notes: Sequence[Note]) -> list[Analysis]:
        """As `analyze`, several notes at once."""
        return self._analyzer.analyze_all(notes, self.today())

    def submit(self, task: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> Future[T]:
        """Run a function on the thread; for callers that are threads themselves."""
        return self._pool.submit(task, *arguments, **named)

    async def run(self, task: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a function on the thread; for coroutines."""
        return await asyncio.wrap_future(self.submit(task, *arguments, **named))

    def close(self) -> None:
        """Finish what is running and take no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)
