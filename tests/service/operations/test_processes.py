"""Stopping and several processes, on real servers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service.serving import Serving, wait_for

BATCH = {"notes": [{"id": str(i), "text": f"第{i}家，老板嫌贵，说再考虑考虑，下周三再去见王总"} for i in range(400)]}


@pytest.mark.parametrize("arguments", [("serve",), ("serve", "--workers", "2")])
def test_what_is_in_flight_is_answered_after_sigterm(run: Callable[..., Serving], arguments: tuple[str, ...]) -> None:
    server = run(arguments=arguments)
    wait_for(lambda: server.get("/healthz").status_code == 200)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, server.url + "/v1/analyses/batch", json=BATCH, timeout=60)
        wait_for(lambda: "fupan_requests_in_flight 2.0" in server.get("/metrics").text)  # the batch and the question itself
        server.process.send_signal(signal.SIGTERM)
        answer = slow.result(60)
    assert answer.status_code == 200
    assert len(answer.json()["analyses"]) == len(BATCH["notes"])
    assert server.stop() in (0, -signal.SIGTERM)
    with pytest.raises(httpx.ConnectError):
        server.get("/healthz")
    assert "uncaught" not in server.log


def test_a_request_longer_than_the_time_to_stop_is_cut(run: Callable[..., Serving]) -> None:
    server = run(FUPAN_SHUTDOWN_SECONDS="1")
    long = {"notes": BATCH["notes"] * 2}
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(httpx.post, server.url + "/v1/analyses/batch", json=long, timeout=60) for _ in range(3)]
        wait_for(lambda: "fupan_requests_in_flight 4.0" in server.get("/metrics").text)
        assert server.stop() in (0, -signal.SIGTERM)
        for one in slow:  # answered in time, cut, or answered with an error: never left hanging
            error = one.exception(10)
            assert error is None or isinstance(error, httpx.TransportError)


def test_processes_share_metrics_and_a_killed_one_is_replaced(run: Callable[..., Serving]) -> None:
    server = run(arguments=("serve", "--workers", "2"))

    def processes() -> set[int]:
        # The supervisor's children, as the kernel lists them.
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        with open(children) as file:
            return {int(p) for p in file.read().split()}

    wait_for(lambda: "fupan_processes 2.0" in server.get("/metrics").text)
    before = processes()
    assert len(before) == 2
    for _ in range(20):
        assert httpx.post(server.url + "/v1/analyses", json={"text": "王总嫌贵"}).status_code == 200
    for _ in range(6):  # whichever process answers, it tells of all
        assert 'fupan_analyses_total{outcome="done"} 20.0' in server.get("/metrics").text
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: len(processes() - {victim}) == 2)
    wait_for(lambda: "fupan_processes 2.0" in server.get("/metrics").text)
    assert 'fupan_analyses_total{outcome="done"} 20.0' in server.get("/metrics").text  # the dead one's counts stay
    events = [json.loads(line)["event"] for line in server.log.splitlines()]
    assert "server process ended" in events
    assert server.stop() == 0
    assert not any(os.path.exists(f"/proc/{p}") for p in before)
