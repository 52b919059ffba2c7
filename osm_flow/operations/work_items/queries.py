"""What a person needs to know around a work item before acting: who sent it, what it asks, who could take it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload, selectinload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.party_answers import answer_in
from osm_flow.domain.access.policy import Reason, Verb, decide, offices_where
from osm_flow.domain.access.roles import STAFF, WORKERS
from osm_flow.domain.journal import is_as_stated
from osm_flow.domain.json import JSON
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import OPEN_WORK_ITEM, CaseStatus
from osm_flow.domain.thai_order import thai_order
from osm_flow.engine.values import Waiting
from osm_flow.operations.ledger.case_journal import payload_of
from osm_flow.operations.people.absence import absences_in
from osm_flow.operations.people.hats import valid_on
from osm_flow.operations.policy_facts import work_item_facts
from osm_flow.operations.stepping import step as stepping
from osm_flow.operations.work_items.access import may_receive
from osm_flow.store.models import (
    Candidate,
    Case,
    Draft,
    JournalPayload,
    JournalRecord,
    Person,
    Position,
    Province,
    WorkItem,
)
from osm_flow.store.sensitive_cases import is_open


@dataclass(frozen=True)
class Choice:
    """Somebody a work item could be given to."""

    username: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Sender:
    """Who did the step that opened a work item, and for whom: a person by post, or a party whose answer it was."""

    name: str
    on_behalf_of: str | None = None
    is_as_stated: bool = False
    answer: JSON | None = None


_FOR = aliased(Person)


def waiting_at(session: Session, item: WorkItem) -> Waiting | None:
    """What the engine waits for at an open work item: what is asked, what its token sees. None once it is closed."""
    if item.state not in OPEN_WORK_ITEM:
        return None
    return next((waiting for waiting in stepping.waiting_of(session, item.case) if waiting.task_id == item.id), None)


def senders(session: Session, items: Collection[WorkItem]) -> dict[str, Sender]:
    """Who did the step that opened each work item, and for whom, by its id; nothing where a timer or another case did."""
    opened = (JournalRecord.case_id == WorkItem.case_id) & (JournalRecord.at == WorkItem.opened_at)
    return _who_did(session, opened, items)


def finishers(session: Session, items: Collection[WorkItem]) -> dict[str, Sender]:
    """Who completed each work item, and for whom, by its id."""
    same = (JournalRecord.case_id == WorkItem.case_id) & (JournalRecord.task_id == WorkItem.id)
    return _who_did(session, same & (JournalRecord.kind == RecordKind.work_item_completed), items)


def _who_did(session: Session, step: ColumnElement[bool], items: Collection[WorkItem]) -> dict[str, Sender]:
    query = (
        select(WorkItem.id, Person.display_name, JournalRecord, JournalPayload.body, _FOR.display_name)
        .join(JournalRecord, step)
        .join(Person, Person.username == JournalRecord.actor)
        .outerjoin(JournalRecord.payload)
        .outerjoin(_FOR, _FOR.username == JournalRecord.on_behalf_of)
        .where(WorkItem.id.in_([item.id for item in items]))
    )
    return {
        id_: Sender(name, meant or record.on_behalf_of, is_as_stated(record), answer_in(payload_of(body)))
        for id_, name, record, body, meant in session.execute(query)
    }


def choices_for(session: Session, item: WorkItem, today: date) -> list[Choice]:
    """People who may receive the work item: its candidates and who acts or signs for one, by the policy's word.

    By name, those who are away after the others: their stand-ins are among them.
    """
    named = [candidate.person_id for candidate in item.candidates if candidate.person_id is not None]
    drawn = [candidate.role for candidate in item.candidates if candidate.role is not None]
    here = (or_(Position.office_id == item.office_id, Position.office_id.is_(None)), *valid_on(today))
    may_be_meant = or_(Position.role.in_(drawn), Position.person_id.in_(named), Position.for_person_id.in_(named))
    meant = select(Position.person_id).where(*here, may_be_meant)
    query = select(Person, Position.role).join(Position, Position.person_id == Person.id).order_by(Person.id)
    roles: dict[Person, list[str]] = {}
    for person, role in session.execute(query.where(*here, Person.id.in_(meant), Person.locked_at.is_(None))):
        roles.setdefault(person, []).append(role)
    roles = {one: worn for one, worn in roles.items() if may_receive(session, item, one, today) is Reason.ok}
    absences = absences_in(session, item.office_id, today)
    people = sorted(roles, key=lambda person: (absences.is_away(person), thai_order(person.display_name)))
    return [Choice(person.username, person.display_name, tuple(dict.fromkeys(roles[person]))) for person in people]


def asks_outside(candidates: Iterable[str]) -> list[str]:
    """The candidates who are no staff of the office: provinces, agencies, members of the committee."""
    return [spelled for spelled in candidates if spelled.partition("@")[0] in WORKERS - STAFF]


def unanswered_items(session: Session, actor: Actor, *, limit: int = 10) -> list[WorkItem]:
    """What the office asked of provinces and agencies and has no answer to, for those who look after the answers."""
    offices = offices_where(actor, Verb.record_message)
    asked = select(Candidate.id).where(Candidate.work_item_id == WorkItem.id, Candidate.role.in_(WORKERS - STAFF))
    query = (
        select(WorkItem)
        .join(WorkItem.case)
        .where(WorkItem.office_id.in_(offices), WorkItem.state.in_(OPEN_WORK_ITEM), asked.exists())
        .where(Case.state == CaseStatus.ACTIVE, is_open(actor))
        .options(contains_eager(WorkItem.case), joinedload(WorkItem.assignee), selectinload(WorkItem.candidates))
        .order_by(WorkItem.due_at.is_(None), WorkItem.due_at, WorkItem.id)
    )
    return list(session.scalars(query.limit(limit)))


def provinces_of(session: Session, offices: Iterable[str]) -> list[Province]:
    """The provinces of these offices in Thai order."""
    found = session.scalars(select(Province).where(Province.office_id.in_(list(offices))))
    return sorted(found, key=lambda province: thai_order(province.name_th))


def item_names(session: Session, ids: Iterable[str], actor: Actor) -> dict[str, WorkItem]:
    """What those of these work items are called and are about that the actor may see, by id."""
    query = select(WorkItem).where(WorkItem.id.in_(list(ids)), WorkItem.office_id.in_(actor.office_ids))
    found = session.scalars(query.options(joinedload(WorkItem.case), selectinload(WorkItem.candidates)))
    seen = (item for item in found if decide(actor, Verb.see_work_item, work_item_facts(session, item, actor)).allowed)
    return {item.id: item for item in seen}


def subjects_of(session: Session, ids: Collection[str]) -> dict[str, str]:
    """What each of these work items is about, by id; nothing for those that do not say."""
    query = select(WorkItem.id, WorkItem.subject).where(WorkItem.id.in_(ids), WorkItem.subject != "")
    return dict(session.execute(query).all()) if ids else {}


def draft_saved_at(session: Session, item: WorkItem, actor: Actor) -> datetime | None:
    """When the actor's draft of this work item was kept, if there is one."""
    mine = select(Draft.saved_at).where(Draft.work_item_id == item.id, Draft.person_id == actor.person_id)
    return session.scalar(mine)


def form_keys_of(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Which form each of these work items has, by id; nothing for those without one."""
    query = select(WorkItem.id, WorkItem.form_key).where(WorkItem.id.in_(ids), WorkItem.form_key.is_not(None))
    return {work_item_id: form_key for work_item_id, form_key in session.execute(query) if form_key}
