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
from functools import partial

from sqlalchemy import ColumnElement, exists, or_, select
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
from osm_flow.operations.background.leases import Interrupted, NotItsTurn, Tally, is_database_away
from osm_flow.operations.background.sending import send_dispatches
from osm_flow.operations.cases import standstills
from osm_flow.operations.cases.incidents import open_in, words_of
from osm_flow.operations.imports import acts as imports
from osm_flow.operations.kept_files import moving, tidying
from osm_flow.operations.ledger import refusals
from osm_flow.operations.ledger.access_pruning import Keeping
from osm_flow.operations.privacy import carrying_out, retention
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, OutboxEntry, ServiceJob, Timer, WorkItem
from osm_flow.store.session import Busy, Overtaken, Store

logger = logging.getLogger(__name__)

ROWS_A_ROUND = 50
MOST_ROUNDS = 2_000
_USUAL_DAYS = Keeping()


@dataclass(frozen=True)
class Means:
    """What sweeps need beside the database: ways to reach people, the keys of the audit log, and how long reads are kept.

    A sweep that lacks its own is left to whoever has it. `is_stopping` is asked between two rows: the rest of what was
    claimed is given back then.
    """

    channels: tuple[Channel, ...] = (MailChannel(),)
    keyring: Keyring | None = None
    keeping: Keeping = _USUAL_DAYS
    is_stopping: Callable[[], bool] = leases.never


NO_MEANS = Means()


# ---- timers ----------------------------------------------------------------------------------------------------


