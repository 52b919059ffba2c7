"""Reads and security events are chained. What was read before is carried over: the chain says since when it vouches for it."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

from osm_flow.store.database import instant_text

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_FIXED = ("id", "at", "actor", "role", "office_id", "kind", "subject", "case_id")
_WORDS = ("details", "reason", "address")
_EVENT_FIXED = ("id", "at", "until", "count", "kind", "actor", "role", "office_id", "subject")
_EVENT_WORDS = ("details", "address")
_BATCH = 500


def upgrade() -> None:
    """Make the chain, carry over what was read, and forget the names typed at sign-in that nobody has."""
    _drop_refusals()
    for column, length in (
        ("address", 64),
        ("salt", 32),
        ("details_salt", 32),
        ("reason_salt", 32),
        ("address_salt", 32),
    ):
        op.add_column("accesses", sa.Column(column, sa.String(length=length), nullable=False, server_default=""))
    op.create_table(
        "access_records",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("book", sa.String(length=32), nullable=False),
        sa.Column("body", sa.Integer(), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("digests", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_access_records")),
        sa.UniqueConstraint("book", "body", name=op.f("uq_access_records_book_body")),
    )
    op.create_index(op.f("ix_access_records_kind_seq"), "access_records", ["kind", "seq"])
    op.create_table(
        "security_events",
        sa.Column("id", sa.Integer(), nullable=False),
        *_of_event(),
        *(sa.Column(name, sa.String(length=32), nullable=False) for name in ("salt", "details_salt", "address_salt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index(op.f("ix_security_events_at"), "security_events", ["at"])
    op.create_index(op.f("ix_security_events_actor_at"), "security_events", ["actor", "at"])
    op.create_index(op.f("ix_security_events_kind_at"), "security_events", ["kind", "at"])
    op.create_table(
        "refusal_tallies",
        sa.Column("key", sa.String(length=64), nullable=False),
        *_of_event(),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_refusal_tallies")),
    )
    op.create_index(op.f("ix_refusal_tallies_at"), "refusal_tallies", ["at"])
    _carry_over(op.get_bind())
    op.create_index(op.f("ix_accesses_at"), "accesses", ["at"])
    with_words = sa.text("details_salt != '' OR address_salt != ''")
    op.create_index("ix_accesses_with_words", "accesses", ["at"], sqlite_where=with_words, postgresql_where=with_words)
    for statement in _refusals():
        op.execute(statement)
    op.execute(
        "UPDATE login_attempts SET username = '?' WHERE NOT EXISTS "
        "(SELECT 1 FROM people WHERE people.username = login_attempts.username)"
    )


def downgrade() -> None:
    """Drop the chain and what it covers of security events; of reads their rows stay, refused as they were."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _drops():
        op.execute(statement)
    for table in ("refusal_tallies", "security_events", "access_records"):
        op.drop_table(table)
    op.drop_index("ix_accesses_with_words", "accesses")
    op.drop_index(op.f("ix_accesses_at"), "accesses")
    for column in ("address_salt", "reason_salt", "details_salt", "salt", "address"):
        op.drop_column("accesses", column)
    if not is_sqlite:
        op.execute("DROP FUNCTION refuse_change_of_security_event, refuse_delete_of_access")
    for statement in _earlier_refusals():
        op.execute(statement)


