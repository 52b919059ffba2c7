"""What happens without anybody asking: timers fire, services run, the outbox is emptied, people are reminded.

`SWEEPS` is the one table of them: the scheduler, the sweep of everything, its report and the command line follow it.
Every sweep may run on every node at once (see `claims`), works off a bounded number of rows in a round, earliest first,
and keeps each row's failure to itself. After days of downtime everything that is due happens once, in order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act
from osm_flow.domain.kinds import IncidentKind
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus
from osm_flow.engine.values import FireTimer
from osm_flow.notify.channels import Channel
from osm_flow.notify.mail import MailChannel
from osm_flow.operations.audit import checkpoints
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background import delivery, leases, pruning, reminders, service_jobs
from osm_flow.operations.background.dispatches import queued
from osm_flow.operations.background.leases import Claim, NotItsTurn, Tally
from osm_flow.operations.cases.incidents import open_in, words_of
from osm_flow.operations.privacy import erasure_requests
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, OutboxEntry, ServiceJob, Timer, WorkItem
from osm_flow.store.session import Busy, Overtaken, Store

logger = logging.getLogger(__name__)

ROWS_A_ROUND = 50
# One dispatch may take as long as the server's time-out, and all of a claim must be sent within the lease.
DISPATCHES_A_ROUND = 5
MOST_ROUNDS = 2_000

Shared = TypeVar("Shared", ServiceJob, OutboxEntry)


@dataclass(frozen=True)
class Means:
    """What sweeps need beside the database: ways to reach people, and the keys of the audit log.

    A sweep that lacks its own is left to whoever has it.
    """

    channels: tuple[Channel, ...] = (MailChannel(),)
    keyring: Keyring | None = None


NO_MEANS = Means()


# ---- timers ----------------------------------------------------------------------------------------------------


def fire_due_timers(store: Store, now: datetime, owner: str, limit: int = ROWS_A_ROUND) -> Tally:
    """Fire the timers of active cases that are due; a repeating one once for each time it is claimed."""
    claimed = leases.claim(store, Timer, owner, now, limit=limit, only=[_active(Timer)])
    return leases.work_through(store, claimed, now, _fire)


def _fire(session: Session, timer: Timer, now: datetime) -> None:
    if _another_comes_first(session, timer, now):
        raise NotItsTurn
    case = session.get_one(Case, timer.case_id)
    due_at = timer.due_at
    command, task_id = FireTimer(timer.task_id), timer.task_id
    act = Act(RecordKind.timer_fired, timer.element, task_id)
    stepping.apply(session, case, command, SYSTEM, now, act, {"due_at": due_at.isoformat()})
    again = session.get(Timer, task_id, populate_existing=True)
    if again is not None:
        again.attempts, again.lease_owner, again.lease_until = 0, None, None


def _another_comes_first(session: Session, timer: Timer, now: datetime) -> bool:
    """Whether an earlier timer of the case is due too, be it another sweep's; one that failed does not hold it up."""
    failing = Timer.lease_owner.is_(None) & (Timer.lease_until > now) | (Timer.lease_owner == leases.STOPPED)
    earlier = or_(Timer.due_at < timer.due_at, (Timer.due_at == timer.due_at) & (Timer.task_id < timer.task_id))
    first = select(Timer.task_id).where(
        Timer.case_id == timer.case_id, earlier, or_(Timer.lease_until.is_(None), ~failing)
    )
    return session.scalar(first.limit(1)) is not None


def _active(table: type[Timer] | type[ServiceJob]) -> ColumnElement[bool]:
    return exists().where(Case.id == table.case_id, Case.state == CaseStatus.ACTIVE)


# ---- services and the outbox -----------------------------------------------------------------------------------


def run_services(store: Store, now: datetime, owner: str, limit: int = ROWS_A_ROUND) -> Tally:
    """Carry out the operations behind service tasks; the result and the end of the job are one transaction.

    As with the outbox, the work itself makes sure that it counts once and keeps its own failures; the claim only
    shares it out.
    """
    active = [_active(ServiceJob)]
    claimed = leases.claim(store, ServiceJob, owner, now, limit=limit, only=active, counts_as_attempt=False)
    for task_id in claimed.keys:
        service_jobs.attempt(store, str(task_id), now)
    return _worked_off(store, claimed, true())


