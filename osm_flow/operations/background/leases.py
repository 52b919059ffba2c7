"""Claiming due rows, so that several sweeps on several machines never do the same work twice, and failing with them.

A sweep claims rows by writing its token and a lease into them. It then does the work of each row in a transaction that
first checks that the token is still there, and in which the row goes away: the effect and the end of the row are one.
A sweep that dies leaves a lease behind, and when that is over the row is claimed again.

Timers, service jobs and entries of the outbox fail alike, whoever works on them: the attempt is counted before the work
begins, so that work that kills its process does not come back for ever; the row waits longer each time, and once trying
again is of no use an incident asks for a person. What never was tried, because the database or a server was away or the
sweep was told to stop, is given back and counts no attempt.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Row, and_, or_, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from osm_flow.domain.kinds import EntryKind, IncidentKind
from osm_flow.domain.retries import (
    MOST_ATTEMPTS,
    MOST_ATTEMPTS_AT_SERVICES,
    REST,
    is_final,
    longest_wait,
    retry_delay,
)
from osm_flow.errors import Refused
from osm_flow.operations.background.dispatches import queued
from osm_flow.operations.cases import incidents
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.store.database_errors import Trouble, trouble_of
from osm_flow.store.models import OutboxEntry, ServiceJob, Timer
from osm_flow.store.session import Busy, OutcomeUnknown, Overtaken, Store, Unreachable, lock_case

logger = logging.getLogger(__name__)

# With the time until the next tick less than a minute: so long the rows of a node that died wait for another one.
LEASE = timedelta(seconds=40)
STOPPED = "incident"
_CANCELLED = "57014"  # a statement took longer than PostgreSQL lets one take
_FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
# How often a row is claimed beside others although no claim of it was ever given back; after that it is claimed alone,
# so that it does not drag others with it.
_CLAIMS_BESIDE_OTHERS = 1

Claimed = TypeVar("Claimed", Timer, ServiceJob, OutboxEntry)
Waiting = TypeVar("Waiting", ServiceJob, OutboxEntry)


@dataclass(frozen=True)
class Claim(Generic[Claimed]):
    """Rows that are this sweep's for the length of the lease, in the order in which they were due."""

    table: type[Claimed]
    token: str
    keys: tuple[str | int, ...]


@dataclass(frozen=True)
class Tally:
    """What came of a sweep: `done` rows, `failed` ones, and those left for later because others come first.

    `stands_in_the_way` says what a person has to put right before the sweep can do its work at all.
    """

    done: int = 0
    failed: int = 0
    left: int = 0
    stands_in_the_way: str = field(default="", compare=False)

    def __add__(self, other: Tally) -> Tally:
        in_the_way = self.stands_in_the_way or other.stands_in_the_way
        return Tally(self.done + other.done, self.failed + other.failed, self.left + other.left, in_the_way)


class NotItsTurn(Exception):
    """The row has to wait for another one; it is given back as if it had not been claimed."""


class EndedItsProcess(Refused):
    """The program ended every time it worked on this, {attempts} times. It is left alone until somebody has looked at it."""


class Interrupted(Exception):
    """The database went away in the middle of a claim. `claim` has the rows whose attempts are not to count."""

    def __init__(self, claim: Claim[Any]) -> None:
        super().__init__(f"the database went away; {len(claim.keys)} rows of {claim.table.__tablename__} are left")
        self.claim = claim


def is_database_away(error: Exception) -> bool:
    """Whether the error says that the database cannot be reached or written at all, whatever was asked of it."""
    if isinstance(error, SQLAlchemyError):
        return trouble_of(error) in {Trouble.away, Trouble.unwritable}
    return isinstance(error, Unreachable | OutcomeUnknown)


def _may_be_its_own(error: Exception) -> bool:
    """Whether what looks like another writer may be the row itself, and come again for ever unless it is counted."""
    cause = error.__cause__
    is_cancelled = isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) == _CANCELLED
    return is_cancelled or isinstance(cause, IntegrityError)


def never() -> bool:
    """Nobody says stop."""
    return False


