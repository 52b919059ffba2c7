"""What the policy is told of cases and work items, and the conditions that say the same to the database."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import Reason, Verb, decide
from osm_flow.operations import policy_facts
from osm_flow.operations.people.hats import person_by_username
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Candidate, WorkItem
from tests.factories import OFFICE, deploy_tests, items_of, make_case, make_office, make_person

ELSEWHERE = "S-GULF"


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    make_office(session, ELSEWHERE, {})
    deploy_tests(session, "review", "provinces")
    return make_person(session, "anan", "osm_strategy")


def statements(session: Session) -> list[str]:
    seen: list[str] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: seen.append(args[2]))
    return seen


def hand_over(session: Session, item: WorkItem, *candidates: Candidate) -> None:
    """Leave these candidates alone with the work item."""
    for one in list(item.candidates):
        session.delete(one)
    for one in candidates:
        one.work_item_id = item.id
        session.add(one)
    session.flush()
    session.expire_all()


# ---- work items ------------------------------------------------------------------------------------------------


def test_a_work_item_is_told_with_its_people_and_its_case(session: Session, anan: Actor, now: datetime) -> None:
    item = items_of(session, make_case(session))[0]
    work_items.claim(session, item.id, anan, now)

    told = policy_facts.work_item_facts(session, item, anan)

    assert (told.office_id, told.state, told.assignee_id, told.owner_id) == (OFFICE, "CLAIMED", anan.person_id, None)
    assert (told.candidates, told.case_state) == (("osm_strategy",), "ACTIVE")
    assert (told.separate_from, told.completed_by) == ((), {})


def test_who_completed_what_is_told_where_duties_are_separate(session: Session, anan: Actor, now: datetime) -> None:
    case = make_case(session)
    complete(session, items_of(session, case)[0].id, anan, now, Completion.of({"text": "ร่าง"}))
    check = next(item for item in items_of(session, case) if item.element == "check")

    told = policy_facts.work_item_facts(session, check, anan)

    assert (told.separate_from, told.completed_by) == (("draft",), {"draft": frozenset({anan.person_id})})


def test_who_did_it_in_another_account_had_a_hand_in_it(session: Session, anan: Actor, now: datetime) -> None:
    """Whichever of their accounts did it or stood in for somebody, and whether it is locked by now."""
    case = make_case(session)
    complete(session, items_of(session, case)[0].id, anan, now, Completion.of({"text": "ร่าง"}))
    (check,) = items_of(session, case)
    again = make_person(session, "anan2", "osm_strategy", "osm_director")
    assert decide(again, Verb.complete, policy_facts.work_item_facts(session, check, again)).allowed
    for name in ("anan", "anan2"):
        person_by_username(session, name).one_person = "one"
    person_by_username(session, "anan").locked_at = now
    session.flush()

    told = policy_facts.work_item_facts(session, check, again)

    assert decide(again, Verb.complete, told).reason is Reason.separated
    assert told.completed_by == {"draft": frozenset({anan.person_id, again.person_id})}


def test_whom_somebody_stood_in_for_had_a_hand_in_it_too(session: Session, anan: Actor, now: datetime) -> None:
    case = make_case(session)
    complete(session, items_of(session, case)[0].id, anan, now, Completion.of({"text": "ร่าง"}))
    (draft,), (check,) = items_of(session, case, "COMPLETED"), items_of(session, case)
    boss = make_person(session, "boss", "osm_director")
    draft.on_behalf_of = "boss"
    session.flush()

    told = policy_facts.work_item_facts(session, check, boss)

    assert told.completed_by == {"draft": frozenset({anan.person_id, boss.person_id})}
    assert decide(boss, Verb.complete, told).reason is Reason.separated


def test_who_checks_before_the_other_is_done_does_not_do_the_other(
    session: Session, anan: Actor, now: datetime
) -> None:
    case = make_case(session)
    draft = items_of(session, case)[0]
    complete(session, draft.id, anan, now, Completion.of({"text": "ร่าง"}))
    check = next(one for one in items_of(session, case) if one.element == "check")
    boss = make_person(session, "boss", "osm_director", "osm_strategy")
    check.state, check.completed_by_id, check.closed_at = "COMPLETED", boss.person_id, draft.opened_at
    draft.state, draft.completed_by_id = "READY", None
    session.flush()

    told = policy_facts.work_item_facts(session, draft, boss)

    assert (told.separate_from, told.completed_by) == (("check",), {"check": frozenset({boss.person_id})})
    check.closed_at = draft.opened_at - timedelta(seconds=1)  # of an earlier round
    session.flush()
    assert policy_facts.work_item_facts(session, draft, boss).completed_by == {}


def test_who_started_the_case_counts_where_the_diagram_asks(session: Session, anan: Actor) -> None:
    case = make_case(session)
    item = items_of(session, case)[0]
    item.separate_from, case.started_by = "started_by", "anan"
    session.flush()

    told = policy_facts.work_item_facts(session, item, anan)

    assert told.completed_by == {"started_by": frozenset({anan.person_id})}
    assert decide(anan, Verb.claim, told).reason is Reason.separated


def test_other_people_are_no_candidates_that_matter(session: Session, anan: Actor) -> None:
    item = items_of(session, make_case(session))[0]
    busaba = make_person(session, "busaba", "osm_strategy")
    hand_over(
        session,
        item,
        Candidate(role="osm_director"),
        Candidate(role="province_planner", province_id="TH-41"),
        Candidate(person_id=anan.person_id),
    )

    assert sorted(policy_facts.spell(item.candidates, anan)) == ["osm_director", "province_planner@TH-41", "user:anan"]
    assert sorted(policy_facts.spell(item.candidates, busaba)) == ["osm_director", "province_planner@TH-41"]


# ---- cases -----------------------------------------------------------------------------------------------------


def test_who_takes_part_is_not_asked_for_those_who_see_the_whole_office(session: Session, anan: Actor) -> None:
    case = make_case(session)
    seen = statements(session)

    for actor in (SYSTEM, anan):
        told = policy_facts.case_facts(session, case, actor)
        assert (told.office_id, told.candidates, told.people) == (OFFICE, (), frozenset())
    assert seen == []


def test_those_who_take_part_are_told_past_and_present(session: Session, anan: Actor, now: datetime) -> None:
    udon = make_person(session, "udon", "province_planner", province_id="TH-41")
    case = make_case(session, "provinces")
    item = next(item for item in items_of(session, case) if item.province_id == "TH-41")
    work_items.claim(session, item.id, udon, now)

    told = policy_facts.case_facts(session, case, udon)

    assert told.people == {udon.person_id}
    assert {"province_planner@TH-41", "province_planner@TH-39"} <= set(told.candidates)
