"""Claiming due rows, so that several sweeps on several machines never do the same work twice.

A sweep claims rows by writing its token and a lease into them. It then does the work of each row in a transaction that
first checks that the token is still there, and in which the row goes away: the effect and the end of the row are one.
A sweep that dies leaves a lease behind, and when that is over the row is claimed again.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.retries import retry_delay
from osm_flow.errors import OsmFlowError
from osm_flow.notify.mail import MailFailed
from osm_flow.operations import incidents
from osm_flow.operations.stepping import CaseSuspended
from osm_flow.store.models import OutboxEntry, ServiceJob, Timer
from osm_flow.store.session import Busy, Overtaken, Store, lock_case

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
STOPPED = "incident"
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)

Row = TypeVar("Row", Timer, ServiceJob, OutboxEntry)


@dataclass(frozen=True)
class Claim(Generic[Row]):
    """Rows that are this sweep's for the length of the lease, in the order in which they were due."""

    table: type[Row]
    token: str
    keys: tuple[str | int, ...]


@dataclass(frozen=True)
class Tally:
    """What came of a sweep: `done` rows, `failed` ones, and those left for later because others come first."""

    done: int = 0
    failed: int = 0
    left: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.done + other.done, self.failed + other.failed, self.left + other.left)


class NotItsTurn(Exception):
    """The row has to wait for another one; it is given back as if it had not been claimed."""


def claim(
    store: Store,
    table: type[Row],
    owner: str,
    now: datetime,
    *,
    limit: int,
    only: Sequence[ColumnElement[bool]] = (),
    counts_as_attempt: bool = True,
) -> Claim[Row]:
    """Claim up to `limit` free rows that are due, earliest first. Takes no lock when nothing is due.

    Attempts are counted here and not at the end, so that work that kills its process does not come back for ever.
    """
    key = key_of(table)
    wanted = [table.due_at <= now, or_(table.lease_until.is_(None), table.lease_until <= now), *only]
    due = select(key).where(*wanted).order_by(table.due_at, key).limit(limit)
    token = f"{owner[:46]}/{uuid.uuid4().hex[:16]}"
    with store.reading() as session:
        if session.execute(due.limit(1)).first() is None:
            return Claim(table, token, ())
    with store.transaction() as session:
        keys = tuple(session.scalars(due.with_for_update(skip_locked=True, of=table)))
        attempts = table.attempts + (1 if counts_as_attempt else 0)
        mine = {"lease_owner": token, "lease_until": now + LEASE, "attempts": attempts}
        session.execute(
            update(table).where(key.in_(keys)).values(mine), execution_options={"synchronize_session": False}
        )
    return Claim(table, token, keys)


def work_through(
    store: Store, claimed: Claim[Row], now: datetime, act: Callable[[Session, Row, datetime], None]
) -> Tally:
    """Do the work of each claimed row in a transaction of its own. A failure concerns its row only."""
    tally = Tally()
    for key in claimed.keys:
        try:
            with store.transaction() as session:
                row = hold(session, claimed, key)
                if row is None:
                    continue
                act(session, row, now)
            tally += Tally(done=1)
        except (NotItsTurn, Busy, Overtaken, CaseSuspended):
            give_back(store, claimed, key)
            tally += Tally(left=1)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one case, the others go on)
            put_off(store, claimed, key, now, error)
            tally += Tally(failed=1)
    return tally


def hold(session: Session, claimed: Claim[Row], key: str | int) -> Row | None:
    """The row, locked, or None when it is not this sweep's any more.

    The case of a timer or a service job is locked first, as everybody else does who moves it. An entry of the outbox
    may be about another case than the one it came from: only its delivery knows which.
    """
    table = claimed.table
    if table is not OutboxEntry:
        case_id = session.scalar(select(table.case_id).where(key_of(table) == key))
        if case_id is None:
            return None
        lock_case(session, case_id)
    mine = select(table).where(key_of(table) == key, table.lease_owner == claimed.token)
    return session.scalars(mine.with_for_update(of=table).execution_options(populate_existing=True)).one_or_none()


def give_back(store: Store, claimed: Claim[Row], key: str | int) -> None:
    """The row is free again at once, and this attempt does not count."""
    table = claimed.table
    with store.transaction() as session:
        freed = update(table).where(key_of(table) == key, table.lease_owner == claimed.token)
        session.execute(freed.values(lease_owner=None, lease_until=None, attempts=table.attempts - 1))


def put_off(store: Store, claimed: Claim[Row], key: str | int, now: datetime, error: Exception) -> None:
    """Note a failure: the row waits longer each time, and after the last time an incident asks for a person."""
    table = claimed.table
    logger.error("sweep failed", exc_info=error, extra={"table": table.__tablename__, "key": key})
    try:
        with store.transaction() as session:
            row = hold(session, claimed, key)
            if row is None:
                return
            delay = None if _is_final(error) else retry_delay(row.attempts)
            row.lease_owner, row.lease_until = None, now + (delay or timedelta(0))
            if not isinstance(row, Timer):
                row.last_error = incidents.words_of(error)
            if delay is None:
                stop(session, row, now, incidents.words_of(error))
    except Exception:
        # The lease is still there; when it is over the row is claimed again.
        logger.exception("failure could not be noted", extra={"table": table.__tablename__, "key": key})


def stop(session: Session, row: Timer | ServiceJob | OutboxEntry, now: datetime, reason: str) -> None:
    """Nobody claims the row any more until its incident is retried."""
    if isinstance(row, Timer):
        row.lease_owner, row.lease_until = STOPPED, _FOR_EVER
    else:
        row.due_at = None
    if row.case_id is None:
        return
    if isinstance(row, OutboxEntry):
        incidents.open_in(session, row.case_id, now, kind=row.kind, message=reason, task_id=f"outbox:{row.id}")
        return
    kind = "timer" if isinstance(row, Timer) else "service"
    incidents.open_in(session, row.case_id, now, kind=kind, message=reason, element=row.element, task_id=row.task_id)


def _is_final(error: Exception) -> bool:
    """Whether trying again is of no use: what is refused on purpose is refused again, but post gets through one day."""
    return isinstance(error, OsmFlowError) and not isinstance(error, MailFailed)


def overdue(session: Session, table: type[Row], now: datetime) -> int:
    """How many rows are due and not stopped; what is left to do."""
    due = select(func.count()).select_from(table).where(table.due_at <= now)
    return session.scalar(due.where(or_(table.lease_owner.is_(None), table.lease_owner != STOPPED))) or 0


def key_of(table: type[Row]) -> InstrumentedAttribute[Any]:
    key: InstrumentedAttribute[Any] = table.id if issubclass(table, OutboxEntry) else table.task_id
    return key
