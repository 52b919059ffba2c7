"""Asking cases to work out their due dates anew: which cases, for which reason, and when."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.calendar.replanning import ask_for
from osm_flow.operations.cases.acts import cancel_case, suspend_case
from osm_flow.store.models import OutboxEntry
from tests.factories import NOW, deploy_tests, later, make_case, make_office

WHY = {"date": "plan_submit", "letter": "ว 12"}


@pytest.fixture
def session(session: Session) -> Session:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review", "planned")
    return session


def asked(session: Session) -> list[str | None]:
    query = select(OutboxEntry.case_id).where(OutboxEntry.kind == "replan").order_by(OutboxEntry.id)
    return list(session.scalars(query))


def test_only_cases_whose_diagram_asks_the_calendar_are_asked(session: Session) -> None:
    make_case(session)
    case = make_case(session, "planned")

    assert ask_for(session, later(), "date:1", WHY) == 1

    entry = session.scalars(select(OutboxEntry).where(OutboxEntry.kind == "replan")).one()
    assert (entry.case_id, entry.due_at, entry.done_at) == (case.id, later(), None)
    assert json.loads(entry.body) == WHY


def test_cases_that_ended_are_left_alone_and_suspended_ones_are_not(session: Session) -> None:
    active, suspended, ended = (make_case(session, "planned", now=later(number)) for number in range(3))
    suspend_case(session, suspended.id, SYSTEM, NOW, reason="รอ")
    cancel_case(session, ended.id, SYSTEM, NOW, reason="เลิก")

    assert ask_for(session, NOW, "date:1", WHY) == 2

    assert asked(session) == [active.id, suspended.id]


def test_a_date_of_one_office_moves_no_case_of_another(session: Session) -> None:
    make_case(session, "planned")
    there = make_case(session, "planned", office_id="NE-U2")

    assert ask_for(session, NOW, "date:1", WHY, office_id="NE-U2") == 1
    assert asked(session) == [there.id]
    assert ask_for(session, NOW, "holiday:1", WHY) == 2


def test_every_change_asks_for_itself(session: Session) -> None:
    case = make_case(session, "planned")

    assert [ask_for(session, NOW, key, WHY) for key in ("date:1", "date:2")] == [1, 1]

    assert asked(session) == [case.id, case.id]


def test_with_nobody_to_ask_nothing_is_queued(session: Session) -> None:
    assert ask_for(session, NOW, "date:1", WHY) == 0
    assert asked(session) == []
