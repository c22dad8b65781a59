"""What a note looks up and adds up is what training spells out: the same features, labels and probabilities, read two ways."""

from __future__ import annotations

import re
from itertools import pairwise, product
from typing import Any

import joblib
import numpy as np
import pycrfsuite
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.amounts import AMOUNT
from models.bags import Bag, BagWeights, Items, spelt
from models.clause_heads import clause_features
from models.clauses import FAMILIES, gap_features
from models.crf import Crf, Decoder, best_path
from models.features import Coded, Window, WindowWeights, spelt_items
from models.name_features import FAMILIES as NAME_FAMILIES
from models.pipeline import TRAINED, Analyzer
from models.text import normalize
from models.times import TIME

NOTES = st.text(alphabet="张总王老板东明报价3万5k不贵嫌说要请示下周三签,。;:、【】 \nAb9²я𠮷他我们", min_size=1, max_size=60).map(
    lambda s: normalize(s).text
)


def test_bags_weigh_what_their_spelling_weighs_each_name_once() -> None:
    vocabulary = {"wa": 0, "-wa": 1, "+wb": 2, "cx": 3, "alone": 4}
    weights = np.array([[1.0], [10.0], [100.0], [1000.0], [10000.0]], dtype=np.float32)
    bags = [
        Bag(("",), ["alone", "odd"], [1, 1, 0]),
        Bag(("c",), ["x", "x", "y"], [3, 0, 0]),
        Bag(("w", "-w", "+w"), ["a", "a", "b", "a"], [2, 1, 1]),
    ]
    items = Items(3, bags, [True, False])
    assert [sorted(set(names)) for names in spelt(items)] == [["+wb", "alone", "cx", "cy", "wa"], ["-wa", "odd", "wb"], ["wa"]]
    families = [("",), ("c",), ("w", "-w", "+w")]
    assert BagWeights(vocabulary, weights, families).sums(items).tolist() == [[11101.0], [10.0], [1.0]]


def test_windows_weigh_what_their_spelling_weighs() -> None:
    vocabulary = {"aX": 0, "bX": 1, "bY": 2, "c1": 3}
    weights = np.array([[1.0], [10.0], [100.0], [1000.0]])
    windows = [Window(["X", "Y", "?"], {"a": 0, "b": 1})]
    coded = Coded({"c": ["0", "1"]}, np.array([[0, 1]]))
    assert spelt_items([*windows, coded], 2) == [["aX", "bY", "c0"], ["aY", "b?", "c1"]]
    assert WindowWeights(vocabulary, weights, ["ab"]).sums(windows, 2, coded).tolist() == [[101.0], [1000.0]]


@pytest.fixture(scope="module")
def plain_crf() -> pycrfsuite.Tagger:
    """CRFsuite reading the trained model as it stands."""
    tagger = pycrfsuite.Tagger()
    tagger.open(str(next(TRAINED.rglob("names.crf"))))
    return tagger


@settings(max_examples=60)
@given(text=NOTES.filter(str.strip))
def test_the_crf_on_sums_tags_as_crfsuite_on_names(analyzer: Analyzer, plain_crf: pycrfsuite.Tagger, text: str) -> None:
    names = analyzer.nlp.get_pipe("names")
    windows, coded = names.features(analyzer.nlp.make_doc(text))
    features = spelt_items([*windows, coded], len(text))
    assert {len(f) for f in features} == {17}
    plain_crf.set(features)
    labels = names._crf.tag(windows, coded, len(text))
    assert labels == plain_crf.tag()
    for i, label in enumerate(labels):
        assert names._crf.marginals(label)[i] == pytest.approx(plain_crf.marginal(label, i), abs=1e-9)


@pytest.mark.parametrize("size", [1, 5, 40])
def test_a_text_cut_into_blocks_has_the_sums_of_the_whole(size: int) -> None:
    random = np.random.default_rng(size)
    decoder = Decoder(random.normal(0, 4, (5, 5)), 0)
    e = np.exp(-random.random((60, 5)) * 9)
    (whole, total, sound), (blocks, same, also) = decoder._sums(e, 256), decoder._sums(e, size)
    assert blocks == pytest.approx(whole, abs=1e-12)
    assert same == pytest.approx(total)
    assert sound
    assert also


