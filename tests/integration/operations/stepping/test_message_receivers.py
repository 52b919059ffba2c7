"""Whom a thrown message is for, where years run side by side and several cases wait for one name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.operations.stepping.message_receivers import receivers, year_of
from osm_flow.store.models import Case
from tests.factories import deploy_tests, later, make_case, make_office

NAME = "msg.answer"


@pytest.fixture
def session(session: Session) -> Session:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "asking", "review")
    return session


def waits(session: Session, year: int = 2571, minutes: float = 0, **more: Any) -> Case:
    """A case that waits for the answer."""
    return make_case(session, "asking", fiscal_year=year, now=later(minutes), **more)


def sender(session: Session, **more: Any) -> Case:
    return make_case(session, "review", **more)


def reached(session: Session, sent_by: Case, **data: Any) -> list[str]:
    return [one.case_id for one in receivers(session, sent_by, NAME, data)]


def make_relative(session: Session, case: Case, of: Case) -> Case:
    case.root_case_id = of.root_case_id
    session.flush()
    return case


@pytest.mark.parametrize(
    ("data", "year"),
    [({}, 2571), ({"fy": 2572}, 2572), ({"fy": "2572"}, 2571), ({"fy": True}, 2571), ({"fy": None}, 2571)],
)
def test_a_message_is_of_the_year_that_it_says_else_of_its_senders(
    session: Session, data: dict[str, Any], year: int
) -> None:
    assert year_of(data, sender(session)) == year


def test_all_who_wait_in_the_year_get_it_longest_waiting_first(session: Session) -> None:
    second, first = waits(session, minutes=5), waits(session, minutes=1)
    waits(session, 2572)

    assert reached(session, sender(session)) == [first.id, second.id]


def test_of_those_in_the_year_the_family_goes_before_the_others(session: Session) -> None:
    sent_by = sender(session)
    waits(session)
    relative = make_relative(session, waits(session, minutes=1), sent_by)

    assert reached(session, sent_by) == [relative.id]


def test_when_nobody_waits_in_the_year_the_family_gets_it_in_its_own(session: Session) -> None:
    sent_by = sender(session)
    waits(session, 2572)
    relative = make_relative(session, waits(session, 2574), sent_by)

    assert reached(session, sent_by) == [relative.id]


def test_else_the_nearest_year_gets_it_the_later_of_two_as_near(session: Session) -> None:
    for year in (2567, 2569, 2573):
        waits(session, year)
    nearest = [waits(session, 2573, minutes=1).id]

    found = receivers(session, sender(session), NAME, {})

    assert {one.fiscal_year for one in found} == {2573}
    assert nearest[0] in [one.case_id for one in found]
    assert {one.fiscal_year for one in receivers(session, sender(session), NAME, {"fy": 2568})} == {2569}


def test_a_message_that_came_too_late_moves_no_case_of_another_year(session: Session) -> None:
    """The process has a case in the message's own year; that it waits no more does not hand its answer to another."""
    own = waits(session)
    waits(session, 2572)
    for row in receivers(session, sender(session), NAME, {}):
        session.delete(row)
    session.flush()

    assert reached(session, sender(session)) == []
    assert own.state == "ACTIVE"


def test_offices_and_names_are_kept_apart_and_nobody_answers_themselves(session: Session) -> None:
    own = waits(session)
    waits(session, office_id="NE-U2")

    assert reached(session, own) == []
    assert receivers(session, sender(session), "msg.other", {}) == []
    assert reached(session, sender(session)) == [own.id]
