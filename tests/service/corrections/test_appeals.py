"""Reps object, trainers decide: on both databases."""

from __future__ import annotations

import pytest

from tests.service.conftest import Tenancy

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


@pytest.fixture
def note(tenancy: Tenancy) -> dict:
    return tenancy.store(TEXT, rep_id=tenancy.reps[0])


def appeal(tenancy: Tenancy, note: dict, role: str = "rep", status: int = 201, **body) -> list[dict]:
    answer = tenancy.call("POST", f"/v1/notes/{note['id']}/appeals", role, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()["appeals"] if status == 201 else answer.json()


def decide(tenancy: Tenancy, appeal_id: str, status: int = 200, **body) -> dict:
    answer = tenancy.call("POST", f"/v1/appeals/{appeal_id}/decision", "trainer", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_finding_marked_wrong_is_taken_out_when_a_trainer_accepts(tenancy: Tenancy, note: dict) -> None:
    objection = note["analysis"]["result"]["objections"][0]
    mark = {"kind": "objection", "quote": objection["quote"]}
    (made,) = appeal(tenancy, note, findings=[mark])
    assert (made["state"], made["finding"]["type"], made["finding"]["start"]) == ("open", objection["type"], objection["start"])
    assert appeal(tenancy, note, findings=[mark, mark]) == [made, made]  # said twice it stands once
    listed = tenancy.call("GET", "/v1/appeals", "trainer", params={"state": "open"}).json()["appeals"]
    assert [a["id"] for a in listed] == [made["id"]]
    assert decide(tenancy, made["id"], verdict="accepted")["state"] == "accepted"
    said = tenancy.call("GET", f"/v1/notes/{note['id']}/corrections", "rep").json()
    assert all(o["quote"] != objection["quote"] for o in said["labels"]["objections"])
    assert [c["appeal_id"] for c in said["corrections"]] == [made["id"]]
    assert decide(tenancy, made["id"], 409, verdict="rejected", answer="不行")["type"] == "/problems/conflict"


def test_a_score_objected_to_is_rejected_with_an_answer_or_corrected(tenancy: Tenancy, note: dict) -> None:
    (first,) = appeal(tenancy, note, score={"reason": "需求写了，在第一句", "dimension": "need"})
    assert appeal(tenancy, note, status=409, score={"reason": "再说一次"})["type"] == "/problems/conflict"
    assert decide(tenancy, first["id"], 422, verdict="rejected")["errors"][0]["field"] == "answer"
    decide(tenancy, first["id"], verdict="rejected", answer="要写客户亲口说的")
    (mine,) = tenancy.call("GET", "/v1/appeals", "rep").json()["appeals"]
    assert (mine["state"], mine["answer"]) == ("rejected", "要写客户亲口说的")
    (second,) = appeal(tenancy, note, score={"reason": "反思写了"})
    assert decide(tenancy, second["id"], 422, verdict="accepted")["errors"][0]["field"] == "labels"
    before = note["analysis"]["result"]["quality"]["score"]
    decide(tenancy, second["id"], verdict="accepted", labels={"rubric": {"reflection": 2}, "evidence": {"reflection": ["他做不了主"]}})
    after = tenancy.call("GET", f"/v1/notes/{note['id']}").json()["analysis"]["result"]["quality"]["score"]
    assert after > before


def test_what_is_no_finding_or_no_reason_is_refused(tenancy: Tenancy, note: dict) -> None:
    assert appeal(tenancy, note, status=422, findings=[{"kind": "objection", "quote": "没这句"}])["errors"][0]["field"] == "findings.0"
    for body in ({}, {"score": {"reason": "  "}}, {"score": {"reason": "长" * 501}}, {"findings": [{"kind": "x", "quote": "a"}]}):
        appeal(tenancy, note, status=422, **body)
    assert tenancy.call("GET", "/v1/appeals").json()["appeals"] == []


def test_an_appeal_about_a_text_that_changed_can_only_be_rejected(tenancy: Tenancy) -> None:
    note = tenancy.store(TEXT, "rep", crm_id="c-1")
    (made,) = appeal(tenancy, note, score={"reason": "写了"})
    tenancy.store("老板说再看看", "rep", crm_id="c-1")
    decide(tenancy, made["id"], 409, verdict="accepted", labels={"rubric": {"kp": 2}})
    assert decide(tenancy, made["id"], verdict="rejected", answer="记录已经改了")["state"] == "rejected"


def test_drafts_store_no_marks(tenancy: Tenancy) -> None:
    answer = tenancy.call("POST", "/v1/analyses", "rep", json={"text": TEXT, "draft": True, "findings": []})
    assert answer.status_code == 422
    assert tenancy.call("GET", "/v1/appeals").json()["appeals"] == []


def test_appeals_come_in_pages(tenancy: Tenancy) -> None:
    made = [appeal(tenancy, tenancy.store(f"{TEXT}{i}", "rep"), score={"reason": "写了"})[0]["id"] for i in range(3)]
    first = tenancy.call("GET", "/v1/appeals", params={"limit": 2}).json()
    second = tenancy.call("GET", "/v1/appeals", params={"limit": 2, "cursor": first["next"]}).json()
    assert sorted(a["id"] for page in (first, second) for a in page["appeals"]) == sorted(made)
    assert second["next"] is None
