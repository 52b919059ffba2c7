"""The books of the office's records: entries, the changes under them, what these say, sets, and what is to be logged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import Instant

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# What only grows, with the columns by which a row is known.
_GROWING = {
    "book_entries": ("book_id", "seq"),
    "record_changes": ("kind", "record_id", "version"),
    "record_sets": ("digest",),
}
# What may lose words by law: of a version the personal half with its salt; of a reason the whole row.
_BODY = ("kind", "record_id", "version", "salt", "body")


def upgrade() -> None:
    """Make the tables, and the triggers that refuse to change and delete what only grows."""
    _make_books()
    _make_changes()
    op.create_table(
        "to_log",
        sa.Column("chain", sa.String(64), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
    )
    op.create_index("ix_to_log_at", "to_log", ["at"])
    for statement in _refusals():
        op.execute(statement)


def downgrade() -> None:
    """Only books that say nothing beyond what the upgrade wrote into them go."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM book_entries WHERE act != 'migrated'")).first():
        raise RuntimeError("there are entries in the books; an earlier version cannot keep them")
    logged = sa.text("SELECT 1 FROM log_leaves WHERE case_id IN (SELECT name FROM books)")
    if op.get_bind().execute(logged).first():
        raise RuntimeError("the signed log has entries of books; without them it would never verify again")
    for table in (
        "to_log",
        "record_sets",
        "change_bodies",
        "record_changes",
        "entry_reasons",
        "book_entries",
        "books",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_body")


def _make_books() -> None:
    op.create_table(
        "books",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("office_id", sa.String(16), sa.ForeignKey("offices.id"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("head", sa.String(64), nullable=True),
        sa.Column("head_at", Instant(), nullable=True),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.UniqueConstraint("name", name="uq_books_name"),
    )
    op.create_index("ix_books_kind_office_id_year", "books", ["kind", "office_id", "year"], unique=True)
    op.create_table(
        "book_entries",
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("act", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("actor_role", sa.String(64), nullable=True),
        sa.Column("on_behalf_of", sa.String(64), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("reason_digest", sa.String(64), nullable=True),
        sa.Column("confirmed", sa.Text(), nullable=True),
        sa.Column("changes_digest", sa.String(64), nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_table(
        "entry_reasons",
        sa.Column("book_id", sa.Integer(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),
    )


def _make_changes() -> None:
    op.create_table(
        "record_changes",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("record_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("book_id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("personal_digest", sa.String(64), nullable=True),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["book_id", "seq"], ["book_entries.book_id", "book_entries.seq"]),
    )
    op.create_index("ix_record_changes_book_id_seq", "record_changes", ["book_id", "seq"])
    op.create_table(
        "change_bodies",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("record_id", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("personal_salt", sa.String(32), nullable=False),
        sa.Column("personal", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["kind", "record_id", "version"],
            ["record_changes.kind", "record_changes.record_id", "record_changes.version"],
        ),
    )
    op.create_table(
        "record_sets",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("members", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
    )


# ---- triggers --------------------------------------------------------------------------------------------------


def _refusals() -> list[str]:
    if op.get_bind().dialect.name == "sqlite":
        growing = [line for table, key in _GROWING.items() for line in _sqlite_refusals(table, key)]
        return [*growing, *_sqlite_body(), *_sqlite_reason()]
    refuse = "EXECUTE FUNCTION refuse_change_of_journal()"
    rows = [(table, act) for table in _GROWING for act in ("UPDATE", "DELETE")]
    rows += [("change_bodies", "DELETE"), ("entry_reasons", "UPDATE")]
    return [
        *(f"CREATE TRIGGER {_name(t, act)} BEFORE {act} ON {t} FOR EACH ROW {refuse}" for t, act in rows),
        *(
            f"CREATE TRIGGER {_name(t, 'truncate')} BEFORE TRUNCATE ON {t} FOR EACH STATEMENT {refuse}"
            for t in (*_GROWING, "change_bodies", "entry_reasons")
        ),
        "CREATE FUNCTION refuse_change_of_body() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_changed('IS DISTINCT FROM')} THEN RAISE EXCEPTION 'change_bodies is append-only'; END IF; "
        "RETURN NEW; END $$",
        "CREATE TRIGGER refuse_update_of_change_bodies BEFORE UPDATE ON change_bodies FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_body()",
    ]


def _changed(differs: str) -> str:
    """When a version is changed otherwise than by taking out its personal half with the salt."""
    kept = [f"NEW.{column} {differs} OLD.{column}" for column in _BODY]
    kept += [
        f"(NEW.{column} {differs} OLD.{column} AND NEW.{column} != '')" for column in ("personal", "personal_salt")
    ]
    return " OR ".join(kept)


def _sqlite_refusals(table: str, key: tuple[str, ...]) -> list[str]:
    return [
        _sqlite(table, "update", "UPDATE"),
        _sqlite(table, "delete", "DELETE"),
        _sqlite_replace(table, key),
    ]


def _sqlite_body() -> list[str]:
    return [
        _sqlite("change_bodies", "update", "UPDATE", f"WHEN {_changed('IS NOT')}"),
        _sqlite("change_bodies", "delete", "DELETE"),
        _sqlite_replace("change_bodies", ("kind", "record_id", "version")),
    ]


def _sqlite_reason() -> list[str]:
    return [
        _sqlite("entry_reasons", "update", "UPDATE"),
        _sqlite_replace("entry_reasons", ("book_id", "seq")),
    ]


def _sqlite(table: str, act: str, how: str, when: str = "") -> str:
    return (
        f"CREATE TRIGGER {_name(table, act)} BEFORE {how} ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _sqlite_replace(table: str, key: tuple[str, ...]) -> str:
    """INSERT OR REPLACE deletes without firing the trigger that refuses to delete."""
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    return _sqlite(table, "replace", "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})")  # noqa: S608


def _name(table: str, act: str) -> str:
    return f"refuse_{act.lower()}_of_{table}"
