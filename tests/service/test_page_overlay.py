"""The underlines lie under the very words, whatever is typed and however; the text area stays a plain text area."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.service.browser import DESKTOP, NOTE, chromium, stop_time, tab
from tests.service.serving import Serving

MIXED = "\n".join(
    [
        NOTE,
        "emoji 👨‍👩‍👧‍👦 一家三口👍🏽，旗 🇨🇳，王总说再考虑",
        "制表\t符\t\t我们12.8万\t  两个空格   三个",
        "https://crm.example/" + "averyveryverylongword" * 12 + "用友",
        "没有标点的长句" * 40,
        "ａｂｃ全角，①②③，Ünïcödé，ff ffi fl，\u200b零宽\u200d，مرحبا من דניאל，右到左\u202e反过来\u202c完",
        "",
        "  行首空格，张经理嫌贵，说用友便宜。  ",
    ]
)
LONG = (MIXED + "\n") * 5
DIFFERENCE = """async (pictures) => {
  const pixels = [];
  for (const picture of pictures) {
    const image = new Image();
    image.src = 'data:image/png;base64,' + picture;
    await image.decode();
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width: image.width, height: image.height});
    const drawing = canvas.getContext('2d');
    drawing.drawImage(image, 0, 0);
    pixels.push(drawing.getImageData(0, 0, image.width, image.height).data);
  }
  if (pixels[0].length !== pixels[1].length) return 255;
  return pixels[0].reduce((most, value, i) => Math.max(most, Math.abs(value - pixels[1][i])), 0);
}"""
SHADE = 100
"""A word drawn a fraction of a pixel aside differs by up to some 60 of 255 at its edges; one a whole pixel aside by 200."""
SHOW = """shown => {
  note.style.color = shown === 'copy' ? 'transparent' : '';
  for (const e of document.querySelectorAll('#backdrop, #backdrop mark')) {
    Object.assign(e.style, {background: 'none', textDecoration: 'none', color: shown === 'copy' ? '#1d2430' : ''});
  }
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: Serving) -> Iterator[Page]:
    with tab(browser, DESKTOP, server.url) as opened:
        opened.goto(server.url + "/")
        yield opened


def note_of(page: Page) -> str:
    return str(page.get_by_label("拜访记录").input_value())


