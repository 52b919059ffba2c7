"""Corrections of records wait for a second person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing waits yet."""
    op.create_table(
        "corrections",
        sa.Column("book_id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("record_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("decided_seq", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),
        sa.ForeignKeyConstraint(["book_id", "decided_seq"], ["book_entries.book_id", "book_entries.seq"]),
    )
    op.create_index("ix_corrections_record", "corrections", ["kind", "record_id"])
    waits = sa.text("decided_seq IS NULL")
    op.create_index(
        "ix_corrections_waiting",
        "corrections",
        ["kind", "record_id"],
        unique=True,
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    """What was proposed is lost; the books keep who proposed it, when and why."""
    op.drop_table("corrections")
