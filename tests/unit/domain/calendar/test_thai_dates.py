"""Dates are written and read as Thai officials do."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.catalogues import catalogue
from osm_flow.domain.calendar.thai_dates import (
    WEEKDAYS,
    DayRefused,
    NoSuchDay,
    WeekdayWrong,
    YearUnclear,
    buddhist_year,
    english_date,
    english_datetime,
    parse_thai_date,
    thai_date,
    thai_datetime,
    thai_digits,
)

BANGKOK = ZoneInfo("Asia/Bangkok")
DAY = date(2026, 11, 20)


def test_each_style_has_its_spelling() -> None:
    assert thai_date(DAY) == "20 พ.ย. 2569"
    assert thai_date(DAY, "long") == "20 พฤศจิกายน 2569"
    assert thai_date(DAY, "formal") == "๒๐ พฤศจิกายน พ.ศ. ๒๕๖๙"
    assert english_date(DAY) == "20 Nov 2026 (2569)"


def test_digits_can_be_asked_for() -> None:
    assert thai_date(DAY, "short", "thai") == "๒๐ พ.ย. ๒๕๖๙"
    assert thai_date(DAY, "formal", "arabic") == "20 พฤศจิกายน พ.ศ. 2569"
    assert thai_digits("อด 0017.5/123") == "อด ๐๐๑๗.๕/๑๒๓"


def test_an_instant_is_shown_on_the_local_clock() -> None:
    instant = datetime(2026, 12, 31, 17, 30, tzinfo=UTC)

    assert thai_datetime(instant, BANGKOK) == "1 ม.ค. 2570 00:30 น."
    assert thai_datetime(instant, BANGKOK, "formal") == "๑ มกราคม พ.ศ. ๒๕๗๐ ๐๐:๓๐ น."
    assert english_datetime(instant, BANGKOK) == "1 Jan 2027 (2570) 00:30"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        thai_datetime(datetime(2026, 11, 20), BANGKOK)  # noqa: DTZ001


@pytest.mark.parametrize(
    "text",
    [
        "20 พ.ย. 2569",
        "20 พ.ย. 69",
        "20พ.ย.2569",
        "๒๐ พฤศจิกายน พ.ศ. ๒๕๖๙",
        "วันที่ 20 พฤศจิกายน 2569",
        "วันศุกร์ที่ 20 พฤศจิกายน 2569",
        "20 พฤศจิกายน ค.ศ. 2026",
        "20/11/2569",
        "20-11-2569",
        "20.11.2026",
        "2026-11-20",
        "2569-11-20",
        "  20  พ.ย.  2569 ",
        "20 Nov 2026 (2569)",
    ],
)
def test_a_date_is_read_as_people_type_it(text: str) -> None:
    assert parse_thai_date(text) == DAY


@pytest.mark.parametrize("text", ["", "พรุ่งนี้", "31 ก.พ. 2569", "20/11/26", "11/20/2569", "20 ธัน 2569", "20 พ.ย."])
def test_what_is_not_a_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_thai_date(text)


@given(st.dates(date(1900, 1, 1), date(2300, 12, 31)))
def test_every_style_is_read_back(day: date) -> None:
    for text in (thai_date(day), thai_date(day, "long"), thai_date(day, "formal"), english_date(day), day.isoformat()):
        assert parse_thai_date(text) == day


def test_the_buddhist_year_starts_with_the_calendar_year() -> None:
    assert buddhist_year(date(2026, 12, 31)) == 2569
    assert buddhist_year(date(2027, 1, 1)) == 2570


@pytest.mark.parametrize(
    "text",
    [
        "๑๕ ม.ค. ๒๕๖๙",
        "15/1/2569",
        "15-ม.ค.-2569",
        "15/ม.ค./69",
        "15 มค 69",
        "15ม.ค.69",
        "วันที่ ๑๕ เดือน มกราคม พ.ศ. ๒๕๖๙",
        "วันที่ 15 เดือนมกราคม ปี พ.ศ. 2569",
        "วันพฤหัสบดีที่ ๑๕ มกราคม ๒๕๖๙",
        "พฤหัสบดีที่ 15 ม.ค. 2569",
        "ที่ 15 มกราคม 2569",
        "15 January 2569",
        "15/1/69",
        "๑๕-๑-๖๙",
        "15.1.69",
        "15 ม.ค. 2569 เวลา 09.00 น.",
        "วันพฤหัสบดีที่ 15 มกราคม 2569 เวลา 13:30 น.",
        "วันพฤหัส 15 ม.ค. 69",
    ],
)
def test_dates_as_papers_write_them(text: str) -> None:
    assert parse_thai_date(text) == date(2026, 1, 15)


@pytest.mark.parametrize("text", ["31/2/2569", "๓๐ ก.พ. ๒๕๖๙", "29/2/2569", "0/1/2569", "1/13/2569", "2026-02-30"])
def test_a_day_that_does_not_exist_is_told_from_what_is_no_date(text: str) -> None:
    with pytest.raises(NoSuchDay):
        parse_thai_date(text)


@pytest.mark.parametrize("year", range(100))
@pytest.mark.parametrize("written", ["15 ม.ค. {year:02}", "๑๕/๑/{year:02}", "15-1-{year:02}"])
def test_two_digits_are_a_year_only_where_they_cannot_be_of_the_other_era(written: str, year: int) -> None:
    """Up to 39 they may be 2000 to 2039; from 40 on they are 2540 to 2599."""
    text = written.format(year=year)

    if year < 40:
        with pytest.raises(YearUnclear):
            parse_thai_date(text)
    else:
        assert parse_thai_date(text) == date(2500 + year - 543, 1, 15)


@pytest.mark.parametrize("weekday", WEEKDAYS)
def test_a_weekday_is_held_against_the_date(weekday: str) -> None:
    text = f"{weekday}ที่ 15 มกราคม 2569"

    if weekday == "วันพฤหัสบดี":
        assert parse_thai_date(text) == date(2026, 1, 15)
    else:
        with pytest.raises(WeekdayWrong):
            parse_thai_date(text)


@pytest.mark.parametrize("refusal", DayRefused.__subclasses__())
def test_each_refusal_has_a_sentence_in_both_languages(refusal: type[DayRefused]) -> None:
    assert catalogue("th").single[refusal.sentence] != refusal.sentence
