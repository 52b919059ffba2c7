"""Uploaded lists that hold words: their files, what was chosen for them and the rows that they left aside; and erasing them by law."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.documents.workbook_text import lines_of
from osm_flow.domain.retention import GONE
from osm_flow.domain.search import asked
from osm_flow.errors import OsmFlowError
from osm_flow.operations.imports import list_files
from osm_flow.operations.imports.list_files import ListFile, file_of
from osm_flow.store.models import ImportFile, ImportLeftRow
from osm_flow.store.words import has_words

_NOTHING_CHOSEN = "{}"
_NO_DIGITS = re.compile(r"\D+")
_FEWEST_DIGITS = 5
_PLAIN = re.compile("[\x00-\x7f\u0e00-\u0e7f]*")
_THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")


@dataclass(frozen=True)
class FoundList:
    """An uploaded list that holds words: whether its file does, or is not kept any more, and how many rows left aside do."""

    row: ImportFile
    in_file: bool
    in_rows: int


def lists_with(session: Session, words: str, *, offices: Collection[str] | None = None) -> list[FoundList]:
    """The lists that hold the words, of these offices or of all, oldest first. A file that cannot be read is found, too."""
    query = select(ImportFile).order_by(ImportFile.id)
    if offices is not None:
        query = query.where(ImportFile.office_id.in_(offices))
    found = (_found(session, row, words) for row in session.scalars(query).all())
    return [one for one in found if one]


def lists_named(session: Session, numbers: Collection[int], words: str, *, lock: bool = False) -> list[ImportFile]:
    """Those of these lists of which anything is there that an erasure of these words takes, in their order."""
    query = select(ImportFile).where(ImportFile.id.in_(sorted(set(numbers)))).order_by(ImportFile.id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    return [row for row in session.scalars(query).all() if is_whole(row) or any(_going(session, row, words))]


def found_in(session: Session, row: ImportFile, words: str) -> FoundList:
    """What of a list goes with these words; with no words all of it."""
    return FoundList(row, is_whole(row), sum(1 for _ in _going(session, row, words)))


def is_whole(row: ImportFile) -> bool:
    """Whether nothing was erased from the list yet."""
    return row.filename != GONE


def erase_list(session: Session, row: ImportFile, words: str) -> tuple[int, str | None]:
    """Blank the rows left aside that hold the words (all, without any), what was chosen, the name of the file, and the file.

    How many rows, and the digest of the file that is to be released. The list is locked; the entries of books stay.
    """
    blanked, digest = 0, row.file
    for left in _going(session, row, words):
        left.cells, left.why = json.dumps([["", GONE]], ensure_ascii=False), "[]"
        left.sheet = GONE if words and has_words(left.sheet, words) else left.sheet
        blanked += 1
    list_files.forget([row.sha256])
    row.file, row.content, row.choices, row.filename = None, None, _NOTHING_CHOSEN, GONE
    session.flush()
    return blanked, digest


def _going(session: Session, row: ImportFile, words: str) -> Iterator[ImportLeftRow]:
    """The rows left aside that go: those that hold the words; all, without any."""
    for left in _left(session, row):
        if _holds_in_row(left, words) if words else GONE not in left.cells:
            yield left


def _found(session: Session, row: ImportFile, words: str) -> FoundList | None:
    in_rows = sum(_holds_in_row(left, words) for left in _left(session, row))
    in_file = any(has_words(text, words) for text in (row.filename, row.choices)) or _holds_in_file(session, row, words)
    return FoundList(row, in_file, in_rows) if in_file or in_rows else None


def _left(session: Session, row: ImportFile) -> Sequence[ImportLeftRow]:
    query = select(ImportLeftRow).where(ImportLeftRow.import_id == row.id).order_by(ImportLeftRow.id)
    return session.scalars(query).all()


def _holds_in_row(left: ImportLeftRow, words: str) -> bool:
    cells = [str(text) for _, text in json.loads(left.cells)]
    return _any_holds([*cells, " ".join(cells), left.why, left.sheet], words)


def _holds_in_file(session: Session, row: ImportFile, words: str) -> bool:
    """Whether any part of the file says the words, or a row of a sheet does: first and last names have columns of their own."""
    if row.file is None and row.content is None:
        return False
    try:
        file = file_of(session, row)
        return _any_holds(lines_of(file.fetch()), words) or _any_holds(_rows(file), words)
    except OsmFlowError:  # damaged, or of a kind that is not opened: somebody has to look at it
        return True


def _rows(file: ListFile) -> Iterator[str]:
    for name in file.names:
        try:
            sheet = file.sheet(name.name)
        except OsmFlowError:  # too long or too wide for a list: its cells were looked at one by one
            continue
        yield from (" ".join(str(cell) for cell in cells if cell != "") for cells in sheet.rows)


def _any_holds(texts: Iterable[str], words: str) -> bool:
    """Whether one of the texts holds the words; only those are read in full that may."""
    digits = _NO_DIGITS.sub("", words)
    if len(digits) >= _FEWEST_DIGITS and not any(char.isalpha() for char in words):
        # In groups of any size; and a cell with a number loses the nought that a telephone number begins with.
        wanted = digits.translate(_THAI_DIGITS).lstrip("0") or digits
        return any(wanted in _NO_DIGITS.sub("", text).translate(_THAI_DIGITS) for text in texts)
    spelled = next(iter(asked(words)), "")
    thai = {letter for letter in spelled if "ก" <= letter <= "ฮ" and letter not in "ญฐ"}
    latin = {letter for letter in spelled if letter.isascii() and letter.isalpha()}
    return any(_may_hold(text, thai, latin) and has_words(text, words) for text in texts)


def _may_hold(text: str, thai: set[str], latin: set[str]) -> bool:
    """Whether the text has all letters that every spelling of the words has."""
    if not all(letter in text for letter in thai):
        return False
    # Other letters than Thai and plain Latin ones may be shapes of these.
    return not _PLAIN.fullmatch(text) or all(letter in text.casefold() for letter in latin)
