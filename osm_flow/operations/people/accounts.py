"""People, their positions over periods, and the hats those give them on a day. Passwords are in `passwords`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Date, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import OfficeFacts, SystemFacts, Verb, require
from osm_flow.domain.access.roles import OVERSIGHT, PROVINCIAL, SIGN_IN_ROLES
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.pages import Page
from osm_flow.domain.people import NewPerson, NewPosition, PositionKind
from osm_flow.errors import Invalid, NotFound, Refused
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.signing_in import SignInRefused, hash_password, normal_username, password_fits
from osm_flow.store.clusters import cluster_rows
from osm_flow.store.models import Office, Person, Position, Province

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_TODAY = bindparam("today", type_=Date)
_RECORDED = ("role", "office_id", "province_id", "kind", "letter", "valid_from", "valid_to", "title_th", "title_en")
_NEW_PASSWORD = {"password": "set anew"}


class PersonNotFound(NotFound):
    """There is no such person."""


class PositionNotFound(NotFound):
    """There is no such position."""


class UsernameNotAccepted(Invalid):
    """A user name has 2 to 64 small Latin letters, digits, dots, hyphens or underscores."""


class UsernameTaken(Invalid):
    """Somebody already has this user name."""


class PersonNotAccepted(Invalid):
    """What was entered about the person cannot be accepted."""


class PositionNotAccepted(Invalid):
    """This position cannot be given. See the marked fields."""


class NotYourself(Refused):
    """You cannot lock your own account."""


def names_of(session: Session, usernames: Iterable[str]) -> dict[str, str]:
    """Display names by user name, for those who are people."""
    query = select(Person.username, Person.display_name).where(Person.username.in_(set(usernames)))
    return dict(session.execute(query).all())


# ---- who somebody is today -------------------------------------------------------------------------------------


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
    return list(session.scalars(query.where(Person.locked_at.is_(None)).distinct().order_by(Person.display_name)))


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
    """That a position is held on this day."""
    return (Position.valid_from <= today, or_(Position.valid_to.is_(None), Position.valid_to >= today))


def has_people(session: Session) -> bool:
    return session.scalar(select(Person.id).limit(1)) is not None


# ---- finding people --------------------------------------------------------------------------------------------


def person_by_username(session: Session, username: str) -> Person:
    person = session.scalars(select(Person).where(Person.username == normal_username(username))).one_or_none()
    if person is None:
        raise PersonNotFound
    return person


def managed_person(session: Session, username: str, actor: Actor) -> Person:
    """The person, for somebody who manages the people of all their offices. Raises NotFound, Forbidden."""
    person = person_by_username(session, username)
    _require_management(session, person, actor)
    return person


def positions_of(session: Session, person: Person) -> Sequence[Position]:
    """Every position, newest first."""
    query = select(Position).where(Position.person_id == person.id).options(joinedload(Position.for_person))
    return session.scalars(query.order_by(Position.valid_from.desc(), Position.id.desc())).all()


def list_people(
    session: Session, actor: Actor, *, text: str | None = None, after: str | None = None, limit: int = 50
) -> Page[Person]:
    """The people of the actor's offices and those without any position, by user name. Raises Forbidden."""
    require(actor, Verb.manage_people, SystemFacts())
    conditions = [] if actor.is_system else [_within_reach(actor)]
    if text:
        pattern = f"%{_escaped(text.strip().lower())}%"
        matches = (func.lower(column).like(pattern, escape="\\") for column in (Person.username, Person.display_name))
        conditions.append(or_(*matches))
    total = session.scalar(select(func.count()).select_from(Person).where(*conditions)) or 0
    query = select(Person).where(*conditions).options(selectinload(Person.positions))
    if after:
        query = query.where(Person.username > after)
    found = list(session.scalars(query.order_by(Person.username).limit(limit + 1)))
    return Page(found[:limit], found[limit - 1].username if len(found) > limit else None, total)


def _within_reach(actor: Actor) -> ColumnElement[bool]:
    held = select(Position.person_id)
    here = held.where(or_(Position.office_id.in_(actor.office_ids), Position.office_id.is_(None)))
    return or_(Person.id.in_(here), Person.id.not_in(held))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _require_management(session: Session, person: Person, actor: Actor) -> None:
    require(actor, Verb.manage_people, SystemFacts())
    for office_id in set(session.scalars(select(Position.office_id).where(Position.person_id == person.id))):
        _require_office(actor, office_id)


