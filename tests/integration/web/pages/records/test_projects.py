"""The register of projects and the page of one: who sees which, what is found, how it was, and what is taken out."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.record_type import book_of
from osm_flow.store.models import Access, WorkItem
from osm_flow.store.session import Store
from tests.factories import OFFICE, deploy_tests, later, make_agency, make_case, make_office, make_person, make_project
from tests.integration.web.visits import Site, open_site

ROAD = {
    "name": "โครงการปรับปรุงภูมิทัศน์ริมโขง",
    "agency": "สำนักงานโยธาธิการ",
    "approved": 900,
    "disbursed": 180,
    "result": "Y1",
}
MARKET = {"name": "โครงการตลาดกลาง", "agency": "แขวงทางหลวง", "province": "TH-39", "contact_name": "นางสมศรี"}


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_person(session, "anan", "osm_strategy")
        make_person(session, "udon", "province_planner", province_id="TH-41")
        make_agency(session, "works", "สำนักงานโยธาธิการ")
        make_agency(session, "road", "แขวงทางหลวง")
        make_person(session, "sakon", "osm_director", office_id="NE-U2")
        make_person(session, "nobody")
        make_project(session, "P1", **ROAD)
        make_project(session, "P2", **MARKET)
        make_project(session, "P3", office_id="NE-U2", province="TH-47", name="โครงการของสกลนคร")
        act = BookAct(BookActKind.changed, {"record": "P1"}, reason="ราคากลางเปลี่ยน")
        revise(
            session,
            book_of(OFFICE, 2571),
            act,
            SYSTEM,
            later(60 * 24 * 3),
            {"P1": {"disbursed": 450, "state": "working"}},
        )

    site.arrange(arrange)
    return site


@pytest.mark.parametrize(
    ("username", "seen"),
    [
        ("anan", {"P1", "P2"}),
        ("udon", {"P1"}),
        ("works", {"P1"}),
        ("road", set()),  # the same name in another province is another's project
        ("sakon", {"P3"}),
        ("nobody", set()),
    ],
)
def test_everybody_sees_the_projects_that_are_theirs(site: Site, username: str, seen: set[str]) -> None:
    visitor = site.visit(username)
    listed = visitor.get("/projects").text

    assert {code for code in ("P1", "P2", "P3") if f"/projects/{code}" in listed} == seen
    for code in ("P1", "P2", "P3"):
        assert visitor.get(f"/projects/{code}").status == (200 if code in seen else 404)
    assert visitor.get("/projects/P-none").status == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("text=ภูมิทัศน์", {"P1"}),
        ("text=P2", {"P2"}),
        ("text=โยธาธิการ โขง", {"P1"}),
        ("text=ไม่มี", set()),
        ("state=working", {"P1"}),
        ("province=TH-39", {"P2"}),
        ("fy=2571", {"P1", "P2"}),
        ("fy=2560", set()),
        ("fy=abc&sort=name", {"P1", "P2"}),
        ("sort=nonsense", {"P1", "P2"}),
    ],
)
def test_projects_are_found(site: Site, query: str, found: set[str]) -> None:
    listed = site.visit("anan").get(f"/projects?{query}").text

    assert {code for code in ("P1", "P2", "P3") if f"/projects/{code}" in listed} == found


def test_the_page_says_state_money_and_what_happened(site: Site) -> None:
    page = site.visit("anan").get("/projects/P1").text

    for words in ("ดำเนินงาน", "50.00 %", "450.00", "ราคากลางเปลี่ยน", "เบิกจ่ายสะสม", "รุ่นที่ 2"):
        assert words in page


def test_a_project_as_it_was_marks_what_is_otherwise_today(site: Site) -> None:
    visitor = site.visit("anan")

    then = visitor.get("/projects/P1?as_of=20/11/2569").text
    assert "20.00 %" in then
    assert "ดูข้อมูลล่าสุด" in then
    assert visitor.get("/projects/P1?as_of=19/11/2569").status == 404
    assert "ดูข้อมูลล่าสุด" not in visitor.get("/projects/P1?as_of=ไม่ใช่วันที่").text


def test_english_pages_are_english(site: Site) -> None:
    visitor = site.visit("anan", locale="en")

    assert "Register of projects" in visitor.get("/projects").text
    assert "Being carried out" in visitor.get("/projects/P1").text


def test_a_list_that_is_taken_out_is_recorded_with_its_reason(site: Site, store: Store) -> None:
    visitor = site.visit("anan")

    refused = visitor.post("/projects/export/csv", {"text": "ตลาด"})
    saved = visitor.post("/projects/export/csv", {"text": "ตลาด", "reason": "ส่งสำนักงบประมาณ"})

    assert refused.status == 422
    assert 'value="ตลาด"' in refused.text
    assert saved.status == 200
    lines = saved.response.get_data().decode("utf-8-sig").splitlines()
    saved.response.close()
    assert len(lines) == 2
    assert "P2" in lines[1]
    with store.reading() as session:
        kept = session.execute(select(Access.kind, Access.subject, Access.reason)).all()
    assert [tuple(row) for row in kept] == [("list.exported", "/projects 1 lines", "ส่งสำนักงบประมาณ")]
    assert visitor.post("/projects/export/exe", {"reason": "x"}).status == 422


def test_what_may_be_the_same_project_is_shown_on_its_page_and_in_a_list(site: Site) -> None:
    site.arrange(lambda session: make_project(session, "P4", **{**ROAD, "name": "ปรับปรุงภูมิทัศน์ ริมโขง"}))

    page = site.visit("anan").get("/projects/P1").text
    listed = site.visit("anan").get("/projects/alike?fy=2571").text

    assert "อาจเป็นโครงการเดียวกัน" in page
    assert "ชื่อคล้ายกันร้อยละ 100" in page
    assert 'href="/projects/P4"' in page
    assert "ตั้งแต่ร้อยละ 85" in listed
    assert listed.count('href="/projects/P1"') == listed.count('href="/projects/P4"') == 1
    assert "อาจเป็นโครงการเดียวกัน" not in site.visit("anan").get("/projects/P2").text
    assert "ไม่มีโครงการที่ชื่อคล้ายกัน" in site.visit("anan").get("/projects/alike?fy=2569").text
    assert "P4" not in site.visit("sakon").get("/projects/alike?fy=2571").text


def test_a_version_is_told_field_by_field(site: Site) -> None:
    visitor = site.visit("anan")

    page = visitor.get("/projects/P1/versions/2").text

    assert "/projects/P1/versions/2" in visitor.get("/projects/P1").text
    assert "ราคากลางเปลี่ยน" in page
    assert "<del>" in page
    assert "180.00" in page
    assert "450.00" in page
    assert "สำนักงานโยธาธิการ" not in page  # what did not change is left out
    assert "สองรุ่นนี้มีข้อมูลเหมือนกันทุกช่อง" in visitor.get("/projects/P1/versions/2?against=2").text
    assert "<del>" not in visitor.get("/projects/P1/versions/1").text
    for wrong in ("3", "2?against=7", "0"):
        assert visitor.get(f"/projects/P1/versions/{wrong}").status == 404
    assert visitor.get("/projects/P1/versions/2?against=abc").status == 200
    assert site.visit("road").get("/projects/P1/versions/2").status == 404


def test_work_is_found_by_the_code_of_its_project(site: Site, store: Store) -> None:
    """Two projects of one name have their own work each; what an earlier version opened is found by a name that only one has."""

    def arrange(session: Any) -> None:
        deploy_tests(session, "review")
        make_project(session, "P8", name="โครงการถนน", province="TH-39")
        make_project(session, "P9", name="โครงการถนน")
        for code in ("P8", "P9"):
            make_case(session, title="โครงการถนน", data={"project": {"code": code, "name": "โครงการถนน"}})
        make_case(session, title=MARKET["name"])

    site.arrange(arrange)
    visitor = site.visit("anan")
    with store.reading() as session:
        items = {item.record_code: item.id for item in session.scalars(select(WorkItem))}
    assert items.keys() == {"P8", "P9", None}
    for code, item in items.items():
        page = visitor.get(f"/projects/{code or 'P2'}").text
        assert [other for other in items.values() if other in page] == [item]


def test_the_track_says_when_each_state_was_reached(site: Site) -> None:
    page = site.visit("anan").get("/projects/P1").text
    track = page[page.index("project-track") :]
    track = track[: track.index("</ol>")]

    assert track.count('aria-current="step"') == 1
    assert "ดำเนินงาน" in track[track.index("is-now") :][:400]
    assert "Y1 / Y2 / N" in track
    assert "ลงนามแล้ว" in track[: track.index("is-now")]
    # Nobody recorded that the committee endorsed it: nobody is said to have.
    assert "is-untold" in track[: track.index("ก.บ.ก. เห็นชอบ")]
    assert track.count("is-done") == 1
