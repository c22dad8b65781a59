"""Which events pass: a table of filter and facts with negatives, and settings that are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.analysis import Amount, Gap
from service.outbound.filters import AnalysisFacts, Facts, Filters, Selection, analysis_facts, matches, selects


def gap(amount: Amount | None, percent: float | None = None) -> Gap:
    return Gap("competitor", amount, percent, True)


BASE = AnalysisFacts(35, "flow_of_events", "met_other_only", frozenset({("price", "open"), ("trust", "resolved")}), (gap(30000, 31.0),))
FACTS = Facts("note.analyzed", "tm_1", "pe_1", BASE)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, True),
        ({"score_below": 40}, True),
        ({"score_below": 36}, True),
        ({"score_below": 35}, False),
        ({"score_above": 34}, True),
        ({"score_above": 35}, False),
        ({"score_above": 30, "score_below": 40}, True),
        ({"kinds": ["flow_of_events"]}, True),
        ({"kinds": ["diagnostic"]}, False),
        ({"kp_statuses": ["met_nobody", "met_other_only"]}, True),
        ({"kp_statuses": ["met_first_kp"]}, False),
        ({"objections": [{"type": "price"}]}, True),
        ({"objections": [{"type": "price", "status": "open"}]}, True),
        ({"objections": [{"type": "price", "status": "resolved"}]}, False),
        ({"objections": [{"type": "trust", "status": "open"}]}, False),
        ({"objections": [{"type": "need"}, {"type": "trust"}]}, True),
        ({"objections": [{"type": "need"}]}, False),
        ({"price_gap": {}}, True),
        ({"price_gap": {"against": "customer"}}, False),
        ({"price_gap": {"against": "competitor", "amount_above": 29999}}, True),
        ({"price_gap": {"amount_above": 30000}}, False),
        ({"price_gap": {"percent_above": 30}}, True),
        ({"price_gap": {"percent_above": 31}}, False),
        ({"teams": ["tm_1"]}, True),
        ({"teams": ["tm_2"]}, False),
        ({"reps": ["pe_2", "pe_1"]}, True),
        ({"reps": ["pe_2"]}, False),
        ({"score_below": 40, "objections": [{"type": "need"}]}, False),
    ],
)
def test_filters(filters: dict[str, Any], expected: bool) -> None:
    assert matches(Filters.model_validate(filters), FACTS) is expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(30001, True), (30000, False), (-50000, False), ((20000, 40000), True), ((20000, 30000), False), ((30000, None), True), ((None, 30000), False), (None, False)],
)  # fmt: skip
def test_a_gap_above_an_amount(amount: Amount | None, expected: bool) -> None:
    facts = replace(FACTS, analysis=replace(BASE, gaps=(gap(amount),)))
    assert matches(Filters.model_validate({"price_gap": {"amount_above": 30000}}), facts) is expected


def test_no_gap_no_match() -> None:
    facts = replace(FACTS, analysis=replace(BASE, gaps=()))
    assert not matches(Filters.model_validate({"price_gap": {}}), facts)


def test_a_deletion_passes_conditions_on_an_analysis_but_not_on_people() -> None:
    facts = Facts("note.deleted", "tm_1", "pe_1", None)
    assert matches(Filters(score_below=1, kinds=["diagnostic"]), facts)
    assert not matches(Filters(score_below=1, teams=["tm_2"]), facts)


@pytest.mark.parametrize(
    ("selection", "type_", "expected"),
    [
        ({}, "note.analyzed", True),
        ({}, "note.deleted", True),
        ({"event_types": ["note.deleted"]}, "note.analyzed", False),
        ({"event_types": ["note.analyzed"], "filters": {"score_below": 10}}, "note.analyzed", False),
        ({"event_types": ["note.analyzed"], "filters": {"teams": ["tm_9"]}}, "webhook.test", True),
    ],
)
def test_selection(selection: dict[str, Any], type_: Any, expected: bool) -> None:
    assert selects(Selection.model_validate(selection), replace(FACTS, type=type_)) is expected


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"filters": {"score_below": 101}}, "filters.score_below"),
        ({"filters": {"score_below": "40"}}, "filters.score_below"),
        ({"filters": {"score_below": True}}, "filters.score_below"),
        ({"filters": {"score_above": 39, "score_below": 40}}, "filters"),
        ({"filters": {"kinds": []}}, "filters.kinds"),
        ({"filters": {"kinds": ["diary"]}}, "filters.kinds.0"),
        ({"filters": {"objections": [{"type": "colour"}]}}, "filters.objections.0.type"),
        ({"filters": {"price_gap": {"amount_above": float("nan")}}}, "filters.price_gap.amount_above"),
        ({"filters": {"teams": [""]}}, "filters.teams.0"),
        ({"filters": {"region": "east"}}, "filters.region"),
        ({"event_types": []}, "event_types"),
        ({"event_types": ["note.created"]}, "event_types.0"),
        ({"include_text": "yes"}, "include_text"),
        ({"include_note": True}, "include_note"),
    ],
)
def test_settings_at_fault_are_named(settings: dict[str, Any], where: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Selection.model_validate(settings)
    assert [".".join(str(part) for part in error["loc"]) for error in caught.value.errors()] == [where]


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_score_bounds_are_strict(score: int, above: int, below: int) -> None:
    facts = replace(FACTS, analysis=replace(BASE, score=score))
    assert matches(Filters(score_below=below), facts) == (score < below)
    assert matches(Filters(score_above=above), facts) == (score > above)


def test_a_selection_survives_storage() -> None:
    selection = Selection.model_validate(
        {"filters": {"objections": [{"type": "price"}], "price_gap": {"percent_above": 3}}, "include_text": True}
    )
    assert Selection.model_validate_json(selection.model_dump_json()) == selection


def test_facts_of_a_real_analysis(analyze: Any) -> None:
    analysis = analyze("采购部李经理说我们12.8万比用友贵了3万多，要等王总出差回来拍板。")
    facts = analysis_facts(analysis)
    assert facts.score == analysis.quality.score
    assert {kind for kind, _ in facts.objections} == {objection.type for objection in analysis.objections}
    assert matches(Filters.model_validate({"price_gap": {"against": "competitor", "amount_above": 29000}}), replace(FACTS, analysis=facts))
