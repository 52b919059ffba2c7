"""The days of the demo's story. It is written for 20 November 2569 and moved so that this day is today."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from osm_flow.domain.calendar.deadlines import BANGKOK, local_day
from osm_flow.domain.calendar.fiscal_year import fiscal_year_of
from osm_flow.domain.calendar.thai_dates import BUDDHIST_OFFSET, thai_date
from osm_flow.domain.calendar.working_days import WorkingCalendar

_TOLD_FOR = date(2569 - BUDDHIST_OFFSET, 11, 20)
_TOLD_YEAR = fiscal_year_of(_TOLD_FOR)


class Times:
    """The days of the story moved to lie around `now`; `year` is the fiscal year that is being carried out."""

    def __init__(self, now: datetime, calendar: WorkingCalendar) -> None:
        self.now = now
        self.calendar = calendar
        self.today = local_day(now)
        self.year = fiscal_year_of(self.today)

    def day(self, written: str) -> date:
        """A day such as `2569-11-03`, as far from today as it is from 20 November 2569."""
        year, month, day = map(int, written.split("-"))
        return self.today + (date(year - BUDDHIST_OFFSET, month, day) - _TOLD_FOR)

    def moved(self, normal: date) -> date:
        """A day of a normal calendar, moved as the whole story is."""
        then = normal.replace(year=normal.year - (self.year - _TOLD_YEAR))
        return self.today + (then - _TOLD_FOR)

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

    def instant(self, written: str, hour: int = 9) -> str:
        """The instant as forms keep it."""
        return self.at(written, hour).isoformat().replace("+00:00", "Z")

    def thai(self, written: str) -> str:
        """The day in Thai words."""
        return thai_date(self.day(written))

    def be(self, written_year: int) -> int:
        """The Buddhist year of the story, moved as its days are."""
        return written_year + self.year - _TOLD_YEAR
