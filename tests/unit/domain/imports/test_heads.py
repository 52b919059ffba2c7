"""Finding the head of a list, in whichever rows it stands, and what its columns mean."""

from __future__ import annotations

from typing import Any

from osm_flow.documents.workbooks import Range, SheetValues
from osm_flow.domain.imports.heads import find_head, guess, unit_above, unit_of, year_above
from osm_flow.operations.imports.project_lists import project_lists

COLUMNS = project_lists().columns


def sheet_of(rows: list[list[Any]], merged: list[Range] | None = None) -> SheetValues:
    return SheetValues("x", rows, merged or [])


def found(sheet: SheetValues) -> tuple[int, int, dict[int, str]]:
    head = find_head(sheet, COLUMNS, "name")
    assert head is not None
    return head.first, head.last, guess(head, COLUMNS).fields


def test_a_head_in_the_first_row_below_a_title_or_beside_an_empty_column_is_found() -> None:
    head = ["ที่", "ชื่อโครงการ", "หน่วยงาน", "งบประมาณ"]
    row = [1.0, "โครงการถนน", "แขวงทางหลวง", 5.0]
    fields = {2: "name", 3: "agency", 4: "requested"}

    assert found(sheet_of([head, row])) == (1, 1, fields)
    assert found(sheet_of([["บัญชีโครงการ ปีงบประมาณ พ.ศ. 2571"], [], head, row])) == (3, 3, fields)
    shifted = [["", *head], ["", *row]]
    assert found(sheet_of(shifted))[2] == {column + 1: name for column, name in fields.items()}


def test_a_head_of_two_rows_names_columns_by_group_and_word() -> None:
    rows = [
        ["ชื่อโครงการ", "หน่วยงาน", "งบประมาณ (บาท)", "", "เบิกจ่าย", ""],
        ["", "", "ขอ", "ได้รับ", "จำนวนเงิน", "ร้อยละ"],
        ["โครงการถนน", "แขวงทางหลวง", 2.0, 1.0, 1.0, 100.0],
    ]
    merged = [Range(1, 1, 2, 1), Range(1, 2, 2, 2), Range(1, 3, 1, 4), Range(1, 5, 1, 6)]
    fields = {1: "name", 2: "agency", 3: "requested", 4: "approved", 5: "disbursed"}

    assert found(sheet_of(rows, merged)) == (1, 2, fields)
    assert found(sheet_of(rows)) == (1, 2, fields)


def test_a_row_that_numbers_the_columns_is_of_the_head() -> None:
    rows = [["ที่", "โครงการ", "หน่วยงาน"], ["(1)", "(2)", "(3)"], [1.0, "โครงการถนน", "แขวง"]]

    assert found(sheet_of(rows))[:2] == (1, 2)


def test_of_columns_that_are_called_alike_none_is_chosen_but_the_total_of_their_group() -> None:
    doubled = find_head(sheet_of([["โครงการ", "หน่วยงาน", "วงเงินที่ขอ", "วงเงินที่ขอ"]]), COLUMNS, "name")
    assert doubled is not None
    assert guess(doubled, COLUMNS).doubled == {"requested": [3, 4]}
    rows = [["โครงการ", "คำขอ", "", ""], ["", "งบดำเนินงาน", "งบลงทุน", "รวม"]]
    assert found(sheet_of(rows))[2] == {1: "name", 4: "requested"}


def test_an_index_a_letter_and_an_empty_sheet_have_no_head() -> None:
    for rows in ([], [[""]], [["สารบัญ"], ["1", "โครงการปี 2571"]], [["เรียน ผู้ว่าราชการจังหวัด"]]):
        assert find_head(sheet_of(rows), COLUMNS, "name") is None


def test_units_stand_in_heads_or_above_the_list() -> None:
    sheet = sheet_of([["หน่วย : ล้านบาท"], ["โครงการ", "วงเงินที่ขอ", "เบิกจ่าย (บาท)", "คำขอ (พันบาท)"]])
    head = find_head(sheet, COLUMNS, "name")
    assert head is not None
    above = unit_above(sheet, head)

    assert [unit_of(head, column, above) for column in (2, 3, 4)] == [1_000_000, 1, 1000]


def test_the_year_is_taken_from_a_title_that_says_one() -> None:
    head = ["โครงการ", "หน่วยงาน"]
    for title, name, year in (
        ("ปีงบประมาณ พ.ศ. ๒๕๖๙", "x", 2569),
        ("ประจำปี 2569", "x", 2569),
        ("ปีงบประมาณ พ.ศ. 2568 - 2570", "x", None),
        ("บัญชีโครงการ", "2570", 2570),
        ("บัญชีโครงการ", "รวม", None),
    ):
        sheet = sheet_of([[title], head])
        found_head = find_head(sheet, COLUMNS, "name")
        assert found_head is not None
        assert year_above(sheet, found_head, name) == year, title
