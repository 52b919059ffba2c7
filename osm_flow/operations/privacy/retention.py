"""How long ended cases are kept, and legal holds on cases and people."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, aliased, joinedload

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import (
    OfficeFacts,
    SystemFacts,
    Verb,
    is_everywhere,
    offices_where,
    require,
    require_somewhere,
)
from osm_flow.domain.acts import Act
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.domain.retention import ORDINARY, Retention, RetentionUnknown, retention_of
from osm_flow.domain.states import OPEN_CASE
from osm_flow.errors import NotFound, Refused
from osm_flow.operations.definitions.library import compiled
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.accounts import offices_of, only_of, require_for_person
from osm_flow.operations.people.hats import person_by_username
from osm_flow.operations.reasons import said
from osm_flow.operations.stepping import step as stepping
from osm_flow.store.models import Case, JournalRecord, LegalHold, Person
from osm_flow.store.sensitive_cases import EVERYTHING, closed_among, is_open
from osm_flow.store.session import lock_case

NEVER_ERASED = (RecordKind.payloads_erased, RecordKind.case_held, RecordKind.case_hold_lifted)


class HoldNotFound(NotFound):
    """There is no such hold, or it was lifted already."""


class HeldByLaw(Refused):
    """A legal hold forbids to erase this; an administrator must lift it first."""


@dataclass(frozen=True)
class Due:
    """An ended case, or records of some of its elements, whose retention is over: since when, what is to be done."""

    case: Case
    retention: Retention
    since: date
    is_held: bool
    elements: tuple[str, ...] = ()


class Held(NamedTuple):
    """A legal hold with the case or the person that it holds; of a case that is closed to the reader, its number alone."""

    row: LegalHold
    case: Case | None
    person: Person | None
    number: str | None = None


# ---- classes ---------------------------------------------------------------------------------------------------


def retention_of_case(session: Session, case: Case) -> Retention:
    """The retention class of the case's process; ordinary when the diagram spells none that is known."""
    try:
        return retention_of(compiled(session, case.definition).properties.get("retention"))
    except RetentionUnknown:
        return ORDINARY


def kept_until(session: Session, case: Case) -> date | None:
    """The first day on which the ended case need not be kept any more; None while it runs or for ever."""
    return None if case.ended_at is None else retention_of_case(session, case).ends_on(local_day(case.ended_at))


def shorter_lived(session: Session, case: Case) -> dict[Retention, tuple[str, ...]]:
    """The elements whose records have a retention class of their own, as lists of who attended have."""
    by_class: dict[Retention, list[str]] = {}
    for element in compiled(session, case.definition).elements.values():
        with suppress(RetentionUnknown):
            if text := element.properties.get("retention"):
                by_class.setdefault(retention_of(text), []).append(element.id)
    return {retention: tuple(sorted(elements)) for retention, elements in by_class.items()}


def due_cases(session: Session, actor: Actor, now: datetime, *, limit: int = 200) -> list[Due]:
    """The ended cases that are kept longer than their class asks and still have payloads, longest overdue first."""
    offices = {*offices_where(actor, Verb.see_audit), *offices_where(actor, Verb.erase)}
    if not offices:
        require(actor, Verb.see_audit, SystemFacts())
    today = local_day(now)
    wanted = select(Case).where(Case.state.not_in(OPEN_CASE), Case.ended_at.is_not(None), erasable(Case.id).exists())
    if not actor.is_system:
        wanted = wanted.where(Case.office_id.in_(offices), is_open(actor))
    due: list[Due] = []
    for case in session.scalars(wanted.options(joinedload(Case.definition)).order_by(Case.ended_at, Case.id)):
        due += _due_of(session, case, today)
        if len(due) >= limit:
            break
    return due


def _due_of(session: Session, case: Case, today: date) -> Iterator[Due]:
    is_held = hold_on(session, case) is not None
    since = kept_until(session, case)
    if since is not None and since <= today:
        yield Due(case, retention_of_case(session, case), since, is_held)
        return
    for retention, elements in shorter_lived(session, case).items():
        since = retention.ends_on(local_day(case.ended_at)) if case.ended_at else None
        if since is not None and since <= today:
            there = erasable(case.id).where(JournalRecord.element.in_(elements))
            if session.scalar(there.limit(1)) is not None:
                yield Due(case, retention, since, is_held, elements)


def erasable(case_id: Any) -> Select[int]:
    """The records of the case whose payload may be erased; the record of an erasure never."""
    query = select(JournalRecord.seq).join(JournalRecord.payload)
    return query.where(JournalRecord.case_id == case_id, JournalRecord.kind.not_in(NEVER_ERASED))


# ---- holds -----------------------------------------------------------------------------------------------------


