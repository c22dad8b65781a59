"""A phrase planted in notes and in every failing path is in no log line, metric or answer."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import structlog

from service import logs
from service.foreign_logs import own_words
from tests.service.serving import ROOT, Serving

PHRASE = "独一无二紫色大象九四七"

FAULTY = """
import asyncio, logging, threading, warnings
from sqlalchemy import text
from models.pipeline import Analyzer
from service.database import open_engine

def fail(words):
    raise RuntimeError(words)

def analyze_all(self, notes, today, rubric):
    words = "".join(note.text for note in notes)
    if "库" in words:
        engine = open_engine("sqlite://")
        with engine.connect() as connection:
            connection.execute(text("INSERT INTO nothing VALUES (:words)"), {"words": words})
    if "线" in words:
        thread = threading.Thread(target=fail, args=(words,), name="room")
        thread.start()
        thread.join()
    if "告" in words:
        warnings.warn(words)
    if "言" in words:
        for name in ("dbos", "uvicorn.error", "alembic.runtime.migration", "sqlalchemy.engine.Engine", "asyncio", "some.library"):
            try:
                fail(words)
            except RuntimeError as error:
                logging.getLogger(name).error(f"Error in workflow: {words}")
                logging.getLogger(name).error("Statement failed with parameters: %s", words)
                logging.getLogger(name).exception(error)
                logging.getLogger(name).exception(words, stack_info=True, extra={"parameters": words})
    fail(words)

Analyzer.analyze_all = analyze_all
from service.cli import app
app()
"""


def test_a_planted_phrase_is_nowhere(run: Callable[..., Serving]) -> None:
    server = run(program=("-c", FAULTY))
    answers = [
        httpx.post(server.url + "/v1/analyses", json={"text": f"{PHRASE}{way}"}, headers={"x-request-id": f"way-{number}"})
        for number, way in enumerate(("", "库", "线", "告", "言"))
    ]
    assert [a.status_code for a in answers] == [500, 503, 500, 500, 500]
    answers += [
        httpx.post(server.url + "/v1/analyses/batch", json={"notes": [{"text": PHRASE}]}),
        httpx.post(server.url + "/v1/analyses", content=f'{{"text": "{PHRASE}', headers={"content-type": "application/json"}),
        httpx.post(server.url + "/v1/analyses", content=f"text={PHRASE}", headers={"content-type": "application/x-www-form-urlencoded"}),
        httpx.post(server.url + "/v1/analyses", json={PHRASE: PHRASE, "text": PHRASE, "visited_at": PHRASE}),
        httpx.get(f"{server.url}/{PHRASE}?q={PHRASE}", headers={"x-request-id": PHRASE.encode()}),
        server.get("/metrics"),
        server.get("/readyz"),
    ]
    server.stop()
    for answer in answers:
        assert PHRASE not in answer.text
        assert PHRASE.encode("unicode-escape").decode() not in answer.text
    # As written, as JSON escapes and as Python shows it.
    for form in (PHRASE, json.dumps(PHRASE)[1:-1], PHRASE.encode("unicode-escape").decode()):
        assert form not in server.log
    lines = [json.loads(line) for line in server.log.splitlines()]  # nothing but JSON on standard error
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
    failed = {line["request_id"]: line["error"] for line in lines if line["event"] == "request failed"}
    assert failed["way-0"].startswith("RuntimeError at ")
    assert [line["error"] for line in lines if line["event"] == "database not available"] == ["OperationalError"]
    assert [line["error"][:12] for line in lines if line.get("where") == "thread room"] == ["RuntimeError"]
    assert {"dbos", "uvicorn.error", "sqlalchemy.engine.Engine", "asyncio", "some.library"} <= {str(line.get("logger")) for line in lines}


WORKFLOW = """
import os, sys
from dbos import DBOS, SetWorkflowID
from service import foreign_logs, logs
logs.configure("INFO")
foreign_logs.take_over("INFO")
DBOS(config={"name": "fupan", "system_database_url": os.environ["URL"], "run_admin_server": False})

@DBOS.step(retries_allowed=True, max_attempts=2, interval_seconds=0.01)
def step(name):
    raise RuntimeError(os.environ["PHRASE"])

@DBOS.workflow()
def work(name):
    step(name)

DBOS.launch()
with logs.working_for("request-7"), SetWorkflowID("ev_1"):
    try:
        DBOS.start_workflow(work, "ev_1").get_result()
    except Exception:
        pass
DBOS.destroy()
"""


def test_what_dbos_logs_of_a_failing_workflow(tmp_path: Path) -> None:
    import os

    environment = {**os.environ, "PYTHONPATH": str(ROOT), "URL": f"sqlite:///{tmp_path / 'dbos.sqlite3'}", "PHRASE": PHRASE}
    done = subprocess.run([sys.executable, "-c", WORKFLOW], env=environment, capture_output=True, text=True, timeout=60, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert any(line.get("logger") == "dbos" and line["level"] in ("warning", "error") for line in lines)
    assert PHRASE not in done.stderr + done.stdout
    assert json.dumps(PHRASE)[1:-1] not in done.stderr


@pytest.mark.parametrize(
    ("source", "template", "shown"),
    [
        ('log.error("The queue is full")\n', "The queue is full", True),
        ("log.error('The queue %s is full', name)\n", "The queue %s is full", True),
        ('log.error(f"The queue {name} is full")\n', "The queue 王总 is full", False),
        ('log.error("The queue is full: " + name)\n', "The queue is full: 王总", False),
        ('log.error("The queue is full")\n', "queue is full", False),
        ('log.error("%s", error)\n', "%s", False),
        ('"""The note\n王总嫌贵\n"""', "The note\n王总嫌贵\n", False),
    ],
)
def test_only_a_librarys_own_words_are_shown(tmp_path: Path, source: str, template: str, shown: bool) -> None:
    file = tmp_path / "library.py"
    file.write_text(source, "utf-8")
    record = logging.LogRecord("library", logging.ERROR, str(file), 1, template, None, None)
    assert (own_words(record) == template) is shown


def test_a_request_id_reaches_what_is_done_for_it() -> None:
    assert logs.request_id() is None
    with logs.working_for("abc"):
        assert logs.request_id() == "abc"
        with logs.working_for(None):
            assert logs.request_id() == "abc"
    assert logs.request_id() is None
    assert structlog.contextvars.get_contextvars() == {}
