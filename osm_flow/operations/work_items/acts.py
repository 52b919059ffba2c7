"""What people do with work items before they complete them: claim, release, delegate, reassign. One act, one record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Reason, Verb, require
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus, WorkItemStatus, next_work_item_state
from osm_flow.errors import OsmFlowError
from osm_flow.operations.books.form_rows import with_rows_again
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.access import (
    allowed,
    lock_item,
    may_receive,
    receiver_named,
    record_on,
    refuse_closed,
    refuse_held,
)
from osm_flow.operations.work_items.form_context import context_seen, form_context
from osm_flow.store.database import Instant
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Person, WorkItem

_NEXT = (
    select(WorkItem.id)
    .join(Case, Case.id == WorkItem.case_id)
    .where(
        WorkItem.assignee_id == bindparam("person"),
        WorkItem.state == WorkItemStatus.CLAIMED,
        or_(WorkItem.follow_up_at.is_(None), WorkItem.follow_up_at <= bindparam("now", type_=Instant)),
        Case.state == CaseStatus.ACTIVE,
    )
    .order_by(WorkItem.due_at.asc().nulls_last(), WorkItem.id)
    .limit(1)
)


# An act on one work item that needs nothing more, but may have a key: `claim`, `release`.
Operation = Callable[..., WorkItem]


# ---- reading ---------------------------------------------------------------------------------------------------


def variables_of(session: Session, item: WorkItem) -> JSON:
    """What the form of this work item is filled from: what its token sees, or what was typed once it is completed."""
    if item.state == WorkItemStatus.COMPLETED:
        return _typed(session, item)
    waiting = stepping.waiting_of(session, item.case)
    return next((dict(one.data) for one in waiting if one.task_id == item.id), {})


def context_of(session: Session, item: WorkItem, values: JSON | None = None) -> JSON:
    """What the form of this work item is judged by: what its token sees, and what lies around its case.

    `values` are those filled in so far: the form may be about the record chosen there.
    """
    variables = variables_of(session, item)
    if item.state == WorkItemStatus.COMPLETED:
        return with_rows_again(session, variables)
    properties = element_of(session, item).properties
    shown = {properties[name] for name in ("document", "approves") if name in properties}
    return form_context(session, item.case, form_of(session, item), variables, values, shown=shown)


def context_for(session: Session, item: WorkItem, actor: Actor, values: JSON | None = None) -> JSON:
    """`context_of` as far as this person may read what lies around the case: what their page is filled from."""
    return context_seen(session, item, actor, context_of(session, item, values))


def form_of(session: Session, item: WorkItem) -> JSON | None:
    """The schema of the work item's form; None for a task that only needs to be marked as done."""
    if item.form_key is None:
        return None
    schema: JSON = compiled(session, item.case.definition).forms[item.form_key]
    return schema


def element_of(session: Session, item: WorkItem) -> engine.Element:
    """The diagram's element behind the work item: documentation, properties, lane."""
    element: engine.Element = compiled(session, item.case.definition).elements[item.element]
    return element


# ---- acting ----------------------------------------------------------------------------------------------------


def claim(session: Session, work_item_id: str, actor: Actor, now: datetime, *, key: str | None = None) -> WorkItem:
    """Take the work item. Claiming what one holds already is fine. Raises AlreadyHeld, DutiesAreSeparate."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"claim:{item.id}"):
        return item
    if item.state == WorkItemStatus.CLAIMED and item.assignee_id == actor.person_id:
        return item
    refuse_closed(session, item)
    refuse_held(session, item, actor)
    decision = require(actor, Verb.claim, facts)
    _hold(item, actor, now)
    record_on(session, item, actor, now, RecordKind.work_item_claimed, {}, decision)
    return item


def release(session: Session, work_item_id: str, actor: Actor, now: datetime, *, key: str | None = None) -> WorkItem:
    """Give the work item back: to its owner when it was delegated, else to its candidates."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"release:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.release, facts)
    # Whom it goes back to receives it like anybody else: who is no candidate any more does not get it again.
    owner = session.get(Person, item.owner_id) if item.owner_id is not None else None
    data: JSON = {} if owner is None else {"to": None}
    if owner is not None and may_receive(session, item, owner, local_day(now)) is Reason.ok:
        item.assignee_id, item.owner_id = owner.id, None
        data = {"to": owner.username}
    else:
        item.owner_id = None
        item.state = next_work_item_state(item.state, WorkItemStatus.READY, work_item_id=item.id)
        item.assignee_id = item.claimed_at = None
    record_on(session, item, actor, now, RecordKind.work_item_released, data, decision)
    return item


