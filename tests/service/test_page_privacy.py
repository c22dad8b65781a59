"""Drafts stay where they are typed; hostile notes do no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.browser import DESKTOP, FLAGS, PHONE, chromium, chromium_path, tab, watched
from tests.service.serving import Serving

SECRET = "恒达五金密件甲乙丙"
DRAFT = f"{SECRET}的王总说我们报12.8万太贵，要再考虑，下周三带对比表去"
KEPT = """async () => localStorage.length + sessionStorage.length + document.cookie.length
  + (await indexedDB.databases()).length + (window.caches ? (await caches.keys()).length : 0)
  + (await navigator.serviceWorker.getRegistrations()).length + (history.state ? 1 : 0)"""
HOSTILE = {
    "script": '<script>document.title=1</script><img src=x onerror="document.title=1">王总嫌贵' + "</textarea></script>" * 3,
    "style": "<style>body{display:none}</style><b style=position:fixed;inset:0>李经理</b>{{7*7}}${7*7}王总说太贵，要请示",
    "rtl": "\u202e王总嫌贵\u202c，\u2067李经理要请示\u2069，شركة 用友报3万",
    "zero width": "王\u200b总\u200d嫌\ufeff贵，\u2060李经理做不了主\u200b" * 20,
    "no space": "王总嫌贵" + "长" * 9996,
    "one word": "x" * 10_000,
    "lone surrogate": "王总\ud83d嫌贵，要请示",
    "controls": "王总\x00嫌贵\x07\x1b[31m，要请示\u2028下周三去",
    "only marks": "\u202e\u200b<>&\"'" * 50,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, server: Serving, request: pytest.FixtureRequest) -> Iterator[Page]:
    with tab(browser, request.param, server.url) as opened:
        opened.goto(server.url + "/")
        yield opened


def test_hostile_notes_are_shown_as_text(page: Page) -> None:
    title = page.title()
    dialogs: list[str] = []
    page.on("dialog", lambda d: dialogs.append(d.message))
    for name, text in HOSTILE.items():
        with page.expect_response("**/v1/analyses") as answer:
            page.evaluate("text => { note.value = text; note.dispatchEvent(new Event('input', {bubbles: true})) }", text)
        assert answer.value.status == 200, name
        expect(page.locator("#result")).to_be_visible()
        written = page.evaluate("note.value")
        assert page.locator("#backdrop").evaluate("e => e.textContent") == written + "\n", name
        assert page.evaluate("document.querySelectorAll('main :is(img, script, style, b[style], iframe)').length") == 0, name
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), name
        assert page.title() == title
    assert dialogs == []


def test_a_draft_is_kept_nowhere(browser: Browser, server: Serving, tmp_path: Path) -> None:
    """Not in the database, its journal, the log, the browser's storage or its profile on disk; only drafts go over the wire, in bodies."""
    sent: list[str] = []
    addresses: list[str] = []
    context = browser.browser_type.launch_persistent_context(tmp_path, executable_path=chromium_path(), args=FLAGS, locale="zh-CN")
    page = context.pages[0]
    faults, foreign = watched(context, page, (server.url, "about:"))
    page.on("request", lambda r: (addresses.append(r.url), sent.append(r.post_data or "") if r.method == "POST" else None))
    page.goto(server.url + "/")
    page.get_by_label("拜访记录").press_sequentially(DRAFT)
    expect(page.locator("#result")).to_be_visible()
    with page.expect_response("**/v1/analyses"):
        page.locator("#questions .open").first.click()
    page.locator("#findings .mend").first.click()
    assert page.evaluate(KEPT) == 0
    page.reload()
    assert page.get_by_label("拜访记录").input_value() == ""
    context.close()
    assert (faults, foreign) == ([], [])
    bodies = [json.loads(body) for body in sent]
    assert bodies
    assert all(set(body) == {"text", "draft"} and body["draft"] is True for body in bodies)
    assert not any("?" in address or "%" in address for address in addresses)
    kept = [p for folder in (server.database.parent, tmp_path) for p in folder.rglob("*") if p.is_file()]
    assert any(p == server.database for p in kept)
    forms = [SECRET.encode(e) for e in ("utf-8", "utf-16-le", "utf-16-be", "gb18030")] + [json.dumps(SECRET).strip('"').encode()]
    assert [p.name for p in kept if any(form in p.read_bytes() for form in forms)] == []
