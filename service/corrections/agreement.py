"""Agreement by month: of trainers with the model over the notes they checked whole, and of two trainers over those checked blind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from service.accounts.access import Principal
from service.corrections.comparing import COMPARED, differing
from service.corrections.reviewers import Reviewer
from service.corrections.tables import NoteReview
from service.notes.listing import visible
from service.notes.tables import StoredNote

With = Literal["model", "trainers"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class FieldAgreement(_Frozen):
    """Of the month's notes the label of this field is the same in `agreeing`."""

    field: str
    agreeing: int


class MonthAgreement(_Frozen):
    """The notes of a month, by when they were checked (UTC)."""

    month: Annotated[str, Field(description="YYYY-MM")]
    notes: int
    fields: list[FieldAgreement]


class Agreement(_Frozen):
    """Both agreements, the months in order; one without a checked note is left out."""

    model: Annotated[list[MonthAgreement], Field(description="Trainers with the model version that had analyzed the note.")]
    trainers: Annotated[list[MonthAgreement], Field(description="A blind second check with the first.")]


@dataclass(frozen=True, slots=True)
class Compared:
    """A checked note and the fields in which it differs from what it is compared with."""

    note_id: str
    month: str
    differs: frozenset[str]


def _conditions(principal: Principal, team: str | None) -> list[ColumnElement[bool]]:
    same = (StoredNote.tenant_id == NoteReview.tenant_id) & (StoredNote.id == NoteReview.note_id)
    own = [NoteReview.tenant_id == principal.tenant_id, NoteReview.complete.is_(True), same, *visible(principal)]
    return own if team is None else [*own, StoredNote.team_id == team]


def with_model(session: Session, principal: Principal, team: str | None = None) -> list[Compared]:
    """The notes checked whole, a review each, the one checked last first."""
    query = select(NoteReview.note_id, NoteReview.changed, NoteReview.differs).where(*_conditions(principal, team))
    rows = session.execute(query.order_by(NoteReview.changed.desc(), NoteReview.id))
    return [Compared(note_id, f"{changed:%Y-%m}", frozenset(differs)) for note_id, changed, differs in rows]


def between_trainers(session: Session, principal: Principal, team: str | None = None) -> list[Compared]:
    """The blind checks of notes, each with the newest check of the same text by another trainer; the last one first."""
    conditions = _conditions(principal, team)
    second_check = aliased(NoteReview)
    blind = select(second_check.note_id).where(second_check.tenant_id == principal.tenant_id, second_check.complete, second_check.blind)
    reviews = session.scalars(
        select(NoteReview).where(*conditions, NoteReview.note_id.in_(blind)).order_by(NoteReview.changed.desc(), NoteReview.id)
    )
    by_text: dict[tuple[str, int], list[NoteReview]] = defaultdict(list)
    for review in reviews:
        by_text[review.note_id, review.revision].append(review)
    out = []
    for (note_id, _), found in by_text.items():
        for second in (r for r in found if r.blind):
            first = next((r for r in found if not r.blind and r.by_id != second.by_id), None)
            if first is not None:
                out.append(Compared(note_id, f"{second.changed:%Y-%m}", frozenset(differing(first.labels, second.labels))))
    return out


def by_month(compared: Iterable[Compared]) -> list[MonthAgreement]:
    """The agreement of each month."""
    months: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        months[one.month].append(one)
    return [
        MonthAgreement(
            month=month, notes=len(found),
            fields=[FieldAgreement(field=f, agreeing=sum(f not in one.differs for one in found)) for f in COMPARED],
        )
        for month, found in sorted(months.items())
    ]  # fmt: skip


def agreement(session: Session, principal: Principal, team: str | None = None) -> Agreement:
    """Both agreements over the notes this principal sees, or those of a team."""
    return Agreement(model=by_month(with_model(session, principal, team)), trainers=by_month(between_trainers(session, principal, team)))


def notes_behind(compared: Sequence[Compared], month: str, field: str | None, agreeing: bool | None) -> list[str]:
    """The notes behind a number: a month's, or those whose label of a field is the same or differs. Each once."""
    chosen = (
        one.note_id
        for one in compared
        if one.month == month and (field is None or agreeing is None or (field not in one.differs) == agreeing)
    )
    return list(dict.fromkeys(chosen))


def to_check_blind(session: Session, principal: Principal, reviewer: Reviewer, limit: int) -> list[StoredNote]:
    """Notes that somebody else has checked whole and this reviewer has not seen the labels of, the newest first."""
    own = aliased(NoteReview)
    seen = select(own.note_id).where(own.tenant_id == principal.tenant_id, own.by_id == reviewer.id)
    checked = (NoteReview.blind.is_(False), NoteReview.revision == StoredNote.revision, StoredNote.id.not_in(seen))
    query = select(StoredNote).join(NoteReview, NoteReview.note_id == StoredNote.id).where(*_conditions(principal, None), *checked)
    return list(session.scalars(query.distinct().order_by(StoredNote.id.desc()).limit(limit)))
