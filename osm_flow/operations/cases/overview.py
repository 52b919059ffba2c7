"""What a case's page shows at the top: stages passed, people in it, what it waits for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.stages import STAGES
from osm_flow.domain.states import OPEN_CASE, OPEN_WORK_ITEM, CaseStatus, WorkItemStatus
from osm_flow.operations.cases.acts import AnsweredAlready, NotAwaited, visible
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.stepping.step import waiting_of
from osm_flow.store.models import (
    Case,
    Incident,
    JournalRecord,
    Person,
    ProcessDefinition,
    Timer,
    WaitingMessage,
    WorkItem,
)

StageState = Literal["done", "now", "late", "next"]


@dataclass(frozen=True)
class StageMark:
    """How far one stage of the cycle has come in a case and its relatives."""

    stage: str
    state: StageState


def stage_track(session: Session, case: Case, now: datetime) -> list[StageMark]:
    """The stages of the cycle as far as the case and its relatives have come; empty for a case outside the cycle.

    What has nothing yet lies ahead only after the last stage that was begun; before it, it is no part of this family.
    """
    family = Case.root_case_id == case.root_case_id
    states: dict[str, set[StageState]] = {}
    for stage, state in session.execute(select(Case.stage, Case.state).where(family)):
        if stage and state != CaseStatus.CANCELLED:
            states.setdefault(stage, set()).add("now" if state in OPEN_CASE else "done")
    items = select(WorkItem.stage, WorkItem.state, WorkItem.due_at).join(Case).where(family)
    items = items.where(WorkItem.state != WorkItemStatus.CANCELLED, Case.state != CaseStatus.CANCELLED)
    for stage, state, due_at in session.execute(items.distinct()):
        if stage:
            late = state in OPEN_WORK_ITEM and due_at is not None and due_at < now
            states.setdefault(stage, set()).add("late" if late else "now" if state in OPEN_WORK_ITEM else "done")
    touched = [stage for stage in STAGES if stage in states]
    if not touched:
        return []
    stands_alone = case.root_case_id == case.id and "stage" in compiled(session, case.definition).properties
    order = list(STAGES)
    ahead = () if stands_alone and len(touched) == 1 else order[order.index(touched[-1]) + 1 :]
    return [
        StageMark(stage, _foremost(states.get(stage, set()))) for stage in order if stage in states or stage in ahead
    ]


def _foremost(states: set[StageState]) -> StageState:
    return next((state for state in ("late", "now", "done") if state in states), "next")


def open_items_of(session: Session, case: Case) -> list[WorkItem]:
    """The open work items of a case with their people and candidates, soonest due first."""
    query = (
        select(WorkItem)
        .where(WorkItem.case_id == case.id, WorkItem.state.in_(OPEN_WORK_ITEM))
        .options(joinedload(WorkItem.candidates), joinedload(WorkItem.assignee), joinedload(WorkItem.case))
        .order_by(WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.id)
    )
    return list(session.scalars(query).unique())


def people_of(session: Session, case: Case) -> list[tuple[str, str, WorkItem]]:
    """The people who work or worked in the case, by name and user name, each with the work item that they did last or
    hold now: two people of one name are two."""
    done, open_ = WorkItem.state == WorkItemStatus.COMPLETED, WorkItem.state == WorkItemStatus.CLAIMED
    theirs = or_(and_(done, Person.id == WorkItem.completed_by_id), and_(open_, Person.id == WorkItem.assignee_id))
    query = select(Person.display_name, Person.username, WorkItem).join(Person, theirs)
    rows = session.execute(query.where(WorkItem.case_id == case.id).order_by(WorkItem.opened_at))
    newest = {username: (name, item) for name, username, item in rows}
    return [(name, username, item) for username, (name, item) in newest.items()]


def titles_of(session: Session, case_ids: Iterable[str]) -> dict[str, str]:
    """The titles of cases by id."""
    rows = session.execute(select(Case.id, Case.title).where(Case.id.in_(set(case_ids))))
    return dict(rows.all())


def headings_of(session: Session, case_ids: Iterable[str]) -> dict[str, str]:
    """Number and title of cases by id, of those that may be seen."""
    rows = session.execute(select(Case.id, Case.business_key, Case.title).where(Case.id.in_(set(case_ids))))
    return {case_id: f"{business_key} · {title}" for case_id, business_key, title in rows}


def awaited_of(session: Session, case: Case) -> list[WaitingMessage]:
    """The answers from outside that the case waits for, longest awaited first."""
    query = select(WaitingMessage).where(WaitingMessage.case_id == case.id)
    return list(session.scalars(query.order_by(WaitingMessage.since, WaitingMessage.task_id)))


def awaited_answer(session: Session, case: Case, task_id: str) -> WaitingMessage:
    """An answer from outside that is awaited, by its task. Raises NotAwaited; AnsweredAlready, which names who wrote it down."""
    row = session.get(WaitingMessage, task_id)
    if row is None or row.case_id != case.id:
        written = select(JournalRecord.actor).where(
            JournalRecord.case_id == case.id,
            JournalRecord.task_id == task_id,
            JournalRecord.kind == RecordKind.message_received,
        )
        if (username := session.scalar(written.limit(1))) is not None:
            name = session.scalar(select(Person.display_name).where(Person.username == username))
            raise AnsweredAlready(name=name or username, case_id=case.id)
        raise NotAwaited(task_id=task_id)
    return row


def timers_of(session: Session, case: Case) -> list[Timer]:
    """The timers that the case waits for, soonest first."""
    return list(session.scalars(select(Timer).where(Timer.case_id == case.id).order_by(Timer.due_at, Timer.task_id)))


def waits(session: Session, case: Case) -> bool:
    """Whether the running case waits for anything that can still happen: a person, an answer, a time, a child case."""
    return case.state in OPEN_CASE and bool(waiting_of(session, case))


def open_incidents_of(session: Session, case: Case) -> list[Incident]:
    """The open incidents of the case, oldest first."""
    query = select(Incident).where(Incident.case_id == case.id, Incident.resolved_at.is_(None))
    return list(session.scalars(query.order_by(Incident.id)))


def running_by_definition(session: Session, key: str, actor: Actor) -> dict[int, int]:
    """The numbers of running cases that the actor may see by version of a process."""
    query = (
        select(Case.definition_id, func.count())
        .join(Case.definition)
        .where(ProcessDefinition.key == key, visible(actor), Case.state.in_(OPEN_CASE))
    )
    return dict(session.execute(query.group_by(Case.definition_id)).all())