def fire_due_timers(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Fire the timers of active cases that are due; a repeating one once for each time it is claimed."""
    claimed = leases.claim(store, Timer, owner, now, limit=limit, only=[_active(Timer)])
    return leases.work_through(store, claimed, now, _fire, is_stopping=is_stopping)


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


def run_services(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Carry out the operations behind service tasks; the result and the end of the job are one transaction."""
    claimed = leases.claim(store, ServiceJob, owner, now, limit=limit, only=[_active(ServiceJob)])
    return service_jobs.work_off(store, claimed, now, is_stopping=is_stopping)


def deliver_outbox(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Deliver what cases ask of one another and what moved dates ask of cases; mail is not sent here."""
    kinds = [OutboxEntry.kind.in_(delivery.HANDLERS)]
    claimed = leases.claim(store, OutboxEntry, owner, now, limit=limit, only=kinds)
    return leases.work_through(store, claimed, now, delivery.deliver, is_stopping=is_stopping)


# ---- people ----------------------------------------------------------------------------------------------------


def climb_ladders(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    channels: Sequence[Channel] = NO_MEANS.channels,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Climb the escalation ladder of every work item that has come to a rung."""
    return _each(
        store,
        is_stopping,
        lambda session: reminders.items_to_remind(session, now, limit),
        lambda session, key: reminders.climb(session, key, now, channels) > 0,
        partial(_report_reminder, now=now),
    )


def raise_follow_ups(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    channels: Sequence[Channel] = NO_MEANS.channels,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Tell people of work items whose follow-up date has come."""
    return _each(
        store,
        is_stopping,
        lambda session: reminders.items_to_follow_up(session, now, limit),
        lambda session, key: reminders.follow_up(session, key, now, channels),
        partial(_report_reminder, now=now),
    )


def _each(
    store: Store,
    is_stopping: Callable[[], bool],
    find: Callable[[Session], list[str]],
    act: Callable[[Session, str], bool],
    report: Callable[[Session, str, Exception], object],
) -> Tally:
    """Act on each of the rows that are found, in a transaction of its own. A failure concerns its row only.

    `report` opens an incident, which keeps the row out of the next rounds until a person has looked at it.

    No lease is needed: what the act writes is the fence, and all of its effect is beside it.
    """
    with store.reading() as session:
        keys = find(session)
    tally = Tally()
    for key in keys:
        if is_stopping():
            break
        try:
            with store.transaction() as session:
                tally += Tally(done=1) if act(session, key) else Tally(left=1)
        except (Busy, Overtaken) as error:
            if is_database_away(error):
                raise
            tally += Tally(left=1)
        except Exception as error:
            if is_database_away(error):
                raise
            logger.exception("background work failed", extra={"key": key})
            _report(store, key, error, report)
            tally += Tally(failed=1)
    return tally


def _report(store: Store, key: str, error: Exception, report: Callable[[Session, str, Exception], object]) -> None:
    try:
        with store.transaction() as session:
            report(session, key, error)
    except Exception:
        logger.exception("failure could not be noted", extra={"key": key})


def _report_reminder(session: Session, work_item_id: str, error: Exception, *, now: datetime) -> None:
    item = session.get_one(WorkItem, work_item_id)
    kind, message = IncidentKind.reminder, words_of(error)
    open_in(session, item.case_id, now, kind=kind, message=message, element=item.element, task_id=item.id)


# ---- cases -----------------------------------------------------------------------------------------------------


def tell_standstills(
    store: Store,
    now: datetime,
    owner: str,
    limit: int = ROWS_A_ROUND,
    *,
    is_stopping: Callable[[], bool] = leases.never,
) -> Tally:
    """Open an incident for each case that nothing can move any more and that stood still before steps told it."""
    return _each(
        store,
        is_stopping,
        lambda session: standstills.standing_still(session, limit),
        lambda session, case_id: standstills.tell(session, case_id, now),
        lambda session, case_id, error: open_in(
            session, case_id, now, kind=IncidentKind.standstill, message=words_of(error)
        ),
    )


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


def _of_rows(sweep: Callable[..., Tally]) -> Callable[[Store, datetime, str, Means], Tally]:
    return lambda store, now, owner, means: sweep(store, now, owner, is_stopping=means.is_stopping)


def _of_people(sweep: Callable[..., Tally]) -> Callable[[Store, datetime, str, Means], Tally]:
    return lambda store, now, owner, means: sweep(
        store, now, owner, channels=means.channels, is_stopping=means.is_stopping
    )


def _sign_daily(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    return checkpoints.sign_daily(store, now, owner, means.keyring) if means.keyring else Tally()


def _close_counts(store: Store, now: datetime, owner: str) -> Tally:
    return Tally(done=refusals.close_windows(store, now))


def _prune(store: Store, now: datetime, owner: str, means: Means) -> Tally:
    pruned = pruning.prune(store, now, owner, keeping=means.keeping)
    with store.reading() as session:
        old = imports.old_lists(session, now)
        if len(retention.held_lists(session, old)) == len(old):
            return pruned
    with store.transaction() as session:
        held = retention.held_lists(session, imports.old_lists(session, now))
        return pruned + Tally(done=imports.drop_old(session, now, ROWS_A_ROUND, besides=held))


# The one list of sweeps, in the order of the report. What cases asked of one another comes before time: a child case that
# ended before a timer fired must be heard first. The audit log is signed after whatever writes records.
SWEEPS: tuple[Sweep, ...] = (
    Sweep("timers", 5, _of_rows(fire_due_timers), turn=30),
    Sweep("services", 5, _of_rows(run_services), turn=20),
    Sweep("outbox", 5, _of_rows(deliver_outbox), turn=10),
    Sweep("reminders", 60, _of_people(climb_ladders)),
    Sweep("follow_ups", 60, _of_people(raise_follow_ups)),
    Sweep("mails", 15, _of_people(send_dispatches)),
    Sweep("refusals", 60, _alone(_close_counts)),
    Sweep("checkpoints", 60, _sign_daily, turn=90, needs=lambda means: means.keyring is not None),
    Sweep("erasures", 60, _alone(carrying_out.carry_out_waiting)),
    Sweep("standstills", 3600, _of_rows(tell_standstills)),
    Sweep("pruned", 3600, _prune),
    Sweep("moved_files", 60, _of_rows(moving.move_files)),
    Sweep("released_files", 60, _of_rows(tidying.delete_released)),
    Sweep("left_files", 3600, _of_rows(tidying.delete_left_behind)),
)


@dataclass(frozen=True)
class SweepReport:
    """How much each sweep did, how many attempts failed, and whether something may be left to do.

    `broken` says of sweeps that could not run why; each counts as one failure.
    """

    done: Mapping[str, int] = field(default_factory=lambda: {sweep.name: 0 for sweep in SWEEPS})
    failures: int = 0
    unfinished: bool = False
    broken: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, int | bool]:
        """The figures in the order of the table of sweeps."""
        return {**self.done, "failures": self.failures, "unfinished": self.unfinished}


def sweeps_with(means: Means) -> list[Sweep]:
    """The sweeps that can run with these means, in their turn."""
    return sorted((sweep for sweep in SWEEPS if sweep.needs(means)), key=lambda sweep: sweep.turn)


def sweep_all(
    store: Store, now: datetime, owner: str, means: Means = NO_MEANS, *, rounds: int = MOST_ROUNDS
) -> SweepReport:
    """Do everything that is due by `now`, until nothing is left or the bound of rounds is reached.

    A sweep that cannot run is reported and left out of further rounds; the others go on.
    """
    total = {sweep.name: Tally() for sweep in SWEEPS}
    broken: dict[str, str] = {}
    progress = False
    for _ in range(rounds):
        progress = False
        for sweep in sweeps_with(means):
            if sweep.name in broken or means.is_stopping():
                continue
            tally = _guarded(sweep, store, now, owner, means, broken)
            if tally.stands_in_the_way:
                broken[sweep.name] = tally.stands_in_the_way
            total[sweep.name] += tally
            progress = progress or tally.done > 0 or tally.failed > 0
        if not progress:
            break
    done = {name: tally.done for name, tally in total.items()}
    failures = sum(tally.failed for tally in total.values()) + len(broken)
    return SweepReport(done, failures, unfinished=progress or bool(broken), broken=broken)


def _guarded(sweep: Sweep, store: Store, now: datetime, owner: str, means: Means, broken: dict[str, str]) -> Tally:
    """One round of the sweep; when it cannot run, why, and what it had claimed is given back."""
    try:
        return sweep.run(store, now, owner, means)
    except Exception as error:
        logger.exception("sweep could not run", extra={"sweep": sweep.name})
        cause = error.__cause__
        broken[sweep.name] = words_of(cause if isinstance(cause, Exception) else error)
        if isinstance(error, Interrupted):
            leases.give_back_if_possible(store, error)
    return Tally()
