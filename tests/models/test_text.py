from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import normalize, without_repeats

NOISE = st.sampled_from("王總說貴了３萬　\u200b\u200d\ufeff😤👍🏽\r\n，。：㎡①￥﹣Ａｂ嘅唔佢é\u0301台臺\t x9%")
TEXTS = st.one_of(st.text(), st.text(NOISE))

TABLE = [
    ("我們報價３．５萬", "我们报价3.5万"),
    ("佢話唔貴，我哋先", "他话不贵,我们先"),
    ("王\u200b总\ufeff说", "王总说"),
    ("第一行\r\n第二行\r第三行", "第一行\n第二行\n第三行"),
    ("气人😤走了", "气人,走了"),
    ("①合同②价", ",合同,价"),
    ("１２０㎡", "120m2"),
    ("普通 abc 12.5", "普通 abc 12.5"),
]


@pytest.mark.parametrize(("sent", "expected"), TABLE)
def test_normalize(sent: str, expected: str) -> None:
    assert normalize(sent).text == expected


@given(TEXTS)
def test_every_normalised_character_knows_its_origin(sent: str) -> None:
    normalized = normalize(sent)
    assert len(normalized.origins) == len(normalized.text)
    assert list(normalized.origins) == sorted(normalized.origins)
    assert all(0 <= origin < len(sent) for origin in normalized.origins)


@given(TEXTS, st.data())
def test_a_stretch_and_its_quote_normalise_alike(sent: str, data: st.DataObject) -> None:
    normalized = normalize(sent)
    start = data.draw(st.integers(0, len(normalized.text)))
    end = data.draw(st.integers(start, len(normalized.text)))
    a, b = normalized.to_sent(start, end)
    quote = sent[a:b]
    assert 0 <= a <= b <= len(sent)
    # Characters that came of one sent character (㎡ → m2) are quoted whole.
    assert normalized.text[start:end] in normalize(quote).text or "\r" in quote


@given(TEXTS)
def test_normalising_twice_changes_nothing(sent: str) -> None:
    once = normalize(sent).text
    assert normalize(once).text == once


@given(TEXTS)
def test_from_sent_is_the_inverse_of_to_sent(sent: str) -> None:
    normalized = normalize(sent)
    if len(set(normalized.origins)) != len(normalized.origins):
        return
    for i in range(len(normalized.text)):
        assert normalized.from_sent(*normalized.to_sent(i, i + 1)) == (i, i + 1)


def test_traditional_table_agrees_with_opencc() -> None:
    opencc = pytest.importorskip("opencc")
    from models.lexicon import rows

    converter = opencc.OpenCC("t2s")
    wrong = [(a, b) for a, b in rows("traditional.tsv") if converter.convert(a) != b]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("王总嫌我们报价太高了。王总嫌我们报价太高了。", "王总嫌我们报价太高了。"),
        ("王总嫌我们报价太高了 王总嫌我们报价太高了。", "王总嫌我们报价太高了"),
        ("他嫌贵,要回去问老板才行。别的没说。他嫌贵,要回去问老板才行。", "他嫌贵,要回去问老板才行。别的没说。"),  # the short one goes along
        ("要回去问老板才行,他嫌贵。要回去问老板才行,真的。", "要回去问老板才行,他嫌贵。        ,真的。"),
        ("他嫌贵。他嫌贵。", "他嫌贵。他嫌贵。"),  # short enough to be said twice in earnest
        ("下周三带样品再去一趟,他说好。下周三带样品再去一趟,到时签", "下周三带样品再去一趟,他说好。          ,到时签"),
        ("没有重复的一句话。另外一句也不重复", "没有重复的一句话。另外一句也不重复"),
    ],
)
def test_what_is_said_twice_is_read_once(text: str, read: str) -> None:
    assert without_repeats(text) == read
