"""The inbox: the work items a person may see, filtered, sorted, paged by key, counted exactly."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, String, and_, exists, false, func, or_, select, type_coerce
from sqlalchemy.orm import Session, contains_eager, joinedload

from osm_flow.domain.actors import Actor, Hat
from osm_flow.domain.pages import Page
from osm_flow.domain.policy import OfficeFacts, Verb, decide
from osm_flow.domain.search import searchable
from osm_flow.domain.states import OPEN_WORK_ITEM, CaseStatus, WorkItemStatus
from osm_flow.operations.absence import named_candidate
from osm_flow.operations.definitions import compiled
from osm_flow.operations.paging import MOST, Keyset
from osm_flow.store.database import instant_text
from osm_flow.store.models import Candidate, Case, FiscalDate, Project, WaitingMessage, WorkItem

View = Literal["mine", "groups", "team"]
Sort = Literal["due", "opened", "priority"]

# Instants are text in the database; a key carries that very text.
_DUE = type_coerce(WorkItem.due_at, String)
_OPENED = type_coerce(WorkItem.opened_at, String)
_SORTS: dict[str, Keyset] = {
    "due": Keyset((_DUE, False, True), (WorkItem.id, False, False)),
    "opened": Keyset((_OPENED, True, False), (WorkItem.id, False, False)),
    "priority": Keyset((WorkItem.priority, True, False), (_DUE, False, True), (WorkItem.id, False, False)),
}


class Home(NamedTuple):
    """What one must do now: the lists of the first page, short ones, with exact counts."""

    overdue: Page[WorkItem]
    this_week: Page[WorkItem]
    approvals: Page[WorkItem]
    unclaimed: Page[WorkItem]
    unanswered: list[WaitingMessage]
    next_dates: list[FiscalDate]
    red_projects: list[Project]


def inbox_for(
    session: Session,
    actor: Actor,
    now: datetime,
    *,
    view: View = "mine",
    overdue: bool | None = None,
    stage: str | None = None,
    province_id: str | None = None,
    fiscal_year: int | None = None,
    text: str | None = None,
    sort: Sort = "due",
    after: str | None = None,
    limit: int = 50,
    due_before: datetime | None = None,
    approvals: bool = False,
    resting: bool | None = None,
) -> Page[WorkItem]:
    """One page of open work items of active cases: what the person holds, may claim, or oversees.

    `overdue`: only (not) overdue ones. `resting`: only (not) those whose follow-up date is still to come.
    Two statements, whatever the length of the list. Raises PageKeyUnreadable.
    """
    conditions = [*_visible(actor, view), *_filters(now, overdue, stage, province_id, fiscal_year, text)]
    if due_before is not None:
        conditions.append(WorkItem.due_at < due_before)
    if approvals:
        conditions.append(WorkItem.separate_from.is_not(None))
    if resting is not None:
        rests = and_(WorkItem.follow_up_at.is_not(None), WorkItem.follow_up_at > now)
        conditions.append(rests if resting else ~rests)
    conditions.append(Case.state == CaseStatus.ACTIVE)
    counting = select(func.count()).select_from(WorkItem).join(WorkItem.case).where(*conditions)
    total = session.scalar(counting) or 0
    return _page(session, conditions, _SORTS[sort], sort, after, limit, total)


def count_for(
    session: Session, actor: Actor, now: datetime, *, view: View = "mine", overdue: bool | None = None
) -> int:
    """How many there are, for the navigation."""
    conditions = [*_visible(actor, view), *_filters(now, overdue, None, None, None, None)]
    counting = select(func.count()).select_from(WorkItem).join(WorkItem.case)
    return session.scalar(counting.where(*conditions, Case.state == CaseStatus.ACTIVE)) or 0


def waiting_answers(session: Session, actor: Actor, *, asked: bool = False, limit: int = MOST) -> list[WaitingMessage]:
    """The answers of outside parties that somebody of the actor's offices can record, longest awaited first.

    With `asked` only those that a case stands still for.
    """
    offices = [office for office in actor.office_ids if decide(actor, Verb.record_message, OfficeFacts(office)).allowed]
    query = (
        select(WaitingMessage)
        .join(Case, Case.id == WaitingMessage.case_id)
        .where(
            WaitingMessage.office_id.in_(offices),
            WaitingMessage.form_key.is_not(None),
            Case.state == CaseStatus.ACTIVE,
        )
    )
    query = query.order_by(WaitingMessage.since, WaitingMessage.task_id)
    if not asked:
        return list(session.scalars(query.limit(limit)))
    return list(islice((row for row in session.scalars(query) if _was_asked(session, row)), limit))


def _was_asked(session: Session, row: WaitingMessage) -> bool:
    """Whether the case stands still until the answer comes; a request that may come at any time is nobody's debt."""
    case = session.get_one(Case, row.case_id)
    element = compiled(session, case.definition).elements.get(row.element)
    return element is None or element.type != "boundaryEvent"


