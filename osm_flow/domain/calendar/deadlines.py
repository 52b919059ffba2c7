"""Instants at which things are due: the end or the start of office hours on a day of the Thai calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from osm_flow.domain.calendar.working_days import WorkingCalendar

BANGKOK = ZoneInfo("Asia/Bangkok")
OFFICE_OPENS = time(8, 30)
OFFICE_CLOSES = time(16, 30)
# About fourteen years of working days: more is a slip of the pen in a diagram.
MOST_DAYS = 3660


def local_day(instant: datetime) -> date:
    """The day in Bangkok at that instant. Raises ValueError for a naive datetime."""
    if instant.tzinfo is None:
        raise ValueError("an instant must say its offset")
    return instant.astimezone(BANGKOK).date()


def close_of(day: date) -> datetime:
    """The end of office hours on `day`, in UTC."""
    return datetime.combine(day, OFFICE_CLOSES, BANGKOK).astimezone(UTC)


def opening_of(day: date) -> datetime:
    """The start of office hours on `day`, in UTC."""
    return datetime.combine(day, OFFICE_OPENS, BANGKOK).astimezone(UTC)


def working_days_from(calendar: WorkingCalendar, instant: datetime, n: int) -> datetime:
    """The end of office hours `n` working days after the day of `instant` (before it when negative)."""
    return close_of(calendar.add(local_day(instant), n))


def calendar_days_from(instant: datetime, n: int) -> datetime:
    """The end of office hours `n` calendar days after the day of `instant`."""
    return close_of(local_day(instant) + timedelta(days=n))


def working_days_left(calendar: WorkingCalendar, now: datetime, due_at: datetime) -> int:
    """Working days from today to the due day: 0 on that day, negative after it."""
    today, due = local_day(now), local_day(due_at)
    return -calendar.between(due, today) if due < today else calendar.between(today, due)
