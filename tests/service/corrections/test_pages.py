"""The pages of corrections by HTTP: what trainers and reps see and send."""

from __future__ import annotations

import json
import re

import pytest

from tests.service.conftest import Tenancy
from tests.service.sessions.test_login import log_in, visitor

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HOSTILE = '</script><script>alert(1)</script><img src=x onerror=alert(1)>"\u202e\u200b' + "x" * 3000


def pages(tenancy: Tenancy, role: str):
    browser = visitor(tenancy.world)
    log_in(browser, tenancy.keys[role])
    return browser


def token(page: str) -> str:
    return re.search(r'name="csrf-token" content="([0-9a-f]+)"', page)[1]


@pytest.fixture
def note(tenancy: Tenancy) -> dict:
    return tenancy.store(TEXT, rep_id=tenancy.reps[0], customer="恒达")


def test_a_rep_objects_and_reads_the_answer(tenancy: Tenancy, note: dict) -> None:
    rep, trainer = pages(tenancy, "rep"), pages(tenancy, "trainer")
    mine = rep.get("/my").text
    assert "不服这个得分" in mine
    form = {"csrf": token(mine), "reason": "需求写了<b>", "dimension": "need"}
    sent = rep.post(f"/notes/{note['id']}/appeal", data=form, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, f"/my#{note['id']}")
    mine = rep.get("/my").text
    assert "需求写了&lt;b&gt;" in mine
    assert "不服这个得分" not in mine  # one is open
    assert rep.post(f"/notes/{note['id']}/appeal", data=form, headers={"accept": "text/html"}).status_code == 409
    listed = trainer.get("/appeals").text
    assert "需求写了&lt;b&gt;" in listed
    appeal = re.search(r'action="/appeals/(ap_[0-9a-f]+)"', listed)[1]
    assert f"/notes/{note['id']}/correct?appeal={appeal}" in listed
    assert "申诉</a>等处理" in trainer.get(f"/audit/notes/{note['id']}").text
    refused = trainer.post(f"/appeals/{appeal}", data={"csrf": token(listed), "verdict": "rejected", "answer": " "})
    assert (refused.status_code, "请写一句为什么" in refused.text) == (422, True)
    said = {"csrf": token(listed), "verdict": "rejected", "answer": "要写客户亲口说的"}
    assert trainer.post(f"/appeals/{appeal}", data=said, follow_redirects=False).status_code == 303
    assert "要写客户亲口说的" in rep.get("/my").text
    assert "要写客户亲口说的" in trainer.get("/appeals?state=rejected").text


def test_a_form_from_elsewhere_changes_nothing(tenancy: Tenancy, note: dict) -> None:
    rep = pages(tenancy, "rep")
    for form in ({"reason": "写了"}, {"reason": "写了", "csrf": "0" * 64}):
        assert rep.post(f"/notes/{note['id']}/appeal", data=form).status_code == 403
    assert tenancy.call("GET", "/v1/appeals").json()["appeals"] == []


def test_who_may_open_what(tenancy: Tenancy, note: dict) -> None:
    other = tenancy.store(TEXT, rep_id=tenancy.reps[1])
    trainer, rep = pages(tenancy, "trainer"), pages(tenancy, "rep")
    assert trainer.get(f"/notes/{note['id']}/correct").status_code == 200
    assert trainer.get(f"/notes/{other['id']}/correct").status_code == 404
    assert trainer.get(f"/notes/{note['id']}/correct?blind=1").status_code == 409
    assert trainer.get(f"/notes/{note['id']}/correct?appeal=ap_{'0' * 32}").status_code == 404
    for path in (f"/notes/{note['id']}/correct", "/appeals", "/audit/agreement"):
        assert rep.get(path).status_code == 403
    assert rep.post(f"/notes/{other['id']}/appeal", data={"csrf": token(rep.get("/my").text), "reason": "x"}).status_code == 404


def test_the_note_shows_what_is_corrected_by_whom(tenancy: Tenancy, note: dict) -> None:
    outcome = "signed" if note["analysis"]["result"]["outcome"]["label"] != "signed" else "unclear"
    body = {"revision": 1, "labels": {"outcome": outcome, "competitors": [], "rubric": {"kp": 0}}, "complete": True}
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/corrections", json=body).status_code == 200
    trainer = pages(tenancy, "trainer")
    page = trainer.get(f"/audit/notes/{note['id']}").text
    assert page.count('<span class="tag warn">更正</span>') == 3
    assert "全部核对无误" in page
    assert "带更正（当前）" in page
    assert "培训师更正过" in pages(tenancy, "rep").get("/my").text
    history = trainer.get(f"/notes/{note['id']}/correct").text
    assert "更正记录" in history


def test_the_second_checker_sees_nothing_of_the_first(tenancy: Tenancy, note: dict) -> None:
    tenancy.keys["first"] = tenancy.world.key(tenancy.id, "trainer", team_ids=tenancy.teams, label="第一位教练")
    body = {"revision": 1, "labels": {"competitors": [], "outcome": "signed"}, "complete": True}
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/corrections", "first", json=body).status_code == 200
    trainer = pages(tenancy, "trainer")
    page = trainer.get(f"/notes/{note['id']}/correct?blind=1").text
    assert "第一位教练" not in page
    shown = json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page)[1])
    assert (shown["blind"], shown["labels"]["competitors"], shown["labels"]["outcome"] != "signed") == (True, ["用友"], True)
    agreement = trainer.get("/audit/agreement").text
    assert f"/notes/{note['id']}/correct?blind=1" in agreement
    assert "specifications" in agreement
    behind = trainer.get("/audit/agreement/notes?with=model&month=2026-11&field=outcome&agreeing=false").text
    assert f"/audit/notes/{note['id']}" in behind
    assert f"/audit/notes/{note['id']}" not in trainer.get("/audit/agreement/notes?with=model&month=2026-11&field=kind&agreeing=false").text
    assert trainer.get("/audit/agreement/notes?with=model&month=2026-11&field=x", headers={"accept": "text/html"}).status_code == 404


def test_hostile_notes_are_shown_as_text(tenancy: Tenancy) -> None:
    note = tenancy.store(TEXT + HOSTILE, rep_id=tenancy.reps[0], customer="客户</script><script>alert(1)</script>")
    body = {"score": {"reason": "写了</script><script>alert(1)</script>"}}
    assert tenancy.call("POST", f"/v1/notes/{note['id']}/appeals", "rep", json=body).status_code == 201
    trainer = pages(tenancy, "trainer")
    for page in (trainer.get(f"/notes/{note['id']}/correct"), trainer.get("/appeals"), pages(tenancy, "rep").get("/my")):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text
        assert " style=" not in page.text
