"""`python -m service integrations create | list | try | events | replay`: CRMs by command line, for who has the database."""

from __future__ import annotations

import json
import secrets as random
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.accounts.store import AccountError
from service.accounts.tables import Team
from service.commands.accounts import TenantOption, find_tenant
from service.console import database_or_exit, fail, settings_or_exit, show, utc_now, vault_or_exit
from service.database import reading, writing
from service.inbound import events, issuing
from service.inbound import integrations as store
from service.inbound.adapters import ADAPTERS
from service.inbound.hook import NotReadable
from service.inbound.integrations import IntegrationError, NewIntegration
from service.inbound.mapping import Mapping, default_mapping, default_names
from service.inbound.requests import integration_fields, setup_steps, tried_answer
from service.inbound.tables import Integration
from service.inbound.trying import sample_payloads, tried
from service.problems import faults_of

integrations = typer.Typer(no_args_is_help=True, help="CRMs that post visit notes (docs/webhooks.md).")

IntegrationArgument = Annotated[str, typer.Argument(help="The integration's id (in_…), from `integrations list`.")]
MappingOption = Annotated[str | None, typer.Option("--mapping", help="A JSON file, or the name of a mapping that comes with the service.")]


def _json(file: Path, option: str) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise fail(f"{option}: {error.strerror}") from None
    except ValueError:
        raise fail(f"{option}: the file is not JSON") from None


def _mapping(name: str | None, kind: str) -> Mapping:
    if name is None or name in default_names():
        return default_mapping(name or kind)
    try:
        return Mapping.model_validate(_json(Path(name), "--mapping"))
    except ValidationError as error:
        faults = faults_of(error.errors(include_url=False, include_input=False, include_context=False))
        raise fail("\n".join(f"mapping.{f.field}: {f.message}" for f in faults), 1) from None


def _found(session: Session, tenant: str, integration_id: str) -> Integration:
    row = store.find(session, find_tenant(session, tenant).id, integration_id)
    if row is None:
        raise fail("There is no such integration", 1)
    return row


@integrations.command("create")
def create(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(ADAPTERS)}.")],
    tenant: TenantOption,
    label: Annotated[str, typer.Option(help="What the integration is called.")] = "CRM",
    secrets: Annotated[Path | None, typer.Option(help="A JSON file with what docs/webhooks.md says for the kind; secrets we may choose are made.")] = None,
    mapping: MappingOption = None,
    team: Annotated[str | None, typer.Option(help="Team, id or name, of notes that name none.")] = None,
    unknown: Annotated[str, typer.Option(help="create or empty: what becomes of a rep or team that is not there yet.")] = "create",
) -> None:  # fmt: skip
    """Make an integration; print the hook's address, the secret that was made (shown this once), and what to paste where."""
    if kind not in ADAPTERS:
        raise fail(f"kind: one of {', '.join(ADAPTERS)}")
    if unknown not in ("create", "empty"):
        raise fail("--unknown: create or empty")
    settings = settings_or_exit()
    vault, chosen = vault_or_exit(settings), _mapping(mapping, kind)
    given, made = issuing.with_generated(kind, {} if secrets is None else _json(secrets, "--secrets"), random.token_bytes)
    try:
        with writing(database_or_exit(settings)) as session:
            owner = find_tenant(session, tenant).id
            team_id = None
            if team is not None:
                team_id = session.scalar(select(Team.id).where(Team.tenant_id == owner, (Team.id == team) | (Team.name == team)))
                if team_id is None:
                    raise fail("--team: there is no such team", 1)
            new = NewIntegration(kind, label, given, chosen, team_id, "create" if unknown == "create" else "empty")
            row = store.create(session, vault, owner, new, None, utc_now())
            base = settings.public_url or f"http://{settings.host}:{settings.port}"
            made_id, url, whole = row.id, integration_fields(row, base, 1)["hook_url"], store.opened(vault, row)
    except IntegrationError as error:
        raise fail("\n".join(f"{f.field}: {f.message}" for f in error.faults), 1) from None
    except AccountError as error:
        raise fail(f"{error.field}: {error.message}", 1) from None
    print(made_id)
    if made:
        print(json.dumps(whole, ensure_ascii=False))
    for number, step in enumerate(setup_steps(kind, url, whole), 1):
        print(f"{number}. {step}")


