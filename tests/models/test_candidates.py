"""Who may be a person: mentions that rules and lexicons find where the tagger sees nobody. Whether he is one, the models decide."""

from __future__ import annotations

import pytest

from models.candidates import CandidateFinder, same_person
from models.pipeline import Analyzer

MENTIONED = [("奎山老周问咱公司够五个人不", "老周"), ("王姐和老逄都见了，没提货", "老逄"), ("泉山汽修，五家店。隋总客客气气", "隋总"), ("巷道2.8米，没见着管事的", "管事的"), ("Jason没见着，册子放前台", "Jason"),
             ("店里他弟做主，月底前定", "他弟"), ("涵涵妈报了暑假班", "涵涵妈"), ("车总不在，副手收下报价", "副手"), ("张老说这书不错", "张老"), ("钱的事要问她小舅子", "小舅子")]  # fmt: skip


@pytest.mark.parametrize(("text", "mention"), MENTIONED)
def test_who_may_be_a_person(analyzer: Analyzer, text: str, mention: str) -> None:
    assert any(mention in candidate.mention for candidate in analyzer.read(text)._.candidates)


@pytest.mark.parametrize("text", ["今天去了三家店，CAD图发了", "6205轴承3.4一套", "合同没签，价格谈不拢"])
def test_nobody_where_nobody_is_named(analyzer: Analyzer, text: str) -> None:
    assert not analyzer.read(text)._.people


def test_both_sides_are_nobody(analyzer: Analyzer) -> None:
    assert not analyzer.read("双方在友好的氛围里交换了意见。")._.candidates


def test_thanks_are_no_surname(analyzer: Analyzer) -> None:
    for text, there in (("感谢领导一直以来的支持", False), ("多谢老板", False), ("谢领导说再看看", True), ("见了谢总", True)):
        assert any(c.mention.startswith("谢") for c in analyzer.read(text)._.candidates) is there


@pytest.mark.parametrize(
    ("short", "full", "same"),
    [
        ("程科长", "技术科长程芳", True),
        ("林总", "常务副总林启明", True),
        ("裘副经理", "副经理裘海", True),
        ("魏处", "处长魏建勋", True),
        ("戚老闆", "老闆戚先生", True),
        ("麦生", "采购总监麦先生", True),
        ("招厂长", "厂长姓招", True),
        ("程科长", "技术科长陈芳", False),
        ("程科长", "采购经理程芳", False),
        ("林总", "老板娘林启明", False),
        ("麦生", "采购总监李先生", False),
        ("老板", "老板娘张敏", True),  # one inside the other
    ],
)
def test_a_surname_with_a_title_is_the_full_name_with_that_title(short: str, full: str, same: bool) -> None:
    assert same_person(short, full) is same_person(full, short) is same


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("老板娘小谌一个人守店，冻干当场拆了两罐", "老板娘小谌"),
        ("合作社理事长姓蔺，见着了", "理事长姓蔺"),
        ("采购毕姐说再看看", "采购毕姐"),
        ("翔安做五金的厂，厂长姓敖，一支笔。敖厂长说换你们我得重新交代", "敖厂长"),
    ],
)
def test_a_title_and_the_name_behind_it_are_one_candidate(analyzer: Analyzer, text: str, mention: str) -> None:
    found = [c.mention for c in analyzer.read(text)._.candidates]
    assert [m for m in found if m in mention or mention in m] == [mention]


@pytest.mark.parametrize(
    ("before", "behind", "one"),
    [
        ("财务总监", "祁总", True),
        ("女的", "姓宗", True),
        ("老大", "巴全忠", True),
        ("厂长", "老婆", False),
        ("老板娘", "婆婆", False),
        ("爸爸", "妈妈", False),
        ("王总", "李总", False),
        ("老板", "司机", False),
        ("的", "喻院长", False),
    ],
)
def test_a_title_and_the_name_behind_it_are_one_person(before: str, behind: str, one: bool) -> None:
    assert CandidateFinder().one_person(before, behind) is one
