#!/usr/bin/env python3
"""Expand drafted notes (corpora/WRITING.md) to the form of labels.md, check them, append them to a writer's file.

    python training/add_notes.py WRITER SPLIT DRAFT.jsonl [--stats]      append a draft; nothing is appended if any line has a fault
    python training/add_notes.py WRITER SPLIT EV.jsonl --evidence        merge {"id", "ev"} lines into notes already there

Standard library only, so that a writer needs no environment.
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
from training.labels import PRICE_SLOTS, evidence_faults, faults  # noqa: E402

KINDS = {"d": "diagnostic", "f": "flow_of_events"}
OUTCOMES = {"s": "signed", "n": "not_signed", "u": "unclear"}
KEYS = {*PRICE_SLOTS, "style", "industry", "text", "kind", "out", "people", "kp", "obj", "currency", "gaps", "comp", "class", "next", "funds",
        "rub", "ask", "tags", "pair", "ev"}  # fmt: skip
LENGTHS = ((0, 8), (8, 30), (30, 100), (100, 250), (250, 9999))
Note = dict[str, Any]


def kp_status(people: list[Note], given: str | None) -> str:
    """labels.md's rule over labelled people; with no person the writer's `given` status stands."""
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


def expand(draft: Note, ident: str, writer: str) -> Note:
    """A drafted note in the form of labels.md. Raises ValueError, KeyError or TypeError where the draft is not of the drafting form."""
    if set(draft) - KEYS:
        raise ValueError(f"unknown keys {sorted(set(draft) - KEYS)}")
    if not re.fullmatch("[012]{10}", draft.get("rub", "")):
        raise ValueError(f"rub {draft.get('rub')!r}: ten digits 0-2")
    people = [_person(p) for p in draft.get("people", [])]
    objections = [dict(zip(("type", "status", "quote"), o.split("|", 2), strict=True)) for o in draft.get("obj", [])]
    price: Note = {slot: draft.get(slot) for slot in PRICE_SLOTS}
    price["gaps"] = [_gap(g) for g in draft.get("gaps", [])]
    if draft.get("currency"):
        price["currency"] = draft["currency"]
    quote, _, when = (draft.get("next") or "").partition("|")
    note: Note = {
        "id": ident,
        "writer": writer,
        "industry": draft["industry"],
        "style": draft["style"],
        "text": draft["text"],
        "kind": KINDS[draft["kind"]],
        "outcome": OUTCOMES[draft["out"]],
        "people": people,
        "kp_status": kp_status(people, draft.get("kp")),
        "objections": objections,
        "price": price,
        "competitors": draft.get("comp", []),
        "customer_class": draft.get("class"),
        "next_step": {"quote": quote, "when": when or None} if quote else None,
        "funds_date": draft.get("funds"),
        "rubric": dict(zip(DIMENSIONS, map(int, draft["rub"]), strict=True)),
        "must_ask": draft["ask"],
        "tags": draft.get("tags", []),
    }
    if "ev" in draft:
        note["evidence"] = _evidence(draft["ev"])
    if draft.get("pair"):
        note["pair"] = f"{writer}-{draft['pair']}"
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


def _read(path: Path) -> list[Note]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()] if path.exists() else []


def append(writer: str, path: Path, draft: Path) -> list[Note]:
    """All notes of the writer's file after the draft was appended; exits 1, appending nothing, if a line has a fault."""
    have = _read(path)
    seen: dict[str, list[tuple[str, str | None]]] = collections.defaultdict(list)
    for file in sorted((ROOT / "corpora").glob("*/*.jsonl")):
        for note in _read(file):
            shared_sentences(note, seen)
    new: list[Note] = []
    bad = 0
    lines = [line for line in draft.read_text("utf-8").splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        found: list[str] = []
        try:
            note = expand(json.loads(line), f"{writer}-{len(have) + number:03d}", writer)
            found = [*faults(note), *shared_sentences(note, seen)]
            new.append(note)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = [f"{type(error).__name__}: {error}"]
        for fault in found:
            print(f"{draft}:{number}: {fault}")
        bad += bool(found)
    if bad:
        sys.exit(f"{bad} faulty lines of {len(lines)}: nothing appended")
    with path.open("a", encoding="utf-8") as file_out:
        file_out.writelines(json.dumps(n, ensure_ascii=False) + "\n" for n in new)
    print(f"{len(new)} appended, {len(have) + len(new)} in {path}")
    return have + new


def merge_evidence(path: Path, draft: Path) -> None:
    """Merge {"id", "ev"} lines into a writer's file; exits 1, writing nothing, if a line has a fault."""
    notes = {n["id"]: n for n in _read(path)}
    bad = 0
    for number, line in enumerate(draft.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            note = notes[item["id"]]
            note["evidence"] = _evidence(item["ev"])
            found = list(evidence_faults(note))
        except (ValueError, KeyError) as error:
            found = [f"{type(error).__name__}: {error}"]
        for fault in found:
            print(f"{draft}:{number}: {fault}")
        bad += bool(found)
    print(f"{bad} faulty lines; without evidence: {[k for k, n in notes.items() if 'evidence' not in n]}")
    if bad:
        sys.exit(1)
    path.write_text("".join(json.dumps(n, ensure_ascii=False) + "\n" for n in notes.values()), "utf-8")


def _priced(note: Note) -> bool:
    return any(note["price"][slot] is not None for slot in PRICE_SLOTS) or bool(note["price"]["gaps"])


def print_statistics(notes: list[Note]) -> None:
    """How the notes stand against WRITING.md's rule 5."""
    count = collections.Counter
    print("lengths ≤8/8-30/30-100/100-250/>250:", [sum(low < len(n["text"]) <= high for n in notes) for low, high in LENGTHS])
    for field in ("kind", "outcome", "kp_status"):
        print(field, dict(count(n[field] for n in notes)))
    print("objections", dict(count((o["type"], o["status"]) for n in notes for o in n["objections"])))
    print(
        "with price",
        sum(map(_priced, notes)),
        *(f"{f} {sum(bool(n[f]) for n in notes)}" for f in ("customer_class", "next_step", "funds_date", "competitors")),
        "of",
        len(notes),
    )
    print("tags", dict(count(t for n in notes for t in n["tags"])))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("writer")
    parser.add_argument("split", choices=["train", "dev", "test"])
    parser.add_argument("draft", nargs="?", type=Path)
    parser.add_argument("--stats", action="store_true")
    parser.add_argument("--evidence", action="store_true", help="the draft holds {id, ev} lines for notes already in the corpus")
    options = parser.parse_args()
    path = ROOT / "corpora" / options.split / f"{options.writer}.jsonl"
    if options.evidence:
        merge_evidence(path, options.draft)
        return
    notes = append(options.writer, path, options.draft) if options.draft else _read(path)
    if options.stats and notes:
        print_statistics(notes)


if __name__ == "__main__":
    main()
