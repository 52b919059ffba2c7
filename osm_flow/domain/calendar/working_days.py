"""Counting in working days. Which days are holidays is data; this module only counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class WorkingCalendar:
    """Which days are working days: weekends and `holidays` are free, the days in `working` never are."""

    holidays: frozenset[date]
    working: frozenset[date] = frozenset()

    def is_working(self, day: date) -> bool:
        """Whether the day is a working day."""
        if day in self.working:
            return True
        return day.weekday() < _SATURDAY and day not in self.holidays

    def on_or_after(self, day: date) -> date:
        """The day itself when it is a working day, else the next one."""
        while not self.is_working(day):
            day += _DAY
        return day

    def on_or_before(self, day: date) -> date:
        """The day itself when it is a working day, else the one before."""
        while not self.is_working(day):
            day -= _DAY
        return day

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        return self.on_or_after(day + _DAY)

    def add(self, day: date, n: int) -> date:
        """`n` working days after `day`, before it when `n` is negative; for 0 the day or the next working one."""
        # Nothing is due on a free day, not even after no days at all.
        if n == 0:
            return self.on_or_after(day)
        step = _DAY if n > 0 else -_DAY
        for _ in range(abs(n)):
            day += step
            while not self.is_working(day):
                day += step
        return day

    def between(self, start: date, end: date) -> int:
        """How many working days lie after `start` up to and with `end`; negative when `end` comes first.

        `between(a, add(a, n)) == n` for every n except 0 on a free day.
        """
        if end < start:
            return -sum(self.is_working(end + _DAY * i) for i in range((start - end).days))
        return sum(self.is_working(start + _DAY * i) for i in range(1, (end - start).days + 1))
