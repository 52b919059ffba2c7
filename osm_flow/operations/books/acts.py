"""Writing into a book: one act is one entry, with a new version of each record that it changes and their rows for pages."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, delete, insert, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.acts import WITHOUT_CHANGES, BookAct, NewVersion
from osm_flow.domain.books.sealing import (
    BookName,
    SealedChange,
    SealedEntry,
    digest_of_changes,
    read_name,
    seal_change,
    seal_entry,
)
from osm_flow.domain.journal import GENESIS, canonical, digest_payload
from osm_flow.domain.json import JSON
from osm_flow.errors import Refused
from osm_flow.operations.books.record_types import RecordType, type_of
from osm_flow.operations.books.versions import NewestVersion, in_batches, is_known, known_of, newest_of, said_by
from osm_flow.store.database import instant_text
from osm_flow.store.inserts import insert_once, insert_or_replace
from osm_flow.store.models import Book, BookEntry, ChangeBody, EntryReason, RecordChange, RecordFile, ToLog
from osm_flow.store.session import write as update_row
from osm_flow.store.unit_of_work import ReadOnce

# Of rows that the session has read those that are gone are told by `project` itself.
_AS_IT_IS = {"synchronize_session": False}
_TICK = timedelta(microseconds=1)
# The books that a transaction has locked: nobody else changes one before it ends.
_LOCKED: ReadOnce[str, Book] = ReadOnce()
# What the audit log keeps of the name of a chain.
_LONGEST_NAME = 36
# Into the tables themselves: nobody changes these rows again, so no object has to follow them.
_ADD_CHANGE = insert(RecordChange.__table__)  # type: ignore[arg-type]  # a table, said less exactly
_ADD_BODY = insert(ChangeBody.__table__)  # type: ignore[arg-type]
_ADD_ENTRY = insert(BookEntry.__table__)  # type: ignore[arg-type]
_ADD_REASON = insert(EntryReason.__table__)  # type: ignore[arg-type]
_ADD_TO_LOG = insert(ToLog.__table__)  # type: ignore[arg-type]


class ChangedMeanwhile(Refused):
    """Somebody else changed {record} meanwhile; look at what it says now."""


class BookUnnamed(Refused):
    """No book can be called {name}."""


class RecordElsewhere(Refused):
    """{record} is in another book."""


class SaysTheSame(Refused):
    """Nothing would change."""


@dataclass(frozen=True)
class Written:
    """An entry that was written: where, and the version and hash that each record it changed has now."""

    book: BookName
    seq: int
    records: Mapping[str, tuple[int, str]]


@dataclass(frozen=True)
class _Version:
    """A version that is to be written: sealed, with the halves of what it says."""

    change: SealedChange
    hash: str
    halves: tuple[str, str]
    salts: tuple[str, str]


def lock_book(session: Session, name: BookName) -> Book:
    """Open the book, which is begun if nobody has written into it, and lock it until this transaction ends.

    Whoever locks a case, too, locks it before; whoever locks several books, in the order of their names.
    """
    if read_name(str(name)) != name or len(str(name)) > _LONGEST_NAME:
        raise BookUnnamed(name=str(name))
    locked = _LOCKED.of(session)
    known = locked.get(str(name))
    if known is not None:
        return known
    locking, named = _locking(), {"named": str(name)}
    book = session.scalars(locking, named).one_or_none()
    if book is None:
        insert_once(session, Book, name=str(name), **vars(name), seq=0, next_number=1)
        book = session.scalars(locking, named).one()
    locked[str(name)] = book
    return book


@cache
def _locking() -> Select[Book]:
    """Made once: making it takes longer than running it."""
    locking = select(Book).where(Book.name == bindparam("named")).with_for_update()
    return locking.execution_options(populate_existing=True)


def next_code(session: Session, name: BookName, prefix: str) -> str:
    """A code that no record had before, `PRJ-NE-U1-2571-0007`: the next number of the book, which stays given."""
    book = lock_book(session, name)
    code = ""
    while not code or is_known(session, name.kind, code):
        code = f"{prefix}-{name.office_id}-{name.year}-{book.next_number:04}"
        book.next_number += 1
    session.flush()
    return code


def next_codes(session: Session, name: BookName, prefix: str, count: int) -> list[str]:
    """As many codes as are asked for, as `next_code` gives one."""
    book = lock_book(session, name)
    given: list[str] = []
    while len(given) < count:
        numbers = range(book.next_number, book.next_number + count - len(given))
        made = [f"{prefix}-{name.office_id}-{name.year}-{number:04}" for number in numbers]
        book.next_number = numbers.stop
        known = known_of(session, name.kind, made)
        given += [code for code in made if code not in known]
    session.flush()
    return given


def write(
    session: Session,
    name: BookName,
    act: BookAct,
    actor: Actor,
    now: datetime,
    versions: Sequence[NewVersion],
    *,
    known: Mapping[str, NewestVersion] | None = None,
) -> Written:
    """Write one entry with a new version of each of these records; what says the same as before is left out.

    `known` are the newest versions of all of them that there are, for who has read them since it locked the book. The tables
    that pages read follow in the same transaction. Raises SaysTheSame, ChangedMeanwhile, RecordElsewhere, FieldUnknown, and
    NotStorable for values that cannot be kept exactly.
    """
    type_ = type_of(name.kind)
    book = lock_book(session, name)
    if known is None:
        known = newest_of(session, name.kind, [version.record for version in versions])
    new = [made for version in sorted(versions, key=_record) if (made := _made(type_, book, version, known))]
    if not new and act.kind not in WITHOUT_CHANGES:
        raise SaysTheSame
    seq = _append(session, book, name, act, actor, now, [version.hash for version in new])
    for some in in_batches(new):
        session.execute(_ADD_CHANGE, [_change_row(book, seq, version) for version in some])
        session.execute(_ADD_BODY, [_body_row(version) for version in some])
        # Of a long list what the versions say is not held all at once.
        values = [said_by(type_, version.change.schema, *version.halves) for version in some]
        project(session, type_, name, [(one.change.record, says) for one, says in zip(some, values, strict=True)])
        for version, says in zip(some, values, strict=True):
            _name_files(session, book, version, type_.files(says))
    return Written(name, seq, {version.change.record: (version.change.version, version.hash) for version in new})


def project(session: Session, type_: RecordType, name: BookName, records: Sequence[tuple[str, JSON]]) -> None:
    """Have the table that pages read say what these records of a book say; one that says nothing any more is not in it."""
    for gone in in_batches([record for record, values in records if not values]):
        session.execute(
            delete(type_.table).where(getattr(type_.table, type_.key).in_(gone)), execution_options=_AS_IT_IS
        )
    for some in in_batches([(record, values) for record, values in records if values]):
        rows = [{type_.key: record, **type_.row(name, record, values)} for record, values in some]
        insert_or_replace(session, type_.table, rows, *(name for name in rows[0] if name != type_.key), by=type_.key)
    # Rows that the session has read say what they said before.
    written = {record for record, _ in records}
    for row in list(session.identity_map.values()):
        if isinstance(row, type_.table) and row.__dict__.get(type_.key) in written:
            session.expire(row)


def _name_files(session: Session, book: Book, version: _Version, digests: Collection[str]) -> None:
    """Note which files the version names, so that they stay for as long as it does."""
    key = {"kind": version.change.kind, "record_id": version.change.record}
    if digests:
        noted = set(session.scalars(select(RecordFile.sha256).filter_by(**key)))
        for digest in sorted(set(digests) - noted):
            insert_once(session, RecordFile, **key, sha256=digest, book_id=book.id)


def _record(version: NewVersion) -> str:
    return version.record


def _made(type_: RecordType, book: Book, version: NewVersion, known: Mapping[str, NewestVersion]) -> _Version | None:
    """The version as it will be kept; None where it says what the record says already."""
    before = known.get(version.record)
    if before is not None and before.book_id != book.id:
        raise RecordElsewhere(record=version.record)
    if version.based_on is not None and version.based_on != (before.version if before else 0):
        raise ChangedMeanwhile(record=version.record)
    ordinary, personal = type_.schema.split(version.values)
    halves = (canonical(ordinary).decode(), canonical(personal).decode() if personal else "")
    if before is not None and before.halves == halves and before.schema == type_.schema.version:
        return None
    salts = (secrets.token_hex(16), secrets.token_hex(16) if personal else "")
    change = SealedChange(
        kind=type_.kind,
        record=version.record,
        version=before.version + 1 if before else 1,
        schema=type_.schema.version,
        digest=digest_payload(salts[0], halves[0]),
        personal_digest=digest_payload(salts[1], halves[1]) if personal else None,
        prev_hash=before.hash if before else GENESIS,
    )
    return _Version(change, seal_change(change), halves, salts)


def spelled(cause: Mapping[str, Any]) -> str:
    """How the cause of an entry lies in its row, by which entries of one cause are found."""
    return canonical(dict(cause)).decode()


def _append(
    session: Session, book: Book, name: BookName, act: BookAct, actor: Actor, now: datetime, hashes: list[str]
) -> int:
    """Chain the entry to the newest one and have it logged; its number."""
    at = now if book.head_at is None or now > book.head_at else book.head_at + _TICK
    salt = secrets.token_hex(16) if act.reason else ""
    entry = SealedEntry(
        book=str(name),
        seq=book.seq + 1,
        at=instant_text(at),
        act=str(act.kind),
        actor=actor.username,
        actor_role=act.hat.role if act.hat else None,
        on_behalf_of=act.hat.for_username if act.hat else None,
        cause=dict(act.cause),
        told=dict(act.told),
        reason_digest=digest_payload(salt, act.reason) if act.reason else None,
        confirmed=vars(act.confirmation) if act.confirmation else None,
        changes_digest=digest_of_changes(hashes),
        prev_hash=book.head or GENESIS,
    )
    hash_ = seal_entry(entry)
    kept: dict[str, Any] = {field: value for field, value in vars(entry).items() if field != "book"}
    kept |= {"book_id": book.id, "at": at, "hash": hash_}
    kept |= {"cause": spelled(entry.cause), "told": canonical(entry.told).decode()}
    kept["confirmed"] = canonical(entry.confirmed).decode() if entry.confirmed else None
    session.execute(_ADD_ENTRY, kept)
    if act.reason:
        session.execute(_ADD_REASON, {"book_id": book.id, "seq": entry.seq, "salt": salt, "reason": act.reason})
    session.execute(_ADD_TO_LOG, {"chain": str(name), "seq": entry.seq, "hash": hash_, "at": at})
    update_row(session, book, seq=entry.seq, head=hash_, head_at=at)
    return entry.seq


def _change_row(book: Book, seq: int, version: _Version) -> dict[str, Any]:
    row = {name: value for name, value in vars(version.change).items() if name != "record"}
    return {**row, "record_id": version.change.record, "book_id": book.id, "seq": seq, "hash": version.hash}


def _body_row(version: _Version) -> dict[str, Any]:
    change = version.change
    return {
        "kind": change.kind,
        "record_id": change.record,
        "version": change.version,
        "salt": version.salts[0],
        "body": version.halves[0],
        "personal_salt": version.salts[1],
        "personal": version.halves[1],
    }
