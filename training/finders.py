"""Fitting the finders, one function each: stops, names, people, prices, clause heads, statuses. `train.py` calls them in order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from sys import intern
from tempfile import TemporaryDirectory

import numpy as np
import pycrfsuite
from joblib import Parallel, delayed
from spacy.language import Language
from spacy.tokens import Doc

from models.bags import spelt
from models.clause_heads import COLUMN, HEADS, OBJECTION_TYPES, clause_features
from models.clauses import gap_features, split_at_stops
from models.features import spelt_items
from models.linear import LinearHeads
from models.people import ROLES, person_features
from models.price_pairs import pair_features
from models.prices import MONEY_ROLES, price_features, representative
from models.rivals import rival_features
from models.status import status_features
from models.text import NormalizedText, normalize
from training.augment import variant
from training.corpus import LabelledNote
from training.fit import SEED, WORKERS, Encoded, Rows, fit_parts
from training.targets import clause_targets, name_tags, person_targets, price_targets, rival_targets, status_targets, undecided_prices

FOLDS, NAMES_FOLDS = 2, 2
"""Parts the writers are dealt into for held-out predictions: of all that comes after the names, and of the names."""
VARIANTS = 1
NAMES_ITERATIONS, NAMES_FOLD_ITERATIONS = 40, 25
"""Of the CRF that is kept, and of those that only tell what it would say of notes it has not seen: names are most of a training's time. Chosen on
dev (docs/experiments.md)."""
PEOPLE_C, PRICES_C, PAIRS_C, CLAUSES_C, CLAUSES_BALANCE = 5.0, 4.0, 2.0, 8.0, 0.7
STATUS_C, RIVALS_C = 5.0, 3.0


@dataclass
class Item:
    """One training note or snippet with its Doc, which each layer's prediction is written on."""

    note: LabelledNote
    normalized: NormalizedText
    doc: Doc
    deal: int

    @property
    def fold(self) -> int:
        """The fold whose models have not seen it."""
        return self.deal % FOLDS

    @property
    def names_fold(self) -> int:
        """The same of the names' CRFs."""
        return self.deal // FOLDS

    @property
    def whole(self) -> bool:
        """Whether the judge's labels are there too: a snippet has findings only."""
        return "kind" in self.note


def deals_of(notes: Sequence[LabelledNote]) -> list[int]:
    """A number below FOLDS x NAMES_FOLDS a note, all notes of a writer with one, writers dealt out by size; the snippets of one file are dealt out one by one.

    The folds are its remainders, those of the names its quotients, so that each cuts the other in even parts.
    """
    deals = FOLDS * NAMES_FOLDS
    sizes: dict[str, int] = {}
    for n in notes:
        sizes[n["writer"]] = sizes.get(n["writer"], 0) + 1
    load = [0] * deals
    deal: dict[str, int] = {}
    for writer in sorted(sizes, key=lambda w: (-sizes[w], w)):
        deal[writer] = min(range(deals), key=lambda k: (load[k], k))
        load[deal[writer]] += sizes[writer]
    return [deal[n["writer"]] if "kind" in n else i % deals for i, n in enumerate(notes)]


def train_boundaries(nlp: Language, notes: Sequence[LabelledNote]) -> LinearHeads:
    """The model of where stops stand, from the punctuated notes (there are enough without snippets) with their stops taken away."""
    features: list[list[str]] = []
    targets: list[int] = []
    for note in notes:
        text = normalize(note["text"]).text
        pieces = split_at_stops(text)
        if "kind" not in note or (len(pieces) - 1) * 30 < len(text):
            continue
        words: list[str] = []
        tags: list[str] = []
        stops: set[int] = set()
        for start, end, _ in pieces:
            doc = nlp.make_doc(text[start:end].replace(" ", ""))
            words += doc._.words
            tags += doc._.tags
            stops.add(len(words))
        features += spelt_items(gap_features(words, tags), max(0, len(words) - 1))
        targets += [int(i in stops) for i in range(1, len(words))]
    return fit_parts(["stop"], Encoded(features), np.array(targets, dtype=np.int64)[:, None], [np.arange(len(targets))], c=4.0, minimum=3)[
        0
    ]


