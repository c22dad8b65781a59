"""Tables for the finders that are rules: cue phrases, customer class, same person, gap arithmetic, clauses."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.analysis import Gap
from models.candidates import same_person, trimmed
from models.clauses import split_at_stops
from models.cues import CueScanner, cue_scanner
from models.customer_class import find_class
from models.gaps import Slots, assemble
from models.names import in_quotes
from models.prices import FoundPrice
from models.text import normalize

CUES = [
    ("他没嫌贵", "price_fine", "price_high"),
    ("嫌贵", "price_high", "price_fine"),
    ("再考虑考虑", "stall", "need"),
    ("账上没钱", "pay_lack", "price_high"),
    ("他说了算", "kp", "authority"),
    ("还得问董事长", "authority", "need_none"),
]


@pytest.mark.parametrize(("text", "present", "absent"), CUES)
def test_cues(text: str, present: str, absent: str) -> None:
    groups = {g for h in cue_scanner()(text) for g in h.groups}
    assert present in groups
    assert absent not in groups


@given(st.text(st.sampled_from("贵不没嫌钱KP说第一了算"), max_size=20))
def test_cue_hits_quote_the_text_and_do_not_overlap(text: str) -> None:
    hits = CueScanner({"a": ("贵", "不贵", "没嫌贵"), "b": ("KP", "第一KP")})(text)
    assert all(text[h.start : h.end] == h.phrase for h in hits)
    assert all(a.end <= b.start for a, b in itertools.pairwise(hits))


CLASSES = [("B类客户", "B"), ("这户不该是A，先降B。", "B"), ("由B转A", "A"), ("系统里挂A类，今天由A转D类", "D"), ("分类B", "B"), ("级别:C 见:店长", "C"), ("单位：城南水质站（A）", "A"), ("从B划到D", "D"),
           ("A座17楼", None), ("A4纸", None), ("B区仓库", None), ("VIP客户", None), ("USB接口", None), ("A股跌了", None), ("", None)]  # fmt: skip


@pytest.mark.parametrize(("text", "label"), CLASSES)
def test_customer_class(text: str, label: str | None) -> None:
    found = find_class(normalize(text).text)
    assert (found.label if found else None) == label


PERSONS = [
    ("王总", "王总", True),
    ("建国经理", "李建国经理", True),
    ("老赵", "赵经理", True),
    ("小周", "周敏", True),
    ("王总", "汪总", False),
    ("老板", "老板娘", True),
    ("张主任", "李主任", False),
    ("龚总", "总经理龚怡", True),
    ("王总", "王经理", False),
    ("周经理", "周敏", True),
]


@pytest.mark.parametrize(("a", "b", "same"), PERSONS)
def test_same_person(a: str, b: str, same: bool) -> None:
    assert same_person(a, b) is same
    assert same_person(b, a) is same


def slots_of(note: str, *amounts: tuple) -> Slots:
    """Slots of a note whose amounts have these (quote, role, value[, form])."""
    text = normalize(note).text
    return assemble(text, tuple(price(text, *amount) for amount in amounts))


TRIMMED = [("质检科小虞", "小虞"), ("问总监", "总监"), ("设备科邓科长", "邓科长"), ("科长", "科长"), ("王总", "王总"), ("部长", "部长"), ("园长周敏", "园长周敏"), ("培训主管小顾", "培训主管小顾"), ("车间主任老唐", "车间主任老唐")]  # fmt: skip


@pytest.mark.parametrize(("tagged", "mention"), TRIMMED)
def test_what_goes_before_a_name_is_trimmed(tagged: str, mention: str) -> None:
    assert tagged[trimmed(tagged) :] == mention


def price(text: str, quote: str, role: str, value, form: str = "money") -> FoundPrice:
    start = text.index(quote)
    return FoundPrice(start, start + len(quote), form, value, None, "CNY", role, 0.9)


def test_gap_from_two_prices() -> None:
    slots = slots_of("我们12.8万，用友9.5万", ("12.8万", "ours", 128000), ("9.5万", "competitor", 95000))
    assert (slots.ours, slots.competitor) == (128000, 95000)
    assert slots.gaps == (Gap("competitor", 33000, 34.7, stated=False),)


def test_latest_quote_and_lowest_competitor_count() -> None:
    amounts = [("1680", "ours", 1680), ("1630", "ours", 1630), ("1560", "competitor", 1560), ("1490", "competitor", 1490)]
    slots = slots_of("首报1680，今天1630；固途1560，海岳1490", *amounts)
    assert (slots.ours, slots.competitor, slots.gaps[0].amount) == (1630, 1490, 140)


@pytest.mark.parametrize(
    ("text", "amount"), [("他们便宜5千", 5000), ("我们贵5千", 5000), ("我们便宜5千", -5000), ("比我们贵5千", -5000), ("贵5千", 5000), ("跟晶焰比我们贵5千", 5000), ("那家比我们平足足5千", 5000)],
)  # fmt: skip
def test_sign_of_a_stated_gap(text: str, amount: int) -> None:
    gap = slots_of(text, ("5千", "gap_competitor", 5000)).gaps[0]
    assert (gap.amount, gap.stated) == (amount, True)


FIGURES_FIRST = [("他们1块9，我们2块3，贵四毛", "1块9", 1.9, "2块3", 2.3, 0.4), ("那边500一个月，咱们报450，他说差这五十块懒得搬", "500", 500, "450", 450, -50), ("现拿的46，咱44，便宜两块", "46", 46, "44", 44, -2)]  # fmt: skip


@pytest.mark.parametrize(("text", "theirs", "their_value", "ours", "our_value", "amount"), FIGURES_FIRST)
def test_two_figures_tell_the_sign_of_the_gap_stated_between_them(text, theirs, their_value, ours, our_value, amount) -> None:
    stated = next(word for word in ("四毛", "五十块", "两块") if word in text)
    found = ((theirs, "competitor", their_value), (ours, "ours", our_value), (stated, "gap_competitor", abs(amount)))
    assert slots_of(text, *found).gaps[0].amount == amount


def test_a_stated_gap_that_the_figures_do_not_make_keeps_the_sign_of_its_words() -> None:
    found = (("500", "competitor", 500), ("450", "ours", 450), ("5千", "gap_competitor", 5000))
    assert slots_of("那边500一个月，我们450一次，整单我们贵5千", *found).gaps[0].amount == 5000


def test_stated_gap_fills_the_other_price() -> None:
    assert slots_of("我们3.5万，他们便宜5千", ("3.5万", "ours", 35000), ("5千", "gap_competitor", 5000)).competitor == 30000


def test_asked_discount_is_a_customer_price_with_ours_known_else_a_percent() -> None:
    known = slots_of("报价10万，要打八折", ("10万", "ours", 100000), ("八折", "customer", 0.8, "discount"))
    assert (known.customer, known.gaps[0].amount) == (80000, 20000)
    alone = slots_of("要打八折", ("八折", "customer", 0.8, "discount"))
    assert (alone.gaps[0].against, alone.gaps[0].percent) == ("customer", 25)


def test_granted_discount_lowers_our_price() -> None:
    assert slots_of("10万打八五折给他", ("10万", "ours", 100000), ("八五折", "ours", 0.85, "discount")).ours == 85000


def test_range_gap() -> None:
    slots = slots_of("我报27万5，那边24到26万", ("27万5", "ours", 275000), ("24到26万", "competitor", (240000, 260000)))
    assert slots.gaps[0].amount == (15000, 35000)


def test_no_prices_no_gaps() -> None:
    assert slots_of("没谈价").gaps == ()


@given(st.text(st.sampled_from("王总说贵,。；;:\n|…~ 1,560 12:30、a—-"), max_size=60))
def test_pieces_and_stops_cover_the_text(text: str) -> None:
    pieces = split_at_stops(text)
    assert "".join(text[a:b] + (stop if b < len(text) else "") for a, b, stop in pieces) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("他嫌贵 我没降", ["他嫌贵", "我没降"]),
        ("报了 12万 他嫌贵", ["报了", "12万", "他嫌贵"]),
        ("他说友联才 6 万 5 我报 7 万 2", ["他说友联才", "6 万 5", "我报", "7 万 2"]),
        ("他说友联才 6 万 5,我报 7 万 2。他没讲话。", ["他说友联才 6 万 5", "我报 7 万 2", "他没讲话", ""]),
        ("一袋二十片 95 元,她要三袋,现付。", ["一袋二十片 95 元", "她要三袋", "现付", ""]),
        ("10:05 见到尤姐 2 次,11:20 走,没谈价。", ["10:05", "见到尤姐 2 次", "11:20", "走", "没谈价", ""]),
        ("18块 3000套", ["18块", "3000套"]),
        ("2 万 50 台", ["2 万", "50", "台"]),
    ],
)
def test_a_space_is_a_stop_but_inside_an_amount_or_beside_the_figures_of_a_punctuated_note(text: str, pieces: list[str]) -> None:
    assert [text[a:b] for a, b, _ in split_at_stops(text)] == pieces


@pytest.mark.parametrize(
    ("text", "seen", "whole"),
    [
        ("「大同」报两万八", "大", "大同"),
        ("一直用“恒昌”的", "“恒昌", "恒昌"),
        ("旧年用《立信》，平", "立信》", "立信"),
        ("他说“金翔便宜三千”", "金翔", "金翔"),
        ("拿恒昌跟「大同」比", "恒昌", "恒昌"),
        ("说“嗯", "“", "“"),
    ],
)
def test_a_quoted_name_is_taken_whole_and_without_its_quotes(text: str, seen: str, whole: str) -> None:
    start, end = in_quotes(text, text.index(seen), text.index(seen) + len(seen))
    assert text[start:end] == whole
