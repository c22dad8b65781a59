"""Which model version is active since when, and by whom."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_switches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("switched", sa.DateTime(), nullable=False),
        sa.Column("switched_by", sa.String(length=200), nullable=False),
        sa.CheckConstraint("kind IN ('promote', 'rollback')"),
        sa.ForeignKeyConstraint(["before"], ["model_switches.id"]),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("model_switches")
