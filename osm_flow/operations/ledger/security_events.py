"""Security events: signing in and out, and what was refused, in the chain of reads; shown beside the acts on accounts.

What is a record of administration (accounts, passwords, positions) is not written a second time: the list shows both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, literal, or_, select, type_coerce
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, is_everywhere, require_somewhere
from osm_flow.domain.pages import Page
from osm_flow.operations.ledger import access_chain, admin_journal
from osm_flow.operations.ledger.access_log import AccessKind, Read, record_access
from osm_flow.operations.ledger.admin_journal import ABOUT_PEOPLE
from osm_flow.operations.paging import MOST, Keyset, within
from osm_flow.store.database import instant_text
from osm_flow.store.models import AdminRecord, Person, Position, RefusalTally, SecurityEvent


class EventKind(StrEnum):
    """The kinds of security events. Whatever is refused again and again is counted and recorded once."""

    signed_in = "sign_in.succeeded"
    sign_in_failed = "sign_in.failed"
    sign_in_throttled = "sign_in.throttled"
    signed_out = "sign_out"
    refused_role = "refused.role"
    refused_hidden = "refused.hidden"
    refused_token = "refused.token"  # noqa: S105 (the name of an event)
    refused_size = "refused.size"
    refused_quota = "refused.quota"
    crashed = "request.crashed"


@dataclass(frozen=True)
class Happening:
    """What happened: to or by whom, where, so far as it is kept.

    actor    who was signed in; nobody while somebody only tries to.
    subject  the page as a pattern (`/cases/<case_id>`), never what was looked for.
    details  a known user name that was typed, or the reference of a crash; never what else was typed.
    """

    kind: str
    actor: str = ""
    role: str | None = None
    office_id: str | None = None
    subject: str = ""
    details: str = ""
    address: str = ""


@dataclass(frozen=True)
class Counted:
    """How often something happened, and from when until when."""

    count: int
    since: datetime
    until: datetime


@dataclass(frozen=True)
class EventFilter:
    """Which events are asked for: of or about whom, of which kinds, from when, until before when."""

    who: str | None = None
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Line:
    """A line of the list: an event, refusals that are still being counted (`is_open`), or a record of administration."""

    at: datetime
    until: datetime
    count: int
    happening: Happening
    is_open: bool = False
    record: AdminRecord | None = None


_EVERYTHING = EventFilter()


def record_event(session: Session, now: datetime, happening: Happening, times: Counted | None = None) -> SecurityEvent:
    """Record the event, in the transaction of what it is about. `times`: that it was counted for a while before now."""
    counted = times or Counted(1, now, now)
    body = SecurityEvent(
        at=counted.since,
        until=counted.until,
        count=counted.count,
        kind=str(happening.kind),
        actor=happening.actor,
        role=happening.role,
        office_id=happening.office_id,
        subject=happening.subject[:255],
        details=happening.details,
        address=happening.address[:64],
    )
    told = {"count": counted.count, "until": instant_text(counted.until)} if times else {}
    access_chain.add_body(session, body, written=now if times else None, told=told)
    return body


def events(
    session: Session, actor: Actor, wanted: EventFilter = _EVERYTHING, *, after: str | None = None, limit: int = 50
) -> Page[Line]:
    """The events in the offices where the actor may see the audit, newest first; before them what is still counted.

    Raises NotYourRole, PageKeyUnreadable.
    """
    reach = _reach(actor)
    rows, following = _rows(session, wanted, reach, after, max(1, min(limit, MOST)))
    total = session.scalar(select(func.count()).select_from(_listed(wanted, reach))) or 0
    lines = _lines(session, rows)
    if not after:
        still = _counting(session, wanted, reach)
        lines, total = [*still, *lines], total + len(still)
    return Page(lines, following, total)


def export(session: Session, actor: Actor, now: datetime, wanted: EventFilter, *, reason: str, details: str) -> int:
    """Record that the actor takes the list out, and why; how many lines it has. Raises ExportReasonMissing, NotYourRole."""
    total = events(session, actor, wanted, limit=1).total
    read = Read(AccessKind.list_exported, f"/audit/security {total} lines", reason, details=details)
    record_access(session, actor, now, read)
    return total


def everything(session: Session, actor: Actor, wanted: EventFilter) -> Iterator[Line]:
    """All lines of the list, some at a time in memory. Raises NotYourRole."""
    reach, after = _reach(actor), None
    yield from _counting(session, wanted, reach)
    while True:
        rows, after = _rows(session, wanted, reach, after, MOST)
        yield from _lines(session, rows)
        if after is None:
            return


# ---- what is asked for -----------------------------------------------------------------------------------------


def _reach(actor: Actor) -> Sequence[str] | None:
    """The offices whose events the actor may see; None: those of all. Raises NotYourRole."""
    offices = require_somewhere(actor, Verb.see_audit)
    return None if is_everywhere(actor, Verb.see_audit) else offices


def _listed(wanted: EventFilter, offices: Sequence[str] | None) -> Any:
    return _of_events(wanted, offices).union_all(_of_administration(wanted, offices)).subquery()


def _rows(
    session: Session, wanted: EventFilter, offices: Sequence[str] | None, after: str | None, limit: int
) -> tuple[Sequence[Any], str | None]:
    """Where so many lines stand, newest first, and the key of those that follow. Raises PageKeyUnreadable."""
    columns = _listed(wanted, offices).c
    order = Keyset((columns.at, True, False), (columns.rank, True, False), (columns.number, True, False))
    query = select(columns.at, columns.rank, columns.number).order_by(*order.order()).limit(limit + 1)
    if after:
        query = query.where(order.after(after))
    rows = session.execute(query).all()
    shown = rows[:limit]
    return shown, order.key_of(tuple(shown[-1])) if len(rows) > limit else None


def _of_events(wanted: EventFilter, offices: Sequence[str] | None) -> Select[Any]:
    at = type_coerce(SecurityEvent.at, String).label("at")
    query: Any = select(at, literal(1).label("rank"), SecurityEvent.id.label("number"))
    return within(
        query.where(*_conditions(SecurityEvent, wanted, offices)), SecurityEvent.at, wanted.since, wanted.until
    )


def _of_administration(wanted: EventFilter, offices: Sequence[str] | None) -> Select[Any]:
    at = type_coerce(AdminRecord.at, String).label("at")
    kinds = [str(kind) for kind in ABOUT_PEOPLE if not wanted.kinds or kind in wanted.kinds]
    query: Any = select(at, literal(0).label("rank"), AdminRecord.seq.label("number"))
    query = query.where(AdminRecord.kind.in_(kinds))
    if offices is not None:
        query = query.where(admin_journal.within_reach(offices))
    if wanted.who:
        query = query.where(or_(AdminRecord.actor == wanted.who, AdminRecord.subject == wanted.who))
    return within(query, AdminRecord.at, wanted.since, wanted.until)


def _conditions(
    model: type[SecurityEvent] | type[RefusalTally], wanted: EventFilter, offices: Sequence[str] | None
) -> Iterator[ColumnElement[bool]]:
    if wanted.kinds:
        yield model.kind.in_(wanted.kinds)
    if wanted.who:
        yield or_(model.actor == wanted.who, model.details == wanted.who)
    if offices is not None:
        here = select(Person.username).join(Position, Position.person_id == Person.id)
        theirs = here.where(Position.office_id.in_(offices))
        yield or_(model.office_id.in_(offices), model.actor.in_(theirs), model.details.in_(theirs))


def _counting(session: Session, wanted: EventFilter, offices: Sequence[str] | None) -> list[Line]:
    query = select(RefusalTally).where(*_conditions(RefusalTally, wanted, offices))
    query = within(query, RefusalTally.at, wanted.since, wanted.until)
    rows = session.scalars(query.order_by(RefusalTally.at.desc(), RefusalTally.key).limit(MOST))
    return [Line(row.at, row.until, row.count, happening_in(row), is_open=True) for row in rows]


def _lines(session: Session, shown: Sequence[Any]) -> list[Line]:
    numbers = {rank: [row.number for row in shown if row.rank == rank] for rank in (0, 1)}
    happened = session.scalars(select(SecurityEvent).where(SecurityEvent.id.in_(numbers[1])))
    recorded = session.scalars(select(AdminRecord).where(AdminRecord.seq.in_(numbers[0])))
    lines = {(1, row.id): Line(row.at, row.until, row.count, happening_in(row)) for row in happened}
    lines |= {(0, row.seq): _line_of(row) for row in recorded}
    return [lines[row.rank, row.number] for row in shown]


def _line_of(row: AdminRecord) -> Line:
    happening = Happening(row.kind, row.actor, row.actor_role, row.office_id, row.subject)
    return Line(row.at, row.at, 1, happening, record=row)


def happening_in(row: SecurityEvent | RefusalTally) -> Happening:
    """What a stored row tells."""
    return Happening(**{name: getattr(row, name) for name in Happening.__dataclass_fields__})
