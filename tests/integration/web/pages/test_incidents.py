"""Incidents on pages: the list, trying again, closing with a note, and what the case page says meanwhile."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.cases.incidents import open_in
from osm_flow.store.models import Case, Incident, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site, open_site


def prepare(session: Session) -> None:
    """A case that met a failure at its draft."""
    make_office(session)
    deploy_tests(session, "review")
    make_person(session, "wichai", "osm_director")
    make_person(session, "root", "admin", office_id=None)
    case = make_case(session)
    open_in(session, case.id, NOW, kind="engine", message="<b>no such value</b>", element="draft")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def incident_id(site: Site) -> int:
    found: int = site.read(lambda session: session.scalars(select(Incident.id)).one())
    return found


def test_list_says_where_and_why(site: Site) -> None:
    page = site.visit("root").get("/incidents")

    assert "ร่างแผน" in page.words
    assert "<b>no such value</b>" in page.words
    assert site.visit("wichai").get("/incidents").status == 403


def test_case_page_says_that_it_is_held_up(site: Site) -> None:
    case_id = site.read(lambda session: session.scalars(select(Case.id)).one())

    page = site.visit("wichai").get(f"/cases/{case_id}")

    assert "เรื่องหยุดรออยู่ที่ ร่างแผน" in page.words
    assert "ดูและแก้เหตุขัดข้อง" not in page.words
    assert "ผู้ดูแลระบบต้องแก้ก่อน" in page.words


def test_nothing_to_try_again_is_a_sentence(site: Site) -> None:
    root = site.visit("root")

    answer = root.submit(root.get("/incidents"), "/retry")

    assert answer.status == 409
    assert "ไม่มีสิ่งที่ต้องลองใหม่" in answer.words
    assert answer.all('//li[contains(@class,"incident")]')


def test_closing_needs_a_note_and_is_told_in_the_story(site: Site) -> None:
    root = site.visit("root")
    page = root.get("/incidents")

    refused = root.submit(page, "/resolve", note=" ")
    assert refused.status == 422
    assert refused.all('//details[@open]//textarea[@name="note"]')
    told = root.follow(root.submit(page, "/resolve", note="แก้ข้อมูลต้นทางแล้ว"))
    assert "ปิดเหตุขัดข้องแล้ว" in told.words
    assert "ไม่มีเหตุขัดข้อง" in told.words
    again = root.submit(page, "/resolve", note="อีกครั้ง")
    assert again.status == 409
    case_id = site.read(lambda session: session.scalars(select(Case.id)).one())
    assert "แก้ข้อมูลต้นทางแล้ว" in root.get(f"/cases/{case_id}").words


def test_unknown_incidents_are_not_found(site: Site) -> None:
    assert site.visit("root").post("/incidents/999/retry").status == 404
    assert site.visit("root").post("/incidents/999/resolve", {"note": "x"}).status == 404
    assert incident_id(site) > 0


def test_a_case_that_cannot_go_on_becomes_an_incident_and_keeps_what_was_typed(site: Site) -> None:
    def begin(session: Session) -> str:
        deploy_tests(session, "broken")
        make_person(session, "malee", "osm_strategy")
        case = make_case(session, "broken", title="เรื่องที่แผนภาพผิด")
        return session.scalars(select(WorkItem.id).where(WorkItem.case_id == case.id)).one()

    work_item_id = site.arrange(begin)
    malee = site.visit("malee")
    page = malee.follow(malee.post(f"/work-items/{work_item_id}/claim"))

    answer = malee.submit(page, "/complete", text="ข้อความที่พิมพ์ไว้นาน")

    assert answer.status == 409
    assert "ข้อความที่พิมพ์ไว้นาน" in answer.text
    assert site.read(lambda s: s.query(Incident).filter(Incident.resolved_at.is_(None)).count()) == 2


# ---- what can never go on --------------------------------------------------------------------------------------


@pytest.fixture
def standing(store: Store) -> Site:
    """A case of which nothing can go on from its start: its join waits for what cannot come."""
    site = open_site(store)

    def prepare(session: Session) -> None:
        make_office(session)
        deploy_tests(session, "standing_at_once")
        make_person(session, "wichai", "osm_director")
        make_person(session, "root", "admin", office_id=None)
        make_case(session, "standing_at_once")

    site.arrange(prepare)
    return site


def test_a_case_that_can_never_go_on_says_which_join_waits_for_what(standing: Site) -> None:
    case_id = standing.read(lambda session: session.scalars(select(Case.id)).one())

    page = standing.visit("wichai").get(f"/cases/{case_id}")

    assert "เรื่องหยุดรออยู่ที่ รวมผล" in page.words
    assert "“รวมผล” (joined) รอ “แจ้งแล้ว” (told)" in page.words
    assert "waits for" not in page.words
    assert "กำลังรอคำตอบ เวลา หรือเรื่องย่อย" not in page.words


def test_the_list_tells_a_standstill_in_the_language_of_its_reader(standing: Site) -> None:
    root = standing.visit("root")
    thai = root.get("/incidents").words
    english = standing.visit("root", "en").get("/incidents").words

    assert "“รวมผล” (joined) รอ “แจ้งแล้ว” (told)" in thai
    assert "“รวมผล” (joined) waits for “แจ้งแล้ว” (told)" in english
    assert "waits for" not in thai
    refused = root.submit(root.get("/incidents"), "/retry")
    assert refused.status == 409
    assert "There is nothing to try again" in refused.words


def test_what_belongs_to_no_case_is_listed_and_closed_with_a_word_on_it(site: Site) -> None:
    site.arrange(lambda session: open_in(session, None, NOW, kind="mail", message="x@y.th: no such person"))
    root = site.visit("root")

    page = root.get("/incidents")
    assert "ไม่ใช่ของเรื่องใด" in page.words
    assert "x@y.th: no such person" in page.words
    newest = max(site.read(lambda session: session.scalars(select(Incident.id)).all()))
    answer = root.submit(page, f"/{newest}/resolve", note="โทรแจ้งแล้ว")

    assert answer.status == 302
    assert "ไม่ใช่ของเรื่องใด" not in root.get("/incidents").words
    assert "โทรแจ้งแล้ว" in root.get("/audit/administration").words or root.get("/audit/administration").status == 403
