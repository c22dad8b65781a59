"""The judge's view settles the findings: parts of persons with kp_status, objections with their clauses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.clause_heads import COLUMN, OBJECTION_TYPES
from models.decisions import ANOTHER_KP, KP_WEIGHT, LIKELY, objection_shares, parts_within
from models.judge import OUTCOMES
from models.kp import status_of
from models.note_numbers import KP_STATUSES
from models.objections import LONGEST_QUOTE, FoundObjection, quote_of
from models.people import ROLES, surest_parts
from models.pipeline import Analyzer
from models.text import normalize

PIECES = st.lists(
    st.sampled_from(["李经理", "王总", "前台", "老板娘", "没见着", "说", "嫌贵", "要请示", "12.8万", "用友", "，", "。", "\n", "下周三", "😤", " "]),
    max_size=40,
)  # fmt: skip
EVEN = [0.25, 0.25, 0.25, 0.25]


def person(met: float, **roles: float) -> list[float]:
    """A row of the persons' table: there for certain, met, and of each role."""
    return [1.0, met, *(roles.get(role, 0.0) for role in ROLES)]


def surely(status: str) -> list[float]:
    """The judge's view: this kp_status."""
    return [0.97 if s == status else 0.01 for s in KP_STATUSES]


@pytest.mark.parametrize(
    ("persons", "kp", "expected"),
    [
        # with nothing to tell from the note, the surest part of each
        ([person(0.9, first_kp=0.5, unknown=0.4)], EVEN, [("first_kp", True)]),
        # the note as a whole tells which of two likely parts it is
        ([person(0.9, first_kp=0.5, influencer=0.4)], surely("met_other_only"), [("influencer", True)]),
        ([person(0.55, first_kp=0.9)], surely("met_nobody"), [("first_kp", False)]),
        # a part that is all but excluded is not taken for the note's sake
        ([person(0.95, first_kp=0.95, influencer=0.05)], surely("met_other_only"), [("first_kp", True)]),
        # a note has one first KP, unless both surely are
        (
            [person(0.9, first_kp=0.9, influencer=0.1), person(0.9, first_kp=0.6, influencer=0.4)],
            EVEN,
            [("first_kp", True), ("influencer", True)],
        ),
        ([person(0.9, first_kp=0.95), person(0.9, first_kp=0.95, influencer=0.05)], EVEN, [("first_kp", True), ("first_kp", True)]),
        # of two persons the less certain one gives way
        (
            [person(0.9, first_kp=0.9, influencer=0.1), person(0.5, unknown=0.5, influencer=0.5)],
            surely("met_first_kp"),
            [("first_kp", True), None],
        ),
    ],
)
def test_parts_of_persons_go_with_kp_status(persons: list[list[float]], kp: list[float], expected: list[tuple[str, bool] | None]) -> None:
    parts = [(ROLES[k], met) for k, met in parts_within(np.array(persons, dtype=np.float32), np.array(kp, dtype=np.float32))]
    assert len(parts) == len(expected)
    assert all(want in (None, part) for part, want in zip(parts, expected, strict=True))


SHARES = st.sampled_from([0.01, 0.2, 0.3, 0.5, 0.8])


@given(st.lists(st.tuples(SHARES, SHARES, SHARES, SHARES, SHARES), min_size=1, max_size=4), st.lists(SHARES, min_size=4, max_size=4))
def test_no_other_parts_are_more_probable(rows: list[tuple[float, ...]], kp: list[float]) -> None:
    table = np.array([[1.0, *row] for row in rows], dtype=np.float32)

    def weight(parts: Sequence[tuple[int, bool]]) -> float:
        own = sum(log(float(row[2 + k] * (row[1] if met else 1 - row[1]))) for row, (k, met) in zip(table, parts, strict=True))
        own -= ANOTHER_KP * max(0, sum(ROLES[k] == "first_kp" for k, _ in parts) - 1)
        return own + KP_WEIGHT * log(kp[KP_STATUSES.index(status_of([(ROLES[k], met) for k, met in parts]))])

    chosen = parts_within(table, np.array(kp, dtype=np.float32))
    likely = [
        [(k, met) for k in range(4) for met in (True, False) if min(row[2 + k], row[1] if met else 1 - row[1]) >= LIKELY] or [part]
        for row, part in zip(table, surest_parts(table), strict=True)
    ]
    assert weight(chosen) == pytest.approx(max(map(weight, product(*likely))), abs=1e-4)


