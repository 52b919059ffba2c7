"""Between what people type and what is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from osm_flow.domain.forms.typed_text import Unreadable, cells_of, display_text, read_pasted, read_text, show_text

JSON = dict[str, Any]
PASTED = Path(__file__).parents[3] / "pasted_cells.json"

TEXT: JSON = {"type": "string", "maxLength": 100}
DATE: JSON = {"type": "string", "x-widget": "date"}
INSTANT: JSON = {"type": "string", "x-widget": "datetime"}
MONEY: JSON = {"type": "number", "x-widget": "money"}
NUMBER: JSON = {"type": "number"}
WHOLE: JSON = {"type": "integer"}
YEAR = {"type": "integer", "x-widget": "fiscal_year"}
YES_NO: JSON = {"type": "boolean"}


@pytest.mark.parametrize(
    ("field", "typed", "value"),
    [
        (DATE, "20/11/2569", "2026-11-20"),
        (DATE, "20 พ.ย. 2569", "2026-11-20"),
        (DATE, " ๒๐ พฤศจิกายน ๒๕๖๙ ", "2026-11-20"),
        (DATE, "2026-11-20", "2026-11-20"),
        (INSTANT, "20/11/2569 09:30", "2026-11-20T02:30:00Z"),
        (INSTANT, "20 พ.ย. 2569 9.30 น.", "2026-11-20T02:30:00Z"),
        (INSTANT, "๒๐/๑๑/๒๕๖๙ ๐๖:๐๐", "2026-11-19T23:00:00Z"),
        (INSTANT, "2026-11-20T09:30", "2026-11-20T02:30:00Z"),
        (INSTANT, "15 ม.ค. 2569 เวลา 09.00 น.", "2026-01-15T02:00:00Z"),
        (DATE, "15 ม.ค. 2569 เวลา 09.00 น.", "2026-01-15"),
        (DATE, "๑๕ มกราคม ๒๕๖๙ เวลา ๑๓:๓๐ นาฬิกา", "2026-01-15"),
        (DATE, "15/1/69 09.00 น.", "2026-01-15"),
        (DATE, "20 พฤศจิกายน พุทธศักราช 2569", "2026-11-20"),
        (DATE, "20 พฤศจิกายนพ.ศ. 2569", "2026-11-20"),
        (DATE, "๑ ธันวา ๒๕๖๙", "2026-12-01"),
        (DATE, "1 เมษา 2569", "2026-04-01"),
        (DATE, "20 พ.ย. 2569, 09.30 น.", "2026-11-20"),
        (INSTANT, "20 พฤศจิกายน พุทธศักราช 2569 09.30 นาฬิกา", "2026-11-20T02:30:00Z"),
        (INSTANT, "20 พฤศจิกายน พุทธศักราช 2569 เวลา 09.30 นาฬิกา", "2026-11-20T02:30:00Z"),
        (INSTANT, "20 พ.ย. 2569, 09:30", "2026-11-20T02:30:00Z"),
        (DATE, "1 ม.ค. 2443", "1900-01-01"),
        (MONEY, "24,000,000/-", 24000000),
        (MONEY, "๒๔,๐๐๐,๐๐๐/- บาท", 24000000),
        (MONEY, "1,234,567.00", 1234567),
        (MONEY, "๑,๒๓๔.๕๐", 1234.5),
        (MONEY, "฿ 1 250 000 บาท", 1250000),
        (MONEY, "-5.25", -5.25),
        (NUMBER, "0.1", 0.1),
        (NUMBER, "72 %", 72),
        (WHOLE, "๒๕๗๑", 2571),
        (WHOLE, "5.0", 5),
        (YES_NO, "true", True),
        (YES_NO, "ไม่ใช่", False),
        (YES_NO, "มี\u200b", True),
        (TEXT, "  สอง\r\nบรรทัด ", "สอง บรรทัด"),
        ({**TEXT, "x-widget": "textarea"}, "สอง\r\nบรรทัด", "สอง\nบรรทัด"),
        (TEXT, "น\u0e4d\u0e49\u0e32", "น\u0e49\u0e33"),
        (TEXT, "น\u0e49\u0e32\u0e4d", "น\u0e49\u0e33"),
        (TEXT, "น\u0e32\u0e49\u0e4d", "น\u0e49\u0e33"),
        (TEXT, "น\u0e33\u0e49", "น\u0e49\u0e33"),
        (TEXT, "ก\u0e32\u0e4dหนด", "ก\u0e33หนด"),
    ],
)
def test_reading_what_people_type(field: JSON, typed: str, value: Any) -> None:
    read = read_text(field, typed)

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("field", "typed", "message"),
    [
        (DATE, "20/11/2026", "Write the year in the Buddhist era, for example 2569."),
        (DATE, "20 พ.ย. 2026", "Write the year in the Buddhist era, for example 2569."),
        (DATE, "31/2/2569", "There is no such day. Look at the month and the year again."),
        (DATE, "15 ม.ค. 26", "Write the year with four digits, for example 2569: two digits can be read in two ways."),
        (DATE, "15/1/26", "Write the year with four digits, for example 2569: two digits can be read in two ways."),
        (
            INSTANT,
            "15/1/26 09:00",
            "Write the year with four digits, for example 2569: two digits can be read in two ways.",
        ),
        (DATE, "วันศุกร์ที่ 15 มกราคม 2569", "The weekday does not fit the date. Look at both again."),
        (DATE, "1 ม.ค. 2400", "The year must be one from 2443 to 2743."),
        (DATE, "1 ม.ค. 2399", "The year must be one from 2443 to 2743."),
        (DATE, "1 ม.ค. 2744", "The year must be one from 2443 to 2743."),
        (DATE, "20/11/2026 เวลา 09.00 น.", "Write the year in the Buddhist era, for example 2569."),
        (DATE, "20/11/2569 เวลา 25.00 น.", "Write the date as day/month/year, for example 20/11/2569."),
        (DATE, "tomorrow", "Write the date as day/month/year, for example 20/11/2569."),
        (INSTANT, "20/11/2569", "Write date and time, for example 20/11/2569 09:30."),
        (INSTANT, "20/11/2569 25:00", "Write date and time, for example 20/11/2569 09:30."),
        (INSTANT, "20/11/2026 09:00", "Write the year in the Buddhist era, for example 2569."),
        (MONEY, "1.234,56", "Write a number, for example 1,250,000.00."),
        (MONEY, "1,23", "Write a number, for example 1,250,000.00."),
        (MONEY, "ล้านบาท", "Write a number, for example 1,250,000.00."),
        (NUMBER, "NaN", "Write a number, for example 1,250,000.00."),
        (NUMBER, "1e400", "Write a number, for example 1,250,000.00."),
        (NUMBER, "9" * 60, "Write a number, for example 1,250,000.00."),
        (NUMBER, "0.1234567890123456789", "This number has more digits than can be kept exactly."),
        (WHOLE, "1.5", "A whole number is expected here."),
        (YEAR, "25x1", "Write a Buddhist year of four digits, for example 2571."),
        (YEAR, "71", "Write a Buddhist year of four digits, for example 2571."),
        (YES_NO, "perhaps", "Yes or no is expected here."),
    ],
)
def test_what_cannot_be_read_is_answered_with_what_is_expected(field: JSON, typed: str, message: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_text(field, typed)

    assert refused.value.message == message


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        (DATE, "2026-11-20", "20/11/2569"),
        (INSTANT, "2026-11-20T02:30:00Z", "20/11/2569 09:30"),
        (MONEY, 1234567, "1,234,567.00"),
        (NUMBER, 0.1, "0.1"),
        (NUMBER, 1e-07, "0.0000001"),
        (WHOLE, 2571, "2571"),
        (YES_NO, False, "false"),
        (TEXT, "ก", "ก"),
    ],
)
def test_what_is_shown_in_an_input_reads_back_the_same(field: JSON, value: Any, shown: str) -> None:
    assert show_text(field, value) == shown
    assert read_text(field, shown) == value


@pytest.mark.parametrize(
    ("value", "thai", "english"),
    [("2026-11-20", "20 พ.ย. 2569", "20 Nov 2026 (2569)"), ("soon", "soon", "soon")],
)
def test_documents_write_dates_in_words(value: str, thai: str, english: str) -> None:
    assert (display_text(DATE, value), display_text(DATE, value, "en")) == (thai, english)


def test_documents_name_options_and_answers() -> None:
    choice = {**TEXT, "x-enum": [{"value": "a", "th": "เห็นชอบ", "en": "Approve"}]}

    assert (display_text(choice, "a"), display_text(choice, "a", "en")) == ("เห็นชอบ", "Approve")
    assert (display_text(YES_NO, True), display_text(YES_NO, True, "en")) == ("ใช่", "Yes")


def test_no_page_is_asked_to_carry_half_a_character() -> None:
    assert show_text(TEXT, "a\ud800\0") == "a\ufffd\ufffd"


TABLE: JSON = {
    "type": "array",
    "items": {
        "properties": {
            "name": {"title": "กิจกรรม", "x-en": {"title": "Activity"}, **TEXT},
            "budget": {"title": "งบประมาณ", "x-en": {"title": "Budget"}, **MONEY},
        }
    },
}


@pytest.mark.parametrize(
    ("pasted", "rows"),
    [
        ("ก\t1,000\r\nข\t2\r\n", [{"name": "ก", "budget": "1,000"}, {"name": "ข", "budget": "2"}]),
        ("กิจกรรม\tงบประมาณ\nก\t5\n\n", [{"name": "ก", "budget": "5"}]),
        ('"สอง\nบรรทัด"\t7', [{"name": "สอง\nบรรทัด", "budget": "7"}]),
        ("ก\t5\t\t", [{"name": "ก", "budget": "5"}]),
        ("ก", [{"name": "ก"}]),
        ("\n\t\n", []),
    ],
)
def test_rows_pasted_from_a_spreadsheet(pasted: str, rows: list[JSON]) -> None:
    assert read_pasted(TABLE, pasted) == rows


def test_too_many_pasted_columns_are_refused() -> None:
    with pytest.raises(Unreadable, match="more than 2 columns"):
        read_pasted(TABLE, "a\tb\tc")


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1,250,000.50 บาท", 1250000.5),
        ("๑,๒๕๐,๐๐๐.๕๐ บาท", 1250000.5),
        ("1,250,000.-", 1250000),
        ("1,250,000.- บาท", 1250000),
        ("๑,๒๕๐,๐๐๐ บาทถ้วน", 1250000),
        ("1,250,000 บาท (หนึ่งล้านสองแสนห้าหมื่นบาทถ้วน)", 1250000),
        ("1,250,000 บาท 50 สตางค์", 1250000.5),
        ("฿1 250 000", 1250000),
        ("1.25 ล้านบาท", 1250000),
        ("3 พันล้านบาท", 3000000000),
        ("1\u200b25", 125),
        ("1.25 (ล้านบาท)", 1250000),
        ("1,000 (พันบาท)", 1000000),
        ("12.5 (หน่วย: แสนบาท)", 1250000),
        ("3 (หมื่นบาท)", 30000),
        ("500 (บาท)", 500),
        ("1,000 (หนึ่งพันบาทถ้วน)", 1000),
        ("1,000 (พันบาทถ้วน)", 1000),
        ("1,021.50 บาท (หนึ่งพันยี่สิบเอ็ดบาทห้าสิบสตางค์)", 1021.5),
        ("11 (สิบเอ็ด)", 11),
        ("101 บาท (หนึ่งร้อยเอ็ดบาทถ้วน)", 101),
        ("2,000,000,000,000 (สองล้านล้านบาทถ้วน)", 2 * 10**12),
        ("0.75 บาท (เจ็ดสิบห้าสตางค์)", 0.75),
        ("1.25 ล้านบาท (หนึ่งล้านสองแสนห้าหมื่นบาทถ้วน)", 1250000),
        ("1 ล้านล้านบาท", 10**12),
        ("1.25 แสนล้านบาท", 125 * 10**9),
        ("2 ล้าน 5 แสนบาท", 2500000),
        ("1,000 ลบ.", 10**9),
        ("\u20131,000", -1000),
        ("\u22121,000", -1000),
        ("1,000 -", 1000),
        ("１２５", 125),
    ],
)
def test_amounts_as_papers_write_them(typed: str, amount: float) -> None:
    assert read_text({"type": "number", "x-widget": "money"}, typed) == amount


@pytest.mark.parametrize(
    "typed",
    [
        "1.250.000,50",
        "1,25",
        "(1,250)",
        "5-",
        "ล้าน",
        "2 ล้าน 5 แสน",
        "บาท",
        "1 บาท 100 สตางค์",
        "12 34",
        "3 5",
        "1 2345",
        "1,000 500 5",
        "1 000,000",
        "12 . 5",
        "2 ล้าน 5 บาท",
        "2 แสน 5 ล้านบาท",
        "2 ล้าน 50 แสนบาท",
        "1 หมื่นพันบาท",
    ],
)
def test_amounts_that_could_mean_two_things_are_asked_back(typed: str) -> None:
    with pytest.raises(Unreadable):
        read_text({"type": "number", "x-widget": "money"}, typed)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("500 (ต่อคน)", "What stands in brackets cannot be read as an amount. Write the figure alone."),
        ("500 (USD)", "What stands in brackets cannot be read as an amount. Write the figure alone."),
        ("1,000 (ล้านคน)", "What stands in brackets cannot be read as an amount. Write the figure alone."),
        ("1,000 (สองพันบาทถ้วน)", "The amount in words is not the amount in figures. Look at both again."),
        ("-1,000 (หนึ่งพันบาทถ้วน)", "The amount in words is not the amount in figures. Look at both again."),
        (
            "1 ล้าน (ล้านบาท)",
            "The amount names its unit twice. Write the figure once, for example 1,250,000.00.",
        ),
    ],
)
def test_what_stands_in_brackets_is_the_amount_or_is_asked_back(typed: str, message: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_text(MONEY, typed)

    assert refused.value.message == message


@pytest.mark.parametrize("case", json.loads(PASTED.read_text(encoding="utf-8")))
def test_pasted_cells_are_those_of_the_table_that_the_browser_is_held_to(case: dict[str, Any]) -> None:
    assert cells_of(case["text"]) == case["cells"]


TURNED = "ถนน\u202eสาย\u2069 1\u200f"


@pytest.mark.parametrize("widget", ["text", "textarea", "file-ref"])
def test_a_text_keeps_no_sign_that_turns_letters_round(widget: str) -> None:
    assert read_text({"type": "string", "x-widget": widget}, TURNED) == "ถนนสาย 1"


@pytest.mark.parametrize(
    "more", [{"readOnly": True}, {"x-ref": {"from": "a.b"}}, {"x-enum": [{"value": TURNED}], "enum": [TURNED]}]
)
def test_what_the_case_says_is_sent_back_as_it_is(more: dict[str, object]) -> None:
    """Or a case in which an earlier version kept such a sign could not go on."""
    assert read_text({"type": "string", "x-widget": "text", **more}, TURNED) == TURNED
