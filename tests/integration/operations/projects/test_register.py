"""The register of projects: whose they are, and their contracts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.operations.projects.register import keep_contract, projects_of
from osm_flow.store.models import Contract
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_project


def contract(number: str, value: object) -> JSON:
    return {"contract_no": number, "value": value, "sign_date": "2026-12-01", "end_date": "2027-06-30"}


def test_the_projects_of_a_case_are_those_of_its_office_and_year(session: Session) -> None:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review")
    for code, office_id, year in (
        ("P2", "NE-U1", 2571),
        ("P1", "NE-U1", 2571),
        ("P3", "NE-U1", 2570),
        ("P4", "NE-U2", 2571),
    ):
        make_project(session, code, office_id=office_id, fiscal_year=year, province_id=None)

    found = session.scalars(projects_of(make_case(session))).all()

    assert [project.code for project in found] == ["P2", "P1"]


def test_a_contract_is_entered_once_and_renewed_by_its_number(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    first, second = make_case(session), make_case(session)
    project = make_project(session, "P1")

    keep_contract(session, project, contract(" 12/2570 ", 800), first, NOW)
    keep_contract(session, project, contract("12/2570", "no amount") | {"end_date": "2027-09-30"}, second, later())
    keep_contract(session, project, contract("13/2570", 100), second, later())

    assert session.scalar(select(func.count()).select_from(Contract)) == 2
    renewed = session.scalars(select(Contract).where(Contract.contract_no == "12/2570")).one()
    assert (renewed.value, renewed.sign_date, renewed.end_date) == (Decimal(0), date(2026, 12, 1), date(2027, 9, 30))
    assert (renewed.case_id, renewed.at) == (second.id, later())
