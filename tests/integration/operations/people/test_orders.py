"""Orders by which somebody acts or signs for a head: whose, in whose favour, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.people import hats, orders
from osm_flow.operations.people.accounts import set_number
from osm_flow.operations.people.orders import NewOrder, OrderNotAccepted, end_order, record_order
from osm_flow.operations.people.positions import PositionNotFound, SecondPersonNeeded, confirm_position
from osm_flow.store.models import AdminRecord, Notification, Position
from tests.factories import NOW, OFFICE, give_role, make_acting, make_office, make_person

pytestmark = pytest.mark.sampled

TODAY = NOW.date()
LETTER = "คำสั่งจังหวัดอุดรธานี ที่ 1/2570"
People = dict[str, Actor]


@pytest.fixture
def people(session: Session) -> People:
    make_office(session)
    make_office(session, "NE-U2", {})
    known = {
        "boss": make_person(session, "boss", "osm_director"),
        "head": make_person(session, "head", "osm_me_head"),
        "clerk": make_person(session, "clerk", "osm_secretariat"),
        "anan": make_person(session, "anan", "osm_strategy"),
        "seer": make_person(session, "seer", "auditor"),
        "far": make_person(session, "far", "osm_strategy", office_id="NE-U2"),
        "away": make_person(session, "away", "osm_secretariat", office_id="NE-U2"),
        "owner": make_person(session, "owner", "agency_owner", province_id="TH-41"),
        "planner": make_person(session, "planner", "province_planner", province_id="TH-41"),
        "other": make_person(session, "other", "province_planner", province_id="TH-39"),
        "bare": make_person(session, "bare", "osm_me"),
        "lent": make_person(session, "lent", "agency_owner", "osm_me"),
    }
    for place, name in enumerate(known):
        if name != "bare":
            set_number(session, name, SYSTEM, NOW, entered=f"ปค-{4101 + place}")
    return known


def with_governor(session: Session, people: People) -> People:
    governor = make_person(session, "gov", "province_governor", province_id="TH-41")
    set_number(session, "gov", SYSTEM, NOW, entered="ปค-777")
    return people | {"gov": governor}


def post_of(session: Session, person: Actor, role: str | None = None) -> int:
    query = select(Position.id).where(Position.person_id == person.person_id, Position.kind == "substantive")
    return session.scalars(query.where(Position.role == role) if role else query).first() or 0


def ordered(session: Session, actor: Actor, whose: Actor, **changes: Any) -> Position:
    known = {"post_id": post_of(session, whose), "to_username": "anan", "kind": "acting", "letter": LETTER}
    known |= {"first": TODAY, "last": TODAY + timedelta(days=7)}
    return record_order(session, actor, NOW, NewOrder(**{**known, **changes}))


def test_a_head_hands_on_their_own_post_for_some_days(session: Session, people: People) -> None:
    position = ordered(session, people["boss"], people["boss"])

    days = [
        hats.actor_named(session, "anan", TODAY + timedelta(days=n)).hat_for(("osm_director",), OFFICE)
        for n in (0, 7, 8)
    ]
    assert [hat.for_username if hat else None for hat in days] == ["boss", "boss", None]
    assert (position.kind, position.letter, position.role, position.office_id) == (
        "acting",
        LETTER,
        "osm_director",
        OFFICE,
    )
    newest = session.scalars(select(AdminRecord).order_by(AdminRecord.seq.desc())).first()
    assert newest is not None
    assert (newest.kind, newest.actor, newest.subject) == ("position.given", "boss", "anan")
    assert [notice.person_id for notice in session.scalars(select(Notification))] == [people["anan"].person_id]


def test_the_secretary_writes_down_an_order_for_a_head_and_both_are_told(session: Session, people: People) -> None:
    position = ordered(session, people["clerk"], people["head"], kind="delegated")

    assert position.waits
    for name in ("clerk", "anan"):
        with pytest.raises((SecondPersonNeeded, NotYourRole)):
            confirm_position(session, position.id, people[name], NOW)
    assert hats.actor_named(session, "anan", TODAY).hat_for(("osm_me_head",), OFFICE) is None
    confirm_position(session, position.id, people["boss"], NOW)
    assert hats.actor_named(session, "anan", TODAY).hat_for(("osm_me_head",), OFFICE) is not None
    told = {notice.person_id for notice in session.scalars(select(Notification))}
    assert told == {people["anan"].person_id, people["head"].person_id}
    assert all("คุณclerk" in notice.text_th for notice in session.scalars(select(Notification)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to_username": "boss"}, "to_username"),
        ({"to_username": "nobody"}, "to_username"),
        ({"to_username": "seer"}, "to_username"),
        ({"to_username": "far"}, "to_username"),
        ({"to_username": "owner"}, "to_username"),
        ({"to_username": "planner"}, "to_username"),
        ({"to_username": "bare"}, "to_username"),
        ({"kind": "substantive"}, "kind"),
        ({"letter": "\u200b "}, "letter"),
        ({"letter": "ก\nข"}, "letter"),
        ({"letter": "ก" * 256}, "letter"),
        ({"first": TODAY - timedelta(days=1)}, "first"),
        ({"last": None}, "last"),
        ({"last": TODAY - timedelta(days=1)}, "last"),
        ({"last": TODAY + timedelta(days=400)}, "last"),
    ],
)
def test_an_order_that_makes_no_sense_names_its_field(
    session: Session, people: People, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(OrderNotAccepted) as refused:
        ordered(session, people["boss"], people["boss"], **change)
    assert refused.value.fields.keys() == {field}


def test_a_governors_post_goes_to_people_of_that_province_alone(session: Session, people: People) -> None:
    people = with_governor(session, people)
    for name in ("owner", "other", "anan", "boss", "seer"):
        with pytest.raises(OrderNotAccepted) as refused:
            ordered(session, people["gov"], people["gov"], to_username=name)
        assert refused.value.fields.keys() == {"to_username"}
    assert ordered(session, people["gov"], people["gov"], to_username="planner").province_id == "TH-41"


def test_the_form_offers_whom_the_order_is_accepted_for_and_nobody_else(session: Session, people: People) -> None:
    people = with_governor(session, people)
    posts = session.scalars(select(Position).where(Position.role.in_(("osm_director", "province_governor")))).all()
    for post in posts:
        offered = {person.username for person in orders.receivers(session, [post], TODAY)} - {post.person.username}
        accepted = set()
        for name in people:
            with suppress(OrderNotAccepted), session.begin_nested() as nested:
                ordered(session, people[post.person.username], people[post.person.username], to_username=name)
                accepted.add(name)
                nested.rollback()
        assert offered == accepted != set()
    assert orders.receivers(session, [], TODAY) == []


def test_a_colleague_without_a_number_is_told_what_to_do(session: Session, people: People) -> None:
    with pytest.raises(OrderNotAccepted) as refused:
        ordered(session, people["boss"], people["boss"], to_username="bare")
    assert "employee number" in refused.value.fields["to_username"]
    set_number(session, "bare", SYSTEM, NOW, entered="ปค-9999")
    assert ordered(session, people["boss"], people["boss"], to_username="bare").id


def test_who_acts_for_somebody_writes_no_order_in_their_favour(session: Session, people: People) -> None:
    acting = make_acting(session, people["bare"], people["clerk"], "osm_secretariat")
    with pytest.raises(OrderNotAccepted) as refused:
        ordered(session, acting, people["boss"], to_username="clerk")
    assert refused.value.fields.keys() == {"to_username"}


def test_nobody_writes_an_order_in_their_own_favour_or_for_whom_they_do_not_serve(
    session: Session, people: People
) -> None:
    with pytest.raises(OrderNotAccepted) as refused:
        ordered(session, people["clerk"], people["boss"], to_username="clerk")
    assert refused.value.fields.keys() == {"to_username"}
    for name in ("anan", "head", "seer"):
        with pytest.raises(NotYourRole):
            ordered(session, people[name], people["boss"])
    for name in ("far", "away"):
        with pytest.raises(NotFound):
            ordered(session, people[name], people["boss"])


def test_only_own_posts_of_heads_are_handed_on(session: Session, people: People) -> None:
    acting = ordered(session, people["boss"], people["boss"])

    with pytest.raises(PositionNotFound):  # whoever acts for a head does not hand that on
        ordered(
            session, hats.actor_named(session, "anan", TODAY), people["boss"], post_id=acting.id, to_username="head"
        )
    with pytest.raises(PositionNotFound):
        ordered(session, people["anan"], people["anan"], to_username="head")
    with pytest.raises(PositionNotFound):
        ordered(session, people["boss"], people["boss"], post_id=999)


def test_an_order_ends_when_the_head_or_who_keeps_their_papers_says_so(session: Session, people: People) -> None:
    for name in ("boss", "clerk"):
        position = ordered(session, people["boss"], people["boss"])
        with pytest.raises(NotYourRole):
            end_order(session, position.id, people["head"], NOW)
        with pytest.raises(NotFound):
            end_order(session, position.id, people["away"], NOW)
        end_order(session, position.id, people[name], NOW)
        assert hats.actor_named(session, "anan", TODAY).hat_for(("osm_director",), OFFICE) is None
    with pytest.raises(PositionNotFound):
        end_order(session, post_of(session, people["boss"]), people["boss"], NOW)


def test_each_sees_the_posts_that_they_may_hand_on(session: Session, people: People) -> None:
    give_role(session, people["boss"].person_id or 0, "osm_secretariat")
    ordered(session, people["head"], people["head"])

    def posts(name: str) -> list[str]:
        return [post.role for post in orders.posts_to_hand_on(session, hats.actor_named(session, name, TODAY), TODAY)]

    assert posts("head") == ["osm_me_head"]
    assert posts("boss") == ["osm_director", "osm_me_head"]
    assert sorted(posts("clerk")) == ["osm_director", "osm_me_head"]
    assert posts("anan") == posts("away") == []

    def known(name: str) -> Sequence[Position]:
        return orders.orders_of(session, orders.posts_to_hand_on(session, people[name], TODAY), TODAY)

    assert len(known("head")) == 1
    assert known("away") == []
