"""What the registers of an office have that rows of a list may mean, and what stands in the way of changing it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.imports.heads import spelled
from osm_flow.domain.imports.rows import ReadSheet
from osm_flow.domain.json import JSON
from osm_flow.operations.books.record_types import RecordType, type_of
from osm_flow.operations.books.versions import NewestVersion, in_batches, newest_of
from osm_flow.operations.imports.kinds import ImportKind
from osm_flow.store.models import Book, BookEntry, Correction, RecordChange

# Acts of processes, and what an earlier register had from them.
_OF_PROCESSES = (BookActKind.registered, BookActKind.changed, BookActKind.migrated)


@dataclass
class KnownRecord:
    """A record that the office's registers have: its newest version, what it says, and in which book it lies."""

    newest: NewestVersion
    values: JSON
    year: int


@dataclass
class KnownRecords:
    """The records of the office that rows may mean, and what stands in the way of changing them."""

    type_: RecordType
    records: dict[str, KnownRecord]
    by_same: dict[tuple[str, ...], list[str]]
    of_processes: Collection[str]
    corrected: Collection[str]

    @classmethod
    def of(
        cls, session: Session, office_id: str, kind: ImportKind, years: Collection[int], read: ReadSheet
    ) -> KnownRecords:
        """The records in the books of these years, and those whose codes the rows name."""
        type_ = type_of(kind.kind)
        books = {
            book.id: book.year
            for book in session.scalars(select(Book).where(Book.kind == kind.kind, Book.office_id == office_id))
        }
        here = [book for book, year in books.items() if year in years]
        query = select(RecordChange.record_id).where(RecordChange.kind == kind.kind, RecordChange.book_id.in_(here))
        codes = set(session.scalars(query.distinct()))
        codes |= {row.values["code"] for row in read.rows if "code" in row.values}
        records = {
            code: KnownRecord(newest, newest.values(type_), books[newest.book_id])
            for code, newest in newest_of(session, kind.kind, sorted(codes)).items()
            if newest.book_id in books
        }
        by_same: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for code, record in records.items():
            if record.values:
                by_same[same_as(kind, record.values, record.year)].append(code)
        listed = sorted(records)
        return cls(type_, records, by_same, _of_processes(session, kind, listed), _corrected(session, kind, listed))


def _of_processes(session: Session, kind: ImportKind, codes: Sequence[str]) -> set[str]:
    """Those of which a version was written by a process."""
    found: set[str] = set()
    for some in in_batches(codes):
        query = (
            select(RecordChange.record_id)
            .join(BookEntry, (BookEntry.book_id == RecordChange.book_id) & (BookEntry.seq == RecordChange.seq))
            .where(RecordChange.kind == kind.kind, RecordChange.record_id.in_(some), BookEntry.act.in_(_OF_PROCESSES))
        )
        found.update(session.scalars(query.distinct()))
    return found


def _corrected(session: Session, kind: ImportKind, codes: Sequence[str]) -> set[str]:
    """Those of which a correction waits for its second person."""
    query = select(Correction.record_id).where(Correction.kind == kind.kind, Correction.decided_seq.is_(None))
    return set(session.scalars(query)) & set(codes)


def same_as(kind: ImportKind, values: JSON, year: int) -> tuple[str, ...]:
    """What makes a record the same, as such words are compared, with its year."""
    first, *others = kind.same
    return (f"{year} {bare(values.get(first, ''))}", *(spelled(values.get(name) or "") for name in others))


def bare(name: Any) -> str:
    """A name as such words are compared."""
    return spelled(name or "")
