"""Orders by which somebody acts or signs for a head while they are away: given by the head, or written down for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlalchemy.orm import Session, joinedload

from osm_flow.domain.access.actors import Actor, Hat
from osm_flow.domain.access.policy import Verb, decide, offices_where, place, require
from osm_flow.domain.access.roles import POSTS_OF_HEADS, PROVINCIAL, STAFF, role_name
from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.people import PositionKind
from osm_flow.domain.search import is_one_line, says_nothing, visible
from osm_flow.errors import Invalid
from osm_flow.operations.people.hats import is_one_person, valid_on
from osm_flow.operations.people.positions import PositionNotFound, close_position, record_given
from osm_flow.store.models import Notification, Person, Position
from osm_flow.store.second_persons import is_for_oneself

# An order names no title: the post has its own.
_RECORDED = ("role", "office_id", "province_id", "kind", "letter", "valid_from", "valid_to")
_LONGEST = timedelta(days=366)


class OrderNotAccepted(Invalid):
    """This order cannot be recorded. See the marked fields."""


@dataclass(frozen=True)
class NewOrder:
    """An order as it is entered: who acts or signs in which head's post, how, by which letter, on which days, both included."""

    post_id: int
    to_username: str
    kind: str
    letter: str
    first: date
    last: date | None


def posts_to_hand_on(session: Session, actor: Actor, today: date) -> Sequence[Position]:
    """The posts for which the actor may record an order: their own as a head, and those of heads whose papers they keep."""
    kept = offices_where(actor, Verb.record_order)
    query = select(Position).where(
        Position.kind == PositionKind.substantive,
        Position.role.in_(POSTS_OF_HEADS),
        or_(Position.person_id == actor.person_id, Position.office_id.in_(kept)),
        *valid_on(today),
    )
    query = query.join(Position.person).where(Person.locked_at.is_(None)).options(joinedload(Position.person))
    return session.scalars(query.order_by(Position.person_id != actor.person_id, Position.id)).all()


def receivers(session: Session, posts: Iterable[Position], today: date) -> Sequence[Person]:
    """Whom one of these posts can be handed to: its colleagues whose accounts have an employee number."""
    numbered = _colleagues(posts, today).where(Person.employee_number.is_not(None))
    return session.scalars(numbered.order_by(Person.username)).all()


def _colleagues(posts: Iterable[Position], today: date) -> Select[Person]:
    """People with a post of their own beside one of these: staff of its office, or of its province for one of a province."""
    own = select(Position.person_id).where(
        Position.kind == PositionKind.substantive, or_(false(), *map(_is_beside, posts)), *valid_on(today)
    )
    return select(Person).where(Person.id.in_(own), Person.locked_at.is_(None))


def _is_beside(post: Position) -> ColumnElement[bool]:
    here = Position.office_id == post.office_id
    if post.role in PROVINCIAL:
        return and_(here, Position.role.in_(PROVINCIAL), Position.province_id == post.province_id)
    return and_(here, Position.role.in_(STAFF))


def orders_of(session: Session, posts: Sequence[Position], today: date) -> Sequence[Position]:
    """The orders that hold today or later, for these posts of heads."""
    query = select(Position).where(
        Position.kind != PositionKind.substantive,
        Position.for_person_id.in_({post.person_id for post in posts}),
        or_(Position.valid_to.is_(None), Position.valid_to >= today),
    )
    query = query.options(joinedload(Position.person), joinedload(Position.for_person))
    known = {(post.person_id, post.role, post.office_id, post.province_id) for post in posts}
    return [
        row
        for row in session.scalars(query.order_by(Position.valid_from, Position.id))
        if (row.for_person_id, row.role, row.office_id, row.province_id) in known
    ]


def record_order(session: Session, actor: Actor, now: datetime, entered: NewOrder) -> Position:
    """Let a person act or sign in a head's post from the first day to the last, and tell both.

    A head orders it for their own post; the secretary writes down an order for a head, never in their own favour.
    Raises PositionNotFound, Forbidden, and OrderNotAccepted naming the fields at fault.
    """
    post = _post(session, entered.post_id, actor)
    receiver = session.scalars(select(Person).where(Person.username == entered.to_username)).one_or_none()
    faults = dict(_faults(session, entered, post, receiver, actor, now))
    if faults or receiver is None:
        raise OrderNotAccepted(fields=faults)
    position = Position(
        person_id=receiver.id,
        office_id=post.office_id,
        province_id=post.province_id,
        role=post.role,
        kind=entered.kind,
        for_person_id=post.person_id,
        letter=visible(entered.letter),
        valid_from=entered.first,
        valid_to=entered.last,
        # The head's own order needs nobody else; what is written down for a head waits for a second person.
        waits=post.person_id != actor.person_id and not actor.is_system,
        given_by=actor.username,
        given_at=now,
    )
    session.add(position)
    session.flush()
    record_given(session, position, actor, now, _RECORDED, _hat_for(actor, post))
    _tell(session, actor, now, position, receiver, post.person)
    return position


