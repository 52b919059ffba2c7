"""Office hours begin and end by the clock of Bangkok."""

from datetime import UTC, date, datetime

import pytest

from osm_flow.domain.calendar.deadlines import (
    calendar_days_from,
    close_of,
    local_day,
    opening_of,
    working_days_from,
    working_days_left,
)
from osm_flow.domain.calendar.working_days import WorkingCalendar

CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 7), date(2026, 12, 10)}))


def test_office_hours_are_bangkok_s() -> None:
    assert close_of(date(2026, 11, 20)) == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    assert opening_of(date(2026, 11, 20)) == datetime(2026, 11, 20, 1, 30, tzinfo=UTC)


def test_the_day_changes_at_midnight_in_bangkok() -> None:
    assert local_day(datetime(2026, 11, 20, 16, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert local_day(datetime(2026, 11, 20, 17, 0, tzinfo=UTC)) == date(2026, 11, 21)


def test_working_days_end_at_the_close_of_the_last_one() -> None:
    friday = datetime(2026, 12, 4, 3, 0, tzinfo=UTC)

    assert working_days_from(CALENDAR, friday, 1) == datetime(2026, 12, 8, 9, 30, tzinfo=UTC)
    assert working_days_from(CALENDAR, friday, -1) == datetime(2026, 12, 3, 9, 30, tzinfo=UTC)


def test_calendar_days_count_holidays_too() -> None:
    assert calendar_days_from(datetime(2026, 12, 4, 3, 0, tzinfo=UTC), 3) == datetime(2026, 12, 7, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("due", "left"),
    [(date(2026, 12, 4), 0), (date(2026, 12, 8), 1), (date(2026, 12, 11), 3), (date(2026, 12, 2), -2)],
)
def test_working_days_left_are_zero_on_the_due_day(due: date, left: int) -> None:
    assert working_days_left(CALENDAR, datetime(2026, 12, 4, 3, 0, tzinfo=UTC), close_of(due)) == left


@pytest.mark.parametrize(("today", "left"), [(4, 0), (5, 0), (6, 0), (7, 0), (8, -1)])
def test_free_days_make_nothing_later(today: int, left: int) -> None:
    """Due on a Friday before a weekend and a holiday."""
    now = datetime(2026, 12, today, 10, 0, tzinfo=UTC)
    assert working_days_left(CALENDAR, now, close_of(date(2026, 12, 4))) == left


def test_a_naive_instant_has_no_day() -> None:
    with pytest.raises(ValueError, match="offset"):
        local_day(datetime(2026, 12, 4))  # noqa: DTZ001
