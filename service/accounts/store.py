"""Tenants, teams and people: plain functions over a session."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from service.accounts.tables import Person, Team, Tenant
from service.database import Base
from service.ids import new_id

PersonRole = Literal["rep", "trainer"]


class AccountError(Exception):
    """A field of a request that cannot be; `taken` where it is in use already."""

    def __init__(self, field: str, message: str, taken: bool = False) -> None:
        super().__init__(message)
        self.field, self.message, self.taken = field, message, taken


def _add(session: Session, row: Base, field: str) -> None:
    """Raises AccountError naming the field whose value is in use."""
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise AccountError(field, "This is in use already", taken=True) from None


def count_tenants(session: Session) -> int:
    """How many tenants there are."""
    return session.scalar(select(func.count()).select_from(Tenant)) or 0


def create_tenant(session: Session, name: str, now: datetime) -> Tenant:
    """A new tenant, with no retention period. Raises AccountError where the name is taken."""
    row = Tenant(id=new_id("tn", now), name=name, created=now, retention_days=None, receipt_salt=secrets.token_hex(32))
    _add(session, row, "name")
    return row


def find_tenant(session: Session, id_or_name: str) -> Tenant | None:
    """The tenant of this id or name."""
    return session.scalar(select(Tenant).where((Tenant.id == id_or_name) | (Tenant.name == id_or_name)))


def team(session: Session, tenant_id: str, team_id: str) -> Team | None:
    """A team of the tenant."""
    return session.scalar(select(Team).where(Team.tenant_id == tenant_id, Team.id == team_id))


def create_team(session: Session, tenant_id: str, name: str, now: datetime) -> Team:
    """A new team. Raises AccountError where the name is taken."""
    row = Team(id=new_id("tm", now), tenant_id=tenant_id, name=name, created=now)
    _add(session, row, "name")
    return row


def rename_team(session: Session, row: Team, name: str) -> None:
    """Give a team another name. Raises AccountError where it is taken."""
    row.name = name
    _add(session, row, "name")


def person(session: Session, tenant_id: str, person_id: str) -> Person | None:
    """A person of the tenant."""
    return session.scalar(select(Person).where(Person.tenant_id == tenant_id, Person.id == person_id))


def person_by_external_id(session: Session, tenant_id: str, external_id: str) -> Person | None:
    """The person whom the CRM names so."""
    return session.scalar(select(Person).where(Person.tenant_id == tenant_id, Person.external_id == external_id))


def create_person(
    session: Session, tenant_id: str, name: str, role: PersonRole, team_id: str | None, external_id: str | None, now: datetime
) -> Person:
    """A new rep or trainer. Raises AccountError where the team is not the tenant's or the external id is taken."""
    if team_id is not None and team(session, tenant_id, team_id) is None:
        raise AccountError("team_id", "There is no such team")
    row = Person(id=new_id("pe", now), tenant_id=tenant_id, team_id=team_id, role=role, name=name, external_id=external_id, created=now)
    _add(session, row, "external_id")
    return row


def change_person(session: Session, row: Person, changes: dict[str, str | None]) -> None:
    """Set name, team_id or external_id. Raises AccountError as create_person does."""
    team_id = changes.get("team_id")
    if team_id is not None and team(session, row.tenant_id, team_id) is None:
        raise AccountError("team_id", "There is no such team")
    for field, value in changes.items():
        setattr(row, field, value)
    _add(session, row, "external_id")