def _require_office(actor: Actor, office_id: str | None) -> None:
    """An administrator of one office does not touch what reaches into others."""
    everywhere = actor.is_system or any(hat.role == "admin" and hat.office_id is None for hat in actor.hats)
    if office_id is not None:
        require(actor, Verb.manage_people, OfficeFacts(office_id))
    elif not everywhere:
        raise PersonNotFound


# ---- changing people -------------------------------------------------------------------------------------------


def create_person(session: Session, actor: Actor, now: datetime, entered: NewPerson) -> Person:
    """A person without any position yet. Raises Invalid errors naming the fields at fault."""
    require(actor, Verb.manage_people, SystemFacts())
    name = entered.username.strip()
    if not _USERNAME.fullmatch(name):
        raise UsernameNotAccepted(fields={"username": UsernameNotAccepted.__doc__})
    if session.scalars(select(Person.id).where(Person.username == name)).one_or_none() is not None:
        raise UsernameTaken(fields={"username": UsernameTaken.__doc__})
    faults = _faults(entered.display_name, entered.email)
    if faults:
        raise PersonNotAccepted(fields=faults)
    person = Person(
        username=name,
        display_name=entered.display_name.strip(),
        email=(entered.email or "").strip() or None,
        password_hash=hash_password(entered.password, name) if entered.password else None,
        locale=entered.locale,
        session_epoch=0,
        created_at=now,
    )
    session.add(person)
    session.flush()
    new = {"username": name, "password": _kept(person), "locale": entered.locale}
    act = AdminAct(AdminKind.person_created, name, _office_of(session, person, actor), new=new)
    record(session, actor, now, act)
    return person


def _kept(person: Person) -> str | None:
    """What a record says of a password: that there is one."""
    return "set" if person.password_hash else None


def _office_of(session: Session, person: Person, actor: Actor) -> str | None:
    """The one office in which a change of the person's account is recorded: theirs, else the actor's; None for several."""
    held = set(session.scalars(select(Position.office_id).where(Position.person_id == person.id)))
    found = held or {hat.office_id for hat in actor.hats}
    return found.pop() if len(found) == 1 else None


def _faults(display_name: str, email: str | None) -> dict[str, str]:
    faults = {}
    if not display_name.strip() or len(display_name) > 255 or "\0" in display_name:
        faults["display_name"] = "Enter the name, at most 255 characters."
    if email and not re.fullmatch(r"[^@\s\0]{1,120}@[^@\s\0]{1,120}", email.strip()):
        faults["email"] = "Enter an e-mail address such as name@example.go.th."
    return faults


def set_password(session: Session, username: str, actor: Actor, now: datetime, *, password: str) -> None:
    """Give a person a new password; every session of theirs ends. Raises PasswordTooWeak."""
    person = managed_person(session, username, actor)
    old = {"password": _kept(person)}
    person.password_hash = hash_password(password, person.username)
    person.session_epoch += 1
    office_id = _office_of(session, person, actor)
    act = AdminAct(AdminKind.password_set, person.username, office_id, old=old, new=_NEW_PASSWORD)
    record(session, actor, now, act)


def change_password(session: Session, person: Person, now: datetime, *, current: str, new: str) -> None:
    """A person changes their own password; their sessions elsewhere end. Raises SignInRefused, PasswordTooWeak."""
    if not password_fits(person, current):
        raise SignInRefused(
            "The current password is not right.", fields={"current": "The current password is not right."}
        )
    person.password_hash = hash_password(new, person.username, "new")
    person.session_epoch += 1
    actor = actor_for(session, person, local_day(now))
    office_id, old = _office_of(session, person, actor), {"password": "set"}
    act = AdminAct(AdminKind.password_changed, person.username, office_id, old=old, new=_NEW_PASSWORD)
    record(session, actor, now, act)


def set_locale(session: Session, person: Person, locale: str) -> None:
    person.locale = locale


def lock(session: Session, username: str, actor: Actor, now: datetime) -> Person:
    """Nobody signs in with the account any more and every session of it ends at its next request."""
    person = managed_person(session, username, actor)
    if person.id == actor.person_id:
        raise NotYourself
    if person.locked_at is None:
        person.locked_at = now
        person.session_epoch += 1
        _record_lock(session, person, actor, now, AdminKind.person_locked)
    return person


def unlock(session: Session, username: str, actor: Actor, now: datetime) -> Person:
    person = managed_person(session, username, actor)
    if person.locked_at is not None:
        person.locked_at = None
        _record_lock(session, person, actor, now, AdminKind.person_unlocked)
    return person


def _record_lock(session: Session, person: Person, actor: Actor, now: datetime, kind: AdminKind) -> None:
    is_locked = kind is AdminKind.person_locked
    old, new, office_id = {"locked": not is_locked}, {"locked": is_locked}, _office_of(session, person, actor)
    record(session, actor, now, AdminAct(kind, person.username, office_id, old=old, new=new))


