"""Who is away on a day and who stands in for them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import Verb, decide, takes_part
from osm_flow.domain.people import PositionKind
from osm_flow.operations.cases.acts import list_cases
from osm_flow.operations.people.absence import absences_in
from osm_flow.operations.people.hats import people_wearing
from osm_flow.operations.policy_facts import case_facts, work_item_facts
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.inbox import InboxFilter, inbox_for
from osm_flow.operations.work_items.queries import choices_for
from osm_flow.store.models import Candidate, JournalRecord, Person, WorkItem
from tests.factories import NOW, OFFICE, deploy_tests, items_of, make_acting, make_case, make_office, make_person

TODAY = NOW.date()
ROLE = "osm_director"


@pytest.fixture
def people(session: Session) -> dict[str, Actor]:
    """A director, and colleagues who may stand in for them."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-40": "ขอนแก่น"})
    director = make_person(session, "director", ROLE)
    return {"director": director, **{name: make_person(session, name, "osm_strategy") for name in ("anan", "boon")}}


def lock(session: Session, actor: Actor) -> None:
    session.get_one(Person, actor.person_id).locked_at = NOW
    session.flush()


def told(session: Session, *actors: Actor, today: date = TODAY, may: bool = True) -> list[str]:
    """Who is turned to instead of these people."""
    meant = [session.get_one(Person, actor.person_id) for actor in actors]
    return [one.username for one in absences_in(session, OFFICE, today).instead_of(meant, lambda person: may)]


def test_who_is_there_is_told_in_person(session: Session, people: dict[str, Actor]) -> None:
    assert told(session, *people.values()) == ["director", "anan", "boon"]
    assert not absences_in(session, OFFICE, TODAY).is_away(session.get_one(Person, people["anan"].person_id))


def test_whoever_acts_for_somebody_stands_in_for_them(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE)

    assert told(session, people["director"]) == ["anan"]
    assert told(session, people["director"], people["anan"], people["boon"]) == ["anan", "boon"]
    assert absences_in(session, OFFICE, TODAY).is_away(session.get_one(Person, people["director"].person_id))


def test_several_may_stand_in_for_one(session: Session, people: dict[str, Actor]) -> None:
    for name in ("anan", "boon"):
        make_acting(session, people[name], people["director"], ROLE)

    assert told(session, people["director"]) == ["anan", "boon"]


def test_only_on_the_days_of_the_position(session: Session, people: dict[str, Actor]) -> None:
    first, last = TODAY + timedelta(days=3), TODAY + timedelta(days=5)
    make_acting(session, people["anan"], people["director"], ROLE, valid_from=first, valid_to=last)

    days = [told(session, people["director"], today=TODAY + timedelta(days=number)) for number in range(2, 7)]

    assert days == [["director"], ["anan"], ["anan"], ["anan"], ["director"]]


def test_who_only_signs_on_behalf_of_somebody_does_not_stand_in(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE, kind=PositionKind.delegated)

    assert told(session, people["director"]) == ["director"]


def test_a_position_in_another_office_says_nothing_here(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE, office_id="NE-U2")

    assert told(session, people["director"]) == ["director"]


def test_whoever_acts_for_an_auditor_does_nobody_s_work(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], "auditor", office_id=None)

    assert told(session, people["director"]) == ["director"]


def test_without_a_stand_in_who_may_the_person_is_told(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE)

    assert told(session, people["director"], may=False) == ["director"]


def test_a_stand_in_with_a_locked_account_does_not_count(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE)
    lock(session, people["anan"])

    assert told(session, people["director"]) == ["director"]


def test_a_locked_account_is_away(session: Session, people: dict[str, Actor]) -> None:
    lock(session, people["director"])
    alone = told(session, people["director"])
    make_acting(session, people["anan"], people["director"], ROLE)

    assert (alone, told(session, people["director"])) == ([], ["anan"])
    assert absences_in(session, OFFICE, TODAY).is_away(session.get_one(Person, people["director"].person_id))


def test_a_stand_in_who_is_away_has_stand_ins_too(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE)
    make_acting(session, people["boon"], people["anan"], ROLE)

    assert told(session, people["director"]) == ["boon"]


