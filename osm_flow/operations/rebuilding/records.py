"""Putting rows of records back as their books say: each is made anew of the newest version of its record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.json import JSON
from osm_flow.operations.audit import log_checks
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.checks import check_books, name_of
from osm_flow.operations.books.record_types import RecordType, every_type
from osm_flow.operations.books.versions import in_batches, newest_of
from osm_flow.operations.comparing.differences import RowDifference
from osm_flow.operations.comparing.records import compare_records
from osm_flow.operations.rebuilding.rows import PutBack
from osm_flow.store.database import db
from osm_flow.store.models import Book


def hold_books(session: Session) -> None:
    """Lock every book, in the order of their names, so that no record changes meanwhile."""
    session.scalars(select(Book.id).order_by(Book.name).with_for_update()).all()


def differing_records(session: Session, tables: Collection[str]) -> Iterator[RowDifference]:
    """What the tables of records say otherwise than their books."""
    return (one for one in compare_records(session) if one.table in tables)


def differing_rows(session: Session, tables: Collection[str]) -> dict[str, list[str]]:
    """Which rows of these tables differ, by their codes alone: there may be very many."""
    rows: dict[str, dict[str, None]] = {}
    for one in differing_records(session, tables):
        rows.setdefault(one.table, {})[one.row] = None
    return {table: list(keys) for table, keys in rows.items()}


def are_doubtful(session: Session) -> bool:
    """Whether some book does not verify, or is not the one that was logged: nothing is taken from any then."""
    return bool(check_books(session).faults) or any(True for _ in log_checks.faults_of_books(session))


def put_records_back(session: Session, rows: Mapping[str, Sequence[str]]) -> Iterator[list[PutBack]]:
    """Make these rows of tables anew, some hundred at a time; a row of which no book knows goes."""
    types = {type_.table.__tablename__: type_ for type_ in every_type()}
    names = {book.id: name_of(book) for book in session.scalars(select(Book))}
    for table, keys in rows.items():
        for some in in_batches(keys):
            yield list(_put_back(session, types[table], names, some))


def _put_back(
    session: Session, type_: RecordType, names: Mapping[int, BookName], keys: Sequence[str]
) -> Iterator[PutBack]:
    table = db.metadata.tables[type_.table.__tablename__]
    key = table.c[type_.key]
    reading = select(table).where(key.in_(keys))
    found = {row[type_.key]: _plain(row) for row in session.execute(reading).mappings()}
    newest = newest_of(session, type_.kind, keys)
    session.execute(table.delete().where(key.in_([one for one in keys if one not in newest])))
    of_books: dict[int, list[tuple[str, JSON]]] = {}
    for record, version in newest.items():
        of_books.setdefault(version.book_id, []).append((record, version.values(type_)))
    for book_id, records in of_books.items():
        books.project(session, type_, names[book_id], records)
    recorded = {row[type_.key]: _plain(row) for row in session.execute(reading).mappings()}
    for one in keys:
        yield _done(table.name, one, found.get(one), recorded.get(one))


def _done(table: str, key: str, found: dict[str, Any] | None, recorded: dict[str, Any] | None) -> PutBack:
    if found is None or recorded is None:
        return PutBack(table, key, found, recorded)
    changed = [column for column in found if found[column] != recorded[column]]
    return PutBack(table, key, {name: found[name] for name in changed}, {name: recorded[name] for name in changed})


def _plain(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}
