"""The whole path by a real server and its queue: from a signed request to the enriched record, through a kill; and what DBOS holds of it."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import inspect, text

from service.database import open_engine
from tests.service.inbound.sending import Sender
from tests.service.serving import Serving, wait_for

MARK = "绝密客户钱百万嫌贵"


def crm_of(server: Serving) -> Sender:
    """A CRM that posts to a new integration."""
    made = server.call("POST", "/v1/integrations", json={"kind": "standard", "label": "CRM"}).json()
    clock = SimpleNamespace(world=SimpleNamespace(clock=lambda: datetime.now(UTC)))
    return Sender(clock, "standard", made["secrets"], made["id"])


def post(server: Serving, crm: Sender, number: int) -> httpx.Response:
    request = crm.request(f"e{number}", f"{MARK}，第{number}次拜访", f"v{number}")
    return httpx.post(server.url + request.pop("url"), timeout=30, **request)


def states(server: Serving, crm: Sender) -> Counter[str]:
    events = server.call("GET", f"/v1/integrations/{crm.id}/events", params={"limit": 200}).json()["events"]
    return Counter(e["state"] for e in events)


def each_once(server: Serving, crm: Sender, count: int) -> None:
    """Every event is one note with one analysis."""
    wait_for(lambda: states(server, crm) == {"done": count})
    notes = server.call("GET", "/v1/notes", params={"limit": 200}).json()["notes"]
    assert sorted(n["crm_id"] for n in notes) == sorted(f"v{n}" for n in range(count))
    assert all(len(server.call("GET", f"/v1/notes/{n['id']}/analyses").json()["analyses"]) == 1 for n in notes[:5])


@pytest.mark.parametrize("empty_database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)], indirect=True)
def test_every_accepted_event_is_one_note_through_a_kill(run: Callable[..., Serving], empty_database: str, tmp_path: Path) -> None:
    server = run(tmp_path, FUPAN_DATABASE_URL=empty_database, FUPAN_DEAD_AFTER_SECONDS="1")
    crm, key = crm_of(server), server.key
    for number in range(40):
        assert post(server, crm, number).status_code == 202
    server.stop(signal.SIGKILL)
    server = run(tmp_path, FUPAN_DATABASE_URL=empty_database, FUPAN_DEAD_AFTER_SECONDS="1")
    server.key = key
    assert post(server, crm, 0).status_code == 202
    each_once(server, crm, 40)
    engine = open_engine(empty_database)
    with engine.connect() as connection:
        schema = "dbos" if engine.dialect.name == "postgresql" else None
        ours = {"notes", "analyses", "inbound_events", "note_revisions", "people", "teams", "tenants"}
        for table in set(inspect(engine).get_table_names(schema=schema)) - (set() if schema else ours):
            rows = connection.execute(text(f'SELECT * FROM {"dbos." if schema else ""}"{table}"')).all()
            assert not any(part in str(row) for row in rows for part in (MARK, "嫌贵", "次拜访", "crm-1")), table
    engine.dispose()
    assert MARK not in server.log


def test_two_servers_on_one_postgresql_and_one_killed(run: Callable[..., Serving], empty_postgres: str) -> None:
    settings = {"FUPAN_DATABASE_URL": empty_postgres, "FUPAN_DEAD_AFTER_SECONDS": "2"}
    first = run(**settings)
    crm, key = crm_of(first), first.key
    second = run(**settings)
    second.key = key
    for number in range(60):
        assert post((first, second)[number % 2], crm, number).status_code == 202
    wait_for(lambda: states(second, crm)["done"])
    first.stop(signal.SIGKILL)
    each_once(second, crm, 60)
    assert second.stop() == 0


def test_who_answers_and_who_works_are_two_processes(run: Callable[..., Serving], tmp_path: Path) -> None:
    """On one SQLite file, which two processes share harder than a PostgreSQL (above)."""
    shared = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    server = run(FUPAN_DATABASE_URL=shared, FUPAN_WORK_HERE="false")
    crm = crm_of(server)
    assert {post(server, crm, number).status_code for number in range(5)} == {202}
    assert states(server, crm) == {"received": 5}
    worker = run(arguments=("work",), FUPAN_DATABASE_URL=shared)
    assert "working" in worker.said
    each_once(server, crm, 5)
    assert worker.stop() == 0
    assert MARK not in worker.log + server.log
