"""Checking books: the chain of their entries, the threads of their records, what versions say, sets, and what erasures excuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, String, and_, func, select, type_coerce
from sqlalchemy.orm import Session

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.books.sealing import (
    BookCheck,
    BookName,
    SealedChange,
    SealedEntry,
    digest_of_set,
    erased_by,
    proposals_erased_by,
    reasons_erased_by,
    sets_named_by,
)
from osm_flow.domain.journal import GENESIS, Fault, digest_payload
from osm_flow.domain.json import JSON
from osm_flow.errors import HOSTILE
from osm_flow.store.database import Instant, Model
from osm_flow.store.models import Book, BookEntry, ChangeBody, Correction, EntryReason, RecordChange, RecordSet


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
    for book in session.execute(select(*plain(Book)).order_by(Book.name)).all():
        report.books += 1
        report.faults += list(_faults_of_book(session, book, report))
    for kept in session.execute(select(*plain(RecordSet)).execution_options(yield_per=500)):
        report.sets += 1
        if not _holds(kept):
            report.faults.append(Fault(f"set {kept.digest}", 0, "set", "the set is not the one that was kept"))
    stray = select(func.count()).select_from(RecordChange).join(Book, Book.id == RecordChange.book_id, isouter=True)
    if session.scalar(stray.where(Book.id.is_(None))):
        report.faults.append(Fault("books", 0, "book", "there are changes of no book"))
    return report


def plain(table: type[Model]) -> list[ColumnElement[Any]]:
    """The columns as they lie there: instants as their texts, so that one that is none is a fault and no end of the check."""
    columns = table.__table__.columns
    return [
        type_coerce(column, String).label(column.name) if isinstance(column.type, Instant) else column
        for column in columns
    ]


def _holds(kept: Row[Any]) -> bool:
    try:
        members = json.loads(kept.members)
        return bool(digest_of_set(members) == kept.digest and len(members) == kept._mapping["count"])
    except HOSTILE:
        return False


def entry_of(row: Row[Any], name: str) -> SealedEntry:
    """The entry as a value, as it was hashed. Raises ValueError where what it tells is no JSON."""
    return SealedEntry(
        book=name,
        seq=row.seq,
        at=row.at,
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


def change_of(row: Row[Any]) -> SealedChange:
    """The change as a value, as it was hashed."""
    return SealedChange(
        row.kind, row.record_id, row.version, row.schema, row.digest, row.personal_digest, row.prev_hash
    )


def _object(text: str) -> JSON:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


@dataclass
class _Gone:
    """Halves and reasons that are not there any more, and those of which entries say that they were erased; sets they name."""

    halves: list[tuple[int, str, int]] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    erased: set[tuple[str, int]] = field(default_factory=set)
    excused: set[int] = field(default_factory=set)
    sets: dict[str, tuple[int, int]] = field(default_factory=dict)

    def hear(self, entry: SealedEntry, threads: Mapping[str, tuple[int, str]]) -> None:
        """What an entry excuses: versions that were written before it, no later ones."""
        self.erased |= {pair for pair in erased_by(entry) if 0 < pair[1] <= threads.get(pair[0], (0, ""))[0]}
        self.excused |= {seq for seq in reasons_erased_by(entry) if 0 < seq < entry.seq}
        self.sets |= {digest: (entry.seq, count) for digest, count in sets_named_by(entry)}

    def faults(self, name: str) -> Iterator[Fault]:
        """What is gone and nothing excuses."""
        for seq, record, version in self.halves:
            if (record, version) not in self.erased:
                place = f"{record} version {version}"
                said = f"{place}: what it says of a person is gone, and no entry says that it was erased"
                yield Fault(name, seq, "erased", said)
        for seq in self.reasons:
            if seq not in self.excused:
                yield Fault(name, seq, "erased", "the reason is gone, and no entry says that it was erased")


@dataclass
class _Proposals:
    """The rows of corrections of a book, by the entries that proposed them, and what the entries say became of them."""

    rows: dict[int, Row[Any]]
    told: dict[int, JSON] = field(default_factory=dict)
    decided: dict[int, int] = field(default_factory=dict)
    erased: set[int] = field(default_factory=set)

    def hear(self, entry: SealedEntry) -> Iterator[Fault]:
        """Take what an entry proposes, decides or erases; whoever decides says what, and decides it once."""
        # An erasure excuses only what was decided before it: nothing that is gone waits.
        self.erased |= {seq for seq in proposals_erased_by(entry) if seq in self.decided}
        if entry.act == BookActKind.proposed:
            self.told[entry.seq] = entry.told
        number = entry.told.get("proposal")
        if number is None and entry.act != BookActKind.withdrawn:
            return
        if not isinstance(number, int) or number not in self.told or number in self.decided:
            yield Fault(
                entry.book, entry.seq, "proposal", "it decides what nobody proposed, or what was decided before"
            )
        else:
            self.decided[number] = entry.seq

    def faults(self, name: str) -> Iterator[Fault]:
        """What the rows say otherwise than the entries."""
        for seq in sorted({*self.rows, *self.told}):
            row, told = self.rows.get(seq), self.told.get(seq)
            if row is None:
                yield Fault(name, seq, "proposal", "what was proposed is missing")
            elif told is None:
                yield Fault(name, seq, "proposal", "nobody proposed what lies here as a correction")
            elif seq in self.erased and (row.changes or row.salt):
                yield Fault(name, seq, "erased", "what was proposed was erased by law, and is there all the same")
            elif not self._holds(row, told, name):
                yield Fault(name, seq, "proposal", "what was proposed, or what became of it, was changed")

    def _holds(self, row: Row[Any], told: JSON, name: str) -> bool:
        digest = told.get("digest") if row.seq in self.erased else _digest(row.salt, row.changes)
        said = (told.get("record"), told.get("version"), told.get("digest"), self.decided.get(row.seq))
        kept = (row.record_id, row.version, digest, row.decided_seq)
        return said == kept and name.startswith(f"{row.kind}/")


def _corrections(session: Session, book: Row[Any]) -> dict[int, Row[Any]]:
    query = select(*plain(Correction)).where(Correction.book_id == book.id)
    return {row.seq: row for row in session.execute(query)}


def _faults_of_book(session: Session, book: Row[Any], report: BookReport) -> Iterator[Fault]:
    name = f"{book.kind}/{book.office_id}/{book.year}"
    check, gone, proposals = BookCheck(name), _Gone(), _Proposals(_corrections(session, book))
    changes = _changes_by_entry(session, book)
    under = next(changes, None)
    for row in _entries(session, book):
        mine: list[Row[Any]] = []
        while under is not None and under[0] <= row.seq:
            if under[0] == row.seq:
                mine = under[1]
            else:
                yield from _without_entry(name, under[1])
            under = next(changes, None)
        try:
            entry = entry_of(row, name)
            # An erasure excuses what was written before it, and nothing of its own.
            gone.hear(entry, check.threads)
            found = [*check.take(entry, row.hash, [(change_of(change), change.hash) for change in mine])]
        except HOSTILE:
            yield Fault(name, row.seq, "entry", "the entry cannot be read")
            continue
        yield from found
        yield from _faults_of_words(name, row, mine, gone)
        yield from proposals.hear(entry)
        report.entries += 1
    while under is not None:
        yield from _without_entry(name, under[1])
        under = next(changes, None)
    report.changes += check.changes
    yield from gone.faults(name)
    yield from _faults_of_kept(session, book, name, gone)
    yield from _faults_of_sets(session, name, gone.sets)
    yield from proposals.faults(name)
    if (check.seq, check.head, check.at) != (book.seq, book.head or GENESIS, book.head_at or "") or book.name != name:
        yield Fault(name, book.seq, "end", "the book does not end where it says")


def _faults_of_kept(session: Session, book: Row[Any], name: str, gone: _Gone) -> Iterator[Fault]:
    """What entries say was erased by law, and is there all the same."""
    query = select(RecordChange.seq).join(ChangeBody, _same_version()).where(ChangeBody.personal != "")
    for record, version in sorted(gone.erased):
        this = (RecordChange.book_id == book.id, RecordChange.record_id == record, RecordChange.version == version)
        for seq in session.scalars(query.where(*this)):
            said = f"{record} version {version}: what it says of a person was erased by law, and is there all the same"
            yield Fault(name, seq, "erased", said)
    for seq in sorted(gone.excused):
        if session.scalar(select(EntryReason.seq).where(EntryReason.book_id == book.id, EntryReason.seq == seq)):
            yield Fault(name, seq, "erased", "the reason was erased by law, and is there all the same")


def _faults_of_sets(session: Session, name: str, named: Mapping[str, tuple[int, int]]) -> Iterator[Fault]:
    """The sets that entries name and that are not kept, or not of this size."""
    for digest, (seq, count) in named.items():
        if session.scalar(select(RecordSet.count).where(RecordSet.digest == digest)) != count:
            yield Fault(name, seq, "set", "a set that the entry names is missing, or not as large as it says")


def _faults_of_words(name: str, row: Row[Any], changes: list[Row[Any]], gone: _Gone) -> Iterator[Fault]:
    """What the words that lie beside an entry and its changes say otherwise than their digests."""
    yield from _faults_of_reason(name, row)
    if row.reason_digest is not None and row.reason is None:
        gone.reasons.append(row.seq)
    for change in changes:
        yield from _faults_of_body(name, change, gone.halves)


def _without_entry(name: str, changes: list[Row[Any]]) -> Iterator[Fault]:
    for change in changes:
        message = f"{change.record_id} version {change.version}: it lies under no entry"
        yield Fault(name, change.seq, "changes", message)


def _entries(session: Session, book: Row[Any]) -> Iterator[Row[Any]]:
    same = and_(EntryReason.book_id == BookEntry.book_id, EntryReason.seq == BookEntry.seq)
    columns = (*plain(BookEntry), EntryReason.salt.label("reason_salt"), EntryReason.reason.label("reason"))
    query = select(*columns).select_from(BookEntry).outerjoin(EntryReason, same).where(BookEntry.book_id == book.id)
    yield from session.execute(query.order_by(BookEntry.seq).execution_options(yield_per=500))


def _changes_by_entry(session: Session, book: Row[Any]) -> Iterator[tuple[int, list[Row[Any]]]]:
    same = _same_version()
    said = (ChangeBody.salt, ChangeBody.body, ChangeBody.personal_salt, ChangeBody.personal)
    query = select(*plain(RecordChange), *said).select_from(RecordChange).outerjoin(ChangeBody, same)
    ordered = query.where(RecordChange.book_id == book.id).order_by(RecordChange.seq).execution_options(yield_per=500)
    rows: Any
    for seq, rows in groupby(session.execute(ordered), key=lambda row: row.seq):
        # In the order of their records as texts compare in Python: databases sort by their own rules.
        listed: list[Row[Any]] = [*rows]
        yield seq, sorted(listed, key=lambda row: str(row.record_id))


def _same_version() -> ColumnElement[bool]:
    names = ("kind", "record_id", "version")
    return and_(*(getattr(ChangeBody, name) == getattr(RecordChange, name) for name in names))


def _faults_of_reason(name: str, row: Row[Any]) -> Iterator[Fault]:
    if row.reason is not None and (row.reason_digest or "") != _digest(row.reason_salt, row.reason):
        yield Fault(name, row.seq, "reason", "the reason is not the one that was given")


def _faults_of_body(name: str, change: Row[Any], gone: list[tuple[int, str, int]]) -> Iterator[Fault]:
    place = f"{change.record_id} version {change.version}"
    if change.body is None:
        yield Fault(name, change.seq, "body", f"{place}: what it says is missing")
        return
    if _digest(change.salt, change.body) != change.digest:
        yield Fault(name, change.seq, "body", f"{place}: what it says was changed")
    if change.personal_digest is None:
        if change.personal or change.personal_salt:
            yield Fault(name, change.seq, "body", f"{place}: what it says of a person was put in later")
    elif not change.personal:
        gone.append((change.seq, change.record_id, change.version))
    elif _digest(change.personal_salt, change.personal) != change.personal_digest:
        yield Fault(name, change.seq, "body", f"{place}: what it says of a person was changed")


def _digest(salt: Any, text: Any) -> str:
    try:
        return digest_payload(salt, text)
    except HOSTILE:  # a salt that is none, a text that is none
        return ""
