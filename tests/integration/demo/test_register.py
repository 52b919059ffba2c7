"""The projects of the demo in the register: three years, each in the state in which its cases begin."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import pytest
from sqlalchemy import select

from osm_flow.demo import register
from osm_flow.demo.cast import AGENCIES, OFFICE
from osm_flow.demo.portfolio import CLOSING, CONCEPTS, CURRENT
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.models import Project
from osm_flow.store.session import Store
from tests.unit.demo.story import times


@pytest.fixture
def projects(store: Store) -> dict[str, Project]:
    with store.transaction() as session:
        seed_clusters(session)
        register.enter(session, times())
    with store.reading() as session:
        return {project.code: project for project in session.scalars(select(Project))}


def test_three_years_are_entered_each_in_its_state(projects: dict[str, Project]) -> None:
    assert {row.office_id for row in projects.values()} == {OFFICE}
    assert Counter((row.fiscal_year, row.state) for row in projects.values()) == {
        (2569, "working"): len(CLOSING),
        (2570, "requested"): sum(entry.result == "Y1" for entry in CURRENT),
        (2570, "y2"): sum(entry.result == "Y2" for entry in CURRENT),
        (2570, "n"): sum(entry.result == "N" for entry in CURRENT),
        (2571, "concept"): len(CONCEPTS),
    }


def test_amounts_are_baht_to_the_satang(projects: dict[str, Project]) -> None:
    first = projects[register.code_of(2569, 1)]

    assert (first.code, first.requested, first.approved) == ("PRJ-2569-0001", Decimal(42_000_000), Decimal(40_500_000))
    assert projects["PRJ-2571-0001"].approved is None
    assert projects["PRJ-2570-0016"].approved == 0
    asked = sum((row.requested for row in projects.values() if row.fiscal_year == 2569), Decimal(0))
    assert asked == Decimal("193800000.00")


def test_every_name_says_project_once(projects: dict[str, Project]) -> None:
    assert all(row.name_th.startswith("โครงการ") for row in projects.values())
    assert not [row.name_th for row in projects.values() if "โครงการโครงการ" in row.name_th]


def test_every_project_lies_in_a_province_with_an_agency(projects: dict[str, Project]) -> None:
    assert {row.province_id for row in projects.values()} <= set(AGENCIES)
    assert {row.budget_type for row in projects.values()} == {"construction", "durable", "operating"}
    assert all(row.agency_th for row in projects.values())
