"""The inbox: the work items a person may see, filtered, sorted, paged by key, counted exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, String, and_, exists, func, or_, select, type_coerce
from sqlalchemy.orm import Session, contains_eager, joinedload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import Verb, offices_where, reads_whole_office
from osm_flow.domain.access.roles import PROVINCIAL
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.pages import Page
from osm_flow.domain.search import asked
from osm_flow.domain.states import OPEN_WORK_ITEM, CaseStatus, WorkItemStatus
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.paging import MOST, Keyset
from osm_flow.operations.people.absence import named_candidate
from osm_flow.store.database import instant_text
from osm_flow.store.models import Candidate, Case, FiscalDate, Project, WaitingMessage, WorkItem
from osm_flow.store.sensitive_cases import is_open

View = Literal["mine", "groups", "team"]
Sort = Literal["due", "opened", "priority"]

# Instants are text in the database; a key carries that very text.
_DUE = type_coerce(WorkItem.due_at, String)
_OPENED = type_coerce(WorkItem.opened_at, String)
# Each order with what a work item has in its columns.
_SORTS: dict[Sort, tuple[Keyset, Callable[[WorkItem], list[Any]]]] = {
    "due": (Keyset((_DUE, False, True), (WorkItem.id, False, False)), lambda item: [_due(item), item.id]),
    "opened": (
        Keyset((_OPENED, True, False), (WorkItem.id, False, False)),
        lambda item: [instant_text(item.opened_at), item.id],
    ),
    "priority": (
        Keyset((WorkItem.priority, True, False), (_DUE, False, True), (WorkItem.id, False, False)),
        lambda item: [item.priority, _due(item), item.id],
    ),
}


@dataclass(frozen=True)
class InboxFilter:
    """Which open work items are asked for, and in which order; None asks for nothing.

    view        what the person holds (`mine`), may claim (`groups`) or oversees (`team`).
    overdue     only (not) overdue ones.
    due_before  only those that are due before then.
    approvals   only those that somebody else must do than who did an earlier step.
    resting     only (not) those whose follow-up date is still to come.
    """

    view: View = "mine"
    overdue: bool | None = None
    stage: str | None = None
    province_id: str | None = None
    fiscal_year: int | None = None
    text: str | None = None
    due_before: datetime | None = None
    approvals: bool = False
    resting: bool | None = None
    sort: Sort = "due"


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
    wanted: InboxFilter = InboxFilter(),
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[WorkItem]:
    """One page of open work items of active cases: what the person holds, may claim, or oversees.

    Two statements, whatever the length of the list. Raises PageKeyUnreadable.
    """
    total = count_for(session, actor, now, wanted)
    query = select(WorkItem).join(WorkItem.case).where(*_conditions(actor, now, wanted))
    query = query.options(contains_eager(WorkItem.case), joinedload(WorkItem.assignee), joinedload(WorkItem.owner))
    keyset, values = _SORTS[wanted.sort]
    items, following = keyset.page(session, query, values, after, limit)
    return Page(items, following, total)


def count_for(session: Session, actor: Actor, now: datetime, wanted: InboxFilter) -> int:
    """How many open work items `wanted` finds for the person."""
    counting = select(func.count()).select_from(WorkItem).join(WorkItem.case)
    return session.scalar(counting.where(*_conditions(actor, now, wanted))) or 0


def waiting_answers(session: Session, actor: Actor, *, asked: bool = False, limit: int = MOST) -> list[WaitingMessage]:
    """The answers of outside parties that somebody of the actor's offices can record, longest awaited first.

    With `asked` only those that a case stands still for.
    """
    offices = offices_where(actor, Verb.record_message)
    query = (
        select(WaitingMessage)
        .join(Case, Case.id == WaitingMessage.case_id)
        .where(
            WaitingMessage.office_id.in_(offices),
            WaitingMessage.form_key.is_not(None),
            Case.state == CaseStatus.ACTIVE,
            is_open(actor),
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
    dates = select(FiscalDate).where(FiscalDate.office_id.in_(actor.office_ids), FiscalDate.date >= local_day(now))
    projects = select(Project).where(projects_seen(actor), Project.colour == "red")
    in_a_week = now + timedelta(days=7)
    return Home(
        overdue=inbox_for(session, actor, now, InboxFilter(overdue=True), limit=10),
        this_week=inbox_for(session, actor, now, InboxFilter(overdue=False, due_before=in_a_week), limit=10),
        approvals=inbox_for(session, actor, now, InboxFilter("groups", approvals=True), limit=10),
        unclaimed=inbox_for(session, actor, now, InboxFilter("groups"), limit=10),
        unanswered=waiting_answers(session, actor, asked=True, limit=10),
        next_dates=list(session.scalars(dates.order_by(FiscalDate.date, FiscalDate.key).limit(5))),
        red_projects=list(session.scalars(projects.order_by(Project.id).limit(10))),
    )


def projects_seen(actor: Actor) -> ColumnElement[bool]:
    """Whose projects and money the actor may read: of whole offices, of their province, of nobody else."""
    whole = [office for office in actor.office_ids if reads_whole_office(actor, office)]
    provinces = [hat.province_id for hat in actor.hats if hat.role in PROVINCIAL and hat.province_id]
    of_provinces = and_(Project.office_id.in_(actor.office_ids), Project.province_id.in_(provinces))
    return or_(Project.office_id.in_(whole), of_provinces)


def _visible(actor: Actor, view: View) -> list[ColumnElement[bool]]:
    """Who sees which work items; the same rule as the policy's, as a condition."""
    if view == "mine":
        return [WorkItem.assignee_id == actor.person_id, WorkItem.state == WorkItemStatus.CLAIMED]
    if view == "groups":
        return [WorkItem.office_id.in_(actor.office_ids), WorkItem.state == WorkItemStatus.READY, is_candidate(actor)]
    offices = offices_where(actor, Verb.see_team)
    return [WorkItem.office_id.in_(offices), WorkItem.state.in_(OPEN_WORK_ITEM), is_open(actor)]


