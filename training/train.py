"""Train every model from corpora/train and write models/trained: `python -m training.train`.

`--corrections FILE --out DIR` takes in notes that a customer's trainers corrected (docs/models.md).

Each layer is fitted on what the layer before it predicts on notes it has not seen (folds by writer), so that a later model
never learns to trust an earlier one more than it deserves. Dev chooses the review thresholds; test only reports.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from joblib import Parallel, delayed
from numpy.typing import NDArray
from rich.console import Console
from spacy.language import Language
from spacy.tokens import Doc
from threadpoolctl import threadpool_limits

from models.clause_heads import COLUMN, OBJECTION_TYPES
from models.decisions import objection_shares
from models.judge import OUTPUTS, judged
from models.pipeline import COMPONENTS, TRAINED, build_nlp
from models.text import normalize
from training.artefacts import write_artefacts
from training.calibration import fit_calibration, gathered, raw_pairs
from training.corpus import LabelledNote, read_snippets, read_split
from training.corrections import CorrectionsError, read_corrections
from training.encoding import read_encoded
from training.finders import (
    NAMES_FOLDS,
    Item,
    deals_of,
    parts_of,
    train_boundaries,
    train_clause_heads,
    train_names,
    train_people,
    train_prices,
    train_rivals,
    train_status,
)
from training.fit import WORKERS, fit_network
from training.second_look import train_second_look
from training.targets import note_targets

JUDGE_UNITS, JUDGE_ALPHA, JUDGE_EPOCHS, JUDGE_MEMBERS = 128, 2.0, 20, 3
LENGTHS, RARE_WEIGHS = (15, 25, 40, 60, 100, 200), 2.0
"""Characters between which notes are as long as each other, and what one of a rare kind weighs at most. Dev chose it (docs/experiments.md)."""
SHARES_ROUNDS = 4
"""Times that each type's threshold is chosen beside the others'."""

Model = TypeVar("Model")


def in_turn(
    items: Sequence[Item], models: Sequence[Model], use: Callable[[Model], None], components: Sequence[Callable[[Doc], Doc]]
) -> None:
    """Write each fold's Docs by the components under the models fitted without it; then use the models of all, which stand last."""
    *held_out, final = models
    for k, model in enumerate(held_out):
        use(model)
        for item in items:
            if item.fold == k:
                for component in components:
                    component(item.doc)
    use(final)


def best_threshold(pairs: Sequence[tuple[float, bool]], right: int = 0, found: int = 0, true: int | None = None) -> float:
    """The threshold of the best F1 over (probability, truth), smoothed over its neighbours; together with others of which `right` of `found` are right,
    where `true` counts the truths of all."""
    truths = sum(g for _, g in pairs) if true is None else true

    def f1(t: float) -> float:
        tp = right + sum(p >= t and g for p, g in pairs)
        return 2 * tp / max(1, found + sum(p >= t for p, _ in pairs) + truths)

    grid = [x / 50 for x in range(8, 41)]
    scores = np.array([f1(t) for t in grid])
    return grid[int(np.convolve(np.pad(scores, 2, mode="edge"), np.ones(5) / 5, mode="valid").argmax())]


def _has(note: LabelledNote, objection: str) -> bool:
    return any(o["type"] == objection for o in note["objections"])


def choose_thresholds(items: Sequence[Item]) -> dict[str, float]:
    """Per objection type, and for next_step and funds, on out-of-fold probabilities of their clauses."""
    chosen: dict[str, float] = {}
    for head in (*OBJECTION_TYPES, "next_step", "funds"):
        pairs = []
        for item in items:
            if item.whole:
                table, note = item.doc._.clause_probabilities, item.note
                best = float(table[:, COLUMN[head]].max()) if len(table) else 0.0
                truth = note["next_step"] if head == "next_step" else note["funds_date"] if head == "funds" else _has(note, head)
                pairs.append((best, bool(truth)))
        chosen[head] = best_threshold(pairs)
    return chosen


