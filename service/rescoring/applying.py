"""Giving past notes the score of the rubric that is on. The model's result before stays, with the version it was scored by; a corrected result is
made again from the new one, as corrections have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from models.rubric import Rubric, rescored
from service.accounts.access import Principal
from service.audits.audit import check_scope
from service.audits.selection import Selection
from service.corrections.store import reapply
from service.database import reading, writing
from service.notes.correcting import models_analysis
from service.notes.store import RESULT, add_analysis
from service.notes.tables import NoteFacts, StoredNote
from service.rescoring.selecting import chosen
from service.rescoring.switching import NoSuchVersionError
from service.rubrics import store

AT_ONCE = 100
"""Notes of one transaction: nobody else who writes waits long."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a part did. `following` is the note to go on behind; None: all are done. `unreadable` results are of a form this version does not
    know; they stay as they are."""

    applied: int
    unreadable: int
    following: str | None


class NotOnError(Exception):
    """The version to apply is not the one that is on."""


def count(session: Session, principal: Principal, selection: Selection, version: int) -> int:
    """Notes of a selection whose score is of another version. Raises NotInScopeError."""
    check_scope(session, principal, selection)
    query = select(func.count()).select_from(NoteFacts).where(*chosen(principal, selection), NoteFacts.rubric_version != version)
    return session.scalar(query) or 0


def _next(session: Session, principal: Principal, selection: Selection, version: int, after: str, limit: int) -> list[str]:
    behind = (NoteFacts.rubric_version != version, NoteFacts.note_id > after)
    query = select(NoteFacts.note_id).where(*chosen(principal, selection), *behind).order_by(NoteFacts.note_id)
    return list(session.scalars(query.limit(limit)))


def _rescore(session: Session, tenant_id: str, note_id: str, rubric: Rubric, now: datetime) -> bool:
    """Give the model's result of a note another score, and a corrected one with it; False where the result cannot be read."""
    note = session.scalar(select(StoredNote).where(StoredNote.tenant_id == tenant_id, StoredNote.id == note_id).with_for_update())
    if note is None:
        return True  # deleted meanwhile
    row = models_analysis(session, note)
    if row.rubric_version == (rubric.version or 0):
        return True  # stored anew meanwhile
    try:
        analysis = RESULT.validate_json(row.result)
    except ValidationError:
        return False
    add_analysis(session, note, replace(analysis, quality=rescored(rubric, analysis.quality)), now)
    reapply(session, tenant_id, note_id, now)
    return True


def apply(
    engine: Engine, principal: Principal, selection: Selection, version: int, after: str, limit: int, now: Callable[[], datetime]
) -> Applied:
    """Rescore up to `limit` notes behind the note `after` ("" begins). Subscriptions are not told: nothing new was said of a note.

    Raises NotInScopeError, NoSuchVersionError, and NotOnError where another version is on, also where it was switched meanwhile.
    """
    with reading(engine) as session:
        check_scope(session, principal, selection)
        if store.rubric(session, principal.tenant_id, version) is None:
            raise NoSuchVersionError
        ids = _next(session, principal, selection, version, after, limit)
    unreadable = 0
    for first in range(0, max(len(ids), 1), AT_ONCE):
        with writing(engine) as session:
            rubric = store.active(session, principal.tenant_id)
            if (rubric.version or 0) != version:
                raise NotOnError
            for note_id in ids[first : first + AT_ONCE]:
                unreadable += not _rescore(session, principal.tenant_id, note_id, rubric, now())
    return Applied(len(ids) - unreadable, unreadable, ids[-1] if len(ids) == limit else None)
