"""Projects that may be the same one twice are shown to whoever may see both, with how alike they are, and never merged."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.likeness import ALIKE, alike, newest_year, pairs
from osm_flow.store.models import Project
from tests.factories import NOW, make_office, make_person, make_project

NAME = "โครงการปรับปรุงภูมิทัศน์ริมฝั่งแม่น้ำโขง"
WORKS = "สำนักงานโยธาธิการและผังเมือง"


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    make_person(session, "anan", "osm_strategy")
    make_project(session, "P1", name=NAME, agency=WORKS, province="TH-39")
    return actor_named(session, "anan", NOW.date())


def codes(session: Session, actor: Actor, code: str = "P1") -> list[str]:
    project = session.scalars(select(Project).where(Project.code == code)).one()
    return [one.other.code for one in alike(session, actor, project)]


def test_the_same_name_written_otherwise_is_found(session: Session, anan: Actor) -> None:
    make_project(session, "P2", name="ปรับปรุงภูมิทัศน์ ริมฝั่งแม่น้ำโขง", province="TH-41")
    make_project(session, "P3", name="โครงการตลาดกลางสินค้าเกษตร", province="TH-39", agency=WORKS)

    assert codes(session, anan) == ["P2"]
    (one,) = alike(session, anan, session.scalars(select(Project).where(Project.code == "P1")).one())
    assert (one.percent, one.is_beside) == (100, False)


def test_of_one_agency_and_province_less_is_enough(session: Session, anan: Actor) -> None:
    name = "โครงการปรับปรุงภูมิทัศน์ริมโขงเทศบาล"
    make_project(session, "P2", name=name, agency=WORKS, province="TH-39")
    make_project(session, "P3", name=name, agency="แขวงทางหลวง", province="TH-39")

    assert codes(session, anan) == ["P2"]
    (one,) = alike(session, anan, session.scalars(select(Project).where(Project.code == "P1")).one())
    assert one.is_beside
    assert one.percent < ALIKE


def test_only_years_around_and_what_the_actor_may_see(session: Session, anan: Actor) -> None:
    make_project(session, "P2", name=NAME, fiscal_year=2573)
    make_project(session, "P3", name=NAME, fiscal_year=2574)
    make_project(session, "P4", name=NAME, office_id="NE-U2", province="TH-47")
    make_person(session, "udon", "province_planner", province_id="TH-39")

    assert codes(session, anan) == ["P2"]
    assert codes(session, actor_named(session, "udon", NOW.date())) == []
    assert newest_year(session, anan) == 2574


def test_pairs_of_a_year_are_told_once_the_likest_first(session: Session, anan: Actor) -> None:
    make_project(session, "P2", name=NAME, agency=WORKS, province="TH-39")
    make_project(session, "P3", name="ภูมิทัศน์ริมฝั่งแม่น้ำโขงปรับปรุง", agency=WORKS, province="TH-39")
    make_project(session, "P5", name=NAME, fiscal_year=2572)

    found = [(own.code, one.other.code, one.percent) for own, one in pairs(session, anan, 2571)]

    assert found[0] == ("P1", "P2", 100)
    assert {pair[:2] for pair in found} == {("P1", "P2"), ("P1", "P3"), ("P2", "P3")}
    assert session.scalars(select(Project.code).order_by(Project.code)).all() == ["P1", "P2", "P3", "P5"]


@pytest.mark.parametrize("name", ["โครงการ", "...", "โครงการ โครงการ"])
def test_names_that_say_nothing_are_like_no_other(session: Session, anan: Actor, name: str) -> None:
    make_project(session, "P2", name=name)
    make_project(session, "P3", name=name)

    assert codes(session, anan, "P2") in ([], ["P3"])
    assert codes(session, anan) == []
