"""The fiscal calendars of the demo: those of a normal year, moved by letters."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from osm_flow.demo.cast import OFFICE
from osm_flow.demo.times import Times
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import DateStatus, NewDate, typical_dates
from osm_flow.operations.calendar import milestones

_SOON = timedelta(days=120)

# (fiscal year as told, milestone): the day that this year's circular named.
_ANNOUNCED: dict[tuple[int, str], str] = {
    (2571, "situation_data"): "2569-06-30",
    (2571, "knb_policy"): "2569-07-15",
    (2571, "hearing_notice"): "2569-07-24",
    (2571, "hearing_close"): "2569-09-04",
    (2571, "concept_due"): "2569-10-02",
    (2571, "draft_ready"): "2569-10-21",
    (2571, "province_reply_due"): "2569-11-10",
    (2571, "committee_meeting"): "2569-12-04",
    (2571, "plan_submit"): "2569-12-15",
    (2571, "subcommittee"): "2569-12-24",
}
_LETTERS = {2569: "ที่ มท 0212/ว 5120", 2570: "ที่ มท 0212/ว 4388", 2571: "ที่ นร 1117/ว 2561"}


def fill(session: Session, times: Times) -> None:
    """Enter the calendars of three fiscal years with their letters, as they stood before anything moved.

    Each is entered, and recorded, the day after its letter, or with everything else where that came before.
    """
    for story_year in (2569, 2570, 2571):
        fiscal_year, sent = times.be(story_year), f"{story_year - 2}-08-19"
        letter = f"{_LETTERS[story_year]} ลงวันที่ {times.thai(sent)}"
        now = max(times.at("2568-09-21"), times.at(f"{story_year - 2}-08-20", 16))
        dates = {
            key: _entered(times, story_year, key, normal, letter) for key, normal in typical_dates(fiscal_year).items()
        }
        milestones.enter_year(session, OFFICE, fiscal_year, SYSTEM, now, dates)


def _entered(times: Times, story_year: int, key: str, normal: date, letter: str) -> NewDate:
    written = _ANNOUNCED.get((story_year, key))
    day = times.day(written) if written else times.moved(normal)
    if day > times.today + _SOON:
        return NewDate(day, "", DateStatus.planned)
    return NewDate(day, letter, DateStatus.actual if day <= times.today else DateStatus.announced)
