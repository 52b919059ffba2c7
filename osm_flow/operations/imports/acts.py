"""Importing lists: keeping the file, what is chosen for it, carrying it out in one transaction, and taking it back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import Select, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import SheetValues
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Decision, OfficeFacts, Verb, require
from osm_flow.domain.books.acts import BookAct, BookActKind, NewVersion
from osm_flow.domain.books.sealing import BookName
from osm_flow.domain.imports.heads import head_at
from osm_flow.domain.imports.records import Said, source_of
from osm_flow.domain.imports.rows import ReadSheet, Tell
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid, NotFound, Refused
from osm_flow.operations.books import acts as books
from osm_flow.operations.books.record_types import RecordType, type_of
from osm_flow.operations.books.versions import in_batches, newest_of, said_by
from osm_flow.operations.cases.attachments import clean_name
from osm_flow.operations.imports import list_files
from osm_flow.operations.imports.kinds import ImportKind, kind_of
from osm_flow.operations.imports.planning import Fate, Plan, PlannedRow, plan, years_of
from osm_flow.operations.imports.reading import Choices, propose, remembered_of, remembered_words
from osm_flow.operations.reasons import said
from osm_flow.store import file_store
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import (
    Book,
    BookEntry,
    ChangeBody,
    Correction,
    ImportFile,
    ImportHead,
    ImportLeftRow,
    RecordChange,
)

# How long a file is kept, from when it was uploaded; one that nobody confirmed goes whole.
KEEP_FILES = timedelta(days=30)
# How long rows that were left aside wait to be settled; settled ones stay as long as files.
KEEP_LEFT = timedelta(days=365)
# Of the answers to rows of one list.
_MOST_ANSWERS = 5_000


class ImportNotFound(NotFound):
    """There is no such import."""

    is_told_alike = True


class ImportDone(Refused):
    """This list was imported already. Nothing was changed now."""


class PreviewOutdated(Refused):
    """The register has changed since this preview was shown. Nothing was imported: look at the new preview and confirm again."""


class NothingToImport(Invalid):
    """No row would add or change anything."""


class ImportStands(Refused):
    """{record} was changed after the import, so it cannot be taken back any more. Correct single records instead."""


class ImportTakenBack(Refused):
    """This import was taken back already. Nothing was changed now."""


@dataclass(frozen=True)
class GivenList:
    """A file as somebody gives it, for the registers of which office."""

    kind: str
    office_id: str
    filename: str
    content: bytes


@dataclass(frozen=True)
class ImportCounts:
    """What an import did: in how many records, and how many rows it left aside."""

    added: int
    changed: int
    left: int


def upload(session: Session, actor: Actor, now: datetime, given: GivenList) -> ImportFile:
    """Keep the file with what is proposed for it; nothing is imported. Raises NotYourRole and whatever refuses the file."""
    require(actor, Verb.import_records, OfficeFacts(given.office_id))
    kind = kind_of(given.kind)
    digest = sha256(given.content).hexdigest()
    file = list_files.given(given.content, digest)
    choices = propose(file, kind, remembered_of(session, given.office_id, given.kind))
    assert actor.person_id is not None  # noqa: S101 (the system imports nothing)
    row = ImportFile(
        kind=given.kind,
        office_id=given.office_id,
        person_id=actor.person_id,
        filename=clean_name(given.filename),
        sha256=digest,
        size=len(given.content),
        file=list_files.keep(session, given.content),
        choices=choices.as_text(),
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def get_import(session: Session, number: int, actor: Actor) -> ImportFile:
    """A list that the actor uploaded. Raises ImportNotFound."""
    row = session.get(ImportFile, number)
    if row is None or row.person_id != actor.person_id or row.office_id not in actor.office_ids:
        raise ImportNotFound
    require(actor, Verb.import_records, OfficeFacts(row.office_id))
    return row


def choose(session: Session, number: int, actor: Actor, choices: Choices) -> None:
    """Keep what was chosen for a list; answers to rows of another head are let go. Raises ImportNotFound, ImportDone."""
    row = _open(session, number, actor)
    before = Choices.of_text(row.choices)
    is_same = (before.sheet, before.first, before.last) == (choices.sheet, choices.first, choices.last)
    row.choices = replace(choices, answers=before.answers if is_same else {}).as_text()


def answer(session: Session, number: int, actor: Actor, answers: Mapping[int, str]) -> None:
    """Keep what somebody said of rows: another record, one of the register, or left out. Raises ImportNotFound, ImportDone."""
    row = _open(session, number, actor)
    before = Choices.of_text(row.choices)
    kept = {**before.answers, **answers}
    kept = {place: said for place, said in kept.items() if said and len(said) <= 32}
    row.choices = replace(before, answers=dict(list(kept.items())[-_MOST_ANSWERS:])).as_text()


def confirm(
    session: Session,
    number: int,
    actor: Actor,
    now: datetime,
    seen: str,
    read: tuple[SheetValues, ReadSheet],
    tell: Tell | None = None,
) -> ImportCounts:
    """Carry the list out as its preview showed it: one entry in each book, all or nothing.

    `seen` is the digest of the preview; `read` is what the file says, read before anything was locked.
    Raises ImportNotFound, ImportDone, PreviewOutdated, NothingToImport.
    """
    row = _open(session, number, actor)
    decision = require(actor, Verb.import_records, OfficeFacts(row.office_id))
    kind, choices = kind_of(row.kind), Choices.of_text(row.choices)
    sheet, listed = read
    for year in years_of(listed, kind, choices):
        books.lock_book(session, kind.book(row.office_id, year))
    planned = plan(session, row.office_id, kind, choices, listed, tell)
    if planned.digest != seen:
        raise PreviewOutdated
    new = planned.of(Fate.added, Fate.changed)
    if not new:
        raise NothingToImport
    left = planned.of(Fate.refused, Fate.asked)
    _write(session, row, kind, planned, decision, actor, now)
    _leave(session, row, sheet, left)
    _remember(session, row, kind, choices, sheet)
    row.confirmed_at = now
    session.flush()
    return ImportCounts(len(planned.of(Fate.added)), len(planned.of(Fate.changed)), len(left))


def take_back(session: Session, number: int, actor: Actor, now: datetime, reason: str) -> int:
    """Take an import back while nothing stands on it: what it added leaves the register, what it changed says what it said.

    How many records it was. Raises ImportNotFound, ReasonMissing, ImportTakenBack, ImportStands.
    """
    row = session.get(ImportFile, number)
    if row is None or row.office_id not in actor.office_ids or row.confirmed_at is None:
        raise ImportNotFound
    decision = require(actor, Verb.import_records, OfficeFacts(row.office_id))
    why = said(reason)
    type_ = type_of(row.kind)
    names = sorted(BookName(row.kind, row.office_id, book.year) for book, _ in entries_of(session, row))
    for name in names:
        books.lock_book(session, name)
    if has_entry(session, row, BookActKind.import_undone):
        raise ImportTakenBack
    # All of them are looked at before the first is written.
    before = [(book, entry, _as_before(session, type_, book, entry)) for book, entry in entries_of(session, row)]
    for book, entry, versions in before:
        told = {"undone": entry.seq, "records": len(versions)}
        act = BookAct(BookActKind.import_undone, _cause(row), decision.hat, why, told=told)
        name = BookName(row.kind, row.office_id, book.year)
        books.write(session, name, act, actor, now, versions)
    return sum(len(versions) for _, _, versions in before)


def kind_of_import(session: Session, number: int) -> str:
    """Of which kind the list was."""
    return session.get_one(ImportFile, number).kind


def settle(session: Session, left_id: int, actor: Actor, now: datetime) -> str:
    """Say that a row which an import left aside is done with; of which kind it was. Raises ImportNotFound."""
    left = session.get(ImportLeftRow, left_id, with_for_update=True)
    row = session.get(ImportFile, left.import_id) if left else None
    if left is None or row is None or row.office_id not in actor.office_ids:
        raise ImportNotFound
    require(actor, Verb.import_records, OfficeFacts(row.office_id))
    if left.settled_at is None:
        left.settled_at, left.settled_by = now, actor.username
    return row.kind


def old_lists(session: Session, now: datetime) -> Sequence[ImportFile]:
    """The lists of which something is there whose days are over."""
    unconfirmed, files, rows = _old(now)
    of_rows = select(ImportLeftRow.import_id).where(ImportLeftRow.id.in_(rows))
    theirs = or_(ImportFile.id.in_(unconfirmed), ImportFile.id.in_(files), ImportFile.id.in_(of_rows))
    return session.scalars(select(ImportFile).where(theirs).order_by(ImportFile.id)).all()


def drop_old(session: Session, now: datetime, limit: int, *, besides: Collection[int] = ()) -> int:
    """Let go of files, of lists that nobody confirmed and of rows left aside whose days are over; how many.

    `besides` are the numbers of lists that a legal hold keeps.
    """
    unconfirmed, files, rows = (session.scalars(old.limit(limit)).all() for old in _old(now, besides))
    named = select(ImportFile.file).where(ImportFile.id.in_([*unconfirmed, *files]), ImportFile.file.is_not(None))
    digests = [digest for digest in session.scalars(named) if digest]
    session.execute(delete(ImportFile).where(ImportFile.id.in_(unconfirmed), ImportFile.confirmed_at.is_(None)))
    session.execute(update(ImportFile).where(ImportFile.id.in_(files)).values(content=None, file=None))
    session.execute(delete(ImportLeftRow).where(ImportLeftRow.id.in_(rows)))
    file_store.release(session, digests)
    return len(unconfirmed) + len(files) + len(rows)


def _old(now: datetime, besides: Collection[int] = ()) -> tuple[Select[int], Select[int], Select[int]]:
    """Lists that nobody confirmed, files of those that somebody did, and rows left aside, whose days are over."""
    free = ImportFile.id.not_in(besides)
    uploaded = select(ImportFile.id).where(ImportFile.at < now - KEEP_FILES, free).order_by(ImportFile.id)
    has_file = or_(ImportFile.content.is_not(None), ImportFile.file.is_not(None))
    settled = ImportLeftRow.settled_at < now - KEEP_FILES
    forgotten = ImportLeftRow.import_id.in_(select(ImportFile.id).where(ImportFile.at < now - KEEP_LEFT))
    return (
        uploaded.where(ImportFile.confirmed_at.is_(None)),
        uploaded.where(ImportFile.confirmed_at.is_not(None), has_file),
        select(ImportLeftRow.id)
        .where(or_(settled, forgotten), ImportLeftRow.import_id.not_in(besides))
        .order_by(ImportLeftRow.id),
    )


def entries_of(session: Session, row: ImportFile) -> Sequence[tuple[Book, BookEntry]]:
    """The entries by which the list was imported, each with its book, in the order of the books' names."""
    found = session.execute(
        select(Book, BookEntry)
        .join(BookEntry, BookEntry.book_id == Book.id)
        .where(Book.kind == row.kind, Book.office_id == row.office_id)
        .where(BookEntry.act == BookActKind.imported, BookEntry.cause == books.spelled(_cause(row)))
        .order_by(Book.name)
    )
    return [(book, entry) for book, entry in found]


