"""Deleting notes for good, with a receipt that proves it and holds nothing of what was deleted."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select
from sqlalchemy.orm import Session

from service.accounts.tables import ApiKey, Person, Tenant
from service.database import reading, scrub, writing
from service.ids import new_id
from service.notes.hooks import Eraser, Erasure
from service.notes.tables import AnalysisObjection, DeletionReceipt, NoteEvent, NoteFacts, NoteRevision, StoredAnalysis, StoredNote

PART = 500
"""Notes deleted by one statement."""
Counts = Counter[str]


def hashed(salt: str, value: str) -> str:
    """How an id stands on a receipt: who knows the id can prove its deletion by the receipt; nobody learns it from there."""
    return hashlib.sha256(f"{salt}:{value}".encode()).hexdigest()


def _erase_part(session: Session, part: Erasure, erasers: Sequence[Eraser]) -> Counts:
    """Delete these notes with all that hangs on them, and what other rooms hold about the erasure's subject."""
    tenant, ids = part.tenant_id, part.note_ids
    events = list(session.scalars(select(NoteEvent.event_id).where(NoteEvent.tenant_id == tenant, NoteEvent.note_id.in_(ids))))
    counts: Counts = Counter()
    for eraser in erasers:
        counts.update(eraser(session, replace(part, event_ids=events)))
    analyses = select(StoredAnalysis.id).where(StoredAnalysis.tenant_id == tenant, StoredAnalysis.note_id.in_(ids))
    counts["analyses"] = session.scalar(select(func.count()).select_from(analyses.subquery())) or 0
    session.execute(delete(AnalysisObjection).where(AnalysisObjection.analysis_id.in_(analyses)))
    session.execute(delete(StoredAnalysis).where(StoredAnalysis.tenant_id == tenant, StoredAnalysis.note_id.in_(ids)))
    for table in (NoteRevision, NoteEvent, NoteFacts):
        session.execute(delete(table).where(table.tenant_id == tenant, table.note_id.in_(ids)))
    session.execute(delete(StoredNote).where(StoredNote.tenant_id == tenant, StoredNote.id.in_(ids)))
    counts["notes"] = len(ids)
    return counts


def _erase(
    session: Session, tenant_id: str, matching: Sequence[ColumnElement[bool]], about: Erasure, erasers: Sequence[Eraser]
) -> tuple[Counts, list[str]]:
    ids = list(session.scalars(select(StoredNote.id).where(StoredNote.tenant_id == tenant_id, *matching).order_by(StoredNote.id)))
    counts: Counts = Counter(notes=0, analyses=0)
    for first in range(0, max(len(ids), 1), PART):  # at least once: other rooms may hold what never became a note
        counts.update(_erase_part(session, replace(about, note_ids=ids[first : first + PART]), erasers))
    return counts, ids


def _receipt(
    session: Session, tenant_id: str, kind: str, subject: str | None, counts: Counts, ids: Sequence[str], now: datetime
) -> DeletionReceipt:
    salt = session.scalars(select(Tenant.receipt_salt).where(Tenant.id == tenant_id)).one()
    row = DeletionReceipt(
        id=new_id("rc", now), tenant_id=tenant_id, kind=kind, subject_hash=None if subject is None else hashed(salt, subject),
        counts=dict(counts), note_hashes=[hashed(salt, i) for i in ids], created=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def delete_note(session: Session, note: StoredNote, now: datetime, erasers: Sequence[Eraser]) -> DeletionReceipt:
    """Delete one note with its revisions, analyses and events."""
    tenant_id, note_id = note.tenant_id, note.id
    counts, ids = _erase(session, tenant_id, [StoredNote.id == note_id], Erasure(tenant_id), erasers)
    return _receipt(session, tenant_id, "note", note_id, counts, ids, now)


def erase_notes(session: Session, tenant_id: str, ids: Sequence[str], now: datetime, erasers: Sequence[Eraser]) -> DeletionReceipt:
    """Delete these notes of an import that is taken back."""
    counts, gone = _erase(session, tenant_id, [StoredNote.id.in_(ids)], Erasure(tenant_id), erasers)
    return _receipt(session, tenant_id, "import", None, counts, gone, now)


def delete_person(session: Session, person: Person, now: datetime, erasers: Sequence[Eraser]) -> DeletionReceipt:
    """Delete a person entirely: notes, analyses, events, keys, and the person."""
    tenant_id, person_id = person.tenant_id, person.id
    about = Erasure(tenant_id, person_id=person_id, person_external_id=person.external_id)
    counts, ids = _erase(session, tenant_id, [StoredNote.person_id == person_id], about, erasers)
    own = (ApiKey.tenant_id == tenant_id, ApiKey.person_id == person_id)
    counts["keys"] = session.scalar(select(func.count()).select_from(ApiKey).where(*own)) or 0
    session.execute(delete(ApiKey).where(*own))
    session.delete(person)
    session.flush()
    return _receipt(session, tenant_id, "person", person_id, counts, ids, now)


def delete_customer(
    session: Session, tenant_id: str, customer: str | None, customer_id: str | None, now: datetime, erasers: Sequence[Eraser]
) -> DeletionReceipt:
    """Delete all notes of a customer, told by name, by CRM id or by both (then notes with either go). None found is a receipt of zeros."""
    either = [
        c for c, given in ((StoredNote.customer == customer, customer), (StoredNote.customer_id == customer_id, customer_id)) if given
    ]
    about = Erasure(tenant_id, customer=customer, customer_id=customer_id)
    counts, ids = _erase(session, tenant_id, [or_(*either)], about, erasers)
    return _receipt(session, tenant_id, "customer", customer_id or customer, counts, ids, now)


def run_retention(engine: Engine, now: Callable[[], datetime], erasers: Sequence[Eraser]) -> dict[str, int]:
    """Delete what is older than each tenant's retention period, counted from the day it was stored; tenant id → notes deleted."""
    out: dict[str, int] = {}
    with reading(engine) as session:
        periods = session.execute(select(Tenant.id, Tenant.retention_days).where(Tenant.retention_days.is_not(None))).all()
    for tenant_id, days in periods:
        out[tenant_id] = 0
        while days is not None:
            with writing(engine) as session:  # a part a transaction, so that nobody waits long
                old = select(StoredNote.id).where(StoredNote.tenant_id == tenant_id, StoredNote.created < now() - timedelta(days=days))
                ids = list(session.scalars(old.order_by(StoredNote.id).limit(PART)))
                if ids:
                    counts, gone = _erase(session, tenant_id, [StoredNote.id.in_(ids)], Erasure(tenant_id), erasers)
                    _receipt(session, tenant_id, "retention", None, counts, gone, now())
            if not ids:
                break
            out[tenant_id] += len(ids)
    if any(out.values()):
        scrub(engine)
    return out
