"""Getting at a work item: found, its case locked, the actor allowed; and recording what is done to it."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.access.policy import (
    Decision,
    DutiesAreSeparate,
    HeldBySomeoneElse,
    NotYourRole,
    NotYoursToChoose,
    Reason,
    Verb,
    WorkItemFacts,
    decide,
    reads_whole_office,
    require,
)
from osm_flow.domain.acts import Act
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_WORK_ITEM, WorkItemStatus
from osm_flow.errors import Invalid, NotFound, Refused
from osm_flow.operations.ledger.case_journal import payload_of
from osm_flow.operations.people.hats import actor_for
from osm_flow.operations.policy_facts import work_item_facts
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, JournalPayload, JournalRecord, Person, WorkItem
from osm_flow.store.session import CaseNotFound, lock_case_of
from osm_flow.store.unit_of_work import ReadOnce

_READ_UNDER_LOCK: ReadOnce[str, WorkItem] = ReadOnce()


class WorkItemNotFound(NotFound):
    """There is no such work item."""

    is_told_alike = True


class AlreadyHeld(HeldBySomeoneElse):
    """{name} already holds this work item."""


class AlreadyCompleted(Refused):
    """{name} already completed this work item."""


class AlreadyAnswered(AlreadyCompleted):
    """{name} already wrote down the answer of {party}: this work item is completed."""


class NoLongerNeeded(Refused):
    """This work item is no longer needed: the case has moved on without it."""


class MayNotReceive(NotYourRole):
    """{name} may not receive this work item: it was drawn for other roles, in which they do not stand today."""


class ReceiverSeparate(DutiesAreSeparate):
    """{name} did an earlier step of this case that must be checked by somebody else."""


class ReceiverChosen(NotYoursToChoose):
    """{name} may not receive this work item: their post came from somebody whose work it checks, or they chose who checks theirs."""


class PersonUnknown(Invalid):
    """There is nobody with this user name who could take the work item."""


def get_work_item(session: Session, work_item_id: str, actor: Actor) -> WorkItem:
    """The work item with its case, candidates and people. Raises WorkItemNotFound; NotFound for a foreign office's."""
    item = session.scalars(_whole(), {"id": work_item_id}).unique().one_or_none()
    if item is None:
        raise WorkItemNotFound(work_item_id=work_item_id)
    require(actor, Verb.see_work_item, work_item_facts(session, item, actor))
    return item


def locked_item(session: Session, work_item_id: str, actor: Actor, verb: Verb) -> tuple[WorkItem, Decision]:
    """The work item with its case locked, once the policy allows this verb to the actor and while it is open."""
    item, facts = lock_item(session, work_item_id, actor)
    return item, allowed(session, item, actor, verb, facts)


def allowed(session: Session, item: WorkItem, actor: Actor, verb: Verb, facts: WorkItemFacts) -> Decision:
    """What the policy says of this verb, while the work item is open. Raises what `refuse_closed` and `require` raise."""
    refuse_closed(session, item)
    return require(actor, verb, facts)


def lock_item(session: Session, work_item_id: str, actor: Actor) -> tuple[WorkItem, WorkItemFacts]:
    """The work item with its case locked, and its facts. What the actor may not see does not exist for them.

    A transaction that holds the case's lock reads the work item once.
    """
    # First the case, then the work item: everybody locks in this order, so that no two acts can wait for each other. Whoever
    # loses the race for the case reads the work item as the winner left it, and is told by `refuse_closed` who that was.
    known = _READ_UNDER_LOCK.of(session)
    item = known.get(work_item_id)
    if item is None:
        item = known[work_item_id] = _lock(session, work_item_id)
    facts = work_item_facts(session, item, actor)
    require(actor, Verb.see_work_item, facts)
    return item, facts


def _lock(session: Session, work_item_id: str) -> WorkItem:
    try:
        case = lock_case_of(session, work_item_id)
    except CaseNotFound:
        raise WorkItemNotFound(work_item_id=work_item_id) from None
    # Read anew: it may have changed between the moment the page was read and the moment the lock was granted.
    item = session.scalars(_anew(), {"id": work_item_id}).unique().one()
    set_committed_value(item, "case", case)
    return item


