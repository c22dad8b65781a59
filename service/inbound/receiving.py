"""From a stored event to its note: mapped, analyzed, stored with its analysis and the event's end in one transaction, once, whatever crashes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, or_, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from models.analysis import Analysis, Note
from models.rubric import Rubric
from service.accounts import store as accounts
from service.accounts.store import AccountError
from service.accounts.tables import Team
from service.analyzing import AnalyzerThread
from service.database import reading, writing
from service.inbound.events import EventState, finish
from service.inbound.mapping import MappedNote, Mapping, MappingError, to_note
from service.inbound.tables import InboundEvent, Integration
from service.logs import working_for
from service.notes import store
from service.notes.fresh import add_fresh, fresh
from service.notes.hooks import OnAnalysis
from service.notes.store import AnalysisNeededError, NewNote
from service.notes.tables import StoredNote
from service.problems import FieldFault
from service.requests import text_problem
from service.rubrics.store import active

AT_ONCE = 2
"""Groups of events worked on at a time in a process: one is analyzed while another is read or written."""
STORED_AT_ONCE = 4
"""Events stored by one transaction: on SQLite a hook waits until it ends."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an event becomes no note."""

    state: EventState
    reason: str
    faults: tuple[FieldFault, ...] = ()


class AnalysisError(Exception):
    """The analyzer failed on a note. Says the error's type and nothing else."""


