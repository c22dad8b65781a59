"""The whole path by a real server and its queue: from a signed request to the enriched record, through a kill; and what DBOS holds of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import inspect, text

from service.database import open_engine
from tests.service.conftest import ROOT, new_postgres_database
from tests.service.inbound.sending import Sender

MARK = "绝密客户钱百万嫌贵"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'fupan.sqlite3'}"
    return new_postgres_database(request.getfixturevalue("postgres"))


class Process:
    """A server that can be killed and started again on the same database."""

    def __init__(self, url: str, folder: Path) -> None:
        self._environment = {
            **os.environ,
            "FUPAN_PORT": "0",
            "FUPAN_DATABASE_URL": url,
            "FUPAN_SECRET_KEY": "A" * 43 + "=",
            "FUPAN_DEAD_AFTER_SECONDS": "1",
        }
        self.log, self.key = folder / "server.log", ""
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", "serve"],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=self.log.open("a"),
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"http://\S+/", self.process.stdout.readline())
        assert found, self.log.read_text()
        if not self.key:
            self.key = re.search(r"fk_[A-Za-z0-9_-]{43}", self.process.stdout.readline())[0]
        self.http = httpx.Client(base_url=found[0].rstrip("/"), timeout=30)

    def call(self, method: str, path: str, **request) -> httpx.Response:
        return self.http.request(method, path, headers={"authorization": f"Bearer {self.key}"}, **request)


@pytest.fixture
def process(url: str, tmp_path: Path) -> Iterator[Process]:
    running = Process(url, tmp_path)
    yield running
    running.process.terminate()
    running.process.wait(30)


def test_every_accepted_event_is_one_note_through_a_kill(process: Process, url: str) -> None:
    made = process.call("POST", "/v1/integrations", json={"kind": "standard", "label": "CRM"}).json()
    crm = Sender(SimpleNamespace(world=SimpleNamespace(clock=lambda: datetime.now(UTC))), "standard", made["secrets"], made["id"])
    for number in range(40):
        assert process.http.request("POST", **crm.request(f"e{number}", f"{MARK}，第{number}次拜访", f"v{number}")).status_code == 202
    process.process.send_signal(signal.SIGKILL)
    process.process.wait(10)
    process.start()
    assert process.http.request("POST", **crm.request("e0", f"{MARK}，第0次拜访", "v0")).status_code == 202
    until = time.monotonic() + 60
    while time.monotonic() < until:
        events = process.call("GET", f"/v1/integrations/{made['id']}/events", params={"limit": 200}).json()["events"]
        if {e["state"] for e in events} == {"done"}:
            break
    assert ({e["state"] for e in events}, len(events)) == ({"done"}, 40)
    notes = process.call("GET", "/v1/notes", params={"limit": 200}).json()["notes"]
    assert sorted(n["crm_id"] for n in notes) == sorted(f"v{n}" for n in range(40))
    assert all(len(process.call("GET", f"/v1/notes/{n['id']}/analyses").json()["analyses"]) == 1 for n in notes[:5])
    engine = open_engine(url)
    with engine.connect() as connection:
        schema = "dbos" if engine.dialect.name == "postgresql" else None
        ours = {"notes", "analyses", "inbound_events", "note_revisions", "people", "teams", "tenants"}
        for table in set(inspect(engine).get_table_names(schema=schema)) - (set() if schema else ours):
            rows = connection.execute(text(f'SELECT * FROM {"dbos." if schema else ""}"{table}"')).all()
            assert not any(part in str(row) for row in rows for part in (MARK, "嫌贵", "次拜访", "crm-1")), table
    engine.dispose()
    assert MARK not in process.log.read_text()
