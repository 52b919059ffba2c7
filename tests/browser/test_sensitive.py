"""Sensitive cases in a real browser: an auditor says why, a case's page tells to whom it is open."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.operations.privacy import sensitivity
from osm_flow.store.models import Access, Case
from tests.browser.conftest import Desk
from tests.factories import deploy_tests, later, make_case, make_office, make_person
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "review")
    director = make_person(session, "director", "osm_director")
    head = make_person(session, "head", "osm_admin_head")
    make_person(session, "malee", "auditor")
    case = make_case(session, title="เรื่องร้องเรียนเจ้าหน้าที่")
    sensitivity.mark(session, case.id, director, later(1), reason="มีข้อมูลผู้ร้อง")
    sensitivity.name_reader(session, case.id, director, later(2), username=head.username)
    sensitivity.propose_unmark(session, case.id, director, later(3), reason="สอบสวนเสร็จและเปิดเผยแล้ว")


@pytest.fixture
def case_id(site: Site) -> str:
    site.arrange(prepare)
    found: str = site.read(lambda session: session.scalars(select(Case.id)).one())
    return found


def test_an_auditor_says_why_and_reads_on_where_they_wanted(
    site: Site, case_id: str, sit_down: Callable[..., Desk]
) -> None:
    desk = sit_down("malee")
    page = desk.open(f"/cases/{case_id}")
    assert page.url.startswith(f"{desk.address}/audit/sensitive/{case_id}")
    assert "เรื่องร้องเรียน" not in page.content()
    assert desk.violations() == []
    page.click("main button[type=submit]")
    page.wait_for_selector(".field-error")
    assert desk.violations() == []
    page.fill("#reason", "แผนตรวจสอบ 1/2570")
    page.click("main button[type=submit]")
    page.wait_for_url(f"{desk.address}/cases/{case_id}")
    assert "เรื่องร้องเรียน" in page.content()
    reasons = site.read(
        lambda session: session.scalars(select(Access.reason).where(Access.kind == "case.explained")).all()
    )
    assert reasons == ["แผนตรวจสอบ 1/2570"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_a_case_tells_to_whom_it_is_open(case_id: str, sit_down: Callable[..., Desk], width: int) -> None:
    desk = sit_down("head")
    desk.page.set_viewport_size({"width": width, "height": 800})
    page = desk.open(f"/cases/{case_id}")
    assert "ยืนยันให้เอาออก" in page.inner_text("#sensitive")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert desk.violations() == []
    assert desk.complaints == []
