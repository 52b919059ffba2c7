"""What people do with work items: claim, release, delegate, reassign, complete. One case is locked, one act recorded."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from osm_flow import engine
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, require
from osm_flow.domain.acts import Act
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms import values as form_values
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import CaseStatus, WorkItemStatus, next_work_item_state
from osm_flow.engine.values import CompleteTask
from osm_flow.errors import Invalid
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.people.accounts import actor_for
from osm_flow.operations.policy_facts import work_item_facts
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.access import (
    AlreadyHeld,
    PersonUnknown,
    lock_item,
    locked_item,
    person_name,
    record_on,
    refuse_closed,
)
from osm_flow.operations.work_items.form_context import form_context
from osm_flow.store.database import Instant
from osm_flow.store.models import Case, Draft, JournalPayload, JournalRecord, Person, WorkItem
from osm_flow.store.session import Overtaken, write

_DRAFTS = Draft.__table__
_FORGET_DRAFTS = delete(_DRAFTS).where(_DRAFTS.c.work_item_id == bindparam("item"))  # type: ignore[arg-type]  # a table, said less exactly


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


class FormInvalid(Invalid):
    """Some fields need your attention."""


# ---- reading ---------------------------------------------------------------------------------------------------


def variables_of(session: Session, item: WorkItem) -> JSON:
    """What the form of this work item is filled from: what its token sees, or what was typed once it is completed."""
    if item.state == WorkItemStatus.COMPLETED:
        return _typed(session, item)
    waiting = stepping.waiting_of(session, item.case)
    return next((dict(one.data) for one in waiting if one.task_id == item.id), {})


def context_of(session: Session, item: WorkItem) -> JSON:
    """What the form of this work item is judged by: what its token sees, and what lies around its case."""
    variables = variables_of(session, item)
    if item.state == WorkItemStatus.COMPLETED:
        return variables
    return form_context(session, item.case, form_of(session, item), variables)


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


def claim(session: Session, work_item_id: str, actor: Actor, now: datetime) -> WorkItem:
    """Take the work item. Claiming what one holds already is fine. Raises AlreadyHeld, DutiesAreSeparate."""
    item, facts = lock_item(session, work_item_id, actor)
    if item.state == WorkItemStatus.CLAIMED and item.assignee_id == actor.person_id:
        return item
    refuse_closed(session, item)
    if item.assignee_id is not None:
        raise AlreadyHeld(name=person_name(session, item.assignee_id), work_item_id=item.id)
    decision = require(actor, Verb.claim, facts)
    _hold(item, actor, now)
    record_on(session, item, actor, now, RecordKind.work_item_claimed, {}, decision)
    return item


def release(session: Session, work_item_id: str, actor: Actor, now: datetime) -> WorkItem:
    """Give the work item back: to its owner when it was delegated, else to its candidates."""
    item, decision = locked_item(session, work_item_id, actor, Verb.release)
    if item.owner_id is not None:
        item.assignee_id, item.owner_id = item.owner_id, None
    else:
        item.state = next_work_item_state(item.state, WorkItemStatus.READY, work_item_id=item.id)
        item.assignee_id = item.claimed_at = None
    record_on(session, item, actor, now, RecordKind.work_item_released, {}, decision)
    return item


def delegate(
    session: Session, work_item_id: str, actor: Actor, now: datetime, *, to_username: str, reason: str
) -> WorkItem:
    """Hand the work item to another person for a while; it stays its owner's. Raises PersonUnknown, DutiesAreSeparate."""
    item, decision = locked_item(session, work_item_id, actor, Verb.delegate)
    receiver = _receiver(session, item, to_username, now)
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
    session: Session, work_item_id: str, actor: Actor, now: datetime, *, to_username: str | None, reason: str
) -> WorkItem:
    """Give the work item to another person, or back to its candidates (None). Raises as delegate does."""
    item, decision = locked_item(session, work_item_id, actor, Verb.reassign)
    receiver = _receiver(session, item, to_username, now) if to_username else None
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


