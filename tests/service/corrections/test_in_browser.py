"""The correction page in real Chromium: by keyboard alone, by hand on a phone, with a hostile note; and a rep who submits a note."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.service.browser import DESKTOP, NOTE, PHONE, accessibility_faults, chromium, tab
from tests.service.serving import Serving

HOSTILE = "</script><script>document.title='x'</script><img src=x onerror=\"document.title='y'\">王总嫌贵\u202e反\u200b" + "abcdefgh" * 1250


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@dataclass
class Made:
    """A rep's key and ids of notes stored for the rep, the hostile one last."""

    rep_key: str
    notes: list[str]
    http: httpx.Client


@pytest.fixture(scope="module")
def made(server: Serving) -> Iterator[Made]:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {server.key}"}, timeout=60) as http:
        rep = http.post("/v1/people", json={"name": "更正" + uuid.uuid4().hex[:6], "role": "rep"}).json()["id"]
        key = http.post("/v1/keys", json={"role": "rep", "person_id": rep}).json()["key"]
        notes = [http.post("/v1/notes", json={"text": t, "rep_id": rep}).json()["id"] for t in (NOTE, NOTE, HOSTILE)]
        yield Made(key, notes, http)


def entered(page: Page, server: Serving, key: str, path: str) -> Page:
    page.set_default_timeout(60_000)  # other work may share the machine
    page.goto(f"{server.url}/login?next={path}")
    page.get_by_label("访问密钥").fill(key)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(f"**{path}")
    return page


def select(page: Page, words: str) -> None:
    """Select words of the text, as a pointer or Shift and the arrows do."""
    page.evaluate(
        """words => {
          const text = document.getElementById("text"), walk = document.createTreeWalker(text, NodeFilter.SHOW_TEXT), range = document.createRange();
          const at = text.textContent.indexOf(words), end = at + words.length;
          let seen = 0;
          for (let n = walk.nextNode(); n; n = walk.nextNode()) {
            if (at >= seen && at <= seen + n.length) range.setStart(n, at - seen);
            if (end >= seen && end <= seen + n.length) { range.setEnd(n, end - seen); break; }
            seen += n.length;
          }
          text.focus(); getSelection().removeAllRanges(); getSelection().addRange(range);
        }""",
        words,
    )


def test_a_note_is_corrected_by_keyboard_alone(browser: Browser, server: Serving, made: Made) -> None:
    note = made.notes[1]
    before = made.http.get(f"/v1/notes/{note}/corrections").json()["labels"]
    with tab(browser, DESKTOP, server.url, axe=True) as page:
        entered(page, server, server.key, f"/notes/{note}/correct")
        expect(page.locator("#rubric > li[aria-current]")).to_contain_text("关键人")
        page.keyboard.press("j")
        page.keyboard.press("2")  # the need, then on to the next part
        expect(page.locator("#rubric > li[aria-current]")).to_contain_text("认可点")
        page.keyboard.press("k")
        select(page, "贵了3万多")
        page.keyboard.press("e")
        expect(page.get_by_role("list", name="需求的依据")).to_contain_text("贵了3万多")
        select(page, "王总")
        page.keyboard.press("Delete")  # nothing is ever typed into the text
        page.keyboard.type("z")
        expect(page.locator("#text")).to_have_text(NOTE)
        select(page, "要等王总拍板")
        page.keyboard.press("y")
        expect(page.locator("#objections li:last-child select").first).to_be_focused()
        page.keyboard.press("Control+Enter")
        expect(page.locator("#said")).to_have_text("已保存。")
        assert accessibility_faults(page) == []
        page.keyboard.press("l")
        page.keyboard.press("Control+Shift+Enter")
        page.wait_for_url(lambda url: url.endswith("#checked"))
    said = made.http.get(f"/v1/notes/{note}/corrections").json()
    assert said["complete"]
    assert said["labels"]["kind"] != before["kind"]
    assert said["labels"]["rubric"]["need"] == 2
    assert "贵了3万多" in said["labels"]["evidence"]["need"]
    assert said["labels"]["objections"][-1] == {"type": "price", "status": "open", "quote": "要等王总拍板"}
    assert {c["field"] for c in said["corrections"]} >= {"kind", "objections", "evidence"}


def test_by_hand_on_a_phone_with_a_fault_named_and_a_hostile_note_beside(browser: Browser, server: Serving, made: Made) -> None:
    note = made.notes[0]
    with tab(browser, PHONE, server.url, axe=True) as page:
        entered(page, server, server.key, f"/notes/{note}/correct")
        assert accessibility_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.get_by_label("我方报价").fill("十二万")
        page.get_by_role("button", name="保存", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("不是数字")
        page.get_by_label("我方报价").fill("120000~130000")
        page.get_by_role("radiogroup", name="自我反思").locator("label").nth(1).click()
        page.get_by_role("button", name="保存", exact=True).click()
        expect(page.locator("#said")).to_have_text("已保存。")
        page.goto(f"{server.url}/notes/{made.notes[2]}/correct")
        expect(page.locator("#rubric > li[aria-current]")).to_be_attached()
        assert page.title().endswith("复盘")
        assert page.locator("#text").evaluate("e => e.textContent") == HOSTILE
        assert page.locator("main :is(img, style)").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    labels = made.http.get(f"/v1/notes/{note}/corrections").json()["labels"]
    assert (labels["price"]["ours"], labels["rubric"]["reflection"]) == ([120000, 130000], 1)


def test_a_rep_submits_a_note_and_its_marks_go_to_the_trainer(browser: Browser, server: Serving, made: Made) -> None:
    with tab(browser, DESKTOP, server.url, axe=True) as page:
        entered(page, server, made.rep_key, "/my")
        page.goto(server.url + "/")
        page.locator("#note").fill(NOTE + "，今天")
        page.locator("#findings").get_by_role("button", name="这不是异议").first.click()
        assert made.http.get("/v1/appeals").json()["appeals"] == []  # a draft's mark stays in the page
        page.get_by_label("客户", exact=True).fill("恒达")
        page.get_by_role("button", name="保存到我的记录").click()
        expect(page.locator("#submitted")).to_contain_text("1 处标记交给了培训师")
        expect(page.locator("#note")).to_have_value("")
        page.get_by_role("link", name="看我的记录").click()
        expect(page.get_by_role("region", name="全部记录")).to_contain_text("等培训师处理")
        assert accessibility_faults(page) == []
    (appeal,) = made.http.get("/v1/appeals").json()["appeals"]
    assert (appeal["kind"], appeal["finding"]["kind"], appeal["state"]) == ("finding", "objection", "open")
