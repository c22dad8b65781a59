"""The real server with its own threads and queues, on each database: delivered within seconds, and again after kill -9."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from service.database import open_engine
from tests.service.outbound.conftest import answer
from tests.service.outbound.house import NOTE, body_of, head_of, verified
from tests.service.serving import Serving

WAIT = 30
OK = answer("200 OK")


@pytest.mark.parametrize("empty_database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)], indirect=True)
def test_delivered_by_the_server_and_again_after_a_kill(run: Callable[..., Serving], receive, empty_database: str, tmp_path: Path) -> None:
    killed, arrived = threading.Event(), [threading.Semaphore(0) for _ in range(2)]

    def behave(connection, over: threading.Event) -> None:
        if len(receiver.requests) == 1:
            arrived[0].release()
            killed.wait(WAIT)  # the answer never comes: the sender dies waiting for it
            return
        OK(connection, over)
        arrived[1].release()

    receiver = receive(behave)

    def serve() -> Serving:
        allowed = f"127.0.0.1:{receiver.port}"
        return run(tmp_path, FUPAN_DATABASE_URL=empty_database, FUPAN_DEAD_AFTER_SECONDS="1", FUPAN_DELIVERY_ALLOW=allowed)

    first = serve()
    made = first.call("POST", "/v1/subscriptions", json={"url": f"http://127.0.0.1:{receiver.port}/hook"}).json()
    note = first.call("POST", "/v1/notes", json={"text": NOTE, "crm_id": "v-1"}).json()
    assert arrived[0].acquire(timeout=WAIT)
    first.stop(signal.SIGKILL)
    killed.set()

    second = serve()
    second.key = first.key
    assert arrived[1].acquire(timeout=WAIT)
    stored = second.call("POST", "/v1/notes", json={"text": NOTE, "crm_id": "v-2"})
    later = stored.json()
    assert arrived[1].acquire(timeout=WAIT)
    lost, again, fresh = receiver.requests
    assert head_of(lost)["webhook-id"] == head_of(again)["webhook-id"]
    assert verified(made["secret"], again)["data"]["note"]["id"] == note["id"]
    assert body_of(fresh)["data"]["analysis_id"] == later["analysis"]["id"]
    second.stop()  # finishes what is in flight: its result is noted below

    engine = open_engine(empty_database)
    with engine.connect() as connection:
        states = connection.execute(text("SELECT state, attempts FROM deliveries")).all()
        schema = None if engine.dialect.name == "sqlite" else "dbos"
        tables = [n for n in inspect(connection).get_table_names(schema=schema) if schema or n.startswith(("workflow", "operation"))]
        queued = repr([connection.execute(text(f"SELECT * FROM {'dbos.' if schema else ''}{n}")).all() for n in tables])
    engine.dispose()
    assert [tuple(s) for s in states] == [("delivered", 1)] * 2
    assert "workflow_status" in tables
    assert head_of(fresh)["webhook-id"] in queued
    for private in ("李经理", made["secret"], "李经理".encode("unicode_escape").decode()):
        assert private not in queued + second.log
    lines = [json.loads(line) for line in second.log.splitlines()]
    told = [
        line["request_id"] for line in lines if line["event"] == "delivery attempt" and line["delivery_id"] == head_of(fresh)["webhook-id"]
    ]
    assert told == [stored.headers["x-request-id"]]
