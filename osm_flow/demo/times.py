"""The days of the demo's story. It is written for 20 November 2569 and told on any day of any year.

There are two kinds of days. What an office does when it comes to it (a hearing, a letter, a meeting, a reply) keeps its
distance from today. What the law says (the beginning and the end of a fiscal year, the cuts of its quarters) stays where
it is in the year, and so does all that follows from it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from osm_flow.domain.calendar.deadlines import BANGKOK, local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_of
from osm_flow.domain.calendar.thai_dates import BUDDHIST_OFFSET, buddhist_year, thai_date
from osm_flow.domain.calendar.working_days import WorkingCalendar

_TOLD_FOR = date(2569 - BUDDHIST_OFFSET, 11, 20)
_TOLD_YEAR = fiscal_year_of(_TOLD_FOR)


class Days:
    """Days of the story as it is written, such as `2569-11-03`, each moved by so many years and then by so many days."""

    def __init__(self, calendar: WorkingCalendar, years: int, distance: timedelta) -> None:
        self.calendar = calendar
        self._years = years
        self._distance = distance

    def day(self, written: str) -> date:
        """The day on which it falls."""
        year, month, day = map(int, written.split("-"))
        return date(year - BUDDHIST_OFFSET + self._years, month, day) + self._distance

    def at(self, written: str, hour: int = 9, minute: int = 0) -> datetime:
        """That day at this hour in Bangkok; on the working day before it when nobody works then."""
        day = self.calendar.on_or_before(self.day(written))
        return datetime.combine(day, time(hour, minute), BANGKOK).astimezone(UTC)

    def working_day(self, written: str) -> date:
        """That day; the working day before it when nobody works then: what somebody does `at` a day falls on it."""
        return local_day(self.at(written))

    def iso(self, written: str) -> str:
        """The day as forms keep it."""
        return self.day(written).isoformat()

    def done(self, written: str) -> str:
        """The day on which somebody did something, as forms keep it: one on which people work."""
        return self.working_day(written).isoformat()

    def instant(self, written: str, hour: int = 9) -> str:
        """The instant as forms keep it."""
        return self.at(written, hour).isoformat().replace("+00:00", "Z")

    def thai(self, written: str) -> str:
        """The day in Thai words."""
        return thai_date(self.day(written))

    def be(self, written: str) -> int:
        """The Buddhist year of that day, as numbers of letters and meetings end with it."""
        return buddhist_year(self.day(written))


class Times(Days):
    """The days of the story around `now`; `year` is the fiscal year that is being carried out.

    The days here keep their distance from today; those of `law` keep their place in the fiscal years around it.
    """

    def __init__(self, now: datetime, calendar: WorkingCalendar) -> None:
        self.now = now
        self.today = local_day(now)
        self.year = fiscal_year_of(self.today)
        super().__init__(calendar, 0, self.today - _TOLD_FOR)
        self.law = Days(calendar, self.year - _TOLD_YEAR, timedelta(0))

    @property
    def this_morning(self) -> datetime:
        """The beginning of today: whatever the story tells of later has not come yet."""
        return datetime.combine(self.today, time(), BANGKOK).astimezone(UTC)

    def working_days_ago(self, n: int, hour: int = 9) -> datetime:
        """So many working days before today, at this hour in Bangkok: for what is to be overdue by now."""
        return datetime.combine(self.calendar.add(self.today, -n), time(hour), BANGKOK).astimezone(UTC)

    def moved(self, normal: date) -> date:
        """A day of a normal calendar, as far from today as it is from the day the story is written for."""
        then = normal.replace(year=normal.year - (self.year - _TOLD_YEAR))
        return then + self._distance

    def fiscal_year(self, written_year: int) -> int:
        """A fiscal year of the story: that of its last day is the one being carried out."""
        return written_year + self.year - _TOLD_YEAR
