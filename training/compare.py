"""Two models side by side: `python -m training.compare BASE CANDIDATE` on the test split, and on corrected notes held out from training.

Every figure of shared/eval/score.py with the bootstrap interval of the difference, and of the corrected notes those that another model reads
otherwise. The models are loaded one after the other, never both. `python -m service models compare` runs this as a program of its own.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from models.artefacts import ArtefactError
from models.pipeline import load
from training.artefacts import predictions
from training.bootstrap import RESAMPLES, Predictions, difference_intervals
from training.corpus import LabelledNote, read_split
from training.corrections import CorrectionsError, read_corrections
from training.scoring import as_label, score, total

FEWEST = 30
"""Of fewer notes nothing is told: at 30 an accuracy of 80 % may as well be 66 or 94."""
LESS_IS_BETTER = frozenset({"score MAE"})
Verdict = Literal["better", "worse", "not told apart", "too few notes", "same"]


@dataclass(frozen=True, slots=True)
class Side:
    """One figure of both models, 0 to 1; `low` and `high` are the middle 95 % of candidate - base."""

    figure: str
    base: float | None
    candidate: float | None
    low: float | None
    high: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ReadOtherwise:
    """A labelled note whose kind or score the candidate changes."""

    id: str
    writer: str
    kind: str
    base_kind: str
    candidate_kind: str
    score: float
    base_score: float
    candidate_score: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both models on one set of labelled notes."""

    name: str
    notes: int
    sides: list[Side]
    read_otherwise: list[ReadOtherwise]


def verdict(figure: str, notes: int, low: float | None, high: float | None) -> Verdict:
    """What an interval of candidate - base says."""
    if low is None or high is None or notes < FEWEST:
        return "too few notes"
    if low == high == 0:
        return "same"
    if low > 0 or high < 0:
        return "better" if (low > 0) != (figure in LESS_IS_BETTER) else "worse"
    return "not told apart"


def compare(name: str, notes: Sequence[LabelledNote], base: Predictions, candidate: Predictions, resamples: int = RESAMPLES) -> Comparison:
    """Both models' analyses of the notes, by id, against the labels; no figures where there are no notes."""
    if not notes:
        return Comparison(name, 0, [], [])
    gold = {n["id"]: n for n in notes}
    before, after = score(gold, base), score(gold, candidate)
    intervals = difference_intervals(notes, candidate, base, resamples)
    sides = []
    for figure in before:
        low, high = intervals.get(figure, (None, None))
        sides.append(Side(figure, before[figure], after[figure], low, high, verdict(figure, len(notes), low, high)))
    otherwise = []
    for note in notes:
        old, new = as_label(base[note["id"]]), as_label(candidate[note["id"]])
        if (old["kind"], old["score"]) != (new["kind"], new["score"]):
            writer, label = str(note.get("writer", "")), total(note["rubric"])
            otherwise.append(
                ReadOtherwise(note["id"], writer, note["kind"], old["kind"], new["kind"], label, float(old["score"]), float(new["score"]))
            )
    return Comparison(name, len(notes), sides, otherwise)


def compare_models(
    base: Path, candidate: Path, sets: dict[str, list[LabelledNote]], resamples: int
) -> tuple[dict[str, str], list[Comparison]]:
    """(version of each, a comparison a set). Raises ArtefactError where a model cannot be loaded."""
    versions: dict[str, str] = {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for name, folder in (("base", base), ("candidate", candidate)):
        analyzer = load(folder)
        versions[name] = analyzer.card.version
        found[name] = {of: predictions(analyzer, notes) for of, notes in sets.items()}
        del analyzer
        gc.collect()  # the other is loaded now
    return versions, [compare(of, notes, found["base"][of], found["candidate"][of], resamples) for of, notes in sets.items()]


def table(comparison: Comparison) -> Table:
    """A comparison for a person, in percent."""
    out = Table("figure", "base", "candidate", "difference, 95 %", "", title=f"{comparison.name}, {comparison.notes} notes")
    for side in comparison.sides:
        values = ("—" if v is None else f"{100 * v:.1f}" for v in (side.base, side.candidate))
        span = "—" if side.low is None or side.high is None else f"{100 * side.low:+.1f} to {100 * side.high:+.1f}"
        out.add_row(side.figure, *values, span, side.verdict)
    return out


def main(
    base: Annotated[Path, typer.Argument(help="Folder of the model in use.")],
    candidate: Annotated[Path, typer.Argument(help="Folder of the model to compare with it.")],
    corrections: Annotated[list[Path] | None, typer.Option(help="Corrected notes; their held-out share is compared on.")] = None,
    resamples: Annotated[int, typer.Option(min=20, help="Bootstrap samples.")] = RESAMPLES,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Print both models' figures and the difference with its interval."""
    console = Console(stderr=True)
    try:
        sets = {"test": read_split("test")}
        if corrections:
            sets["held-out corrections"] = read_corrections(corrections).held_out
        versions, found = compare_models(base, candidate, sets, resamples)
    except (ArtefactError, CorrectionsError) as error:
        for line in error.faults if isinstance(error, CorrectionsError) else (str(error),):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({**versions, "comparisons": [asdict(c) for c in found]}, ensure_ascii=False))
        return
    out = Console()
    for comparison in found:
        out.print(table(comparison))
        if comparison.notes < FEWEST:
            out.print(f"{comparison.notes} notes are too few to tell ({FEWEST} at least); the intervals say how little is known")
    out.print(
        f"candidate {versions['candidate']} - base {versions['base']}; of {len(found[0].sides)} figures one or two look better or worse by chance alone"
    )


if __name__ == "__main__":
    typer.run(main)
