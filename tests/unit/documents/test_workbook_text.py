"""All that a workbook says is found: in cells, notes, hidden sheets, names of sheets, and who wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.documents.workbook_guard import NotAWorkbook
from osm_flow.documents.workbook_text import lines_of
from tests.workbooks import HEAD, ROW, with_part, workbook


def test_cells_notes_sheets_and_authors_are_read() -> None:
    def change(book: Any, sheet: Any) -> None:
        sheet.write_comment("B2", "โทร 081-234-5678")
        bold = book.add_format({"bold": True})
        sheet.write_rich_string("A9", "นาย", bold, "สมชาย", " ใจดี")
        sheet.write_string("C9", "ก & ข <ค>")
        book.set_properties({"author": "นางสมศรี มีสุข"})
        book.add_worksheet("ของ นายสมปอง").hide()

    lines = list(lines_of(workbook([HEAD, ROW], change=change)))

    for said in ("โครงการปรับปรุงถนน", "นายสมชาย ใจดี", "ก & ข <ค>", "ของ นายสมปอง"):
        assert said in lines
    for said in ("081-234-5678", "นางสมศรี มีสุข"):
        assert any(said in line for line in lines)


@pytest.mark.parametrize("charset", ["utf-8-sig", "cp874"])
def test_a_csv_list_is_read_in_either_charset(charset: str) -> None:
    assert list(lines_of("ชื่อ,โทร\nสมชาย,0812345678\n".encode(charset))) == ["ชื่อ,โทร", "สมชาย,0812345678"]


def test_what_no_list_can_be_read_from_is_refused() -> None:
    with pytest.raises(NotAWorkbook):
        list(lines_of(b"PK no container"))
    assert any(
        "ค่า" in line for line in lines_of(with_part(workbook([HEAD]), "xl/more.xml", lambda _: "<a>ค่า</a>".encode()))
    )
