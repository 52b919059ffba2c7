"""Every record of a case, of administration and of reads waits in `to_log` from the transaction that writes it, whichever version writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# The tables of records, with what their chain is called in the log.
_CHAINS = {
    "journal_records": "NEW.case_id",
    "admin_records": "'administration'",
    "access_records": "'reads'",
}
_COLUMNS = "(chain, seq, hash, at)"


def upgrade() -> None:
    """Make the triggers, then note what was written before and is not logged yet.

    On PostgreSQL a trigger is made once nobody is writing into its table, and whoever writes next waits until it is
    there; on SQLite nobody else writes. So every record is noted by one of the two.
    """
    for statement in _triggers():
        op.execute(statement)
    for table, chain in _CHAINS.items():
        op.execute(_not_logged(table, chain))


def downgrade() -> None:
    """The version before finds by its own notes what is not logged."""
    for table in _CHAINS:
        on_table = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
        op.execute(f"DROP TRIGGER note_insert_of_{table}{on_table}")
        if on_table:
            op.execute(f"DROP FUNCTION note_insert_of_{table}")
    op.get_bind().execute(sa.text("DELETE FROM to_log WHERE chain NOT IN (SELECT name FROM books)"))


def _triggers() -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        return [
            f"CREATE TRIGGER note_insert_of_{table} AFTER INSERT ON {table} BEGIN "  # noqa: S608 (names of tables)
            f"INSERT OR REPLACE INTO to_log {_COLUMNS} VALUES ({chain}, NEW.seq, NEW.hash, NEW.at); END"
            for table, chain in _CHAINS.items()
        ]
    made = []
    for table, chain in _CHAINS.items():
        made += [
            f"CREATE FUNCTION note_insert_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
            f"INSERT INTO to_log {_COLUMNS} VALUES ({chain}, NEW.seq, NEW.hash, NEW.at) "
            "ON CONFLICT (chain, seq) DO UPDATE SET hash = EXCLUDED.hash, at = EXCLUDED.at; RETURN NULL; END $$",
            f"CREATE TRIGGER note_insert_of_{table} AFTER INSERT ON {table} FOR EACH ROW "
            f"EXECUTE FUNCTION note_insert_of_{table}()",
        ]
    return made


def _not_logged(table: str, chain: str) -> str:
    named = chain.replace("NEW", "r")
    newest = f"SELECT COALESCE(MAX(l.seq), 0) FROM log_leaves l WHERE l.case_id = {named}"  # noqa: S608
    return f"INSERT INTO to_log {_COLUMNS} SELECT {named}, r.seq, r.hash, r.at FROM {table} r WHERE r.seq > ({newest})"  # noqa: S608