def delegate(
    session: Session,
    work_item_id: str,
    actor: Actor,
    now: datetime,
    *,
    to_username: str,
    reason: str,
    key: str | None = None,
) -> WorkItem:
    """Hand the work item to another person for a while; it stays its owner's. Raises as `receiver_named` does."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"delegate:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.delegate, facts)
    receiver = receiver_named(session, item, to_username, actor, local_day(now))
    item.owner_id = item.owner_id or item.assignee_id
    item.state = next_work_item_state(item.state, WorkItemStatus.CLAIMED, work_item_id=item.id)
    item.assignee_id = receiver.id
    if item.owner_id == receiver.id:
        item.owner_id = None
    record_on(
        session, item, actor, now, RecordKind.work_item_delegated, {"to": to_username, "reason": said(reason)}, decision
    )
    return item


def reassign(
    session: Session,
    work_item_id: str,
    actor: Actor,
    now: datetime,
    *,
    to_username: str | None,
    reason: str,
    key: str | None = None,
) -> WorkItem:
    """Give the work item to another person, or back to its candidates (None). Raises as delegate does."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"reassign:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.reassign, facts)
    receiver = receiver_named(session, item, to_username, actor, local_day(now)) if to_username else None
    item.owner_id = None
    item.assignee_id = receiver.id if receiver else None
    item.claimed_at = now if receiver else None
    if receiver or item.state == WorkItemStatus.CLAIMED:
        wanted = WorkItemStatus.CLAIMED if receiver else WorkItemStatus.READY
        item.state = next_work_item_state(item.state, wanted, work_item_id=item.id)
    record_on(
        session,
        item,
        actor,
        now,
        RecordKind.work_item_reassigned,
        {"to": to_username, "reason": said(reason)},
        decision,
    )
    return item


def next_held(session: Session, actor: Actor, now: datetime) -> str | None:
    """The work item that the person should do next among those they hold and that do not rest: the one due first."""
    return session.scalar(_NEXT, {"person": actor.person_id, "now": now})


# ---- several at once -------------------------------------------------------------------------------------------


def each(
    session: Session,
    act: Operation,
    work_item_ids: Iterable[str],
    actor: Actor,
    now: datetime,
    *,
    key: str | None = None,
) -> dict[str, OsmFlowError | None]:
    """Do the act to every work item that allows it; by id what stood in the way, None where it was done.

    With the same key again, what was done is told again and not done again; what stood in the way is tried anew.
    """
    keys = {work_item_id: key and f"{key}:{work_item_id}" for work_item_id in work_item_ids}
    return {work_item_id: _try(session, act, work_item_id, actor, now, of_one) for work_item_id, of_one in keys.items()}


def _try(
    session: Session, act: Operation, work_item_id: str, actor: Actor, now: datetime, key: str | None
) -> OsmFlowError | None:
    try:
        # What an act wrote before it failed must not be kept with what the others did.
        with session.begin_nested():
            act(session, work_item_id, actor, now, **({} if key is None else {"key": key}))
    except OsmFlowError as error:
        return error
    return None


# ---- the inner parts -------------------------------------------------------------------------------------------


def _hold(item: WorkItem, actor: Actor, now: datetime) -> None:
    item.state = next_work_item_state(item.state, WorkItemStatus.CLAIMED, work_item_id=item.id)
    item.assignee_id, item.claimed_at = actor.person_id, now


def _typed(session: Session, item: WorkItem) -> JSON:
    query = select(JournalPayload.body).select_from(JournalRecord).join(JournalRecord.payload)
    query = query.where(JournalRecord.case_id == item.case_id, JournalRecord.task_id == item.id)
    body = session.scalar(query.where(JournalRecord.kind == RecordKind.work_item_completed))
    data: JSON = json.loads(body)["data"] if body else {}
    return data
