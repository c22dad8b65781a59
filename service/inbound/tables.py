"""Rows of inbound webhooks: integrations with their sealed secrets, and the events they brought."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class Integration(Base):
    """A CRM that may post to /v1/hooks/{id}. `secrets` is the adapter's Secrets as JSON, sealed; `unknown` says what becomes of a rep or a
    team that is not there yet: `create` or `empty`."""

    __tablename__ = "integrations"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        CheckConstraint("kind IN ('standard', 'hubspot', 'wecom', 'salesforce', 'push')"),
        CheckConstraint("state IN ('active', 'paused')"),
        CheckConstraint("unknown IN ('create', 'empty')"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(200))
    team_id: Mapped[str | None] = mapped_column(ID)
    unknown: Mapped[str] = mapped_column(String(6))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON)
    secrets: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(6))
    created_by: Mapped[str | None] = mapped_column(ID)
    created: Mapped[datetime] = mapped_column(UtcTime)
    changed: Mapped[datetime] = mapped_column(UtcTime)


class InboundEvent(Base):
    """An event as its CRM sent it. This row is the truth, whatever queues hold.

    `payload` is JSON (personal data): emptied once the note is stored, and by deletion and retention. `attempts` counts hand-overs to the queue
    and numbers them; `next_at` is when the event is to be handed over (again) while it is `received`. `happened_at` is when the CRM changed the
    note, by which an older event never replaces what a newer one wrote. An `erased` row is what stays of a deleted note's event, so that the
    CRM sending it again does not bring the note back. `request_id` is of the request that brought it.
    """

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("integration_id", "event_id"),
        ForeignKeyConstraint(["tenant_id", "integration_id"], ["integrations.tenant_id", "integrations.id"], ondelete="CASCADE"),
        CheckConstraint("state IN ('received', 'done', 'skipped', 'failed', 'erased')"),
        Index("ix_inbound_events_due", "state", "next_at"),
        Index("ix_inbound_events_note", "note_id"),
        Index("ix_inbound_events_integration", "integration_id", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    integration_id: Mapped[str] = mapped_column(ID)
    event_id: Mapped[str] = mapped_column(String(200))
    received_at: Mapped[datetime] = mapped_column(UtcTime)
    payload: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(24))
    faults: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    note_id: Mapped[str | None] = mapped_column(ID)
    happened_at: Mapped[datetime | None] = mapped_column(UtcTime)
    attempts: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    finished: Mapped[datetime | None] = mapped_column(UtcTime)
    request_id: Mapped[str | None] = mapped_column(String(64))
