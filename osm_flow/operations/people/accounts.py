"""The accounts of people: found, made, changed, locked. What they hold is in `positions`, passwords are in `signing_in`."""

from __future__ import annotations

import re
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.sql.selectable import ForUpdateArg

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import Verb, is_everywhere, place, require, require_somewhere
from osm_flow.domain.access.roles import OVERSIGHT, STAFF
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.pages import Page
from osm_flow.domain.people import NewPerson, digest_of_name, normal_number, plain_name
from osm_flow.domain.search import asked, holds_words, says_nothing, visible
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.ledger.addresses import is_a_page
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.hats import PersonNotFound, actor_for, person_by_username
from osm_flow.operations.people.signing_in import SignInRefused, hash_password, password_fits
from osm_flow.store.advisory_locks import AdvisoryLock, take
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


class UsernameIsTheSystems(Invalid):
    """Records say of what the product does by itself that this name did it: choose another user name."""


class UsernameTaken(Invalid):
    """Somebody already has this user name."""


class PersonNotAccepted(Invalid):
    """What was entered about the person cannot be accepted."""


class NumberNotAccepted(Invalid):
    """Enter an employee number: 3 to 32 letters and digits, not the same one throughout, or leave the field empty."""


class NumberInUse(Invalid):
    """An account that you manage has this employee number: use that one, or lock it first. Search the list for the number."""


class NumberInUseElsewhere(Invalid):
    """An account that is not yours to manage has this employee number. Ask the administrator of the whole system."""


class NotYourOwnNumber(Forbidden):
    """Nobody changes their own employee number or says that their accounts are not one person's: ask another administrator."""


class NotTheSamePerson(Invalid):
    """Enter the user name of another account that you manage."""


