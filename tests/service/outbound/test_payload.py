"""What a delivery says, and what it keeps to itself."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from service.outbound.payload import Subject, analyzed, deleted, trial

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总出差回来拍板。没把上线后省的人工讲清楚，怪我。下周三带案例去见王总。"
SUBJECT = Subject("nt_1", "crm-1042", "cust-7", "pe_1", "rep-3", "tm_1", date(2026, 11, 24))
AT = datetime(2026, 11, 24, 17, 30, 0, 123456, tzinfo=timezone(timedelta(hours=8)))


def test_an_analyzed_note_without_its_text(analyze: Any) -> None:
    analysis = analyze(TEXT)
    body = analyzed(SUBJECT, "an_1", analysis, None, AT)
    event = json.loads(body)
    assert (event["type"], event["timestamp"]) == ("note.analyzed", "2026-11-24T09:30:00.123Z")
    data = event["data"]
    assert data["note"] == {"id": "nt_1", "crm_id": "crm-1042", "customer_id": "cust-7", "rep_id": "pe_1", "rep_external_id": "rep-3", "team_id": "tm_1", "visited_at": "2026-11-24"}  # fmt: skip
    assert data["analysis_id"] == "an_1"
    assert data["model_version"] == analysis.model.version
    assert data["score"] == analysis.quality.score
    assert data["kind"]["label"] == analysis.kind.label
    assert data["kp"]["status"] == analysis.kp.status
    assert [o["type"] for o in data["objections"]] == [o.type for o in analysis.objections]
    assert data["price"]["gaps"][0]["against"] == "competitor"
    assert [q["text"] for q in data["questions"]] == [q.text for q in analysis.questions]
    assert data["next_step"]["date"] == "2026-12-02"
    assert "text" not in data
    # Questions are worded from the note and may quote it; nothing else does.
    del data["questions"]
    kept = json.dumps(data, ensure_ascii=False)
    assert "quote" not in kept
    for clause in TEXT.replace("。", "，").split("，"):
        assert not clause or clause not in kept


def test_the_text_and_its_quotes_for_who_asks(analyze: Any) -> None:
    analysis = analyze(TEXT)
    data = json.loads(analyzed(SUBJECT, "an_1", analysis, TEXT, AT))["data"]
    assert data["text"] == TEXT
    for found in (*data["objections"], data["next_step"]):
        assert TEXT[found["start"] : found["end"]] == found["quote"]


def test_a_deletion_holds_ids_only() -> None:
    event = json.loads(deleted(SUBJECT, AT))
    assert event["type"] == "note.deleted"
    assert set(event["data"]) == {"note"}


def test_a_test_event() -> None:
    event = json.loads(trial("sb_1", datetime(2026, 1, 1, tzinfo=UTC)))
    assert event == {"type": "webhook.test", "timestamp": "2026-01-01T00:00:00.000Z", "data": {"subscription_id": "sb_1"}}
