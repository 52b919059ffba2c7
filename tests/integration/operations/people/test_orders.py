"""Orders by which somebody acts or signs for a head: whose, in whose favour, for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.people import hats, orders
from osm_flow.operations.people.orders import NewOrder, OrderNotAccepted, end_order, record_order
from osm_flow.operations.people.positions import PositionNotFound, SecondPersonNeeded, confirm_position
from osm_flow.store.models import AdminRecord, Notification, Position
from tests.factories import NOW, OFFICE, give_role, make_office, make_person

TODAY = NOW.date()
LETTER = "คำสั่งจังหวัดอุดรธานี ที่ 1/2570"
People = dict[str, Actor]


@pytest.fixture
def people(session: Session) -> People:
    make_office(session)
    make_office(session, "NE-U2", {})
    return {
        "boss": make_person(session, "boss", "osm_director"),
        "head": make_person(session, "head", "osm_me_head"),
        "clerk": make_person(session, "clerk", "osm_secretariat"),
        "anan": make_person(session, "anan", "osm_strategy"),
        "seer": make_person(session, "seer", "auditor"),
        "far": make_person(session, "far", "osm_strategy", office_id="NE-U2"),
        "away": make_person(session, "away", "osm_secretariat", office_id="NE-U2"),
    }


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
