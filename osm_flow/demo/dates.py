"""The fiscal calendars of the demo: those of a normal year, moved by letters.

The days of the year that is being planned move with the story until its money is there. All others are the law's.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from osm_flow.demo.cast import OFFICE
from osm_flow.demo.times import Days, Times
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF, DateStatus, NewDate, typical_dates
from osm_flow.operations.calendar import milestones

_SOON = timedelta(days=120)

_PLANNED_YEAR = 2571
# The days that the circular of the year being planned named, by milestone.
_ANNOUNCED: dict[str, str] = {
    "situation_data": "2569-06-30",
    "knb_policy": "2569-07-15",
    "hearing_notice": "2569-07-24",
    "hearing_close": "2569-09-04",
    "concept_due": "2569-10-02",
    "draft_ready": "2569-10-21",
    "province_reply_due": "2569-11-10",
    "committee_meeting": "2569-12-04",
    "plan_submit": "2569-12-15",
    "subcommittee": "2569-12-24",
}
# Changes of projects are taken until the end of the year that is being carried out.
_OTHERWISE: dict[tuple[int, str], str] = {(2570, "change_cutoff"): "2570-09-30"}
_LETTERS = {2569: "ที่ มท 0212/ว 5120", 2570: "ที่ มท 0212/ว 4388", 2571: "ที่ นร 1117/ว 2561"}


def fill(session: Session, times: Times) -> None:
    """Enter the calendars of three fiscal years with their letters, as they stood before anything moved.

    Each is entered, and recorded, the day after its letter, or with everything else where that came before.
    """
    for story_year in (2569, 2570, _PLANNED_YEAR):
        days = _days(times, story_year)
        fiscal_year, sent = times.fiscal_year(story_year), f"{story_year - 2}-08-19"
        letter = f"{_LETTERS[story_year]} ลงวันที่ {days.thai(sent)}"
        now = max(times.law.at("2568-09-21"), days.at(f"{story_year - 2}-08-20", 16))
        dates = {
            key: _entered(times, story_year, key, normal, letter) for key, normal in typical_dates(fiscal_year).items()
        }
        milestones.enter_year(session, OFFICE, fiscal_year, SYSTEM, now, dates)


def _days(times: Times, story_year: int) -> Days:
    return times if story_year == _PLANNED_YEAR else times.law


def _entered(times: Times, story_year: int, key: str, normal: date, letter: str) -> NewDate:
    day = _falls(times, story_year, key, normal)
    if day > times.today + _SOON:
        return NewDate(day, "", DateStatus.planned)
    return NewDate(day, letter, DateStatus.actual if day <= times.today else DateStatus.announced)


def _falls(times: Times, story_year: int, key: str, normal: date) -> date:
    """The day of a milestone; what a year's execution begins and ends with is the law's in every year."""
    if written := _OTHERWISE.get((story_year, key)):
        return times.law.day(written)
    if story_year != _PLANNED_YEAR or MILESTONE_OF[key].lane == "execution":
        return normal
    return times.day(_ANNOUNCED[key]) if key in _ANNOUNCED else times.moved(normal)
