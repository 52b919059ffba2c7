"""The sheets of one uploaded list: what became of each, and going on to another one without uploading the file again.

Each sheet is a list of its own, with its own choices, preview, confirmation and entries; all of them name the same file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from osm_flow.documents.workbooks import SheetName
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.books.acts import BookActKind
from osm_flow.operations.imports import list_files
from osm_flow.operations.imports.acts import get_import, has_entry
from osm_flow.operations.imports.kinds import kind_of
from osm_flow.operations.imports.list_files import file_of
from osm_flow.operations.imports.reading import Choices, carried_to, remembered_of
from osm_flow.store.models import ImportFile


@dataclass(frozen=True)
class SheetFate:
    """What became of a sheet: the list that waits for whoever asks, those that were confirmed by anybody and stand, and those taken back."""

    sheet: SheetName
    waiting: ImportFile | None
    standing: Sequence[ImportFile]
    undone: Sequence[ImportFile]


def fates_of(session: Session, number: int, actor: Actor) -> list[SheetFate]:
    """The sheets of the file in their order, with what became of each. Raises ImportNotFound, ImportFileGone."""
    row = get_import(session, number, actor)
    names = file_of(session, row).names
    lists = _of_file(session, row)
    gone = {one.id for one in lists if one.confirmed_at and has_entry(session, one, BookActKind.import_undone)}
    found = []
    for name in names:
        of_sheet = [one for one in lists if Choices.of_text(one.choices).sheet == name.name]
        done = [one for one in of_sheet if one.confirmed_at is not None]
        found.append(
            SheetFate(
                name,
                _waiting(of_sheet, row),
                [one for one in done if one.id not in gone],
                [one for one in done if one.id in gone],
            )
        )
    return found


def imported_before(session: Session, row: ImportFile, sheet: str) -> ImportFile | None:
    """The list by which this sheet of the same file was imported into the office's registers and stands, by whomever; else None."""
    for one in _of_file(session, row):
        is_done = one.id != row.id and one.confirmed_at is not None and Choices.of_text(one.choices).sheet == sheet
        if is_done and not has_entry(session, one, BookActKind.import_undone):
            return one
    return None


def go_on(session: Session, number: int, actor: Actor, sheet: str) -> ImportFile:
    """The list of another sheet of the same file, with the choices carried over; one that waits already is gone on with.

    Its days are those of the file: going on keeps nothing longer. Raises ImportNotFound, ImportFileGone, SheetUnknown and what
    `read_sheet` does.
    """
    row = get_import(session, number, actor)
    kind = kind_of(row.kind)
    remembered = remembered_of(session, row.office_id, row.kind)
    choices = carried_to(file_of(session, row), Choices.of_text(row.choices), sheet, kind, remembered)
    # Who goes on twice at once, from whichever sheet, gets one list; an erasure that came between leaves no file to go on with.
    session.scalars(_every_of_file(row).with_for_update().execution_options(populate_existing=True)).all()
    file = file_of(session, row)
    # Asked again: what was added while this one waited is seen now.
    waiting = _waiting([one for one in _of_file(session, row) if Choices.of_text(one.choices).sheet == sheet], row)
    if waiting is not None:
        return waiting
    following = ImportFile(
        kind=row.kind,
        office_id=row.office_id,
        person_id=row.person_id,
        filename=row.filename,
        sha256=row.sha256,
        size=row.size,
        file=row.file or list_files.keep(session, file.fetch()),
        choices=choices.as_text(),
        at=row.at,
    )
    session.add(following)
    session.flush()
    return following


def _of_file(session: Session, row: ImportFile) -> Sequence[ImportFile]:
    """The lists of the same file for the same registers, oldest first."""
    return session.scalars(_every_of_file(row)).all()


def _every_of_file(row: ImportFile) -> Select[ImportFile]:
    same = (ImportFile.office_id == row.office_id, ImportFile.kind == row.kind, ImportFile.sha256 == row.sha256)
    return select(ImportFile).where(*same).order_by(ImportFile.id)


def _waiting(lists: Sequence[ImportFile], row: ImportFile) -> ImportFile | None:
    theirs = (one for one in lists if one.confirmed_at is None and one.person_id == row.person_id)
    return next((one for one in theirs if one.file is not None or one.content is not None), None)
