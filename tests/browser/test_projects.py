"""Where is my project? Found from the first page in two clicks, and answered by the first screen of a phone."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.work_items.acts import claim
from osm_flow.store.models import WorkItem
from tests.browser.test_pages import SitDown
from tests.factories import (
    NOW,
    OFFICE,
    deploy_tests,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
    make_project,
)
from tests.integration.web.visits import Site

RIVER = {
    "name": "โครงการปรับปรุงภูมิทัศน์ริมฝั่งแม่น้ำโขงเพื่อการท่องเที่ยวและการพักผ่อนของประชาชน อำเภอเมืองหนองคาย",
    "agency": "สำนักงานโยธาธิการและผังเมืองจังหวัดหนองคาย",
    "approved": 38_000_000,
    "disbursed": 9_500_000,
    "result": "Y1",
    "state": "working",
    "reports": [{"quarter": 2, "physical_actual": 40, "physical_plan": 65, "disbursed": 9_500_000}],
}
CODE = "PRJ-NE-U1-2571-0007"


@pytest.fixture(autouse=True)
def register(site: Site) -> None:
    def arrange(session: Any) -> None:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        make_project(session, CODE, **RIVER)
        for number in range(1, 30):
            make_project(session, f"ROAD-{number}", name=f"โครงการซ่อมถนนสายที่ {number}", agency="แขวงทางหลวงเลย")
        act = BookAct(BookActKind.changed, {"record": CODE}, reason="ราคากลางเปลี่ยน")
        revise(session, book_of(OFFICE, 2571), act, SYSTEM, later(60 * 24), {CODE: {"disbursed": 9_600_000}})
        item = items_of(session, make_case(session, title=RIVER["name"]))[0]
        claim(session, item.id, actor_named(session, anan.username, NOW.date()), NOW)
        row = session.get_one(WorkItem, item.id)
        row.record_code, row.due_at = CODE, later(60 * 24 * 9)

    site.arrange(arrange)


@pytest.mark.parametrize("typed", ["ภูมิทัศน์", "ริมฝั่งแม่", "prj-ne-u1-2571-0007", "๐๐๐๗", "โยธาธิการ"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_project_is_found_by_half_a_name_its_code_or_its_agency_in_two_clicks(
    sit_down: SitDown, typed: str, width: int
) -> None:
    desk = sit_down("anan", width=width)
    page = desk.open("/")
    if width < 700:
        page.locator("header a[href='/search']").click()  # on a phone the box has a page of its own
    box = page.locator("main input[name=q]" if width < 700 else "header input[name=q]")
    box.fill(typed)
    with page.expect_navigation():
        box.press("Enter")
    if "/search" in page.url:
        page.locator(f"main a[href='/projects/{CODE}']").first.click()

    page.wait_for_url(f"**/projects/{CODE}")
    assert page.locator("h1").inner_text() == RIVER["name"]
    assert desk.complaints == []


def test_the_first_screen_of_a_phone_answers_where_the_project_is(sit_down: SitDown) -> None:
    """State, result, money, work, who has it and until when, and what happened last: without scrolling, in no direction."""
    desk = sit_down("anan", width=390)
    desk.page.set_viewport_size({"width": 390, "height": 844})
    page = desk.open(f"/projects/{CODE}")

    words = ["ดำเนินงาน", "Y1", "25.26 %", "40 %", "คุณanan", "29 พ.ย. 2569", "ล่าสุด", "21 พ.ย. 2569"]
    for text in words:
        box = page.locator(f"main >> text={text} >> visible=true").first.bounding_box()
        assert box is not None, text
        assert 0 <= box["y"] <= 844 - box["height"], (text, box)
        assert 0 <= box["x"] <= 390 - box["width"], (text, box)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert desk.violations() == []


def test_the_register_is_read_on_a_phone(sit_down: SitDown) -> None:
    desk = sit_down("anan", width=390)
    desk.page.set_viewport_size({"width": 390, "height": 844})
    page = desk.open("/projects?text=ภูมิทัศน์")

    link = page.locator(f"main a[href='/projects/{CODE}']")
    box = link.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 844
    assert page.locator("main").inner_text().count("Y1") == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    desk.open("/projects")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