def _of_event() -> list[sa.Column[Any]]:
    """The columns of an event, be it still counted or not."""
    return [
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("until", sa.String(length=27), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("office_id", sa.String(length=16), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
    ]


# ---- what was read before --------------------------------------------------------------------------------------


def _carry_over(connection: sa.Connection) -> None:
    """A record for each row as it is found now; nobody can say that it was never changed before."""
    clock: datetime = connection.scalars(sa.select(sa.func.now())).one()
    now = instant_text(clock.replace(tzinfo=UTC) if clock.tzinfo is None else clock)
    accesses = sa.table("accesses", *map(sa.column, (*_FIXED, *_WORDS, *map(_salt_of, ("", *_WORDS)))))
    records = sa.table(
        "access_records",
        *map(sa.column, ("seq", "at", "kind", "book", "body", "told", "digests", "prev_hash", "hash")),
    )
    sealing = sa.update(accesses).where(accesses.c.id == sa.bindparam("row"))
    sealing = sealing.values({_salt_of(part): sa.bindparam(f"s_{part}") for part in ("", *_WORDS)})
    seq, previous, last = 0, "0" * 64, 0
    while rows := (
        connection.execute(sa.select(accesses).where(accesses.c.id > last).order_by(accesses.c.id).limit(_BATCH))
        .mappings()
        .all()
    ):
        made, salted = [], []
        for row in rows:
            seq, last = seq + 1, row["id"]
            salts = {part: secrets.token_hex(16) for part in ("", *_WORDS)}
            fixed = _canonical({name: row[name] for name in _FIXED})
            digests = {"body": _digest(salts[""], fixed)} | {part: _digest(salts[part], row[part]) for part in _WORDS}
            record: dict[str, Any] = {
                "seq": seq,
                "at": now,
                "kind": row["kind"],
                "book": "accesses",
                "body": row["id"],
                "told": {"carried_over": True, "since": row["at"]},
                "digests": digests,
                "prev_hash": previous,
            }
            previous = sha256(_canonical(record).encode()).hexdigest()
            texts = {name: _canonical(record[name]) for name in ("told", "digests")}
            made.append({**record, **texts, "hash": previous})
            salted.append({"row": row["id"], **{f"s_{part}": salt for part, salt in salts.items()}})
        connection.execute(sealing, salted)
        connection.execute(sa.insert(records), made)


def _salt_of(part: str) -> str:
    return f"{part}_salt" if part else "salt"


def _digest(salt: str, text: str) -> str:
    return sha256(bytes.fromhex(salt) + text.encode("utf-8", "surrogatepass")).hexdigest()


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


# ---- triggers --------------------------------------------------------------------------------------------------


def _drops() -> list[str]:
    """Of SQLite all triggers of these tables go; of PostgreSQL those whose functions change."""
    if op.get_bind().dialect.name == "sqlite":
        names = [f"refuse_{act}_of_accesses" for act in ("update", "delete", "replace")]
        return [f"DROP TRIGGER {name}" for name in names]
    return [
        "DROP TRIGGER refuse_update_of_accesses ON accesses",
        "DROP TRIGGER refuse_delete_of_accesses ON accesses",
        "DROP FUNCTION refuse_change_of_access",
    ]


def _drop_refusals() -> None:
    for statement in _drops():
        op.execute(statement)


def _changed(fixed: tuple[str, ...], words: tuple[str, ...], differs: str) -> str:
    """When a row is changed otherwise than by taking out words with their salts."""
    kept = [f"NEW.{column} {differs} OLD.{column}" for column in fixed]
    kept += [f"(NEW.{column} {differs} OLD.{column} AND NEW.{column} != '')" for column in words]
    kept.append(f"(NEW.salt {differs} OLD.salt AND OLD.salt != '')")
    # A row that an earlier version wrote has no salts yet: it gets them when it is carried over.
    kept += [
        f"(NEW.{part}_salt {differs} OLD.{part}_salt AND NEW.{part}_salt != '' AND OLD.salt != '')" for part in words
    ]
    return " OR ".join(kept)


def _refusals() -> list[str]:
    """Nothing of the chain changes; of a body words may go, and the whole when a record says that its time is over."""
    if op.get_bind().dialect.name == "sqlite":
        return [
            *_sqlite_body("accesses", _FIXED, _WORDS),
            *_sqlite_body("security_events", _EVENT_FIXED, _EVENT_WORDS),
        ] + [
            f"CREATE TRIGGER refuse_{act}_of_access_records BEFORE {how} ON access_records {when} "
            "BEGIN SELECT RAISE(ABORT, 'access_records is append-only'); END"
            for act, how, when in (
                ("update", "UPDATE", ""),
                ("delete", "DELETE", ""),
                ("replace", "INSERT", "WHEN EXISTS (SELECT 1 FROM access_records WHERE seq = NEW.seq)"),
            )
        ]
    refuse = "EXECUTE FUNCTION refuse_change_of_journal()"
    return [
        *_postgresql_update("refuse_change_of_access", "accesses", _FIXED, _WORDS),
        *_postgresql_update("refuse_change_of_security_event", "security_events", _EVENT_FIXED, _EVENT_WORDS),
        "CREATE FUNCTION refuse_delete_of_access() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NOT EXISTS (SELECT 1 FROM access_records WHERE kind = 'bodies.pruned' AND book = TG_TABLE_NAME "
        "AND told::json->>'before' > OLD.at) THEN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END IF; "
        "RETURN OLD; END $$",
        *(
            f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} FOR EACH ROW "
            "EXECUTE FUNCTION refuse_delete_of_access()"
            for table in ("accesses", "security_events")
        ),
        f"CREATE TRIGGER refuse_update_of_access_records BEFORE UPDATE ON access_records FOR EACH ROW {refuse}",
        f"CREATE TRIGGER refuse_delete_of_access_records BEFORE DELETE ON access_records FOR EACH ROW {refuse}",
        *(
            f"CREATE TRIGGER refuse_truncate_of_{table} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}"
            for table in ("access_records", "security_events")
        ),
    ]


def _sqlite_body(table: str, fixed: tuple[str, ...], words: tuple[str, ...]) -> list[str]:
    refused = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    is_over = (
        f"SELECT 1 FROM access_records WHERE kind = 'bodies.pruned' AND book = '{table}' "  # noqa: S608
        "AND json_extract(told, '$.before') > OLD.at"
    )
    exists = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id)"  # noqa: S608
    return [
        f"CREATE TRIGGER refuse_update_of_{table} BEFORE UPDATE ON {table} WHEN {_changed(fixed, words, 'IS NOT')} {refused}",
        f"CREATE TRIGGER refuse_delete_of_{table} BEFORE DELETE ON {table} WHEN NOT EXISTS ({is_over}) {refused}",
        f"CREATE TRIGGER refuse_replace_of_{table} BEFORE INSERT ON {table} {exists} {refused}",
    ]


