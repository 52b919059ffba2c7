"""How much each person of the team holds, and what nobody has claimed yet; for heads who share out the work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole, Verb, offices_where
from osm_flow.domain.access.roles import STAFF
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.states import OPEN_WORK_ITEM, WorkItemStatus
from osm_flow.domain.thai_order import thai_order
from osm_flow.operations.people.hats import PersonNotFound, valid_on
from osm_flow.store.models import Candidate, Person, Position, WorkItem
from osm_flow.store.sensitive_cases import is_open

SOON = timedelta(days=7)


@dataclass(frozen=True)
class PersonLoad:
    """The work items that one person holds; `roles` are the hats they wear today in these offices."""

    person_id: int
    name: str
    roles: tuple[str, ...]
    open: int
    overdue: int
    due_soon: int


@dataclass(frozen=True)
class RoleLoad:
    """Work items that wait for somebody of this role (in one province) to claim them."""

    role: str
    province_id: str | None
    open: int
    overdue: int
    due_soon: int


@dataclass(frozen=True)
class Workload:
    """The whole team at a glance: `people` by who is most behind, `roles` by what waits longest unclaimed."""

    open: int
    overdue: int
    unclaimed: int
    people: tuple[PersonLoad, ...]
    roles: tuple[RoleLoad, ...]


def workload_for(session: Session, actor: Actor, now: datetime) -> Workload:
    """The open work of every office whose team this actor may see. Raises NotYourRole when there is none."""
    offices = _offices(actor)
    held = {row.assignee_id: row for row in session.execute(_held(offices, actor, now)) if row.assignee_id}
    free = session.execute(_counts(now).where(*_open_in(offices, actor), WorkItem.assignee_id.is_(None))).one()
    people = _people(session, offices, local_day(now), held)
    return Workload(
        open=free.open + sum(row.open for row in held.values()),
        overdue=(free.overdue or 0) + sum(row.overdue for row in held.values()),
        unclaimed=free.open,
        people=tuple(sorted(people, key=lambda load: (-load.overdue, -load.open, thai_order(load.name)))),
        roles=tuple(_roles(session, offices, actor, now)),
    )


def items_of(session: Session, person_id: int, actor: Actor) -> tuple[Person, list[WorkItem]]:
    """The open work items that a person of the team holds, soonest due first. Raises PersonNotFound, NotYourRole."""
    offices = _offices(actor)
    works_here = select(Position.id).where(Position.person_id == person_id, Position.office_id.in_(offices)).exists()
    holds_here = select(WorkItem.id).where(*_open_in(offices, actor), WorkItem.assignee_id == person_id).exists()
    person = session.scalars(select(Person).where(Person.id == person_id, or_(works_here, holds_here))).one_or_none()
    if person is None:
        raise PersonNotFound(person_id=person_id)
    query = select(WorkItem).where(*_open_in(offices, actor), WorkItem.assignee_id == person_id)
    query = query.options(joinedload(WorkItem.case)).order_by(WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.id)
    return person, list(session.scalars(query))


def _offices(actor: Actor) -> tuple[str, ...]:
    offices = offices_where(actor, Verb.see_team)
    if not offices:
        raise NotYourRole
    return offices


def _open_in(offices: Iterable[str], actor: Actor) -> tuple[ColumnElement[bool], ...]:
    here = WorkItem.office_id.in_(list(offices))
    return here, WorkItem.state.in_(OPEN_WORK_ITEM), is_open(actor, WorkItem.case_id)


def _counts(now: datetime, *columns: Any) -> Select[Any]:
    late = and_(WorkItem.due_at.is_not(None), WorkItem.due_at < now)
    soon = and_(WorkItem.due_at >= now, WorkItem.due_at < now + SOON)
    return select(
        *columns,
        func.count().label("open"),
        func.sum(case((late, 1), else_=0)).label("overdue"),
        func.sum(case((soon, 1), else_=0)).label("due_soon"),
    ).select_from(WorkItem)


def _held(offices: Sequence[str], actor: Actor, now: datetime) -> Select[Any]:
    return _counts(now, WorkItem.assignee_id).where(*_open_in(offices, actor)).group_by(WorkItem.assignee_id)


def _people(session: Session, offices: Sequence[str], today: date, held: dict[int, Any]) -> list[PersonLoad]:
    """Everyone who holds a post of the office today, and whoever else holds one of its work items."""
    posts = select(Position.person_id, Position.role).where(
        Position.office_id.in_(offices),
        or_(Position.role.in_(STAFF), Position.person_id.in_(held)),
        *valid_on(today),
    )
    roles: dict[int, list[str]] = {person_id: [] for person_id in held}
    for person_id, role in session.execute(posts):
        roles.setdefault(person_id, []).append(role)
    names = session.execute(select(Person.id, Person.display_name).where(Person.id.in_(roles)))
    return [
        PersonLoad(
            person_id,
            name,
            tuple(sorted(set(roles[person_id]))),
            *(
                (held[person_id].open, held[person_id].overdue, held[person_id].due_soon)
                if person_id in held
                else (0, 0, 0)
            ),
        )
        for person_id, name in names
    ]


def _roles(session: Session, offices: Sequence[str], actor: Actor, now: datetime) -> list[RoleLoad]:
    query = (
        _counts(now, Candidate.role, Candidate.province_id)
        .join(Candidate, Candidate.work_item_id == WorkItem.id)
        .where(*_open_in(offices, actor), WorkItem.state == WorkItemStatus.READY, Candidate.role.is_not(None))
        .group_by(Candidate.role, Candidate.province_id)
    )
    rows = [RoleLoad(*row) for row in session.execute(query)]
    return sorted(rows, key=lambda row: (-row.overdue, -row.open, row.role, row.province_id or ""))
