"""The accounts of people: found, made, changed, locked. What they hold is in `positions`, passwords are in `signing_in`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.sql.selectable import ForUpdateArg

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, is_everywhere, place, require, require_somewhere
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.pages import Page
from osm_flow.domain.people import NewPerson
from osm_flow.domain.search import asked, holds_words, says_nothing, visible
from osm_flow.errors import Invalid, Refused
from osm_flow.operations.ledger.addresses import is_a_page
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.hats import PersonNotFound, actor_for, person_by_username
from osm_flow.operations.people.signing_in import SignInRefused, hash_password, password_fits
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import Office, Person, Position

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")


# Others may refer to the person meanwhile, and not change them.
_HELD = ForUpdateArg(key_share=True)
_NEW_PASSWORD = {"password": "set anew"}


class UsernameNotAccepted(Invalid):
    """A user name has 2 to 64 small Latin letters, digits, dots, hyphens or underscores."""


class UsernameIsAPage(Invalid):
    """This word is the address of a page of the site: choose another user name."""


class UsernameTaken(Invalid):
    """Somebody already has this user name."""


class PersonNotAccepted(Invalid):
    """What was entered about the person cannot be accepted."""


class NotYourself(Refused):
    """You cannot lock your own account."""


def has_people(session: Session) -> bool:
    """Whether there is any person yet."""
    return session.scalar(select(Person.id).limit(1)) is not None


def managed_person(session: Session, username: str, actor: Actor) -> Person:
    """The person, for somebody who manages the people of all their offices. Raises NotFound, Forbidden."""
    person = person_by_username(session, username)
    require_for_person(session, person, actor, Verb.manage_people)
    return person


def _person_to_change(session: Session, username: str, actor: Actor) -> Person:
    """The person as they are now, held until the end of the transaction. Raises NotFound, Forbidden."""
    person = managed_person(session, username, actor)
    session.refresh(person, with_for_update=_HELD)
    return person


def list_people(
    session: Session, actor: Actor, *, text: str | None = None, after: str | None = None, limit: int = 50
) -> Page[Person]:
    """The people of the offices whose people the actor manages, by user name. Raises Forbidden."""
    offices = require_somewhere(actor, Verb.manage_people)
    conditions = [true() if is_everywhere(actor, Verb.manage_people) else _of(offices)]
    if text and asked(text):
        names = session.execute(select(Person.id, Person.username, Person.display_name).where(*conditions))
        conditions.append(
            Person.id.in_([row.id for row in names if holds_words(f"{row.username} {row.display_name}", text)])
        )
    total = session.scalar(select(func.count()).select_from(Person).where(*conditions)) or 0
    query = select(Person).where(*conditions).options(selectinload(Person.positions))
    if after:
        query = query.where(Person.username > after)
    people = list(session.scalars(query.order_by(Person.username).limit(limit + 1)))
    return Page(people[:limit], people[limit - 1].username if len(people) > limit else None, total)


def _of(offices: Sequence[str]) -> ColumnElement[bool]:
    """That a person holds or held a position in one of these offices, or has none yet and an account made there."""
    held = select(Position.person_id)
    return or_(
        Person.id.in_(held.where(Position.office_id.in_(offices))),
        and_(Person.id.not_in(held), Person.office_id.in_(offices)),
    )


def only_of(offices: Sequence[str]) -> ColumnElement[bool]:
    """That a person belongs to these offices and to no other."""
    elsewhere = or_(Position.office_id.is_(None), Position.office_id.not_in(offices))
    return and_(_of(offices), Person.id.not_in(select(Position.person_id).where(elsewhere)))


def offices_of(session: Session, person: Person) -> frozenset[str | None]:
    """The offices to which a person belongs by their positions, past ones too, else by their account; None: to all."""
    held = frozenset(session.scalars(select(Position.office_id).where(Position.person_id == person.id)))
    return held or frozenset({person.office_id})


def require_for_person(session: Session, person: Person, actor: Actor, verb: Verb) -> None:
    """Let nobody on who may not do it in all the offices of this person. Raises PersonNotFound, Forbidden."""
    if actor.is_system:
        return
    offices = require_somewhere(actor, verb)
    if not (is_everywhere(actor, verb) or offices_of(session, person) <= set(offices)):
        raise PersonNotFound


def require_office(actor: Actor, office_id: str | None) -> None:
    """An administrator of one office does not touch what reaches into others. Raises NotFound, Forbidden."""
    require(actor, Verb.manage_people, place(office_id))


def create_person(session: Session, actor: Actor, now: datetime, entered: NewPerson) -> Person:
    """A person without any position yet, of the office that makes the account.

    Raises Forbidden, and Invalid errors naming the fields at fault.
    """
    office_id = _account_office(session, actor, entered.office_id)
    name = entered.username.strip()
    if not _USERNAME.fullmatch(name):
        raise UsernameNotAccepted(fields={"username": UsernameNotAccepted.__doc__})
    if is_a_page("username", name):
        raise UsernameIsAPage(fields={"username": UsernameIsAPage.__doc__})
    if session.scalars(select(Person.id).where(Person.username == name)).one_or_none() is not None:
        raise UsernameTaken(fields={"username": UsernameTaken.__doc__})
    faults = _faults(entered.display_name, entered.email)
    if faults:
        raise PersonNotAccepted(fields=faults)
    is_new = insert_once(
        session,
        Person,
        username=name,
        display_name=visible(entered.display_name),
        email=(entered.email or "").strip() or None,
        password_hash=hash_password(entered.password, name) if entered.password else None,
        locale=entered.locale,
        office_id=office_id,
        session_epoch=0,
        created_at=now,
    )
    if not is_new:  # somebody else entered the name since it was looked for
        raise UsernameTaken(fields={"username": UsernameTaken.__doc__})
    person = person_by_username(session, name)
    new = {"username": name, "password": _kept(person), "locale": entered.locale}
    record(session, actor, now, AdminAct(AdminKind.person_created, name, office_id, new=new))
    return person


def _account_office(session: Session, actor: Actor, wanted: str | None) -> str | None:
    """The office of a new account: the one that was chosen, or the only one there is to choose; None: of no office."""
    offices = require_somewhere(actor, Verb.manage_people)
    if wanted is None and is_everywhere(actor, Verb.manage_people):
        return None
    if wanted is None and len(offices) == 1:
        return offices[0]
    is_theirs = wanted in offices or actor.is_system
    if wanted is None or not is_theirs or session.get(Office, wanted) is None:
        raise PersonNotAccepted(fields={"office_id": "Choose a cluster from the list."})
    return wanted


def _kept(person: Person) -> str | None:
    """What a record says of a password: that there is one."""
    return "set" if person.password_hash else None


def _office_of(session: Session, person: Person, actor: Actor) -> str | None:
    """The one office in which a change of the person's account is recorded: theirs, else the actor's; None for several."""
    offices = offices_of(session, person)
    if offices == {None}:
        offices = frozenset(hat.office_id for hat in actor.hats)
    return next(iter(offices)) if len(offices) == 1 else None


def _faults(display_name: str, email: str | None) -> dict[str, str]:
    faults = {}
    if says_nothing(display_name) or len(display_name) > 255 or "\0" in display_name:
        faults["display_name"] = "Enter the name, at most 255 characters."
    if email and not re.fullmatch(r"[^@\s\0]{1,120}@[^@\s\0]{1,120}", email.strip()):
        faults["email"] = "Enter an e-mail address such as name@example.go.th."
    return faults


def set_password(session: Session, username: str, actor: Actor, now: datetime, *, password: str) -> None:
    """Give a person a new password; every session of theirs ends. Raises PasswordTooWeak."""
    person = _person_to_change(session, username, actor)
    old = {"password": _kept(person)}
    person.password_hash = hash_password(password, person.username)
    person.session_epoch += 1
    office_id = _office_of(session, person, actor)
    act = AdminAct(AdminKind.password_set, person.username, office_id, old=old, new=_NEW_PASSWORD)
    record(session, actor, now, act)


def change_password(session: Session, person: Person, now: datetime, *, current: str, new: str) -> None:
    """A person changes their own password; their sessions elsewhere end. Raises SignInRefused, PasswordTooWeak."""
    session.refresh(person, with_for_update=_HELD)
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
    """Set the language in which the person reads pages."""
    person.locale = locale


def lock(session: Session, username: str, actor: Actor, now: datetime) -> Person:
    """Nobody signs in with the account any more and every session of it ends at its next request."""
    person = _person_to_change(session, username, actor)
    if person.id == actor.person_id:
        raise NotYourself
    if person.locked_at is None:
        person.locked_at = now
        person.session_epoch += 1
        _record_lock(session, person, actor, now, AdminKind.person_locked)
    return person


def unlock(session: Session, username: str, actor: Actor, now: datetime) -> Person:
    """The person may sign in again. Raises PersonNotFound, Forbidden."""
    person = _person_to_change(session, username, actor)
    if person.locked_at is not None:
        person.locked_at = None
        _record_lock(session, person, actor, now, AdminKind.person_unlocked)
    return person


def _record_lock(session: Session, person: Person, actor: Actor, now: datetime, kind: AdminKind) -> None:
    is_locked = kind is AdminKind.person_locked
    old, new, office_id = {"locked": not is_locked}, {"locked": is_locked}, _office_of(session, person, actor)
    record(session, actor, now, AdminAct(kind, person.username, office_id, old=old, new=new))