def home_for(session: Session, actor: Actor, now: datetime) -> Home:
    """The screen that answers "what must I do now?"."""
    dates = select(FiscalDate).where(
        FiscalDate.office_id.in_(actor.office_ids), FiscalDate.date >= (now + timedelta(hours=7)).date()
    )
    projects = select(Project).where(Project.office_id.in_(actor.office_ids), Project.colour == "red")
    return Home(
        overdue=inbox_for(session, actor, now, overdue=True, limit=10),
        this_week=inbox_for(session, actor, now, overdue=False, due_before=now + timedelta(days=7), limit=10),
        approvals=inbox_for(session, actor, now, view="groups", approvals=True, limit=10),
        unclaimed=inbox_for(session, actor, now, view="groups", limit=10),
        unanswered=waiting_answers(session, actor, asked=True, limit=10),
        next_dates=list(session.scalars(dates.order_by(FiscalDate.date, FiscalDate.key).limit(5))),
        red_projects=list(session.scalars(projects.order_by(Project.id).limit(10))),
    )


def _visible(actor: Actor, view: View) -> list[ColumnElement[bool]]:
    """Who sees which work items; the same rule as the policy's, as a condition."""
    if view == "mine":
        return [WorkItem.assignee_id == actor.person_id, WorkItem.state == WorkItemStatus.CLAIMED]
    if view == "groups":
        return [WorkItem.office_id.in_(actor.office_ids), WorkItem.state == WorkItemStatus.READY, _candidate(actor)]
    offices = [office for office in actor.office_ids if decide(actor, Verb.see_team, OfficeFacts(office)).allowed]
    return [WorkItem.office_id.in_(offices), WorkItem.state.in_(OPEN_WORK_ITEM)]


def _candidate(actor: Actor) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [named_candidate(actor), *map(_wears, actor.hats)]
    return exists().where(Candidate.work_item_id == WorkItem.id, or_(false(), *wanted))


def _wears(hat: Hat) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [Candidate.role == hat.role]
    conditions.append(or_(Candidate.province_id.is_(None), Candidate.province_id == hat.province_id))
    if hat.office_id is not None:
        conditions.append(WorkItem.office_id == hat.office_id)
    return and_(*conditions)


def _filters(
    now: datetime,
    overdue: bool | None,
    stage: str | None,
    province_id: str | None,
    fiscal_year: int | None,
    text: str | None,
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if overdue is not None:
        conditions.append(WorkItem.due_at < now if overdue else or_(WorkItem.due_at >= now, WorkItem.due_at.is_(None)))
    if stage:
        conditions.append(WorkItem.stage == stage)
    if province_id:
        conditions.append(WorkItem.province_id == province_id)
    if fiscal_year is not None:
        conditions.append(WorkItem.fiscal_year == fiscal_year)
    conditions += [WorkItem.search.contains(word, autoescape=True) for word in searchable(text).split()]
    return conditions


def _page(
    session: Session,
    conditions: list[ColumnElement[bool]],
    keyset: Keyset,
    sort: Sort,
    after: str | None,
    limit: int,
    total: int,
) -> Page[WorkItem]:
    limit = max(1, min(limit, MOST))
    query = select(WorkItem).join(WorkItem.case).where(*conditions)
    query = query.options(contains_eager(WorkItem.case), joinedload(WorkItem.assignee), joinedload(WorkItem.owner))
    if after:
        query = query.where(keyset.after(after))
    found = list(session.scalars(query.order_by(*keyset.order()).limit(limit + 1)))
    more = len(found) > limit
    return Page(found[:limit], keyset.key_of(_key(found[limit - 1], sort)) if more else None, total)


def _key(item: WorkItem, sort: Sort) -> list[Any]:
    due = instant_text(item.due_at) if item.due_at else None
    if sort == "due":
        return [due, item.id]
    return [instant_text(item.opened_at), item.id] if sort == "opened" else [item.priority, due, item.id]
