"""`python -m service rubrics`: versions of a tenant's rubric, tried, switched on, rolled back, applied, by who has the database."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.progress import Progress
from sqlalchemy import Engine

from service.accounts.access import Principal
from service.audits.selection import Selection
from service.commands.accounts import TenantOption, find_tenant, team_id_of
from service.console import database_or_exit, errors, fail, settings_or_exit, show, utc_now
from service.database import reading
from service.problems import faults_of
from service.rescoring import applying
from service.rescoring.requests import PART, RubricRequest
from service.rescoring.selecting import PastNotes
from service.rescoring.switching import NoSuchVersionError, NotTriedError, Rescoring
from service.rubrics import store
from service.rubrics.content import RubricContent

rubrics = typer.Typer(no_args_is_help=True, help="A tenant's rubric: weights and words of the score, in versions.")

Version = Annotated[int, typer.Argument(min=0, help="The version; 0 is the one that comes with the software.")]
TeamOption = Annotated[str | None, typer.Option("--team", help="Id or name of the team. Default: all teams.")]
Since = Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day. Default: 90 days before the last.")]
Until = Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day. Default: today.")]


def _begin(tenant: str) -> tuple[Rescoring, Principal]:
    """The room over the database of the settings, and who may all of the tenant."""
    engine: Engine = database_or_exit(settings_or_exit())
    with reading(engine) as session:
        tenant_id = find_tenant(session, tenant).id
    return Rescoring(engine, utc_now, date.today), Principal(tenant_id, "", "admin")


def _selection(rescoring: Rescoring, principal: Principal, team: str | None, since: datetime | None, until: datetime | None) -> Selection:
    with reading(rescoring.engine) as session:
        team_id = None if team is None else team_id_of(session, principal.tenant_id, team)
    past = PastNotes(team=team_id, since=since.date() if since else None, until=until.date() if until else None)
    return past.settled(date.today())


@rubrics.command("list")
def list_versions(tenant: TenantOption) -> None:
    """List versions, the newest first, and tell which is on."""
    rescoring, principal = _begin(tenant)
    with reading(rescoring.engine) as session:
        on = store.active_version(session, principal.tenant_id)
        rows, _ = store.versions(session, principal.tenant_id, None, 1000)
        weights = [" ".join(f"{d} {w}" for d, w in row.content["weights"].items()) for row in rows]
        lines = [(r.version, "on" if r.version == on else "", r.created, r.tried, r.author, r.remark, w) for r, w in zip(rows, weights, strict=True)]  # fmt: skip
    show(("version", "", "created", "tried", "author", "remark", "weights"), [*lines, (0, "on" if on == 0 else "", *[None] * 5)])


@rubrics.command()
def add(tenant: TenantOption, file: Annotated[Path, typer.Argument(help="JSON as POST /v1/rubrics takes it.")]) -> None:
    """Keep a rubric as a new version and print its number; it is not switched on by that."""
    rescoring, principal = _begin(tenant)
    try:
        found = RubricRequest.model_validate(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        if isinstance(error, ValidationError):
            faults = faults_of(error.errors(include_url=False, include_input=False, include_context=False))
            raise fail("\n".join(f"{f.field}: {f.message}" for f in faults), 1) from None
        raise fail(f"{file} cannot be read as JSON", 1) from None
    content = RubricContent.model_validate(found.model_dump(exclude={"remark"}, exclude_none=True))
    print(rescoring.keep(principal, content, found.remark)[0])


@rubrics.command("try")
def try_(tenant: TenantOption, version: Version, team: TeamOption = None, since: Since = None, until: Until = None) -> None:
    """Tell whose score a version would move, and by how much; nothing is changed."""
    rescoring, principal = _begin(tenant)
    try:
        trial = rescoring.attempt(principal, version, _selection(rescoring, principal, team, since, until))
    except NoSuchVersionError:
        raise fail("There is no such version", 1) from None
    left_out = f", {trial.left_out} older ones left out" if trial.left_out else ""
    print(
        f"{trial.notes} notes{left_out}: {trial.moved} move, {trial.up} up, {trial.down} down; mean {trial.mean_before} → {trial.mean_after}"
    )
    show(("score", "now", "then"), [(f"{b.low}–{b.high}", b.before, b.after) for b in trial.bins])
    show(("rep", "notes", "now", "then", "move"), [(r.name, r.notes, r.mean_before, r.mean_after, f"{r.move:+g}") for r in trial.reps])
    show(("note", "day", "rep", "now", "then"), [(n.note_id, n.visited_at, n.rep, n.before, n.after) for n in trial.most])


@rubrics.command()
def switch(tenant: TenantOption, version: Version) -> None:
    """Score new notes and drafts by a version that was tried, from now on."""
    rescoring, principal = _begin(tenant)
    try:
        rescoring.switch(principal, version)
    except NoSuchVersionError:
        raise fail("There is no such version", 1) from None
    except NotTriedError:
        raise fail("Try this version on past notes first: python -m service rubrics try", 1) from None
    print(f"version {version} is on")


@rubrics.command()
def rollback(tenant: TenantOption) -> None:
    """Switch the version before on again."""
    rescoring, principal = _begin(tenant)
    print(f"version {rescoring.roll_back(principal)} is on")


@rubrics.command("apply")
def apply(tenant: TenantOption, team: TeamOption = None, since: Since = None, until: Until = None) -> None:
    """Give past notes the score of the version that is on; earlier results stay. May be interrupted and run again."""
    rescoring, principal = _begin(tenant)
    selection = _selection(rescoring, principal, team, since, until)
    with reading(rescoring.engine) as session:
        version = store.active_version(session, principal.tenant_id)
        left = applying.count(session, principal, selection, version)
    applied, unreadable, cursor = 0, 0, ""
    with Progress(console=errors, disable=not errors.is_terminal, transient=True) as progress:
        task = progress.add_task("重新算分", total=left)
        while True:
            try:
                done = applying.apply(rescoring.engine, principal, selection, version, cursor, PART, utc_now)
            except applying.NotOnError:
                raise fail(f"Another version was switched on meanwhile; {applied} notes were done", 1) from None
            applied, unreadable = applied + done.applied, unreadable + done.unreadable
            progress.update(task, completed=applied)
            if done.following is None:
                break
            cursor = done.following
    print(f"{applied} notes scored by version {version}, {unreadable} results of an older form left as they are")
