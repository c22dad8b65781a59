"""Train every model from corpora/train and write models/trained: `python -m training.train`.

Each layer is fitted on what the layer before it predicts on notes it has not seen (folds by writer), so that a later model
never learns to trust an earlier one more than it deserves. Dev chooses nothing here but is reported in the card; test only reports.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pycrfsuite
from joblib import Parallel, delayed
from numpy.typing import NDArray
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc

from models.clause_heads import COLUMN, HEADS, OBJECTION_TYPES, clause_features
from models.clauses import STOPS, gap_features
from models.judge import OUTCOMES, RUBRIC_HEADS, Judgement, note_features, signature
from models.labels import DIMENSIONS, QUESTION_IDS
from models.linear import LinearHeads
from models.people import ROLES, person_features
from models.pipeline import COMPONENTS, TRAINED, build_nlp
from models.prices import MONEY_ROLES, price_features
from models.status import status_features
from models.text import NormalizedText, normalize
from training.artefacts import write_artefacts
from training.augment import variant
from training.calibration import fit_calibration, gathered, raw_pairs
from training.corpus import LabelledNote, read_snippets, read_split
from training.fit import SEED, fit_heads
from training.targets import clause_targets, name_tags, note_targets, person_targets, price_targets, status_targets, undecided_prices

FOLDS = 5
VARIANTS = 1
NAMES_ITERATIONS = 70
PRICES_BALANCE = 0.3
PEOPLE_C, PRICES_C, CLAUSES_C, CLAUSES_BALANCE = 20.0, 4.0, 8.0, 0.7
STATUS_C = 2.0
RUBRIC_C, DENSE_WEIGHT = 0.05, 1.0


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
            words += [t.text for t in doc]
            tags += [t.tag_ for t in doc]
            stops.add(len(words))
            if stop:
                at = stop.end()
        for i in range(1, len(words)):
            features.append(gap_features(words, tags, i))
            targets.append(int(i in stops))
    return fit_heads(["stop"], features, np.array(targets, dtype=np.int64).reshape(-1, 1), c=4.0, minimum=3)


Tagged = tuple[list[list[str]], list[str]]


def tagged_characters(nlp: Language, item: Item, rng: random.Random) -> list[Tagged]:
    """(features, tags) of a note's characters, and of variants of it with other names."""
    if not len(item.doc):
        return []
    extract = nlp.get_pipe("names").features  # type: ignore[attr-defined]
    out = [(extract(item.doc), name_tags(item.note, item.doc, item.normalized))]
    for _ in range(VARIANTS if item.note["people"] or item.note["competitors"] else 0):
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
    """One CRF for each fold, trained on the notes outside it, and one trained on all; side by side, since each takes a minute."""
    rng = random.Random(SEED)
    tagged = [tagged_characters(nlp, item, rng) for item in items]
    parts = [[t for item, ts in zip(items, tagged, strict=True) if item.fold != k for t in ts] for k in (*range(FOLDS), -1)]
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


def train_prices(items: Sequence[Item]) -> LinearHeads:
    """Roles of the amounts; earlier quotes, which no label names, are left out at first and then take the role a first model gives them."""
    features: list[list[str]] = []
    targets: list[NDArray[np.int64]] = []
    undecided: list[NDArray[np.bool_]] = []
    for item in items:
        if item.doc._.amounts:
            features += price_features(item.doc)
            targets.append(price_targets(item.note, item.doc._.amounts))
            undecided.append(undecided_prices(item.note, item.doc._.amounts, targets[-1]))
    roles, open_ = np.concatenate(targets), np.flatnonzero(np.concatenate(undecided))
    roles[open_] = -1
    fit = partial(fit_heads, MONEY_ROLES, features, link="softmax", c=PRICES_C, balance=PRICES_BALANCE)
    guesses = fit(roles).probabilities_of_all([features[i] for i in open_])
    roles[open_] = np.where(guesses.max(axis=1) > 0.5, guesses.argmax(axis=1), -1)
    return fit(roles)


