"""The database refuses to change or delete journal records, and to change payloads.

A payload may be deleted: personal data are erased under the law, and the chain of digests still verifies.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("journal_records", "journal_payloads")
REFUSED = (("journal_records", "UPDATE"), ("journal_records", "DELETE"), ("journal_payloads", "UPDATE"))


def upgrade() -> None:
    """Make the triggers of this database."""
    if op.get_bind().dialect.name == "sqlite":
        for table, act in REFUSED:
            op.execute(
                f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the journal is append-only: {act} of {table}'); END"
            )
        for table in TABLES:
            # INSERT OR REPLACE deletes without firing the trigger above.
            op.execute(
                f"CREATE TRIGGER {_name(table, 'REPLACE')} BEFORE INSERT ON {table} "  # noqa: S608
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE case_id = NEW.case_id AND seq = NEW.seq) "
                f"BEGIN SELECT RAISE(ABORT, 'the journal is append-only: REPLACE of {table}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change_of_journal() RETURNS trigger LANGUAGE plpgsql AS $$ "
        "BEGIN RAISE EXCEPTION 'the journal is append-only: % of %', TG_OP, TG_TABLE_NAME; END $$"
    )
    for table, act in REFUSED:
        op.execute(_postgresql_trigger(table, act, "ROW"))
    for table in TABLES:
        op.execute(_postgresql_trigger(table, "TRUNCATE", "STATEMENT"))


def downgrade() -> None:
    """Remove the triggers."""
    if op.get_bind().dialect.name == "sqlite":
        for table, act in REFUSED:
            op.execute(f"DROP TRIGGER {_name(table, act)}")
        for table in TABLES:
            op.execute(f"DROP TRIGGER {_name(table, 'REPLACE')}")
        return
    op.execute("DROP FUNCTION refuse_change_of_journal CASCADE")


def _name(table: str, act: str) -> str:
    return f"refuse_{act.lower()}_of_{table}"


def _postgresql_trigger(table: str, act: str, level: str) -> str:
    return (
        f"CREATE TRIGGER {_name(table, act)} BEFORE {act} ON {table} "
        f"FOR EACH {level} EXECUTE FUNCTION refuse_change_of_journal()"
    )
