"""Requests to erase name texts of books, too; holds stand on books and records; what may go from a book goes only as an entry says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import Instant

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# What of a version and of a correction stays for ever.
_BODY = ("kind", "record_id", "version", "salt", "body")
_CORRECTION = ("book_id", "seq", "kind", "record_id", "version")
# Entries that say what was erased by law, written before it goes.
_OF_CHANGE = (
    "record_changes c JOIN book_entries e ON e.book_id = c.book_id AND e.seq > c.seq "
    "AND c.kind = OLD.kind AND c.record_id = OLD.record_id AND c.version = OLD.version"
)
_OF_ENTRY = "book_entries e"
_LATER = "e.book_id = OLD.book_id AND e.seq > OLD.seq AND e.act = 'erased'"


def upgrade() -> None:
    """Make the table and the columns, and the triggers that let go what an entry names and nothing else."""
    op.create_table(
        "erasure_texts",
        sa.Column("request_id", sa.Integer(), sa.ForeignKey("erasure_requests.id"), primary_key=True),
        sa.Column("book_id", sa.Integer(), sa.ForeignKey("books.id"), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True),
        sa.Column("record_id", sa.String(64), primary_key=True),
        sa.Column("part", sa.String(16), primary_key=True),
        sa.Column("done_at", Instant(), nullable=True),
    )
    op.add_column("legal_holds", sa.Column("book", sa.String(64), nullable=True))
    op.add_column("legal_holds", sa.Column("record_id", sa.String(64), nullable=True))
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    """Only while nothing was asked of books or held in them; an earlier version would not know of it."""
    held = sa.text("SELECT 1 FROM legal_holds WHERE book IS NOT NULL")
    if op.get_bind().execute(held).first() or op.get_bind().execute(sa.text("SELECT 1 FROM erasure_texts")).first():
        raise RuntimeError(
            "there are holds on records or requests to erase from them; an earlier version cannot keep them"
        )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table, acts in (("entry_reasons", ("delete",)), ("corrections", ("update", "delete", "replace", "truncate"))):
        for act in acts:
            if is_sqlite and act != "truncate":
                op.execute(f"DROP TRIGGER refuse_{act}_of_{table}")
            elif not is_sqlite and act != "replace":
                op.execute(f"DROP TRIGGER refuse_{act}_of_{table} ON {table}")
    changed = _changed("IS NOT" if is_sqlite else "IS DISTINCT FROM", _BODY)
    blank = " OR ".join(
        f"(NEW.{column} {'IS NOT' if is_sqlite else 'IS DISTINCT FROM'} OLD.{column} AND NEW.{column} != '')"
        for column in ("personal", "personal_salt")
    )
    if is_sqlite:
        op.execute("DROP TRIGGER refuse_update_of_change_bodies")
        op.execute(_trigger("change_bodies", "update", "UPDATE", f"{changed} OR {blank}"))
    else:
        op.execute(_function("refuse_change_of_body", f"{changed} OR {blank}", "change_bodies"))
        for name in ("refuse_delete_of_reason", "refuse_change_of_correction"):
            op.execute(f"DROP FUNCTION {name}")
    op.drop_column("legal_holds", "record_id")
    op.drop_column("legal_holds", "book")
    op.drop_table("erasure_texts")


def _changed(differs: str, columns: tuple[str, ...]) -> str:
    return " OR ".join(f"NEW.{column} {differs} OLD.{column}" for column in columns)


def _lost(differs: str, texts: tuple[str, str], said: str) -> str:
    """When one of two texts is changed otherwise than both to nothing, after an entry said so."""
    gone = " AND ".join(f"NEW.{column} = ''" for column in texts)
    return f"(({_changed(differs, texts)}) AND NOT ({gone} AND {said}))"


def _redecided(differs: str) -> str:
    return f"(NEW.decided_seq {differs} OLD.decided_seq AND OLD.decided_seq IS NOT NULL)"


def _refused(differs: str, of_version: str, named: str) -> tuple[str, str]:
    """Which changes of a body and of a correction are refused, given how an entry says that a text is erased."""
    correction = (
        _changed(differs, _CORRECTION),
        _redecided(differs),
        _lost(differs, ("salt", "changes"), named),
    )
    body = f"{_changed(differs, _BODY)} OR {_lost(differs, ('personal', 'personal_salt'), of_version)}"
    return body, " OR ".join(correction)


# ---- SQLite ----------------------------------------------------------------------------------------------------


def _sqlite() -> list[str]:
    of_version = (
        f"EXISTS (SELECT 1 FROM {_OF_CHANGE}, json_each(e.told, '$.erased') r, json_each(r.value) v "  # noqa: S608
        "WHERE e.act = 'erased' AND r.key = OLD.record_id AND v.value = OLD.version)"
    )
    body, correction = _refused("IS NOT", of_version, _sqlite_named("erased_proposals"))
    same = "EXISTS (SELECT 1 FROM corrections WHERE book_id = NEW.book_id AND seq = NEW.seq)"
    return [
        "DROP TRIGGER refuse_update_of_change_bodies",
        _trigger("change_bodies", "update", "UPDATE", body),
        _trigger("entry_reasons", "delete", "DELETE", f"NOT {_sqlite_named('erased_reasons')}"),
        _trigger("corrections", "update", "UPDATE", correction),
        _trigger("corrections", "delete", "DELETE", "1"),
        _trigger("corrections", "replace", "INSERT", same),
    ]


def _sqlite_named(part: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {_OF_ENTRY}, json_each(e.told, '$.{part}') v "  # noqa: S608
        f"WHERE {_LATER} AND v.value = OLD.seq)"
    )


def _trigger(table: str, act: str, how: str, when: str) -> str:
    return (
        f"CREATE TRIGGER refuse_{act}_of_{table} BEFORE {how} ON {table} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


# ---- PostgreSQL ------------------------------------------------------------------------------------------------


def _postgresql() -> list[str]:
    of_version = (
        f"EXISTS (SELECT 1 FROM {_OF_CHANGE} WHERE e.act = 'erased' "  # noqa: S608
        "AND (e.told::jsonb -> 'erased' -> OLD.record_id) @> to_jsonb(OLD.version))"
    )
    body, correction = _refused("IS DISTINCT FROM", of_version, _postgresql_named("erased_proposals"))
    refuse = "EXECUTE FUNCTION refuse_change_of_journal()"
    return [
        _function("refuse_change_of_body", body, "change_bodies"),
        _function("refuse_delete_of_reason", f"NOT {_postgresql_named('erased_reasons')}", "entry_reasons", kept="OLD"),
        "CREATE TRIGGER refuse_delete_of_entry_reasons BEFORE DELETE ON entry_reasons FOR EACH ROW "
        "EXECUTE FUNCTION refuse_delete_of_reason()",
        _function("refuse_change_of_correction", correction, "corrections"),
        "CREATE TRIGGER refuse_update_of_corrections BEFORE UPDATE ON corrections FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_correction()",
        f"CREATE TRIGGER refuse_delete_of_corrections BEFORE DELETE ON corrections FOR EACH ROW {refuse}",
        f"CREATE TRIGGER refuse_truncate_of_corrections BEFORE TRUNCATE ON corrections FOR EACH STATEMENT {refuse}",
    ]


def _postgresql_named(part: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {_OF_ENTRY} WHERE {_LATER} "  # noqa: S608
        f"AND (e.told::jsonb -> '{part}') @> to_jsonb(OLD.seq))"
    )


def _function(name: str, refused: str, table: str, *, kept: str = "NEW") -> str:
    return (
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {refused} THEN RAISE EXCEPTION '{table} is append-only'; END IF; RETURN {kept}; END $$"
    )
