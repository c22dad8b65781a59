"""The audit in real Chromium against the real server: filters, opening a number, keyboard, axe, print, nothing foreign."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from tests.service.browser import DESKTOP, PHONE, accessibility_faults, chromium, tab
from tests.service.serving import Serving

GOOD = "今天见到了第一KP王总，他亲口说车间漏水停产一天损失两万。我们报12.8万，用友报9.6万，他嫌贵，我当面提出签单，他说再考虑。我的判断是价值没讲透，我没有带案例。下周三上午带三家案例去，拿到付款日期。"
HOSTILE = "<script>document.title='x'</script><img src=x onerror=\"document.title='y'\">王总嫌贵\u202e反\u200b" + "abcdefgh" * 1250


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def team(server: Serving) -> str:
    """A team with two reps and six notes; its name."""
    name = "审计组" + uuid.uuid4().hex[:6]
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=60) as http:
        team_id = http.post("/v1/teams", json={"name": name}).json()["id"]
        reps = [http.post("/v1/people", json={"name": f"{name}销售{i}", "role": "rep", "team_id": team_id}).json()["id"] for i in (1, 2)]
        notes = [
            {"text": t, "rep_id": reps[i % 2], "customer": f"客户{i % 3}"}
            for i, t in enumerate([GOOD, "电话没接", "王总嫌贵", "去了没人", "李经理说再看看"])
        ]
        notes.append({"text": HOSTILE, "rep_id": reps[0], "customer": "<b>=1+1"})
        answer = http.post("/v1/notes/batch", json={"notes": notes}).json()
        assert answer["errors"] == 0
    return name


@pytest.fixture(scope="module")
def entered(browser: Browser, server: Serving, team: str) -> tuple[str, StorageState]:
    """The address of the team's audit, reached by hand, and the session that opens it: each test opens it at once."""
    with tab(browser, DESKTOP, server.url) as opened:
        opened.set_default_timeout(60_000)  # other work may share the machine
        opened.goto(server.url + "/login?next=/audit")
        opened.get_by_label("访问密钥").fill(server.key)
        opened.get_by_role("button", name="登录").click()
        opened.locator("select[name=team]").select_option(label=team)
        opened.get_by_role("button", name="查看").click()
        expect(opened.locator(".lead")).to_contain_text(team)
        return opened.url, opened.context.storage_state()


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, server: Serving, team: str, entered: tuple[str, StorageState], request: pytest.FixtureRequest) -> Iterator[Page]:
    """The audit of the team."""
    with tab(browser, request.param, server.url, axe=True, session=entered[1]) as opened:
        opened.set_default_timeout(60_000)  # other work may share the machine
        opened.goto(entered[0])
        expect(opened.locator(".lead")).to_contain_text(team)
        yield opened


on_the_desktop = pytest.mark.parametrize("page", [DESKTOP], ids=["desktop"], indirect=True)
"""For what the width of the window has no part in."""


def sound(page: Page) -> None:
    """No serious finding of axe, no sideways scrolling."""
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_charts_are_drawn_under_the_strict_policy(page: Page) -> None:
    for figure in page.locator("[data-chart]").all():
        expect(figure).to_have_attribute("data-drawn", "yes", timeout=60_000)
        expect(figure.locator("svg")).to_be_visible()
    expect(page.locator(".totals")).to_contain_text("6 条记录")
    sound(page)


def test_a_number_opens_its_notes_and_a_note_its_evidence(page: Page) -> None:
    row = page.get_by_role("region", name="各销售的得分分布的表").get_by_role("row").filter(has_text="销售1")
    row.get_by_role("link").first.click()
    expect(page.locator("table.notes tbody tr")).to_have_count(4)
    sound(page)
    page.locator("table.notes tbody tr").filter(has_text="今天见到了第一KP").get_by_role("link").click()
    expect(page.locator(".note-text")).to_have_text(GOOD)
    expect(page.locator(".note-text mark.person").first).to_have_text("王总")
    expect(page.get_by_role("region", name="十项得分表").get_by_role("row")).to_have_count(11)
    sound(page)
    page.locator("a.jump").first.click()
    expect(page.locator(":target")).to_have_count(1)


