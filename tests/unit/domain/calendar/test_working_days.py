"""Working days are counted over weekends and holidays."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.calendar.working_days import WorkingCalendar

SONGKRAN = frozenset({date(2027, 4, 6), date(2027, 4, 13), date(2027, 4, 14), date(2027, 4, 15)})
CALENDAR = WorkingCalendar(holidays=SONGKRAN)

days = st.dates(date(2027, 3, 1), date(2027, 5, 31))


def test_weekends_and_holidays_are_free() -> None:
    assert not CALENDAR.is_working(date(2027, 4, 10))
    assert not CALENDAR.is_working(date(2027, 4, 13))
    assert CALENDAR.is_working(date(2027, 4, 16))


def test_a_day_declared_working_is_working_whatever_else_it_is() -> None:
    calendar = WorkingCalendar(holidays=SONGKRAN, working=frozenset({date(2027, 4, 10), date(2027, 4, 13)}))

    assert calendar.is_working(date(2027, 4, 10))
    assert calendar.is_working(date(2027, 4, 13))


@pytest.mark.parametrize(
    ("start", "n", "expected"),
    [
        (date(2027, 4, 9), 1, date(2027, 4, 12)),  # Friday to Monday
        (date(2027, 4, 12), 1, date(2027, 4, 16)),  # over three days of Songkran
        (date(2027, 4, 16), -1, date(2027, 4, 12)),
        (date(2027, 4, 10), 0, date(2027, 4, 12)),  # a Saturday's own working day is Monday
        (date(2027, 4, 12), 0, date(2027, 4, 12)),
        (date(2027, 4, 5), 5, date(2027, 4, 16)),  # 7, 8, 9, 12, 16
        (date(2027, 4, 18), -2, date(2027, 4, 12)),  # from a Sunday back: 16, 12
    ],
)
def test_adding_skips_free_days(start: date, n: int, expected: date) -> None:
    assert CALENDAR.add(start, n) == expected


def test_the_next_working_day_is_never_the_day_itself() -> None:
    assert CALENDAR.next_working_day(date(2027, 4, 8)) == date(2027, 4, 9)


def test_a_free_day_moves_forward_or_back_and_a_working_one_stays() -> None:
    assert CALENDAR.on_or_after(date(2027, 4, 14)) == date(2027, 4, 16)
    assert CALENDAR.on_or_before(date(2027, 4, 14)) == date(2027, 4, 12)
    assert CALENDAR.on_or_after(date(2027, 4, 12)) == CALENDAR.on_or_before(date(2027, 4, 12)) == date(2027, 4, 12)


@given(days, st.integers(-40, 40).filter(bool))
def test_counting_between_undoes_adding_from_a_working_day(start: date, n: int) -> None:
    start = CALENDAR.on_or_after(start)

    assert CALENDAR.between(start, CALENDAR.add(start, n)) == n


@given(days, days)
def test_counting_back_is_the_negative_of_counting_forward_between_working_days(a: date, b: date) -> None:
    a, b = CALENDAR.on_or_after(a), CALENDAR.on_or_after(b)

    assert CALENDAR.between(a, b) == -CALENDAR.between(b, a)


@given(days, st.integers(-40, 40))
def test_adding_always_ends_on_a_working_day(start: date, n: int) -> None:
    assert CALENDAR.is_working(CALENDAR.add(start, n))


def test_between_counts_the_last_day_but_not_the_first() -> None:
    assert CALENDAR.between(date(2027, 4, 5), date(2027, 4, 5)) == 0
    assert CALENDAR.between(date(2027, 4, 5), date(2027, 4, 5) + timedelta(days=7)) == 4  # 7, 8, 9, 12
