"""Whether the database still refuses to change and delete what only grows: its triggers are those that the migrations make."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.operations.comparing.differences import RowDifference, shown
from osm_flow.store import upgrade

# How each trigger is spelled on either database; a test holds it against what the migrations make.
FILE = Path(upgrade.__file__).parent / "data" / "triggers.json"

_OF_SQLITE = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name")
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
    "UNION ALL SELECT rulename, definition FROM pg_rules WHERE schemaname = current_schema() "
    "UNION ALL SELECT name, name || ' = ' || setting FROM pg_settings "
    "WHERE name = 'session_replication_role' AND setting <> 'origin' ORDER BY 1"
)


@cache
def wanted_triggers(dialect: str) -> Mapping[str, str]:
    """How each trigger that has to be there is spelled, by its name."""
    wanted: dict[str, str] = json.loads(FILE.read_bytes())[dialect]
    return wanted


def found_triggers(session: Session) -> dict[str, str]:
    """How each trigger that is there is spelled, by its name; and what keeps triggers from what they are for."""
    is_file = session.get_bind().dialect.name == "sqlite"
    rows = session.execute(_OF_SQLITE if is_file else _OF_POSTGRESQL)
    return {name: " ".join(str(spelled).split()) for name, spelled in rows}


def compare_triggers(session: Session) -> Iterator[RowDifference]:
    """The triggers that are missing, that are spelled otherwise, and those that no migration made."""
    wanted, found = wanted_triggers(session.get_bind().dialect.name), found_triggers(session)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield RowDifference("(triggers)", name, "", "1", "")
        elif name not in wanted:
            yield RowDifference("(triggers)", name, "", "", "1")
        elif found[name] != wanted[name]:
            yield RowDifference("(triggers)", name, "definition", *_parting(wanted[name], found[name]))


def _parting(wanted: str, found: str) -> tuple[str, str]:
    """Both texts from shortly before the place where they part: definitions are longer than a line."""
    same = next(
        (at for at, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), min(len(wanted), len(found))
    )
    start = max(0, same - 30)
    return shown(wanted[start:]), shown(found[start:])
