"""The rubric's pages in real Chromium against the real server: change, try, switch on, apply, roll back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from models.labels import WEIGHTS
from tests.service.browser import DESKTOP, PHONE, accessibility_faults, chromium, tab
from tests.service.serving import Serving

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"
HOSTILE = "<img src=x onerror=\"document.title='y'\">王总嫌贵\u202e反\u200b"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def team(server: Serving) -> Iterator[str]:
    """A team with a rep and its notes; afterwards the rubric of the software is on again."""
    name = "评分组" + uuid.uuid4().hex[:6]
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=60) as http:
        assert http.post("/v1/teams", json={"name": "W" * 190 + name}).status_code == 201  # one choice more, too long for any screen
        team_id = http.post("/v1/teams", json={"name": name}).json()["id"]
        rep = http.post("/v1/people", json={"name": name + "<b>", "role": "rep", "team_id": team_id}).json()["id"]
        notes = [{"text": t, "rep_id": rep, "customer": "<i>客户"} for t in (TEXT, HOSTILE, "电话没接")]
        assert http.post("/v1/notes/batch", json={"notes": notes}).json()["errors"] == 0
        yield name
        http.post("/v1/rubrics/0/switch")


def press(page: Page, name: str) -> None:
    """Press a button and wait for the page it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name).click()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, server: Serving, team: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    with tab(browser, request.param, server.url, axe=True) as opened:
        opened.set_default_timeout(60_000)  # other work may share the machine
        opened.goto(server.url + "/login?next=/settings/rubric")
        opened.get_by_label("访问密钥").fill(server.key)
        press(opened, "登录")
        yield opened


def sound(page: Page) -> None:
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_change_is_tried_switched_on_applied_and_rolled_back(page: Page, team: str) -> None:
    phone = page.viewport_size["width"] < 640
    sound(page)
    page.get_by_label("关键人", exact=True).fill("20" if phone else "24")
    expect(page.locator("#balance")).to_have_text(
        "多了 6 分，从别的项里减掉才能保存。" if phone else "多了 10 分，从别的项里减掉才能保存。"
    )
    page.get_by_label("竞争对比" if phone else "关键数字", exact=True).fill("0")
    expect(page.locator("#balance")).to_be_hidden()
    page.locator("summary", has_text="自我反思").click()
    page.get_by_label("补什么（没写到）").locator("visible=true").fill("<u>补一句自己" + ("！" if phone else ""))
    sound(page)
    press(page, "保存为新版本，先试算")
    expect(page.get_by_role("region", name="改动的表").get_by_role("row").filter(has_text="关键人，满分")).to_contain_text("14")
    page.locator("select[name=team]").select_option(label=team)
    press(page, "试算")
    expect(page.locator(".figures")).to_contain_text("3")
    expect(page.get_by_role("region", name="每个销售的表").get_by_role("row")).to_have_count(2)
    sound(page)
    assert page.locator("main :is(img, u, i, b)").count() == 0
    with page.expect_navigation():
        page.get_by_role("region", name="变得最多的记录的表").get_by_role("link").first.click()
    expect(page.locator(".note-text")).to_be_visible()
    assert page.title().endswith("复盘")
    page.go_back()
    press(page, "启用")
    expect(page.locator("h1")).to_contain_text("正在用")
    page.locator("select[name=team]").select_option(label=team)
    press(page, "试算")
    page.locator("#apply-button").click()
    expect(page.locator("#applied")).to_have_text("算完了：3 条。")
    page.reload()
    expect(page.locator("#apply")).to_contain_text("所有记录的得分都是按这一版算的")
    sound(page)
    page.get_by_role("link", name="← 评分表").click()
    press(page, "退回到默认评分表")
    expect(page.locator(".lead strong")).to_have_text("默认评分表")


def test_what_cannot_be_is_said_and_nothing_typed_is_lost(page: Page) -> None:
    page.get_by_label("关键人", exact=True).fill("20")
    page.get_by_label("为什么改").fill("试试")
    page.locator("#rubric").evaluate("form => { form.noValidate = true }")
    press(page, "保存为新版本，先试算")
    expect(page.get_by_role("alert")).to_contain_text("十项合计要正好 100 分")
    expect(page.get_by_label("关键人", exact=True)).to_have_value("20")
    expect(page.get_by_label("为什么改")).to_have_value("试试")
    sound(page)


def test_the_note_page_scores_and_words_by_the_rubric_that_is_on(page: Page, server: Serving) -> None:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=60) as http:
        own = {
            "weights": {**WEIGHTS, "reflection": 26, "objection": 0, "competition": 0},
            "additions": {"reflection": {"absent": "先说说自己"}},
        }
        version = http.post("/v1/rubrics", json=own).json()["version"]
        http.post(f"/v1/rubrics/{version}/trial", json={})
        http.post(f"/v1/rubrics/{version}/switch")
        page.goto(server.url + "/")
        page.get_by_label("拜访记录").fill(TEXT)
        expect(page.locator("#most")).to_have_text("先说说自己")
        expect(page.locator("#gain")).to_have_text("+26")
        expect(page.locator('#dimensions li[data-id="reflection"] .points')).to_have_text("0/26")
        points = [int(t.split("/")[0]) for t in page.locator("#dimensions .points").all_inner_texts()]
        assert sum(points) == int(page.locator("#score").inner_text())
        http.post("/v1/rubrics/0/switch")