def mapped(mapping: Mapping, payload: dict[str, Any], note_limit: int) -> MappedNote | Verdict:
    """The note of a payload, or why there is none."""
    try:
        note = to_note(mapping, payload)
    except MappingError as error:
        return Verdict("failed", "mapping", tuple(error.faults))
    if note is None:
        return Verdict("skipped", "filtered")
    fault = text_problem(note.text, note_limit)
    return note if fault is None else Verdict("failed", "note", tuple(fault.errors))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done of an event: `note` is what has to be analyzed first, by `rubric`."""

    event_id: str
    request_id: str | None
    tenant_id: str
    found: MappedNote | Verdict
    plain: NewNote | None
    note: Note | None
    rubric: Rubric


@dataclass(frozen=True)
class Receiving:
    """What turns events into notes; `now` is the clock, `on_analysis` what other rooms do in the same transaction."""

    engine: Engine
    thread: AnalyzerThread
    now: Callable[[], datetime]
    on_analysis: OnAnalysis
    note_limit: int
    at_once: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    storing: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, event_id: str) -> None:
        """Do an event that is still to be done.

        Raises AnalysisError, and SQLAlchemyError where the database is at fault: the event is then as it was.
        """
        with self.at_once:
            for attempt in range(1, store.ATTEMPTS + 1):
                plans = self._plans([event_id])
                try:
                    analyses = self._analyses(plans)
                except Exception as error:
                    raise AnalysisError(type(error).__name__) from None
                try:
                    self._end(plans, analyses)
                except (IntegrityError, AnalysisNeededError):  # another event wrote the same note, or made the same rep, meanwhile
                    if attempt == store.ATTEMPTS:
                        raise
                else:
                    return

    def receive_together(self, event_ids: Sequence[str]) -> list[str]:
        """Do events together, in much less time than one after the other; those that have to be done alone, because one of them is in the way.

        Raises SQLAlchemyError where the database is at fault: events not done are then as they were.
        """
        with self.at_once:
            plans, alone = self._plans(event_ids), []
            try:
                analyses = self._analyses(plans)
            except Exception:  # whose note it is shows when each is analyzed alone
                return [plan.event_id for plan in plans]
            for start in range(0, len(plans), STORED_AT_ONCE):
                part = slice(start, start + STORED_AT_ONCE)
                try:
                    with self.storing:
                        self._end(plans[part], analyses[part])
                except (IntegrityError, AnalysisNeededError):
                    alone += [plan.event_id for plan in plans[part]]
            return alone

    def _plans(self, event_ids: Sequence[str]) -> list[_Plan]:
        """What is to be done of those that are still to be done, tenant by tenant."""
        chosen = (InboundEvent.id.in_(event_ids), InboundEvent.state == "received", InboundEvent.payload.is_not(None))
        with reading(self.engine) as session:
            query = select(InboundEvent, Integration).join(Integration, Integration.id == InboundEvent.integration_id)
            rows = [(e, i) for e, i in session.execute(query.where(*chosen, Integration.state == "active").order_by(InboundEvent.id))]
            tenants = sorted({row.tenant_id for row, _ in rows})
            return [plan for t in tenants for plan in self._plans_of(session, t, [(r, i) for r, i in rows if r.tenant_id == t])]

    def _plans_of(self, session: Session, tenant_id: str, rows: Sequence[tuple[InboundEvent, Integration]]) -> list[_Plan]:
        mappings = {integration.id: Mapping.model_validate(integration.mapping) for _, integration in rows}
        found = [mapped(mappings[integration.id], json.loads(row.payload or ""), self.note_limit) for row, integration in rows]
        plain = [None if isinstance(f, Verdict) else _plain(i, row, f) for (row, i), f in zip(rows, found, strict=True)]
        rubric, today = active(session, tenant_id), self.thread.today()
        notes = [n for n in plain if n is not None]
        unknown = {n.event_id for n, is_fresh in zip(notes, fresh(session, tenant_id, notes), strict=True) if is_fresh}

        def to_analyze(new: NewNote) -> Note | None:
            if new.event_id in unknown:
                return Note(new.text, None, new.visited_at or today)
            return store.to_analyze(session, tenant_id, new, today)

        return [
            _Plan(row.id, row.request_id, tenant_id, f, n, None if n is None else to_analyze(n), rubric)
            for (row, _), f, n in zip(rows, found, plain, strict=True)
        ]

    def _analyses(self, plans: Sequence[_Plan]) -> list[Analysis | None]:
        """The plans' analyses, those of one tenant made at once."""
        out: dict[str, Analysis] = {}
        for tenant_id in {plan.tenant_id for plan in plans}:
            asked = [(p.event_id, p.note, p.rubric) for p in plans if p.tenant_id == tenant_id and p.note is not None]
            if asked:
                made = self.thread.submit(self.thread.analyze_all, [note for _, note, _ in asked], asked[0][2]).result()
                out |= {event_id: analysis for (event_id, _, _), analysis in zip(asked, made, strict=True)}
        return [out.get(plan.event_id) for plan in plans]

    def _end(self, plans: Sequence[_Plan], analyses: Sequence[Analysis | None]) -> None:
        """Store the notes with their analyses and the events' ends, in one transaction."""
        with writing(self.engine) as session:
            chosen = (
                select(InboundEvent).where(InboundEvent.id.in_([p.event_id for p in plans])).order_by(InboundEvent.id).with_for_update()
            )
            rows = {row.id: row for row in session.scalars(chosen)}
            # What was deleted or done by another process meanwhile is left out.
            left = [(p, rows[p.event_id], a) for p, a in zip(plans, analyses, strict=True) if p.event_id in rows]
            left = [one for one in left if one[1].state == "received"]
            for tenant_id in {plan.tenant_id for plan, _, _ in left}:
                self._end_fresh(session, tenant_id, [one for one in left if one[0].tenant_id == tenant_id])
            for plan, row, analysis in left:
                if row.state == "received":
                    with working_for(plan.request_id):
                        self._end_one(session, row, plan, analysis)

    def _end_fresh(self, session: Session, tenant_id: str, ready: Sequence[tuple[_Plan, InboundEvent, Analysis | None]]) -> None:
        """End those events whose notes were never stored before."""
        now = self.now()
        notes = [(p, row, p.found, p.plain, a) for p, row, a in ready if isinstance(p.found, MappedNote) and p.plain and a]
        unknown = fresh(session, tenant_id, [plain for _, _, _, plain, _ in notes])
        chosen = [one for one, is_fresh in zip(notes, unknown, strict=True) if is_fresh]
        new = [
            (_owned(session, session.get_one(Integration, row.integration_id), plain, found, now), analysis)
            for _, row, found, plain, analysis in chosen
        ]
        stored = add_fresh(session, tenant_id, new, now, self.thread.today())
        for (plan, *_), (note_id, analysis_id) in zip(chosen, stored, strict=True):
            with working_for(plan.request_id):
                self.on_analysis(session, tenant_id, note_id, analysis_id)
        for (_, row, found, _, _), (note_id, _) in zip(chosen, stored, strict=True):
            finish(row, "done", now, note_id=note_id, happened_at=found.changed_at or row.received_at)

    def _end_one(self, session: Session, row: InboundEvent, plan: _Plan, analysis: Analysis | None) -> None:
        now, found, plain = self.now(), plan.found, plan.plain
        if isinstance(found, Verdict) or plain is None:
            assert isinstance(found, Verdict)
            finish(row, found.state, now, found.reason, [f.model_dump() for f in found.faults] or None)
            return
        happened_at = found.changed_at or row.received_at
        newer = _written_later(session, row, plain, happened_at)
        if newer is not None:
            finish(row, "skipped", now, "superseded", note_id=newer)
            return
        new = _owned(session, session.get_one(Integration, row.integration_id), plain, found, now)
        saved = store.save(session, row.tenant_id, new, analysis, now, self.thread.today(), self.on_analysis)
        finish(row, "done", now, note_id=saved.note.id, happened_at=happened_at)

    def fail(self, event_id: str, reason: str) -> None:
        """Set an event aside whose analysis or storing fails for a reason of ours; it can be replayed."""
        with writing(self.engine) as session:
            row = session.scalar(select(InboundEvent).where(InboundEvent.id == event_id).with_for_update())
            if row is not None and row.state == "received":
                finish(row, "failed", self.now(), reason)

    def postpone(self, event_ids: Sequence[str], until: datetime) -> None:
        """Have events handed over again at `until`; where the database does not answer, their lease does that later."""
        try:
            with writing(self.engine) as session:
                waiting = (InboundEvent.id.in_(event_ids), InboundEvent.state == "received")
                session.execute(update(InboundEvent).where(*waiting).values(next_at=until))
        except SQLAlchemyError:
            return


