"""Durable workflows on both databases: once for an id, found again after a death, and nothing but ids in DBOS's tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from dbos import DBOS
from sqlalchemy import Engine, inspect, text

from service.database import migrate, open_engine
from service.durable import Durable, Handover, Together
from tests.service.conftest import Clock, new_postgres_database

WAIT = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path) -> Iterator[Engine]:
    """An engine on a database of this test's own."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'fupan.sqlite3'}"
    else:
        url = new_postgres_database(request.getfixturevalue("postgres"))
    opened = open_engine(url)
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def launch(fresh: Engine) -> Iterator[Callable[..., Durable]]:
    """Starts one after the other; all are stopped at the end, or their threads would go on beating beside other tests."""
    running: list[Durable] = []

    def start(executor_id: str, work, monotonic=lambda: 0.0, dead_after: float = 600, clock: Clock | None = None) -> Durable:
        running.append(Durable(fresh, executor_id, clock or Clock(), monotonic, dead_after))
        running[-1].start({"things": 4}, {"work": work})
        return running[-1]

    yield start
    for durable in reversed(running):
        durable.stop(0)


def everything(engine: Engine) -> str:
    """All that is stored, by DBOS too."""
    with engine.connect() as connection:
        schema = None if engine.dialect.name == "sqlite" else "dbos"
        names = inspect(connection).get_table_names(schema=schema)
        return repr([connection.execute(text(f'SELECT * FROM {"dbos." if schema else ""}"{n}"')).all() for n in names])


def test_an_id_is_run_once(launch, fresh: Engine) -> None:
    ran: list[str] = []
    last = threading.Event()

    def work(thing: str, number: int) -> None:
        ran.append(thing)
        if thing == "z":
            last.set()

    durable = launch("ex_1", work)
    for _ in range(3):
        durable.hand_over("things", "work", [Handover("a", 1)])
    assert _until(lambda: ran == ["a"])
    durable.hand_over("things", "work", [Handover("a", 1)])  # also after it has run
    durable.hand_over("things", "work", [Handover("z", 1)])
    assert last.wait(WAIT)
    assert ran == ["a", "z"]


def test_what_is_handed_over_together_is_run_together_once(launch, fresh: Engine) -> None:
    ran: list[list[Handover]] = []
    durable = launch("ex_1", Together(lambda handovers: ran.append(list(handovers)), 3))
    handovers = [Handover(name, 1, f"request {name}") for name in "abcde"]
    for _ in range(2):
        durable.hand_over("things", "work", handovers)
    assert _until(lambda: len(ran) == 2)
    durable.hand_over("things", "work", [Handover("z", 1)])
    assert _until(lambda: len(ran) == 3)
    assert sorted(ran, key=lambda group: group[0].id) == [handovers[:3], handovers[3:], [Handover("z", 1)]]


def test_what_fails_leaves_the_errors_type_alone(launch, fresh: Engine, caplog, capsys) -> None:
    failed = threading.Event()

    def work(_: str, number: int) -> None:
        failed.set()
        raise ValueError("绝密客户 13800138000")

    durable = launch("ex_1", work)
    durable.hand_over("things", "work", [Handover("nt_1", 1)])
    assert failed.wait(WAIT)
    assert _until(lambda: DBOS.get_workflow_status("nt_1:1").status == "ERROR")
    shown = everything(fresh)
    assert "ValueError" in shown
    out = capsys.readouterr()
    assert "13800138000" not in shown + caplog.text + out.out + out.err


def test_what_a_dead_process_had_begun_is_run_by_another(launch, fresh: Engine) -> None:
    clock, begun, done, over = [0.0], threading.Event(), threading.Event(), threading.Event()

    def hangs(_: str, number: int) -> None:
        begun.set()
        over.wait(WAIT)

    launch("ex_1", hangs).hand_over("things", "work", [Handover("x", 1)])
    assert begun.wait(WAIT)
    DBOS.destroy(destroy_registry=True)  # as a kill does: nothing is handed back
    second = launch("ex_2", lambda *_: done.set(), lambda: clock[0], 30)
    clock[0] = 29.9
    assert second.beat() == []
    clock[0] = 30.0
    assert second.beat() == ["ex_1"]
    assert done.wait(WAIT)
    over.set()


def test_what_a_stopped_process_did_not_finish_is_taken_over_at_once(launch, fresh: Engine) -> None:
    begun, done, over = threading.Event(), threading.Event(), threading.Event()

    def hangs(_: str, number: int) -> None:
        begun.set()
        over.wait(WAIT)

    first = launch("ex_1", hangs)
    first.hand_over("things", "work", [Handover("x", 1)])
    assert begun.wait(WAIT)
    first.stop(0)
    launch("ex_2", lambda *_: done.set())
    assert done.wait(WAIT)
    over.set()


def test_a_living_process_keeps_its_work(launch, fresh: Engine) -> None:
    clock = [0.0]
    durable = launch("ex_1", lambda *_: None, lambda: clock[0], 30)
    other = Durable(fresh, "ex_2", Clock(), lambda: clock[0], 30)
    for _ in range(10):
        clock[0] += 10
        assert other.beat() == []
        assert durable.beat() == []


def test_finished_workflows_are_forgotten(launch, fresh: Engine) -> None:
    clock = Clock(datetime.now(UTC))  # DBOS notes the times of its own by the machine's clock
    durable = launch("ex_1", lambda *_: None, clock=clock)
    durable.hand_over("things", "work", [Handover("x", 1)])
    assert _until(lambda: DBOS.get_workflow_status("x:1").status == "SUCCESS")
    assert durable.forget() == 0
    clock.step(days=1, minutes=1)
    assert (durable.forget(), durable.forget()) == (1, 0)


def _until(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes to hold in time."""
    waiting, left = threading.Event(), WAIT * 50
    while not condition() and left:
        waiting.wait(0.02)
        left -= 1
    return condition()
