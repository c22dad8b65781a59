from __future__ import annotations

from collections.abc import Callable
from datetime import date

import httpx
import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from models.analysis import Note
from models.pipeline import Analyzer
from service.operations.api import may_read_metrics
from service.operations.metrics import MeasuredAnalyzer, Metrics
from service.problems import ProblemError
from service.settings import is_loopback
from tests.service.serving import Serving

TOKEN = SecretStr("0123456789abcdef")


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in text_string_to_metric_families(text) for s in f.samples}


@pytest.mark.parametrize(
    ("authorization", "token", "loopback", "status"),
    [
        (None, None, True, 200),
        (None, None, False, 404),
        ("Bearer 0123456789abcdef", None, False, 404),
        (None, TOKEN, True, 401),
        ("Bearer 0123456789abcdeX", TOKEN, True, 401),
        ("Bearer ", TOKEN, False, 401),
        ("0123456789abcdef", TOKEN, False, 401),
        ("Basic 0123456789abcdef", TOKEN, False, 401),
        ("Bearer 王总", TOKEN, False, 401),
        ("Bearer 0123456789abcdef", TOKEN, False, 200),
        ("bearer 0123456789abcdef", TOKEN, True, 200),
    ],
)
def test_who_may_read_metrics(authorization: str | None, token: SecretStr | None, loopback: bool, status: int) -> None:
    if status == 200:
        may_read_metrics(authorization, token, loopback)
        return
    with pytest.raises(ProblemError) as refused:
        may_read_metrics(authorization, token, loopback)
    assert refused.value.problem.status == status
    assert ("WWW-Authenticate" in refused.value.headers) == (status == 401)


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("crm.local", False), ("", False)],
)  # fmt: skip
def test_loopback_addresses(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


def test_metrics_count_requests_and_analyses_without_any_text(client: httpx.Client, server: Serving) -> None:
    secret = "绝密指标客户"
    before = samples(client.get("/metrics").text)
    client.post("/v1/analyses", json={"text": f"{secret}王总嫌贵", "id": secret})
    client.get(f"/{secret}")
    client.request("SECRETMETHOD", "/healthz")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    after = samples(answer.text)
    for name, labels in (
        ("fupan_requests_total", (("method", "POST"), ("route", "/v1/analyses"), ("status", "200"))),
        ("fupan_request_seconds_count", (("method", "POST"), ("route", "/v1/analyses"))),
        ("fupan_requests_total", (("method", "GET"), ("route", "unmatched"), ("status", "404"))),
        ("fupan_analyses_total", (("outcome", "done"),)),
        ("fupan_analysis_seconds_count", ()),
        ("fupan_note_characters_count", ()),
    ):
        assert after[name, labels] == before.get((name, labels), 0) + 1, name
    assert after["fupan_database_up", ()] == 1
    assert after["fupan_processes", ()] == 2
    assert after["fupan_memory_bytes", ()] > 50e6
    assert secret not in answer.text
    assert "SECRETMETHOD" not in answer.text


def test_watched_gauges_are_read_when_asked_and_left_out_when_they_fail(analyzer: Analyzer) -> None:
    metrics = Metrics(analyzer.card)
    waiting = 3

    def broken() -> float:
        raise RuntimeError("王总的电话")

    metrics.watch("fupan_events_waiting", "Events accepted and not yet analyzed.", lambda: waiting)
    metrics.watch("fupan_deliveries", "Deliveries by state.", lambda: {"waiting": 2, "dead": 1}, "state")
    metrics.watch("fupan_broken", "A gauge whose room fails.", broken)
    found = samples(metrics.text(True).decode())
    assert found["fupan_events_waiting", ()] == 3
    assert found["fupan_deliveries", (("state", "dead"),)] == 1
    waiting = 5
    text = metrics.text(True).decode()
    assert samples(text)["fupan_events_waiting", ()] == 5
    assert "王总" not in text
    down = samples(metrics.text(False).decode())
    assert ("fupan_events_waiting", ()) not in down
    assert down["fupan_database_up", ()] == 0


def test_two_applications_count_apart(analyzer: Analyzer) -> None:
    one, other = Metrics(analyzer.card), Metrics(analyzer.card)
    MeasuredAnalyzer(analyzer, one).analyze(Note("王总嫌贵"), date(2026, 11, 24))
    with pytest.raises(ValueError, match="blank"):
        MeasuredAnalyzer(analyzer, one).analyze(Note(" "), date(2026, 11, 24))
    assert samples(one.text(True).decode())["fupan_analyses_total", (("outcome", "failed"),)] == 1
    assert ("fupan_analyses_total", (("outcome", "done"),)) not in samples(other.text(True).decode())
    # Nothing of ours is in prometheus_client's global registry.
    assert not [m for m in REGISTRY.collect() if m.name.startswith("fupan")]


def test_the_token_guards_a_real_server(run: Callable[..., Serving]) -> None:
    server = run(FUPAN_HOST="0.0.0.0", FUPAN_METRICS_TOKEN=TOKEN.get_secret_value())
    assert server.get("/metrics").status_code == 401
    assert server.get("/metrics", authorization=f"Bearer {TOKEN.get_secret_value()}").status_code == 200
    assert TOKEN.get_secret_value() not in server.log
