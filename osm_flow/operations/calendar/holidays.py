"""The working days of civil servants: Thai holidays by rule, corrected for all and then for one office.

The rules agree with the official list of 2569-2570, substitution days included; days that the cabinet adds or takes
away later, and the Ploughing Ceremony that is announced each year, are overrides for all; a province may close its offices on
a day of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import holidays
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import OfficeFacts, SystemFacts, Verb, require
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.search import is_one_line, says_nothing, visible
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.calendar import replanning
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record, take_turn
from osm_flow.store.models import HolidayOverride, OfficeHoliday

_USUAL_YEARS = range(2024, 2032)
_FIRST_YEAR, _LAST_YEAR = 1990, 2120
# Labour Day is a holiday of private business only, Children's Day a Saturday without a substitute.
_NOT_OFFICIAL = frozenset({"วันแรงงานแห่งชาติ", "ชดเชยวันแรงงานแห่งชาติ", "วันเด็กแห่งชาติ"})


_Row = HolidayOverride | OfficeHoliday


class HolidayNotAccepted(Invalid):
    """Give a day between 1990 and 2120, its name and the letter or announcement that says so."""


class NoSuchOverride(NotFound):
    """There is no override for this day."""


@dataclass(frozen=True)
class Holiday:
    """A day that is not what its weekday says. `source` is None for a holiday by rule.

    office_id  the office for which alone it is so; None: for every office.
    """

    day: date
    is_working: bool
    name_th: str
    name_en: str = ""
    source: str | None = None
    office_id: str | None = None


def working_calendar(session: Session, office_id: str | None, *days: date) -> WorkingCalendar:
    """The working days of an office in the years from now on and the years around `days`; None: of the nation.

    What the office declared goes before what was declared for all, and that before the rules. It counts at once.
    """
    declared = dict(session.execute(select(HolidayOverride.day, HolidayOverride.is_working)).all())
    if office_id is not None:
        own = select(OfficeHoliday.day, OfficeHoliday.is_working).where(OfficeHoliday.office_id == office_id)
        declared |= dict(session.execute(own).all())
    years = {*_USUAL_YEARS, *range(min(days).year - 1, max(days).year + 2)} if days else {*_USUAL_YEARS}
    known = (year for year in years if _FIRST_YEAR <= year <= _LAST_YEAR)
    return _calendar(frozenset(known), frozenset(declared.items()))


@lru_cache(maxsize=64)
def _calendar(years: frozenset[int], overrides: frozenset[tuple[date, bool]]) -> WorkingCalendar:
    by_rule = {day for year in years for day in _by_rule(year)}
    free = {day for day, is_working in overrides if not is_working}
    return WorkingCalendar(frozenset(by_rule | free), frozenset(day for day, is_working in overrides if is_working))


@lru_cache(maxsize=256)
def _by_rule(year: int) -> Mapping[date, str]:
    named = holidays.country_holidays("TH", years=year, categories=("public", "government"), language="th")
    kept = {day: [part for part in name.split("; ") if part not in _NOT_OFFICIAL] for day, name in named.items()}
    return {day: "; ".join(parts) for day, parts in kept.items() if parts}


@lru_cache(maxsize=32)
def _english_names(year: int) -> Mapping[date, str]:
    return dict(holidays.country_holidays("TH", years=year, categories=("public", "government"), language="en_US"))


def holidays_of(session: Session, first: date, last: date, office_id: str | None = None) -> list[Holiday]:
    """The holidays from `first` to `last`, by rule and by override, in order; what comes later hides what it overrides.

    office_id  whose own days are among them; None: only those of every office.
    """
    years = range(max(first.year, _FIRST_YEAR), min(last.year, _LAST_YEAR) + 1)
    by_day = {
        day: Holiday(day, False, name, _english_names(year).get(day, name))
        for year in years
        for day, name in _by_rule(year).items()
    }
    for row in _overrides(session, first, last, office_id):
        by_day[row.day] = _holiday(row)
    return [by_day[day] for day in sorted(by_day) if first <= day <= last]


def _holiday(row: _Row) -> Holiday:
    own = row.office_id if isinstance(row, OfficeHoliday) else None
    return Holiday(row.day, row.is_working, row.name_th, row.name_en or row.name_th, row.source, own)


def _overrides(session: Session, first: date, last: date, office_id: str | None) -> Iterable[_Row]:
    yield from session.scalars(select(HolidayOverride).where(HolidayOverride.day.between(first, last)))
    of_office = OfficeHoliday.office_id == office_id, OfficeHoliday.day.between(first, last)
    if office_id is not None:
        yield from session.scalars(select(OfficeHoliday).where(*of_office))


def override_day(session: Session, wanted: Holiday, actor: Actor, now: datetime) -> Holiday | None:
    """Declare a day free or working against the rules, in one office or in all; what was declared there before.

    Whoever declares it is to be told of that: they may never have seen it. Dates that depend on it follow; a period that
    already runs keeps the due date that people were given.

    Raises Forbidden, HolidayNotAccepted.
    """
    _require(actor, wanted.office_id)
    if faults := _faults(wanted):
        raise HolidayNotAccepted(fields=faults)
    name_th, name_en, source = (visible(text or "") for text in (wanted.name_th, wanted.name_en, wanted.source))
    take_turn(session)
    known = _row(session, wanted.day, wanted.office_id)
    before = None if known is None else _holiday(known)
    old, row = _recorded(known), known or _new_row(wanted.day, wanted.office_id)
    row.is_working, row.name_th, row.name_en, row.source = wanted.is_working, name_th, name_en, source
    session.add(row)
    session.flush()
    concerns = wanted.day.isoformat(), wanted.office_id
    record(session, actor, now, AdminAct(AdminKind.holiday_set, *concerns, old=old, new=_recorded(row)))
    _replan(session, row, now, actor, removed=False)
    return before


def remove_override(session: Session, day: date, actor: Actor, now: datetime, *, office_id: str | None = None) -> None:
    """Remove an override, so that what it hid decides about the day again. Raises Forbidden, NoSuchOverride."""
    _require(actor, office_id)
    take_turn(session)
    row = _row(session, day, office_id)
    if row is None:
        raise NoSuchOverride(day=day.isoformat())
    session.delete(row)
    session.flush()
    record(session, actor, now, AdminAct(AdminKind.holiday_removed, day.isoformat(), office_id, old=_recorded(row)))
    _replan(session, row, now, actor, removed=True)


def _require(actor: Actor, office_id: str | None) -> None:
    if office_id is None:
        require(actor, Verb.move_holidays, SystemFacts())
    else:
        require(actor, Verb.move_calendar, OfficeFacts(office_id))


def _row(session: Session, day: date, office_id: str | None) -> _Row | None:
    if office_id is None:
        return session.get(HolidayOverride, day, populate_existing=True)
    return session.get(OfficeHoliday, (office_id, day), populate_existing=True)


def _new_row(day: date, office_id: str | None) -> _Row:
    return HolidayOverride(day=day) if office_id is None else OfficeHoliday(day=day, office_id=office_id)


def _recorded(row: _Row | None) -> dict[str, Any]:
    fields = ("is_working", "name_th", "name_en", "source")
    return {} if row is None else {name: getattr(row, name) for name in fields}


def _faults(wanted: Holiday) -> dict[str, str]:
    faults = {}
    if not _FIRST_YEAR <= wanted.day.year <= _LAST_YEAR:
        faults["day"] = "The year is out of range."
    for field in ("name_th", "name_en", "source"):
        text = getattr(wanted, field) or ""
        if says_nothing(text) and field != "name_en":
            faults[field] = "This is needed."
        elif len(visible(text)) > 255 or not is_one_line(text):
            faults[field] = "At most 255 characters on one line."
    return faults


def _replan(session: Session, row: _Row, now: datetime, actor: Actor, *, removed: bool) -> None:
    reason = {
        "holiday": row.day.isoformat(),
        "is_working": row.is_working,
        "removed": removed,
        "letter": row.source,
        "moved_by": actor.username,
    }
    office_id = row.office_id if isinstance(row, OfficeHoliday) else None
    replanning.ask_for(session, now, f"holiday:{row.day}:{uuid.uuid4().hex}", reason, office_id=office_id)
