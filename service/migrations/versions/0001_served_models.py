"""Which model versions this installation has served."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "served_models",
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("corpus_hash", sa.String(64), nullable=False),
        sa.Column("trained_at", sa.String(40), nullable=False),
        sa.Column("first_served_at", sa.DateTime(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("served_models")
