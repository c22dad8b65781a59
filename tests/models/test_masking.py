from __future__ import annotations

import pytest

from models.masking import SIGN, masked
from models.pipeline import Analyzer


@pytest.mark.parametrize(
    ("text", "kept", "hidden"),
    [
        ("王总说我们12.8万比用友贵了3万多", "总说我们12.8万比", ["王", "用友"]),
        ("老板说太贵了,要再看看", "老板说太贵了,要再看看", []),
        ("采购部李建国经理嫌我们贵", "经理嫌我们贵", ["李建国"]),
        ("今天门没开,没见着人", "今天门没开,没见着人", []),
    ],
)
def test_names_are_one_sign_and_the_rest_stays(analyzer: Analyzer, text: str, kept: str, hidden: list[str]) -> None:
    doc = analyzer.read(text)
    shown, words = masked(doc)
    assert kept in shown
    assert not any(name in shown for name in hidden)
    assert (SIGN in shown) == bool(hidden)
    assert len(shown) == len(text)
    assert "".join(words) == shown


def test_another_name_of_the_same_form_leaves_the_same_text(analyzer: Analyzer) -> None:
    shown = {masked(analyzer.read(f"{name}总说太贵了,下周三再谈"))[0] for name in "王李赵周"}
    assert len(shown) == 1
