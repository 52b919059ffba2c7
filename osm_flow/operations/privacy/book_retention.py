"""Records that were closed so long ago that what they say of people need not be kept: listed, and erased by two people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, require_somewhere
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.retention import Retention
from osm_flow.operations.books.record_types import RecordType, every_type
from osm_flow.operations.books.versions import in_batches, newest_of, versions_of
from osm_flow.operations.privacy.book_texts import BookText, texts_of
from osm_flow.operations.privacy.retention import held_texts
from osm_flow.store.models import Book, ChangeBody, RecordChange


@dataclass(frozen=True)
class DueRecord:
    """A closed record whose time is over, with what its versions still say of people; `book` is the name of its book."""

    book: str
    record: str
    retention: Retention
    since: date
    is_held: bool
    texts: tuple[BookText, ...]

    @property
    def key(self) -> str:
        """How forms name it."""
        return f"{self.book}:{self.record}"


def due_records(session: Session, actor: Actor, now: datetime, *, limit: int = 200) -> list[DueRecord]:
    """The closed records of the offices where the actor may erase whose personal halves are due, longest overdue first."""
    offices = None if actor.is_system else require_somewhere(actor, Verb.erase)
    today = local_day(now)
    found = [due for type_ in every_type() for due in _due(session, type_, offices, today)]
    return sorted(found, key=lambda due: (due.since, due.record))[:limit]


def _due(session: Session, type_: RecordType, offices: tuple[str, ...] | None, today: date) -> Iterator[DueRecord]:
    same = [getattr(ChangeBody, name) == getattr(RecordChange, name) for name in ("kind", "record_id", "version")]
    query = select(Book.name, RecordChange.record_id).join(RecordChange, RecordChange.book_id == Book.id)
    query = query.join(ChangeBody, same[0] & same[1] & same[2]).where(
        RecordChange.kind == type_.kind, ChangeBody.personal != ""
    )
    if offices is not None:
        query = query.where(Book.office_id.in_(offices))
    by_book: dict[str, list[str]] = defaultdict(list)
    for book, record in session.execute(query.distinct().order_by(Book.name, RecordChange.record_id)):
        by_book[book].append(record)
    for book, records in by_book.items():
        for some in in_batches(records):
            for record, newest in newest_of(session, type_.kind, some).items():
                if type_.is_closed(newest.values(type_)) and (due := _due_record(session, type_, book, record, today)):
                    yield due


def _due_record(session: Session, type_: RecordType, book: str, record: str, today: date) -> DueRecord | None:
    """The record, if the version that closed it for the last time is old enough."""
    closed = versions_of(session, type_.kind, record)
    while len(closed) > 1 and type_.is_closed(closed[-2].values):
        closed.pop()
    since = type_.personal_kept.ends_on(local_day(closed[-1].at))
    if since is None or since > today:
        return None
    texts = tuple(texts_of(session, book, record))
    return DueRecord(book, record, type_.personal_kept, since, bool(held_texts(session, texts)), texts)
