"""What the policy needs to know about a case or a work item, gathered with as few questions as will do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import CaseFacts, WorkItemFacts, reads_whole_office
from osm_flow.domain.states import WorkItemStatus
from osm_flow.store.models import Candidate, Case, WorkItem


def case_facts(session: Session, case: Case, actor: Actor) -> CaseFacts:
    """Facts of a case; who takes part in it is only asked for when the actor does not see the whole office anyway."""
    bare = CaseFacts(case.office_id, case.state, case.province_id)
    if actor.is_system or reads_whole_office(actor, case.office_id):
        return bare
    items = select(WorkItem.assignee_id, WorkItem.owner_id, WorkItem.completed_by_id)
    people = {person for row in session.execute(items.where(WorkItem.case_id == case.id)) for person in row}
    candidates = select(Candidate).join(WorkItem).where(WorkItem.case_id == case.id)
    spelled = spell(session.scalars(candidates), actor)
    return CaseFacts(case.office_id, case.state, case.province_id, spelled, frozenset(people - {None}))


def work_item_facts(session: Session, item: WorkItem, actor: Actor) -> WorkItemFacts:
    """Facts of a work item; who completed which element is only asked for when duties are separate."""
    separate = separate_elements(item)
    answered = actor.names_answered
    return WorkItemFacts(
        office_id=item.office_id,
        state=item.state,
        candidates=spell(item.candidates, actor),
        assignee_id=item.assignee_id,
        owner_id=item.owner_id,
        province_id=item.province_id,
        completed_by=completers(session, item.case, separate) if separate else {},
        separate_from=separate,
        names_others=any(one.person_id is not None and one.person_id not in answered for one in item.candidates),
        case_state=item.case.state,
    )


def separate_elements(item: WorkItem) -> tuple[str, ...]:
    """The elements whose completers may not complete this one."""
    return tuple(name.strip() for name in (item.separate_from or "").split(",") if name.strip())


def completers(session: Session, case: Case, elements: Iterable[str]) -> dict[str, frozenset[int]]:
    """Who completed these elements anywhere in the family of the case: itself, its parents, their children."""
    query = (
        select(WorkItem.element, WorkItem.completed_by_id)
        .join(Case)
        .where(
            Case.root_case_id == case.root_case_id,
            WorkItem.element.in_(tuple(elements)),
            WorkItem.state == WorkItemStatus.COMPLETED,
        )
    )
    done_by: dict[str, set[int]] = defaultdict(set)
    for element, person_id in session.execute(query):
        if person_id is not None:
            done_by[element].add(person_id)
    return {element: frozenset(people) for element, people in done_by.items()}


def spell(candidates: Iterable[Candidate], actor: Actor) -> tuple[str, ...]:
    """The candidates as diagrams spell them; people for whom the actor does not answer decide nothing and are left out."""
    answered = actor.names_answered
    spelled = []
    for candidate in candidates:
        if candidate.role is not None:
            spelled.append(f"{candidate.role}@{candidate.province_id}" if candidate.province_id else candidate.role)
        elif candidate.person_id is not None and candidate.person_id in answered:
            spelled.append(f"user:{answered[candidate.person_id]}")
    return tuple(spelled)
