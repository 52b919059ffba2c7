"""Reads that matter are recorded before their answer leaves, and the same look once."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.store.models import Access, Case
from tests.factories import deploy_tests, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """A case with a draftsman and an auditor."""
    make_office(session)
    deploy_tests(session, "review")
    make_person(session, "malee", "auditor")
    make_case(session, actor=make_person(session, "anan", "osm_strategy"), title="แผนปี 2571")


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def case_id(site: Site) -> str:
    found: str = site.read(lambda session: session.scalars(select(Case.id)).one())
    return found


def recorded(site: Site) -> list[tuple[str, str, str]]:
    rows = site.read(lambda session: session.scalars(select(Access).order_by(Access.id)).all())
    return [(row.actor, row.kind, row.details) for row in rows]


def test_a_search_is_recorded_with_what_was_asked_and_paging_on_is_the_same_look(site: Site) -> None:
    auditor = site.visit("malee")

    auditor.get("/audit/search")
    auditor.get("/audit/search?text=ร่าง&who=&kind=case.started")
    auditor.get("/audit/search?text=ร่าง&kind=case.started")

    assert recorded(site) == [
        ("malee", "audit.opened", ""),
        ("malee", "audit.searched", "text=ร่าง&kind=case.started"),
    ]


def test_the_same_look_again_later_is_another_look(site: Site) -> None:
    auditor, address = site.visit("malee"), f"/audit/cases/{case_id(site)}"

    for minutes in (0, 14, 16):
        start = site.now
        site.now = start + timedelta(minutes=minutes)
        auditor.get(address)
        site.now = start

    assert [kind for _, kind, _ in recorded(site)] == ["audit.opened"] * 2


def test_ordinary_pages_and_refusals_leave_no_row_and_a_download_leaves_one(site: Site) -> None:
    anan, address = site.visit("anan"), f"/cases/{case_id(site)}"
    page = anan.get(address)
    assert anan.get("/audit/search").status == 403
    assert site.visit("malee").get("/audit/cases/nothing").status == 404
    assert recorded(site) == []

    anan.submit(page, "/attachments", file=(io.BytesIO(b"yes"), "note.txt"))
    (link,) = set(anan.get(address).all('//a[contains(@href, "/attachments/")]/@href'))
    assert anan.get(link).text == "yes"

    assert [row[:2] for row in recorded(site)] == [("anan", "attachment.downloaded")]
