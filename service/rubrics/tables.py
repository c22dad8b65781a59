"""Rows of rubrics: a tenant's versions, and which was switched on when."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class RubricVersion(Base):
    """A version, never changed; 0 is labels.md's own and has no row. `author_id` is a person's or a key's id, `author` the name at that time.
    `tried` is when it was first tried on past notes."""

    __tablename__ = "rubric_versions"

    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    remark: Mapped[str] = mapped_column(String(200))
    author_id: Mapped[str | None] = mapped_column(ID)
    author: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)
    tried: Mapped[datetime | None] = mapped_column(UtcTime)


class RubricSwitch(Base):
    """A version switched on; the tenant's last one is on. Without any, labels.md's own (0) is."""

    __tablename__ = "rubric_switches"

    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    author_id: Mapped[str | None] = mapped_column(ID)
    author: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)