def deliver_outbox(store: Store, now: datetime, owner: str, limit: int = ROWS_A_ROUND) -> Tally:
    """Deliver what cases ask of one another and what moved dates ask of cases; mail is not sent here."""
    kinds = [OutboxEntry.kind.in_(delivery.HANDLERS)]
    claimed = leases.claim(store, OutboxEntry, owner, now, limit=limit, only=kinds, counts_as_attempt=False)
    for entry_id in claimed.keys:
        delivery.deliver_one(store, int(entry_id), now)
    return _worked_off(store, claimed, OutboxEntry.done_at.is_(None))


def _worked_off(store: Store, claimed: Claim[Shared], undone: ColumnElement[bool]) -> Tally:
    """What became of the claimed rows: a failed one was put off, one that gave way to another writer is free again."""
    if not claimed.keys:
        return Tally()
    table, key = claimed.table, leases.key_of(claimed.table)
    with store.transaction() as session:
        waiting = session.scalar(select(func.count()).where(key.in_(claimed.keys), undone)) or 0
        freed = update(table).where(table.lease_owner == claimed.token).returning(key)
        left = len(session.execute(freed.values(lease_owner=None, lease_until=None)).all())
    return Tally(len(claimed.keys) - waiting, waiting - left, left)


# ---- people ----------------------------------------------------------------------------------------------------


def climb_ladders(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    channels: Sequence[Channel] = NO_MEANS.channels,
) -> Tally:
    """Climb the escalation ladder of every work item that has come to a rung."""
    return _remind(
        store,
        now,
        limit,
        reminders.items_to_remind,
        lambda session, key: reminders.climb(session, key, now, channels) > 0,
    )


def raise_follow_ups(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    channels: Sequence[Channel] = NO_MEANS.channels,
) -> Tally:
    """Tell people of work items whose follow-up date has come."""
    return _remind(
        store,
        now,
        limit,
        reminders.items_to_follow_up,
        lambda session, key: reminders.follow_up(session, key, now, channels),
    )


def _remind(
    store: Store,
    now: datetime,
    limit: int,
    find: Callable[[Session, datetime, int], list[str]],
    act: Callable[[Session, str], bool],
) -> Tally:
    """No lease is needed: the row that says a person was told is the fence, and all of the effect is beside it."""
    with store.reading() as session:
        keys = find(session, now, limit)
    tally = Tally()
    for key in keys:
        try:
            with store.transaction() as session:
                tally += Tally(done=1) if act(session, key) else Tally(left=1)
        except (Busy, Overtaken):
            tally += Tally(left=1)
        except Exception as error:
            logger.exception("reminder failed", extra={"work_item": key})
            _report_reminder(store, key, now, error)
            tally += Tally(failed=1)
    return tally


def _report_reminder(store: Store, work_item_id: str, now: datetime, error: Exception) -> None:
    """An incident keeps the work item out of the next rounds until a person has looked at it."""
    try:
        with store.transaction() as session:
            item = session.get_one(WorkItem, work_item_id)
            open_in(
                session,
                item.case_id,
                now,
                kind=IncidentKind.reminder,
                message=words_of(error),
                element=item.element,
                task_id=item.id,
            )
    except Exception:
        logger.exception("failure could not be noted", extra={"work_item": work_item_id})


def send_dispatches(
    store: Store, now: datetime, owner: str, channels: Sequence[Channel], limit: int = DISPATCHES_A_ROUND
) -> Tally:
    """Send what is queued for these channels, at least once; what a closed channel was to send is given up quietly.

    Nothing is locked while a server is spoken to. Whoever dies after it took the dispatch and before that is noted sends
    it again: the key, the same for ever, tells the channel's receivers that it is the same one.
    """
    by_name = {channel.name: channel for channel in channels}
    waiting = [OutboxEntry.kind.in_(by_name)]
    claimed = leases.claim(store, OutboxEntry, owner, now, limit=limit, only=waiting)
    tally = Tally()
    for key in claimed.keys:
        try:
            with store.reading() as session:
                entry = session.get_one(OutboxEntry, key)
            channel = by_name[entry.kind]
            if not channel.closed:
                channel.send(queued(entry), now)
            _close(store, claimed, key, now, channel.closed)
            tally += Tally(done=1)
        except Exception as error:  # noqa: BLE001 (whatever is wrong with one dispatch, the others are sent)
            leases.fail(store, OutboxEntry, key, now, error, token=claimed.token)
            tally += Tally(failed=1)
    return tally


