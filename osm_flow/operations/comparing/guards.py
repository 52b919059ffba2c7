"""Whether the database still refuses to change what only grows and finds all that it keeps: its triggers and indexes are whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.differences import RowDifference, shown
from osm_flow.store import upgrade

# How each trigger and index is spelled on either database; a test holds it against what the migrations make.
FILE = Path(upgrade.__file__).parent / "data" / "guards.json"
# What differences of triggers and indexes are told under, where others have the name of their table.
SCHEMA = "(schema)"
# How many of the rows that an index does not find are told.
_MOST = 20

# Whatever is neither a table nor an index that SQLite made by itself, however its kind is spelled.
_OF_SQLITE = text("SELECT name, sql FROM sqlite_master WHERE type <> 'table' AND sql IS NOT NULL ORDER BY name")
# Foreign keys have triggers of their own, which are none of these. A trigger says what its function says, and no row
# of a table may be turned into another by a rule, nor may triggers sleep because the session is that of a replica.
_OF_POSTGRESQL = text(
    "SELECT tgname, "
    "pg_get_triggerdef(pg_trigger.oid, true) || ' AS ' || lanname || ' ' || prosrc || "
    "CASE WHEN tgenabled::text IN ('O', 'A') THEN '' ELSE ' DISABLED' END || "
    "CASE WHEN proconfig IS NULL THEN '' ELSE ' SET ' || array_to_string(proconfig, ', ') END "
    "FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
    "JOIN pg_proc ON pg_proc.oid = tgfoid JOIN pg_language ON pg_language.oid = prolang "
    "WHERE NOT tgisinternal AND pg_class.relnamespace = current_schema()::regnamespace "
    "UNION ALL SELECT relname, pg_get_indexdef(indexrelid, 0, true) || "
    "CASE WHEN indisvalid AND indisready THEN '' ELSE ' INVALID' END "
    "FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
    "WHERE relnamespace = current_schema()::regnamespace "
    "UNION ALL SELECT rulename, definition FROM pg_rules WHERE schemaname = current_schema() "
    "UNION ALL SELECT name, name || ' = ' || setting FROM pg_settings "
    "WHERE name = 'session_replication_role' AND setting <> 'origin' ORDER BY 1"
)


@cache
def wanted_guards(dialect: str) -> Mapping[str, str]:
    """How each trigger and index that has to be there is spelled, by its name."""
    wanted: dict[str, str] = json.loads(FILE.read_bytes())[dialect]
    return wanted


def found_guards(session: Session) -> dict[str, str]:
    """How each trigger and index that is there is spelled, by its name; and what keeps triggers from what they are for."""
    is_file = session.get_bind().dialect.name == "sqlite"
    rows = session.execute(_OF_SQLITE if is_file else _OF_POSTGRESQL)
    return {name: " ".join(str(spelled).split()) for name, spelled in rows}


def compare_guards(session: Session) -> Iterator[RowDifference]:
    """The triggers and indexes that are missing, spelled otherwise, made by no migration, or that do not hold what they say."""
    dialect = session.get_bind().dialect.name
    wanted, found = wanted_guards(dialect), found_guards(session)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield RowDifference(SCHEMA, name, "", "1", "")
        elif name not in wanted:
            yield RowDifference(SCHEMA, name, "", "", "1")
        elif found[name] != wanted[name]:
            yield RowDifference(SCHEMA, name, "definition", *_parting(wanted[name], found[name]))
    if dialect == "sqlite":
        # An index that was made otherwise and then given its old text back hides rows from pages.
        for (said,) in session.execute(text(f"PRAGMA integrity_check({_MOST})")):
            if said != "ok":
                yield RowDifference(SCHEMA, "integrity_check", "result", "ok", shown(said))


def _parting(wanted: str, found: str) -> tuple[str, str]:
    """Both texts from shortly before the place where they part: definitions are longer than a line."""
    same = next(
        (at for at, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), min(len(wanted), len(found))
    )
    start = max(0, same - 30)
    return shown(wanted[start:]), shown(found[start:])
