"""Copying a SQLite database while it is in use, and putting a copy back. PostgreSQL has its own means for both."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from osm_flow.errors import Refused
from osm_flow.store.session import Store

_SECONDS = 30


class NotSqlite(Refused):
    """Only SQLite is backed up by this command. For PostgreSQL use pg_dump and pg_restore; docs/operations.md says how."""


class BackupExists(Refused):
    """There is a file of this name already. Choose another name; a backup is never overwritten."""


class BackupUnusable(Refused):
    """This file is no backup of OSM Flow, or it is damaged. Nothing was changed."""


class DatabaseNotEmpty(Refused):
    """The database already has cases. Say --replace to put the backup in its place."""


def backup(store: Store, target: Path) -> None:
    """Copy the whole database as it is at one moment, and check the copy. Raises NotSqlite, BackupExists, OSError."""
    source = _path(store)
    if target.exists():
        raise BackupExists(path=str(target))
    unfinished = target.with_name(f"{target.name}.part")
    unfinished.unlink(missing_ok=True)
    unfinished.touch()  # where nothing can be written, that is said, and not that the database is unusable
    try:
        with _open(source, read_only=True) as original, _open(unfinished) as copy:
            original.backup(copy)
            # One file that can be carried away: without it the copy would open with a log of its own beside it.
            copy.execute("PRAGMA journal_mode=DELETE")
            _refuse_damage(copy)
        _to_disk(unfinished)
        unfinished.rename(target)
        _to_disk(target.absolute().parent)
    finally:
        unfinished.unlink(missing_ok=True)


def restore(store: Store, source: Path, *, replace: bool = False) -> None:
    """Put a backup into the database of this installation, all of it or nothing.

    Other programs may have it open: they see the old content until the copy is complete, then the new. Raises NotSqlite,
    BackupUnusable, DatabaseNotEmpty without `replace`.
    """
    target = _path(store)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _open(source, read_only=True) as kept:
            _refuse_damage(kept)
            if not _has_cases_table(kept):
                raise BackupUnusable(path=str(source))
            with _open(target) as database:
                if not replace and _has_cases_table(database) and _count_cases(database):
                    raise DatabaseNotEmpty
                kept.backup(database)
                database.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise BackupUnusable(path=str(source), reason=str(error)) from error


def _path(store: Store) -> Path:
    name = store.url.database
    if store.dialect != "sqlite" or not name or name == ":memory:":
        raise NotSqlite
    return Path(name)


def _open(path: Path, *, read_only: bool = False) -> closing[sqlite3.Connection]:
    address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    return closing(sqlite3.connect(address, uri=True, timeout=_SECONDS, isolation_level=None))


def _refuse_damage(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
        raise BackupUnusable


def _has_cases_table(connection: sqlite3.Connection) -> bool:
    tables = connection.execute(
        "SELECT count(*) FROM sqlite_master WHERE name IN ('cases', 'alembic_version')"
    ).fetchone()
    return bool(tables[0] == 2)


def _count_cases(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM cases").fetchone()[0])


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:  # some systems cannot sync a folder
        return
    finally:
        os.close(handle)
