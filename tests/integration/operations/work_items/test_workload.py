"""How much each person of the team holds, and what nobody has taken yet; for heads only."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.people.hats import PersonNotFound
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import workload
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Position, WorkItem
from tests.factories import NOW, deploy_tests, give_role, later, make_case, make_office, make_person

DAY = 60 * 24


@pytest.fixture
def malee(session: Session) -> Actor:
    """malee holds one overdue and one due soon; one waits for anybody; another office has its own."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review", "provinces")
    malee = make_person(session, "malee", "osm_strategy", "osm_data")
    make_person(session, "wichai", "osm_director")
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    for title in ("หนึ่ง", "สอง", "สาม"):
        make_case(session, title=title)
    make_case(session, title="ที่อื่น", office_id="NE-U2")
    mine = session.scalars(select(WorkItem).where(WorkItem.office_id == "NE-U1").order_by(WorkItem.id)).all()
    for item in mine[:2]:
        work_items.claim(session, item.id, malee, NOW)
    mine[0].due_at, mine[1].due_at = later(-60), later(DAY * 3)
    session.flush()
    return malee


def head(session: Session, name: str = "head", **where: str) -> Actor:
    return make_person(session, name, "osm_strategy_head", **where)


def test_load_of_each_person_and_of_nobody(session: Session, malee: Actor) -> None:
    found = workload.workload_for(session, head(session), NOW)

    assert (found.open, found.overdue, found.unclaimed) == (3, 1, 1)
    assert [(one.name, one.roles, one.open, one.overdue, one.due_soon) for one in found.people] == [
        ("คุณmalee", ("osm_data", "osm_strategy"), 2, 1, 1),
        ("คุณhead", ("osm_strategy_head",), 0, 0, 0),
        ("คุณwichai", ("osm_director",), 0, 0, 0),
    ]
    assert [(one.role, one.open) for one in found.roles] == [("osm_strategy", 1)]


def test_load_is_for_heads(session: Session, malee: Actor) -> None:
    for actor in (malee, make_person(session, "nobody")):
        with pytest.raises(NotYourRole):
            workload.workload_for(session, actor, NOW)
        with pytest.raises(NotYourRole):
            workload.items_of(session, malee.person_id or 0, actor)


def test_what_is_finished_or_cancelled_is_no_load(session: Session, malee: Actor) -> None:
    late = session.scalars(select(WorkItem).where(WorkItem.due_at < NOW)).one()
    complete(session, late.id, malee, NOW, Completion.of({"text": "x"}))

    found = workload.workload_for(session, head(session), NOW)

    assert (found.open, found.overdue, found.unclaimed) == (3, 0, 2)
    assert [(one.open, one.overdue) for one in found.people if one.name == "คุณmalee"] == [(1, 0)]


@pytest.mark.parametrize(
    ("minutes", "overdue", "soon"), [(-0.01, 2, 1), (0, 1, 2), (DAY * 7 - 1, 1, 2), (DAY * 7, 1, 1)]
)
def test_soon_is_the_week_that_begins_now(
    session: Session, malee: Actor, minutes: float, overdue: int, soon: int
) -> None:
    free = session.scalars(select(WorkItem).where(WorkItem.assignee_id.is_(None), WorkItem.office_id == "NE-U1")).one()
    free.due_at = later(minutes)
    session.flush()

    found = workload.workload_for(session, head(session), NOW)

    assert found.overdue == overdue
    assert sum(one.due_soon for one in (*found.people, *found.roles)) == soon


def test_who_left_the_office_is_listed_while_they_hold_something(session: Session, malee: Actor) -> None:
    for position in session.scalars(select(Position)):
        position.valid_to = later(-DAY).date()
    session.flush()

    found = workload.workload_for(session, head(session), NOW)

    assert [(one.name, one.roles) for one in found.people] == [("คุณmalee", ()), ("คุณhead", ("osm_strategy_head",))]


def test_work_of_provinces_waits_for_each_province(session: Session, malee: Actor) -> None:
    make_case(session, "provinces")

    found = workload.workload_for(session, head(session), NOW)

    assert sorted((one.role, one.province_id or "", one.open) for one in found.roles) == [
        ("osm_strategy", "", 1),
        ("province_planner", "TH-39", 1),
        ("province_planner", "TH-41", 1),
    ]


def test_the_work_of_one_person_soonest_due_first(session: Session, malee: Actor) -> None:
    wichai = head(session)
    free = session.scalars(select(WorkItem).where(WorkItem.assignee_id.is_(None), WorkItem.office_id == "NE-U1")).one()
    work_items.claim(session, free.id, malee, NOW)

    person, items = workload.items_of(session, malee.person_id or 0, wichai)

    assert person.username == "malee"
    assert [item.due_at for item in items] == [later(-60), later(DAY * 3), None]


def test_people_of_other_offices_are_not_found_but_who_helps_out_is(session: Session, malee: Actor) -> None:
    far = session.scalars(select(Position.person_id).where(Position.office_id == "NE-U2")).one()
    here, there = head(session), head(session, "other", office_id="NE-U2")

    with pytest.raises(PersonNotFound):
        workload.items_of(session, far, here)
    with pytest.raises(PersonNotFound):
        workload.items_of(session, 999_999, here)
    assert len(workload.items_of(session, far, there)[1]) == 0
    give_role(session, far, "osm_data")
    assert workload.items_of(session, far, here)[0].username == "far"
