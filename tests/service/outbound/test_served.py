"""The real server with its own threads and queues, on each database: delivered within seconds, and again after kill -9."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import inspect, text

from service.database import open_engine
from service.vault import generate_key
from tests.service.conftest import ROOT, new_postgres_database
from tests.service.outbound.conftest import answer
from tests.service.outbound.house import NOTE, body_of, head_of, verified

WAIT = 30
OK = answer("200 OK")


class Serving:
    """A server process; `key` is the admin key of its first start."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        found = re.search(r"http://\S+/", self.process.stdout.readline())
        assert found, log.read_text()
        self.http = httpx.Client(base_url=found[0], timeout=30)

    def login(self, key: str | None = None) -> str:
        key = key or re.search(r"fk_\S+", self.process.stdout.readline())[0]
        self.http.headers["authorization"] = f"Bearer {key}"
        return key

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(sent)
        assert self.process.wait(40) in (0, -sent)
        self.http.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    """Starts servers on one database."""
    url = (
        f"sqlite:///{tmp_path / 'fupan.sqlite3'}"
        if request.param == "sqlite"
        else new_postgres_database(request.getfixturevalue("postgres"))
    )
    fixed = {"FUPAN_PORT": "0", "FUPAN_DATABASE_URL": url, "FUPAN_SECRET_KEY": generate_key(), "FUPAN_DEAD_AFTER_SECONDS": "1"}
    running: list[Serving] = []

    def start(port: int) -> Serving:
        running.append(Serving({**os.environ, **fixed, "FUPAN_DELIVERY_ALLOW": f"127.0.0.1:{port}"}, tmp_path / "log"))
        running[-1].database_url = url
        return running[-1]

    yield start
    for server in running:
        if server.process.poll() is None:
            server.stop()


def test_delivered_by_the_server_and_again_after_a_kill(serve, receive) -> None:
    killed, arrived = threading.Event(), [threading.Semaphore(0) for _ in range(2)]

    def behave(connection, over: threading.Event) -> None:
        if len(receiver.requests) == 1:
            arrived[0].release()
            killed.wait(WAIT)  # the answer never comes: the sender dies waiting for it
            return
        OK(connection, over)
        arrived[1].release()

    receiver = receive(behave)
    first = serve(receiver.port)
    key = first.login()
    made = first.http.post("/v1/subscriptions", json={"url": f"http://127.0.0.1:{receiver.port}/hook"}).json()
    note = first.http.post("/v1/notes", json={"text": NOTE, "crm_id": "v-1"}).json()
    assert arrived[0].acquire(timeout=WAIT)
    first.stop(signal.SIGKILL)
    killed.set()

    second = serve(receiver.port)
    second.login(key)
    assert arrived[1].acquire(timeout=WAIT)
    later = second.http.post("/v1/notes", json={"text": NOTE, "crm_id": "v-2"}).json()
    assert arrived[1].acquire(timeout=WAIT)
    lost, again, fresh = receiver.requests
    assert head_of(lost)["webhook-id"] == head_of(again)["webhook-id"]
    assert verified(made["secret"], again)["data"]["note"]["id"] == note["id"]
    assert body_of(fresh)["data"]["analysis_id"] == later["analysis"]["id"]
    second.stop()  # finishes what is in flight: its result is noted below

    engine = open_engine(second.database_url)
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
        assert private not in queued + second.log.read_text()
