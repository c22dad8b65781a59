"""Notes to show: the best and the weakest with the reasons, and for each rep one topic of coaching with two examples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.audits.facts import Facts
from service.audits.figures import UNASSIGNED
from service.audits.result import Example, NoteFigure, PartFigure, Reason, RepFigure, Topic
from service.notes.facts import SCORE
from service.notes.tables import StoredAnalysis, StoredNote

SHOWN = 5
"""Best and weakest notes."""
REASONS = 3
ENOUGH = 5
"""Notes of a rep from which on a topic is said."""
EXAMPLES = 2
OPENING = 60
QUOTE = 80
"""Characters of a quote."""
Loaded = tuple[StoredNote, Mapping[str, Any]]


def load(session: Session, tenant_id: str, note_ids: Sequence[str]) -> dict[str, Loaded]:
    """Notes with the results of their current analyses; one deleted meanwhile is left out."""
    query = (
        select(StoredNote, StoredAnalysis.result)
        .join(StoredAnalysis, (StoredAnalysis.note_id == StoredNote.id) & StoredAnalysis.current.is_(True))
        .where(StoredNote.tenant_id == tenant_id, StoredNote.id.in_(note_ids))
    )
    return {note.id: (note, json.loads(result)) for note, result in session.execute(query)}


def shortened(text: str, limit: int) -> str:
    """A text on one line, cut to so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _words(note: StoredNote, places: Sequence[Mapping[str, int]]) -> str | None:
    return shortened(note.text[places[0]["start"] : places[0]["end"]], QUOTE) if places else None


def _reasons(note: StoredNote, result: Mapping[str, Any], good: bool) -> list[Reason]:
    """The parts that carry a good note (level 2), or cost a weak one most points; the heaviest first."""
    lost = {d["id"]: d["weight"] * (2 - d["level"]) / 2 for d in result["quality"]["dimensions"]}
    parts = [d for d in result["quality"]["dimensions"] if (d["level"] == 2) == good]
    parts.sort(key=lambda d: -d["weight"] if good else -lost[d["id"]])
    return [
        Reason(
            dimension=d["id"],
            name=d["name"],
            points_lost=lost[d["id"]],
            quote=_words(note, d["evidence"]),
            advice=None if good else d["advice"],
        )
        for d in parts[:REASONS]
    ]


def best_and_weakest(facts: Facts) -> tuple[list[str], list[str]]:
    """The ids of up to five each; no note is both. Among equals the newer one is the better."""
    order = np.lexsort((np.arange(len(facts)), facts.get(SCORE)))  # facts stand in the order of visits
    count = min(SHOWN, len(facts) // 2)
    best, weakest = order[::-1][: min(SHOWN, len(facts) - count)], order[:count]
    return [str(i) for i in facts.ids[best]], [str(i) for i in facts.ids[weakest]]


def note_figures(ids: Sequence[str], loaded: Mapping[str, Loaded], names: Mapping[str, str], good: bool) -> list[NoteFigure]:
    """The notes of these ids with the reasons."""
    out = []
    for note, result in (loaded[i] for i in ids if i in loaded):
        rep = UNASSIGNED if note.person_id is None else names.get(note.person_id, note.person_id)
        quality, reasons = result["quality"], _reasons(note, result, good)
        out.append(
            NoteFigure(
                note_id=note.id, rep=rep, customer=note.customer or note.customer_id, visited_at=note.visited_at, score=quality["score"],
                grade=quality["grade"], kind=result["kind"]["label"], opening=shortened(note.text, OPENING), reasons=reasons,
            )
        )  # fmt: skip
    return out


def costliest(rep: RepFigure) -> PartFigure | None:
    """The part that costs a rep most points a note; of equals the one that stands first in the rubric. None with too few notes or no loss."""
    part = max(rep.parts, key=lambda p: p.points_lost)
    return part if rep.notes >= ENOUGH and part.points_lost > 0 else None


def example_ids(facts: Facts, reps: Sequence[RepFigure]) -> dict[str, list[str]]:
    """For each rep's topic its two notes that show it: vague ones first, since there are words to show, then the newest."""
    places = {person: i for i, person in enumerate(facts.people)}
    out: dict[str, list[str]] = {}
    for rep in reps:
        part = costliest(rep)
        if part is None or rep.rep_id is None:
            continue
        own = np.flatnonzero(facts.person == places[rep.rep_id])
        level = facts.level(part.dimension)[own]
        lacking = own[level < 2]
        order = np.lexsort((-lacking, -level[level < 2]))[:EXAMPLES]
        out[rep.rep_id] = [str(i) for i in facts.ids[lacking[order]]]
    return out


def _example(note: StoredNote, result: Mapping[str, Any], part: PartFigure) -> Example:
    dimension = next(d for d in result["quality"]["dimensions"] if d["id"] == part.dimension)
    # Where the part is missing there are no words for it: those the note's first question rests on are shown, else how the note begins.
    question = next((q for q in result["questions"] if q["evidence"]), None)
    quote = _words(note, dimension["evidence"]) or (_words(note, question["evidence"]) if question else None)
    remark = dimension["advice"] or (question["text"] if question else "")
    return Example(
        note_id=note.id, customer=note.customer or note.customer_id, visited_at=note.visited_at, quote=quote or shortened(note.text, OPENING), remark=remark
    )  # fmt: skip


def topics(
    reps: Sequence[RepFigure], team: Sequence[PartFigure], ids: Mapping[str, Sequence[str]], loaded: Mapping[str, Loaded]
) -> list[Topic]:
    """One topic a rep."""
    of_team = {p.dimension: p.points_lost for p in team}
    out = []
    for rep in reps:
        if rep.rep_id is None:
            continue
        part = costliest(rep)
        shown = [_example(*loaded[i], part) for i in ids.get(rep.rep_id, ()) if part and i in loaded]
        out.append(
            Topic(
                rep_id=rep.rep_id, name=rep.name, notes=rep.notes, part=part, team_points_lost=of_team[part.dimension] if part else None,
                examples=shown,
            )
        )  # fmt: skip
    return out
