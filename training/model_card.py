"""`make card`: writes models/MODEL_CARD.md from the trained model: data, figures with intervals, by writer and length, calibration, probes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from models.pipeline import TRAINED, load
from training.add_notes import LENGTHS
from training.artefacts import predictions
from training.calibration import FIELDS, calibration_error, coverage, gathered, reliability_rows, shown_pairs
from training.corpus import LabelledNote, read_split, read_writers
from training.errors import SHOW, wrong
from training.fit import SEED
from training.probes import failure_rates
from training.scoring import HEADLINES, as_label, score

CARD = Path(__file__).resolve().parent.parent / "models" / "MODEL_CARD.md"
RESAMPLES = 200
SLICED = ("kind macro-F1", "people+role F1", "objection type F1", "price slots F1", "rubric mean QWK", "score MAE", "must_ask recall@3")
Predictions = dict[str, dict[str, Any]]


def percent(value: float | None) -> str:
    """A figure of 0 to 1 in percent, one decimal."""
    return "—" if value is None else f"{100 * value:.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join(["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *rows)])


def intervals(notes: Sequence[LabelledNote], predicted: Predictions) -> dict[str, tuple[float, float]]:
    """Figure to the middle 95 % over bootstrap samples of the notes."""
    rng = random.Random(SEED)
    drawn: dict[str, list[float]] = {h: [] for h in HEADLINES}
    for _ in range(RESAMPLES):
        sample = [rng.choice(notes) for _ in notes]
        found = score({str(i): n for i, n in enumerate(sample)}, {str(i): predicted[n["id"]] for i, n in enumerate(sample)})
        for name in HEADLINES:
            if (value := found[name]) is not None:
                drawn[name].append(value)
    return {h: (float(np.percentile(v, 2.5)), float(np.percentile(v, 97.5))) for h, v in drawn.items() if v}


def slices(notes: Sequence[LabelledNote], predicted: Predictions) -> str:
    """Figures by writer (each of an industry and a manner of its own) and by length."""
    briefs = {w["writer"]: w for w in read_writers()}
    parts = {
        f"{w}: {'、'.join(briefs[w]['industries'])}": [n for n in notes if n["writer"] == w]
        for w in dict.fromkeys(n["writer"] for n in notes)
    }
    parts |= {f"{low + 1} to {high} characters": [n for n in notes if low < len(n["text"]) <= high] for low, high in LENGTHS}
    rows = []
    for name, part in parts.items():
        found = score({n["id"]: n for n in part}, predicted)
        rows.append([name, str(len(part)), *(percent(found[h]) for h in SLICED)])
    return table(["part of test", "notes", *SLICED], rows)


def failures(notes: Sequence[LabelledNote], predicted: Predictions) -> str:
    """How often each field of a note is wrong somewhere, and the hard cases in which the most goes wrong."""
    labels = {n["id"]: as_label(predicted[n["id"]]) for n in notes}
    rates = [[field, percent(sum(wrong(field, n, labels[n["id"]]) for n in notes) / len(notes))] for field in SHOW]
    seen: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for n in notes:
        bad = sum(wrong(field, n, labels[n["id"]]) for field in ("people", "objections", "price"))
        for tag in n.get("tags", []):
            seen[tag] += 1
            missed[tag] += bad
    hard = sorted((t for t in seen if seen[t] >= 8), key=lambda t: -missed[t] / seen[t])[:8]
    lines = ", ".join(f"{t} ({missed[t] / seen[t]:.1f} of 3 wrong, {seen[t]} notes)" for t in hard)
    return (
        table(["field", "notes of test with an error, %"], rates)
        + f"\n\nHard cases with the most errors in people, objections and prices: {lines}."
    )


def main(model: Annotated[Path, typer.Option(help="The trained model's folder.")] = TRAINED) -> None:
    """Write models/MODEL_CARD.md."""
    analyzer = load(model)
    card = analyzer.card
    dev, test = read_split("dev"), read_split("test")
    on_dev, on_test = predictions(analyzer, dev), predictions(analyzer, test)
    figures = {name: score({n["id"]: n for n in notes}, p) for name, notes, p in (("dev", dev, on_dev), ("test", test, on_test))}
    ranges = intervals(test, on_test)
    main_table = table(
        ["figure", "dev", "test", "95 % on test"],
        [
            [h, percent(figures["dev"][h]), percent(figures["test"][h]), f"{percent(ranges[h][0])} to {percent(ranges[h][1])}"]
            for h in HEADLINES
        ],
    )
    shown = gathered([shown_pairs(n, on_test[n["id"]]) for n in test])
    trust = []
    for field in FIELDS:
        threshold = card.reliability.review.get(field, 2.0)
        covered, right = coverage(shown[field], threshold)
        curve = "; ".join(f"{p:.2f} → {r:.2f} ({n})" for p, r, n in reliability_rows(shown[field]))
        trust.append(
            [
                field,
                percent(calibration_error(shown[field])),
                "none" if threshold > 1 else f"{threshold:.3f}",
                percent(covered),
                percent(right),
                curve,
            ]
        )
    trust_table = table(["field", "ECE, %", "review below", "coverage, %", "right above, %", "probability → share right (findings)"], trust)
    probes = table(["attempt, on dev", "succeeds on, %"], [[name, percent(rate)] for name, rate in failure_rates(analyzer, dev).items()])
    libraries = ", ".join(f"{k} {v}" for k, v in card.libraries.items())
    CARD.write_text(
        f"""# Model card: Fupan's visit-note models

Generated by `make card` for model `{card.version}` (trained {card.trained_at}, corpus {card.corpus_hash[:12]}, seed {card.seed}). Do not edit.

**What it is.** Linear models (scikit-learn), a character CRF (CRFsuite), rules over a spaCy pipeline, and six layers of multilingual-e5-small (MIT; public text of
many languages, Wang et al. 2024) fine-tuned on the corpus (docs/adr/0012). Input: one Chinese visit note. Output: shared/spec/analysis.md. Use: feedback to the rep, enrichment of CRM records, auditing by trainers. Not for: judging people, or deciding anything
without the quoted places being read.

**Data.** {card.notes.get("train")} train notes and {card.notes.get("snippets")} snippets, {card.notes.get("dev")} dev and {card.notes.get("test")} test notes, all written for this project (corpora/README.md); no writer stands in
two splits. Trained on train, thresholds chosen on held-out train predictions and on dev, reported on test. Libraries: {libraries}.

## Figures, percent (shared/eval/score.py)

{main_table}

## By writer and length

{slices(test, on_test)}

## Can the probabilities be trusted

Calibrated on held-out predictions of train. `needs_review` is true below the threshold, chosen on dev so that at least 95 % above it were right there ("none": no
threshold reached that, everything is to be looked at). On test:

{trust_table}

## Can the score be moved without saying more

{probes}

A good note of another customer copied with the names changed is, taken alone, a good note: nothing here notices it.

## Known failures

{failures(test, on_test)}
""",
        "utf-8",
    )
    typer.echo(f"{CARD} written for {card.version}")


if __name__ == "__main__":
    typer.run(main)
