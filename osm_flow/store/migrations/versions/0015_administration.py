"""The record of administration, the triggers that refuse to change it, and the index that pruning the outbox needs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "admin_records"


def upgrade() -> None:
    """Make the table and its triggers; what was done before this version left no record."""
    op.create_table(
        TABLE,
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("actor_role", sa.String(length=64), nullable=True),
        sa.Column("office_id", sa.String(length=16), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_admin_records")),
    )
    for column in ("office_id", "actor", "subject", "kind"):
        op.create_index(op.f(f"ix_admin_records_{column}_seq"), TABLE, [column, "seq"])
    for statement in _refusals():
        op.execute(statement)
    op.create_index(op.f("ix_outbox_done_at"), "outbox", ["done_at"])


def downgrade() -> None:
    """Drop the index, and the table with its triggers."""
    op.drop_index(op.f("ix_outbox_done_at"), "outbox")
    op.drop_table(TABLE)


def _refusals() -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        refused = f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only'); END"
        # INSERT OR REPLACE deletes without firing the trigger of DELETE.
        exists = f"WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE seq = NEW.seq)"  # noqa: S608
        return [
            f"CREATE TRIGGER refuse_update_of_{TABLE} BEFORE UPDATE ON {TABLE} {refused}",
            f"CREATE TRIGGER refuse_delete_of_{TABLE} BEFORE DELETE ON {TABLE} {refused}",
            f"CREATE TRIGGER refuse_replace_of_{TABLE} BEFORE INSERT ON {TABLE} {exists} {refused}",
        ]
    refused = "EXECUTE FUNCTION refuse_change_of_journal()"
    return [
        f"CREATE TRIGGER refuse_update_of_{TABLE} BEFORE UPDATE ON {TABLE} FOR EACH ROW {refused}",
        f"CREATE TRIGGER refuse_delete_of_{TABLE} BEFORE DELETE ON {TABLE} FOR EACH ROW {refused}",
        f"CREATE TRIGGER refuse_truncate_of_{TABLE} BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT {refused}",
    ]