def record_on(
    session: Session, item: WorkItem, actor: Actor, now: datetime, kind: RecordKind, data: JSON, decision: Decision
) -> None:
    """Record an act on the work item that does not move its case."""
    stepping.refuse_unless_active(item.case)
    stepping.note(session, item.case, actor, now, Act.allowed(kind, decision, item.element, item.id), data)


def may_receive(session: Session, item: WorkItem, person: Person, today: date) -> Reason:
    """Whether the person may be given the work item, whoever gives it and in whatever way: `ok`, else why not.

    Only a candidate receives it, or who holds an acting or delegated post of one, and nobody whose duties are separate.
    """
    if person.locked_at is not None:
        return Reason.role
    receiver = actor_for(session, person, today)
    return decide(receiver, Verb.receive, work_item_facts(session, item, receiver)).reason


def receiver_named(session: Session, item: WorkItem, username: str, actor: Actor, today: date) -> Person:
    """The person to whom the actor gives the work item. Raises PersonUnknown, MayNotReceive, ReceiverSeparate, ReceiverChosen.

    Why somebody may not receive it, and what they are called, is told of people of its office to who reads all of that.
    """
    person = session.scalars(select(Person).where(Person.username == username)).one_or_none()
    reason = may_receive(session, item, person, today) if person is not None else Reason.role
    is_told = person is not None and (reason is Reason.ok or _knows(session, item, actor, person, today))
    if person is None or person.locked_at is not None or not is_told:
        raise PersonUnknown(fields={"to_username": PersonUnknown.__doc__ or ""}, username=username)
    match reason:
        case Reason.role | Reason.foreign | Reason.closed:
            raise MayNotReceive(name=person.display_name)
        case Reason.separated:
            raise ReceiverSeparate(name=person.display_name)
        case Reason.chosen | Reason.chooser:
            raise ReceiverChosen(name=person.display_name)
    return person


def _knows(session: Session, item: WorkItem, actor: Actor, person: Person, today: date) -> bool:
    """Whether the actor reads the whole office of the work item, and the person holds a position in it today."""
    if not (actor.is_system or reads_whole_office(actor, item.office_id)):
        return False
    return any(hat.office_id == item.office_id for hat in actor_for(session, person, today).hats)


def refuse_closed(session: Session, item: WorkItem) -> None:
    """Raises AlreadyCompleted, AlreadyAnswered or NoLongerNeeded, which say what happened to the work item."""
    if item.state in OPEN_WORK_ITEM:
        return
    if item.state == WorkItemStatus.COMPLETED:
        name, answer = person_name(session, item.completed_by_id), _answer_written_down(session, item)
        if answer is not None:
            party = answer.get("party_name") or answer.get("answerer")
            raise AlreadyAnswered(name=name, party=party, work_item_id=item.id)
        raise AlreadyCompleted(name=name, work_item_id=item.id)
    raise NoLongerNeeded(work_item_id=item.id)


def _answer_written_down(session: Session, item: WorkItem) -> JSON | None:
    """The answer of a party outside that completing the work item wrote down, if it did."""
    query = select(JournalPayload.body).join(JournalRecord.payload).where(JournalRecord.case_id == item.case_id)
    completed = query.where(JournalRecord.task_id == item.id, JournalRecord.kind == RecordKind.work_item_completed)
    return answer_in(payload_of(session.scalars(completed.limit(1)).first()))


def refuse_held(session: Session, item: WorkItem, actor: Actor) -> None:
    """Raises AlreadyHeld, which names who holds the work item, unless the actor or nobody does."""
    if item.assignee_id not in (None, actor.person_id):
        raise AlreadyHeld(name=person_name(session, item.assignee_id), work_item_id=item.id)


def person_name(session: Session, person_id: int | None) -> str:
    """The name of the person; empty for nobody."""
    return session.scalar(select(Person.display_name).where(Person.id == person_id)) or ""


@cache
def _anew() -> Select[WorkItem]:
    query = select(WorkItem).where(WorkItem.id == bindparam("id")).options(joinedload(WorkItem.candidates))
    return query.execution_options(populate_existing=True)


@cache
def _whole() -> Select[WorkItem]:
    query = select(WorkItem).where(WorkItem.id == bindparam("id"))
    return query.options(
        joinedload(WorkItem.case, innerjoin=True).joinedload(Case.definition, innerjoin=True),
        joinedload(WorkItem.candidates),
        joinedload(WorkItem.assignee),
        joinedload(WorkItem.owner),
        joinedload(WorkItem.completed_by),
    )
