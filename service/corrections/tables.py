"""Rows of corrections and appeals. All hang on a note and go with it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class NoteReview(Base):
    """A trainer's labels of one revision of a note, as that trainer last left them.

    `labels` are all labels of the note in corpora's form; `corrected` the fields a person set, the others are the model's; `differs` the compared
    fields in which they differ from the model's analysis they were made over. `complete`: the
    trainer said that all are right. `blind`: made without seeing another trainer's labels, for agreement alone; a note's corrected labels
    are those of its newest review that is not blind. `by_id` is a person or a key; both names are empty once that person is deleted.
    """

    __tablename__ = "note_reviews"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        UniqueConstraint("note_id", "by_id", "blind"),
        Index("ix_note_reviews_tenant", "tenant_id", "note_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    note_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
    analysis_id: Mapped[str] = mapped_column(ID)
    model_version: Mapped[str] = mapped_column(String(64))
    labels: Mapped[dict[str, Any]] = mapped_column(JSON)
    corrected: Mapped[list[str]] = mapped_column(JSON)
    differs: Mapped[list[str]] = mapped_column(JSON)
    complete: Mapped[bool]
    blind: Mapped[bool]
    by_id: Mapped[str] = mapped_column(ID)
    by_name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)
    changed: Mapped[datetime] = mapped_column(UtcTime)


class Correction(Base):
    """One field of a note changed by a trainer: from what to what, over which analysis of which model version. Never changed afterwards."""

    __tablename__ = "corrections"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        Index("ix_corrections_tenant_note", "tenant_id", "note_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    note_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
    analysis_id: Mapped[str] = mapped_column(ID)
    model_version: Mapped[str] = mapped_column(String(64))
    field: Mapped[str] = mapped_column(String(40))
    before: Mapped[Any] = mapped_column(JSON)
    after: Mapped[Any] = mapped_column(JSON)
    blind: Mapped[bool]
    by_id: Mapped[str] = mapped_column(ID)
    by_name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)
    appeal_id: Mapped[str | None] = mapped_column(ID)


class Appeal(Base):
    """What a rep objects to: a finding that is none (`finding`), or the score (`score`, with a reason and perhaps the part of it)."""

    __tablename__ = "appeals"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        CheckConstraint("kind IN ('finding', 'score')"),
        CheckConstraint("state IN ('open', 'accepted', 'rejected')"),
        Index("ix_appeals_tenant_note", "tenant_id", "note_id"),
        Index("ix_appeals_tenant_state", "tenant_id", "state", "id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    note_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
    analysis_id: Mapped[str] = mapped_column(ID)
    kind: Mapped[str] = mapped_column(String(10))
    finding: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    dimension: Mapped[str | None] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(500))
    state: Mapped[str] = mapped_column(String(10))
    answer: Mapped[str | None] = mapped_column(String(500))
    decided_by: Mapped[str | None] = mapped_column(ID)
    decided_by_name: Mapped[str | None] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(UtcTime)
    decided: Mapped[datetime | None] = mapped_column(UtcTime)