def parts_of(items: Sequence[Item], counts: Sequence[int]) -> list[Rows]:
    """The rows outside each fold, and last all rows, where item i has `counts[i]` rows."""
    fold = np.repeat([item.fold for item in items], counts)
    return [*(np.flatnonzero(fold != k) for k in range(FOLDS)), np.arange(len(fold))]


Tagged = tuple[list[list[str]], list[str]]


def tagged_characters(nlp: Language, item: Item, rng: random.Random) -> list[Tagged]:
    """(features, tags) of a note's or snippet's characters, and of variants of a note with other names."""
    if not len(item.doc):
        return []
    features = nlp.get_pipe("names").features  # type: ignore[attr-defined]

    def extract(doc: Doc) -> list[list[str]]:
        windows, coded = features(doc)
        return [[intern(name) for name in own] for own in spelt_items([*windows, coded], len(doc._.text))]  # millions, of which few differ

    out = [(extract(item.doc), name_tags(item.note, item.doc, item.normalized))]
    for _ in range(VARIANTS if item.whole and (item.note["people"] or item.note["competitors"]) else 0):
        other = variant(item.note, rng)
        normalized = normalize(other["text"])
        doc = nlp.make_doc(normalized.text)
        out.append((extract(doc), name_tags(other, doc, normalized)))
    return out


def fit_names(tagged: Sequence[Tagged], iterations: int) -> bytes:
    """The CRF of people and competitors, as the content of a CRFsuite model file."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": 0.08, "c2": 0.02, "max_iterations": iterations, "feature.minfreq": 2})
    for features, tags in tagged:
        trainer.append(features, tags)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "names.crf"
        trainer.train(str(path))
        return path.read_bytes()


def train_names(nlp: Language, items: Sequence[Item]) -> Iterator[bytes]:
    """NAMES_FOLDS CRFs, each trained without one of the names' folds, and one trained on all; side by side, since each takes a minute.

    Each comes as soon as it is there: what is learned from the folds' need not wait for the last one, which takes longest.
    """
    rng = random.Random(SEED)
    tagged = [tagged_characters(nlp, item, rng) for item in items]
    folds = [[t for item, ts in zip(items, tagged, strict=True) if item.names_fold != k for t in ts] for k in range(NAMES_FOLDS)]
    jobs = [delayed(fit_names)(part, NAMES_FOLD_ITERATIONS) for part in folds]
    jobs.append(delayed(fit_names)(list(chain.from_iterable(tagged)), NAMES_ITERATIONS))
    models: Iterator[bytes] = Parallel(n_jobs=WORKERS, return_as="generator")(jobs)
    return models


def train_rivals(items: Sequence[Item]) -> list[LinearHeads]:
    """Whether a candidate is a competitor: without each fold, and last of all items."""
    candidates = [item.doc._.rival_candidates for item in items]
    targets = np.concatenate([rival_targets(item.note, own, item.doc._.text) for item, own in zip(items, candidates, strict=True)])
    encoded = Encoded([f for item, own in zip(items, candidates, strict=True) for f in rival_features(item.doc, own)])
    return fit_parts(["rival"], encoded, targets, parts_of(items, [len(own) for own in candidates]), c=RIVALS_C)


def train_people(nlp: Language, items: Sequence[Item]) -> list[tuple[LinearHeads, LinearHeads]]:
    """(is-person and met, role) over the candidates of the items' Docs: without each fold, and last of all items."""
    finder = nlp.get_pipe("people").candidates  # type: ignore[attr-defined]
    features: list[list[str]] = []
    targets = []
    for item in items:
        candidates = finder(item.doc)
        features += person_features(item.doc, candidates)
        targets.append(person_targets(item.note, candidates))
    parts = parts_of(items, [len(roles) for _, roles in targets])
    binary, roles = (np.concatenate(column) for column in zip(*targets, strict=True))
    encoded = Encoded(features)
    persons = fit_parts(["person", "met"], encoded, binary, parts, c=PEOPLE_C)
    return list(zip(persons, fit_parts(ROLES, encoded, roles, parts, link="softmax", c=PEOPLE_C), strict=True))


