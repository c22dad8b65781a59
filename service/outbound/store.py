"""Subscriptions: plain functions over a session. URLs and secrets are sealed here and opened only to send."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, get_args

from sqlalchemy import ColumnElement, delete, false, or_, select, update
from sqlalchemy.orm import Session

from service.accounts.access import Principal
from service.ids import new_id
from service.outbound.connector import Connector, RefusedError
from service.outbound.filters import Selection
from service.outbound.robots import ROBOTS, RobotKind
from service.outbound.signing import generate_secret
from service.outbound.tables import Delivery, Subscription, SubscriptionSecret
from service.vault import Vault

Kind = Literal["webhook", "wecom", "dingtalk", "feishu"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SECRETS_KEPT = 3
"""So many secrets of a subscription sign at once, however often it is rotated."""
MAX_SUBSCRIPTIONS = 100
"""Of one tenant: each stored analysis is held against all of them."""


class SubscriptionError(Exception):
    """A field of a request that cannot be; the message repeats nothing of it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def robot_kind(kind: str) -> RobotKind | None:
    """The kind as a robot's, None for a webhook."""
    return next((robot for robot in ROBOTS if robot == kind), None)


def checked_host(kind: str, url: str, secret: str | None, connector: Connector) -> str:
    """The host of a URL that deliveries of this kind may go to; looks its name up, so no transaction should be open.

    Raises SubscriptionError naming `url` or `secret`.
    """
    robot = robot_kind(kind)
    if robot is None:
        if secret is not None:
            raise SubscriptionError("secret", "A webhook's secret is made by us")
    else:
        for field, given in (("url", None), ("secret", secret)):
            try:
                ROBOTS[robot].check(url, given)
            except ValueError as error:
                raise SubscriptionError(field, str(error)) from None
    try:
        return connector.check_url(url).host
    except RefusedError as error:
        raise SubscriptionError("url", str(error)) from None


def check_selection(kind: str, selection: Selection) -> None:
    """Raises SubscriptionError where a robot is to tell of what has no card."""
    if robot_kind(kind) is not None and "note.deleted" in selection.event_types:
        raise SubscriptionError("event_types", "A robot gets no card for note.deleted")
    if robot_kind(kind) is not None and selection.include_text:
        raise SubscriptionError("include_text", "A robot's card never holds the note's text")


def create(
    session: Session, tenant_id: str, integration_id: str | None, kind: Kind, url: str, host: str, label: str, selection: Selection,
    note_url: str | None, secret: str | None, vault: Vault, now: datetime,
) -> tuple[Subscription, str | None]:  # fmt: skip
    """A new subscription, and the signing secret made for a webhook: nobody can read it again.

    `host` is what `checked_host` gave. Raises SubscriptionError where the tenant has as many as it may.
    """
    if len(session.scalars(select(Subscription.id).where(Subscription.tenant_id == tenant_id)).all()) >= MAX_SUBSCRIPTIONS:
        raise SubscriptionError("url", f"A company has at most {MAX_SUBSCRIPTIONS} subscriptions")
    row = Subscription(
        id=new_id("sb", now), tenant_id=tenant_id, integration_id=integration_id, kind=kind, label=label, url=vault.seal(url), host=host,
        selection=selection.model_dump(mode="json"), note_url=note_url, state="active", reason=None, since=now, created=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    made = generate_secret() if kind == "webhook" else None
    if (made or secret) is not None:
        _add_secret(session, row, made or secret or "", vault, now)
    return row, made


def _add_secret(session: Session, row: Subscription, secret: str, vault: Vault, now: datetime) -> None:
    session.add(
        SubscriptionSecret(id=new_id("ss", now), tenant_id=row.tenant_id, subscription_id=row.id, sealed=vault.seal(secret), created=now, expires=None)
    )  # fmt: skip
    session.flush()


def valid_secrets(session: Session, row: Subscription, now: datetime) -> Sequence[SubscriptionSecret]:
    """The secrets that sign at this moment, the newest first."""
    valid = or_(SubscriptionSecret.expires.is_(None), SubscriptionSecret.expires > now)
    query = select(SubscriptionSecret).where(SubscriptionSecret.subscription_id == row.id, valid)
    return session.scalars(query.order_by(SubscriptionSecret.expires.is_(None).desc(), SubscriptionSecret.id.desc())).all()


def rotate_secret(session: Session, row: Subscription, overlap: timedelta, vault: Vault, now: datetime) -> str:
    """A new signing secret of a webhook; the ones before sign beside it for `overlap`."""
    ends = now + overlap
    kept = valid_secrets(session, row, now)[: SECRETS_KEPT - 1] if overlap else []
    for secret in kept:
        secret.expires = ends if secret.expires is None else min(secret.expires, ends)
    of_it = SubscriptionSecret.subscription_id == row.id
    session.execute(delete(SubscriptionSecret).where(of_it, SubscriptionSecret.id.not_in([s.id for s in kept])))
    made = generate_secret()
    _add_secret(session, row, made, vault, now)
    return made


def set_robot_secret(session: Session, row: Subscription, secret: str | None, vault: Vault, now: datetime) -> None:
    """The secret that a robot's vendor gave, in place of the one before; None where there is none any more."""
    session.execute(delete(SubscriptionSecret).where(SubscriptionSecret.subscription_id == row.id))
    if secret is not None:
        _add_secret(session, row, secret, vault, now)


def pause(row: Subscription, now: datetime) -> None:
    """Send nothing for a while: events are kept and wait."""
    if row.state == "active":
        row.state, row.reason, row.since = "paused", "by_request", now


def resume(session: Session, row: Subscription, now: datetime) -> None:
    """Send again, after a pause or after the receiver had said 410."""
    if row.state != "active":
        row.state, row.reason, row.since = "active", None, now
        # What was under way when the pause began was not sent: it is handed over anew.
        waiting = (Delivery.subscription_id == row.id, Delivery.state == "pending")
        session.execute(update(Delivery).where(*waiting).values(handed_at=None))


def visible(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a key sees a subscription: an admin's all of the tenant, an integration's those it made."""
    tenant = Subscription.tenant_id == principal.tenant_id
    match principal.role:
        case "admin":
            return [tenant]
        case "integration":
            return [tenant, Subscription.integration_id == principal.integration_id]
        case _:
            return [false()]


def find(session: Session, principal: Principal, subscription_id: str) -> Subscription | None:
    """The subscription where this key may see it."""
    return session.scalar(select(Subscription).where(*visible(principal), Subscription.id == subscription_id))


def find_delivery(session: Session, principal: Principal, delivery_id: str) -> Delivery | None:
    """The delivery where this key may see its subscription."""
    joined = select(Delivery).join(Subscription, Subscription.id == Delivery.subscription_id)
    return session.scalar(joined.where(*visible(principal), Delivery.id == delivery_id))
