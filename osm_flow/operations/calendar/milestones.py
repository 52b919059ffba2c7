"""The fiscal calendar: when the milestones of each fiscal year fall, and by which letter they moved.

Also the calendar that expressions in diagrams ask. Working days are counted in `holidays`, cases follow a moved date
through `replanning`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import OfficeFacts, Verb, require
from osm_flow.domain.calendar.deadlines import MOST_DAYS, calendar_days_from, close_of, local_day, working_days_from
from osm_flow.domain.calendar.fiscal_year import (
    MILESTONE_OF,
    DateStatus,
    NewDate,
    fiscal_year_bounds,
    typical_dates,
)
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.calendar import replanning
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.operations.ledger import admin_journal
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind
from osm_flow.store.database import instant_text
from osm_flow.store.models import CalendarChange, FiscalDate

_YEARS = range(2500, 2651)
# The planning of a year begins more than a year before it, its last reports come after it.
_EARLIEST, _LATEST = timedelta(days=3 * 366), timedelta(days=2 * 366)


class CalendarRefuses(Invalid, ValueError):
    """The calendar cannot answer {call}: {reason}"""


class NoSuchMilestone(NotFound):
    """The calendar has no milestone of this name."""


class DateNotAccepted(Invalid):
    """Give the new date and the letter that moves it."""


# ---- what expressions ask --------------------------------------------------------------------------------------


class CalendarLookup:
    """The answers of the calendar to expressions in the diagrams of one office and fiscal year, at one instant.

    Answers are instants as RFC 3339 text, or None while the calendar does not know. Raises CalendarRefuses.
    """

    def __init__(self, session: Session, office_id: str, fiscal_year: int, now: datetime) -> None:
        self._session = session
        self._office_id = office_id
        self._fiscal_year = fiscal_year
        self._now = now
        self._functions: dict[str, Callable[..., datetime | None]] = {
            "working_days": self.working_days,
            "calendar_days": self.calendar_days,
            "milestone": self.milestone,
            "before": self.before,
            "after": self.after,
        }

    def __call__(self, name: str, args: tuple[Any, ...]) -> str | None:
        call = f"{name}({', '.join(map(repr, args))})"
        if name not in self._functions:
            raise CalendarRefuses(call=call, reason="there is no such function")
        try:
            answer = self._functions[name](*args)
        except (TypeError, ValueError, OverflowError) as error:
            raise CalendarRefuses(call=call, reason=str(error)) from error
        return None if answer is None else instant_text(answer)

    def working_days(self, n: int) -> datetime:
        """The end of office hours so many working days from now, or from a day."""
        return self._working(self._now, _days(n))

    def calendar_days(self, n: int) -> datetime:
        """The end of office hours so many calendar days from now."""
        return calendar_days_from(self._now, _days(n))

    def milestone(self, key: str, fiscal_year: int | None = None) -> datetime | None:
        """The end of office hours on the day of a milestone; None while the calendar does not know it."""
        if not isinstance(key, str):
            raise TypeError("the key of a milestone is a text")
        year = self._fiscal_year if fiscal_year is None else _whole(fiscal_year)
        row = self._session.get(FiscalDate, (self._office_id, year, key))
        return None if row is None else close_of(row.date)

    def before(self, instant: str | None, n: int) -> datetime | None:
        """The end of office hours so many working days before an instant."""
        days = _days(n)
        return None if instant is None else self._working(_instant(instant), -days)

    def after(self, instant: str | None, n: int) -> datetime | None:
        """The end of office hours so many working days after an instant."""
        days = _days(n)
        return None if instant is None else self._working(_instant(instant), days)

    def _working(self, instant: datetime, n: int) -> datetime:
        # Never more than half of the days are free, so this reaches the last day that counting can touch.
        reach = local_day(instant) + timedelta(days=2 * n)
        return working_days_from(
            working_calendar(self._session, self._office_id, local_day(instant), reach), instant, n
        )


def calendar_lookup(session: Session, office_id: str, fiscal_year: int, now: datetime) -> CalendarLookup:
    """The calendar look-up for a case, which the engine asks when it works out dates."""
    return CalendarLookup(session, office_id, fiscal_year, now)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number is needed")
    return value


def _days(value: object) -> int:
    n = _whole(value)
    if abs(n) > MOST_DAYS:
        raise ValueError(f"more than {MOST_DAYS} days")
    return n


def _instant(text: object) -> datetime:
    """An instant as RFC 3339 text, or a day, which stands for the end of its office hours."""
    if not isinstance(text, str):
        raise TypeError("an instant is a text")
    if len(text) == len("2026-11-20"):
        return close_of(date.fromisoformat(text))
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant must say its offset")
    return instant.astimezone(UTC)


# ---- the dates of an office ------------------------------------------------------------------------------------


def fiscal_dates(session: Session, office_id: str, fiscal_year: int) -> list[FiscalDate]:
    """The milestones of a fiscal year in the order in which they fall."""
    query = select(FiscalDate).where(FiscalDate.office_id == office_id, FiscalDate.fiscal_year == fiscal_year)
    return list(session.scalars(query.order_by(FiscalDate.date, FiscalDate.key)))


def fiscal_years(session: Session, office_id: str) -> list[int]:
    """The fiscal years that have a calendar, oldest first."""
    query = select(FiscalDate.fiscal_year).where(FiscalDate.office_id == office_id).distinct()
    return sorted(session.scalars(query))


def changes_of(session: Session, office_id: str, fiscal_year: int) -> dict[str, list[CalendarChange]]:
    """The moved dates of a fiscal year, by milestone, newest first."""
    query = select(CalendarChange).where(
        CalendarChange.office_id == office_id, CalendarChange.fiscal_year == fiscal_year
    )
    changes: dict[str, list[CalendarChange]] = {}
    for change in session.scalars(query.order_by(CalendarChange.id.desc())):
        changes.setdefault(change.key, []).append(change)
    return changes


def propose_year(session: Session, office_id: str, fiscal_year: int, actor: Actor, now: datetime) -> list[FiscalDate]:
    """Enter the missing milestones of a fiscal year with the dates of a normal year, as planned.

    Cases that wait for one of these dates are re-planned. Raises Forbidden, DateNotAccepted.
    """
    require(actor, Verb.move_calendar, OfficeFacts(office_id))
    if fiscal_year not in _YEARS:
        raise DateNotAccepted(fields={"fiscal_year": "The year is out of range."})
    dates = {key: NewDate(day, "", DateStatus.planned) for key, day in typical_dates(fiscal_year).items()}
    return enter_year(session, office_id, fiscal_year, actor, now, dates)


def enter_year(
    session: Session, office_id: str, fiscal_year: int, actor: Actor, now: datetime, dates: Mapping[str, NewDate]
) -> list[FiscalDate]:
    """Enter those of these milestones that the year lacks, in one record. Raises Forbidden, DateNotAccepted."""
    require(actor, Verb.move_calendar, OfficeFacts(office_id))
    for new in dates.values():
        if faults := _faults(fiscal_year, new.day, new.letter or "-", new.status):
            raise DateNotAccepted(fields=faults)
    admin_journal.take_turn(session)
    known = {row.key for row in fiscal_dates(session, office_id, fiscal_year)}
    year = {"office_id": office_id, "fiscal_year": fiscal_year}
    added = [
        FiscalDate(**year, key=key, date=new.day, status=str(new.status), letter=" ".join(new.letter.split()))
        for key, new in dates.items()
        if key not in known
    ]
    session.add_all(added)
    session.flush()
    if added:
        act = AdminAct(
            AdminKind.calendar_proposed,
            f"{office_id} {fiscal_year}",
            office_id,
            new={milestone.key: _as_proposed(milestone) for milestone in added},
        )
        admin_journal.record(session, actor, now, act)
        reason = {"letter": "", "proposed": fiscal_year, "moved_by": actor.username}
        key = f"proposal:{office_id}:{fiscal_year}:{uuid.uuid4().hex[:12]}"
        replanning.ask_for(session, now, key, reason, office_id=office_id)
    return added


def _as_proposed(row: FiscalDate) -> str | JSON:
    """A date as a record says it: with its status and letter where it is more than planned."""
    day = row.date.isoformat()
    is_planned = (row.status, row.letter) == (DateStatus.planned, "")
    return day if is_planned else {"date": day, "status": row.status, "letter": row.letter}


def move_date(
    session: Session,
    office_id: str,
    fiscal_year: int,
    key: str,
    actor: Actor,
    now: datetime,
    new: NewDate,
) -> FiscalDate:
    """Move a milestone to a date because a letter says so, and have the cases that may depend on it replan.

    The date stands at once; each case follows in its own transaction (see `replanning`). Due dates that a person
    moved by hand stay. What is so already is not done again. Raises Forbidden, NoSuchMilestone, DateNotAccepted.
    """
    require(actor, Verb.move_calendar, OfficeFacts(office_id))
    admin_journal.take_turn(session)
    row = session.get(FiscalDate, (office_id, fiscal_year, key), populate_existing=True)
    if row is None and key not in MILESTONE_OF:
        raise NoSuchMilestone(key=key)
    letter = " ".join(new.letter.split())
    if faults := _faults(fiscal_year, new.day, letter, new.status):
        raise DateNotAccepted(fields=faults)
    if row is not None and (row.date, row.status, row.letter) == (new.day, new.status, letter):
        return row
    old_date = None if row is None else row.date
    old = {} if row is None else {"date": row.date, "status": row.status, "letter": row.letter}
    if row is None:
        row = FiscalDate(office_id=office_id, fiscal_year=fiscal_year, key=key)
        session.add(row)
    row.date, row.status, row.letter = new.day, str(new.status), letter
    change = CalendarChange(
        office_id=office_id,
        fiscal_year=fiscal_year,
        key=key,
        old_date=old_date,
        new_date=new.day,
        letter=letter,
        actor=actor.username,
        at=now,
    )
    session.add(change)
    session.flush()
    becomes = {"date": row.date, "status": row.status, "letter": row.letter}
    act = AdminAct(AdminKind.calendar_moved, f"{office_id} {fiscal_year} {key}", office_id, old=old, new=becomes)
    admin_journal.record(session, actor, now, act)
    if new.day != old_date:
        _replan(session, change, now)
    return row


def _replan(session: Session, change: CalendarChange, now: datetime) -> None:
    reason = {
        "letter": change.letter,
        "key": change.key,
        "fy": change.fiscal_year,
        "old": None if change.old_date is None else change.old_date.isoformat(),
        "new": change.new_date.isoformat(),
        "moved_by": change.actor,
    }
    replanning.ask_for(session, now, f"date:{change.id}", reason, office_id=change.office_id)


def _faults(fiscal_year: int, new_date: date, letter: str, status: str) -> dict[str, str]:
    if fiscal_year not in _YEARS:
        return {"fiscal_year": "The year is out of range."}
    faults = {}
    first, last = fiscal_year_bounds(fiscal_year)
    if not first - _EARLIEST <= new_date <= last + _LATEST:
        faults["new_date"] = "This is too far from the fiscal year."
    if not letter:
        faults["letter"] = "This is needed."
    elif len(letter) > 255 or not letter.isprintable():
        faults["letter"] = "At most 255 characters on one line."
    if status not in set(DateStatus):
        faults["status"] = "This is not one of the choices."
    return faults
