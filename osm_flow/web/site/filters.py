"""How values look on pages: dates in Buddhist years, money, names of roles, provinces and stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.roles import role_name as name_of_role
from osm_flow.domain.calendar import thai_dates
from osm_flow.domain.calendar.deadlines import working_days_left
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.stages import stage_name as name_of_stage
from osm_flow.domain.thai_order import thai_order
from osm_flow.operations.calendar.holidays import working_calendar
from osm_flow.store.clusters import cluster_rows
from osm_flow.store.models import Province
from osm_flow.web.site.i18n import current_locale, gettext, ngettext

# From which priority on something is called so, most urgent first.
URGENT = ((100, "ด่วนที่สุด"), (80, "ด่วนมาก"), (51, "ด่วน"))
_PROVINCES = {row.province: (row.province_th, row.province_en) for row in cluster_rows()}
_OFFICES = {row.cluster: (row.cluster_th, row.cluster_en) for row in cluster_rows()}


def zone() -> ZoneInfo:
    zone: ZoneInfo = current_app.config["TIMEZONE"]
    return zone


def thai_date(value: date | datetime | str | None, style: thai_dates.Style = "short") -> str:
    """`20 พ.ย. 2569`, in English `20 Nov 2026 (2569)`; an instant is first put on the office's clock."""
    day = _day(value)
    if day is None:
        return ""
    return thai_dates.english_date(day) if current_locale() == "en" else thai_dates.thai_date(day, style)


def thai_datetime(value: datetime | str | None) -> str:
    """`20 พ.ย. 2569 16:30 น.` on the office's clock."""
    instant = _instant(value)
    if instant is None:
        return ""
    if current_locale() == "en":
        return thai_dates.english_datetime(instant, zone())
    return thai_dates.thai_datetime(instant, zone())


def iso(value: date | datetime | str | None) -> str:
    """For the `datetime` attribute of `<time>`."""
    return value if isinstance(value, str) else value.isoformat() if value else ""


def money(value: Any) -> str:
    """`1,250,000.00`; the unit stands in the head of the column."""
    if value is None or value == "":
        return ""
    try:
        return f"{Decimal(str(value)):,.2f}"
    except InvalidOperation:
        return str(value)


def number(value: float | Decimal | None) -> str:
    return "" if value is None else f"{value:,}"


def days_left(due_at: datetime) -> int:
    """Working days until the due date; negative when it has passed. 0: today."""
    return working_days_left(working_calendar_until(due_at.date()), g.now, due_at)


def working_calendar_until(day: date) -> WorkingCalendar:
    """The working days of the years between now and then, asked once per request for each pair of years."""
    years = (g.now.year, day.year)
    known: dict[tuple[int, int], WorkingCalendar] = g.setdefault("calendars", {})
    if years not in known:
        known[years] = working_calendar(g.session, _own_office(), g.now.date(), day)
    return known[years]


def _own_office() -> str | None:
    """The office by whose days the reader counts; whoever looks after several counts by the nation's."""
    actor: Actor | None = g.get("actor")
    offices = actor.office_ids if actor is not None else ()
    return offices[0] if len(offices) == 1 else None


def relative_due(due_at: datetime | None) -> str:
    """`เหลือ 3 วันทำการ`, `ครบกำหนดวันนี้`, `เกินกำหนด 2 วันทำการ`."""
    if due_at is None:
        return ""
    left = days_left(due_at)
    if due_at < g.now:
        if left == 0:
            return gettext("เกินกำหนดแล้ว")
        return ngettext("เกินกำหนด %(num)s วันทำการ", "เกินกำหนด %(num)s วันทำการ", -left)
    if left == 0:
        return gettext("ครบกำหนดวันนี้")
    return ngettext("เหลือ %(num)s วันทำการ", "เหลือ %(num)s วันทำการ", left)


def due_tone(due_at: datetime | None) -> str:
    """late, soon (two working days or fewer) or calm."""
    if due_at is None:
        return "none"
    if due_at < g.now:
        return "late"
    return "soon" if days_left(due_at) <= 2 else "calm"


def priority_name(priority: int) -> str:
    """How urgent something is, in the words of official letters; empty for what is ordinary."""
    return next((gettext(words) for least, words in URGENT if priority >= least), "")


def role_name(key: str) -> str:
    """The role's name; `province_planner@TH-38` names the province too, `user:somchai` the person."""
    role, _, province = key.partition("@")
    name = role.removeprefix("user:") if role.startswith("user:") else name_of_role(role, current_locale())
    return f"{name} ({province_name(province)})" if province else name


def province_name(key: str | None) -> str:
    return _localised(_PROVINCES, key)


def office_name(key: str | None) -> str:
    return _localised(_OFFICES, key) if key else gettext("ทุกกลุ่มจังหวัด")


def stage_name(key: str | None) -> str:
    return name_of_stage(key or "", current_locale())


def _localised(names: dict[str, tuple[str, str]], key: str | None) -> str:
    thai, english = names.get(key or "", (key or "", key or ""))
    return english if current_locale() == "en" else thai


def _day(value: date | datetime | str | None) -> date | None:
    if isinstance(value, str):
        return date.fromisoformat(value) if len(value) == 10 else _day(_instant(value))
    return value.astimezone(zone()).date() if isinstance(value, datetime) else value


def _instant(value: datetime | str | None) -> datetime | None:
    if isinstance(value, str):
        return datetime.fromisoformat(value) if value else None
    return value


def in_thai_order(provinces: Iterable[Province]) -> list[Province]:
    """The provinces by their Thai names."""
    return sorted(provinces, key=lambda province: thai_order(province.name_th))


_OF_VALUES: tuple[Callable[..., object], ...] = (thai_date, thai_datetime, iso, money, number)
_OF_WORK: tuple[Callable[..., object], ...] = (relative_due, due_tone, days_left, priority_name)
_OF_NAMES: tuple[Callable[..., object], ...] = (role_name, province_name, office_name, stage_name, in_thai_order)


def init_app(app: Flask) -> None:
    for function in (*_OF_VALUES, *_OF_WORK, *_OF_NAMES):
        app.jinja_env.filters[function.__name__] = function