# ---- positions -------------------------------------------------------------------------------------------------


def give_position(session: Session, username: str, actor: Actor, now: datetime, entered: NewPosition) -> Position:
    """Give a person a role in an office over a period. Raises PositionNotAccepted naming the fields at fault."""
    person = managed_person(session, username, actor)
    _require_office(actor, entered.office_id)
    principal = session.scalars(select(Person).where(Person.username == (entered.for_username or ""))).one_or_none()
    position = Position(
        person_id=person.id,
        office_id=entered.office_id,
        province_id=entered.province_id or None,
        role=entered.role,
        title_th=entered.title_th.strip(),
        title_en=entered.title_en.strip(),
        kind=str(entered.kind),
        for_person_id=principal.id if principal else None,
        letter=(entered.letter or "").strip() or None,
        valid_from=entered.valid_from,
        valid_to=entered.valid_to,
    )
    faults = dict(_position_faults(session, position))
    if faults:
        raise PositionNotAccepted(fields=faults)
    session.add(position)
    session.flush()
    new = {name: getattr(position, name) for name in _RECORDED}
    new |= {"position": position.id, "for": principal.username if principal else None}
    record(session, actor, now, AdminAct(AdminKind.position_given, person.username, position.office_id, new=new))
    return position


def _position_faults(session: Session, position: Position) -> Iterable[tuple[str, str]]:
    if position.role not in SIGN_IN_ROLES:
        yield "role", "Choose a role from the list."
    if position.kind not in set(PositionKind):
        yield "kind", "Choose how the position is held."
    if position.office_id is None and position.role not in OVERSIGHT:
        yield "office_id", "Choose the cluster."
    if position.office_id is not None and session.get(Office, position.office_id) is None:
        yield "office_id", "Choose a cluster from the list."
    province = session.get(Province, position.province_id) if position.province_id else None
    if position.role in PROVINCIAL and province is None:
        yield "province_id", "This role belongs to a province; choose it."
    elif position.province_id and (province is None or province.office_id != position.office_id):
        yield "province_id", "Choose a province of this cluster."
    if position.valid_to is not None and position.valid_to < position.valid_from:
        yield "valid_to", "The last day must not come before the first."
    if position.kind != PositionKind.substantive:
        if position.for_person_id is None or position.for_person_id == position.person_id:
            yield "for_username", "Say for whom this person acts."
        if not position.letter:
            yield "letter", "Name the order or letter that made it."
    if max(map(len, (position.title_th, position.title_en, position.letter or ""))) > 255:
        yield "title_th", "Use at most 255 characters."


def end_position(session: Session, position_id: int, actor: Actor, now: datetime, *, last_day: date) -> Position:
    """The position is kept as history but not held after `last_day`. Raises PositionNotFound."""
    position = session.get(Position, position_id)
    if position is None:
        raise PositionNotFound
    require(actor, Verb.manage_people, SystemFacts())
    _require_office(actor, position.office_id)
    old, new = {"valid_to": position.valid_to}, {"valid_to": last_day}
    position.valid_to = last_day
    holder = session.get_one(Person, position.person_id).username
    told = {"position": position.id, "role": position.role, "kind": position.kind, "office_id": position.office_id}
    act = AdminAct(AdminKind.position_ended, holder, position.office_id, old=old, new=new, told=told)
    record(session, actor, now, act)
    return position


# ---- offices ---------------------------------------------------------------------------------------------------


def offices(session: Session) -> Sequence[Office]:
    return session.scalars(select(Office).options(selectinload(Office.provinces)).order_by(Office.id)).all()


def seed_clusters(session: Session) -> int:
    """Add the clusters and provinces that are not there yet; what is there stays. Returns how many provinces are new."""
    known_offices = set(session.scalars(select(Office.id)))
    known_provinces = set(session.scalars(select(Province.id)))
    added = 0
    for row in cluster_rows():
        if row.cluster not in known_offices:
            known_offices.add(row.cluster)
            session.add(
                Office(
                    id=row.cluster,
                    name_th=row.cluster_th,
                    name_en=row.cluster_en,
                    region_th=row.region_th,
                    region_en=row.region_en,
                )
            )
        if row.province not in known_provinces:
            added += 1
            session.add(
                Province(
                    id=row.province,
                    office_id=row.cluster,
                    name_th=row.province_th,
                    name_en=row.province_en,
                    abbr_th=row.abbr_th,
                    is_centre=row.is_centre,
                )
            )
    session.flush()
    return added