def claim(
    store: Store,
    table: type[Claimed],
    owner: str,
    now: datetime,
    *,
    limit: int,
    only: Sequence[ColumnElement[bool]] = (),
    lease: timedelta = LEASE,
) -> Claim[Claimed]:
    """Claim up to `limit` free rows that are due, earliest first, and count the attempt. Takes no lock when none is due."""
    key = key_of(table)
    wanted = [table.due_at <= now, _is_free(table, now), *only]
    due = select(key, table.attempts, table.lease_owner).where(*wanted).order_by(table.due_at, key).limit(limit)
    # New for every claim: a sweep that slept through its lease must not take what it claimed again for what it had before.
    token = f"{owner[:46]}/{uuid.uuid4().hex[:16]}"
    # Asked without a lock first: an idle sweep every five seconds must not hold up the people who write (on SQLite a
    # transaction that may write is the only one of its kind).
    with store.reading() as session:
        too_far = (_is_leased_too_far(table, now), _is_put_off_too_far(table, now))
        is_put_too_far = any(session.execute(select(key).where(wrong).limit(1)).first() for wrong in too_far)
        is_idle = not is_put_too_far and session.execute(due.limit(1)).first() is None
    if is_idle:
        return Claim(table, token, ())
    with store.transaction() as session:
        if is_put_too_far:
            _pull_back(session, table, now)
        # Rows that another sweep is claiming at this moment are skipped, not waited for: they will be its own.
        keys = _together(session.execute(due.with_for_update(skip_locked=True, of=table)).all())
        mine = {"lease_owner": token, "lease_until": now + lease, "attempts": table.attempts + 1}
        session.execute(
            update(table).where(key.in_(keys)).values(mine), execution_options={"synchronize_session": False}
        )
    return Claim(table, token, keys)


def claim_one(store: Store, table: type[Claimed], key: str | int, now: datetime) -> Claim[Claimed] | None:
    """Claim this row, due or not, and count the attempt; None when another has it or it is gone."""
    token = f"one/{uuid.uuid4().hex[:16]}"
    mine = {"lease_owner": token, "lease_until": now + LEASE, "attempts": table.attempts + 1}
    free = [key_of(table) == key, _is_free(table, now)]
    if table is OutboxEntry:
        free.append(OutboxEntry.done_at.is_(None))
    with store.transaction() as session:
        claimed = session.execute(update(table).where(*free).values(mine).returning(key_of(table))).first()
    return Claim(table, token, (key,)) if claimed else None


def _together(rows: Sequence[Row[*tuple[Any, ...]]]) -> tuple[str | int, ...]:
    """Which of the rows are claimed at once: one that may end its process is alone with it."""
    is_suspect = [row.lease_owner is not None and row.attempts > _CLAIMS_BESIDE_OTHERS for row in rows]
    if is_suspect and is_suspect[0]:
        return (rows[0][0],)
    return tuple(row[0] for row, suspect in zip(rows, is_suspect, strict=True) if not suspect)


def work_through(
    store: Store,
    claimed: Claim[Claimed],
    now: datetime,
    act: Callable[[Session, Claimed, datetime], object],
    *,
    is_stopping: Callable[[], bool] = never,
) -> Tally:
    """Do the work of each claimed row in a transaction of its own. A failure concerns its row only.

    Raises Interrupted when the database goes away meanwhile.
    """
    tally = Tally()
    for position, key in enumerate(claimed.keys):
        rest_of = replace(claimed, keys=claimed.keys[position:])
        if is_stopping():
            return tally + give_back(store, rest_of, *rest_of.keys)
        try:
            tally += _work(store, rest_of, key, now, act)
        except Exception as error:
            if is_database_away(error):
                raise Interrupted(rest_of) from error
            fail(store, claimed.table, key, now, error, token=claimed.token)
            tally += Tally(failed=1)
    return tally


def _work(
    store: Store,
    claimed: Claim[Claimed],
    key: str | int,
    now: datetime,
    act: Callable[[Session, Claimed, datetime], object],
) -> Tally:
    try:
        with store.transaction() as session:
            row = hold(session, claimed.table, key, claimed.token)
            if row is None:
                return Tally()
            if row.attempts > most_attempts(claimed.table):
                raise EndedItsProcess(attempts=row.attempts - 1)
            act(session, row, now)
    except (NotItsTurn, Busy, Overtaken) as error:
        if is_database_away(error) or _may_be_its_own(error):
            raise
        return give_back(store, claimed, key)
    except CaseSuspended:
        if claimed.table is Timer:
            return give_back(store, claimed, key)
        rest(store, claimed.table, key, now, token=claimed.token)  # type: ignore[type-var]  # no timer, as said above
        return Tally(left=1)
    return Tally(done=1)


def hold(session: Session, table: type[Claimed], key: str | int, token: str | None = None) -> Claimed | None:
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


