"""Whether somebody is the second person whom an act needs: everything that takes two persons asks here, and nowhere else.

Persons are compared, not accounts, and with each of them everybody in whose place they could act on that day: what one of two
does for the other, or both do for a third, is no act of two.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.people import PositionKind
from osm_flow.store.models import Person, Position

# A post that is ended at once has yesterday as its last day, although it was held this morning.
_ENDED_AT_ONCE = timedelta(days=1)


@dataclass(frozen=True)
class FirstAct:
    """What waits for a second person: who did it and when.

    by      the user name of who asked, gave or proposed it; None where nobody knows.
    at      when; None where nobody knows, and then every post that they ever held for somebody counts.
    others  the people, by their ids, who are no second person either: in whose place it was done, whose post it is.
    """

    by: str | None
    at: datetime | None
    others: frozenset[int] = frozenset()


def is_second_person(session: Session, actor: Actor, now: datetime, first: FirstAct) -> bool:
    """Whether the actor, and all in whose place they could act today, had no hand in the first act. The system is nobody."""
    if actor.person_id is None:
        return True
    if is_by(actor, first):
        return False
    did = session.scalars(select(Person.id).where(Person.username == first.by)).all()
    theirs = _with_principals(session, did, first.at) | _accounts(session, first.others)
    return theirs.isdisjoint(_with_principals(session, [actor.person_id], now))


def is_by(actor: Actor, first: FirstAct) -> bool:
    """Whether the actor did the first act themselves, in whichever of their accounts: they may take it back."""
    return first.by in actor.usernames


def is_for_oneself(session: Session, actor: Actor, now: datetime, person: Person) -> bool:
    """Whether what the actor does in this person's favour is in their own: theirs, or of whom they could act for today."""
    return actor.person_id is not None and person.id in _with_principals(session, [actor.person_id], now)


def _with_principals(session: Session, people: Collection[int], at: datetime | None) -> frozenset[int]:
    """All accounts of these people and of everybody in whose place they could act on that day."""
    accounts = _accounts(session, people)
    held = select(Position.for_person_id).where(
        Position.person_id.in_(accounts),
        Position.kind != PositionKind.substantive,
        Position.for_person_id.is_not(None),
        Position.waits.is_(False),
    )
    if at is not None:
        day = local_day(at)
        lasts = or_(Position.valid_to.is_(None), Position.valid_to >= day - _ENDED_AT_ONCE)
        held = held.where(Position.valid_from <= day, lasts)
    principals = {one for one in session.scalars(held) if one is not None}
    return accounts | _accounts(session, principals)


def _accounts(session: Session, people: Collection[int]) -> frozenset[int]:
    """These people, by the ids of all their accounts: two accounts of one person are one."""
    known = frozenset(people)
    if not known:
        return known
    persons = select(Person.one_person).where(Person.id.in_(known), Person.one_person.is_not(None))
    return known | frozenset(session.scalars(select(Person.id).where(Person.one_person.in_(persons))))
