"""Claiming due rows, so that several sweeps on several machines never do the same work twice, and failing with them.

A sweep claims rows by writing its token and a lease into them. It then does the work of each row in a transaction that
first checks that the token is still there, and in which the row goes away: the effect and the end of the row are one.
A sweep that dies leaves a lease behind, and when that is over the row is claimed again.

Timers, service jobs and entries of the outbox fail alike, whoever works on them: the attempt is counted, the lease
cleared, the row waits longer each time, and once trying again is of no use an incident asks for a person.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.kinds import EntryKind, IncidentKind
from osm_flow.domain.retries import MOST_ATTEMPTS, MOST_ATTEMPTS_AT_SERVICES, is_final, retry_delay
from osm_flow.operations.cases import incidents
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.store.models import OutboxEntry, ServiceJob, Timer
from osm_flow.store.session import Busy, Overtaken, Store, lock_case

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
STOPPED = "incident"
_WHILE_SUSPENDED = timedelta(minutes=10)
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)

Row = TypeVar("Row", Timer, ServiceJob, OutboxEntry)
Waiting = TypeVar("Waiting", ServiceJob, OutboxEntry)


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

    Attempts are counted here and not at the end, so that work that kills its process does not come back for ever. Not so
    for work that is also done without a claim, right after a commit: that counts its failures itself (see `fail`).
    """
    key = key_of(table)
    wanted = [table.due_at <= now, or_(table.lease_until.is_(None), table.lease_until <= now), *only]
    due = select(key).where(*wanted).order_by(table.due_at, key).limit(limit)
    # New for every claim: a sweep that slept through its lease must not take what it claimed again for what it had before.
    token = f"{owner[:46]}/{uuid.uuid4().hex[:16]}"
    # Asked without a lock first: an idle sweep every five seconds must not hold up the people who write (on SQLite a
    # transaction that may write is the only one of its kind).
    with store.reading() as session:
        if session.execute(due.limit(1)).first() is None:
            return Claim(table, token, ())
    with store.transaction() as session:
        # Rows that another sweep is claiming at this moment are skipped, not waited for: they will be its own.
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
                row = hold(session, claimed.table, key, claimed.token)
                if row is None:
                    continue
                act(session, row, now)
            tally += Tally(done=1)
        except (NotItsTurn, Busy, Overtaken, CaseSuspended):
            give_back(store, claimed, key)
            tally += Tally(left=1)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one case, the others go on)
            fail(store, claimed.table, key, now, error, token=claimed.token)
            tally += Tally(failed=1)
    return tally


def hold(session: Session, table: type[Row], key: str | int, token: str | None = None) -> Row | None:
    """The row, locked; None when it is gone or done, or with a token: when it is not this sweep's any more.

    The case of a timer or a service job is locked first, as everybody else does who moves it: two who lock case and row
    in different orders would wait for each other. An entry of the outbox may be about another case than the one it came
    from, and only its delivery knows which; it is locked before any case.
    """
    mine = [key_of(table) == key]
    if table is OutboxEntry:
        mine.append(OutboxEntry.done_at.is_(None))
    else:
        case_id = session.scalar(select(table.case_id).where(*mine))
        if case_id is None:
            return None
        lock_case(session, case_id)
    if token is not None:
        mine.append(table.lease_owner == token)
    # Read anew under the lock: what this session knows of the row may be from before somebody else worked on it.
    locking = select(table).where(*mine).with_for_update(of=table).execution_options(populate_existing=True)
    return session.scalars(locking).one_or_none()


def give_back(store: Store, claimed: Claim[Row], key: str | int) -> None:
    """The row is free again at once, and this attempt does not count."""
    table = claimed.table
    with store.transaction() as session:
        freed = update(table).where(key_of(table) == key, table.lease_owner == claimed.token)
        session.execute(freed.values(lease_owner=None, lease_until=None, attempts=table.attempts - 1))


def rest(store: Store, table: type[Waiting], key: str | int, now: datetime) -> None:
    """The case that the row would move is suspended: it is looked at again in a while, and no attempt is counted."""
    with store.transaction() as session:
        row = hold(session, table, key)
        if row is not None:
            row.lease_owner = row.lease_until = None
            row.due_at = now + _WHILE_SUSPENDED


# ---- failing ---------------------------------------------------------------------------------------------------


def fail(
    store: Store, table: type[Row], key: str | int, now: datetime, error: Exception, *, token: str | None = None
) -> None:
    """Note a failure of the row's work, in a transaction of its own: that of the work was rolled back.

    With the token of a claim the attempt was counted when it was claimed, and nothing is noted once the row is somebody
    else's; without one it is counted here.
    """
    logger.error("background work failed", exc_info=error, extra={"table": table.__tablename__, "key": key})
    try:
        with store.transaction() as session:
            row = hold(session, table, key, token)
            if row is None:
                return
            row.attempts += 0 if token else 1
            _put_off(session, row, now, error)
    except Exception:
        # Nothing is lost: the row is as it was, and due again at once or when its lease is over.
        logger.exception("failure could not be noted", extra={"table": table.__tablename__, "key": key})


def _put_off(session: Session, row: Timer | ServiceJob | OutboxEntry, now: datetime, error: Exception) -> None:
    most = MOST_ATTEMPTS_AT_SERVICES if isinstance(row, ServiceJob) else MOST_ATTEMPTS
    delay = None if is_final(error) else retry_delay(row.attempts, most)
    row.lease_owner = row.lease_until = None
    if isinstance(row, Timer):
        # A timer's own instant stays what the diagram says: what waits is its lease.
        row.lease_until = now + delay if delay else None
    else:
        row.last_error = incidents.words_of(error)
        row.due_at = now + delay if delay else None
    if delay is None:
        _stop(session, row, now, error)


def _stop(session: Session, row: Timer | ServiceJob | OutboxEntry, now: datetime, error: Exception) -> None:
    """Nobody claims the row any more until its incident is retried."""
    if isinstance(row, Timer):
        row.lease_owner, row.lease_until = STOPPED, _FOR_EVER
    if row.case_id is None:
        return
    kind: str
    if isinstance(row, OutboxEntry):
        kind = IncidentKind.delivery if row.kind in set(EntryKind) else row.kind
        element, task_id = getattr(error, "element", None), f"outbox:{row.id}"
    else:
        kind = IncidentKind.timer if isinstance(row, Timer) else IncidentKind.service
        element, task_id = row.element, row.task_id
    message = incidents.words_of(error)
    incidents.open_in(session, row.case_id, now, kind=kind, message=message, element=element, task_id=task_id)


def key_of(table: type[Row]) -> InstrumentedAttribute[Any]:
    """The column that names a row of the table."""
    key: InstrumentedAttribute[Any] = table.id if issubclass(table, OutboxEntry) else table.task_id
    return key