def test_many_persons_keep_their_surest_parts() -> None:
    table = np.array([person(0.6, influencer=0.6, first_kp=0.4)] * 30, dtype=np.float32)
    assert {ROLES[k] for k, _ in parts_within(table, np.array(surely("met_first_kp")))} == {"influencer"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_kp_status_follows_from_people_and_each_objection_has_its_clause(analyzer: Analyzer, pieces: list[str]) -> None:
    found = analyzer.read(normalize("去见客户" + "".join(pieces)).text)._
    if found.people:
        assert found.kp_status == status_of([(p.role, p.met) for p in found.people])
    else:
        assert found.kp_status in ("met_nobody", "unclear")
    single = {(c.start, c.end) for c in found.clauses}
    double = {(a.start, b.end) for a, b in pairwise(found.clauses) if a.sentence == b.sentence and b.end - a.start <= LONGEST_QUOTE}
    assert {(o.start, o.end) for o in found.objections} <= single | double


def test_no_objection_without_a_clause_that_may_be_its_quote(analyzer: Analyzer) -> None:
    doc: Any = analyzer.read("上午去了客户那里,喝了杯茶")
    doc._.clause_probabilities[:] = 0.01
    doc._.clause_probabilities[1, COLUMN["price"]] = 0.5
    judgement = replace(doc._.judgement, types=np.full(len(OBJECTION_TYPES), 0.99, dtype=np.float32))
    places, shares = objection_shares(doc, judgement)
    by_type = dict(zip(OBJECTION_TYPES, zip(places, shares, strict=True), strict=True))
    assert by_type.pop("price") == (1, pytest.approx(0.745))
    assert {share for _, share in by_type.values()} == {0.0}


def test_a_clause_says_one_objection(analyzer: Analyzer) -> None:
    doc: Any = analyzer.read("怕机器坏了没人来,也嫌贵")
    table = doc._.clause_probabilities
    table[:] = 0.01
    table[0, COLUMN["product"]], table[0, COLUMN["trust"]], table[1, COLUMN["price"]] = 0.5, 0.7, 0.4
    judgement = replace(doc._.judgement, types=np.full(len(OBJECTION_TYPES), 0.5, dtype=np.float32))
    assert {k for k, s in zip(OBJECTION_TYPES, objection_shares(doc, judgement)[1], strict=True) if s} == {"trust", "price"}


@pytest.mark.parametrize(
    ("text", "probabilities", "quote"),
    [
        ("他们一律六个月承兑,嫌我们付款死", (0.9, 0.5), "他们一律六个月承兑,嫌我们付款死"),
        ("他们一律六个月承兑,嫌我们付款死", (0.9, 0.3), "他们一律六个月承兑"),
        ("喝了茶,他们一律六个月承兑,嫌我们付款死", (0.5, 0.9, 0.8), "他们一律六个月承兑,嫌我们付款死"),  # of two neighbours the likelier
        ("他们一律六个月承兑。嫌我们付款死", (0.9, 0.8), "他们一律六个月承兑"),  # another sentence
        (
            "他们一律六个月承兑付款钱不是问题,嫌我们付款的条件太死要三成现款",
            (0.9, 0.8),
            "他们一律六个月承兑付款钱不是问题",
        ),  # too long together
        ("嫌我们付款死,钱不是问题", (0.9, 0.8), "嫌我们付款死"),  # a denial carries nothing
    ],
)
def test_two_clauses_that_may_as_well_carry_it_are_quoted_together(
    analyzer: Analyzer, text: str, probabilities: Sequence[float], quote: str
) -> None:
    doc: Any = analyzer.read(text)
    assert len(doc._.clauses) == len(probabilities)
    doc._.clause_probabilities[:, COLUMN["payment"]] = probabilities
    start, end = quote_of(doc, "payment", max(range(len(probabilities)), key=probabilities.__getitem__))
    assert text[start:end] == quote


def test_a_denied_type_is_no_objection_however_sure_the_judge_is(analyzer: Analyzer) -> None:
    doc: Any = analyzer.read("他没嫌贵")
    doc._.clause_probabilities[:, COLUMN["price"]] = 0.9
    judgement = replace(doc._.judgement, types=np.ones(len(OBJECTION_TYPES), dtype=np.float32))
    assert dict(zip(OBJECTION_TYPES, objection_shares(doc, judgement)[1], strict=True))["price"] == 0.0


def test_the_objections_of_a_customer_who_signed_are_resolved(analyzer: Analyzer) -> None:
    doc: Any = analyzer.read("嫌贵，拖着不签")
    doc._.clause_probabilities[0, COLUMN["price"]] = 0.9
    for outcome, status in (("not_signed", "open"), ("signed", "resolved")):
        told = [0.9 if o == outcome else 0.05 for o in OUTCOMES]
        doc._.judgement = replace(doc._.judgement, outcome=np.array(told), resolved=np.zeros(len(OBJECTION_TYPES)))
        analyzer.nlp.get_pipe("decisions")(doc)
        assert {o.type: o.status for o in doc._.objections}["price"] == status


@pytest.mark.parametrize(
    ("own", "view", "status"),
    [(0.5, 0.2, "open"), (0.5, 0.5, "resolved"), (0.2, 0.98, "resolved"), (0.2, 0.9, "open"), (0.7, 0.0, "resolved")],
)
def test_a_status_is_told_by_two_opinions_of_what_follows_the_clause_and_one_of_the_whole_note(
    analyzer: Analyzer, own: float, view: float, status: str
) -> None:
    doc: Any = analyzer.read("他嫌贵,后来又去了一趟")
    finder: Any = analyzer.nlp.get_pipe("objections")
    clause = doc._.clauses[0]
    doc._.objections = (FoundObjection("price", 0, clause.start, clause.end, 0.9, own),)
    nothing, shares = [0] * len(OBJECTION_TYPES), [float(kind == "price") for kind in OBJECTION_TYPES]
    (found,) = finder.found(doc, nothing, shares, dict.fromkeys(OBJECTION_TYPES, 0.5), [view] * len(OBJECTION_TYPES))
    assert (found.type, found.status) == ("price", status)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_the_judge_reads_as_many_numbers_of_every_note(analyzer: Analyzer, pieces: list[str]) -> None:
    judge: Any = analyzer.nlp.get_pipe("judge")
    numbers = judge.numbers([analyzer.read(normalize("去见客户" + "".join(pieces)).text)])
    assert numbers.shape == (1, len(judge.network.mean))
    assert np.isfinite(numbers).all()
