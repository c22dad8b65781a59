"""Rows of deliveries: subscriptions with their secrets, deliveries, attempts. Ids, states and times; never a body, a text or a plain secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class Subscription(Base):
    """Which events go to which URL. `url` is sealed (a robot's URL is a secret), `host` is what lists show.

    `integration_id`: who made it, where that was an integration; it then receives only what that integration wrote.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        CheckConstraint("kind IN ('webhook', 'wecom', 'dingtalk', 'feishu')"),
        CheckConstraint("state IN ('active', 'paused', 'disabled')"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    integration_id: Mapped[str | None] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255))
    selection: Mapped[dict[str, Any]] = mapped_column(JSON)
    note_url: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(24))
    since: Mapped[datetime] = mapped_column(UtcTime)
    created: Mapped[datetime] = mapped_column(UtcTime)


class SubscriptionSecret(Base):
    """A signing secret, sealed. Several are valid while one is being rotated; `expires` is None for the newest."""

    __tablename__ = "subscription_secrets"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"], ondelete="CASCADE"),
        Index("ix_subscription_secrets_subscription", "subscription_id", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    subscription_id: Mapped[str] = mapped_column(ID)
    sealed: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime)
    expires: Mapped[datetime | None] = mapped_column(UtcTime)


class Delivery(Base):
    """One event for one subscription; its id is the `webhook-id`. This row is the truth, whatever queues hold.

    `attempts` counts towards the schedule and begins anew with a replay; `handed` counts hand-overs to the queue and never goes back: it numbers
    the attempts. `handed_at` is set while one is under way. `crm_id` is kept for `note.deleted` only, whose note is gone. `request_id` is of the
    request it comes from.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "subscription_id"], ["subscriptions.tenant_id", "subscriptions.id"], ondelete="CASCADE"),
        CheckConstraint("state IN ('pending', 'delivered', 'dead', 'cancelled')"),
        Index("ix_deliveries_due", "state", "next_at"),
        Index("ix_deliveries_subscription", "subscription_id", "state", "next_at"),
        Index("ix_deliveries_tenant", "tenant_id", "state", "id"),
        Index("ix_deliveries_note", "note_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    subscription_id: Mapped[str] = mapped_column(ID)
    event_type: Mapped[str] = mapped_column(String(20))
    note_id: Mapped[str | None] = mapped_column(ID)
    analysis_id: Mapped[str | None] = mapped_column(ID)
    crm_id: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(24))
    attempts: Mapped[int]
    handed: Mapped[int]
    handed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created: Mapped[datetime] = mapped_column(UtcTime)
    finished: Mapped[datetime | None] = mapped_column(UtcTime)
    request_id: Mapped[str | None] = mapped_column(String(64))


class DeliveryAttempt(Base):
    """What came of one attempt: the status or the failure, and how long it took."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "delivery_id"], ["deliveries.tenant_id", "deliveries.id"], ondelete="CASCADE"),
        Index("ix_delivery_attempts_subscription", "subscription_id", "at"),
    )

    delivery_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    subscription_id: Mapped[str] = mapped_column(ID)
    at: Mapped[datetime] = mapped_column(UtcTime)
    status: Mapped[int | None]
    failure: Mapped[str | None] = mapped_column(String(24))
    code: Mapped[int | None]
    milliseconds: Mapped[int]
