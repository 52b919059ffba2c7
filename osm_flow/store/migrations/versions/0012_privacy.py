"""Reads that are recorded, legal holds, erasures, and cases that are sensitive whatever their process says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ACCESS_COLUMNS = ("id", "at", "actor", "role", "office_id", "kind", "subject", "case_id", "reason")


def upgrade() -> None:
    """Make the tables and the triggers that refuse to change what was read and held."""
    op.add_column("cases", sa.Column("is_sensitive", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "accesses",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("office_id", sa.String(length=16), nullable=True),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accesses")),
    )
    for column in ("office_id", "actor", "case_id", "kind"):
        op.create_index(op.f(f"ix_accesses_{column}_id"), "accesses", [column, "id"])
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lifts_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.String(length=36), nullable=True),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["lifts_id"], ["legal_holds.id"], name=op.f("fk_legal_holds_lifts_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_holds_case_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_legal_holds_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
        sa.UniqueConstraint("lifts_id", name=op.f("uq_legal_holds_lifts_id")),
    )
    op.create_index(op.f("ix_legal_holds_case_id"), "legal_holds", ["case_id"])
    op.create_index(op.f("ix_legal_holds_person_id"), "legal_holds", ["person_id"])
    op.create_table(
        "erasure_requests",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("office_id", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_at", sa.String(length=27), nullable=False),
        sa.Column("decided_by", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.String(length=27), nullable=True),
        sa.Column("done_at", sa.String(length=27), nullable=True),
        sa.Column("scrubbed_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["office_id"], ["offices.id"], name=op.f("fk_erasure_requests_office_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_requests")),
    )
    op.create_index(op.f("ix_erasure_requests_office_id_id"), "erasure_requests", ["office_id", "id"])
    op.create_index(op.f("ix_erasure_requests_state_id"), "erasure_requests", ["state", "id"])
    op.create_table(
        "erasure_items",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.String(length=27), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["erasure_requests.id"], name=op.f("fk_erasure_items_request_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_erasure_items_case_id")),
        sa.PrimaryKeyConstraint("request_id", "case_id", "seq", name=op.f("pk_erasure_items")),
    )
    op.create_index(op.f("ix_erasure_items_case_id"), "erasure_items", ["case_id"])
    for statement in _refusals():
        op.execute(statement)


def downgrade() -> None:
    """Drop the tables; their triggers go with them."""
    for table in ("erasure_items", "erasure_requests", "legal_holds", "accesses"):
        op.drop_table(table)
    with op.batch_alter_table("cases") as cases:
        cases.drop_column("is_sensitive")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_access")


def _refusals() -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        kept = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in ACCESS_COLUMNS)
        refused = {
            table: f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END" for table in ("accesses", "legal_holds")
        }
        return [
            "CREATE TRIGGER refuse_update_of_accesses BEFORE UPDATE ON accesses "
            f"WHEN NEW.details != '' OR {kept} {refused['accesses']}",
            f"CREATE TRIGGER refuse_update_of_legal_holds BEFORE UPDATE ON legal_holds {refused['legal_holds']}",
            *(
                f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} {refused[table]}"
                for table in refused
            ),
            *(
                f"CREATE TRIGGER refuse_replace_of_{table} BEFORE INSERT ON {table} "  # noqa: S608
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) {refused[table]}"
                for table in refused
            ),
        ]
    kept = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in ACCESS_COLUMNS)
    function = (
        "CREATE FUNCTION refuse_change_of_access() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.details != '' OR {kept} THEN RAISE EXCEPTION 'accesses is append-only'; END IF; RETURN NEW; END $$"
    )
    refuse = "EXECUTE FUNCTION refuse_change_of_journal()"
    update = "BEFORE UPDATE ON accesses FOR EACH ROW EXECUTE FUNCTION refuse_change_of_access()"
    return [
        function,
        f"CREATE TRIGGER refuse_update_of_accesses {update}",
        f"CREATE TRIGGER refuse_update_of_legal_holds BEFORE UPDATE ON legal_holds FOR EACH ROW {refuse}",
        *(
            f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} FOR EACH ROW {refuse}"
            for table in ("accesses", "legal_holds")
        ),
        *(
            f"CREATE TRIGGER refuse_truncate_of_{table} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}"
            for table in ("accesses", "legal_holds")
        ),
    ]
