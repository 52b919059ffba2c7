"""The register of projects: whose they are."""

from __future__ import annotations

from sqlalchemy.orm import Session

from osm_flow.operations.projects.register import projects_of
from tests.factories import deploy_tests, make_case, make_office, make_project


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
        make_project(session, code, office_id=office_id, fiscal_year=year, province=None)

    found = session.scalars(projects_of(make_case(session))).all()

    assert [project.code for project in found] == ["P2", "P1"]
