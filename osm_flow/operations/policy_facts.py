"""What the policy needs to know about a case or a work item, gathered with as few questions as will do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import CaseFacts, Circle, WorkItemFacts, reads_whole_office
from osm_flow.domain.access.separation import STARTED_BY, Done, counting, elements_of, kept_apart
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.states import WorkItemStatus
from osm_flow.store.models import Candidate, Case, JournalRecord, Person, Position, WorkItem
from osm_flow.store.sensitive_cases import EVERYTHING, people_in

_CHOOSING = (RecordKind.work_item_delegated, RecordKind.work_item_reassigned)


def case_facts(session: Session, case: Case, actor: Actor) -> CaseFacts:
    """Facts of a case; who takes part in it is only asked for when that decides what the actor sees."""
    bare = CaseFacts(case.office_id, case.state, case.province_id)
    reads_all = actor.is_system or reads_whole_office(actor, case.office_id)
    if reads_all and (actor.is_system or not case.is_sensitive):
        return bare
    items = select(WorkItem.assignee_id, WorkItem.owner_id, WorkItem.completed_by_id)
    rows = session.execute(items.where(WorkItem.case_id == case.id), execution_options=EVERYTHING)
    people = frozenset({person for row in rows for person in row} - {None})
    spelled = _asked_in(session, case, actor)
    return replace(bare, candidates=spelled, people=people, circle=_circle(session, case, actor))


def _asked_in(session: Session, case: Case, actor: Actor) -> tuple[str, ...]:
    """The candidates of all work items of the case, past and present."""
    candidates = select(Candidate).join(WorkItem).where(WorkItem.case_id == case.id)
    return spell(session.scalars(candidates, execution_options=EVERYTHING), actor)


def _circle(session: Session, case: Case, actor: Actor) -> Circle | None:
    """To whom the case is open, if it is sensitive."""
    if not case.is_sensitive or actor.is_system:
        return None
    return Circle(case.id, _asked_in(session, case, actor), people_in(session, case))


def work_item_facts(session: Session, item: WorkItem, actor: Actor) -> WorkItemFacts:
    """Facts of a work item, among them who completed what it is kept apart from, in whichever of their accounts."""
    separate = elements_of(item.separate_from)
    done, checks = _done_around(session, item, separate)
    choosers = _choosers(session, checks)
    counted = list(counting(item.element, separate, item.opened_at, done))
    accounts = _accounts_of(session, choosers.union(*(one.people for one in counted)))
    apart = kept_apart(item.element, separate, item.opened_at, [_by_every_account(one, accounts) for one in counted])
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
        choosers=frozenset(account for one in choosers for account in accounts[one]),
        chosen_posts=_posts_from(session, actor, counted, accounts),
        circle=_circle(session, item.case, actor),
    )


def _accounts_of(session: Session, people: Iterable[int]) -> Mapping[int, Mapping[int, str]]:
    """Of each of these people all their accounts, with their user names: whoever has two is one person in every separation."""
    wanted, other = frozenset(people), aliased(Person)
    if not wanted:
        return {}
    same = or_(other.id == Person.id, other.one_person == Person.one_person)
    query = select(Person.id, other.id, other.username).join(other, same).where(Person.id.in_(wanted))
    accounts: dict[int, dict[int, str]] = defaultdict(dict)
    for person_id, account_id, username in session.execute(query):
        accounts[person_id][account_id] = username
    return accounts


def _by_every_account(done: Done, accounts: Mapping[int, Mapping[int, str]]) -> Done:
    return replace(done, people=frozenset(account for one in done.people for account in accounts[one]))


def _posts_from(
    session: Session, actor: Actor, counted: Iterable[Done], accounts: Mapping[int, Mapping[int, str]]
) -> frozenset[int]:
    """The actor's positions that somebody who had a hand in this gave or confirmed while it was open.

    So is a post in which they act or sign for whoever holds it from such a hand.
    """
    since: dict[str | None, datetime] = {}
    for one in counted:
        for name in (name for account in one.people for name in accounts[account].values()):
            if one.since is not None:
                since[name] = min(one.since, since.get(name, one.since))
    holders = {actor.person_id, *(hat.for_id for hat in actor.hats)} - {None}
    if not since or not holders:
        return frozenset()
    names = list(since)
    from_them = or_(Position.given_by.in_(names), Position.confirmed_by.in_(names))
    rows = session.scalars(select(Position).where(Position.person_id.in_(holders), from_them))
    chosen = [
        row
        for row in rows
        if _is_later(row.given_by, row.given_at, since) or _is_later(row.confirmed_by, row.confirmed_at, since)
    ]
    posts = {(row.person_id, row.role, row.office_id, row.province_id) for row in chosen}
    behind = (hat for hat in actor.hats if (hat.for_id, hat.role, hat.office_id, hat.province_id) in posts)
    own = (row.id for row in chosen if row.person_id == actor.person_id)
    return frozenset({*own, *(hat.position_id for hat in behind if hat.position_id is not None)})


def _is_later(who: str | None, at: datetime | None, since: Mapping[str | None, datetime]) -> bool:
    return who in since and at is not None and at >= since[who]


def _choosers(session: Session, checks: Collection[str]) -> frozenset[int]:
    """Who said who does these work items: delegated or reassigned them, and for whom they did so."""
    if not checks:
        return frozenset()
    query = select(Person.id).join(
        JournalRecord, Person.username.in_((JournalRecord.actor, JournalRecord.on_behalf_of))
    )
    query = query.where(JournalRecord.task_id.in_(checks), JournalRecord.kind.in_(_CHOOSING))
    return frozenset(session.scalars(query, execution_options=EVERYTHING))


def _done_around(session: Session, item: WorkItem, names: tuple[str, ...]) -> tuple[list[Done], list[str]]:
    """What lies in the family of the case (itself, its parents, their children) and may keep people apart.

    What was completed, and the work items that check this one and were open beside it.
    """
    principal = aliased(Person)
    query = (
        select(
            WorkItem.id,
            WorkItem.element,
            WorkItem.state,
            WorkItem.separate_from,
            WorkItem.opened_at,
            WorkItem.closed_at,
            WorkItem.completed_by_id,
            principal.id.label("principal_id"),
        )
        .join(Case)
        .outerjoin(principal, principal.username == WorkItem.on_behalf_of)
        .where(
            Case.root_case_id == item.case.root_case_id,
            or_(
                WorkItem.separate_from.is_not(None),
                and_(WorkItem.element.in_(names), WorkItem.state == WorkItemStatus.COMPLETED),
            ),
        )
    )
    done, checks = list[Done](), list[str]()
    for other in session.execute(query, execution_options=EVERYTHING):
        separate_from = elements_of(other.separate_from)
        if other.state == WorkItemStatus.COMPLETED:
            people = frozenset(one for one in (other.completed_by_id, other.principal_id) if one is not None)
            done.append(Done(other.element, people, separate_from, other.closed_at, other.opened_at))
        if item.element in separate_from and (other.closed_at is None or other.closed_at >= item.opened_at):
            checks.append(other.id)
    if names:
        done += _answers_written_down(session, item, names)
    if STARTED_BY in names:
        starter = select(Person.id).where(Person.username == item.case.started_by)
        done.append(Done(STARTED_BY, frozenset(session.scalars(starter)), since=item.case.started_at))
    return done, checks


def _answers_written_down(session: Session, item: WorkItem, names: tuple[str, ...]) -> Iterator[Done]:
    """Whoever wrote down a party's answer to a message did so: what follows must be checked by others."""
    query = (
        select(JournalRecord.element, Person.id, JournalRecord.at)
        .join(Case, Case.id == JournalRecord.case_id)
        .join(Person, Person.username.in_((JournalRecord.actor, JournalRecord.on_behalf_of)))
        .where(
            Case.root_case_id == item.case.root_case_id,
            JournalRecord.element.in_(names),
            JournalRecord.kind == RecordKind.message_received,
        )
    )
    for element, person_id, at in session.execute(query, execution_options=EVERYTHING):
        yield Done(element or "", frozenset({person_id}), since=at)


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
