"""Copying a SQLite database with its files while it is in use, and putting a copy back; of PostgreSQL the files alone.

The files of all copies in a folder lie in one folder beside them, `files`, so that the next copy adds what is new. The
database goes first: whatever it names was written before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import ColumnElement, select

from osm_flow.errors import Refused
from osm_flow.store import file_store
from osm_flow.store.file_folder import FileFolder, to_disk
from osm_flow.store.file_store import FileDamaged, Place, folder_beside
from osm_flow.store.models import KeptFile
from osm_flow.store.session import Store

# The folder of files beside the copies of a database, one for all of them.
FILES = "files"
_SECONDS = 30


class NotSqlite(Refused):
    """Only SQLite is backed up by this command. For PostgreSQL use pg_dump and pg_restore; docs/operations.md says how."""


class BackupExists(Refused):
    """There is a file of this name already. Choose another name; a backup is never overwritten."""


class BackupUnusable(Refused):
    """This file is no backup of OSM Flow, or it is damaged. Nothing was changed."""


class FilesMissing(Refused):
    """Of the files that this backup names {count} are missing or damaged beside it ({digests}). Nothing was changed; to go on without them, say --without-files."""


class DatabaseNotEmpty(Refused):
    """The database already has cases. Say --replace to put the backup in its place."""


@dataclass
class CopiedFiles:
    """How many files were copied and with how many bytes, how many were there already, and which could not be copied."""

    copied: int = 0
    bytes: int = 0
    known: int = 0
    missing: list[str] = field(default_factory=list)


def backup(store: Store, target: Path) -> CopiedFiles:
    """Copy the whole database as it is at one moment, check the copy, and add its files to those beside it.

    Raises NotSqlite, BackupExists, OSError.
    """
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
            named = _named_files(copy)
        to_disk(unfinished)
        # Before the copy has its name: a backup that is there is whole.
        done = copy_files(store, target.absolute().parent, named)
        unfinished.rename(target)
        to_disk(target.absolute().parent)
    finally:
        unfinished.unlink(missing_ok=True)
    return done


def copy_files(store: Store, target: Path, named: Iterable[str] | None = None) -> CopiedFiles:
    """Add to the folder `files` in the target what it lacks of these files, or of all; each is checked by its digest.

    Missing is what the store should have and has not; what was erased meanwhile is not.
    """
    folder, done = FileFolder(target / FILES), CopiedFiles()
    present = set(folder.digests())
    with store.reading() as session:
        wanted = list(session.scalars(select(KeptFile.sha256).where(KeptFile.place != Place.gone)))
    for digest in sorted(wanted if named is None else named):
        if digest in present:
            done.known += 1
            continue
        with store.reading() as session:
            try:
                content = file_store.read(session, digest)
            except FileDamaged:
                is_kept = session.scalar(select(KeptFile.sha256).where(*_is_kept(digest))) is not None
                done.missing += [digest] if is_kept else []
                continue
        folder.write(content)
        done.copied, done.bytes = done.copied + 1, done.bytes + len(content)
    return done


def put_files_back(store: Store, source: Path) -> CopiedFiles:
    """Put the files that the database names and that are missing back from the folder `files` of a backup."""
    folder, done = FileFolder(source / FILES), CopiedFiles()
    with store.reading() as session:
        digests = sorted(session.scalars(select(KeptFile.sha256).where(KeptFile.place != Place.gone)))
    for digest in digests:
        with store.transaction() as session:
            row = session.get_one(KeptFile, digest, with_for_update=True)
            if file_store.found(session, digest) == digest:
                done.known += 1
            elif folder.holds(digest):
                content = folder.read(digest)
                file_store.keep(session, content, row.type)
                done.copied, done.bytes = done.copied + 1, done.bytes + len(content)
            else:
                done.missing.append(digest)
    return done


def drop_unnamed(folder: Path) -> int:
    """Delete the files beside backups that none of the backups in this folder names; how many. Raises BackupUnusable.

    So what was erased by law leaves the backups with the last of them that still had it.
    """
    named: set[str] = set()
    for copy in sorted(folder.iterdir()):
        if copy.is_file() and _is_database(copy):
            try:
                with _open(copy, read_only=True) as database:
                    named |= _named_files(database)
            except sqlite3.DatabaseError as error:
                raise BackupUnusable(path=str(copy), reason=str(error)) from error
    files = FileFolder(folder / FILES)
    spare = [digest for digest in files.digests() if digest not in named]
    for digest in spare:
        files.delete(digest)
    return len(spare)


def restore(store: Store, source: Path, *, replace: bool = False, without_files: bool = False) -> CopiedFiles:
    """Put a backup with its files into the database of this installation, all of it or nothing.

    Other programs may have it open: they see the old content until the copy is complete, then the new. Raises NotSqlite,
    BackupUnusable, DatabaseNotEmpty without `replace`, FilesMissing but for `without_files`.
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
                # Files that no row names harm nobody; a row without its file would.
                done = _bring_files(_named_files(kept), source.absolute().parent, store)
                if done.missing and not without_files:
                    raise FilesMissing(count=len(done.missing), digests=", ".join(done.missing[:5]))
                kept.backup(database)
                database.execute("PRAGMA journal_mode=WAL")
    except sqlite3.DatabaseError as error:
        raise BackupUnusable(path=str(source), reason=str(error)) from error
    return done


def _bring_files(named: Iterable[str], folder: Path, store: Store) -> CopiedFiles:
    """Copy these files from beside a backup to beside the database; what is there already is read and compared."""
    done, there, here = CopiedFiles(), FileFolder(folder / FILES), folder_beside(store.url)
    if here is None:  # no file of a database has none
        return done
    for digest in sorted(named):
        if here.holds(digest):
            done.known += 1
        elif there.holds(digest):
            content = there.read(digest)
            here.write(content)
            done.copied, done.bytes = done.copied + 1, done.bytes + len(content)
        else:
            done.missing.append(digest)
    return done


def _is_kept(digest: str) -> tuple[ColumnElement[bool], ...]:
    return (KeptFile.sha256 == digest, KeptFile.place != Place.gone)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


def _named_files(database: sqlite3.Connection) -> set[str]:
    """The files that a copy of the database names and does not hold; none of one that an earlier version made."""
    has_files = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'files'").fetchone()[0]
    rows = database.execute("SELECT sha256 FROM files WHERE place = 'folder'") if has_files else ()
    return {row[0] for row in rows}


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
