"""Who somebody is on a day: a person with the hats of the positions that are valid then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Date, Select, and_, bindparam, or_, select
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
    return _actor(session, person.id, person.username, person.display_name, person.locale, hats)


def actor_signed_in(session: Session, person_id: int, epoch: int, today: date) -> Actor | None:
    """As `actor_for`, for a session that began in this epoch of the person's; None once they are locked or it ended."""
    rows = session.execute(_signed_in(), {"person": person_id, "epoch": epoch, "today": today}).all()
    if not rows:
        return None
    username, name, locale = rows[0][:3]
    return _actor(session, person_id, username, name, locale, [Hat(*row[3:]) for row in rows if row[3] is not None])


def _actor(session: Session, person_id: int, username: str, name: str, locale: str, hats: Sequence[Hat]) -> Actor:
    sees_all = any(hat.office_id is None for hat in hats)
    offices = tuple(session.scalars(select(Office.id).order_by(Office.id))) if sees_all else ()
    return Actor(person_id, username, name, tuple(hats), locale, offices)


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
)


@cache
def _worn() -> Select[*tuple[Any, ...]]:
    """The hats of a person on a day."""
    mine = select(*_HAT).outerjoin(_PRINCIPAL, Position.for_person_id == _PRINCIPAL.id)
    return mine.where(Position.person_id == bindparam("person"), *valid_on(_TODAY)).order_by(Position.id)


@cache
def _signed_in() -> Select[*tuple[Any, ...]]:
    """A person once for each hat on a day, or once without any. Every request asks this, so it is one statement."""
    person = select(Person.username, Person.display_name, Person.locale, *_HAT)
    person = person.outerjoin(Position, and_(Position.person_id == Person.id, *valid_on(_TODAY)))
    person = person.outerjoin(_PRINCIPAL, Position.for_person_id == _PRINCIPAL.id).order_by(Position.id)
    return person.where(
        Person.id == bindparam("person"), Person.session_epoch == bindparam("epoch"), Person.locked_at.is_(None)
    )


def valid_on(today: date | BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    """That a position is held on this day: it is within its days, and no second person has to confirm it any more."""
    within = Position.valid_from <= today, or_(Position.valid_to.is_(None), Position.valid_to >= today)
    return (*within, Position.waits.is_(False))
