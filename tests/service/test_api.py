from __future__ import annotations

import json
import sqlite3

import httpx
import pytest

from models.artefacts import verify
from models.pipeline import TRAINED
from service.requests import EXAMPLE_TEXT
from tests.service.serving import Serving

PROBLEM = "application/problem+json"
SECRET = "绝密客户钱百万嫌贵三万八"


def assert_problem(answer: httpx.Response, status: int, field: str | None = None) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    if field is not None:
        assert field in [e["field"] for e in body["errors"]]
    return body


def test_one_note(client: httpx.Client) -> None:
    answer = client.post("/v1/analyses", json={"id": "crm-7", "text": EXAMPLE_TEXT, "visited_at": "2026-11-24"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["id"] == "crm-7"
    assert body["next_step"]["date"] == "2026-12-02"
    for person in body["people"]:
        assert EXAMPLE_TEXT[person["start"] : person["end"]] == person["mention"]
    keys = {
        "id",
        "kind",
        "outcome",
        "sentences",
        "people",
        "kp",
        "objections",
        "price",
        "competitors",
        "customer_class",
        "next_step",
        "funds_date",
        "quality",
        "questions",
        "model",
    }
    assert keys <= body.keys()


def test_junk_is_an_answer(client: httpx.Client) -> None:
    body = client.post("/v1/analyses", json={"text": "👍👍👍"}).json()
    assert body["quality"]["score"] == 0
    assert body["people"] == []


@pytest.mark.parametrize(
    ("payload", "field"),
    [({"text": ""}, "text"), ({"text": " \n\u200b"}, "text"), ({}, "text"), ({"text": None}, "text"), ({"text": "王总", "visited_at": "昨天"}, "visited_at"), ({"text": "王总", "id": "x" * 201}, "id"), ({"text": "王总", "colour": 1}, "colour"), ({"text": "啊" * 20001}, "text")],
)  # fmt: skip
def test_a_field_at_fault_is_named(client: httpx.Client, payload: dict, field: str) -> None:
    assert_problem(client.post("/v1/analyses", json=payload), 422, field)


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"text": "\xff"}', b'{"text": "\\ud800"}', b""])
def test_a_body_that_cannot_be_read(client: httpx.Client, raw: bytes) -> None:
    answer = client.post("/v1/analyses", content=raw, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM


def test_unknown_address_and_method(client: httpx.Client) -> None:
    assert_problem(client.get("/nothing"), 404)
    assert_problem(client.get("/v1/analyses"), 405)


def test_a_body_above_the_limit(client: httpx.Client) -> None:
    assert_problem(client.post("/v1/analyses", json={"text": "a" * 2_100_000}), 413)


def test_a_streamed_body_above_the_limit(client: httpx.Client) -> None:
    def parts():
        for _ in range(300):
            yield b" " * 10_000

    assert_problem(client.post("/v1/analyses", content=parts(), headers={"content-type": "application/json"}), 413)


def test_batch_keeps_order_and_reports_item_by_item(client: httpx.Client) -> None:
    notes = [
        {"id": "a", "text": "王总嫌贵"},
        {"id": "b", "text": " "},
        "no object",
        {"id": "d", "text": "李姐说再考虑"},
        {"text": "\ud800"},
    ]
    answer = client.post("/v1/analyses/batch", content=json.dumps({"notes": notes}), headers={"content-type": "application/json"})
    body = answer.json()
    assert answer.status_code == 200
    assert body["errors"] == 3
    entries = body["analyses"]
    assert [e.get("id") for e in entries] == ["a", "b", None, "d", None]
    assert [("error" in e) for e in entries] == [False, True, True, False, True]
    assert entries[1]["error"]["errors"][0]["field"] == "text"
    assert entries[1]["index"] == 1


@pytest.mark.parametrize(("notes", "status"), [([], 422), ([{"text": "王总"}] * 1001, 422)])
def test_batch_size_is_limited(client: httpx.Client, notes: list, status: int) -> None:
    assert_problem(client.post("/v1/analyses/batch", json={"notes": notes}), status, "notes")


def test_a_batch_of_a_thousand(client: httpx.Client) -> None:
    body = client.post("/v1/analyses/batch", json={"notes": [{"id": str(i), "text": f"第{i}家，老板嫌贵"} for i in range(1000)]}).json()
    assert [e["id"] for e in body["analyses"]] == [str(i) for i in range(1000)]
    assert body["errors"] == 0


def test_model_health_and_readiness(client: httpx.Client) -> None:
    card = client.get("/v1/model").json()
    assert card["version"] == verify(TRAINED).version
    assert card["metrics"]["test"]
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "model": client.get("/v1/model").json()["version"]}


def test_openapi_has_examples_and_no_foreign_error_shape(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()
    text = json.dumps(schema, ensure_ascii=False)
    assert "examples" in schema["components"]["schemas"]["NoteRequest"]
    assert "HTTPValidationError" not in text
    assert "Problem" in schema["components"]["schemas"]


def test_docs_need_no_internet(client: httpx.Client) -> None:
    page = client.get("/docs").text
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    for path in ("/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css"):
        assert path in page
        assert client.get(path).status_code == 200


def test_note_text_never_reaches_log_database_or_errors(client: httpx.Client, server: Serving) -> None:
    client.post("/v1/analyses", json={"text": SECRET, "draft": True})
    client.post("/v1/analyses", json={"text": SECRET * 3000})
    wrong = client.post("/v1/analyses", json={"text": [SECRET], "id": {SECRET: 1}, SECRET: SECRET})
    client.get("/nothing", params={"q": SECRET})
    assert wrong.status_code == 422
    assert SECRET not in str(wrong.json())
    assert server.log.count('"event": "request"') >= 4
    assert SECRET not in server.log
    dump = "\n".join(sqlite3.connect(server.database).iterdump())
    assert "served_models" in dump
    assert SECRET not in dump


def test_request_ids_are_kept_or_made(client: httpx.Client) -> None:
    assert client.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = client.get("/healthz", headers={"x-request-id": "bad id"}).headers["x-request-id"]
    assert made != "bad id"
    assert len(made) == 32
