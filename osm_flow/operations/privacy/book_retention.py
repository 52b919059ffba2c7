"""Records that were closed so long ago that what they say of people, or their files, need not be kept: listed, erased by two people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, require_somewhere
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.retention import Retention
from osm_flow.operations.books.record_types import RecordType, every_type
from osm_flow.operations.books.versions import in_batches, newest_of, versions_of
from osm_flow.operations.privacy.book_texts import FILE, PERSONAL, BookText, files_of, texts_of
from osm_flow.operations.privacy.retention import held_texts
from osm_flow.store.models import Book, ChangeBody, RecordChange, RecordFile


@dataclass(frozen=True)
class DueRecord:
    """A closed record whose time is over, with what is due of it; `book` is the name of its book.

    part   `personal` (what its versions say of people) or `file` (its photos and papers).
    texts  so far as they are still there.
    """

    book: str
    record: str
    part: str
    retention: Retention
    since: date
    is_held: bool
    texts: tuple[BookText, ...]

    @property
    def key(self) -> str:
        """How forms name it."""
        return f"{self.book}:{self.record}:{self.part}"


def due_records(session: Session, actor: Actor, now: datetime, *, limit: int = 200) -> list[DueRecord]:
    """What is due of closed records of the offices where the actor may erase, longest overdue first."""
    offices = None if actor.is_system else require_somewhere(actor, Verb.erase)
    today = local_day(now)
    found = [due for type_ in every_type() for due in _due(session, type_, offices, today)]
    return sorted(found, key=lambda due: (due.since, due.record, due.part))[:limit]


def _due(session: Session, type_: RecordType, offices: tuple[str, ...] | None, today: date) -> Iterator[DueRecord]:
    by_book: dict[str, set[str]] = defaultdict(set)
    for query in _with_something(type_):
        here = query if offices is None else query.where(Book.office_id.in_(offices))
        for book, record in session.execute(here.distinct()):
            by_book[book].add(record)
    for book, records in sorted(by_book.items()):
        for some in in_batches(sorted(records)):
            for record, newest in newest_of(session, type_.kind, some).items():
                if type_.is_closed(newest.values(type_)):
                    yield from _due_of(session, type_, book, record, today)


def _with_something(type_: RecordType) -> Iterator[Select[str, str]]:
    """The records that say something of people, and those that name files."""
    same = [getattr(ChangeBody, name) == getattr(RecordChange, name) for name in ("kind", "record_id", "version")]
    query = select(Book.name, RecordChange.record_id).join(RecordChange, RecordChange.book_id == Book.id)
    yield query.join(ChangeBody, and_(*same)).where(RecordChange.kind == type_.kind, ChangeBody.personal != "")
    named = select(Book.name, RecordFile.record_id).join(RecordFile, RecordFile.book_id == Book.id)
    yield named.where(RecordFile.kind == type_.kind)


def _due_of(session: Session, type_: RecordType, book: str, record: str, today: date) -> Iterator[DueRecord]:
    """What of the record is old enough since the version that closed it for the last time."""
    closed = versions_of(session, type_.kind, record)
    while len(closed) > 1 and type_.is_closed(closed[-2].values):
        closed.pop()
    ended = local_day(closed[-1].at)
    for part, kept in ((PERSONAL, type_.personal_kept), (FILE, type_.files_kept)):
        since = kept.ends_on(ended)
        if since is None or since > today:
            continue
        texts = tuple(texts_of(session, book, record) if part == PERSONAL else files_of(session, record))
        if texts:
            yield DueRecord(book, record, part, kept, since, bool(held_texts(session, texts)), texts)
