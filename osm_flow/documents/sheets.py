"""Lists as files for spreadsheets: CSV and XLSX, written row by row. No cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import xlsxwriter

Cell = str | int | float | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST_CELL = 32_767
_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}


@dataclass(frozen=True)
class Sheet:
    """A list to be written: its title, the head of its columns, and `notes` that say where it comes from."""

    title: str
    head: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    notes: Iterable[str] = ()


@dataclass(frozen=True)
class SheetForm:
    """One export format of lists: what the button says that saves one, its media type and its writer."""

    button: str
    mimetype: str
    write: Callable[[IO[bytes], Sheet], None]


def write_csv(file: IO[bytes], sheet: Sheet) -> None:
    """Write the list as CSV in UTF-8 with the mark by which Excel knows it; the notes follow below the rows."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(sheet.head)
    for row in sheet.rows:
        writer.writerow([neutral(cell) for cell in row])
    for number, note in enumerate(sheet.notes):
        if number == 0:
            writer.writerow([])
        writer.writerow([neutral(note)])
    text.flush()
    text.detach()


def write_xlsx(file: IO[bytes], sheet: Sheet) -> None:
    """Write the list as a workbook: one sheet with a frozen head and filters, the notes on a second one."""
    options: dict[str, Any] = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        page = book.add_worksheet(_sheet_name(sheet.title))
        bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        page.freeze_panes(1, 0)
        page.set_column(0, len(sheet.head) - 1, 22)
        page.write_row(0, 0, sheet.head, bold)
        last = 0
        for last, row in enumerate(sheet.rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, int | float) and not isinstance(cell, bool):
                    page.write_number(last, column, cell, wrap)
                elif cell is not None:
                    page.write_string(last, column, str(cell).translate(_CONTROLS)[:_LONGEST_CELL], wrap)
        page.autofilter(0, 0, last, len(sheet.head) - 1)
        _write_notes(book, list(sheet.notes))


def neutral(cell: Cell) -> Cell:
    """The text so that a spreadsheet does not take it for a formula."""
    if isinstance(cell, str):
        plain = cell.replace("\0", "")
        return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) or plain.startswith(_FORMULA) else plain
    return cell


def _write_notes(book: Any, notes: list[str]) -> None:
    if not notes:
        return
    sheet = book.add_worksheet("หลักฐาน")
    sheet.set_column(0, 0, 100)
    for number, note in enumerate(notes):
        sheet.write_string(number, 0, note[:_LONGEST_CELL])


def _sheet_name(title: str) -> str:
    return "".join(" " if char in "[]:*?/\\'" else char for char in title).strip()[:31] or "Sheet"


# By the ending of the file, which is also the last part of the address that saves one; the first is saved by Enter.
SHEET_FORMS: dict[str, SheetForm] = {
    "xlsx": SheetForm("บันทึกเป็น Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", write_xlsx),
    "csv": SheetForm("บันทึกเป็น CSV", "text/csv", write_csv),
}