def train_prices(items: Sequence[Item]) -> list[tuple[LinearHeads, LinearHeads]]:
    """(first, second) model of the amounts' roles: without each fold, and last of all items.

    The second reads what a first model that has not seen the note guesses. Earlier quotes, which no label names, are left out of the first
    and take, where it is sure, the role it gives them.
    """
    labelled = [price_targets(i.note, i.doc._.amounts) for i in items]
    undecided = np.concatenate([undecided_prices(i.note, i.doc._.amounts, t) for i, t in zip(items, labelled, strict=True)])
    roles = np.concatenate(labelled)
    roles[undecided] = -1
    features = [f for item in items for f in price_features(item.doc)]
    parts = parts_of(items, [len(t) for t in labelled])
    firsts = fit_parts(MONEY_ROLES, Encoded(features), roles, parts, link="softmax", c=PRICES_C)

    pairs: list[list[str]] = []
    guesses: list[int] = []
    at = 0
    for item in items:
        own = features[at : at + len(item.doc._.amounts)]
        at += len(own)
        if own:
            table = firsts[item.fold].probabilities_of_all(own)
            pairs += pair_features([representative(a.value) for a in item.doc._.amounts], table)
            guesses += np.where(table.max(axis=1) > 0.5, table.argmax(axis=1), -1).tolist()
    roles[undecided] = np.array(guesses, dtype=np.int64)[undecided]
    both = Encoded([own + beside for own, beside in zip(features, pairs, strict=True)])
    return list(zip(firsts, fit_parts(MONEY_ROLES, both, roles, parts, link="softmax", c=PAIRS_C), strict=True))


def train_clause_heads(items: Sequence[Item]) -> list[tuple[LinearHeads, LinearHeads]]:
    """(all heads, the choice among objection types), the second fitted on the clauses that carry an objection: without each fold, and last of all items."""
    encoded = Encoded([names for item in items for names in spelt(clause_features(item.doc))])
    tables = [clause_targets(item.note, item.doc, item.normalized) for item in items]
    parts = parts_of(items, [len(t) for t in tables])
    table = np.concatenate(tables)
    heads = fit_parts(HEADS, encoded, table, parts, c=CLAUSES_C, balance=CLAUSES_BALANCE, minimum=3)
    kinds = np.where(table[:, COLUMN["objection"]] == 1, table[:, : len(OBJECTION_TYPES)].argmax(axis=1), -1)
    vocabularies = [h.vocabulary for h in heads]
    types = fit_parts(OBJECTION_TYPES, encoded, kinds, parts, link="softmax", c=CLAUSES_C, vocabularies=vocabularies)
    return list(zip(heads, types, strict=True))


def train_status(items: Sequence[Item]) -> list[LinearHeads]:
    """Open or resolved, over the clauses of the labelled objections: without each fold, and last of all items."""
    pairs = [status_targets(item.note, item.doc, item.normalized) for item in items]
    encoded = Encoded(
        list(chain.from_iterable(status_features(item.doc, [clause for clause, _ in own]) for item, own in zip(items, pairs, strict=True)))
    )
    targets = np.array([[resolved] for own in pairs for _, resolved in own], dtype=np.int64)
    return fit_parts(["resolved"], encoded, targets, parts_of(items, [len(own) for own in pairs]), c=STATUS_C, balance=0.5)
