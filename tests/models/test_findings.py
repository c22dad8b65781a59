"""Contrast pairs: one thing changed in a note, one finding changes (CheckList's minimum functionality and direction tests)."""

from __future__ import annotations

import pytest

from models.analysis import Amount, Note
from models.pipeline import Analyzer
from models.questions import Catalogue, amount_text
from tests.conftest import TODAY

RESOLVED = [
    ("她嫌贵，我把电费算给她看，她点头认了，当场签了", "她嫌贵，我把电费算给她看，她还是摇头"),
    ("他怕我们售后跟不上，看了网点名单说放心了", "他怕我们售后跟不上，看了网点名单没说话"),
    ("担心我们交期，看了库存说没问题了", "担心我们交期，看了库存没说没问题了"),
]
DENIED = [("赵总嫌贵，没签", "赵总没嫌贵，没签", "price")]
ROLES = [
    ("见了李总，这事他一个人说了算", "first_kp"),
    ("见了李总，他说还得问董事长", "influencer"),
    ("样品放前台了，前台小姑娘收的", "contact"),
]
PRICES = [
    ("我们报12.8万，锐风报9.5万", 128000, 95000),
    ("锐风报9.5万，我们报12.8万", 128000, 95000),
    ("我们报9.5万，锐风报12.8万", 95000, 128000),
]


@pytest.mark.parametrize(("resolved", "open_"), RESOLVED)
def test_an_objection_is_resolved_by_what_follows_it(analyzer: Analyzer, resolved: str, open_: str) -> None:
    assert {o.status for o in analyzer.analyze(Note(resolved), TODAY).objections} == {"resolved"}
    assert "resolved" not in {o.status for o in analyzer.analyze(Note(open_), TODAY).objections}


@pytest.mark.parametrize(("said", "denied", "kind"), DENIED)
def test_a_denied_objection_is_none(analyzer: Analyzer, said: str, denied: str, kind: str) -> None:
    assert kind in {o.type for o in analyzer.analyze(Note(said), TODAY).objections}
    assert kind not in {o.type for o in analyzer.analyze(Note(denied), TODAY).objections}


@pytest.mark.parametrize(("text", "role"), ROLES)
def test_the_role_is_told_by_the_words_around(analyzer: Analyzer, text: str, role: str) -> None:
    assert analyzer.analyze(Note(text), TODAY).people[0].decision_role == role


@pytest.mark.parametrize(("text", "ours", "theirs"), PRICES)
def test_whose_price_it_is_does_not_depend_on_the_order(analyzer: Analyzer, text: str, ours: int, theirs: int) -> None:
    price = analyzer.analyze(Note(text), TODAY).price
    assert (price.ours, price.competitor) == (ours, theirs)


@pytest.mark.parametrize("text", ["3.2万一年他嫌贵", "报价3.2万一年，他嫌贵"])
def test_a_unit_price_keeps_its_figure(analyzer: Analyzer, text: str) -> None:
    assert analyzer.analyze(Note(text), TODAY).price.ours == 32000


def test_a_date_without_money_is_no_funds_date(analyzer: Analyzer) -> None:
    assert analyzer.analyze(Note("校务会要等明年三月才开，先放着"), TODAY).funds_date is None


@pytest.mark.parametrize("text", ["王校长嫌贵，说还要看看", "周姐说太贵了，做不了主"])
def test_a_question_quotes_what_was_said_not_who_said_it(analyzer: Analyzer, text: str) -> None:
    for question in analyzer.analyze(Note(text), TODAY).questions:
        assert "“王校长" not in question.text
        assert "“周姐" not in question.text


def test_nobody_is_told_to_have_signed_who_has_not(analyzer: Analyzer) -> None:
    signed = {text for text, _, slots in Catalogue().wordings["recognised_value"] if "signed" in slots}
    assert signed  # the wording for a signed deal needs the slot that only a signed note fills
    for text in ("店主说月底再定", "问了两次要不要今天下单，他都没接话", "李总说不急，再看看"):
        analysis = analyzer.analyze(Note(text), TODAY)
        assert analysis.outcome.label != "signed"
        assert all("签了" not in q.text for q in analysis.questions)


@pytest.mark.parametrize(
    "text",
    [
        "竞品：有；异议：价格；反思：有；下一步：跟进",
        "反思反思反思，报价报价报价，异议异议异议",
        "5.价格√ 6.竞品√ 9.反思√",
        "【关键人】有【需求】有【竞品】有【反思】有",
    ],
)
def test_headings_without_content_get_at_most_one_on_a_dimension(analyzer: Analyzer, text: str) -> None:
    """labels.md: naming a thing is not doing it."""
    assert all(d.level <= 1 for d in analyzer.analyze(Note(text), TODAY).quality.dimensions)


@pytest.mark.parametrize(
    "note", ["见了采购李经理，他嫌我们报价比锐风高，要回去问王总。下周三带样品再去。", "老板说今年的预算已经用完了要等明年三月"]
)
def test_repeating_oneself_gains_nothing(analyzer: Analyzer, note: str) -> None:
    once = analyzer.analyze(Note(note), TODAY)
    twice = analyzer.analyze(Note(note + "\n" + note), TODAY)
    assert (twice.quality.score, twice.kind.label) == (once.quality.score, once.kind.label)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (128000, "12.8万"),
        (5400, "5400"),
        (5.642, "5.64"),
        (0.165, "0.165"),
        (0.0079, "0.0079"),
        (-0.015, "0.015"),
        ((240000, 260000), "24万到26万"),
        ((0, 50000), "5万以内"),
        ((50000, None), "5万以上"),
    ],
)
def test_an_amount_is_worded_as_exactly_as_it_was_written(amount: Amount, text: str) -> None:
    assert amount_text(amount) == text
