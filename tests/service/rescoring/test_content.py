"""What a rubric may hold and what the form makes of it, below HTTP."""

from __future__ import annotations

import dataclasses
from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.analysis import Note
from models.labels import DIMENSIONS, QUESTION_IDS, WEIGHTS
from models.pipeline import Analyzer
from models.questions import Catalogue
from models.rubric import STANDARD, rescored, scored
from service.notes.facts import LEVELS
from service.notes.store import RESULT
from service.rescoring import words
from service.rescoring.pages import as_request, as_values
from service.rescoring.requests import RubricRequest
from service.rescoring.trial import new_scores
from service.rubrics.content import RubricContent, question_slots, standard_content, to_rubric

DAY = date(2026, 11, 24)
TEXT = "采购部李经理说我们12.8万比用友贵了3万多，他做不了主，要等王总拍板。下周三带案例去见王总"


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    """Ten even weights up to 40, 100 together."""
    left, out = 50, []
    for place in range(9):
        least = max(0, left - 20 * (9 - place))
        out.append(draw(st.integers(least, min(20, left))))
        left -= out[-1]
    order = draw(st.permutations([*out, left]))
    return {d: 2 * n for d, n in zip(DIMENSIONS, order, strict=True)}


@given(weights(), st.lists(st.integers(0, 2), min_size=10, max_size=10))
def test_the_parts_sum_to_a_score_from_0_to_100(own: dict, levels: list[int]) -> None:
    rubric = to_rubric(3, RubricContent(weights=own))
    of = dict(zip(DIMENSIONS, levels, strict=True))
    quality = scored(rubric, of, dict.fromkeys(DIMENSIONS, ()))
    parts = [d.weight * d.level / 2 for d in quality.dimensions]
    assert quality.score == sum(parts)
    assert all(part == int(part) for part in parts)
    assert 0 <= quality.score <= 100
    assert (quality.score == 100) == all(n == 2 or not own[d] for d, n in of.items())
    packed = sum(LEVELS[d].put(n) for d, n in of.items())
    assert new_scores(np.array([packed]), rubric).tolist() == [quality.score]


@given(weights())
def test_the_form_gives_back_what_it_was_filled_with(own: dict) -> None:
    texts = {"kp": {"absent": "谁拍板？"}, "need": {"vague": "再具体些"}}
    content = RubricContent(weights=own, advice=texts, additions=texts, questions={"pressure": "{person}急吗？"})
    again = RubricRequest.model_validate(as_request(as_values(content)))
    assert again.model_dump(exclude={"remark"}, exclude_none=True) == content.model_dump(exclude_none=True)


def test_what_differs_is_told_in_the_forms_words() -> None:
    own = RubricContent(
        weights={**WEIGHTS, "kp": 16, "need": 10}, additions={"need": {"absent": "写需求"}}, questions={"pressure": "急吗？"}
    )
    assert [(c.what, c.before, c.after) for c in words.changes(standard_content(), own)] == [
        ("关键人，满分", "14", "16"), ("需求，满分", "12", "10"), ("需求，补什么（没写到）", "补上客户亲口说的需求", "写需求"),
        ("复盘问题", "你是不是带着“今天必须签”的压力，成交谈得太早？", "急吗？"),
    ]  # fmt: skip
    assert words.changes(own, own) == []


def test_every_name_in_braces_has_its_meaning_and_every_question_a_wording_without() -> None:
    assert set(words.SLOTS) == question_slots()
    assert all(not Catalogue().wordings[id_][-1][2] for id_ in QUESTION_IDS)


def test_a_result_without_a_rubric_has_no_trace_of_one_and_rescoring_goes_both_ways(analyzer: Analyzer) -> None:
    plain = analyzer.analyze(Note(TEXT), DAY)
    dumped = RESULT.dump_json(plain)
    assert b"rubric" not in dumped
    assert b'"addition"' not in dumped
    assert RESULT.validate_json(dumped) == plain
    own = to_rubric(2, RubricContent(weights={**WEIGHTS, "kp": 24, "figures": 0}, questions={"pressure": "急吗？"}))
    direct = analyzer.analyze(Note(TEXT), DAY, own)
    assert rescored(own, plain.quality) == direct.quality
    assert rescored(STANDARD, direct.quality) == plain.quality
    assert dataclasses.replace(direct, quality=plain.quality) == plain  # the model's findings are the same
    stored = RESULT.dump_json(direct)
    assert b'"rubric_version":2' in stored
    assert RESULT.validate_json(stored) == direct


def test_a_questions_own_wording_is_asked_where_the_note_fills_it(analyzer: Analyzer) -> None:
    asked = analyzer.analyze(Note(TEXT), DAY).questions[0]
    for text, expected in (("{rival}好在哪？", "用友好在哪？"), ("{class}类客户怎么办？", asked.text), ("怎么办{{}}？", "怎么办{}？")):
        rubric = to_rubric(1, RubricContent(weights=dict(WEIGHTS), questions={asked.id: text}))
        assert analyzer.analyze(Note(TEXT), DAY, rubric).questions[0].text == expected