def train_clause_heads(items: Sequence[Item]) -> tuple[LinearHeads, LinearHeads]:
    """(all heads, the choice among objection types), the second fitted on the clauses that carry an objection."""
    features: list[list[str]] = []
    targets: list[NDArray[np.int64]] = []
    for item in items:
        if item.doc._.clauses:
            features += clause_features(item.doc)
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


def out_of_fold(items: Sequence[Item], fit_and_write: Callable[[Sequence[Item], Sequence[Item]], None]) -> None:
    """For each fold: fit on the others, write the prediction on the fold's Docs; done by the callable."""
    for k in range(FOLDS):
        fit_and_write([i for i in items if i.fold != k], [i for i in items if i.fold == k])


def choose_thresholds(items: Sequence[Item]) -> dict[str, float]:
    """Per objection type, and for next_step and funds: the threshold of the best F1 on out-of-fold probabilities."""
    chosen: dict[str, float] = {}
    for head in (*OBJECTION_TYPES, "next_step", "funds"):
        pairs = []
        for item in items:
            if not item.whole:
                continue
            table = item.doc._.clause_probabilities
            best = float(table[:, COLUMN[head]].max()) if len(table) else 0.0
            gold = (
                item.note["next_step"]
                if head == "next_step"
                else item.note["funds_date"]
                if head == "funds"
                else any(o["type"] == head for o in item.note["objections"])
            )
            pairs.append((best, bool(gold)))

        def f1(t: float, pairs: list[tuple[float, bool]] = pairs) -> float:
            tp = sum(p >= t and g for p, g in pairs)
            return 2 * tp / max(1, sum(p >= t for p, _ in pairs) + sum(g for _, g in pairs))

        grid = [x / 50 for x in range(8, 41)]
        scores = np.array([f1(t) for t in grid])
        smooth = np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid")
        chosen[head] = grid[int(smooth.argmax())]
    return chosen


def train_judge(nlp: Language, items: Sequence[Item]) -> None:
    """Rubric, outcome, then kind and questions; each reads the layer before out of fold, and the held-out judgement is left on the Docs."""
    judge = nlp.get_pipe("judge")
    items = [i for i in items if i.whole]
    names, numbers = zip(*(signature(i.doc) for i in items), strict=True)
    features = [note_features(i.doc) + n for i, n in zip(items, names, strict=True)]
    dense = np.array(numbers, dtype=np.float32)
    targets = [note_targets(i.note) for i in items]
    rubric_y = np.stack([t[0] for t in targets])
    outcome_y = np.array([t[1] for t in targets], dtype=np.int64)
    verdict_y = np.stack([t[2] for t in targets])
    fold = np.array([i.fold for i in items])

    def cross(fit: Callable[[NDArray[np.bool_]], LinearHeads], table: NDArray[np.float32], width: int) -> NDArray[np.float32]:
        out = np.zeros((len(items), width), dtype=np.float32)
        for k in range(FOLDS):
            model = fit(fold != k)
            for i in np.flatnonzero(fold == k):
                out[i] = model.probabilities(features[i], table[i])
        return out

    def pick(mask: NDArray[np.bool_]) -> list[list[str]]:
        return [features[i] for i in np.flatnonzero(mask)]

    def fit_rubric(mask: NDArray[np.bool_]) -> LinearHeads:
        return fit_heads(RUBRIC_HEADS, pick(mask), rubric_y[mask], dense=dense[mask], c=RUBRIC_C, dense_weight=DENSE_WEIGHT)

    everything = np.ones(len(items), dtype=bool)
    levels = cross(fit_rubric, dense, len(RUBRIC_HEADS))
    judge.rubric = fit_rubric(everything)  # type: ignore[attr-defined]
    second = np.hstack([dense, levels])

    def fit_outcome(mask: NDArray[np.bool_]) -> LinearHeads:
        return fit_heads(OUTCOMES, pick(mask), outcome_y[mask], dense=second[mask], link="softmax", c=RUBRIC_C, dense_weight=DENSE_WEIGHT)

    outcomes = cross(fit_outcome, second, len(OUTCOMES))
    judge.outcome = fit_outcome(everything)  # type: ignore[attr-defined]
    third = np.hstack([second, outcomes])

    def fit_verdict(mask: NDArray[np.bool_]) -> LinearHeads:
        return fit_heads(
            ["diagnostic", *QUESTION_IDS], pick(mask), verdict_y[mask], dense=third[mask], c=RUBRIC_C, dense_weight=DENSE_WEIGHT
        )

    verdicts = cross(fit_verdict, third, 1 + len(QUESTION_IDS))
    judge.verdict = fit_verdict(everything)  # type: ignore[attr-defined]
    for item, level, outcome, verdict in zip(items, levels, outcomes, verdicts, strict=True):
        item.doc._.judgement = Judgement(level.reshape(len(DIMENSIONS), 2), outcome, float(verdict[0]), verdict[1:])


