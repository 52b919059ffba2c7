"""What pages ask about imports: lists that wait, what was imported and taken back, rows left aside, and the preview of a list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import SheetName, SheetValues
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, offices_where
from osm_flow.domain.books.acts import BookActKind
from osm_flow.domain.imports.rows import ReadSheet, Tell
from osm_flow.domain.json import JSON
from osm_flow.errors import HOSTILE
from osm_flow.operations.imports.acts import get_import
from osm_flow.operations.imports.kinds import kind_of
from osm_flow.operations.imports.list_files import ListFile, file_of
from osm_flow.operations.imports.planning import Plan, plan
from osm_flow.operations.imports.reading import Choices, ProposedHead, look_at, provinces_of, read_list, remembered_of
from osm_flow.store.models import Book, BookEntry, ImportFile, ImportLeftRow

_MOST_LISTED = 50


@dataclass
class Imported:
    """An import as the books tell it: when, by whom, in how many records of which years, and whether it was taken back.

    file  the list as it was uploaded; None where nothing is kept of it any more.
    """

    number: int
    at: datetime
    actor: str
    years: list[int]
    added: int
    changed: int
    file: ImportFile | None
    undone_at: datetime | None = None
    undone_by: str | None = None


@dataclass(frozen=True)
class LeftRow:
    """A row that an import left aside: its cells as they stood in the file, and why, in sentences that say their cell."""

    row: ImportLeftRow
    filename: str
    cells: Sequence[tuple[str, str]]
    why: Sequence[JSON]


def offices_for(actor: Actor) -> tuple[str, ...]:
    """The offices into whose registers the actor may import."""
    return offices_where(actor, Verb.import_records)


def waiting(session: Session, actor: Actor, kind: str) -> Sequence[ImportFile]:
    """The lists that the actor uploaded and has not confirmed, newest first."""
    query = select(ImportFile).where(ImportFile.person_id == actor.person_id, ImportFile.kind == kind)
    has_file = or_(ImportFile.file.is_not(None), ImportFile.content.is_not(None))
    query = query.where(ImportFile.confirmed_at.is_(None), ImportFile.office_id.in_(offices_for(actor)), has_file)
    return session.scalars(query.order_by(ImportFile.id.desc()).limit(_MOST_LISTED)).all()


def imported(session: Session, actor: Actor, kind: str) -> list[Imported]:
    """What was imported into the registers in which the actor may do so, newest first."""
    acts = (BookActKind.imported, BookActKind.import_undone)
    query = (
        select(Book, BookEntry)
        .join(BookEntry, BookEntry.book_id == Book.id)
        .where(Book.kind == kind, Book.office_id.in_(offices_for(actor)), BookEntry.act.in_(acts))
        .order_by(BookEntry.at.desc())
        .limit(_MOST_LISTED * 4)
    )
    found: dict[str, Imported] = {}
    undone: dict[str, BookEntry] = {}
    for book, entry in session.execute(query):
        if entry.act == BookActKind.import_undone:
            undone[entry.cause] = entry
            continue
        number, counts = _said_by(entry)
        if not number:
            continue
        one = found.setdefault(
            entry.cause, Imported(number, entry.at, entry.actor, [], 0, 0, session.get(ImportFile, number))
        )
        one.years.append(book.year)
        one.added, one.changed = one.added + counts[0], one.changed + counts[1]
    for cause, entry in undone.items():
        if cause in found:
            found[cause].undone_at, found[cause].undone_by = entry.at, entry.actor
    return list(found.values())[:_MOST_LISTED]


def left_rows(session: Session, actor: Actor, kind: str) -> list[LeftRow]:
    """The rows that imports left aside and nobody has settled, in their order."""
    query = (
        select(ImportLeftRow, ImportFile.filename)
        .join(ImportFile, ImportFile.id == ImportLeftRow.import_id)
        .where(
            ImportFile.kind == kind, ImportFile.office_id.in_(offices_for(actor)), ImportLeftRow.settled_at.is_(None)
        )
        .order_by(ImportLeftRow.id)
        .limit(500)
    )
    return [
        LeftRow(row, name, [(letters, text) for letters, text in json.loads(row.cells)], json.loads(row.why))
        for row, name in session.execute(query)
    ]


def list_of(session: Session, number: int, actor: Actor) -> ListFile:
    """The file that the actor uploaded. Raises ImportNotFound, ImportFileGone."""
    return file_of(session, get_import(session, number, actor))


def sheets_of(session: Session, number: int, actor: Actor) -> list[SheetName]:
    """The sheets of the file. Raises ImportNotFound, ImportFileGone."""
    return list_of(session, number, actor).names


def sheet_values(session: Session, number: int, actor: Actor, name: str) -> SheetValues:
    """What one sheet of the file says. Raises ImportNotFound, ImportFileGone and what `read_sheet` does."""
    return list_of(session, number, actor).sheet(name)


def looked_at(session: Session, number: int, actor: Actor, choices: Choices) -> ProposedHead:
    """The chosen sheet with its chosen head. Raises ImportNotFound, ImportFileGone and what `look_at` does."""
    row = get_import(session, number, actor)
    return look_at(file_of(session, row), choices, kind_of(row.kind), remembered_of(session, row.office_id, row.kind))


def read(session: Session, number: int, actor: Actor, tell: Tell | None = None) -> tuple[SheetValues, ReadSheet]:
    """What the file says as it was chosen. Raises ImportNotFound, ImportFileGone and what `read_list` does."""
    row = get_import(session, number, actor)
    provinces = provinces_of(session, row.office_id)
    return read_list(file_of(session, row), Choices.of_text(row.choices), kind_of(row.kind), provinces, tell)


def preview(session: Session, number: int, actor: Actor, tell: Tell | None = None) -> Plan:
    """What importing the list would do now. Raises as `read`."""
    row = get_import(session, number, actor)
    _, listed = read(session, number, actor, tell)
    return plan(session, row.office_id, kind_of(row.kind), Choices.of_text(row.choices), listed, tell)


def _said_by(entry: BookEntry) -> tuple[int, tuple[int, int]]:
    try:
        told = json.loads(entry.told)
        return int(json.loads(entry.cause)["batch"]), (int(told["added"]), int(told["changed"]))
    except HOSTILE:
        return 0, (0, 0)