def test_what_overflows_as_a_whole_is_summed_in_blocks_and_the_best_path_is_found() -> None:
    """Two labels that like themselves, and scores that pull to and fro: the best path by trying all paths of a short text, repeated."""
    random = np.random.default_rng(7)
    transitions = np.array([[0.0, -9.0, -9.0], [-9.0, 2.0, -9.0], [-9.0, -9.0, 2.0]])
    decoder = Decoder(transitions, 0)
    for _ in range(20):
        scores = random.normal(0, 6, (6, 3))
        paths = [
            (sum(scores[t, y] for t, y in enumerate(p)) + sum(transitions[a, b] for a, b in pairwise(p)), p)
            for p in product(range(3), repeat=6)
        ]
        path, marginals = decoder(scores)
        assert tuple(path) == max(paths)[1]
        total = sum(np.exp(s) for s, _ in paths)
        assert marginals[2, 1] == pytest.approx(sum(np.exp(s) for s, p in paths if p[2] == 1) / total)
    pulled = np.tile([[0.0, 90.0, 0.0], [0.0, 0.0, 90.0]], (200, 1))
    e = np.exp(pulled - pulled.max(axis=1, keepdims=True))
    with np.errstate(all="ignore"):
        assert not decoder._sums(e, 256)[2]
    path, marginals = decoder(pulled)
    assert path == [1, 2] * 200
    assert np.isfinite(marginals).all()


@pytest.mark.parametrize("places", [1, 2, 3, 4, 5, 8, 31, 129])
def test_the_best_path_by_halves_is_the_best_of_all(places: int) -> None:
    chance = np.random.default_rng(places)
    scores, transitions = chance.normal(size=(places, 3)), 2 * chance.normal(size=(3, 3))
    reached = [(float(score), [label]) for label, score in enumerate(scores[0])]
    for row in scores[1:]:
        reached = [max((s + transitions[p[-1], k] + row[k], [*p, k]) for s, p in reached) for k in range(3)]
    assert best_path(scores, transitions) == max(reached)[1]


def test_bytes_that_are_no_crf_are_refused() -> None:
    for model in (b"", b"lCRF", b"\0" * 4096):
        with pytest.raises(ValueError, match="not a CRFsuite model"):
            Crf(model, NAME_FAMILIES)


@pytest.fixture(scope="module")
def spelt_models() -> dict[str, Any]:
    """The models of clauses and of stops as they were written, with their vocabularies."""
    return {
        "clause_heads": joblib.load(TRAINED / "nlp" / "clause_heads" / "clause_heads.joblib"),
        "boundaries": joblib.load(TRAINED / "nlp" / "clauses" / "boundaries.joblib"),
    }


@settings(max_examples=40)
@given(text=NOTES.filter(str.strip))
def test_clauses_and_gaps_are_judged_by_the_features_that_are_spelt(analyzer: Analyzer, spelt_models: dict[str, Any], text: str) -> None:
    doc = analyzer.read(text)
    heads = analyzer.nlp.get_pipe("clause_heads")
    if doc._.clauses:
        items = clause_features(doc)
        for model, found in zip(spelt_models["clause_heads"], heads._shared.probabilities(items), strict=True):
            assert found == pytest.approx(model.probabilities_of_all(spelt(items)), abs=1e-5)
    words, tags = doc._.words, doc._.tags
    if len(words) > 1:
        splitter = analyzer.nlp.get_pipe("clauses")
        stops = splitter._stops(words, tags)
        expected = spelt_models["boundaries"].probabilities_of_all(spelt_items(gap_features(words, tags), len(words) - 1))[:, 0]
        assert stops[1:] == pytest.approx(expected.tolist(), abs=1e-5)
        assert len(FAMILIES) == len(gap_features(words, tags))


def test_a_loaded_model_is_not_written_without_its_weights(analyzer: Analyzer, tmp_path) -> None:
    """They are kept in the form in which they are read: a file without them would be no model."""
    for name in ("clauses", "names", "rivals", "people", "prices", "clause_heads"):
        with pytest.raises(ValueError, match="no trained model to write"):
            analyzer.nlp.get_pipe(name).to_disk(tmp_path / name)


@pytest.mark.parametrize("guarded", [AMOUNT, TIME], ids=["amount", "time"])
@settings(max_examples=200)
@given(text=st.text(alphabet="明天下周三前月底元旦1235万千块元¥$USD 不到好几小十百半春节到期合同听日CNYq二季度年", max_size=20))
def test_looking_at_the_first_character_passes_over_nothing(guarded: re.Pattern[str], text: str) -> None:
    unguarded = re.compile(re.sub(r"^\(\?=\[[^\]]*\]\)", "", guarded.pattern), guarded.flags)
    assert unguarded.pattern != guarded.pattern
    assert [m.span() for m in guarded.finditer(text)] == [m.span() for m in unguarded.finditer(text) if m[0]]


def test_no_length_and_no_weight_loses_the_marginals() -> None:
    """Where the most probable way goes by rare steps, and the place behind a block wants what is rare at the block's end, sums meet the edge of float64."""
    scores = np.zeros((200, 2)) - [0.0, 12.0]
    scores[128, 1] = 80
    for step in np.linspace(5.2, 6.2, 101):  # 128 places of it are e**-666 to e**-794; the edge is at e**-745
        path, marginals = Decoder(np.array([[0.0, -20.0], [-20.0, step]]), outside=0)(scores)
        assert marginals.sum(axis=1) == pytest.approx(1.0)
        assert np.flatnonzero(path).tolist() == [128]
