"""`make errors FIELD=price`: every note whose field is wrong, with its text, what was expected, what was found, and what the models thought."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from spacy.tokens import Doc

from models.clause_heads import COLUMN, HEADS, OBJECTION_TYPES
from models.judge import OUTCOMES
from models.labels import DIMENSIONS, QUESTION_IDS
from models.pipeline import TRAINED, Analyzer, load
from models.quotes import touches
from models.text import normalize
from training.artefacts import predictions
from training.corpus import LabelledNote, read_split
from training.evaluate import read_labelled
from training.scoring import as_label, same_amount, same_person

Show = Callable[[dict[str, Any]], list[str]]


def _people(label: dict[str, Any]) -> list[str]:
    return sorted(f"{p['mention']}|{p['decision_role']}|{'met' if p['met'] else 'no'}" for p in label["people"])


def _price(label: dict[str, Any]) -> list[str]:
    price = label["price"]
    slots = [f"{slot} {price[slot]}" for slot in ("ours", "competitor", "customer") if price[slot] is not None]
    return slots + [f"gap {g['against']} {g['amount']} {g['percent'] if g['amount'] is None else ''}" for g in price["gaps"]]


SHOW: dict[str, Show] = {
    "kind": lambda x: [x["kind"]],
    "outcome": lambda x: [x["outcome"]],
    "people": _people,
    "kp": lambda x: [x["kp_status"]],
    "objections": lambda x: [f"{o['type']}|{o['status']}|{o['quote']}" for o in x["objections"]],
    "price": _price,
    "competitors": lambda x: sorted(x["competitors"]),
    "class": lambda x: [str(x["customer_class"])],
    "next_step": lambda x: [f"{x['next_step']['quote']}|{x['next_step']['when']}"] if x["next_step"] else [],
    "funds": lambda x: [x["funds_date"]] if x["funds_date"] else [],
    "rubric": lambda x: ["".join(str(x["rubric"][d]) for d in DIMENSIONS)],
    "questions": lambda x: list(x["must_ask"]),
}


def _amounts_differ(gold: Any, found: Any) -> bool:
    return (gold is None) != (found is None) or (gold is not None and not same_amount(gold, found))


def wrong(field: str, gold: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether the field of a prediction differs from the label by the measure of score.py."""
    if field == "people":
        pairs = [(g, next((f for f in found["people"] if same_person(g["mention"], f["mention"])), None)) for g in gold["people"]]
        return len(gold["people"]) != len(found["people"]) or any(
            f is None or (g["decision_role"], g["met"]) != (f["decision_role"], f["met"]) for g, f in pairs
        )
    if field == "objections":
        return {(o["type"], o["status"]) for o in gold["objections"]} != {(o["type"], o["status"]) for o in found["objections"]}
    if field == "price":
        a, b = gold["price"], found["price"]
        slots = any(_amounts_differ(a[s], b[s]) for s in ("ours", "competitor", "customer"))
        return slots or {g["against"] for g in a["gaps"]} != {g["against"] for g in b["gaps"]}
    if field in ("next_step", "funds"):
        a, b = SHOW[field](gold), SHOW[field](found)
        return len(a) != len(b) or (bool(a) and not touches(a[0].partition("|")[0], b[0].partition("|")[0]))
    if field == "questions":
        return not set(gold["must_ask"]) <= set(found["must_ask"][:3])
    return SHOW[field](gold) != SHOW[field](found)


def _clause_lines(doc: Doc, heads: tuple[str, ...]) -> list[str]:
    table = doc._.clause_probabilities
    return [
        f"{doc._.text[c.start : c.end]!r}: " + ", ".join(f"{h} {table[i, COLUMN[h]]:.2f}" for h in heads if table[i, COLUMN[h]] >= 0.15)
        for i, c in enumerate(doc._.clauses)
        if any(table[i, COLUMN[h]] >= 0.15 for h in heads)
    ]


def why(field: str, doc: Doc) -> list[str]:
    """What the models thought of what the field rests on."""
    judgement = doc._.judgement
    if field in ("people", "kp"):
        return [f"{p.mention}: person {p.probability:.2f}, {p.role} {p.role_probability:.2f}, met {p.met}" for p in doc._.people]
    if field == "price":
        return [f"{doc._.text[p.start : p.end]}: {p.form} {p.value} {p.role} {p.probability:.2f}" for p in doc._.prices]
    if field == "objections":
        return _clause_lines(doc, OBJECTION_TYPES)
    if field in ("next_step", "funds"):
        return _clause_lines(doc, ("next_step", "funds"))
    if field == "competitors":
        return [f"{doc._.text[n.start : n.end]} {n.label} {n.probability:.2f}" for n in doc._.names]
    if field == "rubric":
        evidence = tuple(h for h in HEADS if h.startswith("ev_"))
        levels = (f"{d} {one:.2f} {two:.2f}" for d, (one, two) in zip(DIMENSIONS, judgement.levels, strict=True))
        return [", ".join(levels), *_clause_lines(doc, evidence)]
    if field == "questions":
        return [", ".join(f"{q} {p:.2f}" for q, p in zip(QUESTION_IDS, judgement.questions, strict=True) if p >= 0.1)]
    if field == "outcome":
        return [", ".join(f"{o} {p:.2f}" for o, p in zip(OUTCOMES, judgement.outcome, strict=True))]
    return [f"diagnostic {judgement.kind:.2f}"] if field == "kind" else []


def print_errors(analyzer: Analyzer, notes: list[LabelledNote], field: str, console: Console) -> None:
    """Print the notes of which the field is wrong, and how many there are."""
    predicted = predictions(analyzer, notes)
    count = 0
    for note in notes:
        found = as_label(predicted[note["id"]])
        if not wrong(field, note, found):
            continue
        count += 1
        console.print(f"[bold]{note['id']}[/] {escape(note['text'])}")
        console.print(f"  expected {escape(str(SHOW[field](note)))}", style="green")
        console.print(f"  found    {escape(str(SHOW[field](found)))}", style="red")
        for line in why(field, analyzer.read(normalize(note["text"]).text)):
            console.print(f"    {escape(line)}", style="dim")
    console.print(f"{field}: {count} of {len(notes)} notes wrong")


def main(
    field: Annotated[str, typer.Argument(help=", ".join(SHOW))],
    split: Annotated[str, typer.Option(help="train, dev or test; test only to report, never to choose")] = "dev",
    file: Annotated[Path | None, typer.Option(help="A labelled JSONL file instead of a split.")] = None,
    model: Annotated[Path, typer.Option(help="The trained model's folder.")] = TRAINED,
) -> None:
    """Print every note whose FIELD is wrong, with text, expected, found and why."""
    if field not in SHOW:
        raise typer.BadParameter(f"{field}: one of {', '.join(SHOW)}")
    print_errors(load(model), read_labelled(file) if file else read_split(split), field, Console(soft_wrap=True))


if __name__ == "__main__":
    typer.run(main)