def has_entry(session: Session, row: ImportFile, act: BookActKind) -> bool:
    """Whether the list has an entry of this kind."""
    query = select(BookEntry.seq).join(Book, Book.id == BookEntry.book_id)
    here = (Book.kind == row.kind, Book.office_id == row.office_id, BookEntry.act == act)
    return session.scalar(query.where(*here, BookEntry.cause == books.spelled(_cause(row))).limit(1)) is not None


def _cause(row: ImportFile) -> JSON:
    return {"batch": row.id, "import": row.sha256}


def _open(session: Session, number: int, actor: Actor) -> ImportFile:
    """The list, locked, while nobody has confirmed it and its file is there. Raises ImportNotFound, ImportDone, ImportFileGone."""
    get_import(session, number, actor)
    row = session.get_one(ImportFile, number, with_for_update=True, populate_existing=True)
    if row.confirmed_at is not None:
        raise ImportDone
    # What was read before an erasure that came between must not be written down after it.
    list_files.file_of(session, row)
    return row


def _write(
    session: Session, row: ImportFile, kind: ImportKind, planned: Plan, decision: Decision, actor: Actor, now: datetime
) -> None:
    by_year: dict[int, list[PlannedRow]] = defaultdict(list)
    for one in planned.of(Fate.added, Fate.changed):
        by_year[one.year or 0].append(one)
    left = len(planned.of(Fate.refused, Fate.asked))
    for year, rows in sorted(by_year.items()):
        name = kind.book(row.office_id, year)
        new = [one for one in rows if one.code is None]
        codes = iter(books.next_codes(session, name, kind.prefix, len(new)))
        versions = [NewVersion(one.code or next(codes), one.values, one.based_on) for one in rows]
        added = sum(one.fate is Fate.added for one in rows)
        told = {"added": added, "changed": len(rows) - added, "left_of_file": left, "preview": planned.digest}
        act = BookAct(BookActKind.imported, _cause(row), decision.hat, told=told)
        # The plan read the newest versions under the lock of the book, unless a row named by its code a record of another year.
        known = planned.known if year in planned.years else None
        books.write(session, name, act, actor, now, versions, known=known)


