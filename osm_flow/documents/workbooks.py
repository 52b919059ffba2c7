"""Reading lists out of workbooks and CSV files: the values of a sheet, with what lies around them that a reader has to know."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from posixpath import join, normpath
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from osm_flow.documents.workbook_guard import NotAWorkbook, WorkbookHostile, is_zip, require_harmless
from osm_flow.errors import Invalid

CellValue = str | int | float | bool | date | datetime | time | timedelta
# What a sheet may have: rows with anything in them, title and totals included, and columns.
MOST_ROWS, MOST_COLUMNS = 20_500, 120
_LONGEST_CELL = 32_767
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
_CSV_CHARSETS = ("utf-8-sig", "cp874")
_PARSER: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
# The one sheet of a CSV file.
CSV_SHEET = "CSV"


class SheetUnknown(Invalid):
    """The workbook has no sheet called {sheet}. Choose one of its sheets."""


class SheetTooLong(Invalid):
    """The sheet has more than {most} rows. Divide the list over several sheets and import one after another."""

    status = 413


class SheetTooWide(Invalid):
    """The sheet has more than {most} columns. Keep the columns of the list alone in it, and choose the file again."""

    status = 413


@dataclass(frozen=True)
class SheetName:
    """A sheet of a workbook: what it is called, and whether it is hidden."""

    name: str
    is_hidden: bool = False


@dataclass(frozen=True)
class Range:
    """Merged cells: first and last row and column, counted from 1."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class SheetValues:
    """What a sheet says: its rows from the first, each with its cells from the first column, and what is known of them.

    Rows and columns are counted from 1. `formulas` have the value that Excel worked out last; `unworked` have none, and
    `errors` say that it could not be worked out.
    """

    name: str
    rows: list[list[CellValue]]
    merged: list[Range] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    formulas: set[tuple[int, int]] = field(default_factory=set)
    unworked: set[tuple[int, int]] = field(default_factory=set)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)

    def at(self, row: int, column: int) -> CellValue:
        """The value of a cell; an empty text where there is none."""
        cells = self.rows[row - 1] if 0 < row <= len(self.rows) else []
        return cells[column - 1] if 0 < column <= len(cells) else ""


def sheet_names(content: bytes) -> list[SheetName]:
    """The sheets of the file, in their order. Raises whatever `workbook_guard` refuses."""
    if not is_zip(content):
        _csv_text(content)
        return [SheetName(CSV_SHEET)]
    require_harmless(content)
    return [SheetName(name, is_hidden) for name, _, is_hidden in _sheets(content)]


def read_sheet(content: bytes, name: str) -> SheetValues:
    """The values of a sheet. Raises SheetUnknown, SheetTooLong, SheetTooWide and whatever `workbook_guard` refuses."""
    if not is_zip(content):
        if name != CSV_SHEET:
            raise SheetUnknown(sheet=name[:64])
        return SheetValues(name, _csv_rows(_csv_text(content)))
    require_harmless(content)
    parts = {sheet: part for sheet, part, _ in _sheets(content)}
    if name not in parts:
        raise SheetUnknown(sheet=name[:64])
    read = SheetValues(name, [])
    _look_around(content, parts[name], read)
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name)
        read.rows = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise NotAWorkbook from error
    return read


def column_number(letters: str) -> int:
    """The number of a column by its letters: 27 for AA."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


# ---- the parts of a workbook -------------------------------------------------------------------------------------


def _sheets(content: bytes) -> list[tuple[str, str, bool]]:
    """Name, part and whether it is hidden, of each sheet of cells."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            book = etree.fromstring(container.read("xl/workbook.xml"), etree.XMLParser(**_PARSER))
            relations = etree.fromstring(container.read("xl/_rels/workbook.xml.rels"), etree.XMLParser(**_PARSER))
            names = set(container.namelist())
    except (etree.XMLSyntaxError, KeyError, zipfile.BadZipFile):
        raise NotAWorkbook from None
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    found = []
    for sheet in book.iter("{*}sheet"):
        relation = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), None)
        target = targets.get(relation, "")
        part = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
        if part in names and "chartsheets" not in part:
            found.append((sheet.get("name", ""), part, sheet.get("state", "visible") != "visible"))
    if not found:
        raise NotAWorkbook
    return found


