"""`make evaluate`: the figures of shared/eval/score.py on our test split and on a labelled sample, with the confusion of kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from models.pipeline import TRAINED, load
from training.artefacts import predictions
from training.corpus import LabelledNote, read_split
from training.scoring import HEADLINES, score

KINDS = ("diagnostic", "flow_of_events")


def read_labelled(path: Path) -> list[LabelledNote]:
    """The labelled notes of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def confusion(notes: list[LabelledNote], predicted: dict[str, dict[str, Any]], title: str) -> Table:
    """Kind: rows are the labels, columns what was predicted."""
    table = Table("kind", *(f"→ {k}" for k in KINDS), title=title)
    for label in KINDS:
        table.add_row(label, *(str(sum(n["kind"] == label and predicted[n["id"]]["kind"]["label"] == k for n in notes)) for k in KINDS))
    return table


def main(
    sample: Annotated[Path, typer.Option(help="A labelled JSONL file beside our own test split.")] = Path("../shared/eval/sample.jsonl"),
    model: Annotated[Path, typer.Option(help="The trained model's folder.")] = TRAINED,
) -> None:
    """Print every headline figure (percent) on dev, test and the sample."""
    console = Console()
    analyzer = load(model)
    sets = {"dev": read_split("dev"), "test": read_split("test")}
    if sample.is_file():
        sets["sample"] = read_labelled(sample)
    else:
        console.print(f"{sample} is not here: without it", style="yellow")
    predicted = {name: predictions(analyzer, notes) for name, notes in sets.items()}
    figures = {name: score({n["id"]: n for n in notes}, predicted[name]) for name, notes in sets.items()}
    table = Table(f"model {analyzer.card.version}", *(f"{name} ({len(notes)})" for name, notes in sets.items()))
    for headline in HEADLINES:
        table.add_row(headline, *("—" if figures[s][headline] is None else f"{100 * (figures[s][headline] or 0.0):.1f}" for s in sets))
    console.print(table)
    for name, notes in sets.items():
        console.print(confusion(notes, predicted[name], name))


if __name__ == "__main__":
    typer.run(main)
