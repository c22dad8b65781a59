"""Fitting the finders, one function each: stops, names, people, prices, clause heads, statuses. `train.py` calls them in order."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pycrfsuite
from joblib import Parallel, delayed
from numpy.typing import NDArray
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_heads import COLUMN, HEADS, OBJECTION_TYPES, clause_features
from models.clauses import STOPS, gap_features
from models.features import spelt, spelt_items
from models.linear import LinearHeads
from models.people import ROLES, person_features
from models.prices import MONEY_ROLES, both_features, price_features
from models.status import status_features
from models.text import NormalizedText, normalize
from training.augment import variant
from training.corpus import LabelledNote
from training.fit import SEED, fit_heads
from training.targets import clause_targets, name_tags, person_targets, price_targets, status_targets, undecided_prices

FOLDS, NAMES_FOLDS = 5, 3
VARIANTS = 1
NAMES_ITERATIONS = 70
PRICES_FOLDS = 3
PEOPLE_C, PRICES_C, PAIRS_C, CLAUSES_C, CLAUSES_BALANCE = 5.0, 4.0, 2.0, 8.0, 0.7
STATUS_C = 2.0


@dataclass
class Item:
    """One training note or snippet with its Doc, which each layer's prediction is written on."""

    note: LabelledNote
    normalized: NormalizedText
    doc: Doc
    fold: int

    @property
    def whole(self) -> bool:
        """Whether the judge's labels are there too: a snippet has findings only."""
        return "kind" in self.note


def folds_of(notes: Sequence[LabelledNote]) -> list[int]:
    """A fold a note, all notes of a writer in one, writers dealt out by size; the snippets of one file are dealt out one by one."""
    sizes: dict[str, int] = {}
    for n in notes:
        sizes[n["writer"]] = sizes.get(n["writer"], 0) + 1
    load = [0] * FOLDS
    fold: dict[str, int] = {}
    for writer in sorted(sizes, key=lambda w: (-sizes[w], w)):
        fold[writer] = min(range(FOLDS), key=lambda k: (load[k], k))
        load[fold[writer]] += sizes[writer]
    return [fold[n["writer"]] if "kind" in n else i % FOLDS for i, n in enumerate(notes)]


def train_boundaries(nlp: Language, notes: Sequence[LabelledNote]) -> LinearHeads:
    """The model of where stops stand, from the punctuated notes with their stops taken away."""
    features: list[list[str]] = []
    targets: list[int] = []
    for note in notes:
        text = normalize(note["text"]).text
        if sum(1 for _ in STOPS.finditer(text)) * 30 < len(text):
            continue
        words: list[str] = []
        tags: list[str] = []
        stops: set[int] = set()
        at = 0
        for stop in [*STOPS.finditer(text), None]:
            doc = nlp.make_doc(text[at : stop.start() if stop else len(text)].replace(" ", ""))
            words += doc._.words
            tags += doc._.tags
            stops.add(len(words))
            if stop:
                at = stop.end()
        features += spelt_items(gap_features(words, tags), max(0, len(words) - 1))
        targets += [int(i in stops) for i in range(1, len(words))]
    return fit_heads(["stop"], features, np.array(targets, dtype=np.int64).reshape(-1, 1), c=4.0, minimum=3)


Tagged = tuple[list[list[str]], list[str]]


def tagged_characters(nlp: Language, item: Item, rng: random.Random) -> list[Tagged]:
    """(features, tags) of a note's or snippet's characters, and of variants of a note with other names."""
    if not len(item.doc):
        return []
    features = nlp.get_pipe("names").features  # type: ignore[attr-defined]

    def extract(doc: Doc) -> list[list[str]]:
        windows, coded = features(doc)
        return spelt_items([*windows, *coded], len(doc._.text))

    out = [(extract(item.doc), name_tags(item.note, item.doc, item.normalized))]
    for _ in range(VARIANTS if item.whole and (item.note["people"] or item.note["competitors"]) else 0):
        other = variant(item.note, rng)
        normalized = normalize(other["text"])
        doc = nlp.make_doc(normalized.text)
        out.append((extract(doc), name_tags(other, doc, normalized)))
    return out


