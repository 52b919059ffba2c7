"""One cell as a value: what Thai offices write, what is asked back, and that nothing is guessed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from osm_flow.domain.imports.cells import (
    CellRefused,
    ImportColumn,
    is_nothing,
    read_amount,
    read_cell,
    read_day,
    read_year,
    spelled_place,
)

TEXT = ImportColumn("name", "text", longest=40)
PROVINCE = ImportColumn("province", "province")
PROVINCES = {spelled_place(name): "TH-41" for name in ("อุดรธานี", "อด.", "Udon Thani", "TH-41")} | {
    spelled_place("หนองบัวลำภู"): "TH-39"
}
MILLION = 1_000_000


@pytest.mark.parametrize(
    ("typed", "unit", "baht"),
    [
        (1250000, 1, 1250000),
        (1250000.5, 1, 1250000.5),
        ("1,250,000.50", 1, 1250000.5),
        ("๑,๒๕๐,๐๐๐.-", 1, 1250000),
        (" 1 250 000 บาท ", 1, 1250000),
        ("1.25 ล้านบาท", 1, 1250000),
        ("1.25 ล้านบาท", MILLION, 1250000),
        (31.455, MILLION, 31455000),
        ("๓๑.๔๕๕", MILLION, 31455000),
        (131.46499999999997, MILLION, 131465000),
        (0.1 + 0.2, 1, 0.3),
        (12, 1000, 12000),
        (0, 1, 0),
    ],
)
def test_an_amount_is_read_in_the_unit_of_its_head(typed: Any, unit: int, baht: float) -> None:
    assert read_amount(typed, unit) == baht


@pytest.mark.parametrize(
    ("typed", "unit"),
    [
        ("1.250.000,00", 1),
        ("รอใบเสนอราคา", 1),
        ("45%", 1),
        (1.005, 1),
        ("100.123", 1),
        (-5, 1),
        ("-5", 1),
        (8_450_000, MILLION),
        ("๘,๔๕๐,๐๐๐", MILLION),
        (1e13, 1),
        (float("nan"), 1),
        (float("inf"), 1),
        (date(2026, 1, 1), 1),
    ],
)
def test_what_may_mean_two_things_or_nothing_is_no_amount(typed: Any, unit: int) -> None:
    with pytest.raises(CellRefused):
        read_amount(typed, unit)


@pytest.mark.parametrize(
    "typed",
    [2569, 2569.0, "2569", "๒๕๖๙", "69", "ปี 2569", "ปีงบประมาณ พ.ศ. ๒๕๖๙", "พ.ศ.2569", 2026, "2026", " FY2569\u200b"],
)
def test_a_fiscal_year_is_read_in_either_era(typed: Any) -> None:
    assert read_year(typed) == 2569


@pytest.mark.parametrize("typed", ["2569-2570", "26", 1.5, "ปีหน้า", date(2026, 1, 1), 3000, "25690"])
def test_what_is_no_year_is_asked_back(typed: Any) -> None:
    with pytest.raises(CellRefused):
        read_year(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "20/11/2569",
        "๒๐ พ.ย. ๒๕๖๙",
        "20/11/2026",
        "2026-11-20",
        date(2026, 11, 20),
        date(2569, 11, 20),
        "20.11.2569",
    ],
)
def test_a_day_is_read_by_whichever_calendar_it_is_written(typed: Any) -> None:
    assert read_day(typed) == date(2026, 11, 20)


@pytest.mark.parametrize("typed", [45000, "31/2/2569", "20/11/26", "ต.ค. 68 - ก.ย. 69", "29/2/2570"])
def test_what_is_no_day_is_asked_back(typed: Any) -> None:
    with pytest.raises(CellRefused):
        read_day(typed)


@pytest.mark.parametrize(
    "typed", ["จังหวัดอุดรธานี", "จ.อุดรธานี", "จ. อุดรธานี", "อด.", "อด", "อุดรธานี ", "UDON THANI", "\u00a0อุดร\u200bธานี"]
)
def test_a_province_is_known_by_all_its_names(typed: str) -> None:
    assert read_cell(PROVINCE, typed, 1, PROVINCES).value == "TH-41"


def test_both_spellings_of_sara_am_are_one() -> None:
    for typed in ("หนองบัวลำภู", "หนองบัวล\u0e4d\u0e32ภู", "จ.หนองบัวล\u0e4d\u0e32ภู"):
        assert read_cell(PROVINCE, typed, 1, PROVINCES).value == "TH-39"
    assert read_cell(TEXT, "บ้านล\u0e4d\u0e32น้ำ", 1, {}).value == "บ้านลำน้ำ"


def test_a_province_of_another_office_is_none() -> None:
    with pytest.raises(CellRefused, match="ขอนแก่น"):
        read_cell(PROVINCE, "ขอนแก่น", 1, PROVINCES)


@pytest.mark.parametrize("typed", ["", "-", " – ", "\u200b", "ไม่มี", "N/A"])
def test_a_dash_says_nothing(typed: str) -> None:
    assert is_nothing(typed)
    assert read_cell(TEXT, typed, 1, {}).value is None


def test_signs_that_nobody_sees_are_left_out_and_told() -> None:
    for typed in ("โครงการ\u200bน้ำ", "โครงการ\u202eน้ำ", "โครงการ\u00adน้ำ"):
        read = read_cell(TEXT, typed, 1, {})
        assert read.value == "โครงการน้ำ"
        assert read.note is not None
    plain = read_cell(TEXT, "  โครงการ\u00a0น้ำ\nใส ", 1, {})
    assert (plain.value, plain.note) == ("โครงการ น้ำ ใส", None)


@pytest.mark.parametrize("typed", ["น้ำ\0ใส", "น้ำ\x07", "ก\ud800", "ก" * 41, True, date(2026, 1, 1)])
def test_what_no_text_can_hold_is_refused(typed: Any) -> None:
    with pytest.raises(CellRefused):
        read_cell(TEXT, typed, 1, {})


def test_a_word_that_a_choice_does_not_know_is_refused_or_left_out_and_told() -> None:
    strict = ImportColumn("budget_type", "choice", choices={"ครุภัณฑ์": "durable"}, words="ครุภัณฑ์")
    lenient = ImportColumn("state", "choice", choices={"ดำเนินงาน": "working"}, is_lenient=True)

    assert read_cell(strict, " ครุภัณฑ์", 1, {}).value == "durable"
    with pytest.raises(CellRefused, match="ครุภัณฑ์"):
        read_cell(strict, "งบลงทุน", 1, {})
    left = read_cell(lenient, "แล้วเสร็จ", 1, {})
    assert left.value is None
    assert "แล้วเสร็จ" in str(left.note)


@pytest.mark.parametrize("text", ["ลย. / อด.", "อุดรธานี และ เลย", "ทุกจังหวัด", "5 จังหวัด", "เลย, อุดรธานี"])
def test_several_provinces_are_no_single_one_and_that_is_said(text: str) -> None:
    names = {"เลย": "TH-42", "ลย": "TH-42", "อุดรธานี": "TH-41", "อด": "TH-41"}
    got = read_cell(PROVINCE, text, 1, names)

    assert got.value is None
    assert got.note is not None
    assert read_cell(PROVINCE, "อุดรฯ", 1, names).value == "TH-41"
    with pytest.raises(CellRefused):
        read_cell(PROVINCE, "อุดรธานี และ ขอนแก่น", 1, names)
