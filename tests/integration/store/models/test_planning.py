"""Dates, projects and letters: money to the satang, one date for each milestone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.operations.calendar.milestones import fiscal_dates
from osm_flow.operations.projects.register import projects_of
from osm_flow.store.models import (
    CalendarChange,
    Case,
    FiscalDate,
    HolidayOverride,
    OutgoingLetter,
    Project,
)
from tests.factories import NOW, OFFICE, deploy_tests, make_case, make_office
from tests.integration.store.tables import keep, on_postgresql, plans_of, refused

DAY = date(2026, 12, 15)


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


def a_project(code: str = "PRJ-1", **more: Any) -> Project:
    of = {"name_th": "ถนน", "agency_th": "แขวงทางหลวง", "budget_type": "construction", "requested": Decimal("0.01")}
    return Project(**{"code": code, "office_id": OFFICE, "fiscal_year": 2571, **of, **more})


def test_a_milestone_of_a_year_falls_on_one_day(session: Session) -> None:
    make_office(session)
    of = {"office_id": OFFICE, "fiscal_year": 2571, "date": DAY}
    keep(session, FiscalDate(key="plan_submit", **of))

    assert refused(session, FiscalDate(key="plan_submit", **of))
    assert refused(session, FiscalDate(key="plan_submit", **{**of, "office_id": "nowhere"}))
    keep(session, FiscalDate(key="plan_submit", **{**of, "fiscal_year": 2572}))
    kept = fiscal_dates(session, OFFICE, 2571)
    assert [(row.date, row.status, row.letter) for row in kept] == [(DAY, "planned", "")]


def test_a_date_that_moved_says_by_which_letter(session: Session) -> None:
    make_office(session)
    of = {"office_id": OFFICE, "fiscal_year": 2571, "key": "plan_submit", "new_date": DAY, "actor": "kanya", "at": NOW}

    assert refused(session, CalendarChange(**of))
    keep(session, CalendarChange(letter="ที่ 1", **of))
    assert session.scalars(select(CalendarChange.old_date)).all() == [None]


def test_a_day_is_working_or_free(session: Session) -> None:
    keep(session, HolidayOverride(day=DAY, is_working=False, name_th="วันหยุดพิเศษ"))

    assert refused(session, HolidayOverride(day=DAY, is_working=True, name_th="วันทำการ"))
    (day,) = session.scalars(select(HolidayOverride))
    assert (day.is_working, day.name_en, day.source) == (False, "", "")


# ---- projects --------------------------------------------------------------------------------------------------


def test_a_project_has_a_code_of_its_own(session: Session) -> None:
    make_office(session)
    keep(session, a_project())

    for wrong in ({}, {"code": "PRJ-2", "office_id": "nowhere"}, {"code": "PRJ-2", "province_id": "TH-00"}):
        assert refused(session, a_project(**wrong)), wrong
    keep(session, a_project("PRJ-2"))


def test_a_new_project_has_spent_nothing_and_is_not_decided(session: Session) -> None:
    make_office(session)
    keep(session, a_project())

    project = session.scalars(select(Project)).one()
    assert (project.committed, project.disbursed, project.approved, project.result) == (0, 0, None, None)
    assert (project.state, project.contracted) == ("concept", None)


@pytest.mark.parametrize("amount", ["0.01", "12500000.50", "999999999999.99", "-0.01"])
def test_money_is_kept_to_the_satang(session: Session, amount: str) -> None:
    make_office(session)
    keep(session, a_project(requested=Decimal(amount)))
    session.expunge_all()

    kept = session.scalars(select(Project.requested)).one()
    assert (str(kept), type(kept)) == (amount, Decimal)
    assert session.scalar(select(func.sum(Project.requested))) == Decimal(amount)


def test_postgresql_takes_no_sum_that_it_cannot_keep(session: Session) -> None:
    make_office(session)
    if on_postgresql(session):
        assert "overflow" in refused(session, a_project(requested=Decimal("1000000000000.00")))


def test_a_task_sends_one_letter(session: Session, case: Case) -> None:
    of = {"case_id": case.id, "task_id": "t1", "office_id": OFFICE, "fiscal_year": 2571, "recipient": "สศช.", "at": NOW}
    keep(session, OutgoingLetter(subject="ส่งแผน", **of))

    assert refused(session, OutgoingLetter(subject="ส่งแผนอีกครั้ง", **of))
    assert session.scalars(select(OutgoingLetter.body)).all() == [""]


def test_the_register_of_a_year_is_read_by_an_index(session: Session, case: Case) -> None:
    plans = plans_of(session, lambda: session.scalars(projects_of(case)).all())

    assert "ix_projects_of_office_in_order" in plans or "ix_projects_in_order" in plans
