"""The encoder: pieces cover the text, windows hold whole sentences, a window is read by itself, stretches are means and maxima, opinions are weighed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.encoder import LIMIT, TAGS, WEIGHTS, windows
from models.extensions import Reading
from models.names import NameSpan
from models.people import PeopleFinder
from models.pieces import UNKNOWN, Pieces
from models.pipeline import COMPONENTS, Analyzer
from models.span_heads import apart, vectors, weighed, weighed_choice
from models.tagged import tagged_persons, tagged_rivals
from models.text import normalize

PIECES = Pieces.from_file(WEIGHTS / "pieces.npz")
LONG = "今天去了城东的厂里，王厂长嫌我们12.8万太贵。" * 3 + "".join(f"第{i}车间的人说设备还能用，下周再谈。" for i in range(60))


def read(analyzer: Analyzer, text: str, last: str = "encoder") -> Any:
    doc: Any = analyzer.nlp.tokenizer.read(normalize(text).text)
    for name in COMPONENTS[: COMPONENTS.index(last) + 1]:
        doc = analyzer.nlp.get_pipe(name)(doc)
    return doc


@given(st.text(st.sampled_from("张总说价格高了12.8万,。\n 下周三再谈abcXY囧𠮷😀"), max_size=60))
def test_pieces_cover_the_text_in_order(text: str) -> None:
    cut = PIECES(text)
    assert "".join(text[a:b] for a, b in zip(cut.starts, cut.ends, strict=True)) == text
    assert (cut.ends > cut.starts).all()


@pytest.mark.parametrize(("text", "piece"), [("付款方式", "付款"), ("我们公司", "我们"), ("今天下午", "今天")])
def test_words_that_the_vocabulary_holds_are_pieces(text: str, piece: str) -> None:
    cut = PIECES(text)
    assert piece in [text[a:b] for a, b in zip(cut.starts, cut.ends, strict=True)]


def test_a_character_without_a_piece_is_unknown() -> None:
    assert PIECES("😀").ids.tolist() == [UNKNOWN]


def test_a_long_note_is_cut_between_sentences(analyzer: Analyzer) -> None:
    doc = read(analyzer, LONG)
    text, starts = doc._.text, doc._.pieces.starts
    cut = windows(doc, starts)
    rows = [row for window in cut for row in window]
    assert rows == sorted(set(rows))
    assert all(0 < len(window) <= LIMIT for window in cut)
    assert all(text[starts[window[0]] - 1] == "。" for window in cut[1:])


def test_what_tells_nothing_is_not_read_and_is_no_context(analyzer: Analyzer) -> None:
    note, empty = "王厂长嫌我们12.8万太贵。", "今天天气不错。"
    alone, after = read(analyzer, note)._, read(analyzer, empty + note)._
    shift = len(after.pieces.ids) - len(alone.pieces.ids)
    assert np.isnan(after.hidden[:shift]).all()
    assert np.array_equal(after.hidden[shift:], alone.hidden)


def test_text_without_any_stop_is_cut_all_the_same(analyzer: Analyzer) -> None:
    doc = read(analyzer, "客户" * 400)
    assert all(0 < len(window) <= LIMIT for window in windows(doc, doc._.pieces.starts))


def test_a_window_is_read_as_if_alone(analyzer: Analyzer) -> None:
    encoder = analyzer.nlp.get_pipe("encoder")
    texts = ["王厂长嫌我们12.8万太贵", LONG, "老板不在", LONG[:300]]
    alone = [read(analyzer, text)._.hidden for text in texts]
    docs = [read(analyzer, text, "content") for text in texts]
    with ThreadPoolExecutor(3) as pool:
        encoder.write(docs, pool)
    for doc, hidden in zip(docs, alone, strict=True):
        assert np.array_equal(doc._.hidden, hidden, equal_nan=True)


def test_what_the_encoder_has_not_read_is_left_to_the_linear_finders() -> None:
    linear, encoded = np.float32([[0.2, 0.8], [0.3, 0.7]]), np.float32([[np.nan, np.nan], [0.5, 0.5]])
    assert weighed(linear, encoded)[0].tolist() == linear[0].tolist()
    assert weighed_choice(linear, encoded)[0].tolist() == linear[0].tolist()
    assert weighed(linear, encoded)[1].tolist() != linear[1].tolist()
    assert weighed_choice(encoded, linear)[0].tolist() == linear[0].tolist()


def test_how_far_two_opinions_are_apart_is_nothing_where_one_is_missing() -> None:
    none = np.float32(np.nan)
    assert apart(np.float32([0.5, none, 0.5, 0.5]), np.float32([0.5, 0.9, none, 0.9])).tolist() == [0, 0, 0, pytest.approx(np.log(9))]


def tags_of(doc: Any, name: str, tag: str) -> Any:
    """Tags' probabilities that take `name` for what `tag` says and nothing else for anything."""
    own = doc._.pieces
    at = doc._.text.index(name)
    tags = np.zeros((len(own.ids), len(TAGS)), dtype=np.float32)
    tags[:, 0] = 1
    for number, i in enumerate(i for i, (a, b) in enumerate(zip(own.starts, own.ends, strict=True)) if a < at + len(name) and b > at):
        tags[i] = [float(t == f"{'I' if number else 'B'}-{tag}") for t in TAGS]
    return tags