def end_order(session: Session, position_id: int, actor: Actor, now: datetime) -> Position:
    """End an order at once; that there was one stays known. Raises PositionNotFound, Forbidden."""
    position = session.get(Position, position_id, with_for_update=True, populate_existing=True)
    if position is None or position.kind == PositionKind.substantive:
        raise PositionNotFound
    if position.for_person_id != actor.person_id:
        require(actor, Verb.record_order, place(position.office_id))
    hat = _hat_for(actor, position)
    close_position(session, position, actor, now, local_day(now) - timedelta(days=1), hat)
    return position


def _hat_for(actor: Actor, post: Position) -> Hat | None:
    """The hat in which the actor orders for this post or of it: the post itself where it is theirs, else what keeps the papers."""
    if actor.person_id in {post.person_id, post.for_person_id}:
        own = (hat for hat in actor.hats if hat.role == post.role and hat.kind == PositionKind.substantive)
        if (theirs := next((hat for hat in own if hat.covers(post.office_id)), None)) is not None:
            return theirs
    return decide(actor, Verb.record_order, place(post.office_id)).hat


def _post(session: Session, post_id: int, actor: Actor) -> Position:
    post = session.get(Position, post_id, with_for_update=True, populate_existing=True)
    if post is None or post.kind != PositionKind.substantive or post.role not in POSTS_OF_HEADS:
        raise PositionNotFound
    if post.person_id != actor.person_id:
        require(actor, Verb.record_order, place(post.office_id))
    return post


def _faults(
    session: Session, entered: NewOrder, post: Position, receiver: Person | None, actor: Actor, now: datetime
) -> Iterable[tuple[str, str]]:
    if fault := _fault_of_receiver(session, entered, post, receiver, actor, now):
        yield "to_username", fault
    if entered.kind not in {PositionKind.acting, PositionKind.delegated}:
        yield "kind", "Choose how the position is held."
    letter = entered.letter
    if says_nothing(letter):
        yield "letter", "Name the order or letter that made it."
    elif len(visible(letter)) > 255 or not is_one_line(letter):
        yield "letter", "At most 255 characters on one line."
    yield from _faults_of_days(entered, post, local_day(now))


def _fault_of_receiver(
    session: Session, entered: NewOrder, post: Position, receiver: Person | None, actor: Actor, now: datetime
) -> str | None:
    beside = {person.id for person in session.scalars(_colleagues([post], entered.first))}
    if receiver is None or receiver.id not in beside or is_one_person(receiver, post.person):
        return "Choose somebody of the staff of this office; for a post of a province, of that province."
    if receiver.employee_number is None:
        return "This account has no employee number yet: an administrator has to enter it first."
    if post.person_id != actor.person_id and is_for_oneself(session, actor, now, receiver):
        return "Nobody writes down an order in their own favour."
    return None


def _faults_of_days(entered: NewOrder, post: Position, today: date) -> Iterable[tuple[str, str]]:
    first, last = entered.first, entered.last
    if first < today:
        yield "first", "An order cannot begin in the past."
    elif not (post.valid_from <= first and (post.valid_to is None or first <= post.valid_to)):
        yield "first", "This person does not hold this post here on the first day."
    if last is None:
        yield "last", "Say until when it holds."
    elif last < first:
        yield "last", "The last day must not come before the first."
    elif last - first > _LONGEST:
        yield "last", "An order holds for a year at most."
    elif post.valid_to is not None and last > post.valid_to:
        yield "last", "The post of the person represented ends earlier."


def _tell(
    session: Session, actor: Actor, now: datetime, position: Position, receiver: Person, principal: Person
) -> None:
    """Both read who recorded it; the head is told also of what they did not enter themselves."""
    th, en = role_name(position.role), role_name(position.role, "en")
    told_th = (
        f"{receiver.display_name} ทำหน้าที่{th}แทน {principal.display_name} ตาม{position.letter} บันทึกโดย {actor.name}"
    )
    told_en = f"{receiver.display_name} acts as {en} for {principal.display_name} by {position.letter}, recorded by {actor.name}"
    for person in (receiver, principal):
        if person.id != actor.person_id:
            notice = Notification(
                person_id=person.id, kind="order", text_th=told_th, text_en=told_en, url="/account", at=now
            )
            session.add(notice)
    session.flush()
