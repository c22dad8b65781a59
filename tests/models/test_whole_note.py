"""The analyzer on whole notes: the contract of the result, invariance, direction, contrast pairs, hostile input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.analysis import Analysis, Note
from models.labels import WEIGHTS
from models.pipeline import Analyzer
from models.text import normalize
from tests.conftest import TODAY

Analyze = Callable[[str], Analysis]
GOOD = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总出差回来拍板。没把上线后省的人工讲清楚，怪我。下周三带案例去见王总。"
NOTES = [
    GOOD,
    "店访城南建材，老板不在，样册放柜台上了",
    "語音轉的：下午去見許先生，他說屋頂先放著，有空再看看，之後保持聯絡",
    "5400/T到厂 有税 用完再讲",
    "签了！3万8，刘姐当场付的定金😤👍🏽",
    "今天去了三家厂子头一家在开会没见着第二家老板娘说去年那批货掉色不敢再拿第三家留了名片",
    "客户：宏发\r\nKP：有\r\n异议：价格\r\n反思：有",
]
PIECES = st.sampled_from(
    [
        *"王李张总经理老板说嫌贵报价3万5一12.8吨/%折，。；：\n 😤\u200b\r他我没签A类下周三①㎡",
        "不是价格问题",
        "第一KP",
        "\r\n",
        "用友",
        "八五折",
    ]
)
HOSTILE = st.one_of(st.text(min_size=1, max_size=200), st.lists(PIECES, min_size=1, max_size=80).map("".join))


def places(analysis: Analysis) -> list[tuple[int, int, str | None]]:
    """(start, end, quote where there is one) of everything in the analysis that stands somewhere."""
    out: list[tuple[int, int, str | None]] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if "start" in value and "end" in value:
                out.append((value["start"], value["end"], value.get("quote", value.get("mention"))))
            for part in value.values():
                walk(part)
        elif isinstance(value, (list, tuple)):
            for part in value:
                walk(part)

    walk(asdict(analysis))
    return out


def assert_contract(text: str, analysis: Analysis) -> None:
    for start, end, quote in places(analysis):
        assert 0 <= start < end <= len(text)
        if quote is not None:
            assert text[start:end] == quote
    quality = analysis.quality
    assert [d.id for d in quality.dimensions] == list(WEIGHTS)
    assert quality.score == sum(d.weight * d.level / 2 for d in quality.dimensions)
    for d in quality.dimensions:
        assert (d.level > 0) == bool(d.evidence), d.id
        assert (d.advice is None) == (d.level == 2)
    assert 1 <= len(analysis.questions) <= 3
    assert len({q.id for q in analysis.questions}) == len(analysis.questions)
    assert all(q.text and "{" not in q.text for q in analysis.questions)
    assert 0.5 <= analysis.kind.probability <= 1


@pytest.mark.parametrize("text", NOTES)
def test_contract_on_real_looking_notes(analyze: Analyze, text: str) -> None:
    assert_contract(text, analyze(text))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(text=HOSTILE)
def test_contract_on_any_text(analyzer: Analyzer, text: str) -> None:
    if normalize(text).text.strip():
        assert_contract(text, analyzer.analyze(Note(text), TODAY))
    else:
        with pytest.raises(ValueError, match="text is blank"):
            analyzer.analyze(Note(text), TODAY)


def test_the_worked_example(analyze: Analyze) -> None:
    a = analyze(GOOD)
    assert a.kind.label == "diagnostic"
    assert [(p.mention, p.decision_role, p.met) for p in a.people] == [("李经理", "influencer", True), ("王总", "first_kp", False)]
    assert a.kp.status == "met_other_only"
    assert {"price", "authority"} <= {o.type for o in a.objections}
    assert a.price.ours == 128000
    assert a.next_step is not None
    assert (a.next_step.when, str(a.next_step.date)) == ("下周三", "2026-12-02")
    assert any("李经理" in q.text or "王总" in q.text for q in a.questions)
    assert "reach_first_kp" not in {q.id for q in a.questions}  # the next step already goes to see him


@pytest.mark.parametrize("junk", ["同上", "👍👍👍", "无", "aaa", "......1", "今日正常拜访", "跟进中"])
def test_junk_is_an_answer_without_findings_and_points(analyze: Analyze, junk: str) -> None:
    a = analyze(junk)
    assert (a.quality.score, a.people, a.objections, a.competitors, a.next_step) == (0, (), (), (), None)
    assert a.kind.label == "flow_of_events"
    assert a.questions


@pytest.mark.parametrize("blank", ["", " \n\t", "\u200b\ufeff", "\u3000"])
def test_blank_is_an_error(analyzer: Analyzer, blank: str) -> None:
    with pytest.raises(ValueError, match="blank"):
        analyzer.analyze(Note(blank), TODAY)


def types(analysis: Analysis) -> set[str]:
    return {o.type for o in analysis.objections if o.status == "open"}


CONTRASTS = [  # (a note with an open objection of the type, the same note with it denied)
    ("price", "陈总看了报价单，嫌贵，说再便宜点才考虑", "陈总看了报价单，没嫌贵，说可以"),
    ("payment", "胡老板说账上没钱，等回款再付", "胡老板说钱不是问题，随时能付"),
    ("authority", "李经理说他做不了主，要请示老板", "李经理说这事他说了算"),
    ("stall", "赵总说再考虑考虑，不急", "赵总说今天就定"),
]


@pytest.mark.parametrize(("kind", "with_it", "without"), CONTRASTS)
def test_contrast_pairs(analyze: Analyze, kind: str, with_it: str, without: str) -> None:
    assert kind in types(analyze(with_it))
    assert kind not in types(analyze(without))


DIRECTIONS = [  # adding a true finding never lowers the score
    ("李经理说价格偏高", "李经理说价格偏高。下周三带检测报告去见他们厂长"),
    ("见了王总，嫌贵", "见了王总，嫌贵，我们报3万5，恒锐报2万9"),
    ("张姐说用的别家的货", "张姐说用的别家的货。我没问清楚合同哪天到期，怪我"),
]


@pytest.mark.parametrize(("less", "more"), DIRECTIONS)
def test_adding_a_finding_never_lowers_the_score(analyze: Analyze, less: str, more: str) -> None:
    assert analyze(more).quality.score >= analyze(less).quality.score


INVARIANT = [  # names and scripts carry no score
    (GOOD, GOOD.replace("李", "鲁").replace("王", "蒋")),
    (GOOD, GOOD.replace("12.8万", "１２.８万")),
    (GOOD, GOOD.replace("，", "\u200b，").replace("。", "。\r\n")),
    (
        GOOD,
        "採購部李經理說我們12.8萬比用友貴了3萬多，他做不了主，要等王總出差回來拍板。沒把上線後省的人工講清楚，怪我。下週三帶案例去見王總。",
    ),
]


@pytest.mark.parametrize(("one", "other"), INVARIANT)
def test_names_widths_and_scripts_do_not_move_the_score(analyze: Analyze, one: str, other: str) -> None:
    assert abs(analyze(one).quality.score - analyze(other).quality.score) <= 3


def test_the_same_note_twice_gives_the_same_analysis(analyze: Analyze) -> None:
    assert analyze(GOOD) == analyze(GOOD)


def test_findings_stand_on_the_doc_as_span_groups(analyzer: Analyzer) -> None:
    doc = analyzer.nlp("李经理说我们报3万5太贵")
    assert {s.text for s in doc.spans["people"]} == {"李经理"}
    assert doc.spans["objections"]
    assert any("3万5" in s.text for s in doc.spans["prices"])


def test_a_note_without_punctuation_is_still_cut_into_clauses(analyzer: Analyzer) -> None:
    doc = analyzer.read("今天去了三家厂子头一家在开会没见着第二家老板娘说去年那批货掉色不敢再拿第三家留了名片就回来了")
    assert len(doc._.clauses) >= 3
    assert max(c.end - c.start for c in doc._.clauses) <= 30


def test_a_gatekeeper_is_never_whom_a_question_is_about(analyze: Analyze) -> None:
    a = analyze("门卫代收了样品，人没见着")
    assert [(p.mention, p.decision_role) for p in a.people] == [("门卫", "contact")]
    assert all("门卫" not in q.text for q in a.questions)


@pytest.mark.parametrize("text", ["王总嫌贵" + "长" * 9996, "王总说太贵要请示" * 1250, "x" * 10_000])
def test_ten_thousand_characters_without_a_stop_are_read(analyzer: Analyzer, text: str) -> None:
    found = analyzer.analyze(Note(text), TODAY)
    assert all(text[s.start : s.end] for s in found.sentences)


def test_notes_analyzed_together_get_what_each_gets_alone(analyzer: Analyzer) -> None:
    """Neighbours in a batch never read each other: the shortest and the longest, one without a clause, one twice."""
    texts = [
        GOOD,
        "王",
        "…。",
        "李经理说我们报3万5太贵",
        GOOD * 3,
        "李经理说我们报3万5太贵",
        "今天去了三家厂子头一家在开会没见着第二家老板娘说不敢再拿",
    ]
    together = analyzer.analyze_all([Note(text) for text in texts], TODAY)
    for text, found in zip(texts, together, strict=True):
        alone = analyzer.analyze(Note(text), TODAY)
        assert replace(found, kind=alone.kind, outcome=alone.outcome, people=alone.people, objections=alone.objections) == alone
        assert [p.probability for p in found.people] == pytest.approx([p.probability for p in alone.people], abs=2e-4)
        assert [o.probability for o in found.objections] == pytest.approx([o.probability for o in alone.objections], abs=2e-4)
        assert (found.kind.probability, found.outcome.probability) == pytest.approx(
            (alone.kind.probability, alone.outcome.probability), abs=2e-4
        )


UNPUNCTUATED = [
    "我跟他说咱这个十八万六他说隔壁报十六万九差着一万七呢我就没敢再往下说",
    "老板说一台二十三万八两台一起要便宜一万五不然就去拿那家的二十一万六千",
]


@pytest.mark.parametrize("text", UNPUNCTUATED)
def test_no_clause_ends_inside_an_amount(analyzer: Analyzer, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Not even where the boundary model takes every gap between words for a stop."""
    monkeypatch.setattr(analyzer.nlp.get_pipe("clauses"), "_stops", lambda words, _: [0.0, *[0.9] * (len(words) - 1)])
    found = analyzer.read(text)._
    ends = [clause.end for clause in found.clauses[:-1]]
    assert ends
    assert len(found.amounts) >= 3
    assert not [a for a in found.amounts if any(a.start < end < a.end for end in ends)]
