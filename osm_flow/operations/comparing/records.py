"""Comparing the tables of records with their books: each row is what the newest version of its record says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

from sqlalchemy import Numeric, and_, exists, select
from sqlalchemy.orm import Session

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.books.sealing import BookName, files_erased_by
from osm_flow.errors import HOSTILE
from osm_flow.operations.books.checks import entry_of, plain
from osm_flow.operations.books.record_types import RecordType, every_type
from osm_flow.operations.books.versions import NewestVersion, every_newest, in_batches, said_by
from osm_flow.operations.comparing.differences import RowDifference, compare_keyed, plain_rows, shown
from osm_flow.store import file_store
from osm_flow.store.database import db
from osm_flow.store.models import Book, BookEntry, ChangeBody, ImportFile, RecordChange, RecordFile


def compare_records(session: Session) -> Iterator[RowDifference]:
    """The differences between what pages read of records and what their books say; some hundred records at a time."""
    names = {book.id: BookName(book.kind, book.office_id, book.year) for book in session.scalars(select(Book))}
    for type_ in every_type():
        waiting: list[NewestVersion] = []
        for newest in every_newest(session, type_.kind):
            waiting.append(newest)
            if len(waiting) == _AT_ONCE:
                yield from _compare(session, type_, names, waiting)
                waiting = []
        yield from _compare(session, type_, names, waiting)
        yield from _unrecorded(session, type_)
        yield from _compare_files(session, type_)
    yield from _compare_lists(session)


_AT_ONCE = 500


def _compare(
    session: Session, type_: RecordType, names: dict[int, BookName], records: list[NewestVersion]
) -> Iterator[RowDifference]:
    table = db.metadata.tables[type_.table.__tablename__]
    wanted: dict[str, dict[str, Any]] = {}
    taken_back: list[str] = []
    for newest in records:
        if newest.book_id not in names:
            continue  # the check of the books says so
        try:
            values = newest.values(type_)
            if not values:
                taken_back.append(newest.record)
                continue
            row = type_.row(names[newest.book_id], newest.record, values)
        except HOSTILE:  # the check of the books names it, too
            yield RowDifference(table.name, newest.record, "", "?", "?")
            continue
        wanted[newest.record] = {type_.key: newest.record, **row}
    found: dict[str, dict[str, Any]] = {}
    for some in in_batches(sorted([*wanted, *taken_back])):
        rows = session.execute(plain_rows(table).where(table.c[type_.key].in_(some))).mappings()
        found |= {row[type_.key]: dict(row) for row in rows}
    amounts = {column.name for column in table.columns if isinstance(column.type, Numeric)}
    yield from compare_keyed(
        table.name,
        {key: _spelled(row, amounts) for key, row in wanted.items()},
        {key: _spelled(row, amounts) for key, row in found.items()},
    )


def _unrecorded(session: Session, type_: RecordType) -> Iterator[RowDifference]:
    """The rows of which no book has a record."""
    table = db.metadata.tables[type_.table.__tablename__]
    known = exists().where(RecordChange.kind == type_.kind, RecordChange.record_id == table.c[type_.key])
    for key in session.scalars(select(table.c[type_.key]).where(~known)):
        yield RowDifference(table.name, key, "", "", "1")


def _compare_files(session: Session, type_: RecordType) -> Iterator[RowDifference]:
    """Files that versions name: each is noted, and there with the bytes of its digest unless it was erased by law."""
    erased = set(_erased_files(session))
    named: dict[tuple[str, str], None] = {}
    query = (
        select(RecordChange.record_id, RecordChange.schema, ChangeBody.body)
        .join(ChangeBody, and_(*(getattr(ChangeBody, key) == getattr(RecordChange, key) for key in _KEY)))
        .where(RecordChange.kind == type_.kind, ChangeBody.body.contains('"sha256"'))
        .order_by(RecordChange.record_id, RecordChange.version)
    )
    for record, schema, body in session.execute(query.execution_options(yield_per=500)):
        with suppress(*HOSTILE):  # the check of the books names it
            named |= dict.fromkeys((record, digest) for digest in type_.files(said_by(type_, schema, body, "")))
    noted = select(RecordFile.record_id, RecordFile.sha256).where(RecordFile.kind == type_.kind)
    kept = {(row.record_id, row.sha256) for row in session.execute(noted)}
    for record, digest in named:
        if (record, digest) in erased:
            continue
        if (record, digest) not in kept:
            yield RowDifference("record_files", f"{record}/{digest}", "", "1", "")
        if (lying := file_store.found(session, digest)) != digest:
            yield RowDifference("files", f"{type_.kind} {record}", "content", digest, shown(lying))
    for record, digest in sorted(kept - named.keys()):
        yield RowDifference("record_files", f"{record}/{digest}", "", "", "1")


def _compare_lists(session: Session) -> Iterator[RowDifference]:
    """Files of uploaded lists, for as long as they are kept: each is there with the bytes that were uploaded."""
    for row in session.execute(select(ImportFile.id, ImportFile.file).where(ImportFile.file.is_not(None))):
        if row.file and (lying := file_store.found(session, row.file)) != row.file:
            yield RowDifference("files", f"imports {row.id}", "content", row.file, shown(lying))


_KEY = ("kind", "record_id", "version")


def _erased_files(session: Session) -> Iterator[tuple[str, str]]:
    query = select(*plain(BookEntry)).where(BookEntry.act == BookActKind.erased)
    for row in session.execute(query):
        with suppress(*HOSTILE):
            yield from files_erased_by(entry_of(row, ""))


def _spelled(row: dict[str, Any], amounts: set[str]) -> dict[str, Any]:
    """Amounts as papers write them: 1250000.50 is 1250000.5 to a database and not to an auditor."""
    return {name: _amount(value) if name in amounts else value for name, value in row.items()}


def _amount(value: Any) -> Any:
    try:
        return None if value is None else f"{Decimal(str(value)):.2f}"
    except ArithmeticError:
        return shown(value)
