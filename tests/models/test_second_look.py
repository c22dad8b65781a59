"""The second look reads all findings of a note together: what is there, whatever the text, and what it may change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.clause_numbers import ABSENT, clause_numbers, first_look, log_odds
from models.person_numbers import person_numbers
from models.pipeline import COMPONENTS, Analyzer
from models.price_numbers import price_numbers
from models.rival_numbers import rival_numbers
from models.text import normalize

FIRST = COMPONENTS[: COMPONENTS.index("second_look")]
NOTE = "李经理说12.8万比用友贵了3万多，他做不了主，要等王总拍板。隔壁老板娘只给到9万5"
PIECES = st.lists(
    st.sampled_from(["李经理", "王总", "说", "没嫌贵", "12.8万", "9折", "用友", "，", "。", "\n", "下周三", "资金紧", "😤", " "]),
    max_size=40,
)


def read(analyzer: Analyzer, text: str) -> Any:
    """A text with the first look's findings."""
    doc: Any = analyzer.nlp.tokenizer.read(normalize(text).text)
    for name in FIRST:
        doc = analyzer.nlp.get_pipe(name)(doc)
    return doc


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_numbers_are_as_many_for_every_note_and_finite(analyzer: Analyzer, pieces: list[str]) -> None:
    doc = read(analyzer, "去见客户" + "".join(pieces))
    second = analyzer.nlp.get_pipe("second_look")
    look = first_look(doc, second.groups)
    persons, amounts, rivals, clauses = second._networks
    found = doc._
    tables = [
        (clause_numbers(doc, look), clauses, found.clauses),
        (person_numbers(doc, look), persons, found.candidates),
        (price_numbers(doc, look), amounts, found.amounts),
        (rival_numbers(doc, look), rivals, found.rival_candidates),
    ]
    for numbers, network, items in tables:
        assert (numbers is None) == (not items)
        if numbers is not None:
            assert numbers.shape == (len(items), len(network.mean))
            assert np.isfinite(numbers).all()


def test_notes_read_together_are_decided_as_alone(analyzer: Analyzer) -> None:
    second = analyzer.nlp.get_pipe("second_look")
    texts = [NOTE, "老板不在", "12.8万", NOTE[:20], "用友报9万5，刘姐嫌我们贵"]
    together = [read(analyzer, text) for text in texts]
    second.write(together)
    for text, doc in zip(texts, together, strict=True):
        alone = second(read(analyzer, text))
        assert [(p.start, p.role, p.met) for p in doc._.people] == [(p.start, p.role, p.met) for p in alone._.people]
        assert [p.role for p in doc._.prices] == [p.role for p in alone._.prices]
        assert [(n.start, n.label) for n in doc._.names] == [(n.start, n.label) for n in alone._.names]
        assert doc._.clause_probabilities == pytest.approx(alone._.clause_probabilities, abs=1e-5)


def test_log_odds_of_certainty_are_finite_and_in_order() -> None:
    odds = log_odds(np.array([0.0, 0.3, 0.5, 1.0]))
    assert np.isfinite(odds).all()
    assert (np.diff(odds) > 0).all()
    assert odds[2] == pytest.approx(0)
    assert odds[0] < ABSENT  # a clause that is there and carries nothing is not taken for one that is not there


def test_neighbours_of_the_first_and_last_clause_are_absent(analyzer: Analyzer) -> None:
    doc = read(analyzer, NOTE)
    look = first_look(doc, analyzer.nlp.get_pipe("second_look").groups)
    assert (look.heads[:2] == ABSENT).all()
    assert (look.heads[-2:] == ABSENT).all()
    assert look.heads[2:-2].shape[0] == len(doc._.clauses)


def test_cues_behind_a_negation_count_against(analyzer: Analyzer) -> None:
    groups = analyzer.nlp.get_pipe("second_look").groups
    plain = first_look(read(analyzer, "王总说预算超了"), groups)
    assert (plain.hits >= 0).all()
    negated = read(analyzer, "王总没说要和老板商量")
    if any(c.negated for c in negated._.contexts):
        assert (first_look(negated, groups).hits < 0).any()


def test_nothing_is_found_that_the_first_look_did_not_see(analyzer: Analyzer) -> None:
    """Persons and amounts are those of the first look: the second weighs them, it finds none."""
    doc = analyzer.read(normalize(NOTE).text)
    assert {p.start for p in doc._.people} <= {c.start for c in doc._.candidates}
    assert len(doc._.prices) == len(doc._.amounts)
    assert doc._.clause_probabilities.shape[0] == len(doc._.clauses)
    assert ((doc._.clause_probabilities >= 0) & (doc._.clause_probabilities <= 1)).all()