def _close(store: Store, claimed: Claim[OutboxEntry], key: str | int, now: datetime, unsent: str) -> None:
    """The dispatch is done, or given up for this reason."""
    with store.transaction() as session:
        entry = leases.hold(session, OutboxEntry, key, claimed.token)
        if entry is None:
            return
        delivery.finish(entry, now)
        if unsent:
            entry.done_at, entry.last_error = None, unsent


# ---- everything ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sweep:
    """One kind of background work: its name in reports and logs, how often it ticks, how a round of it runs.

    seconds  between two ticks
    turn     its place among the others when everything is swept, lowest first
    needs    whether it can run at all with these means
    """

    name: str
    seconds: float
    run: Callable[[Store, datetime, str, Means], Tally]
    turn: int = 50
    needs: Callable[[Means], bool] = lambda means: True


def _alone(sweep: Callable[[Store, datetime, str], Tally]) -> Callable[[Store, datetime, str, Means], Tally]:
    return lambda store, now, owner, means: sweep(store, now, owner)


def _climb_ladders(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    return climb_ladders(store, now, owner, channels=means.channels)


def _raise_follow_ups(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    return raise_follow_ups(store, now, owner, channels=means.channels)


def _send(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    return send_dispatches(store, now, owner, means.channels)


def _sign_daily(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    return checkpoints.sign_daily(store, now, owner, means.keyring) if means.keyring else Tally()


# The one list of sweeps, in the order of the report. What cases asked of one another comes before time: a child case that
# ended before a timer fired must be heard first. The audit log is signed after whatever writes records.
SWEEPS: tuple[Sweep, ...] = (
    Sweep("timers", 5, _alone(fire_due_timers), turn=30),
    Sweep("services", 5, _alone(run_services), turn=20),
    Sweep("outbox", 5, _alone(deliver_outbox), turn=10),
    Sweep("reminders", 60, _climb_ladders),
    Sweep("follow_ups", 60, _raise_follow_ups),
    Sweep("mails", 15, _send),
    Sweep("checkpoints", 60, _sign_daily, turn=90, needs=lambda means: means.keyring is not None),
    Sweep("erasures", 60, _alone(erasure_requests.carry_out_waiting)),
    Sweep("pruned", 3600, _alone(pruning.prune)),
)


@dataclass(frozen=True)
class SweepReport:
    """How much each sweep did, how many attempts failed, and whether something may be left to do."""

    done: Mapping[str, int] = field(default_factory=lambda: {sweep.name: 0 for sweep in SWEEPS})
    failures: int = 0
    unfinished: bool = False

    def as_dict(self) -> dict[str, int | bool]:
        """The figures in the order of the table of sweeps."""
        return {**self.done, "failures": self.failures, "unfinished": self.unfinished}


def sweeps_with(means: Means) -> list[Sweep]:
    """The sweeps that can run with these means, in their turn."""
    return sorted((sweep for sweep in SWEEPS if sweep.needs(means)), key=lambda sweep: sweep.turn)


def sweep_all(
    store: Store, now: datetime, owner: str, means: Means = NO_MEANS, *, rounds: int = MOST_ROUNDS
) -> SweepReport:
    """Do everything that is due by `now`, until nothing is left or the bound of rounds is reached."""
    total = {sweep.name: Tally() for sweep in SWEEPS}
    progress = False
    for _ in range(rounds):
        progress = False
        for sweep in sweeps_with(means):
            tally = sweep.run(store, now, owner, means)
            total[sweep.name] += tally
            progress = progress or tally.done > 0 or tally.failed > 0
        if not progress:
            break
    done = {name: tally.done for name, tally in total.items()}
    return SweepReport(done, failures=sum(tally.failed for tally in total.values()), unfinished=progress)
