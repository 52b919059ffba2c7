"""No cell of a list that is saved as a file is ever a formula."""

from __future__ import annotations

import csv
import io
from zipfile import ZipFile

import pytest

from osm_flow.documents.sheets import Sheet, neutral, write_csv, write_xlsx


@pytest.mark.parametrize("text", ["=1+1", "+66", "-1", "@SUM(A1)", "\tx", "\rx", "  =cmd|' /C calc'!A0", "＝1"])
def test_a_text_that_looks_like_a_formula_is_made_a_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("cell", ["แผน", "1+1", "", None, -5, 2.5])
def test_everything_else_stays_as_it_is(cell: str | float | None) -> None:
    assert neutral(cell) == cell


def test_csv_is_read_back_with_its_notes_below() -> None:
    file = io.BytesIO()
    write_csv(file, Sheet("ผล", ["ก", "ข"], [["=1", 2], ['"ค", ง\nจ', None]], ["note", "-- sig"]))

    assert file.getvalue().startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    assert rows == [["ก", "ข"], ["'=1", "2"], ['"ค", ง\nจ', ""], [], ["note"], ["'-- sig"]]


def test_xlsx_holds_strings_and_numbers_and_never_a_formula() -> None:
    file = io.BytesIO()
    rows = [["=HYPERLINK(1)"], [12.5], [None], ["x" * 40_000], ["a\x00b"]]
    write_xlsx(file, Sheet("ผล: [1]", ["ก"], rows, ["note"]))

    with ZipFile(file) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        names = book.namelist()
    assert "<f>" not in sheet
    assert "=HYPERLINK(1)" in sheet
    assert "<v>12.5</v>" in sheet
    assert "xl/worksheets/sheet2.xml" in names
