"""Cases that write the register of one office and year at the same moment write one after another."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.engine.values import Waiting
from osm_flow.operations.project_topics.execution import record_contract
from osm_flow.operations.project_topics.planning import register_projects
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.stepping.service_work import Work
from osm_flow.store.models import Case, ChangeBody, Project
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office, make_project
from tests.together import at_once


@pytest.fixture
def case_ids(store: Store) -> list[str]:
    """Four cases of one office and year."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        return [make_case(session).id for _ in range(4)]


def work(session: Session, case_id: str, data: JSON) -> Work:
    return Work(session, session.get_one(Case, case_id), Waiting("t1", "x", "service", "x", data, topic="x"), NOW)


def plan(*rows: JSON) -> JSON:
    return {"plan_assembly": {"projects": list(rows)}}


def test_the_same_plan_registers_its_projects_once(store: Store, case_ids: list[str]) -> None:
    data = plan(*({"name": f"โครงการ {number}", "amount": 100} for number in range(5)))

    def register(case_id: str) -> None:
        with store.transaction() as session:
            session.scalars(select(Project)).all()  # what was read before must not count
            assert register_projects(work(session, case_id, data)) == {"projects_registered": 5}

    at_once(*[lambda case_id=case_id: register(case_id) for case_id in case_ids])

    with store.reading() as session:
        codes = session.scalars(select(Project.code).order_by(Project.code)).all()
    assert codes == [f"PRJ-NE-U1-2571-000{number}" for number in range(1, 6)]


def test_different_plans_get_different_codes(store: Store, case_ids: list[str]) -> None:
    def register(case_id: str) -> None:
        with store.transaction() as session:
            register_projects(work(session, case_id, plan({"name": f"โครงการของ {case_id}", "amount": 1})))

    at_once(*[lambda case_id=case_id: register(case_id) for case_id in case_ids])

    with store.reading() as session:
        assert session.scalar(select(func.count(Project.code.distinct()))) == 4


def test_a_code_of_another_year_is_not_taken_from_it(store: Store, case_ids: list[str]) -> None:
    with store.transaction() as session:
        make_project(session, "P1", fiscal_year=2570, name="ของปีก่อน")
        register_projects(work(session, case_ids[0], plan({"name": "ของปีนี้", "project": "P1", "amount": 1})))

    with store.reading() as session:
        rows = session.execute(select(Project.code, Project.fiscal_year, Project.name_th).order_by(Project.id)).all()
    assert [tuple(row) for row in rows] == [("P1", 2570, "ของปีก่อน"), ("PRJ-NE-U1-2571-0001", 2571, "ของปีนี้")]


def test_the_same_contract_is_entered_once(store: Store, case_ids: list[str]) -> None:
    with store.transaction() as session:
        make_project(session, "P1")
    said = {"contract_no": "1/2571", "sign_date": "2026-12-01", "end_date": "2027-06-30", "project": "P1", "value": 800}

    def enter(case_id: str) -> None:
        with store.transaction() as session:
            assert record_contract(work(session, case_id, {"contract": said})) == {"contracts_recorded": 1}

    at_once(*[lambda case_id=case_id: enter(case_id) for case_id in case_ids])

    with store.reading() as session:
        contracts = values_by_code(session, ["P1"])["P1"]["contracts"]
        assert [(row["contract_no"], row["value"]) for row in contracts] == [("1/2571", 800)]
        assert session.scalars(select(Project.contracted)).all() == [Decimal(800)]


def test_who_answers_for_a_project_goes_into_the_half_that_can_be_erased(store: Store, case_ids: list[str]) -> None:
    concept = {"name": "ถนน", "agency": "แขวงทางหลวง", "contact_name": "นางสมศรี", "contact_phone": "042-123456"}
    said = {"concept_replies": [{"province": "TH-41", "concepts": [{"project_concept": concept}]}]}
    with store.transaction() as session:
        register_projects(work(session, case_ids[0], said))
        # The brief that was sent again has another contact and no number any more.
        del concept["contact_phone"]
        concept["contact_name"] = "นายสมชาย"
        register_projects(work(session, case_ids[0], said))

    with store.reading() as session:
        rows = session.execute(select(ChangeBody.body, ChangeBody.personal).order_by(ChangeBody.version)).all()
    assert [row.personal for row in rows] == [
        '{"contact_name":"นางสมศรี","contact_phone":"042-123456"}',
        '{"contact_name":"นายสมชาย"}',
    ]
    assert not any("สม" in row.body for row in rows)
