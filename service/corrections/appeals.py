"""Appeals: a rep marks a finding as wrong or objects to the score; a trainer decides. Accepted, an appeal makes a correction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.corrections.findings import matches, without
from service.corrections.reviewers import Reviewer
from service.corrections.store import Change, ConflictError, LabelFaultError, save, state_of
from service.corrections.tables import Appeal
from service.ids import new_id
from service.notes.correcting import models_analysis
from service.notes.listing import visible
from service.notes.tables import StoredNote
from service.problems import FieldFault

Verdict = Literal["accepted", "rejected"]
State = Literal["open", "accepted", "rejected"]


def _of_revision(session: Session, note: StoredNote) -> list[Appeal]:
    own = (Appeal.tenant_id == note.tenant_id, Appeal.note_id == note.id, Appeal.revision == note.revision)
    return list(session.scalars(select(Appeal).where(*own).order_by(Appeal.id)))


def _new(note: StoredNote, analysis_id: str, now: datetime, **values: Any) -> Appeal:
    empty = {
        "finding": None,
        "dimension": None,
        "reason": None,
        "answer": None,
        "decided_by": None,
        "decided_by_name": None,
        "decided": None,
    }
    return Appeal(
        id=new_id("ap", now), tenant_id=note.tenant_id, note_id=note.id, revision=note.revision, analysis_id=analysis_id, state="open",
        created=now, **{**empty, **values},
    )  # fmt: skip


def mark_findings(session: Session, note: StoredNote, findings: Sequence[Mapping[str, str]], now: datetime) -> list[Appeal]:
    """Store what the rep marks as wrong; what is stored already stays as it is.

    Raises LabelFaultError where the note's analysis has no such finding.
    """
    session.refresh(note, with_for_update=True)
    analysis = models_analysis(session, note)
    result, known = json.loads(analysis.result), _of_revision(session, note)
    out = []
    for i, given in enumerate(findings):
        finding = matches(result, given["kind"], given["quote"])
        if finding is None:
            raise LabelFaultError([FieldFault(field=f"findings.{i}", message="The note's analysis has no such finding")])
        row = next((a for a in known if a.finding == finding), None)
        if row is None:
            row = _new(note, analysis.id, now, kind="finding", finding=finding)
            session.add(row)
            known.append(row)
        out.append(row)
    session.flush()
    return out


def object_to_score(session: Session, note: StoredNote, reason: str, dimension: str | None, now: datetime) -> Appeal:
    """Store an objection to the score. Raises ConflictError while another one about this note is open."""
    session.refresh(note, with_for_update=True)  # two sent at once come one after the other
    if any(a.kind == "score" and a.state == "open" for a in _of_revision(session, note)):
        raise ConflictError("An objection to this note's score is open already")
    row = _new(note, models_analysis(session, note).id, now, kind="score", reason=reason, dimension=dimension)
    session.add(row)
    session.flush()
    return row


@dataclass(frozen=True, slots=True)
class Listed:
    """An appeal with its note."""

    appeal: Appeal
    note: StoredNote


def page(
    session: Session, principal: Principal, state: State | None, note_ids: Sequence[str] | None, cursor: str | None, limit: int
) -> tuple[list[Listed], str | None]:
    """Appeals about notes this principal sees, the newest first, and the next page's cursor."""
    query = select(Appeal, StoredNote).join(StoredNote, (StoredNote.tenant_id == Appeal.tenant_id) & (StoredNote.id == Appeal.note_id))
    query = query.where(*visible(principal), Appeal.tenant_id == principal.tenant_id)
    if state is not None:
        query = query.where(Appeal.state == state)
    if note_ids is not None:
        query = query.where(Appeal.note_id.in_(note_ids))
    if cursor is not None:
        query = query.where(Appeal.id < cursor)
    rows = [Listed(appeal, note) for appeal, note in session.execute(query.order_by(Appeal.id.desc()).limit(limit + 1))]
    return rows[:limit], rows[limit - 1].appeal.id if len(rows) > limit else None


def open_count(session: Session, principal: Principal) -> int:
    """How many appeals wait for this principal."""
    joined = select(func.count()).select_from(Appeal).join(StoredNote, StoredNote.id == Appeal.note_id)
    return session.scalar(joined.where(*visible(principal), Appeal.tenant_id == principal.tenant_id, Appeal.state == "open")) or 0


def find(session: Session, principal: Principal, appeal_id: str) -> Listed | None:
    """The appeal where this principal sees its note."""
    query = select(Appeal, StoredNote).join(StoredNote, StoredNote.id == Appeal.note_id)
    row = session.execute(query.where(*visible(principal), Appeal.tenant_id == principal.tenant_id, Appeal.id == appeal_id)).first()
    return Listed(row[0], row[1]) if row else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a trainer decides. `fields`: the labels to set; without any an accepted finding is taken out of the labels."""

    verdict: Verdict
    answer: str | None = None
    fields: Mapping[str, Any] | None = None


def decide(session: Session, listed: Listed, reviewer: Reviewer, decision: Decision, now: datetime) -> None:
    """Decide an open appeal; accepted, its correction is saved with it.

    Raises ConflictError where it is decided already or the note's text is another by now (it can still be rejected), LabelFaultError
    where a rejection has no answer, an accepted objection to the score sets no label, or a label cannot be.
    """
    appeal, note = listed.appeal, listed.note
    session.refresh(note, with_for_update=True)
    session.refresh(appeal)
    if appeal.state != "open":
        raise ConflictError("This appeal is decided already")
    if decision.verdict == "rejected" and not decision.answer:
        raise LabelFaultError([FieldFault(field="answer", message="A rejection tells the rep why")])
    if decision.verdict == "accepted":
        if appeal.revision != note.revision:
            raise ConflictError("The note's text has changed since this appeal")
        fields = decision.fields
        if not fields and appeal.finding is not None:
            fields = without(state_of(session, note).labels, appeal.finding, note.text)
        elif not fields:
            raise LabelFaultError([FieldFault(field="labels", message="An accepted objection to the score sets the labels that change it")])
        save(session, note, reviewer, Change(fields, appeal_id=appeal.id), now)
    appeal.state, appeal.answer, appeal.decided = decision.verdict, decision.answer, now
    appeal.decided_by, appeal.decided_by_name = reviewer.id, reviewer.name
    session.flush()
