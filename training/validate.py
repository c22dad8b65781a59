"""`make corpus`: check every note and snippet of the corpus, print its statistics, exit 1 on faults (each named by file and line).

`python -m training.validate --draw 20 --seed 7` prints train notes drawn at random, for reading.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter, defaultdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from models.lexicon import rows as rows_of
from training.add_notes import LENGTHS, shared_sentences
from training.corpus import CORPORA, FINDINGS_ONLY, SPLITS, LabelledNote, files, read_split, read_writers
from training.labels import PRICE_SLOTS, faults, finding_faults


def corpus_faults() -> list[str]:
    """Every fault as `file:line id: what`: the labels' form, ids, shared sentences, and a writer in two splits."""
    out: list[str] = []
    ids: set[str] = set()
    seen: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    declared = {w["writer"]: w["split"] for w in read_writers()}
    for split in (*SPLITS, *FINDINGS_ONLY):
        notes = iter(read_split(split))
        check = finding_faults if split in FINDINGS_ONLY else faults
        for path in files():
            if path.parent.name != split:
                continue
            for number, _ in enumerate(path.read_text("utf-8").splitlines(), 1):
                note = next(notes)
                found = [*check(note), *shared_sentences(note, seen)]
                if note["id"] in ids:
                    found.append("id seen before")
                if note.get("writer") != path.stem or declared.get(path.stem) != split:
                    found.append(
                        f"writer {note.get('writer')!r} stands in {split}/{path.name}, writers.jsonl says {declared.get(path.stem)!r}"
                    )
                ids.add(note["id"])
                out += [f"{path.relative_to(CORPORA.parent)}:{number} {note['id']}: {fault}" for fault in found]
    return out


TRADITIONAL = frozenset(traditional for traditional, _ in rows_of("traditional.tsv"))


def _bare(note: LabelledNote) -> bool:
    """Whether a note holds nothing to find but people: no objection, price, competitor, class, next step or funds date."""
    fields = ("objections", "competitors", "customer_class", "next_step", "funds_date")
    return not any(note[f] for f in fields) and not note["price"]["gaps"] and all(note["price"][s] is None for s in PRICE_SLOTS)


def statistics() -> Table:
    """Counts a split: notes, writers, industries, lengths, labels."""
    table = Table("", *SPLITS)
    columns = {split: read_split(split) for split in SPLITS}
    rows: dict[str, list[str]] = defaultdict(list)
    for notes in columns.values():
        total = max(1, len(notes))
        rows["notes"].append(str(len(notes)))
        rows["writers / industries"].append(f"{len({n['writer'] for n in notes})} / {len({n['industry'] for n in notes})}")
        for low, high in LENGTHS:
            rows[f"characters {low + 1}-{high}"].append(f"{sum(low < len(n['text']) <= high for n in notes) / total:.0%}")
        for field in ("kind", "outcome", "kp_status"):
            for label in sorted({n[field] for ns in columns.values() for n in ns}):
                rows[f"{field}: {label}"].append(f"{sum(n[field] == label for n in notes) / total:.0%}")
        objections = Counter(o["type"] for n in notes for o in n["objections"])
        for kind in sorted({o["type"] for ns in columns.values() for n in ns for o in n["objections"]}):
            rows[f"objection: {kind}"].append(str(objections[kind]))
        rows["objections resolved"].append(
            f"{sum(o['status'] == 'resolved' for n in notes for o in n['objections']) / max(1, objections.total()):.0%}"
        )
        rows["with a price or gap"].append(
            f"{sum(any(n['price'][s] is not None for s in PRICE_SLOTS) or bool(n['price']['gaps']) for n in notes) / total:.0%}"
        )
        for field in ("competitors", "customer_class", "next_step", "funds_date", "tags", "evidence"):
            rows[f"with {field}"].append(f"{sum(bool(n.get(field)) for n in notes) / total:.0%}")
        rows["minimal pairs"].append(str(len({n["pair"] for n in notes if "pair" in n})))
    for notes in columns.values():
        traditional = sum(sum(c in TRADITIONAL for c in n["text"]) >= 3 for n in notes)
        rows["Traditional Chinese"].append(f"{traditional / max(1, len(notes)):.1%}")
        rows["longest, characters"].append(str(max((len(n["text"]) for n in notes), default=0)))
        rows["over 600 characters"].append(str(sum(len(n["text"]) > 600 for n in notes)))
        rows["nothing but people, or nothing"].append(f"{sum(_bare(n) for n in notes) / max(1, len(notes)):.0%}")
        rows["with objections"].append(f"{sum(bool(n['objections']) for n in notes) / max(1, len(notes)):.0%}")
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def main(
    draw: Annotated[int, typer.Option(help="Print this many train notes drawn at random instead of checking.")] = 0,
    seed: Annotated[int, typer.Option(help="The seed of the draw.")] = 7,
) -> None:
    """Print faults and statistics, or train notes drawn at random."""
    console = Console()
    if draw:
        for note in random.Random(seed).sample(read_split("train"), draw):
            print(json.dumps(note, ensure_ascii=False))
        return
    found = corpus_faults()
    for fault in found:
        print(fault)
    console.print(statistics())
    console.print(f"{len(found)} faults")
    sys.exit(bool(found))


if __name__ == "__main__":
    typer.run(main)
