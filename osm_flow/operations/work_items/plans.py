"""The due date, the follow-up date and the priority of a work item, and the draft of its form."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain import journal
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Reason, Verb, decide, require
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.errors import Invalid, OverQuota, Refused
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.reasons import said
from osm_flow.operations.work_items.access import allowed, lock_item, record_on, refuse_closed
from osm_flow.store.database import instant_text
from osm_flow.store.inserts import insert_or_replace
from osm_flow.store.models import Draft, Person, WorkItem
from osm_flow.store.quotas import USUAL, Quotas, megabytes

# What lies beyond these is a slip of the pen in the year: no work item is older than its fiscal year, or planned for longer.
_MOST_BACK, _MOST_AHEAD = timedelta(days=366), timedelta(days=20 * 366)
# A draft that was begun goes on while the case rests or somebody else has taken the work item: what was typed stays.
_LATER = frozenset({Reason.state, Reason.held})


class PriorityUnknown(Invalid):
    """A priority is a whole number from 0 to 100."""


class DayTooFar(Invalid):
    """This day lies more than a year back or more than twenty years ahead. Look at the year again."""


class DraftTooLarge(OverQuota):
    """The draft is larger than {mb} MB and was not kept. What was kept before is still there: shorten the text."""


class DraftsTooMany(Refused):
    """You keep {most} drafts already. This one was not kept: complete another work item first, or copy your text."""

    is_quota = True


def move_due(
    session: Session, work_item_id: str, actor: Actor, now: datetime, *, due_at: datetime, reason: str, key: str | None
) -> WorkItem:
    """Move the due date of a work item, with the reason on record. The calendar will not move it any more. Raises DayTooFar."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"move_due:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.move_due, facts)
    _refuse_far(due_at, now, "due_date")
    data = {"from": _text(item.due_at), "to": instant_text(due_at), "reason": said(reason)}
    item.due_at = due_at
    record_on(session, item, actor, now, RecordKind.work_item_due_moved, data, decision)
    return item


def set_follow_up(
    session: Session,
    work_item_id: str,
    actor: Actor,
    now: datetime,
    *,
    follow_up_at: datetime | None,
    key: str | None = None,
) -> WorkItem:
    """Set the follow-up date of a work item (None: it asks for attention at once). Raises DayTooFar."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"follow_up:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.complete, facts)
    if follow_up_at is not None:
        _refuse_far(follow_up_at, now, "follow_up_date")
    item.follow_up_at = follow_up_at
    record_on(session, item, actor, now, RecordKind.work_item_follow_up_set, {"to": _text(follow_up_at)}, decision)
    return item


def set_priority(
    session: Session, work_item_id: str, actor: Actor, now: datetime, *, priority: int, key: str | None = None
) -> WorkItem:
    """Set the priority of a work item: 50 is normal, 100 most urgent. Raises PriorityUnknown."""
    item, facts = lock_item(session, work_item_id, actor)
    if not first_time(session, key, actor, now, purpose=f"priority:{item.id}"):
        return item
    decision = allowed(session, item, actor, Verb.move_due, facts)
    if not 0 <= priority <= 100:
        raise PriorityUnknown(fields={"priority": PriorityUnknown.__doc__ or ""})
    data = {"from": item.priority, "to": priority}
    item.priority = priority
    record_on(session, item, actor, now, RecordKind.work_item_priority_set, data, decision)
    return item


def save_draft(
    session: Session, work_item_id: str, actor: Actor, now: datetime, body: JSON, quotas: Quotas = USUAL
) -> Draft:
    """Keep what the person has typed so far; nobody else sees it. For who may complete the work item.

    Raises DraftTooLarge, DraftsTooMany, NotStorable, Forbidden.

    Drafts go when the work item is closed: what was typed after that is refused, not kept where nobody ever finds it.
    """
    item, facts = lock_item(session, work_item_id, actor)
    refuse_closed(session, item)
    kept = session.get(Draft, (item.id, actor.person_id))
    if kept is None or decide(actor, Verb.complete, facts).reason not in _LATER:
        require(actor, Verb.complete, facts)
    text = journal.canonical(body)
    if len(text) > quotas.draft:
        raise DraftTooLarge(mb=megabytes(quotas.draft))
    if kept is None:
        _refuse_one_more(session, actor, quotas.drafts)
    row = {"work_item_id": item.id, "person_id": actor.person_id, "body": text.decode(), "saved_at": now}
    insert_or_replace(session, Draft, [row], "body", "saved_at")
    return session.get_one(Draft, (item.id, actor.person_id), populate_existing=True)


def _refuse_one_more(session: Session, actor: Actor, most: int) -> None:
    """Raises DraftsTooMany. The person is locked until the end: of two drafts at once for the last room, one is refused."""
    session.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update(key_share=True))
    count = select(func.count()).select_from(Draft).where(Draft.person_id == actor.person_id)
    if session.scalars(count).one() >= most:
        raise DraftsTooMany(most=most)


def get_draft(session: Session, work_item_id: str, actor: Actor) -> JSON | None:
    """The draft of this person, None if there is none."""
    draft = session.get(Draft, (work_item_id, actor.person_id))
    body: JSON | None = json.loads(draft.body) if draft else None
    return body


def _refuse_far(wanted: datetime, now: datetime, field: str) -> None:
    if not now - _MOST_BACK <= wanted <= now + _MOST_AHEAD:
        raise DayTooFar(fields={field: DayTooFar.__doc__ or ""})


def _text(instant: datetime | None) -> str | None:
    return instant_text(instant) if instant else None
