"""Sessions of the pages; imports, their staged rows and faults; which notes came by an import."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("person_id", sa.String(length=40), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("expires", sa.DateTime(), nullable=False),
        sa.CheckConstraint("(key_id IS NULL) <> (person_id IS NULL)"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "key_id"], ["api_keys.tenant_id", "api_keys.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["tenant_id", "person_id"], ["people.tenant_id", "people.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
    )
    op.create_index("ix_sessions_expires", "sessions", ["expires"], unique=False)
    op.add_column("notes", sa.Column("import_id", sa.String(length=40), nullable=True))
    op.add_column("notes", sa.Column("hidden", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("ix_notes_tenant_import", "notes", ["tenant_id", "import_id"], unique=False)
    op.create_table(
        "imports",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("matching", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("total", "position", "handled", "stored", "known", "faults")),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("slices", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("finished", sa.DateTime(), nullable=True),
        sa.CheckConstraint("state IN ('uploaded', 'reading', 'noting', 'done', 'failed', 'cancelling', 'cancelled')"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        sa.ForeignKeyConstraint(["tenant_id", "team_id"], ["teams.tenant_id", "teams.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant_id", "id"),
    )
    op.create_index("ix_imports_state", "imports", ["state", "next_at"], unique=False)

    def of_import(name: str, key: str, *columns: sa.Column[Any]) -> None:
        op.create_table(
            name,
            sa.Column("import_id", sa.String(length=40), nullable=False),
            sa.Column(key, sa.Integer(), nullable=False),
            sa.Column("tenant_id", sa.String(length=40), nullable=False),
            *columns,
            sa.ForeignKeyConstraint(["tenant_id", "import_id"], ["imports.tenant_id", "imports.id"], ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("import_id", key),
        )

    of_import("import_parts", "number", sa.Column("content", sa.LargeBinary(), nullable=False))
    of_import(
        "import_rows",
        "row",
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("visited_at", sa.Date(), nullable=True),
        *(sa.Column(name, sa.String(length=200), nullable=True) for name in ("crm_id", "rep", "rep_id", "team", "customer", "customer_id")),
    )
    of_import(
        "import_faults",
        "row",
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("message", sa.String(length=200), nullable=False),
    )


def downgrade() -> None:
    for name in ("import_faults", "import_rows", "import_parts", "imports"):
        op.drop_table(name)
    op.drop_index("ix_notes_tenant_import", "notes")
    with op.batch_alter_table("notes") as notes:
        notes.drop_column("hidden")
        notes.drop_column("import_id")
    op.drop_table("sessions")
