"""Who answers for a project: shown to few, once it is on record who looks, and nowhere else on any page or in any file."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.privacy import erasure_requests, erasure_search
from osm_flow.operations.projects.acts import revise
from osm_flow.operations.projects.record_type import book_of
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, later, make_agency, make_office, make_person, make_project
from tests.integration.web.visits import Site, open_site

CONTACT = {"contact_name": "นางสมศรี มีสุข", "contact_phone": "081-234-5678", "contact_email": "somsri@example.go.th"}
BEFORE = {"contact_name": "นายก่อนหน้า ผู้ย้ายไป", "contact_phone": "042-999-111"}
SECRETS = [*CONTACT.values(), *BEFORE.values(), "สมศรี", "ก่อนหน้า"]


@pytest.fixture
def site(store: Store) -> Site:
    site = open_site(store)

    def arrange(session: Any) -> None:
        make_office(session)
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        make_person(session, "anan", "osm_strategy")
        make_person(session, "boss", "osm_director")
        make_person(session, "root", "admin")
        make_person(session, "aud", "auditor")
        make_person(session, "udon", "province_planner", province_id="TH-41")
        make_agency(session, "works", "สำนักงานโยธาธิการ")
        make_person(session, "sakon", "osm_director", office_id="NE-U2")
        make_project(session, "P1", agency="สำนักงานโยธาธิการ", **BEFORE)
        act = BookAct(BookActKind.changed, {"record": "P1"})
        revise(session, book_of(OFFICE, 2571), act, SYSTEM, later(60 * 24 * 3), {"P1": CONTACT})
        make_project(session, "P2")

    site.arrange(arrange)
    return site


@pytest.mark.parametrize("username", ["anan", "works", "aud"])
def test_who_may_sees_it_behind_a_click_that_is_recorded(site: Site, username: str) -> None:
    visitor = site.visit(username)
    page = visitor.get("/projects/P1").text
    assert "/projects/P1/contact" in page
    assert [secret for secret in SECRETS if secret in page] == []
    assert reads(site) == []

    shown = visitor.get("/projects/P1/contact")
    visitor.get("/projects/P1/contact")  # the same look

    assert [value in shown.text for value in CONTACT.values()] == [True, True, True]
    assert "ก่อนหน้า" not in shown.text
    assert reads(site) == [(username, "projects P1", OFFICE)]


def reads(site: Site) -> list[tuple[str, str, str | None]]:
    with site.store.reading() as session:
        query = select(Access).where(Access.kind == "record.personal_opened").order_by(Access.id)
        return [(row.actor, row.subject, row.office_id) for row in session.scalars(query)]


@pytest.mark.parametrize(("username", "status"), [("root", 403), ("udon", 403), ("sakon", 404)])
def test_who_may_not_is_told_whom_to_ask(site: Site, username: str, status: int) -> None:
    visitor = site.visit(username)
    refused = visitor.get("/projects/P1/contact")
    page = visitor.get("/projects/P1")

    assert refused.status == status
    assert [secret for secret in SECRETS if secret in refused.text + page.text] == []
    assert reads(site) == []
    if status == 403:
        assert "/projects/P1/contact" not in page.text
        assert "ถามสำนักงานเจ้าของทะเบียน หรือสำนักงานโยธาธิการ" in page.text


def test_nothing_is_shown_that_cannot_be_recorded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from osm_flow.web.site import recorded_reads

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(recorded_reads, "record_access", broken)
    with pytest.raises(ZeroDivisionError):
        site.visit("anan").get("/projects/P1/contact")


def test_nobody_is_found_by_it_and_no_file_has_it(site: Site) -> None:
    visitor = site.visit("anan")
    for words in ("สมศรี", "0812345678", "081-234-5678", "somsri@example.go.th", "ก่อนหน้า"):
        assert "/projects/P1" not in visitor.get(f"/projects?text={words}").text
        assert "/projects/P1" not in visitor.get(f"/search?text={words}").text
    day = "as_of=12/10/2570"
    pages = [
        visitor.get(path).text
        for path in (
            "/projects",
            f"/projects/P1?{day}",
            "/projects/alike",
            "/projects/P1/correct",
            "/projects/P1/versions/1",
            "/projects/P1/versions/2",
        )
    ]
    sheet = visitor.post("/projects/export/csv", {"reason": "รายงาน"})
    sheet.response.close()
    pages.append(sheet.text)

    assert [secret for secret in SECRETS if any(secret in page for page in pages)] == []


def test_after_an_erasure_the_page_says_so(site: Site) -> None:
    with site.store.transaction() as session:
        root, boss = (actor_named(session, name, NOW.date()) for name in ("root", "boss"))
        texts = [one.text.name for one in erasure_search.find_texts(session, root, "สมศรี มีสุข")]
        asked = erasure_requests.ask(
            session, root, later(1), words="สมศรี มีสุข", records=[], reason="คำขอเลขที่ 12", texts=texts
        )
        erasure_requests.approve(session, asked.id, boss, later(2))
    visitor = site.visit("anan")
    page = visitor.get("/projects/P1").text

    assert "ลบตามกฎหมาย" in page
    assert "ข้อมูลบุคคลของรุ่นนี้ถูกลบตามกฎหมาย" in page
    assert "/projects/P1/contact" not in page
    assert "สมศรี" not in visitor.get("/projects/P1/contact").text
    assert "ผู้ประสานงาน" not in visitor.get("/projects/P2").text
