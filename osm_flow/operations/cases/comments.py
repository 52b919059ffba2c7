"""Comments on a case or one of its work items; each is also a record of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import CaseFacts, Verb, WorkItemFacts, require
from osm_flow.domain.acts import Act
from osm_flow.domain.journal import NotStorable
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.search import says_nothing, straight
from osm_flow.errors import Invalid
from osm_flow.operations.idempotency import first_time
from osm_flow.operations.policy_facts import case_facts, work_item_facts
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, Comment, WorkItem
from osm_flow.store.session import lock_case

_LONGEST = 10_000


class CommentRefused(Invalid):
    """A comment has between 1 and 10,000 characters."""


class NotOfThisCase(Invalid):
    """The work item is not one of this case."""


def comment(
    session: Session,
    case_id: str,
    actor: Actor,
    now: datetime,
    *,
    body: str,
    work_item_id: str | None = None,
    key: str | None,
) -> Comment | None:
    """Comment on the case; None when the same key did so already. Ended cases take comments too."""
    case = lock_case(session, case_id)
    decision = require(actor, Verb.comment, facts_at(session, case, work_item_id, actor))
    if not first_time(session, key, actor, now, purpose=f"comment:{case_id}"):
        return None
    body = straight(body).strip()
    if says_nothing(body) or len(body) > _LONGEST:
        raise CommentRefused(fields={"body": CommentRefused.__doc__ or ""})
    element = element_in_case(session, case_id, work_item_id)
    act = Act.allowed(RecordKind.case_commented, decision, element, work_item_id)
    try:
        stepping.note(session, case, actor, now, act, {"body": body})
    except NotStorable as error:
        raise CommentRefused(fields={"body": str(error)}) from error
    added = Comment(case_id=case_id, work_item_id=work_item_id, person_id=actor.person_id, body=body, at=now)
    session.add(added)
    session.flush()
    return added


def comments_on(session: Session, case_id: str, work_item_id: str | None = None) -> Sequence[Comment]:
    """The comments on the case, or on this one of its work items, oldest first."""
    query = select(Comment).where(Comment.case_id == case_id).options(joinedload(Comment.person))
    if work_item_id is not None:
        query = query.where(Comment.work_item_id == work_item_id)
    return session.scalars(query.order_by(Comment.id)).all()


def facts_at(session: Session, case: Case, work_item_id: str | None, actor: Actor) -> CaseFacts | WorkItemFacts:
    """What the policy judges a comment or a file by: the work item that it lies at, else the case."""
    item = session.get(WorkItem, work_item_id) if work_item_id is not None else None
    if item is None or item.case_id != case.id:
        return case_facts(session, case, actor)
    return work_item_facts(session, item, actor)


def element_in_case(session: Session, case_id: str, work_item_id: str | None) -> str | None:
    """The element of a work item of this case. Raises NotOfThisCase."""
    if work_item_id is None:
        return None
    query = select(WorkItem.element).where(WorkItem.id == work_item_id, WorkItem.case_id == case_id)
    element = session.scalar(query)
    if element is None:
        raise NotOfThisCase(work_item_id=work_item_id, case_id=case_id)
    return element
