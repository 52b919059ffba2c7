"""Erasing by law in books: what a version says of people, reasons, proposed corrections and files go, and an entry says so.

Under the lock of each book; whoever locks a case, too, locks it before. Nobody is asked here who may have it done.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import OfficeFacts, Verb, require
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.json import JSON
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.named_files import let_go, with_small_pictures, without_files
from osm_flow.operations.books.record_types import type_of
from osm_flow.operations.books.versions import in_batches, newest_of
from osm_flow.operations.privacy.book_texts import FILE, PERSONAL, PROPOSAL, REASON, BookText, TextName, texts_named
from osm_flow.operations.privacy.retention import refuse_held_texts
from osm_flow.store.models import Book, ChangeBody, Correction, EntryReason

_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True)
class BookErasure:
    """Why texts of books go: the reason, which stays, and the request with who asked and who approved it."""

    reason: str
    about: Mapping[str, object]


def erase_texts(session: Session, names: Sequence[TextName], actor: Actor, now: datetime, erasure: BookErasure) -> None:
    """Erase those of these texts that are still there, book by book in the order of their names. Raises HeldByLaw."""
    by_book: dict[str, list[TextName]] = defaultdict(list)
    for name in names:
        by_book[name.book].append(name)
    for book_name in sorted(by_book):
        place = read_name(book_name)
        if place is None:
            raise books.BookUnnamed(name=book_name)
        decision = require(actor, Verb.erase, OfficeFacts(place.office_id))
        book = books.lock_book(session, place)
        # As they are now: another request may have taken some, a correction may have been decided.
        found = texts_named(session, by_book[book_name])
        refuse_held_texts(session, found)
        if found:
            _close_proposals(session, book, found, actor, now, decision.hat)
            files = _files(session, book.kind, found)
            told = _told(found, erasure) | ({"erased_files": files} if files else {})
            cause = {"request": erasure.about["request"]}
            act = BookAct(BookActKind.erased, cause, decision.hat, erasure.reason, told=told)
            # The entry first: the database lets go only what an entry names.
            books.write(session, place, act, actor, now, _without(session, book.kind, found, files))
            _blank(session, book, found)
            for record, digests in files.items():
                let_go(session, book.kind, record, digests)


def _files(session: Session, kind: str, found: Sequence[BookText]) -> dict[str, list[str]]:
    """The digests of the files that go, by their records, each with those of the small pictures made of them."""
    by_record: dict[str, set[str]] = defaultdict(set)
    for text in found:
        if text.name.part == FILE:
            by_record[text.record].add(text.digest)
    return {
        record: sorted(with_small_pictures(session, kind, record, digests))
        for record, digests in sorted(by_record.items())
    }


def _without(
    session: Session, kind: str, found: Sequence[BookText], files: Mapping[str, Sequence[str]]
) -> list[NewVersion]:
    """What records say from now on that name such a file now: all but the file, and but what goes with the same entry."""
    type_ = type_of(kind)
    gone = {(text.record, text.version) for text in found if text.name.part == PERSONAL}
    versions = []
    for record, newest in newest_of(session, kind, sorted(files)).items():
        values = newest.values(type_)
        left = without_files(values, files[record])
        if left != values:
            if (record, newest.version) in gone:
                left = {name: value for name, value in left.items() if name not in type_.schema.personal}
            versions.append(NewVersion(record, left))
    return versions


def _told(found: Sequence[BookText], erasure: BookErasure) -> JSON:
    versions: dict[str, list[int]] = {}
    for text in found:
        if text.name.part == PERSONAL and text.version is not None:
            versions.setdefault(text.record, []).append(text.version)
    told = {
        "erased": {record: sorted(numbers) for record, numbers in sorted(versions.items())},
        "erased_reasons": _numbers(found, REASON),
        "erased_proposals": _numbers(found, PROPOSAL),
    }
    return {name: value for name, value in told.items() if value} | dict(erasure.about)


def _numbers(found: Sequence[BookText], part: str) -> list[int]:
    return sorted(text.name.seq for text in found if text.name.part == part)


def _close_proposals(
    session: Session, book: Book, found: Sequence[BookText], actor: Actor, now: datetime, hat: Hat | None
) -> None:
    """A correction that still waits is withdrawn: nobody can confirm what is not there any more."""
    waiting = select(Correction).where(Correction.book_id == book.id, Correction.seq.in_(_numbers(found, PROPOSAL)))
    waiting = waiting.where(Correction.decided_seq.is_(None)).order_by(Correction.seq)
    for row in session.scalars(waiting.execution_options(populate_existing=True)).all():
        place = read_name(book.name)
        assert place is not None  # noqa: S101 (the caller has read it)
        act = BookAct(BookActKind.withdrawn, {"record": row.record_id}, hat, told={"proposal": row.seq})
        row.decided_seq = books.write(session, place, act, actor, now, []).seq
        session.flush()


def _blank(session: Session, book: Book, found: Sequence[BookText]) -> None:
    halves = [(book.kind, text.record, text.version) for text in found if text.name.part == PERSONAL]
    for some in in_batches(halves):
        these = tuple_(ChangeBody.kind, ChangeBody.record_id, ChangeBody.version).in_(some)
        blanked = update(ChangeBody).where(these).values(personal="", personal_salt="")
        session.execute(blanked, execution_options=_UNSYNCHRONISED)
    for numbers in in_batches(_numbers(found, REASON)):
        gone = delete(EntryReason).where(EntryReason.book_id == book.id, EntryReason.seq.in_(numbers))
        session.execute(gone, execution_options=_UNSYNCHRONISED)
    for numbers in in_batches(_numbers(found, PROPOSAL)):
        these_rows = (Correction.book_id == book.id, Correction.seq.in_(numbers))
        session.execute(
            update(Correction).where(*these_rows).values(salt="", changes=""), execution_options=_UNSYNCHRONISED
        )
    session.flush()
    session.expire_all()
    _project(session, book, sorted({record for _, record, _ in halves}))


def _project(session: Session, book: Book, records: Sequence[str]) -> None:
    """The table that pages read follows, whatever a kind's rows say of people."""
    type_, place = type_of(book.kind), read_name(book.name)
    newest = newest_of(session, book.kind, records)
    if place is not None and newest:
        books.project(session, type_, place, [(record, kept.values(type_)) for record, kept in sorted(newest.items())])
