"""Checking books: the chain of their entries, the threads of their records, what versions say, sets, and what erasures excuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from osm_flow.domain.books.sealing import (
    BookCheck,
    BookName,
    SealedChange,
    SealedEntry,
    digest_of_set,
    erased_by,
    reasons_erased_by,
)
from osm_flow.domain.journal import GENESIS, Fault, digest_payload
from osm_flow.domain.json import JSON
from osm_flow.store.database import instant_text
from osm_flow.store.models import Book, BookEntry, ChangeBody, EntryReason, RecordChange, RecordSet


@dataclass
class BookReport:
    """The result of checking books: how much was checked, and what does not hold."""

    books: int = 0
    entries: int = 0
    changes: int = 0
    sets: int = 0
    faults: list[Fault] = field(default_factory=list)


def name_of(book: Book) -> BookName:
    """The name of a book by its row."""
    return BookName(book.kind, book.office_id, book.year)


def check_books(session: Session) -> BookReport:
    """Check every book and every kept set; in memory is never more than the threads of one book."""
    report = BookReport()
    for book in session.scalars(select(Book).order_by(Book.kind, Book.office_id, Book.year)).all():
        report.books += 1
        report.faults += list(_faults_of_book(session, book, report))
    for kept in session.scalars(select(RecordSet).execution_options(yield_per=500)):
        report.sets += 1
        if digest_of_set(json.loads(kept.members)) != kept.digest or len(json.loads(kept.members)) != kept.count:
            report.faults.append(Fault(f"set {kept.digest}", 0, "set", "the set is not the one that was kept"))
    stray = select(func.count()).select_from(RecordChange).join(Book, Book.id == RecordChange.book_id, isouter=True)
    if session.scalar(stray.where(Book.id.is_(None))):
        report.faults.append(Fault("books", 0, "book", "there are changes of no book"))
    return report


def entry_of(row: BookEntry, name: BookName) -> SealedEntry:
    """The entry as a value, as it was hashed. Raises ValueError where what it tells is no JSON."""
    return SealedEntry(
        book=str(name),
        seq=row.seq,
        at=instant_text(row.at),
        act=row.act,
        actor=row.actor,
        actor_role=row.actor_role,
        on_behalf_of=row.on_behalf_of,
        cause=_object(row.cause),
        told=_object(row.told),
        reason_digest=row.reason_digest,
        confirmed=_object(row.confirmed) if row.confirmed is not None else None,
        changes_digest=row.changes_digest,
        prev_hash=row.prev_hash,
    )


def change_of(row: RecordChange) -> SealedChange:
    """The change as a value, as it was hashed."""
    return SealedChange(
        row.kind, row.record_id, row.version, row.schema, row.digest, row.personal_digest, row.prev_hash
    )


def _object(text: str) -> JSON:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _faults_of_book(session: Session, book: Book, report: BookReport) -> Iterator[Fault]:
    name = name_of(book)
    check = BookCheck(str(name))
    erased: set[tuple[str, int]] = set()
    gone: list[tuple[int, str, int]] = []
    silent: list[int] = []
    excused: set[int] = set()
    changes = _changes_by_entry(session, book)
    under = next(changes, None)
    for row, reason in _entries(session, book):
        try:
            entry = entry_of(row, name)
        except ValueError:
            yield Fault(str(name), row.seq, "entry", "the entry cannot be read")
            continue
        mine: list[tuple[RecordChange, ChangeBody | None]] = []
        while under is not None and under[0] <= entry.seq:
            mine += under[1] if under[0] == entry.seq else []
            under = next(changes, None)
        yield from check.take(entry, row.hash, [(change_of(change), change.hash) for change, _ in mine])
        yield from _faults_of_reason(str(name), row, reason)
        if row.reason_digest is not None and reason is None:
            silent.append(entry.seq)
        for change, body in mine:
            yield from _faults_of_body(str(name), change, body, gone)
        erased |= set(erased_by(entry))
        excused |= set(reasons_erased_by(entry))
        report.entries += 1
    report.changes += check.changes
    for seq, record, version in gone:
        if (record, version) not in erased:
            message = (
                f"{record} version {version}: what it says of a person is gone, and no entry says that it was erased"
            )
            yield Fault(str(name), seq, "erased", message)
    for seq in silent:
        if seq not in excused:
            yield Fault(str(name), seq, "erased", "the reason is gone, and no entry says that it was erased")
    end = (book.seq, book.head or GENESIS, instant_text(book.head_at) if book.head_at else "")
    if (check.seq, check.head, check.at) != end or book.name != str(name):
        yield Fault(str(name), book.seq, "end", "the book does not end where it says")


def _entries(session: Session, book: Book) -> Iterator[Row[*tuple[Any, ...]]]:
    same = and_(EntryReason.book_id == BookEntry.book_id, EntryReason.seq == BookEntry.seq)
    query = select(BookEntry, EntryReason).outerjoin(EntryReason, same).where(BookEntry.book_id == book.id)
    yield from session.execute(query.order_by(BookEntry.seq).execution_options(yield_per=500))


def _changes_by_entry(
    session: Session, book: Book
) -> Iterator[tuple[int, list[tuple[RecordChange, ChangeBody | None]]]]:
    names = ("kind", "record_id", "version")
    same = and_(*(getattr(ChangeBody, name) == getattr(RecordChange, name) for name in names))
    query = select(RecordChange, ChangeBody).outerjoin(ChangeBody, same).where(RecordChange.book_id == book.id)
    ordered = query.order_by(RecordChange.seq, RecordChange.record_id).execution_options(yield_per=500)
    for seq, rows in groupby(session.execute(ordered), key=lambda row: row[0].seq):
        # In the order of their records as texts compare in Python: databases sort by their own rules.
        yield seq, sorted(((change, body) for change, body in rows), key=lambda pair: pair[0].record_id)


def _faults_of_reason(name: str, row: BookEntry, reason: EntryReason | None) -> Iterator[Fault]:
    if reason is not None and (row.reason_digest or "") != digest_payload(reason.salt, reason.reason):
        yield Fault(name, row.seq, "reason", "the reason is not the one that was given")


def _faults_of_body(
    name: str, change: RecordChange, body: ChangeBody | None, gone: list[tuple[int, str, int]]
) -> Iterator[Fault]:
    place = f"{change.record_id} version {change.version}"
    if body is None:
        yield Fault(name, change.seq, "body", f"{place}: what it says is missing")
        return
    if _digest(body.salt, body.body) != change.digest:
        yield Fault(name, change.seq, "body", f"{place}: what it says was changed")
    if change.personal_digest is None:
        if body.personal:
            yield Fault(name, change.seq, "body", f"{place}: what it says of a person was put in later")
    elif not body.personal:
        gone.append((change.seq, change.record_id, change.version))
    elif _digest(body.personal_salt, body.personal) != change.personal_digest:
        yield Fault(name, change.seq, "body", f"{place}: what it says of a person was changed")


def _digest(salt: str, text: str) -> str:
    try:
        return digest_payload(salt, text)
    except ValueError:  # a salt that is none
        return ""
