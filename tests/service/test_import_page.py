"""The pages of reps and importers in real Chromium against the real server: the main paths, axe, no foreign request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.browser import DESKTOP, PHONE, accessibility_faults, chromium
from tests.service.browser import tab as new_tab
from tests.service.imports.exports import csv_file, table
from tests.service.serving import Serving

TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def tab(browser: Browser, server: Serving, request: pytest.FixtureRequest) -> Iterator[Page]:
    with new_tab(browser, request.param, server.url, axe=True) as opened:
        yield opened


def log_in(page: Page, server: Serving, key: str) -> None:
    page.goto(server.url + "/login")
    page.get_by_label("访问密钥").fill(key)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/(my|customers)$"))


def sound(page: Page) -> None:
    """No serious or critical finding of axe, and nothing that scrolls the page sideways."""
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.fixture(scope="module")
def rep_key(server: Serving) -> str:
    """A rep with two visits to one customer."""
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=60) as admin:
        rep = admin.post("/v1/people", json={"name": "页面销售", "role": "rep", "external_id": "page-1"}).json()["id"]
        for day, text in ((3, TEXT), (10, "王总还是没见到" + "长" * 3000)):
            answer = admin.post(
                "/v1/notes", json={"text": text, "visited_at": f"2026-11-{day:02}", "customer": "恒达<b>五金", "rep_id": rep}
            )
            assert answer.status_code == 201
        return admin.post("/v1/keys", json={"role": "rep", "person_id": rep}).json()["key"]


def test_login_import_with_a_corrected_column_and_its_errors(tab: Page, server: Serving, tmp_path: Path) -> None:
    rows = [[f"{tab.viewport_size['width']}-{r[0]}", *r[1:]] for r in table(60)]
    rows[7][3] = "看不清"
    file = tmp_path / "导出.csv"
    file.write_bytes(csv_file(rows, "gb18030").replace("客户名称".encode("gb18030"), "对方".encode("gb18030")))
    log_in(tab, server, server.key)
    sound(tab)
    tab.get_by_role("link", name="导入").click()
    tab.wait_for_url("**/import")
    sound(tab)
    tab.locator("input[type=file]").set_input_files(file)
    tab.get_by_role("button", name="上传").click()
    expect(tab.get_by_label("拜访内容")).to_have_value("text")
    expect(tab.get_by_label("对方")).to_have_value("")
    tab.get_by_label("对方").select_option("customer")
    sound(tab)
    tab.get_by_role("button", name="开始导入").click()
    expect(tab.get_by_text("已完成")).to_be_visible(timeout=60_000)
    expect(tab.locator("#stored")).to_have_text("59")
    sound(tab)
    with tab.expect_download() as download:
        tab.get_by_role("link", name="下载全部（CSV）").click()
    assert "9,拜访日期,拜访日期,日期看不懂" in Path(download.value.path()).read_text("utf-8-sig")
    tab.get_by_role("button", name="撤销").click()
    expect(tab.get_by_text("已撤销")).to_be_visible(timeout=30_000)
    expect(tab.locator("#stored")).to_have_text("0")


def test_my_records_and_the_brief(tab: Page, server: Serving, rep_key: str) -> None:
    log_in(tab, server, rep_key)
    expect(tab.get_by_role("heading", name="我最常漏写的")).to_be_visible()
    sound(tab)
    tab.get_by_label("记录里的字").fill("用友")
    tab.keyboard.press("Enter")
    expect(tab.locator(".entries > li")).to_have_count(1)
    tab.locator(".entries > li summary").first.focus()
    tab.keyboard.press("Enter")
    tab.get_by_role("link", name="这个客户的简报").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("恒达<b>五金")
    expect(tab.get_by_text("没见到过，未证实")).to_be_visible()
    sound(tab)
    printed = re.findall(rb"/Type /Pages\s+/Count (\d+)", tab.pdf(prefer_css_page_size=True))
    assert printed == [b"1"]
    tab.get_by_role("button", name="退出").click()
    expect(tab.get_by_role("heading", name="登录")).to_be_visible()
    tab.goto(server.url + "/my")
    expect(tab).to_have_url(re.compile("/login"))


def test_by_keyboard_from_login_to_the_brief(tab: Page, server: Serving, rep_key: str) -> None:
    log_in(tab, server, rep_key)
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    for _ in range(12):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent") == "客户简报":
            break
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/customers")
    expect(tab.locator("nav a[aria-current=page]")).to_have_text("客户简报")