def choose_shares(items: Sequence[Item]) -> dict[str, float]:
    """Per objection type, on the shares that clauses and judge give it together, both held out: those of the best F1 over all types together, where a
    type that is told badly asks for more than its own F1 would."""
    judged_items = [i for i in items if i.whole]
    none = [0.0] * len(OBJECTION_TYPES)
    shares = np.array([objection_shares(i.doc, i.doc._.judgement)[1] if i.doc._.clauses else none for i in judged_items])
    truth = np.array([[_has(i.note, kind) for kind in OBJECTION_TYPES] for i in judged_items])
    chosen = np.full(len(OBJECTION_TYPES), 0.3)
    for _ in range(SHARES_ROUNDS):
        for k in range(len(OBJECTION_TYPES)):
            others = np.delete(shares >= chosen, k, axis=1)
            right, found = int((others & np.delete(truth, k, axis=1)).sum()), int(others.sum())
            chosen[k] = best_threshold(list(zip(shares[:, k].tolist(), truth[:, k].tolist(), strict=True)), right, found, int(truth.sum()))
    return dict(zip(OBJECTION_TYPES, chosen.tolist(), strict=True))


def kind_weights(notes: Sequence[LabelledNote]) -> NDArray[np.float64]:
    """[notes]: what each weighs while the judge is fitted: up to RARE_WEIGHS times as much as others where its kind is rare among the notes as long as it.

    In train nine short notes of ten are flows of events and most long ones are diagnostic; other writers' are less so, and length alone must tell no kind.
    """
    length = np.digitize([len(note["text"]) for note in notes], LENGTHS)
    diagnostic = np.array([note["kind"] == "diagnostic" for note in notes])
    share = np.array([diagnostic[length == k].mean() if (length == k).any() else 0.5 for k in range(len(LENGTHS) + 1)])[length]
    usual = diagnostic.mean()
    rarity = np.where(diagnostic, usual / np.maximum(share, 1e-3), (1 - usual) / np.maximum(1 - share, 1e-3))
    return np.asarray(np.clip(rarity, 1, RARE_WEIGHS), dtype=np.float64)


def train_judge(nlp: Language, items: Sequence[Item]) -> None:
    """Rubric, outcome, kind, questions, objections and kp_status by one network over the findings; the held-out judgement is left on the Docs."""
    judge = nlp.get_pipe("judge")
    items = [i for i in items if i.whole]
    numbers = judge.numbers([i.doc for i in items])  # type: ignore[attr-defined]
    targets = np.array([note_targets(i.note) for i in items], dtype=np.int64)
    weights = kind_weights([i.note for i in items])
    fit = partial(fit_network, OUTPUTS, units=JUDGE_UNITS, alpha=JUDGE_ALPHA, epochs=JUDGE_EPOCHS, members=JUDGE_MEMBERS)
    *held_out, judge.network = Parallel(n_jobs=WORKERS)(  # type: ignore[attr-defined]
        delayed(fit)(numbers[rows], targets[rows], weights=weights[rows]) for rows in parts_of(items, [1] * len(items))
    )
    for item, row in zip(items, numbers, strict=True):
        item.doc._.judgement = judged(held_out[item.fold].probabilities(row[None])[0])


