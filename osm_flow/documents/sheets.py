"""Lists as files for spreadsheets: CSV and XLSX, written row by row. No cell is ever a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Any

import xlsxwriter

Cell = str | int | float | None

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LONGEST_CELL = 32_767
_CONTROLS = {code: None for code in range(32) if code not in (9, 10, 13)}


def write_csv(file: IO[bytes], head: Sequence[str], rows: Iterable[Sequence[Cell]], notes: Iterable[str] = ()) -> None:
    """UTF-8 with the mark by which Excel knows it; `notes` follow below the rows, after an empty line."""
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow(head)
    for row in rows:
        writer.writerow([neutral(cell) for cell in row])
    for number, note in enumerate(notes):
        if number == 0:
            writer.writerow([])
        writer.writerow([neutral(note)])
    text.flush()
    text.detach()


def write_xlsx(
    file: IO[bytes], title: str, head: Sequence[str], rows: Iterable[Sequence[Cell]], notes: Iterable[str] = ()
) -> None:
    """One sheet with a frozen head and filters; `notes` on a second one."""
    options: dict[str, Any] = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_sheet_name(title))
        bold, wrap = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(head) - 1, 22)
        sheet.write_row(0, 0, head, bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, int | float) and not isinstance(cell, bool):
                    sheet.write_number(last, column, cell, wrap)
                elif cell is not None:
                    sheet.write_string(last, column, str(cell).translate(_CONTROLS)[:_LONGEST_CELL], wrap)
        sheet.autofilter(0, 0, last, len(head) - 1)
        _write_notes(book, list(notes))


def neutral(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula, made into a text again."""
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
