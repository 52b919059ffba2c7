"""What can be erased of books: what versions say of people, reasons of entries, proposed corrections, and files of records.

Each is named as in bundles, by its book, the number of its entry, its record and part; a reason is of no record, and a file
is named by the entry that added it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, literal, null, or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.books.sealing import read_name
from osm_flow.domain.json import JSON
from osm_flow.store.models import (
    Book,
    BookEntry,
    ChangeBody,
    Correction,
    EntryReason,
    ErasureText,
    RecordChange,
    RecordFile,
)
from osm_flow.store.words import has_words, may_hold

PERSONAL, REASON, PROPOSAL, FILE = "personal", "reason", "proposal", "file"
PARTS = (PERSONAL, REASON, PROPOSAL, FILE)
_DIGITS = re.compile(r"\D+")
_FEWEST_DIGITS = 5
# What the row of a file says of its bytes; a number that is looked for may stand in a digest.
_NO_WORDS = frozenset({"sha256", "preview", "type", "size", "taken_off"})


@dataclass(frozen=True, order=True)
class TextName:
    """Which text of a book; `str` of it is how forms, commands and records of administration spell it."""

    book: str
    seq: int
    part: str
    record: str = ""

    def __str__(self) -> str:
        return f"{self.book}:{self.seq}:{self.part}:{self.record}"

    @property
    def item(self) -> tuple[str, int]:
        """How the digest of a request names the text, beside the records of cases."""
        return (f"{self.book} {self.record} {self.part}", self.seq)


@dataclass(frozen=True)
class BookText:
    """A text of a book that is there: what it says, and of which entry and version it is.

    body     of a file what the row that names it says in words, as JSON: kind, title, name, caption, day.
    record   the code of the record that it is about; of a reason the one that its entry names, if it names one.
    version  of what a version says of people; of a file the one that its entry wrote.
    digest   of a file the SHA-256 of its bytes.
    """

    name: TextName
    body: str
    entry: BookEntry
    record: str
    version: int | None = None
    digest: str = ""

    @property
    def cause(self) -> JSON:
        """What its entry follows from."""
        return _cause(self.entry)


def read_text(text: str) -> TextName | None:
    """The text that this spelling names; None for any other spelling."""
    book, _, rest = text.partition(":")
    number, _, rest = rest.partition(":")
    part, _, record = rest.partition(":")
    # Above this no database counts.
    if read_name(book) is None or part not in PARTS or not number.isdecimal() or len(number) > 9 or len(record) > 64:
        return None
    return None if "\0" in record else TextName(book, int(number), part, record)


def name_of(text: ErasureText) -> TextName:
    """Which text a request names."""
    return TextName(text.book.name, text.seq, text.part, text.record_id)


def texts_with(session: Session, words: str, most: int, *, offices: Collection[str] | None = None) -> list[BookText]:
    """The texts that hold the words, in the books of these offices, or of all; so many at most."""
    wanted = () if offices is None else (Book.office_id.in_(offices),)
    found = (text for text in _held(session, words, wanted) if holds(text, words))
    return sorted(islice(found, most), key=lambda text: text.name)


def records_that_say(session: Session, words: str, *, offices: Collection[str] | None = None) -> list[str]:
    """The codes of records that say the words in the half that stays for ever; twenty at most."""
    query = select(Book.name, ChangeBody.record_id, ChangeBody.body).join(RecordChange, RecordChange.book_id == Book.id)
    query = query.join(ChangeBody, _same_version()).where(may_hold(ChangeBody.body, words))
    if offices is not None:
        query = query.where(Book.office_id.in_(offices))
    found: dict[str, None] = {}
    for row in session.execute(query.order_by(ChangeBody.record_id).execution_options(yield_per=200)):
        if row.record_id not in found and has_words(row.body, words):
            found[row.record_id] = None
        if len(found) == 20:
            break
    return list(found)


def texts_named(session: Session, names: Iterable[TextName]) -> list[BookText]:
    """Those of these texts that are still there, in the order of their names."""
    by_book: dict[str, set[TextName]] = {}
    for name in names:
        by_book.setdefault(name.book, set()).add(name)
    found: list[BookText] = []
    for book, mine in by_book.items():
        numbers = sorted({name.seq for name in mine})
        for start in range(0, len(numbers), 500):
            wanted = (Book.name == book, BookEntry.seq.in_(numbers[start : start + 500]))
            found += [text for query in _queries(*wanted) for text in _read(session, query) if text.name in mine]
            found += [text for text in _files(session, *wanted) if text.name in mine]
    return sorted(found, key=lambda text: text.name)


def texts_of(session: Session, book: str, record: str) -> list[BookText]:
    """What the versions of a record say of people, so far as it is there."""
    query = _personal(Book.name == book, RecordChange.record_id == record)
    return sorted(_read(session, query), key=lambda text: text.name)


def files_of(session: Session, record: str) -> list[BookText]:
    """The photos and papers of a record that are there, each once, in the order in which they were added."""
    found: dict[str, BookText] = {}
    for text in sorted(_files(session, RecordChange.record_id == record), key=lambda text: text.name):
        found.setdefault(text.digest, text)
    return list(found.values())


def written_by(session: Session, case_ids: Collection[str]) -> list[BookText]:
    """What versions that acts of these cases wrote say of people: copies of what the cases hold."""
    causes = or_(false(), *(BookEntry.cause.contains(case_id, autoescape=True) for case_id in case_ids))
    texts = _read(session, _personal(causes)) if case_ids else iter(())
    return sorted((text for text in texts if text.cause.get("case") in case_ids), key=lambda text: text.name)


def also_with(
    session: Session, words: str, since: datetime, records: Collection[str], case_ids: Collection[str]
) -> list[BookText]:
    """The texts with the words that go with those that were named: every version of these records, whenever it was written.

    And what came to hold the words after this instant: of these records whatever it is, else by acts of these cases.
    """
    found = (text for text in _held(session, words, ()) if holds(text, words))
    return [
        text
        for text in found
        if (text.record in records and (text.name.part == PERSONAL or text.entry.at > since))
        or (text.cause.get("case") in case_ids and text.entry.at > since)
    ]


# ---- reading ---------------------------------------------------------------------------------------------------


def _held(session: Session, words: str, wanted: Sequence[ColumnElement[bool]]) -> Iterator[BookText]:
    """What may hold the words: numbers are read in full, since they are written in groups of any size."""
    for column, query in zip(
        (ChangeBody.personal, EntryReason.reason, Correction.changes), _queries(*wanted), strict=True
    ):
        yield from _read(session, query.where(may_hold(column, words)))
    yield from _files(session, may_hold(ChangeBody.body, words), *wanted)


def holds(text: BookText, words: str) -> bool:
    """Whether the text holds the words; a number also where it stands in other groups: 081-234-5678 is 0812345678."""
    if has_words(text.body, words):
        return True
    digits = _DIGITS.sub("", words)
    if len(digits) < _FEWEST_DIGITS or any(char.isalpha() for char in words):
        return False
    if text.name.part == REASON:
        return digits in _DIGITS.sub("", text.body)
    return any(digits in _DIGITS.sub("", str(value)) for value in json.loads(text.body).values())


def _queries(*wanted: ColumnElement[bool]) -> tuple[Select[Any], Select[Any], Select[Any]]:
    return _personal(*wanted), _reasons(*wanted), _proposals(*wanted)


def _personal(*wanted: ColumnElement[bool]) -> Select[Any]:
    query = select(Book.name, BookEntry, RecordChange.record_id, ChangeBody.personal, RecordChange.version)
    query = query.select_from(RecordChange).join(ChangeBody, _same_version()).join(BookEntry, _under())
    query = query.join(Book, Book.id == RecordChange.book_id).where(ChangeBody.personal != "", *wanted)
    return query.add_columns(_part(PERSONAL))


def _reasons(*wanted: ColumnElement[bool]) -> Select[Any]:
    """What erasures were done for stays: it names nobody."""
    same = and_(EntryReason.book_id == BookEntry.book_id, EntryReason.seq == BookEntry.seq)
    query = select(Book.name, BookEntry, _part(""), EntryReason.reason, _part(None)).select_from(EntryReason)
    query = query.join(BookEntry, same).join(Book, Book.id == BookEntry.book_id)
    return query.where(BookEntry.act != BookActKind.erased, *wanted).add_columns(_part(REASON))


def _proposals(*wanted: ColumnElement[bool]) -> Select[Any]:
    same = and_(Correction.book_id == BookEntry.book_id, Correction.seq == BookEntry.seq)
    query = select(Book.name, BookEntry, Correction.record_id, Correction.changes, _part(None)).select_from(Correction)
    query = query.join(BookEntry, same).join(Book, Book.id == BookEntry.book_id)
    return query.where(Correction.changes != "", *wanted).add_columns(_part(PROPOSAL))


def _files(session: Session, *wanted: ColumnElement[bool]) -> Iterator[BookText]:
    """The files that are there, each as the version under the entry that added it names it."""
    noted = and_(RecordFile.kind == RecordChange.kind, RecordFile.record_id == RecordChange.record_id)
    query = (
        select(Book.name, BookEntry, RecordChange.record_id, ChangeBody.body, RecordChange.version)
        .select_from(BookEntry)
        .join(RecordChange, _under())
        .join(ChangeBody, _same_version())
        .join(Book, Book.id == BookEntry.book_id)
        .join(RecordFile, and_(noted, BookEntry.told.contains(RecordFile.sha256)))
        .where(BookEntry.act == BookActKind.file_added, *wanted)
    )
    for book, entry, record, body, version in session.execute(query.execution_options(yield_per=200)):
        told = json.loads(entry.told)
        for row in json.loads(body).get(told["part"]) or []:
            if row.get("sha256") == told["sha256"]:
                words = {name: value for name, value in row.items() if name not in _NO_WORDS}
                said = json.dumps(words, ensure_ascii=False, sort_keys=True)
                yield BookText(TextName(book, entry.seq, FILE, record), said, entry, record, version, row["sha256"])


def _part(value: str | None) -> Any:
    return null() if value is None else literal(value)


def _read(session: Session, query: Select[Any]) -> Iterator[BookText]:
    for book, entry, record, body, version, part in session.execute(query.execution_options(yield_per=200)):
        name = TextName(book, entry.seq, part, record)
        yield BookText(name, body, entry, record or str(_cause(entry).get("record", "")), version)


def _cause(entry: BookEntry) -> JSON:
    cause = json.loads(entry.cause)
    return cause if isinstance(cause, dict) else {}


def _same_version() -> ColumnElement[bool]:
    names = ("kind", "record_id", "version")
    return and_(*(getattr(ChangeBody, name) == getattr(RecordChange, name) for name in names))


def _under() -> ColumnElement[bool]:
    return and_(BookEntry.book_id == RecordChange.book_id, BookEntry.seq == RecordChange.seq)
