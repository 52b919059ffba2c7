"""The register as somebody sees it: whose projects, in which order, and what words find."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.pages import Page
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.queries import ProjectFilter, list_projects, provinces_seen
from osm_flow.store.models import Project
from tests.factories import NOW, give_role, make_office, make_person, make_project


@pytest.fixture
def anan(session: Session) -> Actor:
    """Somebody who plans in both offices that there are."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    anan = make_person(session, "anan", "osm_strategy")
    give_role(session, anan.person_id or 0, "osm_strategy", office_id="NE-U2")
    for number, (office, province) in enumerate((("NE-U1", "TH-41"), ("NE-U2", "TH-47")) * 3):
        year = 2570 + number % 3
        make_project(
            session, f"P{number}", name=f"ถนน {5 - number}", office_id=office, province=province, fiscal_year=year
        )
    return actor_named(session, "anan", NOW.date())


def codes(page: Page[Project]) -> list[str]:
    return [project.code for project in page.items]


def in_pages(session: Session, actor: Actor, wanted: ProjectFilter) -> list[str]:
    """The whole list, two at a time."""
    found: list[str] = []
    after = None
    while True:
        page = list_projects(session, actor, wanted, after=after, limit=2)
        found += codes(page)
        if (after := page.next) is None:
            return found


def test_who_reads_all_offices_sees_all_projects_until_there_is_another_office(session: Session, anan: Actor) -> None:
    assert codes(list_projects(session, anan, ProjectFilter())) == ["P2", "P5", "P1", "P4", "P0", "P3"]
    assert provinces_seen(session, anan) == ["TH-41", "TH-47"]

    session.commit()
    make_office(session, "NE-M", {"TH-40": "ขอนแก่น"})
    make_project(session, "P9", office_id="NE-M", province="TH-40")

    assert list_projects(session, anan, ProjectFilter()).total == 6
    assert provinces_seen(session, anan) == ["TH-41", "TH-47"]


@pytest.mark.parametrize(
    ("sort", "order"), [("code", ["P2", "P5", "P1", "P4", "P0", "P3"]), ("name", ["P5", "P4", "P3", "P2", "P1", "P0"])]
)
def test_page_by_page_it_is_the_list_in_its_order(session: Session, anan: Actor, sort: str, order: list[str]) -> None:
    assert in_pages(session, anan, ProjectFilter(sort=sort)) == order


@pytest.mark.parametrize("sort", ["code", "name"])
def test_a_page_is_read_in_its_order_and_not_sorted_out_of_all_projects(
    session: Session, anan: Actor, sort: str
) -> None:
    if session.get_bind().dialect.name != "sqlite":
        pytest.skip("PostgreSQL decides by how many rows there are")
    caught: list[tuple[str, object]] = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *told: caught.append((told[2], told[3])))
    first = list_projects(session, anan, ProjectFilter(sort=sort), limit=2)
    list_projects(session, anan, ProjectFilter(sort=sort), after=first.next, limit=2)

    plans = [
        session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        for statement, values in list(caught)
        if "ORDER BY" in statement and "projects.name_th" in statement
    ]
    assert len(plans) == 2
    assert "TEMP B-TREE" not in str(plans)


@pytest.mark.parametrize(
    ("text", "found"),
    [("100%", ["P1"]), ("50_%", []), ("a_b", ["P2"]), ("/", ["P3"]), ("A_B", ["P2"]), ("100", ["P0", "P1"])],
)
def test_signs_that_mean_something_to_a_database_are_looked_for_as_they_are(
    session: Session, text: str, found: list[str]
) -> None:
    make_office(session)
    make_person(session, "anan", "osm_strategy")
    for number, name in enumerate(("1000 ไร่", "ครบ 100% แล้ว", "แบบ a_b", "ตลาด 1/2", "แบบ axb")):
        make_project(session, f"P{number}", name=name)

    page = list_projects(session, actor_named(session, "anan", NOW.date()), ProjectFilter(text=text))

    assert codes(page) == found
