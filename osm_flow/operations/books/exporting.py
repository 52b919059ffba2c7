"""A book as it leaves in a bundle: its entries, the changes under them, what these say, and the sets that entries name.

Each is given line by line, in the order that docs/audit-format.md tells; no more than a hundred rows are in memory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, select, tuple_
from sqlalchemy.orm import Session

from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.json import JSON
from osm_flow.errors import HOSTILE, NotFound, Refused
from osm_flow.operations.books.checks import change_of, entry_of, plain
from osm_flow.operations.books.versions import in_batches
from osm_flow.store.models import Book, BookEntry, ChangeBody, EntryReason, RecordChange, RecordSet

_OF_VERSION = ("kind", "record_id", "version")
# What of a text tells the halves of a version and the reason of an entry apart.
_ORDINARY, _PERSONAL, _REASON = "body", "personal", "reason"


class BookUnknown(NotFound):
    """There is no book {name}."""


class BookUnreadable(Refused):
    """Entry {seq} of the book {name} cannot be read; verify the database."""


def require_book(session: Session, name: str) -> Book:
    """The book of this name, into which somebody has written. Raises BookUnknown."""
    book = session.scalars(select(Book).where(Book.name == name)).one_or_none() if read_name(name) else None
    if book is None or not book.seq:
        raise BookUnknown(name=name)
    return book


def years_written(session: Session) -> list[int]:
    """The years of which there are books into which somebody has written, newest first."""
    years = select(Book.year).where(Book.seq > 0).distinct()
    return sorted(session.scalars(years), reverse=True)


def books_of(session: Session, year: int) -> list[Book]:
    """The books of a year into which somebody has written, of every office."""
    written = select(Book).where(Book.year == year, Book.seq > 0)
    return list(session.scalars(written.order_by(Book.kind, Book.office_id)))


def entries(session: Session, book: Book, last: int) -> Iterator[JSON]:
    """The entries up to this one as they are hashed, each with its hash. Raises BookUnreadable."""
    query = select(*plain(BookEntry)).where(BookEntry.book_id == book.id, BookEntry.seq <= last)
    for row in _streamed(session, query.order_by(BookEntry.seq)):
        try:
            yield {**vars(entry_of(row, book.name)), "hash": row.hash}
        except HOSTILE as error:
            raise BookUnreadable(name=book.name, seq=row.seq) from error


def changes(session: Session, book: Book, last: int) -> Iterator[JSON]:
    """The changes under these entries as they are hashed, each with its hash and its entry."""
    query = select(*plain(RecordChange)).where(RecordChange.book_id == book.id, RecordChange.seq <= last)
    for row in _streamed(session, query.order_by(*_order(session))):
        yield {**vars(change_of(row)), "hash": row.hash, "seq": row.seq}


def texts(session: Session, book: Book, last: int) -> Iterator[JSON]:
    """The reasons of these entries and both halves of what their changes say, with the salt of each; what was erased is not there."""
    return merge(_reasons(session, book, last), _halves(session, book, last), key=_place)


def sets(session: Session, digests: Iterable[str]) -> Iterator[JSON]:
    """The sets of these digests that are kept, in their order. Raises BookUnreadable."""
    for digest in sorted(digests):
        kept = session.get(RecordSet, digest)
        if kept is not None:
            try:
                yield {"digest": digest, "members": json.loads(kept.members)}
            except HOSTILE as error:
                raise BookUnreadable(name=f"set {digest}", seq=0) from error
            session.expunge(kept)


def versions(session: Session, members: Iterable[tuple[str, str, int]]) -> Iterator[JSON]:
    """These versions (kind, code, number) as they are hashed, each with its hash and its ordinary half, in the order of all three."""
    for kind, named in groupby(sorted(set(members)), key=itemgetter(0)):
        for some in in_batches([(record, version) for _, record, version in named]):
            query = select(*plain(RecordChange), ChangeBody.salt, ChangeBody.body)
            query = query.join_from(RecordChange, ChangeBody, _same_version())
            query = query.where(
                RecordChange.kind == kind, tuple_(RecordChange.record_id, RecordChange.version).in_(some)
            )
            rows: Iterable[Row[Any]] = session.execute(query)
            found = {(row.record_id, row.version): row for row in rows}
            for row in (found[one] for one in some if one in found):
                yield {**vars(change_of(row)), "hash": row.hash, "salt": row.salt, "body": row.body}


def _reasons(session: Session, book: Book, last: int) -> Iterator[JSON]:
    query = select(*plain(EntryReason)).where(EntryReason.book_id == book.id, EntryReason.seq <= last)
    for row in _streamed(session, query.order_by(EntryReason.seq)):
        yield _text(row.seq, "", _REASON, row.salt, row.reason)


def _halves(session: Session, book: Book, last: int) -> Iterator[JSON]:
    same = _same_version()
    query = select(RecordChange.seq, *plain(ChangeBody)).join_from(RecordChange, ChangeBody, same)
    query = query.where(RecordChange.book_id == book.id, RecordChange.seq <= last)
    for row in _streamed(session, query.order_by(*_order(session))):
        yield _text(row.seq, row.record_id, _ORDINARY, row.salt, row.body)
        if row.personal or row.personal_salt:
            yield _text(row.seq, row.record_id, _PERSONAL, row.personal_salt, row.personal)


def _same_version() -> ColumnElement[bool]:
    return and_(*(getattr(ChangeBody, name) == getattr(RecordChange, name) for name in _OF_VERSION))


def _text(seq: int, record: str, part: str, salt: str, body: str) -> JSON:
    return {"seq": seq, "record": record, "part": part, "salt": salt, "body": body}


def _place(text: JSON) -> tuple[int, str, str]:
    return (text["seq"], text["record"], text["part"])


def _order(session: Session) -> tuple[Any, ...]:
    """By entry and code; letters by their numbers, as every checker sorts them, whatever the language of the database."""
    record = RecordChange.record_id
    return RecordChange.seq, record.collate("C") if session.get_bind().dialect.name == "postgresql" else record


def _streamed(session: Session, query: Any) -> Iterator[Row[Any]]:
    with session.execute(query.execution_options(yield_per=100)) as rows:
        yield from rows
