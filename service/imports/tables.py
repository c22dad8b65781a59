"""Rows of imports. Files and staged rows hold note text and go as soon as they are read; what stays says counts and places only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class Import(Base):
    """A file on its way to notes. `position` is the last row of it that was taken in, `next_at` when somebody is to work on it (again)."""

    __tablename__ = "imports"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        CheckConstraint("state IN ('uploaded', 'reading', 'noting', 'done', 'failed', 'cancelling', 'cancelled')"),
        Index("ix_imports_state", "state", "next_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    team_id: Mapped[str | None] = mapped_column(ID)
    filename: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(10))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    columns: Mapped[list[str]] = mapped_column(JSON)
    matching: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(12))
    reason: Mapped[str | None] = mapped_column(String(200))
    total: Mapped[int]
    position: Mapped[int]
    handled: Mapped[int]
    stored: Mapped[int]
    known: Mapped[int]
    faults: Mapped[int]
    made: Mapped[list[str]] = mapped_column(JSON)
    slices: Mapped[int]
    next_at: Mapped[datetime | None] = mapped_column(UtcTime)
    created: Mapped[datetime] = mapped_column(UtcTime)
    finished: Mapped[datetime | None] = mapped_column(UtcTime)


class ImportPart(Base):
    """A piece of the uploaded file."""

    __tablename__ = "import_parts"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "import_id"], ["imports.tenant_id", "imports.id"], ondelete="CASCADE"),)

    import_id: Mapped[str] = mapped_column(ID, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class ImportRow(Base):
    """A row of the file that was read and waits to become a note."""

    __tablename__ = "import_rows"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "import_id"], ["imports.tenant_id", "imports.id"], ondelete="CASCADE"),)

    import_id: Mapped[str] = mapped_column(ID, primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    text: Mapped[str] = mapped_column(Text)
    visited_at: Mapped[date | None]
    crm_id: Mapped[str | None] = mapped_column(String(200))
    rep: Mapped[str | None] = mapped_column(String(200))
    rep_id: Mapped[str | None] = mapped_column(String(200))
    team: Mapped[str | None] = mapped_column(String(200))
    customer: Mapped[str | None] = mapped_column(String(200))
    customer_id: Mapped[str | None] = mapped_column(String(200))


class ImportFault(Base):
    """A row that does not become a note, and why; nothing of what stands in it."""

    __tablename__ = "import_faults"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "import_id"], ["imports.tenant_id", "imports.id"], ondelete="CASCADE"),)

    import_id: Mapped[str] = mapped_column(ID, primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    field: Mapped[str] = mapped_column(String(20))
    message: Mapped[str] = mapped_column(String(200))
