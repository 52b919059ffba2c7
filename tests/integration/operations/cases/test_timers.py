"""The timers that cases wait for, as administrators see them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.cases.timers import list_timers
from osm_flow.store.models import Timer
from tests.factories import deploy_tests, later, make_case, make_office, make_person


@pytest.fixture
def root(session: Session) -> Actor:
    """An administrator; a case with three timers in their office, and one in another."""
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "three_timers", "review")
    make_case(session, "three_timers", title="ที่นี่")
    make_case(session, "three_timers", title="ที่โน่น", office_id="NE-U2")
    make_case(session, title="ไม่มีตัวจับเวลา")
    return make_person(session, "root", "admin")


def test_the_next_timer_comes_first_with_its_case(session: Session, root: Actor) -> None:
    page = list_timers(session, root)

    assert [(timer.element, case.title) for timer, case in page.items] == [
        ("first", "ที่นี่"),
        ("second", "ที่นี่"),
        ("third", "ที่นี่"),
    ]
    assert (page.total, page.next) == (3, None)


def test_pages_meet_every_timer_once_also_those_of_one_moment(session: Session, root: Actor) -> None:
    for timer in session.scalars(select(Timer)):
        timer.due_at = later()
    session.flush()
    seen: list[str] = []
    after = None
    while True:
        page = list_timers(session, SYSTEM, after=after, limit=2)
        assert page.total == 6
        seen += [timer.task_id for timer, _ in page.items]
        if (after := page.next) is None:
            break

    assert len(seen) == len(set(seen)) == 6
    assert seen == sorted(seen)


def test_a_limit_out_of_range_still_gives_a_page(session: Session, root: Actor) -> None:
    assert len(list_timers(session, root, limit=0).items) == 1
    assert len(list_timers(session, root, limit=10_000).items) == 3


def test_only_administrators_look_after_timers(session: Session, root: Actor) -> None:
    far = make_person(session, "far", "admin", office_id="NE-U2")

    assert {case.title for _, case in list_timers(session, far).items} == {"ที่โน่น"}
    for role in ("osm_director", "auditor"):
        with pytest.raises(NotYourRole):
            list_timers(session, make_person(session, role, role))