def fit_names(tagged: Sequence[Tagged]) -> bytes:
    """The CRF of people and competitors, as the content of a CRFsuite model file."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.08, "c2": 0.02, "max_iterations": NAMES_ITERATIONS, "feature.minfreq": 2})
    for features, tags in tagged:
        trainer.append(features, tags)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "names.crf"
        trainer.train(str(path))
        return path.read_bytes()


def train_names(nlp: Language, items: Sequence[Item]) -> list[bytes]:
    """NAMES_FOLDS CRFs, each trained without the folds that are k modulo that number, and one trained on all; side by side, since each takes a minute."""
    rng = random.Random(SEED)
    tagged = [tagged_characters(nlp, item, rng) for item in items]
    parts = [
        [t for item, ts in zip(items, tagged, strict=True) if k < 0 or item.fold % NAMES_FOLDS != k for t in ts]
        for k in (*range(NAMES_FOLDS), -1)
    ]
    return list(Parallel(n_jobs=2)(delayed(fit_names)(part) for part in parts))


def train_people(nlp: Language, items: Sequence[Item]) -> tuple[LinearHeads, LinearHeads]:
    """(is-person and met, role) over the candidates of the items' Docs."""
    finder = nlp.get_pipe("people").candidates  # type: ignore[attr-defined]
    features: list[list[str]] = []
    binary: list[NDArray[np.int64]] = []
    roles: list[NDArray[np.int64]] = []
    for item in items:
        candidates = finder(item.doc)
        if candidates:
            features += person_features(item.doc, candidates)
            b, r = person_targets(item.note, candidates)
            binary.append(b)
            roles.append(r)
    return (fit_heads(["person", "met"], features, np.concatenate(binary), c=PEOPLE_C),
            fit_heads(ROLES, features, np.concatenate(roles), link="softmax", c=PEOPLE_C))  # fmt: skip


def train_prices(items: Sequence[Item]) -> tuple[LinearHeads, LinearHeads]:
    """(first, second) over the amounts: the second reads what a first model fitted on other notes guesses of a note's amounts together."""
    items = [i for i in items if i.doc._.amounts]
    targets = [price_targets(i.note, i.doc._.amounts) for i in items]
    undecided = [undecided_prices(i.note, i.doc._.amounts, t) for i, t in zip(items, targets, strict=True)]

    def fit(numbers: Sequence[int], features: Sequence[list[list[str]]], c: float) -> LinearHeads:
        return _fit_prices(
            [f for i in numbers for f in features[i]],
            np.concatenate([targets[i] for i in numbers]),
            np.concatenate([undecided[i] for i in numbers]),
            c,
        )

    features = [price_features(i.doc) for i in items]
    everything = range(len(items))
    both: list[list[list[str]]] = [[] for _ in items]
    for k in range(PRICES_FOLDS):
        held_out = fit([i for i in everything if i % PRICES_FOLDS != k], features, PRICES_C)
        for i in everything[k::PRICES_FOLDS]:
            both[i] = both_features(items[i].doc, held_out)
    return fit(everything, features, PRICES_C), fit(everything, both, PAIRS_C)


def _fit_prices(features: Sequence[list[str]], targets: NDArray[np.int64], undecided: NDArray[np.bool_], c: float) -> LinearHeads:
    """Roles of the amounts; earlier quotes, which no label names, are left out at first and then take the role a first model gives them."""
    roles, open_ = targets.copy(), np.flatnonzero(undecided)
    roles[open_] = -1
    fit = partial(fit_heads, MONEY_ROLES, features, link="softmax", c=c)
    if len(open_):
        guesses = fit(roles).probabilities_of_all([features[i] for i in open_.tolist()])
        roles[open_] = np.where(guesses.max(axis=1) > 0.5, guesses.argmax(axis=1), -1)
    return fit(roles)


def train_clause_heads(items: Sequence[Item]) -> tuple[LinearHeads, LinearHeads]:
    """(all heads, the choice among objection types), the second fitted on the clauses that carry an objection."""
    features: list[list[str]] = []
    targets: list[NDArray[np.int64]] = []
    for item in items:
        if item.doc._.clauses:
            features += map(spelt, clause_features(item.doc))
            targets.append(clause_targets(item.note, item.doc, item.normalized))
    table = np.concatenate(targets)
    heads = fit_heads(HEADS, features, table, c=CLAUSES_C, balance=CLAUSES_BALANCE)
    carrying = np.flatnonzero(table[:, COLUMN["objection"]] == 1)
    kinds = table[carrying, : len(OBJECTION_TYPES)].argmax(axis=1)
    types = fit_heads(OBJECTION_TYPES, [features[i] for i in carrying], kinds, link="softmax", c=CLAUSES_C, vocabulary=heads.vocabulary)
    return heads, types


def train_status(items: Sequence[Item]) -> LinearHeads:
    """Open or resolved, over the clauses of the labelled objections."""
    pairs = [(item.doc, *pair) for item in items for pair in status_targets(item.note, item.doc, item.normalized)]
    targets = np.array([[resolved] for _, _, resolved in pairs], dtype=np.int64)
    return fit_heads(["resolved"], [status_features(doc, clause) for doc, clause, _ in pairs], targets, c=STATUS_C, balance=0.5)
