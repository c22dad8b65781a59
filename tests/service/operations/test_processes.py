"""Stopping and several processes, on real servers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from service.commands.serving import NICENESS
from service.operations.processes import end_with
from tests.service.serving import Serving, alive, children, wait_for

BATCH = {"notes": [{"id": str(i), "text": f"第{i}家，老板嫌贵，说再考虑考虑，下周三再去见王总"} for i in range(400)]}


def test_what_is_in_flight_is_answered_after_sigterm(run: Callable[..., Serving]) -> None:
    server = run()
    wait_for(lambda: server.get("/healthz").status_code == 200)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, server.url + "/v1/analyses/batch", json=BATCH, timeout=60)
        wait_for(lambda: "fupan_requests_in_flight 2.0" in server.get("/metrics").text)  # the batch and the question itself
        server.process.send_signal(signal.SIGTERM)
        answer = slow.result(60)
    assert answer.status_code == 200
    assert len(answer.json()["analyses"]) == len(BATCH["notes"])
    assert server.stop() == 0
    with pytest.raises(httpx.ConnectError):
        server.get("/healthz")
    assert "uncaught" not in server.log


def test_a_request_longer_than_the_time_to_stop_is_cut(run: Callable[..., Serving]) -> None:
    server = run(FUPAN_SHUTDOWN_SECONDS="1")
    long = {"notes": BATCH["notes"] * 2}
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(httpx.post, server.url + "/v1/analyses/batch", json=long, timeout=60) for _ in range(3)]
        wait_for(lambda: "fupan_requests_in_flight 4.0" in server.get("/metrics").text)
        assert server.stop() == 0
        for one in slow:  # answered in time, cut, or answered with an error: never left hanging
            error = one.exception(10)
            assert error is None or isinstance(error, httpx.TransportError)


def test_processes_share_metrics_are_replaced_and_end_with_their_supervisor(run: Callable[..., Serving]) -> None:
    server = run(arguments=("serve", "--workers", "2"))
    wait_for(lambda: "fupan_processes 3.0" in server.get("/metrics").text)  # two that answer, one that works
    before = children(server.process.pid)
    assert len(before) == 3
    assert sorted(os.getpriority(os.PRIO_PROCESS, p) - os.getpriority(os.PRIO_PROCESS, 0) for p in before) == [0, 0, NICENESS]
    for _ in range(20):
        assert httpx.post(server.url + "/v1/analyses", json={"text": "王总嫌贵"}).status_code == 200
    for _ in range(6):  # whichever process answers, it tells of all
        assert 'fupan_analyses_total{outcome="done"} 20.0' in server.get("/metrics").text
    victims = {min(before), max(before)}  # one that answers, and the last, which works
    for victim in victims:
        os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(children(server.process.pid) - victims) == 3)
    wait_for(lambda: "fupan_processes 3.0" in server.get("/metrics").text)
    assert 'fupan_analyses_total{outcome="done"} 20.0' in server.get("/metrics").text  # the dead ones' counts stay
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert sorted(line["role"] for line in lines if line["event"] == "process ended") == ["server", "work"]
    left = children(server.process.pid)
    server.process.kill()  # the supervisor alone
    wait_for(lambda: not any(alive(p) for p in left))
    with pytest.raises(httpx.ConnectError):
        server.get("/healthz")


def test_a_parent_that_died_before_it_was_asked_for() -> None:
    with pytest.raises(SystemExit):
        end_with(parent=0)
