"""`python -m service subscriptions | deliveries`: for who has the database. What is made or replayed here, a running server sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.commands.accounts import TenantOption, find_tenant
from service.console import database_or_exit, fail, settings_or_exit, show, utc_now, vault_or_exit
from service.database import writing
from service.outbound import outbox, store
from service.outbound.filters import Filters
from service.outbound.requests import SubscriptionRequest
from service.outbound.tables import Delivery, Subscription
from service.problems import faults_of
from service.settings import Settings
from service.wiring import connector

subscriptions = typer.Typer(no_args_is_help=True, help="Where events go.")
deliveries = typer.Typer(no_args_is_help=True, help="What was sent, and sending it again.")


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    with writing(database_or_exit(settings)) as session:
        yield session


@subscriptions.command("create")
def create(
    url: Annotated[str, typer.Argument(help="Where to send.")],
    tenant: TenantOption,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(store.KINDS)}.")] = "webhook",
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    event: Annotated[list[str] | None, typer.Option(help="An event type; may be given several times.")] = None,
    filters: Annotated[str, typer.Option(help='Filters as JSON, e.g. {"score_below": 40}.')] = "{}",
    include_text: Annotated[bool, typer.Option(help="Also send the note's text: personal data.")] = False,
    note_url: Annotated[str | None, typer.Option(help="A note's page, with {note_id} or {crm_id} in it, for a robot's card.")] = None,
    secret: Annotated[str | None, typer.Option(help="A robot's own signing secret.", envvar="FUPAN_ROBOT_SECRET")] = None,
) -> None:
    """Make a subscription; print its id and, for a webhook, its signing secret, which is shown this once."""
    given = {"kind": kind, "url": url, "label": label, "event_types": event or None, "include_text": include_text, "note_url": note_url, "secret": secret}  # fmt: skip
    settings = settings_or_exit()
    try:
        request = SubscriptionRequest.model_validate({**given, "filters": Filters.model_validate_json(filters)})
        store.check_selection(request.kind, request.selection())
        host = store.checked_host(request.kind, request.url, request.secret, connector(settings))
        with _session(settings) as session:
            row, made = store.create(
                session, find_tenant(session, tenant).id, None, request.kind, request.url, host, request.label, request.selection(),
                request.note_url, request.secret, vault_or_exit(settings), utc_now(),
            )  # fmt: skip
            print(row.id)
    except ValidationError as error:
        raise fail("; ".join(f"{fault.field}: {fault.message}" for fault in faults_of(error.errors()))) from None
    except store.SubscriptionError as error:
        raise fail(f"{error.field}: {error.message}", 1) from None
    if made is not None:
        print(made)


@subscriptions.command("list")
def list_subscriptions(tenant: TenantOption) -> None:
    """List subscriptions."""
    with _session(settings_or_exit()) as session:
        query = select(Subscription).where(Subscription.tenant_id == find_tenant(session, tenant).id).order_by(Subscription.id)
        rows = [(r.id, r.kind, r.host, ", ".join(r.selection["event_types"]), r.state, r.reason, r.label) for r in session.scalars(query)]
        show(("id", "kind", "host", "events", "state", "reason", "label"), rows)


def _list(tenant: str, state: str | None, subscription: str | None, limit: int) -> None:
    with _session(settings_or_exit()) as session:
        chosen = [Delivery.tenant_id == find_tenant(session, tenant).id]
        if state is not None:
            chosen.append(Delivery.state == state)
        if subscription is not None:
            chosen.append(Delivery.subscription_id == subscription)
        rows = session.scalars(select(Delivery).where(*chosen).order_by(Delivery.id.desc()).limit(limit))
        shown = [(r.id, r.subscription_id, r.event_type, r.note_id, r.state, r.reason, r.attempts, r.next_at, r.finished) for r in rows]
        show(("id", "subscription", "event", "note", "state", "reason", "attempts", "next", "finished"), shown)


SubscriptionOption = Annotated[str | None, typer.Option("--subscription", help="Of this subscription only.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The newest so many.")]


@deliveries.command("list")
def list_deliveries(
    tenant: TenantOption,
    state: Annotated[str | None, typer.Option(help="pending, delivered, dead or cancelled.")] = None,
    subscription: SubscriptionOption = None,
    limit: LimitOption = 50,
) -> None:
    """List deliveries, the newest first."""
    _list(tenant, state, subscription, limit)


@deliveries.command("dead")
def dead(tenant: TenantOption, subscription: SubscriptionOption = None, limit: LimitOption = 50) -> None:
    """List the dead letters."""
    _list(tenant, "dead", subscription, limit)


@deliveries.command("replay")
def replay(
    tenant: TenantOption,
    delivery: Annotated[str | None, typer.Argument(help="A delivery's id; or --subscription and --since.")] = None,
    subscription: SubscriptionOption = None,
    since: Annotated[datetime | None, typer.Option(help="Dead ones of the subscription that died then or later (UTC).")] = None,
) -> None:
    """Send a delivery again, or all dead ones of a subscription since a moment."""
    if (delivery is None) == (subscription is None) or (subscription is None) != (since is None):
        raise fail("Give a delivery, or --subscription with --since")
    with _session(settings_or_exit()) as session:
        tenant_id = find_tenant(session, tenant).id
        row = None if delivery is None else session.scalar(select(Delivery).where(Delivery.tenant_id == tenant_id, Delivery.id == delivery))
        name = row.subscription_id if row is not None else subscription
        target = session.scalar(select(Subscription).where(Subscription.tenant_id == tenant_id, Subscription.id == name))
        if target is None:
            raise fail("There is no such delivery or subscription", 1)
        if target.state == "disabled":
            raise fail("The subscription is disabled: resume it first", 1)
        if row is not None and row.state not in ("dead", "delivered"):
            raise fail(f"The delivery is {row.state}", 1)
        if row is not None:
            outbox.revive(row, utc_now())
        count = 1 if row is not None or since is None else outbox.revive_dead(session, target, since.replace(tzinfo=UTC), utc_now())
    print(f"{count} to be sent again")
