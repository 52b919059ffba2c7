"""What is said of trouble that no operation foresees: a database or a file that cannot be used."""

from __future__ import annotations

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

from osm_flow.cli.context import Context
from osm_flow.errors import OsmFlowError
from osm_flow.store.session import Unreachable
from osm_flow.store.upgrade import current_revision, newest_revision


def sentence_for(error: Exception, context: Context) -> str | None:
    """The trouble in a sentence; None for a fault of the program, whose traceback should be seen."""
    if isinstance(error, Unreachable) and isinstance(error.__cause__, DBAPIError):
        error = error.__cause__  # whoever runs a command can do something about what the database itself says
    if isinstance(error, OsmFlowError):
        return str(error)
    if isinstance(error, DBAPIError):
        return _of_tables(context) or (
            None if _is_ours(error) else f"The database cannot be used: {error.orig}".strip()
        )
    if isinstance(error, sqlite3.DatabaseError):
        return f"The database cannot be used: {error}"
    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    if isinstance(error, UnicodeDecodeError):
        return f"This is no UTF-8 text: {error.reason} at byte {error.start}."
    return None


def _of_tables(context: Context) -> str | None:
    """That the tables are of another version than the program; None when they fit, or nobody can tell."""
    try:
        present, wanted = current_revision(context.store), newest_revision()
    except (DBAPIError, OSError):
        return None
    if present is None:
        return "The database has no tables yet. Run: osm-flow db upgrade"
    if present < wanted:
        return f"The tables are of version {present}, older than this program ({wanted}). Run: osm-flow db upgrade"
    if present > wanted:
        return f"The tables are of version {present}, newer than this program ({wanted}). Install the newer program."
    return None


def _is_ours(error: DBAPIError) -> bool:
    """A statement that the database understood and refused: that is for the people who write the program."""
    kinds = {kind.__name__ for kind in type(error.orig).__mro__}
    return not kinds & {"OperationalError"} and bool(kinds & {"IntegrityError", "ProgrammingError", "DataError"})
