"""The positions that people hold over periods: given, ended, looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import Verb, decide, is_everywhere, offices_where, place, require
from osm_flow.domain.access.roles import OVERSIGHT, PROVINCIAL, SIGN_IN_ROLES, STAFF, WEIGHTY
from osm_flow.domain.people import NewPosition, PositionKind
from osm_flow.domain.search import says_nothing, visible
from osm_flow.errors import Forbidden, Invalid, NotFound, Refused
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.operations.people.accounts import managed_person, require_office
from osm_flow.operations.people.hats import is_one_person, valid_on
from osm_flow.store.models import Office, Person, Position, Province
from osm_flow.store.second_persons import FirstAct, is_for_oneself, is_second_person

_RECORDED = ("role", "office_id", "province_id", "kind", "letter", "valid_from", "valid_to", "title_th", "title_en")

_WHOM = "Say for whom this person acts."


class PositionNotFound(NotFound):
    """There is no such position."""


class NotToYourself(Forbidden):
    """Nobody gives a position to themselves or to whom they act for: another administrator has to."""


class SecondPersonNeeded(Forbidden):
    """Somebody else has to confirm this: you gave the position, it is yours, or one of you acts for the other."""


class NothingToConfirm(Refused):
    """This position is confirmed or ended already."""


class PositionNotAccepted(Invalid):
    """This position cannot be given. See the marked fields."""


def positions_of(session: Session, person: Person) -> Sequence[Position]:
    """Every position, newest first."""
    query = select(Position).where(Position.person_id == person.id).options(joinedload(Position.for_person))
    return session.scalars(query.order_by(Position.valid_from.desc(), Position.id.desc())).all()


def give_position(session: Session, username: str, actor: Actor, now: datetime, entered: NewPosition) -> Position:
    """Give a person a role in an office over a period; nobody gives one to themselves.

    A post with authority waits until a second person confirms it, unless the system itself gives it.

    Raises Forbidden, NotToYourself, and PositionNotAccepted naming the fields at fault.
    """
    person = managed_person(session, username, actor)
    require_office(actor, entered.office_id)
    if is_for_oneself(session, actor, now, person):
        raise NotToYourself
    principal = session.scalars(select(Person).where(Person.username == (entered.for_username or ""))).one_or_none()
    position = Position(
        person_id=person.id,
        office_id=entered.office_id,
        province_id=entered.province_id or None,
        role=entered.role,
        title_th=visible(entered.title_th),
        title_en=visible(entered.title_en),
        kind=str(entered.kind),
        for_person_id=principal.id if principal else None,
        letter=visible(entered.letter or "") or None,
        valid_from=entered.valid_from,
        valid_to=entered.valid_to,
        waits=entered.role in WEIGHTY and not actor.is_system,
        given_by=actor.username,
        given_at=now,
    )
    faults = dict(_position_faults(session, position, bool((entered.for_username or "").strip())))
    if not actor.is_system and _has_to_be_numbered(session, person, position):
        faults.setdefault("role", "Enter the employee number of this account first: staff and overseers have one.")
    if faults:
        raise PositionNotAccepted(fields=faults)
    session.add(position)
    session.flush()
    record_given(session, position, actor, now, _RECORDED)
    return position


def record_given(
    session: Session, position: Position, actor: Actor, now: datetime, fields: Iterable[str], hat: Hat | None = None
) -> None:
    """Record who gave a position that is stored already, with these fields of it and for whom it is held.

    `hat` is the one in which they did, where that is not the one that manages people.
    """
    new = {name: getattr(position, name) for name in fields}
    new |= {"position": position.id, "for": position.for_person.username if position.for_person else None}
    act = AdminAct(AdminKind.position_given, position.person.username, position.office_id, new=new, hat=hat)
    record(session, actor, now, act)


def confirm_position(session: Session, position_id: int, actor: Actor, now: datetime) -> Position:
    """Let a position that waits be held: by a second person, neither its holder nor who gave it.

    Raises PositionNotFound, NotFound for another office's, NotYourRole, SecondPersonNeeded, NothingToConfirm.
    """
    position = _waiting(session, position_id, actor)
    if not may_confirm(session, position, actor, now):
        raise SecondPersonNeeded
    position.waits, position.confirmed_by, position.confirmed_at = False, actor.username, now
    told = {"position": position.id, "role": position.role, "kind": position.kind, "given_by": position.given_by}
    old, new, concerns = {"waits": True}, {"waits": False}, (position.person.username, position.office_id)
    record(session, actor, now, AdminAct(AdminKind.position_confirmed, *concerns, old=old, new=new, told=told))
    session.flush()
    return position


def decline_position(session: Session, position_id: int, actor: Actor, now: datetime) -> Position:
    """Let a position that waits never be held; whoever gave it may take it back so. Raises as `confirm_position`."""
    position = _waiting(session, position_id, actor)
    hat = decide(actor, Verb.confirm_position, place(position.office_id)).hat
    close_position(session, position, actor, now, position.valid_from - timedelta(days=1), hat)
    return position


def waiting_positions(session: Session, actor: Actor) -> Sequence[Position]:
    """The positions that wait for a second person in the offices where the actor may confirm, oldest first."""
    query = select(Position).where(Position.waits, _not_over())
    if not is_everywhere(actor, Verb.confirm_position):
        offices = offices_where(actor, Verb.confirm_position)
        if not offices:  # nearly everybody, on the page that everybody opens first
            return []
        query = query.where(Position.office_id.in_(offices))
    query = query.options(joinedload(Position.person), joinedload(Position.for_person))
    return session.scalars(query.order_by(Position.id)).all()


def may_confirm(session: Session, position: Position, actor: Actor, now: datetime) -> bool:
    """Whether the actor is a second person for this position that waits: neither its giver nor its holder, nor in their place."""
    first = FirstAct(position.given_by, position.given_at, frozenset({position.person_id}))
    return is_second_person(session, actor, now, first)


def _waiting(session: Session, position_id: int, actor: Actor) -> Position:
    position = session.get(Position, position_id, with_for_update=True, populate_existing=True)
    if position is None:
        raise PositionNotFound
    require(actor, Verb.confirm_position, place(position.office_id))
    if not position.waits or (position.valid_to is not None and position.valid_to < position.valid_from):
        raise NothingToConfirm
    return position


def _not_over() -> ColumnElement[bool]:
    return or_(Position.valid_to.is_(None), Position.valid_to >= Position.valid_from)


def _position_faults(session: Session, position: Position, is_named: bool) -> Iterable[tuple[str, str]]:
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
        if is_named:
            yield from _post_faults(session, position)
        else:
            yield "for_username", _WHOM
        if says_nothing(position.letter or ""):
            yield "letter", "Name the order or letter that made it."
    if max(map(len, (position.title_th, position.title_en, position.letter or ""))) > 255:
        yield "title_th", "Use at most 255 characters."


def _is_own(session: Session, position: Position) -> bool:
    """Whether a position would be held for the holder themself, in whichever of their accounts."""
    holder, principal = session.get_one(Person, position.person_id), session.get_one(Person, position.for_person_id)
    return is_one_person(holder, principal)


def _has_to_be_numbered(session: Session, person: Person, position: Position) -> bool:
    """Whether this is a first post of staff or overseer for an account without an employee number.

    Parties outside may have none, and who held such a post before there were numbers goes on without.
    """
    numbered = STAFF | OVERSIGHT
    if position.role not in numbered or person.employee_number is not None:
        return False
    held = select(Position.id).where(Position.person_id == person.id, Position.role.in_(numbered)).limit(1)
    return session.scalar(held) is None


def _post_faults(session: Session, position: Position) -> Iterable[tuple[str, str]]:
    """Somebody acts or signs in a post only for whom it is and as long as it is theirs."""
    own = select(Position).where(
        Position.person_id == position.for_person_id,
        Position.kind == PositionKind.substantive,
        *_same_post(position),
        *valid_on(position.valid_from),
    )
    posts = session.scalars(own).all()
    # Whoever holds no such post here is told of like nobody: whether there is an account of this name elsewhere stays there.
    if not posts:
        yield "for_username", "This person does not hold this post here on the first day."
    elif _is_own(session, position):
        yield "for_username", _WHOM
    elif not any(post.valid_to is None or (position.valid_to or date.max) <= post.valid_to for post in posts):
        yield "valid_to", "The post of the person represented ends earlier."


def _same_post(position: Position) -> tuple[ColumnElement[bool], ...]:
    return (
        Position.role == position.role,
        Position.office_id.is_not_distinct_from(position.office_id),
        Position.province_id.is_not_distinct_from(position.province_id),
    )


def end_position(session: Session, position_id: int, actor: Actor, now: datetime, *, last_day: date) -> Position:
    """The position is kept as history but not held after `last_day`; nor is it by whoever acts or signs for its holder.

    Raises PositionNotFound, Forbidden.
    """
    position = session.get(Position, position_id, with_for_update=True, populate_existing=True)
    if position is None:
        raise PositionNotFound
    require_office(actor, position.office_id)
    close_position(session, position, actor, now, last_day)
    if position.kind == PositionKind.substantive:
        stand_ins = select(Position).where(
            Position.for_person_id == position.person_id,
            *_same_post(position),
            or_(Position.valid_to.is_(None), Position.valid_to > last_day),
        )
        for stand_in in session.scalars(stand_ins.order_by(Position.id).with_for_update()):
            close_position(session, stand_in, actor, now, last_day)
    return position


def close_position(
    session: Session, position: Position, actor: Actor, now: datetime, last_day: date, hat: Hat | None = None
) -> None:
    """End a position that this transaction holds, and record who ended it, in which hat; the caller asks who may."""
    old, new = {"valid_to": position.valid_to}, {"valid_to": last_day}
    position.valid_to = last_day
    holder = session.get_one(Person, position.person_id).username
    told = {"position": position.id, "role": position.role, "kind": position.kind, "office_id": position.office_id}
    act = AdminAct(AdminKind.position_ended, holder, position.office_id, old=old, new=new, told=told, hat=hat)
    record(session, actor, now, act)
