"""The escalation ladder: who is told how many working days before or after a due date, and which rungs are due by now.

Which rungs there are is a decision table; this module knows when a rung's time has come and whom it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from osm_flow.domain.access.roles import SECTIONS
from osm_flow.domain.calendar.deadlines import local_day, opening_of
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.errors import Invalid

DOER = "doer"
GROUP_HEAD = "group_head"
_DAY = timedelta(days=1)
# No ladder reaches further than this from the due date.
_FURTHEST = 250

_ROLE_OF = {"director": "osm_director", "deputy": "cluster_deputy", "head": "cluster_head"}
_HEAD_OF = {
    role: head
    for head in ("osm_admin_head", "osm_strategy_head", "osm_me_head")
    for role in sorted(SECTIONS[head] - {head})
}
_HEAD_OF_STAGE = {"monitoring": "osm_me_head", "recommendation": "osm_me_head"}


class LadderNotUnderstood(Invalid):
    """The escalation table has a row that makes no sense: {row}"""


@dataclass(frozen=True)
class Rung:
    """One rung of the ladder: `offset` working days after the due day (negative: before) `to` is told by `action`."""

    key: str
    offset: int
    to: tuple[str, ...]
    action: str = "remind"


def read_ladder(rows: Iterable[Mapping[str, Any]]) -> tuple[Rung, ...]:
    """The rungs of a decision table's rows (`rung`, `offset`, `to`, `action`), lowest first.

    Raises LadderNotUnderstood.
    """
    rungs = [_read_rung(row) for row in rows]
    if len({rung.key for rung in rungs}) != len(rungs):
        raise LadderNotUnderstood(row="the same rung twice")
    return tuple(sorted(rungs, key=lambda rung: rung.offset))


def _read_rung(row: Mapping[str, Any]) -> Rung:
    key, offset, to = row.get("rung"), row.get("offset"), row.get("to")
    receivers = tuple(part.strip() for part in to.split(",")) if isinstance(to, str) else tuple(to or ())
    known = all(receiver in (DOER, GROUP_HEAD, *_ROLE_OF) for receiver in receivers)
    whole = isinstance(offset, int) and not isinstance(offset, bool) and abs(offset) <= _FURTHEST
    if not isinstance(key, str) or not 0 < len(key) <= 48 or not whole or not receivers or not known:
        raise LadderNotUnderstood(row=dict(row))
    return Rung(key, int(row["offset"]), receivers, str(row.get("action") or "remind"))


def day_of(rung: Rung, calendar: WorkingCalendar, day: date) -> date:
    """The working day on which the rung is due for a work item that is due on `day`."""
    # What is due on a free day is reminded of on the last working day before it: afterwards it is late.
    return calendar.on_or_before(day) if rung.offset == 0 else calendar.add(day, rung.offset)


def climbing_time(rung: Rung, calendar: WorkingCalendar, due_at: datetime, opened_at: datetime) -> datetime:
    """The instant at which the rung is due: when offices open on its day.

    Work that was already late when it opened counts as due on that day, or it would be reported to the head of
    cluster before anybody could have begun it.
    """
    due_day = local_day(due_at)
    day = due_day if rung.offset < 0 else max(due_day, local_day(opened_at))
    return opening_of(day_of(rung, calendar, day))


def is_stale(rung: Rung, calendar: WorkingCalendar, due_at: datetime, opened_at: datetime) -> bool:
    """Whether a reminder ahead of the due day came to be due before the work item opened: nobody needs it then."""
    return rung.offset < 0 and climbing_time(rung, calendar, due_at, opened_at) < opened_at


def rungs_due(
    ladder: Sequence[Rung], calendar: WorkingCalendar, due_at: datetime, opened_at: datetime, now: datetime
) -> list[Rung]:
    """The rungs that are due by now, lowest first."""
    return [rung for rung in ladder if climbing_time(rung, calendar, due_at, opened_at) <= now]


def latest_day_reached(rung: Rung, calendar: WorkingCalendar, now: datetime) -> date:
    """The latest due day for which this rung is due by now."""
    today = local_day(now)
    if now < opening_of(today):
        today -= _DAY
    # Several due days share one working day, so that the day cannot be reckoned backwards: it is looked for.
    day = today
    while day_of(rung, calendar, day) > today:
        day -= _DAY
    while day_of(rung, calendar, day + _DAY) <= today:
        day += _DAY
    return day


def role_behind(receiver: str, candidates: Iterable[str], stage: str | None) -> str | None:
    """The role that a rung tells, for a work item with these candidates; None for who is to do the work item.

    Work of provinces and agencies has no head in this office: the group that asks for it is told.
    """
    if receiver != GROUP_HEAD:
        return _ROLE_OF.get(receiver)
    heads = (_HEAD_OF.get(candidate.partition("@")[0]) for candidate in candidates)
    return next((head for head in heads if head), _HEAD_OF_STAGE.get(stage or "", "osm_strategy_head"))