def to_complete(session: Session, work_item_id: str, actor: Actor) -> WorkItem:
    """The work item for somebody who is about to complete it: nobody else moves its case until this transaction ends."""
    return lock_item(session, work_item_id, actor)[0]


def next_held(session: Session, actor: Actor, now: datetime) -> str | None:
    """The work item that the person should do next among those they hold and that do not rest: the one due first."""
    return session.scalar(_NEXT, {"person": actor.person_id, "now": now})


def complete(
    session: Session,
    work_item_id: str,
    actor: Actor,
    now: datetime,
    *,
    values: JSON,
    key: str | None,
    version: int | None = None,
    on_behalf_of: str | None = None,
) -> WorkItem:
    """Finish the work item with the values of its form; the case moves on. Claims it first if nobody holds it.

    The same key twice is one act. Raises FormInvalid with `fields`, AlreadyHeld, AlreadyCompleted, NoLongerNeeded,
    Overtaken when it changed since `version`, and what `stepping.apply` raises.
    """
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, subject=f"work_item:{item.id}"):
        return item
    refuse_closed(session, item)
    if item.assignee_id not in (None, actor.person_id):
        raise AlreadyHeld(name=person_name(session, item.assignee_id), work_item_id=item.id)
    decision = require(actor, Verb.complete, facts)
    if version is not None and version != item.version:
        raise Overtaken(work_item_id=item.id)
    stepping.refuse_unless_active(item.case)
    _validate(session, item, values)
    about = {"claimed": item.assignee_id is None}
    finished = {
        "completed_by_id": actor.person_id,
        "closed_at": now,
        "on_behalf_of": on_behalf_of or decision.on_behalf_of,
    }
    state = item.state
    if state == WorkItemStatus.READY:
        state = next_work_item_state(state, WorkItemStatus.CLAIMED, work_item_id=item.id)
        finished |= {"assignee_id": actor.person_id, "claimed_at": now}
    finished["state"] = next_work_item_state(state, WorkItemStatus.COMPLETED, work_item_id=item.id)
    write(session, item, **finished)
    act = Act.allowed(RecordKind.work_item_completed, decision, item.element, item.id, on_behalf_of)
    stepping.apply(session, item.case, CompleteTask(item.id, values), actor, now, act, about)
    session.execute(_FORGET_DRAFTS, {"item": item.id})
    return item


# ---- the inner parts -------------------------------------------------------------------------------------------


def _hold(item: WorkItem, actor: Actor, now: datetime) -> None:
    item.state = next_work_item_state(item.state, WorkItemStatus.CLAIMED, work_item_id=item.id)
    item.assignee_id, item.claimed_at = actor.person_id, now


def _receiver(session: Session, item: WorkItem, username: str, now: datetime) -> Person:
    person = session.scalars(select(Person).where(Person.username == username)).one_or_none()
    if person is None or person.locked_at is not None:
        raise PersonUnknown(fields={"to_username": PersonUnknown.__doc__ or ""}, username=username)
    receiver = actor_for(session, person, local_day(now))
    require(receiver, Verb.receive, work_item_facts(session, item, receiver))
    return person


def _validate(session: Session, item: WorkItem, values: JSON) -> None:
    schema = form_of(session, item)
    if schema is None:
        return
    errors = form_values.validate(schema, values, context_of(session, item))
    if errors:
        raise FormInvalid(fields=errors)


def _typed(session: Session, item: WorkItem) -> JSON:
    query = select(JournalPayload.body).select_from(JournalRecord).join(JournalRecord.payload)
    query = query.where(JournalRecord.case_id == item.case_id, JournalRecord.task_id == item.id)
    body = session.scalar(query.where(JournalRecord.kind == RecordKind.work_item_completed))
    data: JSON = json.loads(body)["data"] if body else {}
    return data