def _plain(integration: Integration, row: InboundEvent, note: MappedNote) -> NewNote:
    """The note without whose it is, which takes a transaction that may write."""
    return NewNote(
        text=note.text, source=integration.id, visited_at=note.visited_at.date() if note.visited_at else None, crm_id=note.crm_id,
        event_id=row.id, customer=note.customer, customer_id=note.customer_id,
    )  # fmt: skip


def _written_later(session: Session, row: InboundEvent, new: NewNote, happened_at: datetime) -> str | None:
    """The id of the event's note where a newer event has written it already: CRMs send out of order."""
    if new.crm_id is None:
        return None
    same = (StoredNote.tenant_id == row.tenant_id, StoredNote.source == new.source, StoredNote.crm_id == new.crm_id)
    note_id = session.scalar(select(StoredNote.id).where(*same).with_for_update())
    if note_id is None:
        return None
    later = or_(InboundEvent.happened_at > happened_at, and_(InboundEvent.happened_at == happened_at, InboundEvent.id > row.id))
    query = select(InboundEvent.id).where(InboundEvent.note_id == note_id, InboundEvent.state == "done", later)
    return note_id if session.scalar(query.limit(1)) is not None else None


def _owned(session: Session, integration: Integration, new: NewNote, note: MappedNote, now: datetime) -> NewNote:
    """The note with its rep and team. A team the CRM names comes before the rep's, and that before the integration's."""
    named = None if note.team is None else _team_id(session, integration, note.team, now)
    person_id, of_rep = None, None
    if note.rep_id is not None:
        person = accounts.person_by_external_id(session, integration.tenant_id, note.rep_id)
        if person is None and integration.unknown == "create":
            try:
                team_id = named or integration.team_id
                person = accounts.create_person(session, integration.tenant_id, note.rep_id, "rep", team_id, note.rep_id, now)
            except AccountError:  # made by another event at this moment
                person = accounts.person_by_external_id(session, integration.tenant_id, note.rep_id)
        if person is not None:
            person_id, of_rep = person.id, person.team_id
    team = named or of_rep or integration.team_id
    return NewNote(
        text=new.text, source=new.source, visited_at=new.visited_at, crm_id=new.crm_id, event_id=new.event_id, team_id=team,
        person_id=person_id, customer=new.customer, customer_id=new.customer_id,
    )  # fmt: skip


def _team_id(session: Session, integration: Integration, name: str, now: datetime) -> str | None:
    """The team of this name or id, made where the integration makes what is unknown."""
    query = select(Team.id).where(Team.tenant_id == integration.tenant_id, (Team.name == name) | (Team.id == name))
    found = session.scalar(query)
    if found is not None or integration.unknown == "empty":
        return found
    try:
        return accounts.create_team(session, integration.tenant_id, name, now).id
    except AccountError:  # made by another event at this moment
        return session.scalar(query)
