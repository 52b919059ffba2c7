"""Team workload for heads: who holds how much, what nobody has taken, and the work of one person."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import workload
from osm_flow.store.models import Person, WorkItem
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """malee holds one overdue and one calm work item; one waits for anybody; another office has its own."""
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review")
    malee = make_person(session, "malee", "osm_strategy", "osm_data")
    make_person(session, "wichai", "osm_director")
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    for title in ("หนึ่ง", "สอง", "สาม"):
        make_case(session, title=title)
    make_case(session, title="ที่อื่น", office_id="NE-U2")
    mine = session.scalars(select(WorkItem).where(WorkItem.office_id == "NE-U1").order_by(WorkItem.id)).all()
    for item in mine[:2]:
        work_items.claim(session, item.id, malee, NOW)
    mine[0].due_at, mine[1].due_at = later(-60), later(60 * 24 * 3)


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def test_load_is_for_heads(site: Site) -> None:
    def ask(session: Session) -> None:
        workload.workload_for(session, actor_named(session, "malee", NOW.date()), NOW)

    with pytest.raises(NotYourRole):
        site.read(ask)
    assert site.visit("malee").get("/team").status == 403


def test_page_leads_to_the_work_of_one_person(site: Site) -> None:
    wichai = site.visit("wichai")
    page = wichai.get("/team")

    person = wichai.get(page.all('//a[text()="คุณmalee"]/@href')[0])

    assert "งานที่เปิดอยู่ 3 งาน เกินกำหนด 1 งาน ยังไม่มีใครรับ 1 งาน" in page.words
    assert len(person.all('//a[contains(@href, "#reassign-to")]')) == 2


def test_people_of_other_offices_are_not_found(site: Site) -> None:
    far = site.read(lambda s: s.scalars(select(Person.id).where(Person.username == "far")).one())

    assert site.visit("wichai").get(f"/team/{far}").status == 404
    assert site.visit("wichai").get("/team/999999").status == 404
