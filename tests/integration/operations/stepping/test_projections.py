"""Rows follow what a case waits for: they come with a step, move with the calendar, and go when their task is gone."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.operations.calendar.milestones import move_date
from osm_flow.operations.stepping.projections import close_all, known_rows
from osm_flow.store.models import Candidate, ElementVisit, OutboxEntry, Timer, WaitingMessage, WorkItem
from tests.factories import NOW, complete_first, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def session(session: Session) -> Session:
    make_office(session)
    deploy_tests(session, "review", "timed", "provinces", "caller", "callee", "asking")
    move_date(session, "NE-U1", 2571, "plan_submit", SYSTEM, NOW, NewDate(date(2026, 12, 1), "ว 1"))
    return session


def test_a_work_item_says_who_may_take_it_and_where_it_belongs(session: Session) -> None:
    (item,) = items_of(session, make_case(session))

    candidates = session.execute(select(Candidate.role, Candidate.province_id, Candidate.person_id)).all()
    assert [tuple(row) for row in candidates] == [("osm_strategy", None, None)]
    assert (item.element, item.state, item.stage, item.form_key) == ("draft", "READY", "drafting", "note")
    assert (item.office_id, item.fiscal_year, item.opened_at) == ("NE-U1", 2571, NOW)
    assert "ร่างแผน" in item.search


def test_the_next_step_closes_one_item_and_opens_the_next(session: Session) -> None:
    anan, case = make_person(session, "anan", "osm_strategy"), make_case(session)
    first = complete_first(session, case, anan, text="ร่าง")

    (second,) = items_of(session, case)
    assert (second.element, second.stage, second.separate_from) == ("check", "approval", "draft")
    assert session.get_one(WorkItem, first).state == "COMPLETED"
    visits = select(ElementVisit.visits).where(ElementVisit.case_id == case.id, ElementVisit.element == "draft")
    assert session.scalar(visits) == 1
    known = known_rows(session, case)
    assert (set(known.work_items), known.timers, known.children) == ({second.id}, {}, {})


def test_each_province_has_an_item_of_its_own(session: Session) -> None:
    items = items_of(session, make_case(session, "provinces"))

    assert sorted(item.province_id or "" for item in items) == ["TH-39", "TH-41"]
    for item in items:
        wanted = select(Candidate.province_id).where(Candidate.work_item_id == item.id)
        assert session.scalars(wanted).all() == [item.province_id]


def test_a_timer_stands_at_the_working_day_after_its_milestone(session: Session) -> None:
    case = make_case(session, "timed")

    (timer,) = session.scalars(select(Timer).where(Timer.case_id == case.id))
    (item,) = items_of(session, case)
    assert (timer.element, set(known_rows(session, case).timers)) == ("late", {timer.task_id})
    assert item.due_at is not None
    assert item.planned_due_at == item.due_at < timer.due_at


def test_a_timer_goes_with_the_work_that_it_watched(session: Session) -> None:
    anan, case = make_person(session, "anan", "osm_strategy"), make_case(session, "timed")

    complete_first(session, case, anan, text="เสร็จ")

    assert session.scalars(select(Timer)).all() == []


def test_a_cancelled_case_waits_for_nothing(session: Session) -> None:
    asking, caller = make_case(session, "asking", data={"recipient": "x"}), make_case(session, "caller")
    assert known_rows(session, asking).messages
    (key,) = known_rows(session, caller).outbox

    for case in (asking, caller):
        close_all(session, case, later(), later())

    assert session.scalars(select(WaitingMessage)).all() == []
    kinds = session.scalars(select(OutboxEntry.kind).where(OutboxEntry.case_id == caller.id)).all()
    assert (key.partition(":")[0], sorted(kinds)) == ("child_start", ["child_cancel", "child_start"])


def test_what_another_case_waits_for_is_left_alone(session: Session) -> None:
    ended, other = make_case(session), make_case(session)

    close_all(session, ended, later(), later())

    assert items_of(session, ended) == []
    assert [item.closed_at for item in items_of(session, ended, "CANCELLED")] == [later()]
    assert len(items_of(session, other)) == 1
