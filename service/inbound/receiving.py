"""From a stored event to its note: mapped, analyzed, stored with its analysis and the event's end in one transaction, once, whatever crashes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, and_, or_, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from models.analysis import Analysis
from service.accounts import store as accounts
from service.accounts.store import AccountError
from service.accounts.tables import Team
from service.analyzing import AnalyzerThread
from service.database import reading, writing
from service.inbound.events import EventState, finish
from service.inbound.mapping import MappedNote, Mapping, MappingError, to_note
from service.inbound.tables import InboundEvent, Integration
from service.notes import store
from service.notes.hooks import OnAnalysis
from service.notes.store import AnalysisNeededError, NewNote
from service.notes.tables import StoredNote
from service.problems import FieldFault
from service.requests import text_problem
from service.rubrics.store import active

AT_ONCE = 2
"""Events worked on at a time in a process: one is analyzed while another is read or written. More would only keep hooks from their answers."""


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


@dataclass(frozen=True)
class Receiving:
    """What turns events into notes; `now` is the clock, `on_analysis` what other rooms do in the same transaction."""

    engine: Engine
    thread: AnalyzerThread
    now: Callable[[], datetime]
    on_analysis: OnAnalysis
    note_limit: int
    at_once: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def receive(self, event_id: str) -> None:
        """Do an event that is still to be done.

        Raises AnalysisError, and SQLAlchemyError where the database is at fault: the event is then as it was.
        """
        with self.at_once:
            self._receive(event_id)

    def _receive(self, event_id: str) -> None:
        for attempt in range(1, store.ATTEMPTS + 1):
            with reading(self.engine) as session:
                row = session.get(InboundEvent, event_id)
                if row is None or row.state != "received" or row.payload is None:
                    return
                integration = session.get_one(Integration, row.integration_id)
                if integration.state != "active":
                    return
                found = mapped(Mapping.model_validate(integration.mapping), json.loads(row.payload), self.note_limit)
                plain = None if isinstance(found, Verdict) else _plain(integration, row, found)
                note = None if plain is None else store.to_analyze(session, integration.tenant_id, plain, self.thread.today())
                rubric = active(session, integration.tenant_id)
            try:
                analysis = None if note is None else self.thread.submit(self.thread.analyze, note, rubric).result()
            except Exception as error:
                raise AnalysisError(type(error).__name__) from None
            try:
                self._end(event_id, found, plain, analysis)
            except (IntegrityError, AnalysisNeededError):  # another event wrote the same note, or made the same rep, meanwhile
                if attempt == store.ATTEMPTS:
                    raise
            else:
                return

    def _end(self, event_id: str, found: MappedNote | Verdict, plain: NewNote | None, analysis: Analysis | None) -> None:
        with writing(self.engine) as session:
            row = session.scalar(select(InboundEvent).where(InboundEvent.id == event_id).with_for_update())
            if row is None or row.state != "received":
                return  # deleted, or done by another process
            now = self.now()
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

    def postpone(self, event_id: str, until: datetime) -> None:
        """Have an event handed over again at `until`; where the database does not answer, its lease does that later."""
        try:
            with writing(self.engine) as session:
                row = session.get(InboundEvent, event_id)
                if row is not None and row.state == "received":
                    row.next_at = until
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
