"""Writing notes and analyses: plain functions over a session, and `keep`, the whole way of one note.

A CRM sends the same note again and again. Within a source the same `crm_id` is the same note: with the same text and visit date nothing new is
analyzed (team, rep and customer are brought up to date); with another text or date the note gets a new revision, its old text moves to
note_revisions and its old analyses stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from pydantic import TypeAdapter
from sqlalchemy import Engine, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.analysis import Analysis, Note
from service.analyzing import AnalyzerThread
from service.database import reading, writing
from service.ids import new_id
from service.notes.facts import analysis_values, columns, note_values
from service.notes.hooks import OnAnalysis, nothing
from service.notes.tables import AnalysisObjection, NoteEvent, NoteFacts, NoteRevision, StoredAnalysis, StoredNote
from service.rubrics.store import active

RESULT = TypeAdapter(Analysis)
ATTEMPTS = 3
"""Two callers may store the same note at once; the one who comes second looks again."""


@dataclass(frozen=True, slots=True)
class NewNote:
    """A note to store. `source` owns `crm_id`; ids of team and person are the tenant's own (checked by who makes this).

    What is None leaves a stored note's value as it is.
    """

    text: str
    source: str
    visited_at: date | None = None
    crm_id: str | None = None
    event_id: str | None = None
    team_id: str | None = None
    person_id: str | None = None
    customer: str | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """A stored note and what was done: `same` changed neither text nor analysis."""

    note: StoredNote
    change: Literal["created", "revised", "same"]


class AnalysisNeededError(Exception):
    """The note turned out to be new or changed, and no analysis was given."""


def _by_event(session: Session, tenant_id: str, event_id: str | None) -> StoredNote | None:
    if event_id is None:
        return None
    seen = session.get(NoteEvent, (tenant_id, event_id))
    return None if seen is None else session.get(StoredNote, seen.note_id)


def _by_crm_id(session: Session, tenant_id: str, new: NewNote, lock: bool = False) -> StoredNote | None:
    if new.crm_id is None:
        return None
    query = select(StoredNote).where(StoredNote.tenant_id == tenant_id, StoredNote.source == new.source, StoredNote.crm_id == new.crm_id)
    return session.scalar(query.with_for_update() if lock else query)


def _differs(row: StoredNote, new: NewNote) -> bool:
    return row.text != new.text or (new.visited_at is not None and row.visited_at != new.visited_at)


def to_analyze(session: Session, tenant_id: str, new: NewNote, today: date) -> Note | None:
    """The note as it is to be analyzed before `save`; None where it is stored already as it is.

    Relative dates count from the visit date sent, else the one stored, else today.
    """
    if _by_event(session, tenant_id, new.event_id) is not None:
        return None
    row = _by_crm_id(session, tenant_id, new)
    if row is not None and not _differs(row, new):
        return None
    return Note(new.text, None, new.visited_at or (row.visited_at if row else today))


def save(
    session: Session, tenant_id: str, new: NewNote, analysis: Analysis | None, now: datetime, today: date, on_analysis: OnAnalysis = nothing
) -> Saved:
    """Store a note with its analysis; an event id that was written before changes nothing.

    Raises AnalysisNeededError where `analysis` is None though the note is new or changed, and IntegrityError where another transaction
    stored the same note meanwhile: roll back and begin again.
    """
    known = _by_event(session, tenant_id, new.event_id)
    if known is not None:
        return Saved(known, "same")
    row = _by_crm_id(session, tenant_id, new, lock=True)
    changed = row is None or _differs(row, new)
    if changed and analysis is None:
        raise AnalysisNeededError
    if row is None:
        row = StoredNote(
            id=new_id("nt", now), tenant_id=tenant_id, source=new.source, crm_id=new.crm_id, revision=1, text=new.text,
            visited_at=new.visited_at or today, created=now, changed=now,
        )  # fmt: skip
        session.add(row)
        change: Literal["created", "revised", "same"] = "created"
    elif changed:
        session.add(
            NoteRevision(note_id=row.id, revision=row.revision, tenant_id=tenant_id, text=row.text, visited_at=row.visited_at, replaced=now)
        )
        row.revision, row.text, row.visited_at, row.changed = row.revision + 1, new.text, new.visited_at or row.visited_at, now
        change = "revised"
    else:
        change = "same"
    row.import_id, row.hidden = None, False  # what the CRM sends itself no longer hangs on an import
    for field in ("team_id", "person_id", "customer", "customer_id"):
        value = getattr(new, field)
        if value is not None and value != getattr(row, field):
            setattr(row, field, value)
            row.changed = now
    session.flush()
    if new.event_id is not None:
        session.add(NoteEvent(tenant_id=tenant_id, event_id=new.event_id, note_id=row.id))
        session.flush()
    if changed and analysis is not None:
        add_analysis(session, row, analysis, now, on_analysis)
    else:
        keep_facts(session, row, {})
    return Saved(row, change)


def keep_facts(session: Session, note: StoredNote, of_analysis: Mapping[str, Any]) -> None:
    """Bring the note's row of facts up to date; `of_analysis` is empty where the current analysis stays."""
    values = {**note_values(note), **of_analysis}
    facts = session.get(NoteFacts, (note.tenant_id, note.id))
    if facts is None:
        session.add(NoteFacts(tenant_id=note.tenant_id, note_id=note.id, **values))
    else:
        for name, value in values.items():
            setattr(facts, name, value)
    session.flush()


