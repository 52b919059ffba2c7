"""A case at a glance: how far its family has come, who is in it, what it waits for."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.cases import overview
from osm_flow.operations.cases.acts import NotAwaited, cancel_case
from osm_flow.operations.cases.incidents import open_in, resolve
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, Person, WorkItem
from tests.factories import (
    NOW,
    complete_first,
    deploy_tests,
    files,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review", "provinces", "callee", "asking", "three_timers")
    return make_person(session, "anan", "osm_strategy")


def track(session: Session, case: Case, minutes: float = 1) -> list[tuple[str, str]]:
    return [(mark.stage, mark.state) for mark in overview.stage_track(session, case, later(minutes))]


def relate(session: Session, case: Case, to: Case) -> Case:
    """Make the case one that the other called."""
    case.root_case_id, case.parent_case_id = to.root_case_id, to.id
    session.flush()
    return case


# ---- stages ----------------------------------------------------------------------------------------------------


def test_a_case_outside_the_cycle_has_no_track(session: Session, anan: Actor) -> None:
    assert track(session, make_case(session, "asking")) == []


def test_a_case_of_one_stage_shows_that_stage_alone(session: Session, anan: Actor) -> None:
    case = make_case(session, "provinces")

    assert track(session, case) == [("integration", "now")]
    items_of(session, case)[0].due_at = later(5)
    session.flush()
    assert (track(session, case, 5), track(session, case, 5.1)) == ([("integration", "now")], [("integration", "late")])


def test_what_lies_ahead_begins_after_the_last_stage_that_was_begun(session: Session, anan: Actor) -> None:
    case = make_case(session)
    complete_first(session, case, anan, text="ร่าง")

    assert track(session, case) == [
        ("drafting", "done"),
        ("approval", "now"),
        ("submission", "next"),
        ("monitoring", "next"),
        ("recommendation", "next"),
    ]


def test_relatives_bring_their_stages_and_all_see_one_track(session: Session, anan: Actor) -> None:
    root = make_case(session)
    child = relate(session, make_case(session, "provinces"), root)
    expected = [
        ("drafting", "now"),
        ("integration", "now"),
        ("approval", "next"),
        ("submission", "next"),
        ("monitoring", "next"),
        ("recommendation", "next"),
    ]

    assert track(session, root) == track(session, child) == expected
    session.execute(update(WorkItem).where(WorkItem.case_id == child.id).values(state="COMPLETED"))
    session.execute(update(Case).where(Case.id == child.id).values(state="COMPLETED"))
    assert track(session, root)[1] == ("integration", "done")


def test_what_was_cancelled_is_no_part_of_the_track(session: Session, anan: Actor) -> None:
    root = make_case(session)
    child = relate(session, make_case(session, "provinces"), root)
    session.execute(update(Case).where(Case.id == child.id).values(state="CANCELLED"))

    assert ("integration", "now") not in track(session, root)
    assert track(session, root)[0] == ("drafting", "now")


# ---- people and items ------------------------------------------------------------------------------------------


def test_open_items_come_soonest_due_first(session: Session, anan: Actor) -> None:
    case = make_case(session, "provinces")
    first, second = items_of(session, case)
    second.due_at = later(5)
    session.flush()

    assert [item.id for item in overview.open_items_of(session, case)] == [second.id, first.id]
    planner = make_person(session, "planner", "province_planner", province_id=second.province_id)
    complete(session, second.id, planner, NOW, Completion.of({"text": "x"}))
    (left,) = overview.open_items_of(session, case)
    assert [one.province_id for one in left.candidates] == [first.province_id]


def test_people_are_named_with_what_they_did_last(session: Session, anan: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    case = make_case(session)
    complete_first(session, case, anan, later(1), text="ร่าง")
    complete_first(session, case, boss, later(2), approved=False)
    work_items.claim(session, items_of(session, case)[0].id, anan, later(3))

    did = {name: (item.element, item.state) for name, _, item in overview.people_of(session, case)}
    assert did == {"คุณanan": ("draft", "CLAIMED"), "คุณboss": ("check", "COMPLETED")}
    assert overview.people_of(session, make_case(session)) == []
    for person in session.scalars(select(Person)):
        person.display_name = "คุณคนเดียวกัน"
    assert {username for _, username, _ in overview.people_of(session, case)} == {"anan", "boss"}


# ---- what it waits for -----------------------------------------------------------------------------------------


def test_an_answer_is_awaited_by_its_own_case_only(session: Session, anan: Actor) -> None:
    case, other = make_case(session, "asking"), make_case(session, "asking")

    (row,) = overview.awaited_of(session, case)

    assert (row.message, row.form_key) == ("msg.answer", "note")
    assert overview.awaited_answer(session, case, row.task_id) is row
    for asked in ((other, row.task_id), (case, "none")):
        with pytest.raises(NotAwaited):
            overview.awaited_answer(session, *asked)


def test_timers_come_soonest_first(session: Session, anan: Actor) -> None:
    case = make_case(session, "three_timers")
    make_case(session, "three_timers")

    assert [timer.element for timer in overview.timers_of(session, case)] == ["first", "second", "third"]


def test_open_incidents_are_those_that_nobody_closed(session: Session, anan: Actor) -> None:
    case = make_case(session)
    first, second = (open_in(session, case.id, NOW, kind=kind, message="x") for kind in ("a", "b"))
    open_in(session, make_case(session).id, NOW, kind="a", message="x")

    assert overview.open_incidents_of(session, case) == [first, second]
    resolve(session, first.id, SYSTEM, later(), note="แก้แล้ว")
    assert overview.open_incidents_of(session, case) == [second]


# ---- several at once -------------------------------------------------------------------------------------------


def test_titles_by_id(session: Session, anan: Actor) -> None:
    case = make_case(session, title="แผน ก")

    assert overview.titles_of(session, [case.id, case.id, "none"]) == {case.id: "แผน ก"}
    assert overview.titles_of(session, []) == {}


def test_running_cases_are_counted_by_version_in_the_actors_offices(session: Session, anan: Actor) -> None:
    old = [make_case(session), make_case(session)]
    cancel_case(session, old[1].id, SYSTEM, later(), reason="เลิก")
    make_case(session, office_id="NE-U2")
    make_case(session, "asking")
    content = files("review")
    content["review.bpmn"] = content["review.bpmn"].replace("ร่างแผน".encode(), "ร่างใหม่".encode())
    deploy(session, content, SYSTEM, NOW)
    new = [make_case(session), make_case(session)]

    assert overview.running_by_definition(session, "review", anan) == {
        old[0].definition_id: 1,
        new[0].definition_id: 2,
    }
    assert overview.running_by_definition(session, "nothing", anan) == {}
