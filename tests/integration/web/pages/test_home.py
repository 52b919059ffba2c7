"""The first page: what a person must do now."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.store.models import WorkItem
from tests.factories import deploy_tests, later, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """Two strategists, a director and three cases whose draft waits to be claimed."""
    make_office(session)
    deploy_tests(session, "review")
    starter = make_person(session, "somsri", "osm_strategy")
    make_person(session, "malee", "osm_strategy")
    make_person(session, "wichai", "osm_director")
    make_person(session, "planner", "province_planner", province_id="TH-41")
    for title in ("แผนปี 2571", "แผนปี 2572 ฉบับทบทวน", "แผนท่องเที่ยว"):
        make_case(session, actor=starter, title=title)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def waiting(site: Site) -> list[str]:
    """The ids of all open work items, in the order of their cases' titles."""

    def ids(session: Session) -> list[str]:
        items = session.query(WorkItem).filter(WorkItem.state.in_(("READY", "CLAIMED"))).all()
        return [item.id for item in sorted(items, key=lambda one: one.case.title)]

    found: list[str] = site.read(ids)
    return found


def test_home_says_what_must_be_done_now(site: Site) -> None:
    def overdue(session: Session) -> None:
        item = session.get_one(WorkItem, waiting(site)[0])
        item.due_at = later(-60 * 24 * 5)

    malee = site.visit("malee")
    for work_item_id in waiting(site)[:2]:
        malee.post(f"/work-items/{work_item_id}/claim")
    site.arrange(overdue)

    home = malee.get("/")

    assert "เกินกำหนดแล้ว 1" in home.words
    assert "มีงานรอคนรับในกลุ่มของคุณ 1 งาน" in home.words
    assert "วันทำการ" in home.words


def test_home_shows_the_director_what_waits_for_approval(site: Site) -> None:
    somsri = site.visit("somsri")
    item = waiting(site)[0]
    somsri.post(f"/work-items/{item}/claim")
    somsri.post(f"/work-items/{item}/complete", {"text": "ร่างแรก"})

    home = site.visit("wichai").get("/")

    assert "รอการพิจารณาของคุณ 1" in home.words
    assert "ตรวจร่าง" in home.words
    assert "ไม่มีงานครบกำหนด" not in home.words
