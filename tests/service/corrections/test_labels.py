"""Labels read off an analysis, put back into it, compared, and taken without a finding; and what of them is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import TypeAdapter, ValidationError

from models.quotes import touches
from service.corrections.comparing import COMPARED, differing
from service.corrections.corrected import corrected_result, question_words
from service.corrections.findings import matches, without
from service.corrections.form import LabelChanges, flat_changes, text_faults
from service.corrections.labels import FIELDS, changed_fields, flat, from_result, overlaid, whole
from service.corrections.words import value_words
from service.notes.store import RESULT
from training.corpus import read_split
from training.labels import faults

TEXT = "采购部李经理说我们12.8万比用友9.5万贵了3万多，他做不了主，要等王总拍板。货款月底回来才有钱付。下周三带案例去见王总。B类客户"
CHANGES = TypeAdapter(LabelChanges)


@pytest.fixture(scope="module")
def result(analyze) -> dict:
    return json.loads(RESULT.dump_json(replace(analyze(TEXT), id="nt_1")))


@pytest.fixture(scope="module")
def labels(result) -> dict:
    return from_result(TEXT, result)


def test_an_analysis_gives_labels_in_corporas_form(analyze) -> None:
    for note in read_split("dev")[:60]:
        result = json.loads(RESULT.dump_json(analyze(note["text"])))
        labels = from_result(note["text"], result)
        assert whole(flat(labels)) == labels
        assert list(flat(labels)) == list(FIELDS)
        assert [f for f in faults({"text": note["text"], **labels}) if "evidence" not in f] == []
        assert text_faults(note["text"], labels) == []
        assert corrected_result(note["text"], result, labels) == result


def test_corpus_labels_put_into_an_analysis_are_read_back_as_they_were(analyze) -> None:
    for note in [n for n in read_split("dev") if n["objections"]][:40]:
        gold = {field: note[field] for field in ("kind", "outcome", "people", "kp_status", "objections", "competitors", "customer_class", "next_step", "rubric", "must_ask", "evidence")}  # fmt: skip
        result = json.loads(RESULT.dump_json(analyze(note["text"])))
        base = from_result(note["text"], result)
        wanted = overlaid(base, {**base, **gold}, [f for f in FIELDS if not f.startswith(("price", "funds"))])
        corrected = corrected_result(note["text"], result, wanted)
        RESULT.validate_json(json.dumps(corrected))
        read = from_result(note["text"], corrected)
        assert {**read, "price": None, "funds_date": None} == {**wanted, "price": None, "funds_date": None}
        for found in (*corrected["people"], *corrected["objections"], *corrected["competitors"]):
            assert note["text"][found["start"] : found["end"]] == (found.get("quote") or found["mention"])


def test_a_corrected_level_moves_score_grade_and_advice(result, labels) -> None:
    changed = {**labels, "rubric": dict.fromkeys(labels["rubric"], 2)}
    made = corrected_result(TEXT, result, changed)["quality"]
    assert (made["score"], made["grade"]) == (100, "优")
    assert all(d["advice"] is None for d in made["dimensions"])
    none = corrected_result(TEXT, result, {**labels, "rubric": dict.fromkeys(labels["rubric"], 0), "evidence": {}})["quality"]
    assert none["score"] == 0
    assert all(d["advice"] and d["evidence"] == [] for d in none["dimensions"])


def test_a_corrected_price_fills_the_gaps_percent(result, labels) -> None:
    price = {"ours": 120000, "competitor": 100000, "customer": None, "gaps": [{"against": "competitor", "amount": 20000, "percent": None}]}
    made = corrected_result(TEXT, result, {**labels, "price": price, "funds_date": "月底", "customer_class": "A"})
    assert made["price"]["gaps"] == [{"against": "competitor", "amount": 20000, "percent": 20.0, "stated": False}]
    assert made["funds_date"]["when"] == "月底"
    assert made["customer_class"]["label"] == "A"
    RESULT.validate_json(json.dumps(made))


def test_every_question_has_words_of_its_own_without_slots() -> None:
    assert len(question_words()) == 16


@pytest.mark.parametrize(
    ("kind", "quote", "field", "value"),
    [
        ("competitor", "用友", "competitors", []),
        ("step", None, "next_step", None),
        ("funds", None, "funds_date", None),
        ("class", None, "customer_class", None),
    ],
)
def test_a_finding_taken_out_is_out(result, labels, kind: str, quote: str | None, field: str, value) -> None:
    where = {"step": "next_step", "funds": "funds_date", "class": "customer_class"}.get(kind)
    found = matches(result, kind, quote or result[where]["quote"])
    assert without(labels, found, TEXT)[field] == value


def test_who_is_no_first_kp_is_unknown_and_the_status_follows(result, labels) -> None:
    first = next(p["mention"] for p in result["people"] if p["decision_role"] == "first_kp")
    met = {**labels, "people": [{"mention": first, "decision_role": "first_kp", "met": True}], "kp_status": "met_first_kp"}
    set_ = without(met, {"kind": "kp", "quote": first, "type": "first_kp"}, TEXT)
    assert set_ == {"people": [{"mention": first, "decision_role": "unknown", "met": True}], "kp_status": "unclear"}
    assert without(met, {"kind": "person", "quote": first, "type": "first_kp"}, TEXT)["people"] == []


def test_a_price_that_is_none_takes_its_gaps_along(labels) -> None:
    price = {"ours": 5, "competitor": 3, "customer": None, "gaps": [{"against": "competitor", "amount": 2, "percent": None}]}
    for type_, slot in (("ours", "ours"), ("competitor", "competitor")):
        set_ = without({**labels, "price": price}, {"kind": "price", "quote": "5", "type": type_}, TEXT)
        assert set_ == {f"price.{slot}": None, "price.gaps": []}
    assert without({**labels, "price": price}, {"kind": "price", "quote": "2", "type": "gap_competitor"}, TEXT) == {"price.gaps": []}


def test_what_no_analysis_found_matches_nothing(result) -> None:
    for kind in ("kp", "person", "objection", "price", "competitor", "class", "step", "funds"):
        assert matches(result, kind, "没有这几个字") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "none"}, {"kind": None}, {"other": 1}, {"rubric": {"need": 3}}, {"rubric": {"luck": 1}}, {"rubric": {"need": True}}, {"rubric": {"need": "1"}}, {"price": {"ours": True}}, {"price": {"ours": ["1", 2]}}, {"must_ask": []}, {"must_ask": ["nothing"]},
        {"must_ask": ["listened", "listened"]}, {"price": {"ours": "a"}}, {"price": {"ours": [None, None]}}, {"price": {"ours": [2, 1]}},
        {"price": {"ours": float("inf")}}, {"people": [{"mention": "王总"}]}, {"people": [{"mention": "", "decision_role": "unknown", "met": True}]},
        {"objections": [{"type": "price", "status": "open", "quote": "a\x00"}]}, {"customer_class": "E"}, {"evidence": {"kp": ["王总"]}},
        {"competitors": ["a"] * 51}, {"price": {"currency": "yuan"}},
    ],
)  # fmt: skip
def test_labels_of_another_form_are_refused(changes: dict) -> None:
    with pytest.raises(ValidationError):
        CHANGES.validate_python(changes)


def test_changes_are_told_by_their_fields() -> None:
    sent = CHANGES.validate_python({"kind": "diagnostic", "rubric": {"need": 2}, "price": {"ours": [1, None]}, "customer_class": None})
    assert flat_changes(sent) == {"kind": "diagnostic", "rubric.need": 2, "price.ours": [1, None], "customer_class": None}


def test_quotes_that_do_not_stand_in_the_note_are_named(labels) -> None:
    wrong = {
        **labels, "people": [{"mention": "赵总", "decision_role": "unknown", "met": True}], "funds_date": "年底", "must_ask": [],
        "next_step": {"quote": "下周三", "when": "周四"}, "evidence": {"need": ["不在"]}, "rubric": {**labels["rubric"], "need": 0},
    }  # fmt: skip
    fields = {f.field for f in text_faults(TEXT, wrong)}
    assert fields == {"people.0.mention", "funds_date", "must_ask", "next_step.when", "evidence.need.0", "evidence.need"}


def test_what_touches_is_the_same_and_what_differs_is_named(labels) -> None:
    assert touches("觉得价格偏高", "价格偏高")
    assert not touches("价格偏高", "下周三")
    assert differing(labels, labels) == []
    other = {**labels, "kind": "flow_of_events", "people": [], "rubric": {**labels["rubric"], "need": 2 - labels["rubric"]["need"]}}
    assert set(differing(labels, other)) <= {"kind", "people", "rubric.need"}
    assert "people" in differing(labels, other)
    assert set(differing(labels, other)) <= set(COMPARED)
    assert changed_fields(labels, other)


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        ({"against": "competitor", "amount": 3000, "percent": None}, "比对手高 3000"),
        ({"against": "competitor", "amount": -3000, "percent": None}, "比对手低 3000"),
        ({"against": "customer", "amount": [-20000, -10000], "percent": None}, "比客户出价低 2万到1万"),
        ({"against": "customer", "amount": [50000, None], "percent": 12.5}, "比客户出价高 5万以上"),
        ({"against": "competitor", "amount": None, "percent": -10}, "比对手低 10%"),
    ],
)
def test_a_gap_in_words_says_who_is_dearer(gap: dict, said: str) -> None:
    assert value_words("price.gaps", [gap]) == said
