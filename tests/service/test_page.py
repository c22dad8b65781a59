"""The rep's page in real Chromium (Debian's), against the real server."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.service.serving import Serving

NOTE = "采购部李经理说我们12.8万比用友贵了3万多😤，他做不了主，要等王总拍板。下周三带案例去见王总"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "Debian's chromium is needed: `make test` installs it"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(params=[(1280, 900), (390, 844)], ids=["desktop", "phone"])
def page(browser: Browser, server: Serving, request: pytest.FixtureRequest) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
    tab = context.new_page()
    faults: list[str] = []
    foreign: list[str] = []
    tab.on("pageerror", lambda e: faults.append(str(e)))
    tab.on("console", lambda m: faults.append(m.text) if m.type == "error" and "422" not in m.text else None)
    tab.on("request", lambda r: foreign.append(r.url) if not r.url.startswith((server.url, "data:")) else None)
    tab.goto(server.url + "/")
    yield tab
    assert faults == []
    assert foreign == []
    context.close()


def test_typing_shows_kind_score_findings_and_questions(page: Page) -> None:
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_label("拜访记录").press_sequentially(NOTE, delay=1)
    expect(page.locator("#kind")).to_contain_text("%")
    expect(page.locator("#dimensions li")).to_have_count(10)
    expect(page.locator("#backdrop mark.person").first).to_have_text("李经理")
    expect(page.locator("#findings button").first).to_be_visible()
    expect(page.locator("#questions li").first).to_contain_text("？")
    points = sum(float(t) for t in page.locator("#dimensions .points b").all_inner_texts())
    assert points == float(page.locator("#score").inner_text())


def test_highlights_cover_the_same_text_as_the_note_holds(page: Page) -> None:
    page.get_by_label("拜访记录").fill(NOTE)
    expect(page.locator("#backdrop mark").first).to_be_attached()
    assert page.locator("#backdrop").evaluate("e => e.textContent").rstrip("\n") == NOTE


def test_a_finding_selects_its_words_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")  # the skip link
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "note"
    page.keyboard.insert_text(NOTE)
    button = page.locator("#findings button", has_text="王总").first
    expect(button).to_be_visible()
    for _ in range(30):
        page.keyboard.press("Tab")
        if "王总" in page.evaluate("document.activeElement.textContent") and page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    page.keyboard.press("Enter")
    # the emoji before it takes two UTF-16 units and one code point: offsets must be translated
    assert (
        page.evaluate(
            "(() => { const n = document.getElementById('note'); return n.value.slice(n.selectionStart, n.selectionEnd) })()"
        ).find("王总")
        >= 0
    )


def test_emptied_note_shows_nothing(page: Page) -> None:
    field = page.get_by_label("拜访记录")
    field.fill(NOTE)
    expect(page.locator("#result")).to_be_visible()
    field.fill("")
    expect(page.locator("#result")).to_be_hidden()
    expect(page.locator("#backdrop mark")).to_have_count(0)


def test_hostile_text_is_shown_as_text(page: Page) -> None:
    page.get_by_label("拜访记录").fill('<img src=x onerror="document.title=1"><script>document.title=1</script>王总嫌贵' + "长" * 3000)
    expect(page.locator("#kind")).to_contain_text("%")
    assert page.title() == "复盘 · 拜访记录"
    assert page.locator("#backdrop img").count() == 0


def test_too_long_a_note_is_told_and_kept(page: Page) -> None:
    field = page.get_by_label("拜访记录")
    field.fill("长" * 20001)
    expect(page.get_by_role("status")).to_contain_text("太长")
    assert len(field.input_value()) == 20001


def test_no_sideways_scrolling(page: Page) -> None:
    page.get_by_label("拜访记录").fill(NOTE)
    expect(page.locator("#result")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_only_drafts_leave_the_page_and_nothing_is_kept(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data or "") if r.method == "POST" else None)
    page.get_by_label("拜访记录").fill(NOTE)
    expect(page.locator("#result")).to_be_visible()
    assert sent
    assert all('"draft":true' in body for body in sent)
    assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
    page.reload()
    assert page.get_by_label("拜访记录").input_value() == ""
