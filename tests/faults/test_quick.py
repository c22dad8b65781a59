"""The faults suite in its small sizes, on SQLite: the cheapest scenarios with all tests, the others by `pytest -m faults`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.__main__ import SCENARIOS, play
from tests.faults.processes import Nursery, nursery
from tests.faults.stage import QUICK

CHEAP = ("disk full", "repeats")


@pytest.fixture(scope="module")
def nurse() -> Iterator[Nursery]:
    with nursery(fresh=False) as made:
        yield made


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in CHEAP else pytest.mark.faults) for n in SCENARIOS])
def test_nothing_is_lost(nurse: Nursery, name: str) -> None:
    found = play(name, "sqlite", QUICK, nurse, None)
    if isinstance(found, str):
        pytest.skip(found)
    assert (found.wrong, found.lost) == ([], 0)
