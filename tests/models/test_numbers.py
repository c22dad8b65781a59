from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.amounts import find_amounts
from models.numbers import parse_number
from models.text import normalize

NUMBERS = [
    ("3万5", 35000), ("一万二", 12000), ("两千八", 2800), ("3.5w", 35000), ("12k", 12000), ("1.2个亿", 120_000_000), ("15,800.00", 15800),
    ("十六万五", 165000), ("廿九万", 290000), ("三十二万八", 328000), ("一百二", 120), ("3万500", 30500), ("20万1千6", 201600), ("一千零五十", 1050),
    ("两万零五百", 20500), ("2千3", 2300), ("1.38", 1.38), ("三点五万", 35000), ("10万8", 108000), ("二十五", 25), ("1万2千", 12000), ("百万", 1_000_000),
    ("5.5千", 5500), ("两百五", 250), ("一万零八", 10008),
]  # fmt: skip
NOT_NUMBERS = ["", "万事", "老周", "abc", "k", "点", "。"]

# (note, [(quote, value)]) of money, percent and discount mentions; negatives have an empty list.
AMOUNTS = [
    ("报价3.5w/季，她只肯出2w先试", [("3.5w", 35000), ("2w", 20000)]),
    ("原价128000给到10万8含三年维护", [("128000", 128000), ("10万8", 108000)]),
    ("锐影那边听说24到26万", [("24到26万", (240000, 260000))]),
    ("报价￥15,800.00", [("¥15,800.00", 15800)]),
    ("要打八五折", [("八五折", 0.85)]), ("给了九折", [("九折", 0.9)]), ("95折", [("95折", 0.95)]), ("打八点八折", [("八点八折", 0.88)]),
    ("让3个点", [("3个点", 3)]), ("贵15%", [("15%", 15)]), ("多要12个点", [("12个点", 12)]), ("贵两成", [("两成", 20)]), ("百分之八", [("百分之八", 8)]),
    ("5400/T到厂", [("5400", 5400)]),
    ("从6万8降到6万2一台", [("6万8", 68000), ("6万2", 62000)]),
    ("8到10万", [("8到10万", (80000, 100000))]), ("十来万", [("十来万", (100000, 200000))]), ("不到5万", [("不到5万", (0, 50000))]),
    ("5万以上", [("5万以上", (50000, None))]), ("三万多", [("三万多", (30000, 40000))]), ("一万二三", [("一万二三", (12000, 13000))]),
    ("七八万", [("七八万", (70000, 80000))]), ("十几万", [("十几万", (100000, 200000))]), ("60~80万", [("60~80万", (600000, 800000))]),
    ("3.2万一年", [("3.2万", 32000)]), ("8万一台", [("8万", 80000)]), ("30k一年", [("30k", 30000)]), ("1.5万一套", [("1.5万", 15000)]), ("3万一了", [("3万一", 31000)]),
    ("NT$280万", [("NT$280万", 2800000)]), ("百分百稳了", []), ("5.价格√ 6.竞品√", []), ("2)报价:我方", []), ("1.总价12万", [("12万", 120000)]),
    ("86一桶", [("86", 86)]), ("1.38一支", [("1.38", 1.38)]), ("贵3块一升", [("3块", 3)]), ("3块5一斤", [("3块5", 3.5)]), ("两块八", [("两块八", 2.8)]),
    ("5毛一个", [("5毛", 0.5)]), ("35元/人/月", [("35元", 35)]), ("一百二一平", [("一百二", 120)]), ("12 万", [("12 万", 120000)]), ("$12.5", [("$12.5", 12.5)]),
    ("单价USD 0.35", [("USD 0.35", 0.35)]), ("2块9", [("2块9", 2.9)]), ("一千二三", [("一千二三", (1200, 1300))]),
    ("138xxxx0917", []), ("13912345678", []), ("2023年进的", []), ("14:00-15:30", []), ("17楼", []), ("8月9号", []), ("6/20前", []), ("3.12|好又邻", []),
    ("第一KP", []), ("八百乘八百的砖", []), ("M10×40", []), ("老周", []), ("周四两份清单", []), ("成交了", []), ("一个人", []), ("打折的事", []), ("折腾", []),
]  # fmt: skip


@pytest.mark.parametrize(("phrase", "value"), NUMBERS)
def test_parse_number(phrase: str, value: float) -> None:
    assert parse_number(phrase) == value


@pytest.mark.parametrize("phrase", NOT_NUMBERS)
def test_not_a_number(phrase: str) -> None:
    assert parse_number(phrase) is None


@given(st.integers(1, 10**10))
def test_digits_are_themselves(n: int) -> None:
    assert parse_number(str(n)) == n
    assert parse_number(f"{n:,}") == n


@given(st.integers(1, 9999), st.integers(1, 9))
def test_a_single_tail_counts_a_tenth_of_the_unit(wan: int, tail: int) -> None:
    assert parse_number(f"{wan}万{tail}") == wan * 10000 + tail * 1000


@given(st.text(max_size=30))
def test_any_text_is_parsed_or_refused(phrase: str) -> None:
    value = parse_number(phrase)
    assert value is None or value >= 0


@pytest.mark.parametrize(("note", "expected"), AMOUNTS)
def test_find_amounts(note: str, expected: list[tuple[str, object]]) -> None:
    text = normalize(note).text
    assert [(text[a.start : a.end], a.value) for a in find_amounts(text)] == expected


@given(st.text(st.sampled_from("0123456789一二三十百千万亿wk块毛折%/-到.,每吨 王价个点$"), max_size=40))
def test_amounts_stand_in_the_text_in_order_without_overlap(text: str) -> None:
    found = find_amounts(text)
    assert all(0 <= a.start < a.end <= len(text) for a in found)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))


UNITS = [
    ("35元/人/月", "人/月"),
    ("5400/T", "T"),
    ("6万2一台", "台"),
    ("每平38块", None),
    ("38块每平", "平"),
    ("2.4万/年", "年"),
    ("12.8万", None),
]


@pytest.mark.parametrize(("note", "unit"), UNITS)
def test_unit(note: str, unit: str | None) -> None:
    assert find_amounts(note)[0].unit == unit