def test_words_of_the_copy_fall_on_those_of_the_text_area_at_every_width(page: Page) -> None:
    """The same pixels whether the text area's words are drawn or the copy's, at widths of phones, tablets and desktops."""
    assert len(LONG) > 3000
    field, paper = page.get_by_label("拜访记录"), page.locator("#paper")
    field.fill(LONG)
    expect(page.locator("#backdrop mark").first).to_be_attached()
    assert page.locator("#backdrop").evaluate("e => e.textContent") == LONG + "\n"
    field.evaluate("e => e.blur()")
    drawing = page.context.browser.new_page()
    for width in (390, 611, 834, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        pictures = []
        for shown in ("note", "copy"):
            page.evaluate(SHOW, shown)
            pictures.append(b64encode(paper.screenshot()).decode())
        assert drawing.evaluate(DIFFERENCE, pictures) < SHADE, f"words differ at {width} pixels"
    drawing.close()


def test_underlines_move_with_their_words_until_the_next_answer(page: Page) -> None:
    page.get_by_label("拜访记录").fill(NOTE)
    expect(page.locator("#backdrop mark.person").first).to_have_text("李经理")
    page.route("**/v1/analyses", lambda route: None)  # no further answer comes
    page.keyboard.press("Control+Home")
    page.keyboard.insert_text("😤今天，")
    assert note_of(page) == "😤今天，" + NOTE
    expect(page.locator("#backdrop mark.person").first).to_have_text("李经理")
    assert page.locator("#backdrop").evaluate("e => e.textContent") == "😤今天，" + NOTE + "\n"


def first_answer_held(page: Page) -> tuple[list[Request], list[Route]]:
    """(the requests sent from now on, the first of them, which waits to be continued), with the page's time stopped."""
    sent: list[Request] = []
    held: list[Route] = []
    page.route("**/v1/analyses", lambda route: held.append(route) if not held else route.continue_())
    page.on("request", lambda r: sent.append(r) if r.method == "POST" else None)
    stop_time(page)
    return sent, held


def test_one_request_a_pause_and_the_older_one_is_aborted(page: Page) -> None:
    sent, _ = first_answer_held(page)
    field = page.get_by_label("拜访记录")
    field.press_sequentially("王总说太贵了")
    assert sent == []
    page.clock.run_for(49)
    assert sent == []
    with page.expect_request("**/v1/analyses"):
        page.clock.run_for(5)
    with page.expect_event("requestfailed", lambda r: r == sent[0]):
        field.press_sequentially("，要请示")
    page.clock.run_for(200)
    expect(page.locator("#result")).to_be_visible()
    assert len(sent) == 2


def test_a_pause_is_as_long_as_the_last_answer_took_and_no_longer_than_120_ms(page: Page) -> None:
    sent, held = first_answer_held(page)
    field = page.get_by_label("拜访记录")
    field.press_sequentially("王总说太贵了")
    with page.expect_request("**/v1/analyses"):
        page.clock.run_for(55)
    page.clock.run_for(700)  # a long answer
    with page.expect_response("**/v1/analyses"):
        held[0].continue_()
    expect(page.locator("#kind")).not_to_be_empty()
    field.press_sequentially("。")
    page.clock.run_for(119)
    assert len(sent) == 1
    with page.expect_request("**/v1/analyses"):
        page.clock.run_for(5)


def test_an_answer_that_moves_nothing_draws_nothing_anew(page: Page) -> None:
    field = page.get_by_label("拜访记录")
    field.fill("王总说太贵了")
    expect(page.locator("#backdrop mark").first).to_be_attached()
    page.locator("#backdrop mark").first.evaluate("mark => { mark.kept = true; }")
    with page.expect_response("**/v1/analyses"):
        field.dispatch_event("input")
    page.wait_for_timeout(100)
    assert page.locator("#backdrop mark").first.evaluate("mark => mark.kept === true")
    with page.expect_response("**/v1/analyses"):
        field.fill("王总说太贵了，要请示")
    expect(page.locator("#backdrop mark").first).to_be_attached()
    assert not page.locator("#backdrop mark").first.evaluate("mark => mark.kept === true")


def test_nothing_is_analyzed_while_an_input_method_composes(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.post_data or "") if r.method == "POST" else None)
    stop_time(page)
    page.get_by_label("拜访记录").focus()
    keyboard = page.context.new_cdp_session(page)
    keyboard.send("Input.imeSetComposition", {"text": "wang zong", "selectionStart": 9, "selectionEnd": 9})
    assert note_of(page) == "wang zong"
    assert page.locator("#backdrop").evaluate("e => e.textContent") == "wang zong\n"
    page.clock.run_for(5000)
    assert sent == []
    keyboard.send("Input.insertText", {"text": "王总嫌贵"})
    with page.expect_request("**/v1/analyses"):
        page.clock.run_for(200)
    expect(page.locator("#result")).to_be_visible()
    assert note_of(page) == "王总嫌贵"
    assert len(sent) == 1


def test_copy_paste_and_undo_are_the_browsers_own(page: Page) -> None:
    page.get_by_label("拜访记录").focus()
    page.keyboard.insert_text("王总嫌贵")
    expect(page.locator("#result")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("End")
    page.keyboard.press("Control+v")
    assert note_of(page) == "王总嫌贵王总嫌贵"
    expect(page.locator("#backdrop mark").first).to_be_attached()
    page.keyboard.press("Control+z")
    assert note_of(page) == "王总嫌贵"
    page.keyboard.press("Control+Shift+z")
    assert note_of(page) == "王总嫌贵王总嫌贵"


def test_a_screen_reader_meets_the_text_area_alone_and_hears_the_score_after_a_rest(page: Page) -> None:
    assert page.locator("#backdrop").get_attribute("aria-hidden") == "true"
    stop_time(page)
    page.get_by_label("拜访记录").fill(NOTE)
    with page.expect_response("**/v1/analyses"):
        page.clock.run_for(200)
    expect(page.locator("#result")).to_be_visible()
    live = page.locator("#live")
    assert live.inner_text() == ""
    page.clock.run_for(1500)
    expect(live).to_contain_text(f"{page.locator('#score').inner_text()} 分")
    expect(page.get_by_role("list", name="颜色说明")).to_be_visible()