def is_candidate(actor: Actor) -> ColumnElement[bool]:
    """That the actor may claim the work item: the rule of `Actor.hat_for` as a condition on WorkItem."""
    wanted = [named_candidate(actor), *map(_fits, actor.hats)]
    return exists().where(Candidate.work_item_id == WorkItem.id, or_(*wanted)).correlate(WorkItem)


def _fits(hat: Hat) -> ColumnElement[bool]:
    conditions = [
        Candidate.role == hat.role,
        or_(Candidate.province_id.is_(None), Candidate.province_id == hat.province_id),
    ]
    if hat.office_id is not None:
        conditions.append(WorkItem.office_id == hat.office_id)
    return and_(*conditions)


def _conditions(actor: Actor, now: datetime, wanted: InboxFilter) -> list[ColumnElement[bool]]:
    conditions = [*_visible(actor, wanted.view), Case.state == CaseStatus.ACTIVE]
    if wanted.overdue is not None:
        late = WorkItem.due_at < now
        conditions.append(late if wanted.overdue else or_(WorkItem.due_at >= now, WorkItem.due_at.is_(None)))
    for column, value in (
        (WorkItem.stage, wanted.stage),
        (WorkItem.province_id, wanted.province_id),
        (WorkItem.fiscal_year, wanted.fiscal_year),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.due_before is not None:
        conditions.append(WorkItem.due_at < wanted.due_before)
    if wanted.approvals:
        conditions.append(WorkItem.separate_from.is_not(None))
    if wanted.resting is not None:
        rests = and_(WorkItem.follow_up_at.is_not(None), WorkItem.follow_up_at > now)
        conditions.append(rests if wanted.resting else ~rests)
    if spellings := asked(wanted.text):
        of_words = ([WorkItem.search.contains(word, autoescape=True) for word in words.split()] for words in spellings)
        conditions.append(or_(*(and_(*every) for every in of_words)))
    return conditions


def _due(item: WorkItem) -> str | None:
    return instant_text(item.due_at) if item.due_at else None
