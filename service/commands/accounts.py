"""`python -m service tenants | teams | people | keys`: accounts by command line, for who has the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, get_args

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.accounts import store
from service.accounts.access import ROLES, Role
from service.accounts.keys import NewKey, create_key, revoke_key, teams_of
from service.accounts.store import AccountError, PersonRole
from service.accounts.tables import ApiKey, Person, Team, Tenant
from service.console import database_or_exit, fail, settings_or_exit, show, utc_now
from service.database import writing

tenants = typer.Typer(no_args_is_help=True, help="Companies.")
teams = typer.Typer(no_args_is_help=True, help="Sales teams of a tenant.")
people = typer.Typer(no_args_is_help=True, help="Reps and trainers of a tenant.")
keys = typer.Typer(no_args_is_help=True, help="API keys of a tenant.")

TenantOption = Annotated[str, typer.Option("--tenant", help="Id or name of the tenant.")]


@contextmanager
def _session() -> Iterator[Session]:
    """A transaction on the database of the settings; what cannot be is said and ends the program with code 1."""
    engine = database_or_exit(settings_or_exit())
    try:
        with writing(engine) as session:
            yield session
    except AccountError as error:
        raise fail(f"{error.field}: {error.message}", 1) from None


def find_tenant(session: Session, name: str) -> Tenant:
    """The tenant of this id or name; ends the program where there is none."""
    tenant = store.find_tenant(session, name)
    if tenant is None:
        raise fail("--tenant: there is no such tenant", 1)
    return tenant


def team_id_of(session: Session, tenant_id: str, name: str) -> str:
    """The id of a team by id or name; ends the program with code 1 where there is none."""
    found = session.scalar(select(Team.id).where(Team.tenant_id == tenant_id, (Team.id == name) | (Team.name == name)))
    if found is None:
        raise fail("--team: there is no such team", 1)
    return found


def _team_id(session: Session, tenant: Tenant, name: str) -> str:
    row = session.scalar(select(Team).where(Team.tenant_id == tenant.id, (Team.id == name) | (Team.name == name)))
    if row is None:
        raise fail("--team: there is no such team", 1)
    return row.id


def _person_id(session: Session, tenant: Tenant, name: str) -> str:
    row = session.scalar(select(Person).where(Person.tenant_id == tenant.id, (Person.id == name) | (Person.external_id == name)))
    if row is None:
        raise fail("--person: there is no such person", 1)
    return row.id


@tenants.command("create")
def create_tenant(name: Annotated[str, typer.Argument(help="The company's name.")]) -> None:
    """Make a tenant and print its id."""
    with _session() as session:
        print(store.create_tenant(session, name, utc_now()).id)


@tenants.command("list")
def list_tenants() -> None:
    """List tenants."""
    with _session() as session:
        rows = session.scalars(select(Tenant).order_by(Tenant.id))
        show(("id", "name", "created", "retention days"), [(r.id, r.name, r.created, r.retention_days) for r in rows])


@teams.command("create")
def create_team(name: Annotated[str, typer.Argument(help="The team's name.")], tenant: TenantOption) -> None:
    """Make a team and print its id."""
    with _session() as session:
        print(store.create_team(session, find_tenant(session, tenant).id, name, utc_now()).id)


@people.command("create")
def create_person(
    name: Annotated[str, typer.Argument(help="The person's name.")],
    tenant: TenantOption,
    role: Annotated[str, typer.Option(help="rep or trainer.")] = "rep",
    team: Annotated[str | None, typer.Option(help="Id or name of the team.")] = None,
    external_id: Annotated[str | None, typer.Option(help="The CRM's id of this person.")] = None,
) -> None:
    """Make a rep or trainer and print the id."""
    kinds: tuple[PersonRole, ...] = get_args(PersonRole)
    kind = next((k for k in kinds if k == role), None)
    if kind is None:
        raise fail(f"--role: one of {', '.join(kinds)}")
    with _session() as session:
        owner = find_tenant(session, tenant)
        team_id = None if team is None else _team_id(session, owner, team)
        print(store.create_person(session, owner.id, name, kind, team_id, external_id, utc_now()).id)


@keys.command("create")
def create(
    tenant: TenantOption,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")],
    team: Annotated[list[str] | None, typer.Option(help="A trainer's team, id or name; may be given several times.")] = None,
    person: Annotated[str | None, typer.Option(help="A rep's person, id or CRM id.")] = None,
    integration: Annotated[str | None, typer.Option(help="The integration whose key this replaces.")] = None,
    label: Annotated[str, typer.Option(help="What the key is for.")] = "",
) -> None:
    """Make a key and print it; it is shown this once."""
    kind: Role | None = next((r for r in ROLES if r == role), None)
    if kind is None:
        raise fail(f"--role: one of {', '.join(ROLES)}")
    with _session() as session:
        owner = find_tenant(session, tenant)
        team_ids = [_team_id(session, owner, t) for t in team or []]
        person_id = None if person is None else _person_id(session, owner, person)
        _, key = create_key(session, owner.id, NewKey(kind, label, team_ids, person_id, integration), utc_now())
    print(key)


@keys.command("list")
def list_keys(tenant: TenantOption) -> None:
    """List keys: their beginning, role, scope and last use."""
    with _session() as session:
        rows = list(session.scalars(select(ApiKey).where(ApiKey.tenant_id == find_tenant(session, tenant).id).order_by(ApiKey.id)))
        scopes = teams_of(session, [r.id for r in rows])
        show(
            ("id", "key", "role", "scope", "label", "last used", "revoked"),
            [
                (
                    r.id,
                    r.prefix + "…",
                    r.role,
                    " ".join(scopes[r.id]) or r.person_id or r.integration_id,
                    r.label,
                    r.last_used,
                    r.revoked_at,
                )
                for r in rows
            ],
        )


@keys.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id (ky_…), from `keys list`.")], tenant: TenantOption) -> None:
    """Revoke a key, at once and for good."""
    with _session() as session:
        if revoke_key(session, find_tenant(session, tenant).id, key_id, utc_now()) is None:
            raise fail("There is no such key", 1)
