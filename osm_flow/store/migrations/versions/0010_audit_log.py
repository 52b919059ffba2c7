"""The Merkle log over all journals, its checkpoints, keys and witnesses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0002"
branch_labels = None
depends_on = None

APPEND_ONLY = {"log_leaves": "position", "log_checkpoints": "id", "signing_keys": "id"}


def upgrade() -> None:
    """Make the tables, and the triggers that refuse to change what was logged or signed."""
    op.create_table(
        "log_leaves",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log_leaves")),
        sa.UniqueConstraint("case_id", "seq", name=op.f("uq_log_leaves_case_id_seq")),
    )
    op.create_table(
        "log_nodes",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("level", "position", name=op.f("pk_log_nodes")),
    )
    op.create_table(
        "logged_cases",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_logged_cases")),
    )
    op.create_table(
        "signing_keys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("public_key", sa.String(length=64), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("endorsement", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
        sa.UniqueConstraint("key_id", name=op.f("uq_signing_keys_key_id")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("key_id", sa.String(length=8), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_checkpoints")),
    )
    op.create_index(op.f("ix_log_checkpoints_size"), "log_checkpoints", ["size"])
    op.create_table(
        "witnesses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("added_by", sa.String(length=64), nullable=False),
        sa.Column("added_at", sa.String(length=27), nullable=False),
        sa.Column("removed_by", sa.String(length=64), nullable=True),
        sa.Column("removed_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_witnesses_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_witnesses")),
    )
    op.create_index(op.f("ix_witnesses_office_id_removed_at"), "witnesses", ["office_id", "removed_at"])
    for table, key in APPEND_ONLY.items():
        for statement in _refusals(table, key):
            op.execute(statement)


def downgrade() -> None:
    """Drop the tables; their triggers go with them."""
    for table in ("witnesses", "log_checkpoints", "signing_keys", "logged_cases", "log_nodes", "log_leaves"):
        op.drop_table(table)


def _refusals(table: str, key: str) -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608
        return [
            f"CREATE TRIGGER refuse_update_of_{table} BEFORE UPDATE ON {table} {refused}",
            f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} {refused}",
            f"CREATE TRIGGER refuse_replace_of_{table} BEFORE INSERT ON {table} {exists} {refused}",
        ]
    refused = "EXECUTE FUNCTION refuse_change_of_journal()"
    return [
        f"CREATE TRIGGER refuse_update_of_{table} BEFORE UPDATE ON {table} FOR EACH ROW {refused}",
        f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} FOR EACH ROW {refused}",
        f"CREATE TRIGGER refuse_truncate_of_{table} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refused}",
    ]
