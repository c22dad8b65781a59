"""What audits count of each note, in one narrow row; filled from the analyses that are stored."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PART = 1000
KINDS = ("diagnostic", "flow_of_events")
KP = ("met_first_kp", "met_other_only", "met_nobody", "unclear")
OUTCOMES = ("signed", "not_signed", "unclear")
CLASSES = (None, "A", "B", "C", "D")
SIDES = (None, "competitor", "customer")
TYPES = ("price", "payment", "authority", "stall", "need", "product", "trust", "incumbent")
DIMENSIONS = ("kp", "need", "recognition", "objection", "figures", "competition", "close_attempt", "diagnosis", "reflection", "next_step")


def upgrade() -> None:
    facts = op.create_table(
        "note_facts",
        sa.Column("tenant_id", sa.String(length=40), nullable=False),
        sa.Column("note_id", sa.String(length=40), nullable=False),
        sa.Column("team_id", sa.String(length=40), nullable=True),
        sa.Column("person_id", sa.String(length=40), nullable=True),
        sa.Column("customer_key", sa.String(length=200), nullable=True),
        sa.Column("visited_at", sa.Date(), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("price_gap_percent", sa.Double(), nullable=True),
        sa.Column("packed", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id", "note_id"], ["notes.tenant_id", "notes.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tenant_id", "note_id"),
        sqlite_with_rowid=False,
    )
    for part in _stored():
        op.bulk_insert(facts, part)


def _stored() -> Iterator[list[dict[str, Any]]]:
    """The facts of the notes that are stored, a part at a time."""
    query = sa.text(
        "SELECT a.id, a.tenant_id, a.note_id, n.team_id, n.person_id, n.customer, n.customer_id, n.visited_at, n.hidden, a.model_version, a.kind,"
        " a.score, a.kp_status, a.outcome, a.price_gap_percent, a.price_gap_against, a.result"
        " FROM analyses a JOIN notes n ON n.id = a.note_id WHERE a.current AND a.id > :after ORDER BY a.id LIMIT :part"
    ).columns(visited_at=sa.Date, hidden=sa.Boolean)
    after = ""
    while rows := op.get_bind().execute(query, {"after": after, "part": PART}).mappings().all():
        yield [_facts(dict(row)) for row in rows]
        after = rows[-1]["id"]


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    result = json.loads(row["result"])
    packed = row["score"] | KINDS.index(row["kind"]) << 7 | KP.index(row["kp_status"]) << 8 | OUTCOMES.index(row["outcome"]) << 10
    packed |= CLASSES.index(result["customer_class"] and result["customer_class"]["label"]) << 12
    packed |= SIDES.index(row["price_gap_against"]) << 15
    for objection in result["objections"]:
        packed |= 1 << 17 + 2 * TYPES.index(objection["type"]) + (objection["status"] == "resolved")
    for dimension in result["quality"]["dimensions"]:
        packed |= dimension["level"] << 33 + 2 * DIMENSIONS.index(dimension["id"])
    same = ("tenant_id", "note_id", "team_id", "person_id", "visited_at", "hidden", "model_version", "price_gap_percent")
    return {"customer_key": row["customer_id"] or row["customer"], "packed": packed, **{name: row[name] for name in same}}


def downgrade() -> None:
    op.drop_table("note_facts")
