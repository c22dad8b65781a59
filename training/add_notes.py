#!/usr/bin/env python3
"""The way of a note into the corpus (corpora/WRITING.md): a writer's texts are checked, then a labeller's labels of them, then both are joined.

    python training/add_notes.py texts TEXTS.jsonl             check a writer's texts, print how they stand against WRITING.md's rule 5
    python training/add_notes.py labels TEXTS.jsonl LABELS.jsonl [--out NOTES.jsonl]
                                                               check labels in the drafting form; with --out, write the labelled notes
    python training/add_notes.py snippets SNIPPETS.jsonl [--out corpora/snippets/WRITER.jsonl]
                                                               check snippets (short pieces with findings only); with --out, write them in the corpus's form

Exit code 1, nothing written, where a line has a fault. Standard library only, so that a writer needs no environment.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from models.labels import DIMENSIONS  # noqa: E402
from training.labels import PRICE_SLOTS, faults, finding_faults  # noqa: E402

KINDS = {"d": "diagnostic", "f": "flow_of_events"}
OUTCOMES = {"s": "signed", "n": "not_signed", "u": "unclear"}
TEXT_KEYS = {"id", "text", "style", "industry", "tags", "pair"}
FINDING_KEYS = {*PRICE_SLOTS, "people", "obj", "currency", "gaps", "comp", "class", "next", "funds", "ev"}
LABEL_KEYS = {*FINDING_KEYS, "id", "kind", "out", "kp", "rub", "ask"}
LENGTHS = ((0, 8), (8, 30), (30, 100), (100, 250), (250, 9999))
Note = dict[str, Any]


def kp_status(people: list[Note], given: str | None) -> str:
    """labels.md's rule over labelled people; with no person the labeller's `given` status stands."""
    roles = {p["decision_role"] for p in people if p["met"]}
    if not people:
        if given not in ("met_nobody", "unclear", "met_other_only"):
            raise ValueError("no people: give kp as met_nobody, unclear or met_other_only")
        return given
    if "first_kp" in roles:
        return "met_first_kp"
    if "influencer" in roles:
        return "met_other_only"
    if "unknown" in roles:
        return "met_other_only" if any(p["decision_role"] == "first_kp" for p in people) else given or "unclear"
    return given if given in ("unclear", "met_other_only") else "met_nobody"


def _number(text: str) -> int | float | None:
    if text in ("", "null", "None"):
        return None
    value = float(text)
    return int(value) if value == int(value) else value


def _person(entry: str) -> Note:
    mention, role, met = entry.rsplit("|", 2)
    if met not in ("met", "no"):
        raise ValueError(f"person {entry!r}: third part is met or no")
    return {"mention": mention, "decision_role": role, "met": met == "met"}


def _gap(entry: str) -> Note:
    against, amount, percent = [*entry.split("|"), "", ""][:3]
    return {
        "against": against,
        "amount": [_number(x) for x in amount.split("~")] if "~" in amount else _number(amount),
        "percent": _number(percent),
    }


def _evidence(entries: list[str]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for entry in entries:
        dimension, _, quote = entry.partition("|")
        out.setdefault(dimension, []).append(quote)
    return out


def findings(label: Note) -> Note:
    """The findings of a label in the drafting form, in the form of labels.md. Raises ValueError where an entry is not of that form."""
    price: Note = {slot: label.get(slot) for slot in PRICE_SLOTS}
    price["gaps"] = [_gap(g) for g in label.get("gaps", [])]
    if label.get("currency"):
        price["currency"] = label["currency"]
    quote, _, when = (label.get("next") or "").partition("|")
    return {
        "people": [_person(p) for p in label.get("people", [])],
        "objections": [dict(zip(("type", "status", "quote"), o.split("|", 2), strict=True)) for o in label.get("obj", [])],
        "price": price,
        "competitors": label.get("comp", []),
        "customer_class": label.get("class"),
        "next_step": {"quote": quote, "when": when or None} if quote else None,
        "funds_date": label.get("funds"),
        "evidence": _evidence(label.get("ev", [])),
    }


def join(text: Note, label: Note) -> Note:
    """A writer's text and a labeller's label of it (drafting form) as one note in the form of labels.md.

    Raises ValueError, KeyError or TypeError where the label is not of the drafting form.
    """
    if set(label) - LABEL_KEYS:
        raise ValueError(f"unknown keys {sorted(set(label) - LABEL_KEYS)}")
    if not re.fullmatch("[012]{10}", label.get("rub", "")):
        raise ValueError(f"rub {label.get('rub')!r}: ten digits 0-2")
    found = findings(label)
    evidence = found.pop("evidence")
    note: Note = {
        "id": text["id"],
        "writer": text["id"].partition("-")[0],
        "industry": text["industry"],
        "style": text["style"],
        "text": text["text"],
        "kind": KINDS[label["kind"]],
        "outcome": OUTCOMES[label["out"]],
        "kp_status": kp_status(found["people"], label.get("kp")),
        **found,
        "rubric": dict(zip(DIMENSIONS, map(int, label["rub"]), strict=True)),
        "must_ask": label["ask"],
        "tags": text.get("tags", []),
        "evidence": evidence,
    }
    if text.get("pair"):
        note["pair"] = f"{note['writer']}-{text['pair']}"
    return note


def sentences(text: str) -> set[str]:
    """The pieces of a text, eight characters or longer, that no other note may share."""
    return {s for s in re.split(r"[，。！？；、,.!?;:：\s|…~]+", text) if len(s) >= 8}


def shared_sentences(note: Note, seen: dict[str, list[tuple[str, str | None]]]) -> list[str]:
    """Sentences this note shares with one seen before (a minimal pair's twin apart); the note's own are then seen too."""
    found = []
    for sentence in sorted(sentences(note["text"])):
        found += [f"shares {sentence!r} with {other}" for other, pair in seen[sentence] if not (pair and pair == note.get("pair"))]
        seen[sentence].append((note["id"], note.get("pair")))
    return found


def seen_elsewhere(path: Path) -> dict[str, list[tuple[str, str | None]]]:
    """The sentences of the corpus and of the drafts beside `path`, without those of its own writer."""
    seen: dict[str, list[tuple[str, str | None]]] = collections.defaultdict(list)
    for file in [*sorted((ROOT / "corpora").glob("*/[ws]*.jsonl")), *sorted(path.parent.glob("[ws]*.jsonl"))]:
        if file.stem != path.stem:
            for note in _read(file):
                if "text" in note:
                    shared_sentences({"id": file.stem, **note}, seen)
    return seen


def _read(path: Path) -> list[Note]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def text_faults(path: Path) -> tuple[list[Note], list[str]]:
    """The texts of a writer's file and their faults: form, id, a sentence shared with another note of the corpus or of the files beside it."""
    seen = seen_elsewhere(path)
    out: list[str] = []
    texts: list[Note] = []
    pairs: collections.Counter[str] = collections.Counter()
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            text = json.loads(line)
        except ValueError as error:
            out.append(f"{path}:{number}: not JSON ({error})")
            continue
        found = (
            [f"keys {sorted(set(text) ^ TEXT_KEYS)}"]
            if not set(text) <= TEXT_KEYS or not {"id", "text", "style", "industry"} <= set(text)
            else []
        )
        if not found:
            if text["id"] != f"{path.stem}-{number:03d}":
                found.append(f"id {text['id']!r}: expected {path.stem}-{number:03d}")
            found += shared_sentences(text, seen)
            pairs.update([text["pair"]] if text.get("pair") else [])
            texts.append(text)
        out += [f"{path}:{number}: {fault}" for fault in found]
    out += [f"{path}: pair {pair!r} has {count} notes" for pair, count in pairs.items() if count != 2]
    return texts, out


def labelled(texts: list[Note], path: Path) -> tuple[list[Note], list[str]]:
    """The labelled notes that a labels file makes of the texts, and its faults; a text without a label is a fault."""
    by_id = {t["id"]: t for t in texts}
    notes: dict[str, Note] = {}
    out: list[str] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            label = json.loads(line)
            note = join(by_id[label["id"]], label)
            found = [*faults(note), *(["labelled twice"] if note["id"] in notes else [])]
            notes[note["id"]] = note
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = [f"{type(error).__name__}: {error}"]
        out += [f"{path}:{number}: {fault}" for fault in found]
    missing = [i for i in by_id if i not in notes]
    out += [f"{path}: no valid label for {' '.join(missing)}"] if missing else []
    return [notes[i] for i in by_id if i in notes], out


def snippets(path: Path) -> tuple[list[Note], list[str]]:
    """The snippets of a file (text and findings only, drafting form) in the form of labels.md, and their faults."""
    notes: list[Note] = []
    out: list[str] = []
    seen = seen_elsewhere(path)
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            snippet = json.loads(line)
            note = {"id": f"{path.stem}-{number:03d}", "writer": path.stem, "text": snippet.pop("text"), **findings(snippet)}
            found = [*finding_faults(note), *shared_sentences(note, seen)]
            found += [f"unknown keys {sorted(set(snippet) - FINDING_KEYS)}"] if set(snippet) - FINDING_KEYS else []
            notes.append(note)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = [f"{type(error).__name__}: {error}"]
        out += [f"{path}:{number}: {fault}" for fault in found]
    return notes, out


def _priced(note: Note) -> bool:
    return any(note["price"][slot] is not None for slot in PRICE_SLOTS) or bool(note["price"]["gaps"])


def print_statistics(notes: list[Note]) -> None:
    """How texts or labelled notes stand against WRITING.md's rule 5."""
    count = collections.Counter
    print(
        len(notes),
        "notes; lengths ≤8/8-30/30-100/100-250/>250:",
        [sum(low < len(n["text"]) <= high for n in notes) for low, high in LENGTHS],
    )
    print("tags", dict(count(t for n in notes for t in n.get("tags", []))), "pairs", len({n["pair"] for n in notes if n.get("pair")}))
    if notes and "kind" in notes[0]:
        for field in ("kind", "outcome", "kp_status"):
            print(field, dict(count(n[field] for n in notes)))
        print("objections", dict(count((o["type"], o["status"]) for n in notes for o in n["objections"])))
        filled = (f"{f} {sum(bool(n[f]) for n in notes)}" for f in ("customer_class", "next_step", "funds_date", "competitors"))
        print("with price", sum(map(_priced, notes)), *filled)


def write(notes: list[Note], out: Path) -> None:
    """One note a line."""
    out.write_text("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in notes), "utf-8")
    print(f"{len(notes)} written to {out}")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("texts").add_argument("texts", type=Path)
    labels = commands.add_parser("labels")
    labels.add_argument("texts", type=Path)
    labels.add_argument("labels", type=Path)
    labels.add_argument("--out", type=Path)
    pieces = commands.add_parser("snippets")
    pieces.add_argument("snippets", type=Path)
    pieces.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.command == "snippets":
        notes, found = snippets(options.snippets)
        print(*found, f"{len(notes)} snippets, {len(found)} faults", sep="\n")
        if options.out and not found:
            write(notes, options.out)
        sys.exit(bool(found))
    notes, found = text_faults(options.texts)
    if options.command == "labels":
        notes, label_faults = labelled(notes, options.labels)
        found += label_faults
    for fault in found:
        print(fault)
    print_statistics(notes)
    if found:
        sys.exit(f"{len(found)} faults")
    if options.command == "labels" and options.out:
        write(notes, options.out)


if __name__ == "__main__":
    main()
