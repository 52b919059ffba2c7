"""Rows are put back from the chains by two people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rebuildings",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tables", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_by", sa.String(64), nullable=False),
        sa.Column("asked_at", sa.String(27), nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at", sa.String(27)),
        sa.Column("done_at", sa.String(27)),
    )
    op.create_table(
        "put_back_rows",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "rebuilding_id",
            sa.Integer,
            sa.ForeignKey("rebuildings.id", name="fk_put_back_rows_rebuilding_id"),
            nullable=False,
        ),
        sa.Column("case_id", sa.String(36)),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("found", sa.Text, nullable=False),
        sa.Column("recorded", sa.Text, nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
    )
    op.create_index("ix_put_back_rows_rebuilding_id", "put_back_rows", ["rebuilding_id"])
    op.create_index("ix_put_back_rows_case_id", "put_back_rows", ["case_id"])


def downgrade() -> None:
    op.drop_table("put_back_rows")
    op.drop_table("rebuildings")
