"""Trainers' corrections and reps' appeals; which analysis carries corrected values."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _texts(*columns: tuple[str, int, bool]) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(length=length), nullable=nullable) for name, length, nullable in columns]


def _note() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE")


def upgrade() -> None:
    op.add_column("analyses", sa.Column("review_id", sa.String(length=40), nullable=True))
    op.create_table(
        "note_reviews",
        *_texts(("id", 40, False), ("tenant_id", 40, False), ("note_id", 40, False)),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts(("analysis_id", 40, False), ("model_version", 64, False)),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("corrected", sa.JSON(), nullable=False),
        sa.Column("differs", sa.JSON(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        *_texts(("by_id", 40, False), ("by_name", 200, False)),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("changed", sa.DateTime(), nullable=False),
        _note(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("note_id", "by_id", "blind"),
    )
    op.create_index("ix_note_reviews_tenant", "note_reviews", ["tenant_id", "note_id"], unique=False)
    op.create_table(
        "corrections",
        *_texts(("id", 40, False), ("tenant_id", 40, False), ("note_id", 40, False)),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts(("analysis_id", 40, False), ("model_version", 64, False), ("field", 40, False)),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        *_texts(("by_id", 40, False), ("by_name", 200, False)),
        sa.Column("created", sa.DateTime(), nullable=False),
        *_texts(("appeal_id", 40, True)),
        _note(),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_corrections_tenant_note", "corrections", ["tenant_id", "note_id"], unique=False)
    op.create_table(
        "appeals",
        *_texts(("id", 40, False), ("tenant_id", 40, False), ("note_id", 40, False)),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_texts(("analysis_id", 40, False), ("kind", 10, False)),
        sa.Column("finding", sa.JSON(), nullable=True),
        *_texts(("dimension", 20, True), ("reason", 500, True), ("state", 10, False), ("answer", 500, True)),
        *_texts(("decided_by", 40, True), ("decided_by_name", 200, True)),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("decided", sa.DateTime(), nullable=True),
        _note(),
        sa.CheckConstraint("kind IN ('finding', 'score')"),
        sa.CheckConstraint("state IN ('open', 'accepted', 'rejected')"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_appeals_tenant_note", "appeals", ["tenant_id", "note_id"], unique=False)
    op.create_index("ix_appeals_tenant_state", "appeals", ["tenant_id", "state", "id"], unique=False)


def downgrade() -> None:
    for table in ("appeals", "corrections", "note_reviews"):
        op.drop_table(table)
    op.execute("DELETE FROM analysis_objections WHERE analysis_id IN (SELECT id FROM analyses WHERE review_id IS NOT NULL)")
    op.execute("DELETE FROM analyses WHERE review_id IS NOT NULL")
    op.drop_column("analyses", "review_id")
