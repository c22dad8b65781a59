"""Who may be a person: mentions that rules and lexicons find where the tagger sees nobody. Whether he is one, the models decide."""

from __future__ import annotations

import pytest

from models.pipeline import Analyzer

MENTIONED = [("奎山老周问咱公司够五个人不", "老周"), ("王姐和老逄都见了，没提货", "老逄"), ("泉山汽修，五家店。隋总客客气气", "隋总"), ("巷道2.8米，没见着管事的", "管事的"), ("Jason没见着，册子放前台", "Jason"),
             ("店里他弟做主，月底前定", "他弟"), ("涵涵妈报了暑假班", "涵涵妈"), ("车总不在，副手收下报价", "副手"), ("张老说这书不错", "张老"), ("钱的事要问她小舅子", "小舅子")]  # fmt: skip


@pytest.mark.parametrize(("text", "mention"), MENTIONED)
def test_who_may_be_a_person(analyzer: Analyzer, text: str, mention: str) -> None:
    assert any(mention in candidate.mention for candidate in analyzer.read(text)._.candidates)


@pytest.mark.parametrize("text", ["今天去了三家店，CAD图发了", "6205轴承3.4一套", "合同没签，价格谈不拢"])
def test_nobody_where_nobody_is_named(analyzer: Analyzer, text: str) -> None:
    assert not analyzer.read(text)._.people
