"""What a note looks up and adds up is what training spells out: the same features, labels and probabilities, read two ways."""

from __future__ import annotations

import re

import numpy as np
import pycrfsuite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.amounts import AMOUNT
from models.clause_heads import clause_features
from models.clauses import FAMILIES, gap_features
from models.crf import Crf
from models.features import Coded, Lookup, Window, WindowWeights, spelt, spelt_items
from models.name_features import FAMILIES as NAME_FAMILIES
from models.pipeline import TRAINED, Analyzer
from models.text import normalize
from models.times import TIME

NOTES = st.text(alphabet="张总王老板东明报价3万5k不贵嫌说要请示下周三签,。;:、【】 \nAb9²я𠮷他我们", min_size=1, max_size=60).map(
    lambda s: normalize(s).text
)


def test_a_value_is_found_behind_each_prefix_it_may_be_read_behind() -> None:
    lookup = Lookup({"wa": 0, "sqx": 1, "sqy": 2, "b": 3}, ("w", "s", "sq", "b"))
    assert sorted(lookup.rows([("w", ["a", "a", "z"]), ("sq", ["x"]), ("s", ["qy"]), ("b", [""])])) == [0, 1, 2, 3]


def test_windows_weigh_what_their_spelling_weighs() -> None:
    vocabulary = {"aX": 0, "bX": 1, "bY": 2, "c1": 3}
    weights = np.array([[1.0], [10.0], [100.0], [1000.0]])
    windows = [Window(["X", "Y", "?"], {"a": 0, "b": 1})]
    coded = [Coded("c", ["0", "1"], np.array([0, 1]))]
    assert spelt_items([*windows, *coded], 2) == [["aX", "bY", "c0"], ["aY", "b?", "c1"]]
    assert WindowWeights(vocabulary, weights, ["ab"]).sums(windows, 2, coded).tolist() == [[101.0], [1000.0]]


@pytest.fixture(scope="module")
def plain_crf() -> pycrfsuite.Tagger:
    """CRFsuite reading the trained model as it stands."""
    tagger = pycrfsuite.Tagger()
    tagger.open(str(next(TRAINED.rglob("names.crf"))))
    return tagger


@settings(max_examples=60, deadline=None)
@given(text=NOTES.filter(str.strip))
def test_the_crf_on_sums_tags_as_crfsuite_on_names(analyzer: Analyzer, plain_crf: pycrfsuite.Tagger, text: str) -> None:
    names = analyzer.nlp.get_pipe("names")
    windows, coded = names.features(analyzer.nlp.make_doc(text))
    features = spelt_items([*windows, *coded], len(text))
    assert {len(f) for f in features} == {17}
    plain_crf.set(features)
    labels = names._crf.tag(windows, coded, len(text))
    assert labels == plain_crf.tag()
    for i, label in enumerate(labels):
        assert names._crf.marginals(label)[i] == pytest.approx(plain_crf.marginal(label, i), abs=1e-9)


def test_bytes_that_are_no_crf_are_refused() -> None:
    for model in (b"", b"lCRF", b"\0" * 4096):
        with pytest.raises(ValueError, match="not a CRFsuite model"):
            Crf(model, NAME_FAMILIES)


@settings(max_examples=40, deadline=None)
@given(text=NOTES.filter(str.strip))
def test_rows_of_clauses_and_gaps_are_those_of_their_spelling(analyzer: Analyzer, text: str) -> None:
    doc = analyzer.read(text)
    heads = analyzer.nlp.get_pipe("clause_heads")
    for groups in clause_features(doc):
        assert sorted(heads._shared._lookup.rows(groups)) == sorted(heads._models[0].known(spelt(groups)))
    words, tags = doc._.words, doc._.tags
    if len(words) > 1:
        splitter = analyzer.nlp.get_pipe("clauses")
        stops = splitter._stops(words, tags)
        expected = splitter._boundaries.probabilities_of_all(spelt_items(gap_features(words, tags), len(words) - 1))[:, 0]
        assert stops[1:] == pytest.approx(expected.tolist(), abs=1e-5)
        assert len(FAMILIES) == len(gap_features(words, tags))


@pytest.mark.parametrize("guarded", [AMOUNT, TIME], ids=["amount", "time"])
@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="明天下周三前月底元旦1235万千块元¥$USD 不到好几小十百半春节到期合同听日CNYq二季度年", max_size=20))
def test_looking_at_the_first_character_passes_over_nothing(guarded: re.Pattern[str], text: str) -> None:
    unguarded = re.compile(re.sub(r"^\(\?=\[[^\]]*\]\)", "", guarded.pattern), guarded.flags)
    assert unguarded.pattern != guarded.pattern
    assert [m.span() for m in guarded.finditer(text)] == [m.span() for m in unguarded.finditer(text) if m[0]]
