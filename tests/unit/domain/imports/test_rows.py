"""The rows below a head: which are records, which are passed over and told, and what stands in the way of one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import osm_flow
from osm_flow.catalogues import catalogue
from osm_flow.documents.workbooks import Range, SheetValues
from osm_flow.domain.imports.cells import spelled_place
from osm_flow.domain.imports.heads import find_head, guess, unit_above, unit_of
from osm_flow.domain.imports.records import WantedRows
from osm_flow.domain.imports.rows import ReadSheet, read_rows
from osm_flow.operations.imports.project_lists import project_lists

KIND = project_lists()
HEAD = ["ที่", "ชื่อโครงการ", "หน่วยงาน", "จังหวัด", "วงเงินที่ขอ"]
PROVINCES = {spelled_place("อุดรธานี"): "TH-41", spelled_place("เลย"): "TH-42"}


def row(number: int, **cells: Any) -> list[Any]:
    said = {"name": f"โครงการที่ {number}", "agency": "แขวงทางหลวง", "province": "เลย", "requested": 100.0} | cells
    return [float(number), *(said[name] for name in ("name", "agency", "province", "requested"))]


def read(*rows: list[Any], head: list[Any] | None = None, **about: Any) -> ReadSheet:
    width = max(len(one) for one in (HEAD, *rows))
    sheet = SheetValues("2571", [[*one, *[""] * (width - len(one))] for one in (head or HEAD, *rows)], **about)
    found = find_head(sheet, KIND.columns, "name")
    assert found is not None
    fields = guess(found, KIND.columns).fields
    units = {column: unit_of(found, column, unit_above(sheet, found)) for column in fields}
    return read_rows(sheet, WantedRows(found, KIND.by_name, fields, units, PROVINCES))


def passed(sheet: ReadSheet) -> dict[str, str]:
    return {said.cell: str(said.message) for said in sheet.passed_over}


def test_totals_headings_notes_and_activities_are_passed_over_and_told() -> None:
    sheet = read(
        row(1),
        ["", "รวม", "", "", 100.0],
        ["รวมทั้งสิ้น 1 โครงการ", "", "", "", 100.0],
        ["", "- กิจกรรมที่ 1 งานดิน", "", "", 50.0],
        ["", "Grand total", "", "", 100.0],
        ["ยุทธศาสตร์ที่ 1 การค้า"],
        ["", "หมายเหตุ : ตัวเลขเบื้องต้น"],
        ["", "", "ลงชื่อ ............"],
        HEAD,
        ["(1)", "(2)", "(3)", "(4)", "(5)"],
        row(2),
    )

    assert [one.number for one in sheet.rows] == [2, 12]
    assert set(passed(sheet)) == {"B3", "A4", "B5", "B6", "A7", "B8", "C9", "A10", "A11"}


def test_a_project_whose_name_begins_like_a_total_is_a_project() -> None:
    sheet = read(row(1, name="รวมพลังชุมชนลุ่มน้ำโขง"), row(2, name="โครงการรวมทั้งสิ้น"), row(3, name="รวมใจพัฒนา"))

    assert [one.number for one in sheet.rows] == [2, 3, 4]
    assert not sheet.passed_over


def test_headings_say_year_province_and_agency_where_no_column_does() -> None:
    head = ["ที่", "ชื่อโครงการ", "วงเงินที่ขอ"]
    sheet = read(
        ["ปีงบประมาณ ๒๕๖๙ (เสนอคำขอ)"],
        ["1. จังหวัดเลย (2 โครงการ)"],
        ["สำนักงานเกษตรจังหวัดเลย"],
        [1.0, "โครงการก", 5.0],
        ["จังหวัดอุดรธานี", "", 9.0],
        [2.0, "โครงการข", 9.0],
        head=head,
    )

    said = [{name: one.values.get(name) for name in ("fiscal_year", "province", "agency")} for one in sheet.rows]
    assert said == [
        {"fiscal_year": 2569, "province": "TH-42", "agency": "สำนักงานเกษตรจังหวัดเลย"},
        {"fiscal_year": 2569, "province": "TH-41", "agency": "สำนักงานเกษตรจังหวัดเลย"},
    ]


def test_merged_cells_say_the_same_for_all_their_rows_but_never_an_amount() -> None:
    places = read(row(1), row(2, province=""), merged=[Range(2, 4, 3, 4)])
    amounts = read(row(1), row(2, requested=""), merged=[Range(2, 5, 3, 5)])
    names = read(row(1), row(2, name=""), merged=[Range(2, 2, 3, 2)])

    assert [one.values["province"] for one in places.rows] == ["TH-42", "TH-42"]
    assert [said.cell for one in amounts.rows for said in one.problems] == ["E2", "E3"]
    assert [one.number for one in names.rows] == [2]
    assert list(passed(names)) == ["A3"]


def test_hidden_rows_and_columns_and_formulas_are_read_and_told() -> None:
    sheet = read(row(1), row(2), hidden_rows={3}, hidden_columns={3}, formulas={(2, 5)})

    assert len(sheet.rows) == 2
    assert len(sheet.rows[1].notes) == 1
    assert len(sheet.notes) == 3


def test_a_formula_without_a_value_refuses_its_row_and_names_its_cell() -> None:
    sheet = read(
        row(1, requested=""), row(2), ["", "", "", "", ""], unworked={(2, 5), (4, 2)}, errors={(3, 5): "#REF!"}
    )

    assert [[said.cell for said in one.problems] for one in sheet.rows] == [["E2"], ["E3"], ["B4"]]


def test_a_head_that_comes_again_with_its_columns_moved_is_followed() -> None:
    moved = ["ที่", "หน่วยงาน", "ชื่อโครงการ", "จังหวัด", "วงเงินที่ขอ"]
    sheet = read(row(1), moved, [2.0, "แขวงทางหลวง", "โครงการที่ 2", "เลย", 7.0])

    assert [one.values["name"] for one in sheet.rows] == ["โครงการที่ 1", "โครงการที่ 2"]
    assert "moved" in passed(sheet)["A3"]


def test_a_row_without_a_name_is_refused_and_one_without_anything_is_passed_over() -> None:
    sheet = read(row(1, name=""), ["", "-", "-", "", ""], [4.0, "", "", "", ""])

    assert [(one.number, [said.cell for said in one.problems]) for one in sheet.rows] == [(2, ["B2"])]


def test_as_above_is_taken_from_above_and_told() -> None:
    sheet = read(row(1), row(2, agency='"', province="”"), row(3, name='"'))

    assert sheet.rows[1].values["agency"] == "แขวงทางหลวง"
    assert [said.cell for said in sheet.rows[1].notes] == ["C3", "D3"]
    assert [said.cell for said in sheet.rows[2].problems] == ["B4"]


def test_every_sentence_about_a_cell_is_said_in_thai() -> None:
    known = catalogue("th").single
    said: set[str] = set()
    for folder in ("domain/imports", "operations/imports"):
        for path in (Path(osm_flow.__file__).parent / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Message":
                    said |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}

    assert len(said) > 40
    assert said - known.keys() == set()
