"""Who corrects or decides: a person where the key or session is one's, else the key."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.accounts.tables import ApiKey, Person
from service.sessions.tables import WebSession


@dataclass(frozen=True, slots=True)
class Reviewer:
    """An id that stays the same from login to login, and a name to show."""

    id: str
    name: str


def reviewer_of(session: Session, principal: Principal) -> Reviewer:
    """The person or key behind a principal; a session of the identity provider stands for its person."""
    key = session.get(ApiKey, principal.key_id)
    login = session.get(WebSession, principal.key_id) if key is None else None
    person_id = key.person_id if key else login.person_id if login else None
    person = session.get(Person, person_id) if person_id else None
    if person is not None:
        return Reviewer(person.id, person.name)
    return Reviewer(principal.key_id, key.label if key else "")
