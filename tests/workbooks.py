"""Small workbooks as people make them, for tests: rows of cells, merged and hidden ones, formulas, and parts changed afterwards."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import xlsxwriter

HEAD = ("ชื่อโครงการ", "หน่วยงานดำเนินงาน", "จังหวัด", "ปีงบประมาณ", "วงเงินที่ขอ (บาท)")
ROW = ("โครงการปรับปรุงถนน", "แขวงทางหลวง", "อุดรธานี", 2571, 1_000_000)


def workbook(
    rows: Sequence[Sequence[Any]],
    name: str = "โครงการ",
    change: Callable[[Any, Any], None] | None = None,
    **others: Sequence[Sequence[Any]],
) -> bytes:
    """A workbook whose first sheets are `others` and whose last has these rows; `change` gets the workbook and that sheet."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for other, lines in others.items():
            _write(book.add_worksheet(other), lines)
        sheet = book.add_worksheet(name)
        _write(sheet, rows)
        if change:
            change(book, sheet)
    return file.getvalue()


def _write(sheet: Any, rows: Sequence[Sequence[Any]]) -> None:
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if cell is not None:
                sheet.write(number, column, cell)


def with_part(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same workbook with one part changed, or added where there is none."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        names = old.namelist()
        for name in names:
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
        if part not in names:
            new.writestr(part, change(b""))
    return file.getvalue()