def _leave(session: Session, row: ImportFile, sheet: SheetValues, left: Sequence[PlannedRow]) -> None:
    for one in left:
        why = [told(said) for said in one.read.problems]
        cells = json.dumps(list(source_of(sheet, one.number)), ensure_ascii=False)
        kept = {"sheet": sheet.name[:64], "row": one.number, "cells": cells}
        session.add(ImportLeftRow(import_id=row.id, why=json.dumps(why, ensure_ascii=False), **kept))
    session.flush()


def told(said: Said) -> JSON:
    """A sentence about a cell, as it is kept to be said in any language."""
    return {"cell": said.cell, "key": said.message.key, "params": said.message.params}


def _remember(session: Session, row: ImportFile, kind: ImportKind, choices: Choices, sheet: SheetValues) -> None:
    head = head_at(sheet, choices.first, choices.last)
    fields = {remembered_words(head, column): choices.fields.get(column, "") for column in head.levels}
    place = {"office_id": row.office_id, "kind": kind.kind}
    listed = [{**place, "words": words, "field": name} for words, name in sorted(fields.items()) if words]
    insert_or_replace(session, ImportHead, listed, "field")


def _as_before(session: Session, type_: RecordType, book: Book, entry: BookEntry) -> list[NewVersion]:
    """What the records of an entry said before it, under the lock of its book. Raises ImportStands."""
    here = (RecordChange.book_id == book.id, RecordChange.seq == entry.seq)
    written = dict(session.execute(select(RecordChange.record_id, RecordChange.version).where(*here)).all())
    newest = newest_of(session, type_.kind, sorted(written))
    waits = exists().where(RecordChange.kind == Correction.kind, RecordChange.record_id == Correction.record_id, *here)
    waiting = session.scalar(select(Correction.record_id).where(Correction.decided_seq.is_(None), waits).limit(1))
    stands = waiting or next((code for code in sorted(written) if newest[code].version != written[code]), None)
    if stands:
        raise ImportStands(record=stands)
    before: dict[str, JSON] = {}
    for some in in_batches(sorted(written)):
        earlier = (
            select(RecordChange, ChangeBody)
            .join(
                ChangeBody,
                (ChangeBody.kind == RecordChange.kind)
                & (ChangeBody.record_id == RecordChange.record_id)
                & (ChangeBody.version == RecordChange.version),
            )
            .where(RecordChange.kind == type_.kind, RecordChange.record_id.in_(some))
        )
        for change, body in session.execute(earlier):
            if change.version == written[change.record_id] - 1:
                before[change.record_id] = said_by(type_, change.schema, body.body, body.personal)
    return [NewVersion(code, before.get(code, {}), written[code]) for code in sorted(written)]
