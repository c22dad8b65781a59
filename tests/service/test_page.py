"""The rep's page in real Chromium, against the real server: what the rep sees and can do."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from models.labels import DIMENSIONS, QUESTION_IDS, WEIGHTS
from service.texts import page_words
from tests.service.browser import DESKTOP, NOTE, PHONE, accessibility_faults, answer_about, chromium, tab
from tests.service.serving import Serving


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(browser: Browser, server: Serving, request: pytest.FixtureRequest) -> Iterator[Page]:
    with tab(browser, request.param, server.url, axe=True) as opened:
        opened.goto(server.url + "/")
        yield opened


@pytest.fixture
def desktop(browser: Browser, server: Serving) -> Iterator[Page]:
    with tab(browser, DESKTOP, server.url) as opened:
        opened.goto(server.url + "/")
        yield opened


def write(page: Page, text: str = NOTE) -> None:
    page.get_by_label("拜访记录").fill(text)
    expect(page.locator("#result")).to_be_visible()


def test_typing_shows_score_parts_findings_and_questions(page: Page) -> None:
    expect(page.locator("#summary")).to_be_hidden()
    expect(page.locator("#empty")).to_be_visible()
    with page.expect_response(answer_about(NOTE)):
        page.get_by_label("拜访记录").press_sequentially(NOTE, delay=1)
    expect(page.locator("#kind")).to_contain_text("，")
    expect(page.locator("#dimensions li")).to_have_count(10)
    expect(page.locator("#backdrop mark.person").first).to_have_text("李经理")
    expect(page.locator("#backdrop mark.objection-open").first).to_be_attached()
    expect(page.locator("#questions li").first).to_contain_text("？")
    shown = (
        "[...document.querySelectorAll('#dimensions .points b'), document.getElementById('score')].map(node => Number(node.textContent))"
    )
    *points, score = page.evaluate(shown)
    assert sum(points) == score
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_no_serious_finding_of_axe_with_card_dispute_and_evidence_shown(page: Page) -> None:
    assert accessibility_faults(page) == []
    write(page)
    page.locator("#findings .mend").first.click()
    page.locator("#backdrop mark.price").first.scroll_into_view_if_needed()
    box = page.locator("#backdrop mark.price").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    expect(page.locator("#card")).to_be_visible()
    assert accessibility_faults(page) == []


def test_a_finding_in_the_text_tells_what_it_is_and_why_by_mouse_or_tap(page: Page) -> None:
    write(page)
    box = page.locator("#backdrop mark.kp").first.bounding_box()
    assert box
    act = page.mouse.move if page.viewport_size == {"width": 1280, "height": 900} else page.mouse.click
    act(box["x"] + 4, box["y"] + 4)
    card = page.locator("#card")
    expect(card).to_contain_text("第一KP，这次没见到")
    expect(card).to_contain_text("能拍板的人")
    expect(card).to_contain_text("把握")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()


def test_every_kind_of_finding_has_its_line_its_words_and_its_doubt(desktop: Page, server: Serving) -> None:
    text = "王总不嫌贵了。用友3万，月底到款，B类"
    answer = httpx.post(server.url + "/v1/analyses", json={"text": text, "draft": True}).json()
    answer["people"] = [{"mention": "王总", "start": 0, "end": 2, "title": "总", "decision_role": "contact", "met": True, "probability": 0.6, "needs_review": True, "because": []}]  # fmt: skip
    answer["objections"] = [{"type": "price", "status": "resolved", "quote": "不嫌贵了", "start": 2, "end": 6, "probability": 0.98, "needs_review": False}]  # fmt: skip
    answer["price"]["mentions"] = [{"quote": "3万", "start": 9, "end": 11, "role": "competitor", "amount": [30000, None], "percent": None, "unit": None}]  # fmt: skip
    answer["competitors"] = [{"mention": "用友", "start": 7, "end": 9}]
    answer["funds_date"] = {"quote": "月底到款", "start": 12, "end": 16, "when": "月底", "date": None}
    answer["next_step"] = None
    answer["customer_class"] = {"label": "B", "quote": "B类", "start": 17, "end": 19}
    desktop.route("**/v1/analyses", lambda route: route.fulfill(json=answer))
    write(desktop, text)
    for cls, words, told in (
        ("person", "王总", "联络人，这次见到了存疑接待或传话，不参与决定。把握不大。"),
        ("objection-resolved", "不嫌贵了", "价格异议，已化解客户嫌贵、要优惠，或者拿别家的价来比。几乎可以肯定。"),
        ("price", "3万", "对手报价读作 30,000 元以上。"),
        ("competitor", "用友", "对手记录里点了名的另一家。"),
        ("funds", "月底到款", "到款时间时间是“月底”。"),
        ("class", "B类", "客户分类 B这次拜访之后的分类。"),
    ):
        expect(desktop.locator(f"#backdrop mark.{cls}")).to_have_text(words)
        expect(desktop.locator("#findings .found", has_text=words).first).to_have_text(words + told)
        expect(desktop.locator(f".legend mark.{cls}")).to_be_visible()


def test_what_would_add_most_is_what_the_rubric_gives(desktop: Page) -> None:
    write(desktop)
    rows = {d: float(desktop.locator(f'#dimensions li[data-id="{d}"] .points b').inner_text()) for d in DIMENSIONS}
    missing = {d: WEIGHTS[d] - points for d, points in rows.items()}
    most = max(missing.values())
    expect(desktop.locator("#gain")).to_have_text(f"+{most:g}")
    lines = {line for d in DIMENSIONS if missing[d] == most for line in page_words()["addition"][d]}
    assert desktop.locator("#most").inner_text() in lines


def test_every_dimension_and_question_has_its_words() -> None:
    words = page_words()
    assert set(words["addition"]) == set(DIMENSIONS)
    assert set(words["opening"]) == set(QUESTION_IDS)
    assert all(len(line) <= 20 for lines in words["addition"].values() for line in lines)


def test_evidence_of_a_dimension_is_pointed_out_in_the_text_by_mouse_and_keyboard(desktop: Page) -> None:
    write(desktop)
    row = desktop.locator('#dimensions li[data-id="figures"] button')
    row.hover()
    expect(desktop.locator("#backdrop mark.seen").first).to_have_text("12.8万")
    desktop.mouse.move(5, 5)
    expect(desktop.locator("#backdrop mark.seen")).to_have_count(0)
    row.focus()
    expect(desktop.locator("#backdrop mark.seen").first).to_have_text("12.8万")


def test_an_opening_goes_under_the_note_earns_nothing_and_can_be_undone(desktop: Page) -> None:
    write(desktop)
    field, score = desktop.get_by_label("拜访记录"), desktop.locator("#score").inner_text()
    with desktop.expect_response("**/v1/analyses"):
        desktop.locator("#questions .open").first.click()
    added = field.input_value().removeprefix(NOTE)
    assert added.startswith("\n")
    assert added[1:] in page_words()["opening"].values()
    assert (
        desktop.evaluate("document.activeElement.id === 'note' && document.activeElement.selectionStart")
        == len(field.input_value().encode("utf-16-le")) // 2
    )
    assert desktop.locator("#score").inner_text() == score
    desktop.keyboard.type("服务")
    assert field.input_value().endswith(added + "服务")
    for _ in range(4):
        desktop.keyboard.press("Control+z")
    assert field.input_value() in (NOTE, "")  # `fill` itself may be one step of the undo history


def test_a_finding_marked_wrong_leaves_the_underlines_and_not_the_score(desktop: Page) -> None:
    write(desktop)
    score = desktop.locator("#score").inner_text()
    marks = desktop.locator("#backdrop mark.price")
    expect(marks.first).to_have_text("12.8万")
    item = desktop.locator("#findings li", has_text="我方报价")
    item.get_by_role("button", name="这不是报价：12.8万").click()
    expect(marks.filter(has_text="12.8万")).to_have_count(0)
    expect(item).to_contain_text("已标记")
    expect(desktop.locator("#disputed")).to_contain_text("得分没有跟着重算")
    assert desktop.locator("#score").inner_text() == score
    with desktop.expect_response("**/v1/analyses"):  # the mark holds while the rep writes on
        desktop.get_by_label("拜访记录").press_sequentially("。价格再谈")
    expect(item).to_contain_text("已标记")
    item.get_by_role("button", name="撤销").click()
    expect(marks.first).to_have_text("12.8万")


def test_a_finding_selects_its_words_by_keyboard_alone(desktop: Page) -> None:
    for _ in ("the skip link", "the login", "the note"):
        desktop.keyboard.press("Tab")
    assert desktop.evaluate("document.activeElement.id") == "note"
    desktop.keyboard.insert_text(NOTE)
    expect(desktop.locator("#result")).to_be_visible()
    for _ in range(60):
        desktop.keyboard.press("Tab")
        if desktop.evaluate("document.activeElement.matches('.found') && document.activeElement.textContent.startsWith('王总')"):
            break
    expect(desktop.locator("#backdrop mark.seen").first).to_have_text("王总")
    desktop.keyboard.press("Enter")
    # the emoji before it takes two UTF-16 units and one code point: offsets must be translated
    chosen = "(() => { const n = document.getElementById('note'); return n.value.slice(n.selectionStart, n.selectionEnd) })()"
    assert desktop.evaluate(chosen) == "王总"


def test_emptied_note_shows_nothing(desktop: Page) -> None:
    write(desktop)
    desktop.get_by_label("拜访记录").fill("")
    for hidden in ("#result", "#summary", "#ask"):
        expect(desktop.locator(hidden)).to_be_hidden()
    expect(desktop.locator("#backdrop mark")).to_have_count(0)


def test_too_long_a_note_is_told_and_kept(desktop: Page) -> None:
    field = desktop.get_by_label("拜访记录")
    field.fill("长" * 20001)
    expect(desktop.locator("#status")).to_contain_text("太长")
    assert len(field.input_value()) == 20001


def test_print_shows_note_and_underlines_without_buttons(desktop: Page) -> None:
    write(desktop)
    desktop.emulate_media(media="print")
    expect(desktop.get_by_label("拜访记录")).to_be_visible()
    expect(desktop.locator("#findings .mend").first).to_be_hidden()
    assert desktop.locator("#backdrop mark.price").first.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"


def test_a_login_that_ends_while_typing_takes_no_text(browser: Browser, server: Serving) -> None:
    with tab(browser, DESKTOP, server.url) as page:
        page.set_default_timeout(60_000)
        page.goto(server.url + "/login?next=/")
        page.get_by_label("访问密钥").fill(server.key)
        page.get_by_role("button", name="登录").click()
        write(page)
        before = page.locator("meta[name=csrf-token]").get_attribute("content")
        page.context.clear_cookies()
        page.route("**/v1/analyses", lambda route: route.fulfill(status=401, json={}))  # this server takes drafts of anybody
        page.get_by_label("拜访记录").press_sequentially("，他很急")
        expect(page.locator("#status")).to_contain_text("登录已经到期，写的内容都还在这一页")
        page.unroute("**/v1/analyses")
        with page.expect_popup() as opened:
            page.get_by_role("button", name="重新登录").click()
        opened.value.get_by_label("访问密钥").fill(server.key)
        with page.expect_request("**/v1/analyses") as asked, opened.value.expect_event("close"):
            opened.value.get_by_role("button", name="登录").click()
        assert asked.value.headers["x-csrf-token"] not in ("", before)
        expect(page.locator("#status")).to_have_text("")
        expect(page.get_by_label("拜访记录")).to_have_value(NOTE + "，他很急")
        expect(page.locator("#result")).to_be_visible()
