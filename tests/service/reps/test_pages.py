"""Briefs and courses by HTTP, on both databases: who sees whose."""

from __future__ import annotations

import pytest

from tests.service.conftest import Tenancy
from tests.service.sessions.test_login import log_in, visitor

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"
HOSTILE = '<img src=x onerror=alert(1)>"><script>alert(1)</script>\u202e\u200b'


def pages(tenancy: Tenancy, role: str):
    browser = visitor(tenancy.world)
    log_in(browser, tenancy.keys[role])
    return browser


def test_the_brief_as_json(tenancy: Tenancy) -> None:
    tenancy.store(TEXT, visited_at="2026-11-03", customer="恒达/五金", customer_id="c-1", rep_id=tenancy.reps[0])
    for name in ("恒达%2F五金", "恒达/五金", "c-1"):
        brief = tenancy.call("GET", f"/v1/customers/{name}/brief").json()
        assert (brief["customer"], brief["visits"]) == ("恒达/五金", 1)
    assert brief["promise"]["due"] == "2026-11-11"
    assert brief["promise"]["overdue"] is True
    assert brief["open_objections"][0]["last"]["visited_at"] == "2026-11-03"


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("trainer", 404), ("rep", 404), ("integration", 403), ("draft", 403)])
def test_another_teams_customer_is_nobodys(tenancy: Tenancy, role: str, status: int) -> None:
    tenancy.store(TEXT, customer="别组的", rep_id=tenancy.reps[1])
    assert tenancy.call("GET", "/v1/customers/别组的/brief", role).status_code == status
    assert tenancy.world.tenant().call("GET", "/v1/customers/别组的/brief").status_code == 404
    if role in ("admin", "trainer", "rep"):
        browser = pages(tenancy, role)
        assert browser.get("/customers/别组的").status_code == status
        assert ("别组的" in browser.get("/customers").text) == (status == 200)


def test_my_records_are_mine(tenancy: Tenancy) -> None:
    tenancy.store("我的记录，王总嫌贵", rep_id=tenancy.reps[0], customer="我的客户")
    tenancy.store("别人的记录，王总嫌贵", rep_id=tenancy.reps[1], customer="别人的客户")
    browser = pages(tenancy, "rep")
    page = browser.get("/my").text
    assert "我的客户" in page
    assert "别人的" not in page
    assert "没有找到" in browser.get("/my?q=别人").text
    assert "我的客户" in browser.get("/my?q=嫌贵").text
    assert pages(tenancy, "trainer").get("/my").status_code == 403


def test_hostile_notes_are_shown_as_text(tenancy: Tenancy) -> None:
    tenancy.store(TEXT + HOSTILE, rep_id=tenancy.reps[0], customer="客户" + HOSTILE)
    tenancy.store("长" * 10_000, rep_id=tenancy.reps[0], customer="=cmd")
    browser = pages(tenancy, "rep")
    address = browser.get("/customers").text.split('href="/customers/')[1:]
    for path in ("/my", "/customers", *(f"/customers/{a.split(chr(34))[0]}" for a in address)):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img src=x" not in answer.text
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        assert " style=" not in answer.text


@pytest.mark.parametrize("path", ["/my", "/customers", "/customers/x", "/import", "/import/im_" + "0" * 32])
def test_a_stranger_gets_the_login_page(tenancy: Tenancy, path: str) -> None:
    answer = tenancy.world.http.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
