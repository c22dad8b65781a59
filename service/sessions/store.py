"""Opening, finding and ending sessions: plain functions over a session of the database.

A token has 256 random bits and is stored as its SHA-256, as keys are. Its CSRF token is derived from it, so it needs no place of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.accounts.access import Principal, Role
from service.accounts.keys import principal_of
from service.accounts.tables import ApiKey, Person
from service.ids import new_id
from service.sessions.tables import WebSession

FORM = re.compile(r"[A-Za-z0-9_-]{43}")
PAGE_ROLES: tuple[Role, ...] = ("admin", "trainer", "rep")
"""Who opens pages; the other keys are for programs."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. `csrf` stands in every form of the session."""

    principal: Principal
    name: str
    csrf: str
    session_id: str


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def csrf_of(token: str) -> str:
    """The CSRF token of a session: nobody without the session's own can make it, and it does not tell that one."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def open_session(
    session: Session, tenant_id: str, now: datetime, lasts: timedelta, key_id: str | None = None, person_id: str | None = None
) -> str:
    """The token of a new session of a key or of a person. Sessions that have ended by their time are deleted on the way."""
    session.execute(delete(WebSession).where(WebSession.expires <= now))
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            id=new_id("se", now), tenant_id=tenant_id, key_id=key_id, person_id=person_id, sha256=_hash(token), created=now, expires=now + lasts
        )
    )  # fmt: skip
    session.flush()
    return token


def _found(session: Session, token: str) -> WebSession | None:
    if not FORM.fullmatch(token):
        return None
    digest = _hash(token)
    row = session.scalar(select(WebSession).where(WebSession.sha256 == digest))
    return row if row is not None and hmac.compare_digest(row.sha256, digest) else None


def find_viewer(session: Session, token: str, now: datetime) -> Viewer | None:
    """Who this token stands for; None where it is malformed, unknown, over, or its key is revoked."""
    row = _found(session, token)
    if row is None or row.expires <= now:
        return None
    if row.key_id is not None:
        key = session.get_one(ApiKey, row.key_id)
        principal = principal_of(session, key)
        if principal is None or principal.role not in PAGE_ROLES:
            return None
        person = session.get(Person, key.person_id) if key.person_id else None
        return Viewer(principal, person.name if person else key.label, csrf_of(token), row.id)
    person = session.get_one(Person, row.person_id)
    return Viewer(_of_person(person, row.id), person.name, csrf_of(token), row.id)


def _of_person(person: Person, session_id: str) -> Principal:
    """What a person may who has no key: a trainer reads the own team, a rep the own notes. The session takes the place of the key."""
    if person.role == "trainer":
        return Principal(person.tenant_id, session_id, "trainer", frozenset([person.team_id] if person.team_id else []))
    return Principal(person.tenant_id, session_id, "rep", person_id=person.id)


def end_session(session: Session, token: str) -> None:
    """Log out; an unknown token changes nothing."""
    row = _found(session, token)
    if row is not None:
        session.delete(row)
