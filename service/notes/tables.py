"""Rows of notes. What is filtered and counted stands in columns, so that an audit of many notes is SQL; the whole result stands beside it as JSON."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from service.accounts.tables import ID
from service.database import Base, UtcTime


class StoredNote(Base):
    """A visit note in its newest revision.

    `source` is who owns it in the CRM's sense (an integration's id, a rep's id, or `api`): a CRM id is unique within its source.
    `hidden`: brought in by an import that has not finished; nobody sees it yet (service/imports).
    """

    __tablename__ = "notes"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        UniqueConstraint("tenant_id", "source", "crm_id"),
        ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"]),
        Index("ix_notes_tenant_team", "tenant_id", "team_id", "id"),
        Index("ix_notes_tenant_person", "tenant_id", "person_id", "id"),
        Index("ix_notes_tenant_customer", "tenant_id", "customer"),
        Index("ix_notes_tenant_customer_id", "tenant_id", "customer_id"),
        Index("ix_notes_tenant_visited", "tenant_id", "visited_at"),
        Index("ix_notes_tenant_created", "tenant_id", "created"),
        Index("ix_notes_tenant_import", "tenant_id", "import_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"))
    team_id: Mapped[str | None] = mapped_column(ID)
    person_id: Mapped[str | None] = mapped_column(ID)
    customer: Mapped[str | None] = mapped_column(String(200))
    customer_id: Mapped[str | None] = mapped_column(String(200))
    visited_at: Mapped[date]
    source: Mapped[str] = mapped_column(ID)
    crm_id: Mapped[str | None] = mapped_column(String(200))
    revision: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(UtcTime)
    changed: Mapped[datetime] = mapped_column(UtcTime)
    import_id: Mapped[str | None] = mapped_column(ID)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())


class NoteEvent(Base):
    """A webhook's event that has been written to a note, so that the same event, whenever it comes again, changes nothing."""

    __tablename__ = "note_events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        Index("ix_note_events_note", "note_id"),
    )

    tenant_id: Mapped[str] = mapped_column(ID, primary_key=True)
    event_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    note_id: Mapped[str] = mapped_column(ID)


class NoteRevision(Base):
    """An earlier text of a note whose text or visit date the CRM changed; its analyses keep their offsets into it."""

    __tablename__ = "note_revisions"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),)

    note_id: Mapped[str] = mapped_column(ID, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    text: Mapped[str] = mapped_column(Text)
    visited_at: Mapped[date]
    replaced: Mapped[datetime] = mapped_column(UtcTime)


class StoredAnalysis(Base):
    """One analysis of one revision by one model version, scored by one version of the tenant's rubric (0: labels.md's own). `current` marks the
    one that counts; `result` is the API's Analysis as JSON.

    With `review_id` it is a model's analysis with a trainer's corrections put in (service/corrections); the model's own stands beside it."""

    __tablename__ = "analyses"
    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        Index("ix_analyses_note", "note_id", "id"),
        Index("ix_analyses_tenant_score", "tenant_id", "current", "score"),
        Index(
            "uq_analyses_current",
            "note_id",
            unique=True,
            sqlite_where=text("current"),
            postgresql_where=text("current"),
        ),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    note_id: Mapped[str] = mapped_column(ID)
    revision: Mapped[int]
    current: Mapped[bool]
    model_version: Mapped[str] = mapped_column(String(64))
    created: Mapped[datetime] = mapped_column(UtcTime)
    kind: Mapped[str] = mapped_column(String(20))
    score: Mapped[int]
    grade: Mapped[str] = mapped_column(String(10))
    kp_status: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    price_gap: Mapped[float | None]
    price_gap_percent: Mapped[float | None]
    price_gap_against: Mapped[str | None] = mapped_column(String(20))
    review_id: Mapped[str | None] = mapped_column(ID)
    result: Mapped[str] = mapped_column(Text)
    rubric_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class AnalysisObjection(Base):
    """An objection of an analysis; the quote is `text[quote_start:quote_end]` of the analyzed revision."""

    __tablename__ = "analysis_objections"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "analysis_id"], ["analyses.tenant_id", "analyses.id"], ondelete="CASCADE"),
        Index("ix_analysis_objections_tenant_type", "tenant_id", "type", "status"),
    )

    analysis_id: Mapped[str] = mapped_column(ID, primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID)
    type: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(10))
    quote_start: Mapped[int]
    quote_end: Mapped[int]


class NoteFacts(Base):
    """What audits count of a note in its newest revision and current analysis: one narrow row a note, so that 100,000 are read in one pass.
    `packed` holds score, labels, objections and rubric levels as the bit fields of service/notes/facts.py."""

    __tablename__ = "note_facts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        {"sqlite_with_rowid": False},  # a tenant's rows lie together in the order of its key
    )

    tenant_id: Mapped[str] = mapped_column(ID, primary_key=True)
    note_id: Mapped[str] = mapped_column(ID, primary_key=True)
    team_id: Mapped[str | None] = mapped_column(ID)
    person_id: Mapped[str | None] = mapped_column(ID)
    customer_key: Mapped[str | None] = mapped_column(String(200))
    visited_at: Mapped[date]
    model_version: Mapped[str] = mapped_column(String(64))
    price_gap_percent: Mapped[float | None]
    packed: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bool] = mapped_column(default=False, server_default=false())
    rubric_version: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class DeletionReceipt(Base):
    """Proof of a deletion: what kind, how many rows, and hashes of the ids; nothing that was deleted can be read from it."""

    __tablename__ = "deletion_receipts"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    tenant_id: Mapped[str] = mapped_column(ID, ForeignKey("tenants.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    subject_hash: Mapped[str | None] = mapped_column(String(64))
    counts: Mapped[dict[str, int]] = mapped_column(JSON)
    note_hashes: Mapped[list[str]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UtcTime)
