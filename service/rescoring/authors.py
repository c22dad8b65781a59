"""Who makes and switches rubrics, and taking the name off when that person is deleted."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.accounts.tables import ApiKey, Person
from service.notes.hooks import Erasure
from service.rubrics.store import Author, forget_author
from service.sessions.tables import WebSession


def author_of(session: Session, principal: Principal) -> Author:
    """The person behind a key or login where there is one, else the key by its label."""
    person_id = principal.person_id
    key = session.get(ApiKey, principal.key_id)
    if person_id is None and key is None:  # logged in by the identity provider: the session takes the place of the key
        login = session.get(WebSession, principal.key_id)
        person_id = login.person_id if login else None
    person = session.get(Person, person_id) if person_id else None
    if person is not None:
        return Author(person.id, person.name)
    return Author(principal.key_id, key.label or None) if key is not None else Author(None, None)


def erase(session: Session, erasure: Erasure) -> Mapping[str, int]:
    """Take a deleted person's name off rubrics; nothing else of a rubric is about a person."""
    if erasure.person_id is not None:
        forget_author(session, erasure.tenant_id, erasure.person_id)
    return {}