def hold_case(session: Session, case_id: str, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """Put a legal hold on a case until it is lifted. Raises CaseNotFound, NotYourRole, ReasonMissing."""
    case = lock_case(session, case_id)
    # By its number alone: a hold keeps what is there and shows nothing of it, so a closed case can be held, too.
    decision = require(actor, Verb.hold, OfficeFacts(case.office_id))
    hold = _add(session, LegalHold(case_id=case_id, reason=said(reason), actor=actor.username, at=now))
    act = Act(RecordKind.case_held, role=decision.role)
    stepping.note(session, case, actor, now, act, {"hold": hold.id, "reason": hold.reason})
    return hold


def hold_person(session: Session, username: str, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """Put a legal hold on every record that a person made, in every case. Raises PersonNotFound, NotYourRole."""
    person = person_by_username(session, username)
    require_for_person(session, person, actor, Verb.hold)
    hold = _add(session, LegalHold(person_id=person.id, reason=said(reason), actor=actor.username, at=now))
    new = {"hold": hold.id, "reason": hold.reason}
    record(session, actor, now, AdminAct(AdminKind.person_held, person.username, _office_of(session, person), new=new))
    return hold


def lift_hold(session: Session, hold_id: int, actor: Actor, now: datetime, *, reason: str) -> LegalHold:
    """End a hold; that there was one stays known. Raises HoldNotFound, NotYourRole, ReasonMissing.

    A hold on a case of another office does not exist for the administrator of one.
    """
    require_somewhere(actor, Verb.hold)
    standing = _reached_by(actor).where(LegalHold.id == hold_id)
    if (hold := session.scalars(standing).one_or_none()) is None:
        raise HoldNotFound
    session.refresh(hold, with_for_update=True)
    if session.scalars(standing).one_or_none() is None:  # somebody else lifted it meanwhile
        raise HoldNotFound
    lift = LegalHold(
        lifts_id=hold.id,
        case_id=hold.case_id,
        person_id=hold.person_id,
        reason=said(reason),
        actor=actor.username,
        at=now,
    )
    _add(session, lift)
    if hold.case_id is not None:
        case, about = lock_case(session, hold.case_id), {"hold": hold.id, "reason": lift.reason}
        stepping.note(session, case, actor, now, Act(RecordKind.case_hold_lifted), about)
    elif hold.person_id is not None:
        person, new = session.get_one(Person, hold.person_id), {"lift": lift.id, "reason": lift.reason}
        concerns = person.username, _office_of(session, person)
        act = AdminAct(AdminKind.person_hold_lifted, *concerns, new=new, told={"hold": hold.id})
        record(session, actor, now, act)
    return lift


def current_holds(session: Session, actor: Actor) -> list[Held]:
    """Holds that stand on people and cases of the offices where the actor may hold, oldest first, with what they hold.

    Raises NotYourRole.
    """
    require_somewhere(actor, Verb.hold)
    query = _reached_by(actor).add_columns(Case, Person).order_by(LegalHold.id)
    query = query.outerjoin(Case, Case.id == LegalHold.case_id).outerjoin(Person, Person.id == LegalHold.person_id)
    rows = session.execute(query, execution_options=EVERYTHING).all()
    closed = closed_among(session, actor, (row[0].case_id for row in rows))
    return [
        Held(hold, None if hold.case_id in closed else case, person, closed.get(hold.case_id or ""))
        for hold, case, person in rows
    ]


def hold_on(session: Session, case: Case) -> LegalHold | None:
    """A hold that is on the case itself."""
    return session.scalars(_standing().where(LegalHold.case_id == case.id).limit(1)).one_or_none()


def refuse_held(session: Session, case: Case, numbers: Collection[int]) -> None:
    """Raise HeldByLaw when the case is held, or one of these records was made by or for a person who is."""
    if hold_on(session, case) is not None:
        raise HeldByLaw(case_id=case.id)
    on_people = _standing().with_only_columns(LegalHold.person_id)
    persons = select(Person.one_person).where(Person.id.in_(on_people), Person.one_person.is_not(None))
    held = select(Person.username).where(Person.id.in_(on_people) | Person.one_person.in_(persons))
    theirs = select(JournalRecord.seq).where(
        JournalRecord.case_id == case.id,
        JournalRecord.seq.in_(numbers),
        JournalRecord.actor.in_(held) | JournalRecord.on_behalf_of.in_(held),
    )
    if session.scalar(theirs.limit(1)) is not None:
        raise HeldByLaw(case_id=case.id)


def _office_of(session: Session, person: Person) -> str | None:
    """The one office in which a hold on the person is recorded; None for several."""
    offices = offices_of(session, person)
    return next(iter(offices)) if len(offices) == 1 else None


def _standing() -> Select[LegalHold]:
    lift = aliased(LegalHold)
    is_lifted = select(lift.id).where(lift.lifts_id == LegalHold.id).exists()
    return select(LegalHold).where(LegalHold.lifts_id.is_(None), ~is_lifted)


def _reached_by(actor: Actor) -> Select[LegalHold]:
    if actor.is_system:
        return _standing()
    if is_everywhere(actor, Verb.hold):
        return _standing()
    offices = offices_where(actor, Verb.hold)
    cases = select(Case.id).where(Case.office_id.in_(offices))
    people = select(Person.id).where(only_of(offices))
    return _standing().where(LegalHold.case_id.in_(cases) | LegalHold.person_id.in_(people))


def _add(session: Session, hold: LegalHold) -> LegalHold:
    session.add(hold)
    session.flush()
    return hold