def train(nlp: Language, notes: Sequence[LabelledNote], say: Callable[[str], None] = lambda _: None) -> list[Item]:
    """Fit every component of `nlp` on the notes; the items returned carry held-out predictions of every layer (a snippet's without the judge's)."""
    clauses, names, context = (nlp.get_pipe(n) for n in ("clauses", "names", "context"))
    people, prices, heads = (nlp.get_pipe(n) for n in ("people", "prices", "clause_heads"))
    say("stops")
    clauses.boundaries = train_boundaries(nlp, notes)  # type: ignore[attr-defined]
    items = []
    for note, fold in zip(notes, folds_of(notes), strict=True):
        normalized = normalize(note["text"])
        items.append(Item(note, normalized, clauses(nlp.make_doc(normalized.text)), fold))

    say("names")
    *fold_names, final_names = train_names(nlp, items)
    for k, model in enumerate(fold_names):
        names.set_model(model)  # type: ignore[attr-defined]
        for item in items:
            if item.fold == k:
                context(names(item.doc))

    def people_fold(rest: Sequence[Item], held: Sequence[Item]) -> None:
        people.person, people.role = train_people(nlp, rest)  # type: ignore[attr-defined]
        prices.model = train_prices(rest)  # type: ignore[attr-defined]
        for item in held:
            prices(people(item.doc))

    say("people and prices")
    out_of_fold(items, people_fold)
    people.person, people.role = train_people(nlp, items)  # type: ignore[attr-defined]
    prices.model = train_prices(items)  # type: ignore[attr-defined]

    statuses: list[tuple[Item, LinearHeads]] = []

    def heads_fold(rest: Sequence[Item], held: Sequence[Item]) -> None:
        heads.model, heads.types = train_clause_heads(rest)  # type: ignore[attr-defined]
        status = train_status(rest)
        for item in held:
            heads(item.doc)
            statuses.append((item, status))

    say("clauses")
    out_of_fold(items, heads_fold)
    heads.model, heads.types = train_clause_heads(items)  # type: ignore[attr-defined]
    thresholds = choose_thresholds(items)
    for component in ("objections", "steps"):
        nlp.get_pipe(component).thresholds = thresholds  # type: ignore[attr-defined]
    objections = nlp.get_pipe("objections")
    for item, status in statuses:
        objections.status = status  # type: ignore[attr-defined]
        for component in COMPONENTS[COMPONENTS.index("clause_heads") + 1 : COMPONENTS.index("judge")]:
            nlp.get_pipe(component)(item.doc)
    objections.status = train_status(items)  # type: ignore[attr-defined]
    say("judge")
    train_judge(nlp, items)
    names.set_model(final_names)  # type: ignore[attr-defined]
    return items


def main() -> None:
    console = Console(stderr=True)
    began = time.perf_counter()
    notes, snippets = read_split("train"), read_snippets()
    nlp = build_nlp()
    with console.status(f"training on {len(notes)} notes") as status:
        items = train(nlp, [*notes, *snippets], lambda step: status.update(f"training on {len(notes)} notes: {step}"))
    calibration = fit_calibration(gathered([raw_pairs(i.note, i.doc) for i in items if i.whole]))
    card = write_artefacts(nlp, TRAINED, {"train": len(notes), "snippets": len(snippets)}, calibration)
    console.print(
        f"trained {card.version} on {len(notes)} notes and {len(snippets)} snippets in {time.perf_counter() - began:.0f} s → {TRAINED}"
    )


if __name__ == "__main__":
    main()