def _postgresql_update(function: str, table: str, fixed: tuple[str, ...], words: tuple[str, ...]) -> list[str]:
    return [
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF {_changed(fixed, words, 'IS DISTINCT FROM')} THEN RAISE EXCEPTION '{table} is append-only'; END IF; "
        "RETURN NEW; END $$",
        f"CREATE TRIGGER refuse_update_of_{table} BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
    ]


def _earlier_refusals() -> list[str]:
    """The triggers of before, for whoever goes back."""
    columns = (*_FIXED, "reason")
    if op.get_bind().dialect.name == "sqlite":
        refused = "BEGIN SELECT RAISE(ABORT, 'accesses is append-only'); END"
        kept = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
        return [
            f"CREATE TRIGGER refuse_update_of_accesses BEFORE UPDATE ON accesses WHEN NEW.details != '' OR {kept} {refused}",
            f"CREATE TRIGGER refuse_delete_of_accesses BEFORE DELETE ON accesses {refused}",
            "CREATE TRIGGER refuse_replace_of_accesses BEFORE INSERT ON accesses "  # noqa: S608
            f"WHEN EXISTS (SELECT 1 FROM accesses WHERE id = NEW.id) {refused}",
        ]
    kept = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
    return [
        "CREATE FUNCTION refuse_change_of_access() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.details != '' OR {kept} THEN RAISE EXCEPTION 'accesses is append-only'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER refuse_update_of_accesses BEFORE UPDATE ON accesses FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_access()",
        "CREATE TRIGGER refuse_delete_of_accesses BEFORE DELETE ON accesses FOR EACH ROW "
        "EXECUTE FUNCTION refuse_change_of_journal()",
    ]