def rows_of(note: StoredNote, analysis: Analysis, now: datetime) -> tuple[StoredAnalysis, list[AnalysisObjection]]:
    """The rows of a stored note's analysis."""
    result = RESULT.dump_json(replace(analysis, id=note.id)).decode()
    row = StoredAnalysis(
        id=new_id("an", now), tenant_id=note.tenant_id, note_id=note.id, revision=note.revision, current=True, created=now, result=result,
        **columns(analysis),
    )  # fmt: skip
    return row, [
        AnalysisObjection(
            analysis_id=row.id, position=position, tenant_id=note.tenant_id, type=o.type, status=o.status, quote_start=o.start, quote_end=o.end
        )
        for position, o in enumerate(analysis.objections)
    ]  # fmt: skip


def add_analysis(
    session: Session, note: StoredNote, analysis: Analysis, now: datetime, on_analysis: OnAnalysis = nothing
) -> StoredAnalysis:
    """Store an analysis of the note's current revision as the current one; earlier ones stay."""
    session.execute(update(StoredAnalysis).where(StoredAnalysis.note_id == note.id, StoredAnalysis.current.is_(True)).values(current=False))
    row, objections = rows_of(note, analysis, now)
    session.add(row)
    session.flush()
    session.add_all(objections)
    keep_facts(session, note, analysis_values(row, analysis))
    on_analysis(session, note.tenant_id, note.id, row.id)
    return row


def keep(
    engine: Engine, thread: AnalyzerThread, tenant_id: str, new: NewNote, now: Callable[[], datetime], on_analysis: OnAnalysis = nothing
) -> Saved:
    """The whole way of one note: look, analyze on the analyzer's thread, store. For threads, not for coroutines.

    No transaction is open while the note is analyzed.
    """
    for attempt in range(1, ATTEMPTS + 1):
        with reading(engine) as session:
            note, rubric = to_analyze(session, tenant_id, new, thread.today()), active(session, tenant_id)
        analysis = None if note is None else thread.submit(thread.analyze, note, rubric).result()
        try:
            with writing(engine) as session:
                session.expire_on_commit = False
                return save(session, tenant_id, new, analysis, now(), thread.today(), on_analysis)
        except (IntegrityError, AnalysisNeededError):
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def add_rows(
    session: Session, tenant_id: str, rows: Sequence[StoredNote], analyses: Sequence[Analysis], now: datetime
) -> list[StoredAnalysis]:
    """Store new notes and their analyses by a statement a table; the stored analyses.

    Raises IntegrityError where another transaction stored one of them meanwhile.
    """
    session.add_all(rows)
    session.flush()
    made = [rows_of(row, analysis, now) for row, analysis in zip(rows, analyses, strict=True)]
    session.add_all(stored for stored, _ in made)
    session.flush()
    session.add_all(objection for _, objections in made for objection in objections)
    session.add_all(
        NoteFacts(tenant_id=tenant_id, note_id=row.id, **note_values(row), **analysis_values(stored, analysis))
        for row, (stored, _), analysis in zip(rows, made, analyses, strict=True)
    )
    session.flush()
    return [stored for stored, _ in made]


def current_analysis(session: Session, note_id: str) -> StoredAnalysis:
    """The note's current analysis; every stored note has one."""
    return session.scalars(select(StoredAnalysis).where(StoredAnalysis.note_id == note_id, StoredAnalysis.current.is_(True))).one()


def analyses_of(session: Session, note_id: str) -> list[StoredAnalysis]:
    """All analyses of a note, the newest first: which version said what."""
    return list(session.scalars(select(StoredAnalysis).where(StoredAnalysis.note_id == note_id).order_by(StoredAnalysis.id.desc())))


def revisions_of(session: Session, note_id: str) -> list[NoteRevision]:
    """The earlier texts of a note, the newest first."""
    return list(session.scalars(select(NoteRevision).where(NoteRevision.note_id == note_id).order_by(NoteRevision.revision.desc())))


def reanalyze(
    engine: Engine, thread: AnalyzerThread, tenant_id: str, note_id: str, now: Callable[[], datetime], on_analysis: OnAnalysis = nothing
) -> tuple[StoredAnalysis, bool] | None:
    """The note's analysis by the model at hand, and whether it is new (not where this version has analyzed this revision already).

    None where the tenant has no such note (any more).
    """
    owned = (StoredNote.tenant_id == tenant_id, StoredNote.id == note_id)
    while True:
        with reading(engine) as session:
            row = session.scalar(select(StoredNote).where(*owned))
            if row is None:
                return None
            note, revision, rubric = Note(row.text, None, row.visited_at), row.revision, active(session, tenant_id)
            current = current_analysis(session, note_id)
            if (current.revision, current.model_version) == (revision, thread.card.version):
                return current, False
        analysis = thread.submit(thread.analyze, note, rubric).result()
        with writing(engine) as session:
            session.expire_on_commit = False
            row = session.scalar(select(StoredNote).where(*owned).with_for_update())
            if row is None:
                return None
            current = current_analysis(session, note_id)
            if row.revision == revision and (current.revision, current.model_version) != (revision, analysis.model.version):
                return add_analysis(session, row, analysis, now(), on_analysis), True
        # changed by somebody else while it was analyzed: look again
