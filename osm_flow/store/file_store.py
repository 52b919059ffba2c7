"""The store of files: each is kept once under its SHA-256, written before the row that names it, checked when it is read.

With SQLite the bytes lie in a folder beside the database, whose writers take turns: whoever keeps or deletes a file has the
turn. With PostgreSQL, which several machines share, they lie in a table of the database itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from sqlalchemy import URL, Select, delete, exists, select
from sqlalchemy.orm import Session

from osm_flow.errors import Refused
from osm_flow.store.file_folder import FileFolder
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import Attachment, FileContent, ImportFile, KeptFile, RecordFile
from osm_flow.store.sensitive_cases import EVERYTHING

logger = logging.getLogger(__name__)


class Place(StrEnum):
    """Where the bytes of a file lie; `gone`: nothing names it any more, and a sweep takes them away."""

    folder = "folder"
    database = "database"
    gone = "gone"


class FileDamaged(Refused):
    """This file cannot be read: it is missing, or is not what was kept. All else is as it was; tell the administrator, who finds it in a backup."""


class FilesUnwritable(Refused):
    """The file cannot be written to the disk. Nothing was kept; if this goes on, tell the administrator."""

    status = 503
    may_pass = True


def folder_beside(address: URL) -> FileFolder | None:
    """The folder of a SQLite database, named like it: `osm-flow.db-files`; None for a database that keeps files itself."""
    name = address.database
    if address.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return FileFolder(Path(f"{name}-files"))


def folder_of(session: Session) -> FileFolder | None:
    """The folder in which this session's database keeps files; None where it keeps them itself."""
    return folder_beside(session.get_bind().engine.url)


def keep(session: Session, content: bytes, type_: str) -> str:
    """Keep a file, and give the digest by which rows name it; the same bytes are kept once. Raises FilesUnwritable.

    Whoever names it does so in this transaction. If that is undone, the bytes are deleted by a sweep.
    """
    digest, folder = sha256(content).hexdigest(), folder_of(session)
    place = Place.database if folder is None else Place.folder
    row = None
    while row is None:  # until nobody deletes it between the two
        # The row first: from here on nobody else writes into a SQLite database, and nobody deletes this row.
        insert_once(session, KeptFile, sha256=digest, size=len(content), type=type_, place=place)
        row = session.scalars(_locking(digest, for_deleting=False)).one_or_none()
    if row.place == Place.database and _is_in_database(session, digest):
        return digest
    row.place = place
    if folder is None:
        insert_once(session, FileContent, sha256=digest, content=content)
    else:
        _write(folder, content, digest)
    session.flush()
    return digest


def read(session: Session, digest: str) -> bytes:
    """The bytes of a file, which are those of its digest. Raises FileDamaged."""
    content = _bytes(session, digest)
    if content is None or sha256(content).hexdigest() != digest:
        logger.error("file is %s", "missing" if content is None else "changed", extra={"sha256": digest})
        raise FileDamaged(sha256=digest)
    return content


def found(session: Session, digest: str) -> str | None:
    """The digest of the bytes that are kept under this one; None where there are none."""
    folder = folder_of(session)
    if folder is not None and _place(session, digest) == Place.folder:
        return folder.found(digest)
    content = _bytes(session, digest)
    return None if content is None else sha256(content).hexdigest()


def release(session: Session, digests: Iterable[str]) -> None:
    """Of these files delete those that no row names any more: in the database at once, in the folder by the next sweep.

    The bytes may only go once it is certain that this transaction is kept.
    """
    session.flush()
    for digest in sorted(set(digests)):
        row = session.scalars(_locking(digest, for_deleting=True)).one_or_none()
        if row is None or is_named(session, digest):
            continue
        session.execute(delete(FileContent).where(FileContent.sha256 == digest))
        if row.place == Place.database:
            session.delete(row)
        else:
            row.place = Place.gone
        session.flush()


def is_named(session: Session, digest: str) -> bool:
    """Whether an attachment, a version of a record or an uploaded list names the file."""
    attached = exists().where(Attachment.file == digest)
    uploaded = exists().where(ImportFile.file == digest)
    recorded = exists().where(RecordFile.sha256 == digest)
    # A case that is closed to whoever asks names its files, too.
    return bool(session.scalar(select(attached | recorded | uploaded), execution_options=EVERYTHING))


def _write(folder: FileFolder, content: bytes, digest: str) -> None:
    try:
        folder.write(content)
    except OSError as error:
        logger.exception("file could not be written", extra={"sha256": digest})
        raise FilesUnwritable from error


def _bytes(session: Session, digest: str) -> bytes | None:
    place, folder = _place(session, digest), folder_of(session)
    if place == Place.database:
        return session.scalar(select(FileContent.content).where(FileContent.sha256 == digest))
    if place != Place.folder or folder is None:
        return None
    try:
        return folder.read(digest)
    except (OSError, ValueError):
        return None


def _place(session: Session, digest: str) -> str | None:
    return session.scalar(select(KeptFile.place).where(KeptFile.sha256 == digest))


def _is_in_database(session: Session, digest: str) -> bool:
    return session.scalar(select(FileContent.sha256).where(FileContent.sha256 == digest)) is not None


def _locking(digest: str, *, for_deleting: bool) -> Select[KeptFile]:
    query = select(KeptFile).where(KeptFile.sha256 == digest).execution_options(populate_existing=True)
    return query.with_for_update(read=not for_deleting, key_share=not for_deleting)
