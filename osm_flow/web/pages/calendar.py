"""The calendar of the cycle: the milestones of a fiscal year, what moved them, and the holidays they are counted with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from osm_flow.domain.access.policy import OfficeFacts, Verb, offices_where
from osm_flow.domain.access.roles import OWN_ONLY, ROLES
from osm_flow.domain.calendar.deadlines import close_of, local_day
from osm_flow.domain.calendar.fiscal_year import MILESTONE_OF, MILESTONES, DateStatus, NewDate, fiscal_year_of
from osm_flow.domain.calendar.thai_dates import BUDDHIST_OFFSET, parse_thai_date
from osm_flow.errors import Invalid, NotFound
from osm_flow.operations.calendar import holidays
from osm_flow.operations.calendar import milestones as fiscal_calendar
from osm_flow.operations.calendar.holidays import Holiday
from osm_flow.store.models import CalendarChange, FiscalDate
from osm_flow.web.forms.posted import why_not_a_day
from osm_flow.web.site import lifecycle
from osm_flow.web.site.access import may, requires, signed_in
from osm_flow.web.site.filters import thai_date, working_calendar_until
from osm_flow.web.site.i18n import current_locale, gettext, ngettext

# The choice of a day for all offices; no office is called so.
_EVERY_OFFICE = "all"

blueprint = Blueprint("planning", __name__, url_prefix="/calendar")

STATUSES = {
    DateStatus.planned: "คาดการณ์",
    DateStatus.announced: "ประกาศแล้ว",
    DateStatus.actual: "เกิดขึ้นแล้ว",
}
_NOT_A_DATE = "Enter a date such as 20/11/2569."


class NoSuchYear(NotFound):
    """There is no calendar for this year."""


class WorkingUnsaid(Invalid):
    """Say whether that day is a day off or a working day."""


class ReachUnsaid(Invalid):
    """Say for whom the day holds: the whole country, or which cluster."""


@dataclass(frozen=True)
class CalendarLine:
    """One milestone as the list shows it."""

    row: FiscalDate
    name: str
    when: str
    is_past: bool
    changes: list[CalendarChange]


@blueprint.get("")
@signed_in
def calendar() -> ResponseReturnValue:
    office_id, fiscal_year = _office_asked_for(), _year_asked_for()
    rows = fiscal_calendar.fiscal_dates(g.session, office_id, fiscal_year) if office_id else []
    known = fiscal_calendar.fiscal_years(g.session, office_id) if office_id else []
    # Letters and who moved what are for the office and its provinces; parties outside read the days.
    reads = office_id is not None and g.actor.wearing(ROLES.keys() - OWN_ONLY, office_id) is not None
    changes = fiscal_calendar.changes_of(g.session, office_id, fiscal_year) if office_id and reads else {}
    present = {row.key for row in rows}
    lines = [_line(row, changes.get(row.key, [])) for row in rows]
    return render_template(
        "calendar/calendar.html",
        office_id=office_id,
        offices=g.actor.office_ids,
        fiscal_year=fiscal_year,
        years=sorted({*known, *range(_this_year() - 1, _this_year() + 2), fiscal_year}),
        lines=[line for line in lines if not line.is_past],
        past=[line for line in lines if line.is_past],
        missing=[(milestone.key, name_of(milestone.key)) for milestone in MILESTONES if milestone.key not in present],
        statuses=_statuses(),
        shows_letters=reads,
        may_move=office_id is not None and may(Verb.move_calendar, OfficeFacts(office_id)),
    )


@blueprint.get("/<office_id>/<int:fiscal_year>/<key>")
@requires(Verb.move_calendar)
def move_form(office_id: str, fiscal_year: int, key: str) -> ResponseReturnValue:
    if key == "propose":  # where a form of the list was sent to, opened once more
        return redirect(url_for("planning.calendar", fy=fiscal_year, office=office_id))
    return _move_page(office_id, fiscal_year, key)


@blueprint.post("/<office_id>/<int:fiscal_year>/<key>")
@requires(Verb.move_calendar)
def move(office_id: str, fiscal_year: int, key: str) -> ResponseReturnValue:
    form = request.form
    try:
        new = NewDate(_date(form.get("new_date", ""), "new_date"), form.get("letter", ""), form.get("status", ""))
        fiscal_calendar.move_date(g.session, office_id, fiscal_year, key, g.actor, g.now, new)
    except Invalid as error:
        lifecycle.read_again()
        return _move_page(office_id, fiscal_year, key, form, _texts(error)), 422
    flash(gettext("บันทึกวันแล้ว กำหนดส่งของงานที่อ้างวันนี้จะเลื่อนตามภายในไม่กี่วินาที"), "success")
    return redirect(url_for("planning.calendar", fy=fiscal_year, office=office_id))


@blueprint.post("/<office_id>/<int:fiscal_year>/propose")
@requires(Verb.move_calendar)
def propose(office_id: str, fiscal_year: int) -> ResponseReturnValue:
    added = fiscal_calendar.propose_year(g.session, office_id, fiscal_year, g.actor, g.now)
    flash(ngettext("เพิ่มวันตามปีปกติ %(num)s รายการ", "เพิ่มวันตามปีปกติ %(num)s รายการ", len(added)), "success")
    return redirect(url_for("planning.calendar", fy=fiscal_year, office=office_id))


# ---- holidays --------------------------------------------------------------------------------------------------


@blueprint.get("/holidays")
@signed_in
def holiday_list() -> ResponseReturnValue:
    return _holiday_page()


@blueprint.post("/holidays")
@requires(Verb.move_calendar, Verb.move_holidays)
def add_holiday() -> ResponseReturnValue:
    form = request.form
    try:
        entered = Holiday(
            day=_date(form.get("day", ""), "day"),
            is_working=_says_working(form.get("is_working", "")),
            name_th=form.get("name_th", ""),
            name_en=form.get("name_en", ""),
            source=form.get("source", ""),
            office_id=_declared_for(form.get("office_id", "")),
        )
        before = holidays.override_day(g.session, entered, g.actor, g.now)
    except Invalid as error:
        lifecycle.read_again()
        return _holiday_page(form, _texts(error)), 422
    flash(gettext("บันทึกวันหยุดแล้ว การนับวันทำการใช้ทันที"), "success")
    if before is not None:
        flash(_told_before(before), "warning")
    return redirect(_holidays_at(entered.day, entered.office_id))


def _says_working(said: str) -> bool:
    """Raises WorkingUnsaid where neither was chosen."""
    if said not in ("yes", "no"):
        raise WorkingUnsaid(fields={"is_working": WorkingUnsaid.__doc__ or ""})
    return said == "yes"


@blueprint.post("/holidays/<day>/remove")
@requires(Verb.move_calendar, Verb.move_holidays)
def remove_holiday(day: str) -> ResponseReturnValue:
    declared, office_id = _iso(day), request.form.get("office_id") or None
    holidays.remove_override(g.session, declared, g.actor, g.now, office_id=office_id)
    flash(gettext("นำรายการออกแล้ว วันนั้นกลับไปเป็นตามหลักเกณฑ์"), "success")
    return redirect(_holidays_at(declared, office_id))


# ---- the inner parts -------------------------------------------------------------------------------------------


def name_of(key: str) -> str:
    """The name of a milestone in the reader's language; a key that only this office has stays as it is."""
    milestone = MILESTONE_OF.get(key)
    if milestone is None:
        return key
    return milestone.name_en if current_locale() == "en" else milestone.name_th