@integrations.command("list")
def list_all(tenant: TenantOption) -> None:
    """List integrations with the number of their events by state."""
    with reading(database_or_exit(settings_or_exit())) as session:
        owner = find_tenant(session, tenant).id
        rows = session.scalars(select(Integration).where(Integration.tenant_id == owner).order_by(Integration.id)).all()
        counted = [(r, events.counts(session, r.id)) for r in rows]
        header = ("id", "kind", "label", "state", *events.STATES)
        show(header, [(r.id, r.kind, r.label, r.state, *(n[s] for s in events.STATES)) for r, n in counted])


@integrations.command("try")
def try_sample(
    integration_id: IntegrationArgument,
    sample: Annotated[Path, typer.Argument(help="A file with a body as the CRM sends it, JSON or XML.")],
    tenant: TenantOption,
    mapping: MappingOption = None,
) -> None:
    """Show what a sample would become, a JSON line an event; nothing is stored. Code 1 where a field is at fault."""
    settings = settings_or_exit()
    with reading(database_or_exit(settings)) as session:
        row = _found(session, tenant, integration_id)
        kind, chosen = row.kind, Mapping.model_validate(row.mapping)
    if mapping is not None:
        chosen = _mapping(mapping, kind)
    try:
        payloads = sample_payloads(kind, sample.read_text("utf-8"))
    except OSError as error:
        raise fail(f"sample: {error.strerror}") from None
    except (NotReadable, UnicodeDecodeError) as error:
        raise fail(f"sample: {error.what if isinstance(error, NotReadable) else 'not UTF-8'}", 1) from None
    answers = [tried_answer(tried(chosen, p, settings.max_note_characters), False) for p in payloads]
    for answer in answers:
        print(answer.model_dump_json(exclude_none=True, exclude={"note": {"rep_known"}}))
    if any(answer.outcome == "failed" for answer in answers):
        raise typer.Exit(1)


@integrations.command("events")
def list_events(
    integration_id: IntegrationArgument,
    tenant: TenantOption,
    state: Annotated[str | None, typer.Option(help=f"Only these: {', '.join(events.STATES)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="So many, the newest first.")] = 50,
) -> None:
    """List events: what became of each, and the fields at fault."""
    chosen = next((s for s in events.STATES if s == state), None)
    if state is not None and chosen is None:
        raise fail(f"--state: one of {', '.join(events.STATES)}")
    with reading(database_or_exit(settings_or_exit())) as session:
        rows, _ = events.page(session, _found(session, tenant, integration_id), chosen, None, limit)
        faults = ["; ".join(f"{f['field']}: {f['message']}" for f in r.faults or []) for r in rows]
        shown = [(r.id, r.event_id, r.state, r.reason, f, r.note_id, r.received_at) for r, f in zip(rows, faults, strict=True)]
        show(("id", "event id", "state", "reason", "faults", "note", "received"), shown)


@integrations.command("replay")
def replay(
    integration_id: IntegrationArgument,
    tenant: TenantOption,
    event: Annotated[str | None, typer.Option(help="Only the event of this id (ev_…).")] = None,
    skipped: Annotated[bool, typer.Option("--skipped", help="Those that were skipped instead of those that failed.")] = False,
) -> None:
    """Do failed events again, after the mapping was mended; a running server takes them up."""
    engine: Engine = database_or_exit(settings_or_exit())
    with writing(engine) as session:
        row = _found(session, tenant, integration_id)
        states = events.REPLAYABLE if event is not None else ("skipped",) if skipped else ("failed",)
        print(f"{events.replay(session, row, states, utc_now(), event)} events are done again")