def train(nlp: Language, notes: Sequence[LabelledNote], say: Callable[[str], None] = lambda _: None) -> list[Item]:
    """Fit every component of `nlp` on the notes; the items returned carry held-out predictions of every layer (a snippet's without the judge's)."""
    clauses, names, context = (nlp.get_pipe(n) for n in ("clauses", "names", "context"))
    people, prices, heads = (nlp.get_pipe(n) for n in ("people", "prices", "clause_heads"))
    say("stops")
    clauses.use(train_boundaries(nlp, notes))  # type: ignore[attr-defined]
    items = []
    for note, deal in zip(notes, deals_of(notes), strict=True):
        normalized = normalize(note["text"])
        items.append(Item(note, normalized, clauses(nlp.make_doc(normalized.text)), deal))

    say("names")
    names_models = train_names(nlp, items)
    for k, model in enumerate(islice(names_models, NAMES_FOLDS)):
        names.set_model(model)  # type: ignore[attr-defined]
        for item in items:
            if item.names_fold == k:
                context(names(item.doc))

    say("rivals, people and prices")
    rivals = nlp.get_pipe("rivals")
    in_turn(items, train_rivals(items), rivals.use, [rivals])  # type: ignore[attr-defined]
    in_turn(items, train_people(nlp, items), people.use, [people])  # type: ignore[attr-defined]
    in_turn(items, train_prices(items), prices.use, [prices])  # type: ignore[attr-defined]

    say("clauses")
    in_turn(items, train_clause_heads(items), heads.use, [heads, nlp.get_pipe("content")])  # type: ignore[attr-defined]
    say("encoder")
    read_encoded(nlp.get_pipe("encoder"), nlp.get_pipe("span_heads"), items)  # type: ignore[arg-type]
    say("second look")
    second = nlp.get_pipe("second_look")
    in_turn(items, train_second_look(items, second.groups), second.use, [second])  # type: ignore[attr-defined]
    thresholds = choose_thresholds(items)
    for component in ("objections", "steps"):
        nlp.get_pipe(component).thresholds = thresholds  # type: ignore[attr-defined]
    after = [nlp.get_pipe(name) for name in COMPONENTS[COMPONENTS.index("second_look") + 1 : COMPONENTS.index("judge")]]
    in_turn(items, train_status(items), nlp.get_pipe("objections").use, after)  # type: ignore[attr-defined]
    say("judge")
    train_judge(nlp, items)
    decisions = nlp.get_pipe("decisions")
    decisions.thresholds = choose_shares(items)  # type: ignore[attr-defined]
    for item in items:
        if item.whole:
            decisions(item.doc)
    names.set_model(next(names_models))  # type: ignore[attr-defined]
    return items


def main(
    corrections: Annotated[
        list[Path] | None, typer.Option(help="Corrected notes to train on beside the corpus (`python -m service corrections export`).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write the model to. With corrections it must be named.")] = None,
) -> None:
    """Train a model; of corrected notes a fixed share is held out for comparing."""
    console = Console(stderr=True)
    if corrections and out is None:
        console.print("--out: name a folder; the shipped model in models/trained is the corpus's alone", style="red")
        raise typer.Exit(2)
    try:
        taken = read_corrections(corrections) if corrections else None
    except CorrectionsError as error:
        for fault in error.faults:
            console.print(fault, markup=False, highlight=False, soft_wrap=True)
        console.print(f"{error}: nothing was trained", style="red")
        raise typer.Exit(1) from None
    began = time.perf_counter()
    threadpool_limits(1, "blas")  # a note's products are small, and the other cores fit models meanwhile
    notes, snippets = read_split("train"), read_snippets()
    counts = {"train": len(notes), "snippets": len(snippets)}
    corrected = taken.trained if taken else []
    nlp = build_nlp()
    what = f"training on {len(notes)} notes" + (f" and {len(corrected)} corrected ones" if taken else "")
    with console.status(what) as status:
        items = train(nlp, [*notes, *corrected, *snippets], lambda step: status.update(f"{what}: {step}"))
    calibration = fit_calibration(gathered([raw_pairs(i.note, i.doc) for i in items if i.whole]))
    folder = out or TRAINED
    card = write_artefacts(nlp, folder, counts, calibration, taken)
    console.print(
        f"trained {card.version}: {what.removeprefix('training ')}, {len(snippets)} snippets; {time.perf_counter() - began:.0f} s → {folder}"
    )
    if taken:
        console.print(f"{len(taken.held_out)} corrected notes are held out for comparing (docs/models.md)")


if __name__ == "__main__":
    typer.run(main)
