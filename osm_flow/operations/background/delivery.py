"""Delivering the outbox: each entry in a transaction of its own, as often as it takes, with the effect of once.

A delivery locks its entry and at most one case. What happens twice, or after the receiver is gone, does nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, literal, or_, select, union_all
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.acts import Act, CallingTask, CaseStart
from osm_flow.domain.json import JSON
from osm_flow.domain.kinds import EntryKind
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_CASE
from osm_flow.engine import NotWaiting
from osm_flow.engine.values import DeliverMessage, EndChild, EscalateChild, Replan
from osm_flow.errors import Refused
from osm_flow.operations.background import leases, service_jobs
from osm_flow.operations.definitions.library import compiled, latest, started_by_message
from osm_flow.operations.people import notify_people
from osm_flow.operations.stepping import cancelling, message_receivers, outbox_entries
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.database import Instant
from osm_flow.store.models import Case, OutboxEntry, Province, ServiceJob
from osm_flow.store.session import CaseNotFound, Store, lock_case

logger = logging.getLogger(__name__)

DEEPEST = 20
_MOST_AT_ONCE = 200


class TooDeep(Refused):
    """Cases call each other more than 20 levels deep; the diagram calls itself without end."""


# Made once: most acts set nothing in motion, and making a statement takes longer than running it.
_DUE = union_all(
    select(literal(1)).where(
        OutboxEntry.case_id == bindparam("case"),
        OutboxEntry.due_at <= bindparam("now", type_=Instant),
        OutboxEntry.attempts == 0,
    ),
    select(literal(1)).where(
        ServiceJob.case_id == bindparam("case"),
        ServiceJob.due_at <= bindparam("now", type_=Instant),
        ServiceJob.attempts == 0,
    ),
).limit(1)

Touched = tuple[str, ...]


def deliver(session: Session, entry: OutboxEntry, now: datetime) -> Touched:
    """Do what the entry asks, unless that is done already; the cases that were moved or begun.

    Raises CaseSuspended while the receiver is suspended; the caller lets the entry wait.
    """
    # The entry before the case that it moves, always: two deliveries of one entry meet here, and the second finds it done.
    locked = leases.hold(session, OutboxEntry, entry.id)
    if locked is None:
        return ()
    try:
        touched = HANDLERS[locked.kind](session, locked, json.loads(locked.body), now)
    except (NotWaiting, stepping.CaseEnded, CaseNotFound):
        touched = ()  # the receiver moved on without it
    finish(locked, now)
    session.flush()
    return touched


def deliver_one(store: Store, entry_id: int, now: datetime) -> Touched:
    """Claim one entry and deliver it; a failure is kept with it, tried again later and then an incident.

    The attempt is counted before, in a transaction of its own: an entry that ends its process does not do so for ever.
    """
    claimed = leases.claim_one(store, OutboxEntry, entry_id, now)
    touched: list[str] = []

    def hand_over(session: Session, entry: OutboxEntry, now: datetime) -> None:
        touched[:] = deliver(session, entry, now)

    return tuple(touched) if claimed and leases.work_through(store, claimed, now, hand_over).done else ()


def anything_pending(session: Session, now: datetime, *case_ids: str) -> bool:
    """Whether `deliver_pending` has something to do for these cases; asked before the commit of every act."""
    return any(session.execute(_DUE, {"case": case_id, "now": now}).first() for case_id in case_ids)


def deliver_pending(store: Store, now: datetime, *case_ids: str) -> int:
    """Deliver what these cases have in the outbox, run their services, and go on with what that sets in motion.

    Until nothing is due; how many there were. Bounded: what is left after a while the next sweep takes up. Raises
    Interrupted, Busy, Unreachable, OutcomeUnknown when the database is busy or goes away; see `go_on_at_once`.
    """
    # What was tried before is left to the sweeps, which work on it alone: it may be what ends the process.
    family, tried = set(case_ids), set[int | str]()
    while len(tried) < _MOST_AT_ONCE:
        if (entry_id := _next_due(store, now, family, tried)) is not None:
            tried.add(entry_id)
            family.update(deliver_one(store, entry_id, now))
        elif (task_id := _next_service(store, now, family, tried)) is not None:
            tried.add(task_id)
            service_jobs.attempt(store, task_id, now)
        else:
            break
    return len(tried)


def go_on_at_once(store: Store, now: datetime, *case_ids: str) -> None:
    """`deliver_pending` after an act was kept: whatever it meets, nobody may be told that the act was not done.

    A sweep delivers what is left. When the database went away meanwhile, what was claimed is given back, if it can be.
    """
    try:
        deliver_pending(store, now, *case_ids)
    except Exception as error:
        logger.exception("the outbox could not be delivered at once", extra={"cases": case_ids})
        if isinstance(error, leases.Interrupted):
            leases.give_back_if_possible(store, error)


def finish(entry: OutboxEntry, now: datetime) -> None:
    """The entry is done, by whoever did it."""
    entry.done_at, entry.due_at = now, None
    entry.lease_owner = entry.lease_until = None


# ---- what each kind asks ---------------------------------------------------------------------------------------


def _start_child(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    parent = session.get(Case, entry.case_id)
    if parent is None or parent.state not in OPEN_CASE:
        return ()
    if parent.depth >= DEEPEST:
        raise TooDeep(element=body["element"])
    definition = latest(session, body["called"])
    data: JSON = body["data"]
    fiscal_year = data["fy"] if isinstance(data.get("fy"), int) else parent.fiscal_year
    province = _province(session, data, parent)
    place = f"จังหวัด{province.name_th} " if province else ""
    quarter = f"ไตรมาส {data['quarter']} " if isinstance(data.get("quarter"), int) else ""
    title = f"{compiled(session, definition).name} {place}{quarter}ปี {fiscal_year}"
    start = CaseStart(
        parent.office_id,
        fiscal_year,
        title,
        data,
        province.id if province else parent.province_id,
        subject=body.get("subject", ""),  # an entry of an earlier version has none
        called_by=CallingTask(parent.id, body["task_id"]),
    )
    return (stepping.begin(session, definition, SYSTEM, now, start).id,)


def _end_child(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    ends = _ends_of_call(session, entry, now)
    if ends is None:
        return ()
    child, parent, task_id = ends
    about = {"case_id": child.id, "business_key": child.business_key, "outcome": child.outcome}
    command = EndChild(task_id, body["data"], body["error_code"])
    stepping.apply(session, parent, command, SYSTEM, now, Act(RecordKind.child_ended, task_id=task_id), about)
    return (parent.id,)


def _escalate(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    ends = _ends_of_call(session, entry, now)
    if ends is None:
        return ()
    child, parent, task_id = ends
    call = _call_of(session, parent, task_id)
    passed_on = {"call": call, "origin": body["origin"]}
    about = {"case_id": child.id, "business_key": child.business_key, "code": body["name"], "passed_on": passed_on}
    command = EscalateChild(task_id, body["data"], body["name"])
    stepping.apply(session, parent, command, SYSTEM, now, Act(RecordKind.child_escalated, call, task_id), about)
    return (parent.id,)


def _ends_of_call(session: Session, entry: OutboxEntry, now: datetime) -> tuple[Case, Case, str] | None:
    """The child, its parent (locked, and told first what the child threw before) and the task of the parent that waits.

    None for a case that nobody called.
    """
    child = session.get_one(Case, entry.case_id)
    if child.parent_case_id is None or child.parent_task_id is None:
        return None
    _escalate_earlier(session, entry, now)
    return child, lock_case(session, child.parent_case_id), child.parent_task_id


def _call_of(session: Session, parent: Case, task_id: str) -> str:
    """The call activity that waits for the child. Raises NotWaiting when it does not any more."""
    stepping.refuse_unless_active(parent)
    for waiting in stepping.waiting_of(session, parent):
        if waiting.task_id == task_id:
            return waiting.element
    raise NotWaiting(task_id)


def _escalate_earlier(session: Session, entry: OutboxEntry, now: datetime) -> None:
    """Hand on what the child threw before, should another sweep not have come to it: its parent hears things in order.

    Entries are locked from later to earlier ones, and the parent after them.
    """
    undone = select(OutboxEntry).where(
        OutboxEntry.case_id == entry.case_id,
        OutboxEntry.kind == EntryKind.child_escalation,
        OutboxEntry.id < entry.id,
        OutboxEntry.done_at.is_(None),
    )
    earlier = session.scalars(undone.order_by(OutboxEntry.id.desc()).limit(1)).one_or_none()
    if earlier is not None:
        deliver(session, earlier, now)


def _cancel_child(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    starting = select(OutboxEntry).where(OutboxEntry.key == outbox_entries.start_key(body["task_id"])).with_for_update()
    start = session.scalars(starting.execution_options(populate_existing=True)).one_or_none()
    if start is not None and start.done_at is None:
        finish(start, now)
        return ()
    child = session.get(Case, stepping.case_id_for(entry.case_id or "", body["task_id"]))
    if child is None:
        return ()
    child = lock_case(session, child.id)
    if child.state not in OPEN_CASE:
        return ()
    cancelling.cancel(session, child, SYSTEM, now, reason="the case that called it does not wait for it any more")
    return (child.id,)


def _spread_message(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    """One entry for each receiver, so that each is moved in a transaction of its own."""
    sender = session.get_one(Case, entry.case_id)
    waiting = message_receivers.receivers(session, sender, body["name"], body["data"])
    for row in waiting:
        receiver = session.get_one(Case, row.case_id)
        letter = {**body, "task_id": row.task_id, "element": row.element, "from": sender.business_key}
        outbox_entries.add(session, f"{entry.key}:{row.task_id}", EntryKind.message_to, receiver, letter, now)
    for definition in started_by_message(session, body["name"]):
        start = {**body, "definition": definition.key, "from": sender.business_key}
        outbox_entries.add(session, f"{entry.key}:{definition.key}", EntryKind.message_start, sender, start, now)
    return (sender.id, *(row.case_id for row in waiting))


def _hand_message(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    case = lock_case(session, entry.case_id or "")
    command = DeliverMessage(body["task_id"], body["data"])
    act = Act(RecordKind.message_received, body["element"], body["task_id"])
    stepping.apply(session, case, command, SYSTEM, now, act, {"message": body["name"], "from": body["from"]})
    return (case.id,)


def _start_by_message(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    sender = session.get_one(Case, entry.case_id)
    definition = latest(session, body["definition"])
    data: JSON = body["data"]
    fiscal_year = message_receivers.year_of(data, sender)
    title = f"{compiled(session, definition).name} ปี {fiscal_year}"
    start = CaseStart(sender.office_id, fiscal_year, title, data, key=entry.key)
    return (stepping.begin(session, definition, SYSTEM, now, start).id,)


def _give_notice(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    origin = body.get("origin") or {"case_id": entry.case_id, "element": body["element"]}
    case = session.get_one(Case, origin["case_id"])
    element = compiled(session, case.definition).elements.get(origin["element"])
    asked = (element.properties.get("to") if element else None) or "osm_director"
    what = (element.name if element else "") or body["name"]
    notify_people.notify(
        session, case, asked, now, kind="escalation", text_th=f"{what}: {case.title}", text_en=f"{what}: {case.title}"
    )
    return ()


def _replan(session: Session, entry: OutboxEntry, body: JSON, now: datetime) -> Touched:
    case = lock_case(session, entry.case_id or "")
    stepping.apply(session, case, Replan(), SYSTEM, now, Act(RecordKind.case_replanned), body)
    return (case.id,)


HANDLERS: dict[str, Callable[[Session, OutboxEntry, JSON, datetime], Touched]] = {
    EntryKind.child_start: _start_child,
    EntryKind.child_end: _end_child,
    EntryKind.child_cancel: _cancel_child,
    EntryKind.child_escalation: _escalate,
    EntryKind.message: _spread_message,
    EntryKind.message_to: _hand_message,
    EntryKind.message_start: _start_by_message,
    EntryKind.notice: _give_notice,
    EntryKind.replan: _replan,
}


# ---- the inner parts -------------------------------------------------------------------------------------------


def _next_due(store: Store, now: datetime, family: set[str], tried: set[int | str]) -> int | None:
    query = (
        select(OutboxEntry.id)
        .where(
            OutboxEntry.case_id.in_(family),
            OutboxEntry.kind.in_(HANDLERS),
            OutboxEntry.due_at <= now,
            OutboxEntry.attempts == 0,
            OutboxEntry.id.not_in([key for key in tried if isinstance(key, int)]),
            or_(OutboxEntry.lease_until.is_(None), OutboxEntry.lease_until < now),
        )
        .order_by(OutboxEntry.id)
        .limit(1)
    )
    with store.reading() as session:
        return session.scalar(query)


def _next_service(store: Store, now: datetime, family: set[str], tried: set[int | str]) -> str | None:
    query = (
        select(ServiceJob.task_id)
        .where(
            ServiceJob.case_id.in_(family),
            ServiceJob.due_at <= now,
            ServiceJob.attempts == 0,
            ServiceJob.task_id.not_in([key for key in tried if isinstance(key, str)]),
            or_(ServiceJob.lease_until.is_(None), ServiceJob.lease_until < now),
        )
        .order_by(ServiceJob.due_at, ServiceJob.task_id)
        .limit(1)
    )
    with store.reading() as session:
        return session.scalar(query)


def _province(session: Session, data: JSON, parent: Case) -> Province | None:
    wanted = data.get("province")
    province = session.get(Province, wanted) if isinstance(wanted, str) else None
    return province if province is not None and province.office_id == parent.office_id else None