class StillOneNumber(Refused):
    """These accounts have one employee number, so they are one person's: correct the number first."""


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
        columns = (Person.id, Person.username, Person.display_name, Person.employee_number)
        found = session.execute(select(*columns).where(*conditions)).all()
        number = normal_number(text)
        conditions.append(
            Person.id.in_(
                row.id
                for row in found
                if holds_words(f"{row.username} {row.display_name}", text) or (number and row.employee_number == number)
            )
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
    if name == SYSTEM.username:
        raise UsernameIsTheSystems(fields={"username": UsernameIsTheSystems.__doc__})
    if session.scalars(select(Person.id).where(Person.username == name)).one_or_none() is not None:
        raise UsernameTaken(fields={"username": UsernameTaken.__doc__})
    faults = _faults(entered.display_name, entered.email)
    if faults:
        raise PersonNotAccepted(fields=faults)
    number, password_hash = _number_entered(entered.employee_number), None
    if entered.password:
        password_hash = hash_password(entered.password, name)
    twins = _with_number(session, number, actor)
    is_new = insert_once(
        session,
        Person,
        username=name,
        display_name=visible(entered.display_name),
        name_salt=secrets.token_hex(16),
        email=(entered.email or "").strip() or None,
        password_hash=password_hash,
        employee_number=number,
        locale=entered.locale,
        office_id=office_id,
        session_epoch=0,
        created_at=now,
    )
    if not is_new:  # somebody else entered the name since it was looked for
        raise UsernameTaken(fields={"username": UsernameTaken.__doc__})
    person = person_by_username(session, name)
    new = {"username": name, "password": _kept(person), "locale": entered.locale, "employee_number": _said_of(number)}
    new["name_digest"] = digest_of_name(person.name_salt, person.display_name)
    record(session, actor, now, AdminAct(AdminKind.person_created, name, office_id, new=new))
    _tie(session, [person, *twins], actor, now)
    return person


def give_salts(session: Session) -> None:
    """Give each account that has none the salt of the digest of its name; accounts of earlier versions have none."""
    without = select(Person).where(Person.name_salt == "").order_by(Person.id).with_for_update(key_share=True)
    # Whoever waited for a node that starts beside this one finds that there is a salt, and leaves it.
    for person in session.scalars(without.execution_options(populate_existing=True)):
        person.name_salt = secrets.token_hex(16)
    session.flush()


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
    """The person may sign in again. Raises PersonNotFound, Forbidden, NumberInUse while another account has their number."""
    take(session, AdvisoryLock.one_person)
    person = _person_to_change(session, username, actor)
    if person.locked_at is not None:
        _with_number(session, person.employee_number, actor, but=person)
        person.locked_at = None
        _record_lock(session, person, actor, now, AdminKind.person_unlocked)
    return person


def _record_lock(session: Session, person: Person, actor: Actor, now: datetime, kind: AdminKind) -> None:
    is_locked = kind is AdminKind.person_locked
    old, new, office_id = {"locked": not is_locked}, {"locked": is_locked}, _office_of(session, person, actor)
    record(session, actor, now, AdminAct(kind, person.username, office_id, old=old, new=new))


# ---- persons ---------------------------------------------------------------------------------------------------


def set_number(session: Session, username: str, actor: Actor, now: datetime, *, entered: str) -> Person:
    """Give an account its employee number, or take it away; with the accounts that are locked and have it, it is one person's.

    The record says that there is a number, never which. Raises PersonNotFound, Forbidden, NotYourOwnNumber,
    NumberNotAccepted, NumberInUse, NumberInUseElsewhere.
    """
    number = _number_entered(entered)
    take(session, AdvisoryLock.one_person)
    person = _person_to_change(session, username, actor)
    old = person.employee_number
    if number == old:
        return person
    if old is not None and person.username in actor.usernames:
        raise NotYourOwnNumber
    twins = _with_number(session, number, actor, but=person, is_open=person.locked_at is None)
    person.employee_number = number
    session.flush()
    told, office_id = _said_of(number, old), _office_of(session, person, actor)
    before, after = {"employee_number": _said_of(old)}, {"employee_number": told}
    act = AdminAct(AdminKind.person_numbered, person.username, office_id, old=before, new=after)
    record(session, actor, now, act)
    _tie(session, [person, *twins], actor, now)
    return person


def say_one_person(session: Session, username: str, actor: Actor, now: datetime, *, other_username: str) -> Person:
    """Two accounts are one person's from now on, in everything that takes two people, whatever they did before.

    Raises PersonNotFound, Forbidden, NotTheSamePerson naming the field.
    """
    take(session, AdvisoryLock.one_person)
    person = _person_to_change(session, username, actor)
    try:
        other = managed_person(session, other_username, actor)
    except NotFound:
        other = person
    if other.id == person.id:
        raise NotTheSamePerson(fields={"other_username": NotTheSamePerson.__doc__ or ""})
    _tie(session, [person, other], actor, now)
    return person


def say_other_person(session: Session, username: str, actor: Actor, now: datetime) -> Person:
    """The account is not one person's with others any more. Raises PersonNotFound, Forbidden, NotYourOwnNumber, StillOneNumber."""
    take(session, AdvisoryLock.one_person)
    person = _person_to_change(session, username, actor)
    others = _accounts_with(session, person)
    if person.username in actor.usernames:
        raise NotYourOwnNumber
    if person.employee_number and any(other.employee_number == person.employee_number for other in others):
        raise StillOneNumber
    _label(session, [person, *others] if len(others) == 1 else [person], None, actor, now)
    return person


def other_accounts(session: Session, person: Person, actor: Actor) -> tuple[list[Person], int]:
    """The other accounts of the same person that the actor manages, and how many there are beside these."""
    others = _accounts_with(session, person)
    managed = [other for other in others if _manages(session, other, actor)]
    return managed, len(others) - len(managed)


def without_number(session: Session, actor: Actor) -> list[Person]:
    """The accounts in use that have no employee number, of the offices whose people the actor manages, by user name.

    Those of parties outside alone are left out: they may have none. Raises Forbidden.
    """
    staff = select(Position.person_id).where(Position.role.in_(STAFF | OVERSIGHT))
    held = select(Position.person_id)
    asked_of = or_(Person.id.in_(staff), Person.id.not_in(held))
    query = select(Person).where(*_in_use(actor), Person.employee_number.is_(None), asked_of)
    return list(session.scalars(query.order_by(Person.username)))


def same_names(session: Session, actor: Actor) -> list[list[Person]]:
    """Accounts that have one name and are not said to be one person's, locked ones too, as a hint. Raises Forbidden."""
    offices = require_somewhere(actor, Verb.manage_people)
    reached = true() if is_everywhere(actor, Verb.manage_people) else _of(offices)
    by_name: dict[str, list[Person]] = defaultdict(list)
    for person in session.scalars(select(Person).where(reached).order_by(Person.username)):
        by_name[plain_name(person.display_name)].append(person)
    return [
        people
        for people in by_name.values()
        if len(people) > 1 and (None in (labels := {one.one_person for one in people}) or len(labels) > 1)
    ]


def _in_use(actor: Actor) -> Iterable[ColumnElement[bool]]:
    offices = require_somewhere(actor, Verb.manage_people)
    return (true() if is_everywhere(actor, Verb.manage_people) else _of(offices)), Person.locked_at.is_(None)


def _number_entered(entered: str | None) -> str | None:
    if not entered or says_nothing(entered):
        return None
    number = normal_number(entered)
    if number is None:
        raise NumberNotAccepted(fields={"employee_number": NumberNotAccepted.__doc__ or ""})
    return number


def _said_of(number: str | None, old: str | None = None) -> str | None:
    """What a record says of an employee number: that there is one, so that nothing in the chain ever has to be erased."""
    if number is None:
        return None
    return "set" if old is None else "changed"


def _with_number(
    session: Session, number: str | None, actor: Actor, *, but: Person | None = None, is_open: bool = True
) -> Sequence[Person]:
    """The other accounts with this number, and whatever is one person's with them; all rows are held from here on.

    Of an account that is open itself, no other that is open may have it.

    Which account it is nobody hears who does not manage it. Raises NumberInUse, NumberInUseElsewhere.
    """
    if number is None:
        return []
    take(session, AdvisoryLock.one_person)
    query = select(Person).where(Person.employee_number == number).order_by(Person.id)
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    others = [one for one in found if but is None or one.id != but.id]
    in_use = next((one for one in others if one.locked_at is None), None)
    if is_open and in_use is not None:
        refusal = NumberInUse if _manages(session, in_use, actor) else NumberInUseElsewhere
        raise refusal(fields={"employee_number": refusal.__doc__ or ""})
    return _held(session, _everyone(session, [*others, *([but] if but else [])])) if others else []


def _manages(session: Session, person: Person, actor: Actor) -> bool:
    try:
        require_for_person(session, person, actor, Verb.manage_people)
    except (NotFound, Forbidden):
        return False
    return True


def _accounts_with(session: Session, person: Person) -> list[Person]:
    """The other accounts of the same person."""
    if person.one_person is None:
        return []
    query = select(Person).where(Person.one_person == person.one_person, Person.id != person.id)
    return list(session.scalars(query.order_by(Person.id)))


def _tie(session: Session, accounts: Sequence[Person], actor: Actor, now: datetime) -> None:
    """Let these accounts, and whatever is one person's with any of them, be one person's."""
    everyone = _everyone(session, accounts)
    if len(everyone) > 1:
        label = next((one.one_person for one in everyone if one.one_person), None) or secrets.token_hex(8)
        _label(session, everyone, label, actor, now)


def _everyone(session: Session, accounts: Iterable[Person]) -> list[Person]:
    """These accounts and the others of the same people, each once."""
    return list({one.id: one for account in accounts for one in (account, *_accounts_with(session, account))}.values())


def _held(session: Session, accounts: Iterable[Person]) -> list[Person]:
    """The accounts as they are now, held until the end of the transaction, in the order of their rows."""
    wanted = select(Person).where(Person.id.in_([one.id for one in accounts])).order_by(Person.id)
    held = wanted.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(session.scalars(held))


def _label(session: Session, accounts: Iterable[Person], label: str | None, actor: Actor, now: datetime) -> None:
    """Write what these accounts share, and record of each that it changed: no record names an account of another office.

    The caller has the lock `one_person`; rows are held in their order, since others hold one and then wait for the chain.
    """
    for account in _held(session, [one for one in accounts if one.one_person != label]):
        old, account.one_person = account.one_person, label
        before, after = {"one_person": old}, {"one_person": label}
        office_id = _office_of(session, account, actor)
        act = AdminAct(AdminKind.person_tied, account.username, office_id, old=before, new=after)
        record(session, actor, now, act)
    session.flush()