def _look_around(content: bytes, part: str, read: SheetValues) -> None:
    """Read what stands around the values, a row at a time; nothing is opened that has more rows or columns than are read."""
    wanted = ("{*}row", "{*}col", "{*}mergeCell")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as container, container.open(part) as opened:
            row, is_first = 0, True
            for _, element in etree.iterparse(opened, events=("end",), tag=wanted, **_PARSER):
                if is_first and element.getroottree().docinfo.doctype:
                    raise WorkbookHostile
                is_first = False
                kind = etree.QName(element).localname
                if kind == "row":
                    row = _take_row(element, row + 1, read)
                elif kind == "mergeCell":
                    _take_merged(element.get("ref", ""), read)
                elif element.get("hidden") in ("1", "true"):
                    last = min(_whole(element.get("max", "0")), MOST_COLUMNS)
                    read.hidden_columns.update(range(_whole(element.get("min", "0")), last + 1))
                element.clear(keep_tail=False)
                while element.getprevious() is not None:
                    del element.getparent()[0]
    except etree.XMLSyntaxError:
        raise WorkbookHostile from None


def _take_row(element: Any, following: int, read: SheetValues) -> int:
    number = _whole(element.get("r", "")) or following
    if element.get("hidden") in ("1", "true"):
        read.hidden_rows.add(number)
    column = 0
    for cell in element:
        place = _CELL.fullmatch(cell.get("r", ""))
        column = column_number(place[1]) if place else column + 1
        _take_cell(cell, (number, column), read)
    return number


def _take_cell(cell: Any, place: tuple[int, int], read: SheetValues) -> None:
    formula = value = None
    has_text = False
    for child in cell:
        name = etree.QName(child).localname
        formula = child if name == "f" else formula
        value = child.text if name == "v" else value
        has_text = has_text or name == "is"
    if formula is None and not value and not has_text:
        return
    if place[0] > MOST_ROWS:
        raise SheetTooLong(most=f"{MOST_ROWS:,}")
    if place[1] > MOST_COLUMNS:
        raise SheetTooWide(most=MOST_COLUMNS)
    kind = cell.get("t", "n")
    if kind == "e":
        read.errors[place] = (value or "")[:32]
    elif formula is not None:
        (read.formulas if value or kind == "str" else read.unworked).add(place)


def _take_merged(reference: str, read: SheetValues) -> None:
    first, _, last = reference.partition(":")
    begin, end = _CELL.fullmatch(first), _CELL.fullmatch(last or first)
    if begin and end:
        bottom, right = min(int(end[2]), MOST_ROWS), min(column_number(end[1]), MOST_COLUMNS)
        read.merged.append(Range(int(begin[2]), column_number(begin[1]), bottom, right))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


# ---- CSV -------------------------------------------------------------------------------------------------------


def _csv_text(content: bytes) -> str:
    """The text of a CSV file, in UTF-8 or as Excel for Windows writes Thai. Raises NotAWorkbook."""
    if b"\0" not in content and not content.startswith((b"PK", b"%PDF")):
        for charset in _CSV_CHARSETS:
            try:
                text = content.decode(charset)
            except UnicodeDecodeError:
                continue
            if any(sign in text for sign in ",;\t"):
                return text
    raise NotAWorkbook


def _csv_rows(text: str) -> list[list[CellValue]]:
    beginning = text[: 64 * 1024]
    separator = max(",;\t", key=beginning.count)
    rows = list(_counted(csv.reader(io.StringIO(text, newline=""), delimiter=separator)))
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def _counted(reader: Iterator[list[str]]) -> Iterator[list[CellValue]]:
    try:
        for number, row in enumerate(reader, 1):
            if number > MOST_ROWS:
                raise SheetTooLong(most=f"{MOST_ROWS:,}")
            if len(row) > MOST_COLUMNS and any(row[MOST_COLUMNS:]):
                raise SheetTooWide(most=MOST_COLUMNS)
            yield [cell[:_LONGEST_CELL] for cell in row[:MOST_COLUMNS]]
    except csv.Error:
        raise NotAWorkbook from None
