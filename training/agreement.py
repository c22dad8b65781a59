"""Two blind labels of one note: how far they agree, where they differ, and what was decided (`make agreement`).

corpora/agreement holds, for each set of notes labelled twice, the first labels, the second labels and the decisions: for every field
in which the two differ, whose label stands (1 or 2). The corpus's own labels are the first ones with the decisions carried out.

    python -m training.agreement                          the agreement table
    python -m training.agreement differences SET          the differences still without a decision, a JSON line each, for the adjudicator
    python -m training.agreement settle SET               the notes as decided, on standard output
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from sklearn.metrics import cohen_kappa_score

from models.labels import DIMENSIONS
from models.quotes import touches
from training.corpus import CORPORA, LabelledNote
from training.scoring import HEADLINES, same_amount, score

AGREEMENT = CORPORA / "agreement"
WHOLE_FIELDS = ("kind", "outcome", "people", "objections", "price", "competitors", "customer_class", "next_step", "funds_date", "must_ask")
app = typer.Typer(add_completion=False, help=__doc__, pretty_exceptions_enable=False)


def sets() -> list[str]:
    """The names of the sets of notes labelled twice."""
    return sorted(p.name.removesuffix("-second.jsonl") for p in AGREEMENT.glob("*-second.jsonl"))


def read(name: str, part: str, folder: Path = AGREEMENT) -> dict[str, LabelledNote]:
    """The notes of one part (`first`, `second`) of a set, by id."""
    lines = (folder / f"{name}-{part}.jsonl").read_text("utf-8").splitlines()
    return {n["id"]: n for n in map(json.loads, lines)}


def decisions(name: str, folder: Path = AGREEMENT) -> dict[tuple[str, str], int]:
    """(id, field) to 1 or 2: whose label stands."""
    path = folder / f"{name}-decisions.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {(d["id"], d["field"]): d["take"] for d in map(json.loads, lines)}


def _same_prices(a: dict[str, Any], b: dict[str, Any]) -> bool:
    def gaps(price: dict[str, Any]) -> list[tuple[str, str, str]]:
        return sorted((g["against"], str(g["amount"]), str(g["percent"] if g["amount"] is None else None)) for g in price["gaps"])

    slots = all(
        (a[s] is None and b[s] is None) or (a[s] is not None and b[s] is not None and same_amount(a[s], b[s]))
        for s in ("ours", "competitor", "customer")
    )
    return slots and gaps(a) == gaps(b)


def _same(field: str, a: Any, b: Any) -> bool:
    """Whether two labels of a field say the same, quotes that touch counting as one (score.py's measure)."""
    if field == "people":
        return sorted((p["mention"], p["decision_role"], p["met"]) for p in a) == sorted(
            (p["mention"], p["decision_role"], p["met"]) for p in b
        )
    if field == "objections":
        left = list(b)
        for x in a:
            twin = next((y for y in left if (x["type"], x["status"]) == (y["type"], y["status"]) and touches(x["quote"], y["quote"])), None)
            if twin is None:
                return False
            left.remove(twin)
        return not left
    if field == "price":
        return _same_prices(a, b)
    if field == "competitors":
        return sorted(a) == sorted(b)
    if field == "next_step" and a and b:
        return touches(a["quote"], b["quote"]) and (a["when"] == b["when"] or touches(a["when"], b["when"]))
    if field == "funds_date" and a and b:
        return touches(a, b)
    return bool(a == b)


def differences(first: LabelledNote, second: LabelledNote) -> Iterator[tuple[str, Any, Any]]:
    """(field, first label, second label) of every field in which two labels of a note differ; rubric dimensions one by one."""
    for field in WHOLE_FIELDS:
        if not _same(field, first[field], second[field]):
            yield field, first[field], second[field]
    if first["kp_status"] != second["kp_status"] and _same("people", first["people"], second["people"]):
        yield "kp_status", first["kp_status"], second["kp_status"]
    for dimension in DIMENSIONS:
        a, b = first["rubric"][dimension], second["rubric"][dimension]
        if a != b:
            yield f"rubric.{dimension}", a, b


def settled(first: LabelledNote, second: LabelledNote, taken: dict[tuple[str, str], int]) -> LabelledNote:
    """The first label with the second's fields where the decision took those. Raises KeyError for a difference without a decision."""
    note = {**first, "rubric": dict(first["rubric"]), "evidence": dict(first.get("evidence") or {})}
    for field, _, _ in differences(first, second):
        if taken[first["id"], field] == 1:
            continue
        if field.startswith("rubric."):
            dimension = field.removeprefix("rubric.")
            note["rubric"][dimension] = second["rubric"][dimension]
            quotes = (second.get("evidence") or {}).get(dimension) or note["evidence"].get(dimension)
            if note["rubric"][dimension] and quotes:
                note["evidence"][dimension] = quotes
            else:
                note["evidence"].pop(dimension, None)
        else:
            note[field] = second[field]
            if field == "people":
                note["kp_status"] = second["kp_status"]
    if "evidence" not in first:
        del note["evidence"]
    return note


def kappa(first: Sequence[LabelledNote], second: Sequence[LabelledNote], field: str) -> float:
    """Cohen's kappa of a field with a closed set of labels."""
    return float(cohen_kappa_score([n[field] for n in first], [n[field] for n in second]))


@app.callback(invoke_without_command=True)
def table(context: typer.Context) -> None:
    """Print the agreement of the two labellers in percent, and Cohen's kappa (x 100) where labels are a closed set."""
    if context.invoked_subcommand:
        return
    columns: dict[str, list[str]] = {}
    names = sets()
    for name in names:
        first, second = read(name, "first"), read(name, "second")
        found = score(first, second)
        pairs = [(first[i], second[i]) for i in first]
        undecided = sum((a["id"], f) not in decisions(name) for a, b in pairs for f, _, _ in differences(a, b))
        columns[f"{name} ({len(first)})"] = [
            *(f"{100 * (found[h] or 0.0):.1f}" for h in HEADLINES),
            *(f"{100 * kappa([a for a, _ in pairs], [b for _, b in pairs], f):.1f}" for f in ("kind", "outcome", "kp_status")),
            str(sum(len(list(differences(a, b))) for a, b in pairs)),
            str(undecided),
        ]
    out = Table("second labeller against the first", *columns)
    rows = [*HEADLINES, "kappa kind", "kappa outcome", "kappa kp_status", "fields that differ", "of them without a decision"]
    for i, row in enumerate(rows):
        out.add_row(row, *(cells[i] for cells in columns.values()))
    Console().print(out)


@app.command("differences")
def print_differences(name: str) -> None:
    """Print every difference of a set that has no decision yet, with the note's text once."""
    first, second, taken = read(name, "first"), read(name, "second"), decisions(name)
    for i, note in first.items():
        open_ = [(f, a, b) for f, a, b in differences(note, second[i]) if (i, f) not in taken]
        if open_:
            fields = [{"field": f, "1": a, "2": b} for f, a, b in open_]
            sys.stdout.write(json.dumps({"id": i, "text": note["text"], "differences": fields}, ensure_ascii=False) + "\n")


@app.command()
def settle(name: str) -> None:
    """Print the notes of a set with the decisions carried out. Exits 1 where a difference has no decision."""
    first, second, taken = read(name, "first"), read(name, "second"), decisions(name)
    for i, note in first.items():
        try:
            sys.stdout.write(json.dumps(settled(note, second[i], taken), ensure_ascii=False) + "\n")
        except KeyError as missing:
            raise typer.Exit(1) from missing


if __name__ == "__main__":
    app()
