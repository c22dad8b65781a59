"""Analyses of staged rows, some notes at a time: on the process's analyzer thread, or in processes forked for it where a command has the machine for itself."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from multiprocessing import get_context, parent_process

from models.analysis import Analysis, Note
from models.pipeline import Analyzer
from models.rubric import Rubric
from service.analyzing import AnalyzerThread

CHUNK = 16
"""Notes of one turn: whoever asks for an analysis meanwhile waits for one turn at most."""
Submit = Callable[[Sequence[Note], Rubric], Future[list[Analysis]]]


@dataclass(frozen=True)
class Analyses:
    """Where notes are analyzed: `submit` begins one turn, `at_once` are begun before the first is waited for."""

    submit: Submit
    at_once: int = 1

    def of(self, notes: Sequence[Note], rubric: Rubric) -> Iterator[Analysis | Exception]:
        """Each note's analysis, or why it could not be made, in order. A turn that fails is gone through note by note."""
        turns = (notes[first : first + CHUNK] for first in range(0, len(notes), CHUNK))
        begun = deque((turn, self.submit(turn, rubric)) for turn in islice(turns, self.at_once))
        while begun:
            turn, future = begun.popleft()
            failed = future.exception()
            begun.extend((following, self.submit(following, rubric)) for following in islice(turns, 1))
            yield from future.result() if failed is None else (self._one(note, rubric) for note in turn)

    def _one(self, note: Note, rubric: Rubric) -> Analysis | Exception:
        try:
            return self.submit([note], rubric).result()[0]
        except Exception as error:
            return error


def on_thread(thread: AnalyzerThread) -> Analyses:
    """Analyses on the thread that requests use too."""
    return Analyses(lambda notes, rubric: thread.submit(thread.analyze_all, notes, rubric))


@contextmanager
def in_processes(analyzer: Analyzer, count: int, today: date) -> Iterator[Analyses]:
    """Analyses in so many forked processes, which share the loaded model, or here where it is one. Fork before there are threads and connections."""
    if count == 1:
        thread = AnalyzerThread(analyzer, lambda: today)
        yield on_thread(thread)
        thread.close()
        return
    gc.collect()
    gc.freeze()  # what is loaded stays in pages that the collector never writes to, so they stay shared
    pool: Executor = ProcessPoolExecutor(count, get_context("fork"), _begin, (analyzer, today))
    try:
        pool.submit(os.getpid).result()  # forks them now
        yield Analyses(lambda notes, rubric: pool.submit(_analyzed, notes, rubric), count + 1)
    finally:
        pool.shutdown(cancel_futures=True)


_own: list[tuple[Analyzer, date]] = []
"""In a forked process: its analyzer, and the day that notes without one count from."""


def _begin(analyzer: Analyzer, today: date) -> None:
    _own.append((analyzer, today))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C goes to the process that began this, which ends it
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _analyzed(notes: Sequence[Note], rubric: Rubric) -> list[Analysis]:
    analyzer, today = _own[0]
    return analyzer.analyze_all(notes, today, rubric)
