"""Every act that takes two persons, in every way in which one person could do both parts of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.people import NewPosition, PositionKind
from osm_flow.errors import Forbidden
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.definitions import proposals
from osm_flow.operations.people import orders, positions
from osm_flow.operations.people.accounts import say_one_person, set_number
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import erasure_requests, sensitivity
from osm_flow.store.models import CaseReader, JournalRecord, Person, Position
from osm_flow.store.second_persons import FirstAct, is_second_person
from tests.factories import (
    BPMN,
    NOW,
    OFFICE,
    deploy_tests,
    files,
    give_role,
    later,
    make_acting,
    make_case,
    make_office,
    make_person,
)

TODAY = NOW.date()
Second = Callable[[Actor], object]


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """An administrator with two accounts, others who act or sign for them, some with such a post of their own, and strangers."""
    make_office(session)
    deploy_tests(session, "review")
    for name in ("admin", "second", "own1", "own2", "other", "another"):
        make_person(session, name, "admin", office_id=None)
    for name in ("standin", "signer", "deputy"):
        make_person(session, name)
    say_one_person(session, "second", SYSTEM, NOW, other_username="admin")
    for name, kind in (
        ("standin", PositionKind.acting),
        ("signer", PositionKind.delegated),
        ("own1", PositionKind.acting),
        ("own2", PositionKind.delegated),
    ):
        make_acting(session, who(session, name), who(session, "admin"), "admin", kind=kind, office_id=None)
    make_acting(session, who(session, "deputy"), who(session, "other"), "admin", office_id=None)
    make_person(session, "head", "osm_me_head")
    make_person(session, "anan", "osm_strategy")
    set_number(session, "anan", SYSTEM, NOW, entered="ปค-41024")
    return {name: who(session, name) for name in session.scalars(select(Person.username))}


def who(session: Session, name: str) -> Actor:
    return actor_named(session, name, TODAY)


def erasure(session: Session, first: Actor) -> Second:
    case = make_case(session)
    comment(session, case.id, who(session, "head"), later(1), body="นายสมชาย ใจดี โทร. มา", key=None)
    seq = session.scalars(select(JournalRecord.seq).where(JournalRecord.case_id == case.id)).all()[-1]
    asked = erasure_requests.ask(session, first, later(2), words="", records=[(case.id, seq)], reason="คำขอที่ 1")
    return lambda second: erasure_requests.approve(session, asked.id, second, later(3))


def post(session: Session, first: Actor) -> Second:
    entered = NewPosition(role="osm_director", office_id=OFFICE, valid_from=TODAY)
    given = positions.give_position(session, "anan", first, later(2), entered)
    return lambda second: positions.confirm_position(session, given.id, second, later(3))


def order(session: Session, first: Actor) -> Second:
    own = session.scalars(select(Position.id).where(Position.role == "osm_me_head")).one()
    entered = orders.NewOrder(own, "anan", "acting", "คำสั่งที่ 1/2570", TODAY, TODAY + timedelta(days=7))
    given = orders.record_order(session, first, later(2), entered)
    return lambda second: positions.confirm_position(session, given.id, second, later(3))


def proposal(session: Session, first: Actor) -> Second:
    xml = (BPMN / "review.bpmn").read_bytes().replace("ร่างแผน".encode(), "ยกร่าง".encode())
    made = proposals.propose(session, files() | {"review.bpmn": xml}, first, later(2), office_id=None)
    return lambda second: proposals.publish_proposal(session, made.id, second, later(3))


def unmarking(session: Session, first: Actor) -> Second:
    case = make_case(session)
    sensitivity.mark(session, case.id, who(session, "another"), later(1), reason="x")
    for person_id in session.scalars(select(Person.id)):
        session.add(CaseReader(case_id=case.id, person_id=person_id, named_by="another", at=later(1)))
    session.flush()
    made = sensitivity.propose_unmark(session, case.id, first, later(2), reason="x")
    return lambda second: sensitivity.confirm_unmark(session, case.id, made.id, second, later(3))


ACTS = (erasure, post, order, proposal, unmarking)
ONE_PERSON = (
    ("admin", "admin"),
    ("admin", "second"),
    ("second", "admin"),
    ("admin", "standin"),  # who acts for them confirms
    ("admin", "signer"),
    ("standin", "admin"),  # who acts for them asks
    ("signer", "admin"),
    ("second", "standin"),
    ("standin", "second"),
    ("standin", "signer"),  # both act for the same person
    ("admin", "own1"),  # in a post of their own, but they could act for them
    ("own2", "admin"),
    ("own1", "own2"),
)
TWO_PERSONS = (("admin", "other"), ("other", "standin"), ("standin", "other"), ("own1", "deputy"), ("deputy", "own2"))


@pytest.mark.parametrize(("first", "second"), ONE_PERSON)
@pytest.mark.parametrize("act", ACTS)
def test_nobody_does_both_parts_alone(
    session: Session, people: dict[str, Actor], act: Callable[[Session, Actor], Second], first: str, second: str
) -> None:
    confirm = act(session, people[first])
    with pytest.raises(Forbidden), session.begin_nested():
        confirm(people[second])
    confirm(people["another"])


@pytest.mark.parametrize(("first", "second"), TWO_PERSONS)
@pytest.mark.parametrize("act", ACTS)
def test_two_persons_do_it_in_whosever_place(
    session: Session, people: dict[str, Actor], act: Callable[[Session, Actor], Second], first: str, second: str
) -> None:
    act(session, people[first])(people[second])


@pytest.mark.parametrize("act", ACTS)
def test_an_order_that_is_ended_at_once_or_given_afterwards_helps_nobody(
    session: Session, people: dict[str, Actor], act: Callable[[Session, Actor], Second]
) -> None:
    confirm = act(session, people["standin"])
    held = select(Position).where(Position.person_id == people["standin"].person_id)
    positions.end_position(session, session.scalars(held).one().id, SYSTEM, NOW, last_day=TODAY - timedelta(days=1))
    with pytest.raises(Forbidden), session.begin_nested():
        confirm(people["admin"])
    given = make_acting(session, people["deputy"], people["standin"], "admin", office_id=None)
    with pytest.raises(Forbidden), session.begin_nested():
        confirm(given)


def test_who_acts_for_the_holder_does_not_confirm_their_post(session: Session, people: dict[str, Actor]) -> None:
    confirm = post(session, people["admin"])
    give_role(session, people["anan"].person_id or 0, "admin", office_id=None)
    acting = make_acting(session, people["other"], people["anan"], "admin", office_id=None)
    with pytest.raises(positions.SecondPersonNeeded), session.begin_nested():
        confirm(acting)


def test_nobody_gives_a_post_to_whom_they_act_for(session: Session, people: dict[str, Actor]) -> None:
    entered = NewPosition(role="osm_strategy", office_id=OFFICE, valid_from=TODAY)
    for giver, receiver in (("standin", "admin"), ("standin", "second"), ("signer", "admin"), ("admin", "second")):
        with pytest.raises(positions.NotToYourself):
            positions.give_position(session, receiver, people[giver], NOW, entered)


def test_a_post_that_was_over_counts_no_more_and_one_of_an_unknown_day_always(
    session: Session, people: dict[str, Actor]
) -> None:
    held = session.scalars(select(Position).where(Position.person_id == people["standin"].person_id)).one()
    held.valid_to = TODAY - timedelta(days=2)
    session.flush()
    assert is_second_person(session, people["admin"], later(1), FirstAct("standin", NOW))
    assert not is_second_person(session, people["admin"], later(1), FirstAct("standin", None))
    assert not is_second_person(session, people["admin"], later(1), FirstAct("standin", NOW - timedelta(days=2)))
    assert is_second_person(session, SYSTEM, NOW, FirstAct("standin", NOW))


def test_a_post_that_still_waits_is_no_place_to_act_in(session: Session, people: dict[str, Actor]) -> None:
    held = session.scalars(select(Position).where(Position.person_id == people["standin"].person_id)).one()
    held.waits = True
    session.flush()
    assert is_second_person(session, people["admin"], later(1), FirstAct("standin", NOW))
