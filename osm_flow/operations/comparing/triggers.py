"""Whether the database still refuses to change and delete what only grows: the triggers that the migrations made are there and armed."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.differences import RowDifference

GUARDED = (
    "access_records",
    "accesses",
    "admin_records",
    "book_entries",
    "change_bodies",
    "entry_reasons",
    "journal_payloads",
    "journal_records",
    "legal_holds",
    "log_checkpoints",
    "log_leaves",
    "record_changes",
    "record_sets",
    "security_events",
    "signing_keys",
)
# What a payload may lose by law; the journal says so (migration 0002).
_MAY_GO = {("journal_payloads", "delete"), ("entry_reasons", "delete")}
_ACTS = {"sqlite": ("update", "delete", "replace"), "postgresql": ("update", "delete", "truncate")}
# Foreign keys have triggers of their own, which are none of these.
_OF_POSTGRESQL = text(
    "SELECT tgname, tgenabled::text IN ('O', 'A') FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "WHERE NOT tgisinternal AND pg_class.relnamespace = current_schema()::regnamespace"
)
_OF_SQLITE = text("SELECT name, sql LIKE '%RAISE(ABORT%' FROM sqlite_master WHERE type = 'trigger'")


def wanted_triggers(dialect: str) -> list[str]:
    """The names of the triggers that have to be there."""
    acts = _ACTS[dialect]
    return [f"refuse_{act}_of_{table}" for table in GUARDED for act in acts if (table, act) not in _MAY_GO]


def compare_triggers(session: Session) -> Iterator[RowDifference]:
    """The triggers that are missing or no longer refuse anything."""
    dialect = session.get_bind().dialect.name
    found = {row[0]: bool(row[1]) for row in session.execute(_OF_SQLITE if dialect == "sqlite" else _OF_POSTGRESQL)}
    for name in wanted_triggers(dialect):
        if name not in found:
            yield RowDifference("(triggers)", name, "", "1", "")
        elif not found[name]:
            yield RowDifference("(triggers)", name, "state", "armed", "disarmed")