def test_two_who_act_for_each_other_are_both_told(session: Session, people: dict[str, Actor]) -> None:
    make_acting(session, people["anan"], people["director"], ROLE)
    make_acting(session, people["director"], people["anan"], "osm_strategy")

    assert sorted(told(session, people["director"], people["anan"])) == ["anan", "director"]


@pytest.mark.parametrize(("role", "expected"), [("osm_strategy", ["anan"]), ("osm_me", ["anan", "boon"])])
def test_of_those_who_hold_a_post_only_each_other_stand_in(
    session: Session, people: dict[str, Actor], role: str, expected: list[str]
) -> None:
    """Somebody else who acts for one of them, but in another post, has nothing to do with this one."""
    stand_in = people["anan"] if role == "osm_strategy" else people["director"]
    make_acting(session, stand_in, people["boon"], role)
    holders = people_wearing(session, "osm_strategy", OFFICE, TODAY)

    assert [person.username for person in absences_in(session, OFFICE, TODAY).among(holders)] == expected


# ---- candidates ------------------------------------------------------------------------------------------------


@pytest.fixture
def named(session: Session, people: dict[str, Actor]) -> WorkItem:
    """A free work item that names the director in person."""
    deploy_tests(session, "review")
    (item,) = items_of(session, make_case(session))
    session.execute(delete(Candidate).where(Candidate.work_item_id == item.id))
    session.add(Candidate(work_item_id=item.id, person_id=people["director"].person_id))
    session.flush()
    session.expire_all()
    return item


def finds(session: Session, actor: Actor) -> list[str]:
    """The work items that the actor's inbox offers; the policy must say the same."""
    offered = [item.id for item in inbox_for(session, actor, NOW, InboxFilter("groups")).items]
    everything = session.scalars(select(WorkItem).where(WorkItem.state == "READY"))
    claimable = [
        item for item in everything if decide(actor, Verb.claim, work_item_facts(session, item, actor)).allowed
    ]
    assert offered == [item.id for item in claimable]
    return offered


def test_what_names_a_person_is_offered_to_them_and_to_nobody_else(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    assert [finds(session, actor) for actor in people.values()] == [[named.id], [], []]


def test_what_names_somebody_who_is_away_is_offered_to_their_stand_in(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    stand_in = make_acting(session, people["anan"], people["director"], ROLE)
    delegate = make_acting(session, people["boon"], people["director"], ROLE, kind=PositionKind.delegated)

    assert (finds(session, stand_in), finds(session, delegate)) == ([named.id], [])


def test_a_stand_in_does_it_on_behalf_of_the_person(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    stand_in = make_acting(session, people["anan"], people["director"], ROLE)

    complete(session, named.id, stand_in, NOW, Completion.of({"text": "ร่าง"}))

    record = session.scalars(select(JournalRecord).where(JournalRecord.kind == "work_item.completed")).one()
    assert (record.actor, record.actor_role, record.on_behalf_of) == ("anan", ROLE, "director")


def test_a_stand_in_of_another_office_is_not_offered_it(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    outsider = make_person(session, "outsider", "osm_me", office_id="NE-U2")

    assert finds(session, make_acting(session, outsider, people["director"], ROLE, office_id="NE-U2")) == []


def test_a_stand_in_who_sees_little_else_meets_the_work_item(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    outsider = make_person(session, "outsider", "agency_owner")
    before = finds(session, outsider)
    stand_in = make_acting(session, outsider, people["director"], "agency_owner")

    assert (before, finds(session, stand_in)) == ([], [named.id])
    assert list_cases(session, stand_in).items == []
    assert decide(stand_in, Verb.see_work_item, work_item_facts(session, named, stand_in)).allowed
    assert takes_part(stand_in, case_facts(session, named.case, stand_in))


def test_those_who_are_away_are_the_last_ones_to_be_chosen(
    session: Session, people: dict[str, Actor], named: WorkItem
) -> None:
    make_acting(session, people["boon"], people["anan"], "osm_strategy")
    lock(session, people["director"])
    assert choices_for(session, named, TODAY) == []  # drawn for the director alone, who is locked
    deploy_tests(session, "review")
    (item,) = items_of(session, make_case(session))

    choices = choices_for(session, item, TODAY)

    assert [(choice.username, choice.roles) for choice in choices] == [
        ("boon", ("osm_strategy",)),
        ("anan", ("osm_strategy",)),
    ]
