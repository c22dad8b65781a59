"""Trying a rubric on past notes: whose score would move and by how much. Levels are stored, so no model is run."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.labels import DIMENSIONS
from models.quality import GRADES
from models.rubric import Rubric
from service.accounts.access import Principal
from service.audits.audit import check_scope, names_of
from service.audits.examples import OPENING, shortened
from service.audits.facts import Numbers
from service.audits.figures import BINS, UNASSIGNED
from service.audits.selection import Selection
from service.notes.facts import LEVELS, SCORE
from service.notes.tables import NoteFacts, StoredNote
from service.rescoring.selecting import chosen

MOST_NOTES = 100_000
"""A trial reads so many notes, the newest visits of the period."""
SHOWN = 20
"""Notes shown of those that move."""
_F = NoteFacts.__table__.c


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class TrialBin(_Frozen):
    """Notes with scores from `low` to `high`, both included."""

    low: int
    high: int
    before: int
    after: int


class TrialGrade(_Frozen):
    """Notes of a grade."""

    grade: str
    before: int
    after: int


class TrialRep(_Frozen):
    """A rep's mean score; `rep_id` is null for notes that name none."""

    rep_id: str | None
    name: str
    notes: int
    mean_before: float
    mean_after: float
    move: float


class TrialNote(_Frozen):
    """A note whose score moves."""

    note_id: str
    rep: str
    customer: str | None
    visited_at: date
    before: int
    after: int
    opening: Annotated[str, Field(description="How the note begins.")]


class Trial(_Frozen):
    """What a version of the rubric would make of the scores that past notes carry now."""

    version: int
    selection: Selection
    notes: int
    left_out: Annotated[int, Field(description=f"Older notes of the period that were not read: a trial reads {MOST_NOTES} at most.")]
    moved: int
    up: int
    down: int
    mean_before: float | None
    mean_after: float | None
    bins: list[TrialBin]
    grades: list[TrialGrade]
    reps: Annotated[list[TrialRep], Field(description="Whose mean moves most first.")]
    most: Annotated[list[TrialNote], Field(description=f"The notes that move most, {SHOWN} at most.")]


def new_scores(packed: Numbers, rubric: Rubric) -> Numbers:
    """The score of each note under a rubric, from its stored levels."""
    total = np.zeros(len(packed), np.int64)
    for dimension in DIMENSIONS:
        field = LEVELS[dimension]
        total += rubric.weights[dimension] * ((packed >> field.shift) & field.mask)
    return total // 2


def _bins(score: Numbers) -> list[int]:
    return [int(n) for n in np.bincount(np.minimum(score // 10, BINS - 1), minlength=BINS)]


def _grades(score: Numbers) -> list[int]:
    least = sorted(low for low, _ in GRADES)
    return [int(n) for n in np.bincount(np.searchsorted(least, score, side="right") - 1, minlength=len(least))][::-1]


def _reps(person: list[str | None], before: Numbers, after: Numbers, names: dict[str, str]) -> list[TrialRep]:
    places = {rep: i for i, rep in enumerate(dict.fromkeys(person))}
    which = np.array([places[p] for p in person], np.int64)
    notes, was, becomes = (np.bincount(which, weights, minlength=len(places)) for weights in (None, before, after))
    out = [
        TrialRep(
            rep_id=rep, name=UNASSIGNED if rep is None else names.get(rep, rep), notes=int(notes[i]), mean_before=round(float(was[i] / notes[i]), 1),
            mean_after=round(float(becomes[i] / notes[i]), 1), move=round(float((becomes[i] - was[i]) / notes[i]), 1),
        )
        for rep, i in places.items()
    ]  # fmt: skip
    return sorted(out, key=lambda r: (-abs(r.move), r.name))


def _most(session: Session, tenant_id: str, ids: list[str], before: Numbers, after: Numbers, names: dict[str, str]) -> list[TrialNote]:
    moves = np.abs(after - before)
    order: NDArray[np.int64] = np.argsort(-moves, kind="stable")[:SHOWN]  # notes stand newest first
    places = {ids[i]: int(i) for i in order if moves[i] > 0}
    rows = {n.id: n for n in session.scalars(select(StoredNote).where(StoredNote.tenant_id == tenant_id, StoredNote.id.in_(places)))}
    return [
        TrialNote(
            note_id=note.id, rep=names.get(note.person_id, note.person_id) if note.person_id else UNASSIGNED, customer=note.customer or note.customer_id,
            visited_at=note.visited_at, before=int(before[i]), after=int(after[i]), opening=shortened(note.text, OPENING),
        )
        for note, i in ((rows[id_], i) for id_, i in places.items() if id_ in rows)
    ]  # fmt: skip


def try_on(session: Session, principal: Principal, selection: Selection, rubric: Rubric) -> Trial:
    """The trial of a rubric on the notes of a selection. Raises NotInScopeError where its team is not this key's."""
    check_scope(session, principal, selection)
    conditions = chosen(principal, selection)
    query = select(_F.note_id, _F.person_id, _F.packed).where(*conditions).order_by(_F.visited_at.desc(), _F.note_id.desc())
    rows = session.connection().execute(query.limit(MOST_NOTES + 1)).cursor.fetchall()  # the driver's tuples: a Row each costs more
    left_out = 0
    if len(rows) > MOST_NOTES:
        rows = rows[:MOST_NOTES]
        left_out = (session.scalar(select(func.count()).select_from(NoteFacts).where(*conditions)) or 0) - MOST_NOTES
    ids, person = [r[0] for r in rows], [r[1] for r in rows]
    packed = np.array([r[2] for r in rows], np.int64)
    before, after = (packed >> SCORE.shift) & SCORE.mask, new_scores(packed, rubric)
    names = names_of(session, principal.tenant_id)
    grades = zip((name for _, name in GRADES), _grades(before), _grades(after), strict=True)
    return Trial(
        version=rubric.version or 0, selection=selection, notes=len(rows), left_out=left_out, moved=int((after != before).sum()),
        up=int((after > before).sum()), down=int((after < before).sum()), mean_before=_mean(before), mean_after=_mean(after),
        bins=[
            TrialBin(low=10 * i, high=100 if i == BINS - 1 else 10 * i + 9, before=b, after=a)
            for i, (b, a) in enumerate(zip(_bins(before), _bins(after), strict=True))
        ],
        grades=[TrialGrade(grade=name, before=b, after=a) for name, b, a in grades],
        reps=_reps(person, before, after, names) if rows else [],
        most=_most(session, principal.tenant_id, ids, before, after, names),
    )  # fmt: skip


def _mean(score: Numbers) -> float | None:
    return round(float(score.mean()), 1) if len(score) else None
