"""The faults suite in its small sizes, on SQLite: the cheapest scenario with all tests, the others by `pytest -m faults`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.database import migrate, open_engine
from tests.faults.__main__ import SCENARIOS, play
from tests.faults.counting import count
from tests.faults.processes import Nursery, nursery
from tests.faults.receiver import Receiver, Seen
from tests.faults.sending import Crm
from tests.faults.stage import QUICK

CHEAP = ("repeats",)


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


def test_what_is_lost_is_counted(tmp_path: Path) -> None:
    engine, receiver, now = open_engine(f"sqlite:///{tmp_path / 'fupan.sqlite3'}"), Receiver(), datetime(2026, 11, 24, tzinfo=UTC)
    migrate(engine)
    crm = Crm(0, "/", "", lambda: now)
    assert count(engine, crm, receiver).wrong == []
    crm.taken.add("an event that is not there")
    receiver.seen.append(Seen("dl_1", "an_1", now, 200))
    found = count(engine, crm, receiver)
    receiver.down()
    engine.dispose()
    assert found.lost == 1
    assert [w.split(" (")[0] for w in found.wrong] == [
        "1 accepted events lost", "the receiver saw ids that no delivery has", "a delivery's id told of another analysis",
    ]  # fmt: skip
