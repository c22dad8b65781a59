"""`make agreement`: the corpus's labels against blind second labels (corpora/agreement), by the figures of score.py."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from training.corpus import CORPORA, read_split
from training.scoring import HEADLINES, score


def main() -> None:
    """Print the agreement of the two labellers on dev and test, in percent."""
    found = {}
    for split in ("dev", "test"):
        second = [json.loads(line) for line in (CORPORA / "agreement" / f"{split}-second.jsonl").read_text("utf-8").splitlines()]
        found[split] = score({n["id"]: n for n in read_split(split)}, {n["id"]: n for n in second})
    table = Table("second labeller against the corpus", *found)
    for name in HEADLINES:
        table.add_row(name, *(f"{100 * (figures[name] or 0.0):.1f}" for figures in found.values()))
    Console().print(table)


if __name__ == "__main__":
    main()
