"""What the policy needs to know about a case or a work item, gathered with as few questions as will do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import CaseFacts, WorkItemFacts, reads_whole_office
from osm_flow.domain.access.separation import STARTED_BY, Done, elements_of, kept_apart
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import WorkItemStatus
from osm_flow.store.models import Candidate, Case, JournalRecord, Person, WorkItem


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
    """Facts of a work item, among them who completed what it is kept apart from."""
    separate = elements_of(item.separate_from)
    apart = _by_every_account(session, kept_apart(item.element, separate, item.opened_at, _done_around(session, item)))
    answered = actor.names_answered
    return WorkItemFacts(
        office_id=item.office_id,
        state=item.state,
        candidates=spell(item.candidates, actor),
        assignee_id=item.assignee_id,
        owner_id=item.owner_id,
        province_id=item.province_id,
        completed_by=apart,
        separate_from=tuple(dict.fromkeys((*separate, *apart))),
        names_others=any(one.person_id is not None and one.person_id not in answered for one in item.candidates),
        case_state=item.case.state,
        done_by_id=item.completed_by_id,
    )


def _by_every_account(session: Session, apart: Mapping[str, frozenset[int]]) -> Mapping[str, frozenset[int]]:
    """The same people by the ids of all their accounts: whoever has two is one person in every separation."""
    people = frozenset[int]().union(*apart.values())
    if not people:
        return apart
    other = aliased(Person)
    query = select(Person.id, other.id).join(other, other.one_person == Person.one_person).where(Person.id.in_(people))
    accounts: dict[int, set[int]] = defaultdict(set)
    for person_id, account_id in session.execute(query):
        accounts[person_id].add(account_id)
    return {name: those.union(*(accounts[one] for one in those)) for name, those in apart.items()}


def _done_around(session: Session, item: WorkItem) -> Iterator[Done]:
    """What was completed in the family of the case (itself, its parents, their children) and may keep people apart."""
    names = elements_of(item.separate_from)
    principal = aliased(Person)
    query = (
        select(WorkItem.element, WorkItem.completed_by_id, principal.id, WorkItem.separate_from, WorkItem.closed_at)
        .join(Case)
        .outerjoin(principal, principal.username == WorkItem.on_behalf_of)
        .where(
            Case.root_case_id == item.case.root_case_id,
            or_(WorkItem.element.in_(names), WorkItem.separate_from.is_not(None)),
            WorkItem.state == WorkItemStatus.COMPLETED,
        )
    )
    for element, doer, for_whom, separate_from, closed_at in session.execute(query):
        people = frozenset(one for one in (doer, for_whom) if one is not None)
        yield Done(element, people, elements_of(separate_from), closed_at)
    if names:
        yield from _answers_written_down(session, item, names)
    if STARTED_BY in names:
        starter = select(Person.id).where(Person.username == item.case.started_by)
        yield Done(STARTED_BY, frozenset(session.scalars(starter)))


def _answers_written_down(session: Session, item: WorkItem, names: tuple[str, ...]) -> Iterator[Done]:
    """Whoever wrote down a party's answer to a message did so: what follows must be checked by others."""
    query = (
        select(JournalRecord.element, Person.id)
        .join(Case, Case.id == JournalRecord.case_id)
        .join(Person, Person.username.in_((JournalRecord.actor, JournalRecord.on_behalf_of)))
        .where(
            Case.root_case_id == item.case.root_case_id,
            JournalRecord.element.in_(names),
            JournalRecord.kind == RecordKind.message_received,
        )
    )
    for element, person_id in session.execute(query):
        yield Done(element or "", frozenset({person_id}))


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
