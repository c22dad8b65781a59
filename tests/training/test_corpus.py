from __future__ import annotations

import json
import sys
from collections import Counter
from itertools import chain
from math import ceil
from pathlib import Path

import pytest

from training.agreement import decisions, read, sets, settled
from training.corpus import SPLITS, read_snippets, read_split, read_stories, read_writers
from training.labels import faults
from training.scoring import score
from training.validate import corpus_faults

SHARED = Path(__file__).resolve().parents[3] / "shared" / "eval"
NOTES = [n for split in SPLITS for n in read_split(split)]
SAME = 0.6
"""Share of common four-character shingles from which two notes count as one written twice."""


def test_no_faults() -> None:
    assert corpus_faults() == []


def test_the_corpus_has_its_size_and_no_writer_stands_in_two_splits() -> None:
    assert [len(read_split(split)) >= least for split, least in (("train", 1800), ("dev", 300), ("test", 300))] == [True] * 3
    splits: dict[str, set[str]] = {}
    for split in SPLITS:
        for note in read_split(split):
            splits.setdefault(note["writer"], set()).add(split)
    assert all(len(s) == 1 for s in splits.values())
    assert set(splits) <= {w["writer"] for w in read_writers()}


def test_test_industries_are_partly_unseen_in_train() -> None:
    assert {n["industry"] for n in read_split("test")} - {n["industry"] for n in read_split("train")}


def test_every_objection_type_has_at_least_90_train_notes() -> None:
    notes = Counter(kind for n in read_split("train") for kind in {o["type"] for o in n["objections"]})
    assert {kind: count for kind, count in notes.items() if count < 90} == {}
    assert len(notes) == 8


def test_at_least_150_minimal_pairs_each_in_one_split() -> None:
    pairs: dict[str, list[str]] = {}
    for note in NOTES:
        if "pair" in note:
            pairs.setdefault(note["pair"], []).append(note["writer"])
    assert len(pairs) >= 150
    assert {p: w for p, w in pairs.items() if len(w) != 2 or len(set(w)) != 1} == {}


def test_labels_twice_are_those_decided() -> None:
    """dev, test and a part of train were labelled twice: the corpus holds the adjudicated label of each of these notes."""
    corpus = {n["id"]: n for n in NOTES}
    covered = set()
    for name in sets():
        first, second, taken = read(name, "first"), read(name, "second"), decisions(name)
        for i, note in first.items():
            assert {k: corpus[i][k] for k in corpus[i] if k != "evidence"} == {
                k: v for k, v in settled(note, second[i], taken).items() if k != "evidence"
            }
            covered.add(i)
    assert covered >= {n["id"] for split in ("dev", "test") for n in read_split(split)}
    train = {n["id"] for n in read_split("train")}
    assert len(covered & train) >= 0.15 * len(train)


def test_no_near_duplicates() -> None:
    """Texts that share SAME of their runs of four characters share one of the rarest that either has: only such pairs need be compared (prefix filtering,
    Chaudhuri et al. 2006)."""
    written = {note["id"]: note for note in [*NOTES, *read_snippets(), *read_stories()] if len(note["text"]) >= 12}
    runs = {name: {note["text"][i : i + 4] for i in range(len(note["text"]) - 3)} for name, note in written.items()}
    holders = Counter(chain.from_iterable(runs.values()))
    known: dict[str, list[str]] = {}
    for name, own in runs.items():
        rarest = sorted(own, key=lambda run: (holders[run], run))[: len(own) - ceil(SAME * len(own)) + 1]
        for other in set(chain.from_iterable(known.get(run, ()) for run in rarest)):
            common, pair = len(own & runs[other]), written[name].get("pair")
            assert common < SAME * len(own | runs[other]) or (pair and pair == written[other].get("pair")), (name, other)
        for run in rarest:
            if holders[run] > 1:
                known.setdefault(run, []).append(name)


def test_the_sample_is_not_in_the_corpus() -> None:
    if not SHARED.is_dir():
        pytest.skip("shared/ is not beside this checkout")
    sample = [json.loads(line)["text"] for line in (SHARED / "sample.jsonl").read_text("utf-8").splitlines()]
    texts = {n["text"] for n in NOTES}
    assert not texts & set(sample)


BROKEN = [
    ({"kind": "good"}, "kind"), ({"outcome": None}, "outcome"), ({"people": [{"mention": "赵总", "decision_role": "unknown", "met": True}]}, "not in the text"),
    ({"objections": [{"type": "price", "status": "maybe", "quote": "嫌贵"}]}, "objection"), ({"price": {"ours": "3万"}}, "price ours"),
    ({"customer_class": "E"}, "customer_class"), ({"must_ask": []}, "must_ask"), ({"rubric": {"kp": 3}}, "rubric"), ({"next_step": {"quote": "明天去", "when": None}}, "next_step"), ({"text": " "}, "no text"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "fault"), BROKEN)
def test_label_faults_are_found(change: dict, fault: str) -> None:
    note = {**next(n for n in NOTES if n["text"] and not n["people"]), **change}
    assert any(fault in f for f in faults(note))


def shared_module(name: str):
    if not SHARED.is_dir():
        pytest.skip("shared/ is not beside this checkout")
    sys.path.insert(0, str(SHARED))
    return __import__(name)


def test_our_label_rules_are_those_of_the_shared_validator() -> None:
    validate = shared_module("validate")
    for note in NOTES:
        assert list(validate.faults(note)) == []
    for change, _ in BROKEN:
        note = {**NOTES[0], **change}
        assert bool(list(validate.faults(note))) == bool([f for f in faults(note) if not f.startswith("evidence")])


def test_our_scores_are_those_of_the_shared_script(analyzer) -> None:
    from training.artefacts import predictions

    shared = shared_module("score")
    notes = read_split("dev")[:40]
    gold = {n["id"]: n for n in notes}
    predicted = predictions(analyzer, notes)
    assert score(gold, predicted) == pytest.approx(shared.score(gold, predicted), nan_ok=True)


def test_training_twice_gives_the_same_predictions() -> None:
    """Same corpus, same seed: on a part of the corpus and in this process, so that it takes seconds."""
    from datetime import date

    from joblib import parallel_config
    from threadpoolctl import threadpool_limits

    from models.analysis import Note
    from models.artefacts import Card
    from models.pipeline import Analyzer, build_nlp
    from training.train import train

    notes = [n for n in read_split("train") if n["writer"] in ("w01", "w02", "w05", "w10", "w11", "w13")][::3]
    card = Card("a", "b", "c", {}, 0, {}, {})
    results = []
    for _ in range(2):
        nlp = build_nlp()
        with parallel_config(backend="sequential"), threadpool_limits(1):
            train(nlp, notes)
        analyzer = Analyzer(nlp, card)
        results.append([analyzer.analyze(Note(n["text"]), date(2026, 1, 1)) for n in read_split("dev")[:30]])
    assert results[0] == results[1]
