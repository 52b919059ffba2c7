"""What the lists for auditors are narrowed by: a period of days."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import current_app

from osm_flow.domain.calendar.thai_dates import parse_thai_date


def period_of(first: str, last: str) -> tuple[datetime | None, datetime | None]:
    """From the start of the first day to the end of the last one; None for what is no date."""
    since, until = _day(first), _day(last)
    return _start_of(since) if since else None, _start_of(until + timedelta(days=1)) if until else None


def _day(text: str) -> date | None:
    try:
        return parse_thai_date(text)
    except ValueError:
        return None


def _start_of(day: date) -> datetime:
    zone: ZoneInfo = current_app.config["TIMEZONE"]
    return datetime.combine(day, time(), zone).astimezone(UTC)
