"""What is behind an error of the database that nobody wrote a mistake for: others at work, or a database that is away.

Both databases say it by codes: SQLite by its extended result codes, PostgreSQL by SQLSTATE.
"""

from __future__ import annotations

import sqlite3
from enum import Enum, auto

from sqlalchemy.exc import DBAPIError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

DatabaseError = SQLAlchemyError  # for those who handle errors of the database and know nothing else of its library


class Trouble(Enum):
    """Why the database did not do what it was asked, where the question was right."""

    busy = auto()
    """Others hold what was needed, for longer than one waits."""
    overtaken = auto()
    """Somebody else changed the same at the same moment."""
    collided = auto()
    """What was to be entered is there already, or what it belongs to is not."""
    away = auto()
    """It cannot be reached, or it ended the connection."""
    unwritable = auto()
    """Its disk is full, or cannot be written or read."""
    read_only = auto()
    """It takes no writes here. For a session that only reads this is a mistake of the program."""


_SQLITE = {
    sqlite3.SQLITE_BUSY: Trouble.busy,
    sqlite3.SQLITE_LOCKED: Trouble.busy,
    sqlite3.SQLITE_FULL: Trouble.unwritable,
    sqlite3.SQLITE_IOERR: Trouble.unwritable,
    sqlite3.SQLITE_CANTOPEN: Trouble.away,
    sqlite3.SQLITE_READONLY: Trouble.read_only,
}
_SQLITE_KEYS = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
}
# By SQLSTATE, else by its class: PostgreSQL's appendix A.
_POSTGRESQL = {
    "08": Trouble.away,
    "23503": Trouble.collided,
    "23505": Trouble.collided,
    "23P01": Trouble.collided,
    "25006": Trouble.read_only,
    "25P03": Trouble.away,
    "40": Trouble.overtaken,
    "53": Trouble.busy,
    "53100": Trouble.unwritable,
    "55P03": Trouble.busy,
    "57": Trouble.away,
    "57014": Trouble.busy,
    "58": Trouble.unwritable,
}

# Of SQLAlchemy: the connection was lost by an earlier statement, and whoever met that went on.
_LOST_BEFORE = "8s2b"


def trouble_of(error: SQLAlchemyError) -> Trouble | None:
    """The trouble behind an error; None for a mistake of the program."""
    if isinstance(error, PoolExhausted):
        return Trouble.busy
    if isinstance(error, PendingRollbackError):
        return Trouble.away if error.code == _LOST_BEFORE else None
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(getattr(error.orig, "sqlite_errorcode", None))
    return _of_postgresql(error)


def _of_sqlite(code: int | None) -> Trouble | None:
    if code in _SQLITE_KEYS:
        return Trouble.collided
    return None if code is None else _SQLITE.get(code & 0xFF)  # the low byte is the primary code


def _of_postgresql(error: DBAPIError) -> Trouble | None:
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        kinds = {kind.__name__ for kind in type(error.orig).__mro__}
        # The driver's own words about its line, among them that an answer has no end (an InternalError).
        is_of_line = bool(kinds & {"OperationalError", "InternalError"}) and "PipelineAborted" not in kinds
        return Trouble.away if error.connection_invalidated or is_of_line else None
    return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
