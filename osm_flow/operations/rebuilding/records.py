"""Putting rows of records back as their books say: each is made anew of the newest version of its record."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.audit import log_checks
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.checks import check_books, name_of
from osm_flow.operations.books.record_types import RecordType, every_type
from osm_flow.operations.books.versions import newest_of
from osm_flow.operations.comparing.differences import RowDifference
from osm_flow.operations.comparing.records import compare_records
from osm_flow.operations.rebuilding.rows import PutBack
from osm_flow.store.database import db
from osm_flow.store.models import Book, RecordChange


def hold_books(session: Session) -> None:
    """Lock every book, in the order of their names, so that no record changes meanwhile."""
    session.scalars(select(Book.id).order_by(Book.name).with_for_update()).all()


def differing_records(session: Session, tables: Collection[str]) -> list[RowDifference]:
    """What the tables of records say otherwise than their books."""
    return [one for one in compare_records(session) if one.table in tables]


def are_doubtful(session: Session) -> bool:
    """Whether some book does not verify, or is not the one that was logged: nothing is taken from any then."""
    names = session.scalars(select(Book.name)).all()
    return bool(check_books(session).faults) or any(log_checks.faults_of_book(session, name) for name in names)


def put_records_back(session: Session, differences: Collection[RowDifference]) -> list[PutBack]:
    """Make these rows anew; a row of which no book knows goes."""
    types = {type_.table.__tablename__: type_ for type_ in every_type()}
    rows = dict.fromkeys((one.table, one.row) for one in differences)
    return [done for table, key in rows for done in _put_back(session, types[table], key)]


def _put_back(session: Session, type_: RecordType, key: str) -> Iterator[PutBack]:
    table = db.metadata.tables[type_.table.__tablename__]
    this = table.c[type_.key] == key
    reading = select(table).where(this)
    found = _plain(session.execute(reading).mappings().one_or_none())
    newest = newest_of(session, type_.kind, [key]).get(key)
    if newest is None:
        session.execute(table.delete().where(this))
    else:
        of_book = select(Book).join(RecordChange, RecordChange.book_id == Book.id)
        book = session.scalars(
            of_book.where(RecordChange.kind == type_.kind, RecordChange.record_id == key).limit(1)
        ).one()
        books.project(session, type_, name_of(book), [(key, newest.values(type_))])
    recorded = _plain(session.execute(reading).mappings().one_or_none())
    if found is None or recorded is None:
        yield PutBack(table.name, key, found, recorded)
        return
    changed = [column for column in found if found[column] != recorded[column]]
    yield PutBack(table.name, key, {name: found[name] for name in changed}, {name: recorded[name] for name in changed})


def _plain(row: Any) -> dict[str, Any] | None:
    return None if row is None else {name: value for name, value in row.items() if name != "id"}