def _line(row: FiscalDate, changes: list[CalendarChange]) -> CalendarLine:
    today = local_day(g.now)
    return CalendarLine(row, name_of(row.key), _distance(row.date, today), row.date < today, changes)


def _distance(day: date, today: date) -> str:
    if day < today:
        return gettext("ผ่านมาแล้ว")
    if day == today:
        return gettext("วันนี้")
    left = working_calendar_until(day).between(today, day)
    return ngettext("อีก %(num)s วันทำการ", "อีก %(num)s วันทำการ", left)


def _move_page(
    office_id: str,
    fiscal_year: int,
    key: str,
    values: Mapping[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> str:
    row = _row(office_id, fiscal_year, key)
    return render_template(
        "calendar/move.html",
        office_id=office_id,
        fiscal_year=fiscal_year,
        key=key,
        name=name_of(key),
        row=row,
        closes_at=_closes_at(row),
        changes=fiscal_calendar.changes_of(g.session, office_id, fiscal_year).get(key, []),
        statuses=_statuses(),
        values=values or {},
        errors=errors or {},
    )


def _row(office_id: str, fiscal_year: int, key: str) -> FiscalDate | None:
    """Raises NoSuchYear for another office's calendar, NoSuchMilestone for what nobody knows."""
    if office_id not in g.actor.office_ids:
        raise NoSuchYear
    rows = fiscal_calendar.fiscal_dates(g.session, office_id, fiscal_year)
    row = next((row for row in rows if row.key == key), None)
    if row is None and key not in MILESTONE_OF:
        raise fiscal_calendar.NoSuchMilestone(key=key)
    return row


def _closes_at(row: FiscalDate | None) -> datetime | None:
    return None if row is None else close_of(row.date)


def _declared_for(typed: str) -> str | None:
    """The office whose day it is to be; None for every office. Raises ReachUnsaid where several could be meant."""
    if typed:
        return typed if typed != _EVERY_OFFICE else None
    meant = _declares_for()
    if len(meant) > 1:
        raise ReachUnsaid(fields={"office_id": ReachUnsaid.__doc__ or ""})
    return None if not meant or meant[0] == _EVERY_OFFICE else meant[0]


def _declares_for() -> list[str]:
    """Whose days the person may declare: those of the country (`all`), of these offices."""
    return [*([_EVERY_OFFICE] if may(Verb.move_holidays) else []), *offices_where(g.actor, Verb.move_calendar)]


def _holidays_at(day: date, office_id: str | None) -> str:
    return url_for("planning.holiday_list", year=day.year + BUDDHIST_OFFSET, office=office_id)


def _holiday_page(values: Mapping[str, str] | None = None, errors: dict[str, str] | None = None) -> str:
    this_year = local_day(g.now).year
    year = request.args.get("year", default=this_year + BUDDHIST_OFFSET, type=int) - BUDDHIST_OFFSET
    if not 1990 <= year <= 2120:
        raise NoSuchYear
    office_id = _office_asked_for()
    own, of_all = offices_where(g.actor, Verb.move_calendar), may(Verb.move_holidays)
    return render_template(
        "calendar/holidays.html",
        office_id=office_id,
        offices=g.actor.office_ids,
        year=year + BUDDHIST_OFFSET,
        years=sorted({year + BUDDHIST_OFFSET, *(this_year + BUDDHIST_OFFSET + n for n in (-1, 0, 1, 2))}),
        holidays=holidays.holidays_of(g.session, date(year, 1, 1), date(year, 12, 31), office_id),
        may_move=bool(own) or of_all,
        own=own,
        of_all=of_all,
        declares_for=_declares_for(),
        values=values or {},
        errors=errors or {},
    )


def _office_asked_for() -> str | None:
    """The office named in the address, else the first of the actor's; None for somebody without any."""
    own = g.actor.office_ids
    asked = request.args.get("office")
    if asked is not None and asked not in own:
        raise NoSuchYear
    return asked or (own[0] if own else None)


def _told_before(before: Holiday) -> str:
    """What stood there before the override that has just been kept, which somebody else may have entered meanwhile."""
    name = before.name_en if current_locale() == "en" else before.name_th
    kind = gettext("ทำงานตามปกติ") if before.is_working else gettext("หยุด")
    return gettext(
        "รายการนี้แทนที่รายการเดิมของวันที่ %(day)s: %(name)s (%(kind)s) ที่มา %(source)s",
        day=thai_date(before.day),
        name=name,
        kind=kind,
        source=before.source or "",
    )


def _year_asked_for() -> int:
    """The fiscal year named in the address, else the one being planned now."""
    year = request.args.get("fy", default=_this_year() + 1, type=int)
    if not 2500 <= year <= 2650:
        raise NoSuchYear
    return year


def _this_year() -> int:
    return fiscal_year_of(local_day(g.now))


def _statuses() -> dict[str, str]:
    return {key: gettext(text) for key, text in STATUSES.items()}


def _date(text: str, field: str) -> date:
    """Raises Invalid naming the field."""
    try:
        return parse_thai_date(text[:60])
    except ValueError as error:
        raise Invalid(fields={field: why_not_a_day(error, _NOT_A_DATE)}) from None


def _iso(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise holidays.NoSuchOverride(day=text) from None


def _texts(error: Invalid) -> dict[str, str]:
    return {name: gettext(text) for name, text in error.fields.items()}
