"""Rows of accounts: tenants, teams, people and their API keys. Everything but a tenant itself carries tenant_id."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.database import Base, UtcTime

ID = String(40)


class Tenant(Base):
    """A company. `receipt_salt` makes the hashes on deletion receipts its own."""

    __tablename__ = "tenants"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    created: Mapped[datetime] = mapped_column(UtcTime)
    retention_days: Mapped[int | None]
    receipt_salt: Mapped[str] = mapped_column(String(64))


class Team(Base):
    """A sales team."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("tenant_id", "name"), UniqueConstraint("tenant_id", "id"))

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)


class Person(Base):
    """A rep or a trainer; `external_id` is the CRM's name for them."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("tenant_id", "external_id"),
        UniqueConstraint("tenant_id", "id"),
        # A team of another tenant cannot be named, whatever the code above forgets.
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        CheckConstraint("role IN ('rep', 'trainer')"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    team_id: Mapped[str | None] = mapped_column(ID)
    role: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(200))
    external_id: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)


class ApiKey(Base):
    """A key: its SHA-256, never the key itself; `prefix` is what lists show."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
        CheckConstraint("role IN ('admin', 'trainer', 'rep', 'integration', 'draft')"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    role: Mapped[str] = mapped_column(String(12))
    person_id: Mapped[str | None] = mapped_column(ID)
    integration_id: Mapped[str | None] = mapped_column(ID)
    label: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(12))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created: Mapped[datetime] = mapped_column(UtcTime)
    last_used: Mapped[datetime | None] = mapped_column(UtcTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcTime)


class KeyTeam(Base):
    """A team that a trainer's key may read."""

    __tablename__ = "api_key_teams"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "key_id"], ["api_keys.tenant_id", "api_keys.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        Index("ix_api_key_teams_tenant_team", "tenant_id", "team_id"),
    )

    key_id: Mapped[str] = mapped_column(ID, primary_key=True)
    team_id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