def test_a_competitor_that_only_the_tags_see_is_a_candidate(analyzer: Analyzer) -> None:
    doc = read(analyzer, "今天去城东看了看设备，老样子没动静")
    assert not doc._.rival_candidates
    found = tagged_rivals(doc, tags_of(doc, "城东", "CMP"))
    assert [(doc._.text[span.start : span.end], span.label) for span in found] == [("城东", "CMP")]
    assert tagged_rivals(doc, tags_of(doc, "城东", "PER")) == []


def test_a_candidate_that_the_tagger_has_seen_is_not_added_again(analyzer: Analyzer) -> None:
    doc = read(analyzer, "今天去城东看了看设备，老样子没动静")
    doc._.rival_candidates = (NameSpan(4, 6, "CMP", 0.3),)
    assert tagged_rivals(doc, tags_of(doc, "城东", "CMP")) == []


@pytest.mark.parametrize(
    ("text", "name", "found"),
    [
        ("昨儿叫看地，后晌过讲就去了城东", "城东", ["城东"]),
        ("昨儿叫看地，后晌东就去了", "东", []),
        ("昨儿叫看地，去了3号地", "3号", []),
        ("王总叫看地，王总后晌就去了", "王总", []),
    ],
)
def test_a_person_that_only_the_tags_see_is_a_candidate(analyzer: Analyzer, text: str, name: str, found: list[str]) -> None:
    doc = read(analyzer, text)
    people = analyzer.nlp.get_pipe("people")
    assert isinstance(people, PeopleFinder)
    assert [c.mention for c in tagged_persons(doc, tags_of(doc, name, "PER"), people.candidates)] == found
    assert tagged_persons(doc, tags_of(doc, name, "CMP"), people.candidates) == []


def test_stretches_are_means_and_maxima_of_the_pieces_they_touch() -> None:
    doc: Any = Reading()
    starts = np.array([0, 2, 3, 5])
    doc._.pieces = (None, starts, np.array([2, 3, 5, 6]))
    doc._.hidden = np.array([[1, 0], [3, 5], [5, -2], [-1, 4]], dtype=np.float16)
    found = vectors(doc, [[(0, 2)], [(1, 4)], [(0, 1), (5, 6)], [(2, 6)]])
    assert found.tolist() == [[1, 0, 1, 0], [3, 1, 5, 5], [0, 2, 1, 4], [pytest.approx(7 / 3), pytest.approx(7 / 3), 5, 5]]


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=6))
def test_two_equal_opinions_are_one(shares: list[float]) -> None:
    p = np.array(shares, dtype=np.float32)
    assert weighed(p, p) == pytest.approx(np.clip(p, 1e-4, 1 - 1e-4), abs=1e-5)


def test_an_opinion_moves_the_mean_its_way() -> None:
    low, high = np.float32([0.2, 0.3]), np.float32([0.6, 0.9])
    mixed = weighed(low, high)
    assert (low < mixed).all()
    assert (mixed < high).all()
    choice = weighed_choice(np.float32([[0.7, 0.2, 0.1]]), np.float32([[0.1, 0.8, 0.1]]))
    assert choice.sum() == pytest.approx(1)
    assert choice[0].argmax() == 1
