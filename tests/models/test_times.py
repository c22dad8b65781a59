from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.times import find_times, resolve

TUESDAY = date(2026, 11, 24)
TABLE = [
    ("下周三带案例再去一次", "下周三", date(2026, 12, 2)), ("周四下午把他拉进群", "周四下午", date(2026, 11, 26)), ("周一再约", "周一", date(2026, 11, 30)),
    ("本周五带我见院长", "本周五", date(2026, 11, 27)), ("明天一早打电话", "明天一早", date(2026, 11, 25)), ("后天上门", "后天", date(2026, 11, 26)),
    ("二十六号我带合同", "二十六号", date(2026, 11, 26)), ("15号前发过去", "15号前", date(2026, 12, 15)), ("月底回款", "月底", date(2026, 11, 30)),
    ("12/20前给方案", "12/20前", date(2026, 12, 20)), ("1月9日前算好", "1月9日前", date(2027, 1, 9)), ("三日内补数据", "三日内", date(2026, 11, 27)),
    ("下个月5号打款", "下个月5号", date(2026, 12, 5)), ("12月中旬验收", "12月中旬", date(2026, 12, 15)), ("两周内给答复", "两周内", date(2026, 12, 8)),
    ("星期五前拿到", "星期五前", date(2026, 11, 27)), ("明早带试切件", "明早", date(2026, 11, 25)), ("年底结账", "年底", date(2026, 12, 31)),
    ("2026-12-01交货", "2026-12-01", date(2026, 12, 1)), ("国庆后再说", "国庆后", None), ("初七赶集", "初七", None), ("等框架到期前半年", "框架到期前半年", None), ("年后再谈", "年后", None),
]  # fmt: skip
NONE = ["下次再去", "改天", "有空来坐", "尽快", "近期", "3号楼", "2号机", "一点不贵", "半天没说话"]


@pytest.mark.parametrize(("note", "expression", "day"), TABLE)
def test_find_and_resolve(note: str, expression: str, day: date | None) -> None:
    found = find_times(note)
    assert found
    assert found[0].text == expression
    assert resolve(expression, TUESDAY) == day


@pytest.mark.parametrize("note", NONE)
def test_no_time(note: str) -> None:
    assert find_times(note) == []


@given(
    st.text(st.sampled_from("下周三本月底年初0123456789一二十号日前/-.明后天个内点早晚到期半"), max_size=20),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
def test_resolving_never_fails(text: str, today: date) -> None:
    for mention in find_times(text):
        assert text[mention.start : mention.end] == mention.text
        resolve(mention.text, today)
