"""Reading the values of a sheet, and what lies around them."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.documents.workbooks import CSV_SHEET, Range, SheetUnknown, read_sheet, sheet_names
from tests.workbooks import HEAD, ROW, with_part, workbook


def test_sheets_are_named_in_their_order_and_hidden_ones_are_told() -> None:
    content = workbook([HEAD, ROW], change=lambda _, sheet: sheet.hide(), สารบัญ=[["1", "ปี 2571"]])

    assert [(one.name, one.is_hidden) for one in sheet_names(content)] == [("สารบัญ", False), ("โครงการ", True)]
    with pytest.raises(SheetUnknown):
        read_sheet(content, "2570")


def test_merged_hidden_and_worked_out_cells_are_known_by_their_places() -> None:
    def change(_: Any, sheet: Any) -> None:
        sheet.merge_range("C2:C3", "อุดรธานี")
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_column("B:B", None, None, {"hidden": True})
        sheet.write_formula("E2", "=1+1", None, 2)
        sheet.write_formula("E3", "=E2/0", None, "#DIV/0!")
        sheet.write_formula("E4", "=SUM(E2:E3)", None, "")

    content = workbook([HEAD, ROW, ROW], change=change)
    content = with_part(content, "xl/worksheets/sheet1.xml", lambda part: part.replace(b' t="str"><f>SUM', b"><f>SUM"))
    read = read_sheet(content, "โครงการ")

    assert read.merged == [Range(2, 3, 3, 3)]
    assert (read.hidden_rows, read.hidden_columns) == ({3}, {2})
    assert (read.formulas, read.unworked, read.errors) == ({(2, 5)}, {(4, 5)}, {(3, 5): "#DIV/0!"})
    assert read.at(2, 5) == 2


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp874"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_list_is_one_sheet_whatever_it_is_written_in(charset: str, separator: str) -> None:
    text = "\r\n".join(separator.join(str(cell) for cell in row) for row in (HEAD, ROW))
    content = text.encode(charset)

    assert [one.name for one in sheet_names(content)] == [CSV_SHEET]
    assert read_sheet(content, CSV_SHEET).rows == [list(HEAD), [str(cell) for cell in ROW]]
