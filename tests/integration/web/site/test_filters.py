"""How values look on pages: dates on the office's clock, money, due dates in working days, names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask, g

from osm_flow.store.session import Store
from osm_flow.web.site import filters
from tests.factories import NOW


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """Nothing here depends on which database it is."""
    return sqlite_store


@pytest.fixture(autouse=True)
def asked(site: Flask, store: Store) -> Iterator[None]:
    """A request on Friday 20 November 2026, nine in the morning in Bangkok, by somebody who reads Thai."""
    with site.test_request_context("/"), store.reading() as session:
        g.session, g.now, g.locale = session, NOW, "th"
        yield


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 11, 20),
        "2026-11-20",
        datetime(2026, 11, 19, 17, 0, tzinfo=UTC),
        "2026-11-20T16:59:59+00:00",
    ],
)
def test_a_day_is_the_one_of_the_office(value: date | str) -> None:
    assert filters.thai_date(value) == "20 พ.ย. 2569"
    g.locale = "en"
    assert filters.thai_date(value) == "20 Nov 2026 (2569)"


def test_an_instant_is_told_on_the_offices_clock_and_nothing_is_told_of_none() -> None:
    assert filters.thai_datetime("2026-11-20T09:30:00+00:00") == "20 พ.ย. 2569 16:30 น."
    assert (filters.thai_datetime(None), filters.thai_datetime(""), filters.thai_date(None)) == ("", "", "")
    assert (filters.iso(date(2026, 11, 20)), filters.iso(None)) == ("2026-11-20", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1250000", "1,250,000.00"),
        (Decimal("0.005"), "0.00"),
        (0, "0.00"),
        (-12.5, "-12.50"),
        (None, ""),
        ("", ""),
        ("ประมาณ 5 ล้าน", "ประมาณ 5 ล้าน"),
    ],
)
def test_money_has_two_places_and_what_is_no_amount_stays_as_it_is(value: object, text: str) -> None:
    assert filters.money(value) == text


@pytest.mark.parametrize(
    ("due_at", "words", "tone"),
    [
        (NOW + timedelta(hours=1), "ครบกำหนดวันนี้", "soon"),
        (NOW - timedelta(hours=1), "เกินกำหนดแล้ว", "late"),
        (NOW + timedelta(days=3), "เหลือ 1 วันทำการ", "soon"),  # Monday: the weekend does not count
        (NOW + timedelta(days=4), "เหลือ 2 วันทำการ", "soon"),
        (NOW + timedelta(days=5), "เหลือ 3 วันทำการ", "calm"),
        (NOW - timedelta(days=4), "เกินกำหนด 4 วันทำการ", "late"),  # since Monday
        (None, "", "none"),
    ],
)
def test_due_dates_are_told_in_working_days(due_at: datetime | None, words: str, tone: str) -> None:
    assert (filters.relative_due(due_at), filters.due_tone(due_at)) == (words, tone)


@pytest.mark.parametrize(
    ("priority", "words"), [(50, ""), (51, "ด่วน"), (79, "ด่วน"), (80, "ด่วนมาก"), (99, "ด่วนมาก"), (100, "ด่วนที่สุด")]
)
def test_urgency_is_said_in_the_words_of_official_letters(priority: int, words: str) -> None:
    assert filters.priority_name(priority) == words


def test_a_role_names_its_province_and_a_candidate_by_name_is_named() -> None:
    assert filters.role_name("province_planner@TH-41").endswith(" (อุดรธานี)")
    assert filters.role_name("user:somchai") == "somchai"
    assert filters.province_name("TH-99") == "TH-99"
    assert filters.office_name(None) == "ทุกกลุ่มจังหวัด"
    g.locale = "en"
    assert filters.province_name("TH-41") == "Udon Thani"
