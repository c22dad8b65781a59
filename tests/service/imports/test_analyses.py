"""Turns of notes: order, a note that fails among others, processes and their end."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import date
from typing import Any

import psutil
import pytest

from models.analysis import Note
from models.rubric import STANDARD, Rubric
from service.imports.analyses import CHUNK, Analyses, in_processes
from tests.service.serving import wait_for

DAY = date(2026, 11, 24)


class Echo:
    """Stands for an analyzer: gives the texts back, with the process that read them; `bad` is read by nobody."""

    def analyze_all(self, notes: Sequence[Note], today: date, rubric: Rubric) -> list[Any]:
        assert (today, rubric) == (DAY, STANDARD)
        if any(note.text == "bad" for note in notes):
            raise ValueError("bad")
        return [(note.text, os.getpid()) for note in notes]


def notes(count: int, *bad: int) -> list[Note]:
    return [Note("bad" if i in bad else str(i)) for i in range(count)]


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize("count", [0, 1, CHUNK, 3 * CHUNK + 1])
def test_turns_come_in_order_and_few_are_begun_ahead(count: int, at_once: int) -> None:
    begun: list[Future] = []

    def submit(turn: Sequence[Note], rubric: Rubric) -> Future:
        future: Future = Future()
        future.set_result(Echo().analyze_all(turn, DAY, rubric))
        begun.append(future)
        return future

    seen = []
    for result in Analyses(submit, at_once).of(notes(count), STANDARD):
        seen.append(result[0])
        assert len(begun) <= at_once + 1 + (len(seen) - 1) // CHUNK
    assert seen == [str(i) for i in range(count)]


@pytest.mark.parametrize("processes", [1, 2])
def test_one_bad_note_does_not_harm_its_turn(processes: int) -> None:
    with in_processes(Echo(), processes, DAY) as analyses:
        results = list(analyses.of(notes(50, 3, 40), STANDARD))
    assert [i for i, r in enumerate(results) if isinstance(r, ValueError)] == [3, 40]
    read = [r for r in results if not isinstance(r, ValueError)]
    assert [text for text, _ in read] == [str(i) for i in range(50) if i not in (3, 40)]
    assert (os.getpid() in {pid for _, pid in read}) is (processes == 1)


def test_the_processes_end_with_the_one_that_began_them() -> None:
    out, into = os.pipe()
    killed = os.fork()
    if killed == 0:
        with in_processes(Echo(), 2, DAY) as analyses:
            list(analyses.of(notes(50), STANDARD))
            os.write(into, " ".join(str(p.pid) for p in psutil.Process().children()).encode())
            os.kill(os.getpid(), signal.SIGKILL)
    pids = [int(pid) for pid in os.read(out, 100).split()]
    os.waitpid(killed, 0)
    assert len(pids) == 2
    wait_for(lambda: all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE for pid in pids), 20)
