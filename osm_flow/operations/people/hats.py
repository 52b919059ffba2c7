"""Who somebody is on a day: a person with the hats of the positions that are valid then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Date, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.thai_order import thai_order
from osm_flow.errors import NotFound
from osm_flow.operations.people.signing_in import normal_username
from osm_flow.store.models import Office, Person, Position

_TODAY = bindparam("today", type_=Date)


class PersonNotFound(NotFound):
    """There is no such person."""


def names_of(session: Session, usernames: Iterable[str]) -> dict[str, str]:
    """Display names by user name, for those who are people."""
    query = select(Person.username, Person.display_name).where(Person.username.in_(set(usernames)))
    return dict(session.execute(query).all())


def person_by_username(session: Session, username: str) -> Person:
    """The person with this user name, in any spelling. Raises PersonNotFound."""
    person = session.scalars(select(Person).where(Person.username == normal_username(username))).one_or_none()
    if person is None:
        raise PersonNotFound
    return person


def actor_for(session: Session, person: Person, today: date) -> Actor:
    """The person with the hats of the positions that are valid today."""
    hats = [Hat(*row) for row in session.execute(_worn(), {"person": person.id, "today": today})]
    others = frozenset(session.scalars(_others_of(person.one_person, person.id))) if person.one_person else frozenset()
    return _actor(session, person, hats, others)


def actor_signed_in(session: Session, person_id: int, epoch: int, today: date) -> Actor | None:
    """As `actor_for`, for a session that began in this epoch of the person's; None once they are locked or it ended."""
    rows = session.execute(_signed_in(), {"person": person_id, "epoch": epoch, "today": today}).all()
    if not rows:
        return None
    others = frozenset(filter(None, (rows[0].others or "").split(",")))
    return _actor(session, rows[0], [Hat(*row[5:]) for row in rows if row[5] is not None], others)


def _actor(session: Session, person: Any, hats: Sequence[Hat], others: frozenset[str]) -> Actor:
    sees_all = any(hat.office_id is None for hat in hats)
    offices = tuple(session.scalars(select(Office.id).order_by(Office.id))) if sees_all else ()
    return Actor(person.id, person.username, person.display_name, tuple(hats), person.locale, offices, others)


def is_one_person(one: Person, other: Person) -> bool:
    """Whether two accounts are the same, or one person's."""
    return one.id == other.id or (one.one_person is not None and one.one_person == other.one_person)


def actor_named(session: Session, username: str, today: date) -> Actor:
    """Raises PersonNotFound; a locked person acts no more, so they are not found either."""
    person = person_by_username(session, username)
    if person.locked_at is not None:
        raise PersonNotFound
    return actor_for(session, person, today)


def people_wearing(
    session: Session, role: str, office_id: str, today: date, province_id: str | None = None
) -> list[Person]:
    """Everybody unlocked who has the role in the office (and the province) today, by name."""
    query = select(Person).join(Position, Position.person_id == Person.id)
    query = query.where(Position.role == role, Position.office_id == office_id, *valid_on(today))
    if province_id is not None:
        query = query.where(Position.province_id == province_id)
    found = session.scalars(query.where(Person.locked_at.is_(None)).distinct())
    return sorted(found, key=lambda person: (thai_order(person.display_name), person.id))


_PRINCIPAL = aliased(Person)


# What a hat is made of, in the order of its fields.
_HAT = (
    Position.role,
    Position.office_id,
    Position.province_id,
    Position.kind,
    _PRINCIPAL.username,
    _PRINCIPAL.display_name,
    Position.title_th,
    Position.for_person_id,
    Position.id,
)
_OTHER = aliased(Person)


@cache
def _worn() -> Select[*tuple[Any, ...]]:
    """The hats of a person on a day."""
    mine = select(*_HAT).outerjoin(_PRINCIPAL, Position.for_person_id == _PRINCIPAL.id)
    return mine.where(Position.person_id == bindparam("person"), *valid_on(_TODAY)).order_by(Position.id)


def _others_of(one_person: str, person_id: int) -> Select[str]:
    """The user names of the person's other accounts."""
    return select(Person.username).where(Person.one_person == one_person, Person.id != person_id)


@cache
def _signed_in() -> Select[*tuple[Any, ...]]:
    """A person once for each hat on a day, or once without any. Every request asks this, so it is one statement."""
    # User names have no comma in them.
    others = select(func.aggregate_strings(_OTHER.username, ",")).where(
        _OTHER.one_person == Person.one_person, _OTHER.id != Person.id
    )
    told = others.correlate(Person).scalar_subquery().label("others")
    person = select(Person.id, Person.username, Person.display_name, Person.locale, told, *_HAT)
    person = person.outerjoin(Position, and_(Position.person_id == Person.id, *valid_on(_TODAY)))
    person = person.outerjoin(_PRINCIPAL, Position.for_person_id == _PRINCIPAL.id).order_by(Position.id)
    return person.where(
        Person.id == bindparam("person"), Person.session_epoch == bindparam("epoch"), Person.locked_at.is_(None)
    )


def valid_on(today: date | BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    """That a position is held on this day: it is within its days, and no second person has to confirm it any more."""
    within = Position.valid_from <= today, or_(Position.valid_to.is_(None), Position.valid_to >= today)
    return (*within, Position.waits.is_(False))