@pytest.mark.parametrize(("zone", "hours"), [("Asia/Shanghai", 8), ("America/Sao_Paulo", -3)])
def test_moments_are_told_in_the_readers_time(
    browser: Browser, server: Serving, entered: tuple[str, StorageState], zone: str, hours: int
) -> None:
    with tab(browser, DESKTOP, server.url, session=entered[1], zone=zone) as opened:
        opened.goto(entered[0])
        opened.get_by_role("region", name="各销售的得分分布的表").get_by_role("link").first.click()
        opened.locator("table.notes tbody tr").first.get_by_role("link").click()
        stored = opened.locator("time.moment").first
        at = datetime.fromisoformat(stored.get_attribute("datetime") or "") + timedelta(hours=hours)
        expect(stored).to_have_text(f"{at:%Y-%m-%d %H:%M}")


@on_the_desktop
def test_a_bar_opens_its_notes(page: Page) -> None:
    expect(page.locator("#chart-kp")).to_have_attribute("data-drawn", "yes", timeout=60_000)
    address = page.evaluate(
        "Object.values(JSON.parse(document.getElementById('specifications').textContent).kp.datasets)[0].find(v => v.n > 0).u"
    )
    assert address.startswith("/audit/notes?")
    page.goto(page.url.split("/audit")[0] + address)
    expect(page.locator("table.notes tbody tr").first).to_be_visible()


def test_hostile_notes_do_no_harm(page: Page) -> None:
    page.locator(".totals a").first.click()
    expect(page.locator("table.notes")).to_be_visible()
    sound(page)
    page.locator("table.notes tbody tr").filter(has_text="<script>").get_by_role("link").click()
    expect(page.locator(".note-text")).to_be_visible()
    assert page.title().endswith("复盘")
    assert page.locator(".note-text").evaluate("e => e.textContent") == HOSTILE
    assert page.locator("main script, main img").count() == 0
    sound(page)


def test_filters_and_numbers_by_keyboard_alone(page: Page) -> None:
    page.locator("select[name=team]").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.totals') !== null"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="记录", exact=True)).to_be_visible()


@on_the_desktop
def test_on_paper_there_are_charts_and_tables_but_no_forms(page: Page) -> None:
    expect(page.locator("#chart-scores")).to_have_attribute("data-drawn", "yes", timeout=60_000)
    page.emulate_media(media="print")
    expect(page.locator("form.filters")).to_be_hidden()
    expect(page.locator("header.top")).to_be_hidden()
    expect(page.locator("#chart-scores svg")).to_be_visible()
    expect(page.get_by_role("region", name="得分分布的表", exact=True)).to_be_visible()


@on_the_desktop
def test_reports_come_as_files(page: Page) -> None:
    with page.expect_download() as download:
        page.get_by_role("link", name="Excel").click()
    assert download.value.suggested_filename.endswith(".xlsx")


def test_customers_have_a_page(page: Page) -> None:
    page.locator("#asleep h2 a").click()
    expect(page.get_by_role("heading", name="要谈一谈的客户")).to_be_visible()
    sound(page)


def test_without_scripts_the_charts_are_pictures(browser: Browser, server: Serving, entered: tuple[str, StorageState]) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=entered[1])
    tab = context.new_page()
    tab.goto(entered[0])
    source = tab.locator("#chart-kp img").get_attribute("src")
    answer = context.request.get(server.url + (source or ""))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
    context.close()


def test_who_is_not_a_trainer_sees_no_page(server: Serving) -> None:
    with httpx.Client(base_url=server.url, headers={"accept": "text/html"}) as http:
        for path in (
            "/audit",
            "/audit/notes",
            "/audit/customers",
            "/audit/report.html",
            "/audit/charts/kp.svg",
            "/audit/notes/nt_" + "0" * 32,
        ):
            answer = http.get(path)
            assert (answer.status_code, answer.headers["location"].startswith("/login")) == (303, True)