def give_back(store: Store, claimed: Claim[Any], *keys: str | int) -> Tally:
    """These rows are free again at once, and this attempt does not count; how many still were this sweep's."""
    table = claimed.table
    freed = update(table).where(key_of(table).in_(keys), table.lease_owner == claimed.token).returning(key_of(table))
    with store.transaction() as session:
        rows = session.execute(freed.values(lease_owner=None, lease_until=None, attempts=table.attempts - 1)).all()
    return Tally(left=len(rows))


def rest(
    store: Store,
    table: type[Waiting],
    key: str | int,
    now: datetime,
    *,
    token: str | None = None,
) -> None:
    """The case that the row would move is suspended: it is looked at again in a while, and no attempt is counted."""
    with store.transaction() as session:
        row = hold(session, table, key, token)
        if row is not None:
            row.attempts -= 1 if token else 0
            row.lease_owner = row.lease_until = None
            row.due_at = now + REST


# ---- clocks ----------------------------------------------------------------------------------------------------


def _is_free(table: type[Claimed], now: datetime) -> ColumnElement[bool]:
    return or_(table.lease_until.is_(None), table.lease_until <= now)


def _is_leased_too_far(table: type[Any], now: datetime) -> ColumnElement[bool]:
    return and_(table.lease_owner.is_not(None), table.lease_owner != STOPPED, table.lease_until > now + LEASE)


def _is_put_off_too_far(table: type[Any], now: datetime) -> ColumnElement[bool]:
    """That the row waits longer than its attempts ask for; what a diagram says of a timer may be as late as it likes."""
    until = table.lease_until if table is Timer else table.due_at
    too_far = [and_(table.attempts <= tried, until > now + longest_wait(tried)) for tried in range(MOST_ATTEMPTS + 1)]
    return and_(
        table.lease_owner.is_(None),
        until > now + longest_wait(0),
        or_(*too_far, until > now + longest_wait(MOST_ATTEMPTS)),
    )


def _pull_back(session: Session, table: type[Any], now: datetime) -> None:
    """Whoever has such a row keeps it for one lease from now, for they may be at work; the others are due."""
    unsynchronised = {"synchronize_session": False}
    until = "lease_until" if table is Timer else "due_at"
    for wrong, right in (
        (_is_leased_too_far(table, now), {"lease_until": now + LEASE}),
        (_is_put_off_too_far(table, now), {until: now}),
    ):
        session.execute(update(table).where(wrong).values(right), execution_options=unsynchronised)


# ---- failing ---------------------------------------------------------------------------------------------------


def fail(
    store: Store, table: type[Claimed], key: str | int, now: datetime, error: Exception, *, token: str | None = None
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


def most_attempts(table: type[Any]) -> int:
    """After how many attempts a person is asked."""
    return MOST_ATTEMPTS_AT_SERVICES if table is ServiceJob else MOST_ATTEMPTS


def _put_off(session: Session, row: Timer | ServiceJob | OutboxEntry, now: datetime, error: Exception) -> None:
    delay = None if is_final(error) else retry_delay(row.attempts, most_attempts(type(row)))
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
    kind: str
    if isinstance(row, OutboxEntry):
        kind = IncidentKind.delivery if row.kind in set(EntryKind) else row.kind
        element, task_id = getattr(error, "element", None), f"outbox:{row.id}"
    else:
        kind = IncidentKind.timer if isinstance(row, Timer) else IncidentKind.service
        element, task_id = row.element, row.task_id
    message = incidents.words_of(error)
    if isinstance(row, OutboxEntry) and row.case_id is None and row.kind not in set(EntryKind):
        dispatch = queued(row)
        message = f"{dispatch.to}: {dispatch.subject}: {message}"
    incidents.open_in(session, row.case_id, now, kind=kind, message=message, element=element, task_id=task_id)


def key_of(table: type[Claimed]) -> InstrumentedAttribute[Any]:
    """The column that names a row of the table."""
    key: InstrumentedAttribute[Any] = table.id if issubclass(table, OutboxEntry) else table.task_id
    return key


def give_back_all(store: Store, claims: Iterable[Claim[Any]]) -> None:
    """Give back what was left when the database went away; called once it is there again."""
    for claimed in claims:
        give_back(store, claimed, *claimed.keys)


def give_back_if_possible(store: Store, interrupted: Interrupted) -> None:
    """Give back what was left at once, should the database be there again; else it is free when its lease is over."""
    try:
        give_back_all(store, [interrupted.claim])
    except Exception:
        logger.exception("claimed rows could not be given back")
