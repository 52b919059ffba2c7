"""Staff of the office write down what a province answered, in its place, and the history says so."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.store.models import Candidate, JournalRecord, WorkItem
from tests.factories import OFFICE, deploy_tests, items_of, make_case, make_office, make_person
from tests.integration.web.conftest import Opened
from tests.integration.web.visits import Site


def prepare(session: Session) -> None:
    """Two provinces are asked; staff of the office may answer in their place, as the diagrams of the cycle allow."""
    make_office(session)
    deploy_tests(session, "provinces")
    boss = make_person(session, "kanya", "osm_strategy", "osm_strategy_head")
    make_person(session, "planner", "province_planner", province_id="TH-39")
    case = make_case(session, "provinces", boss)
    for item in items_of(session, case):
        session.add(Candidate(work_item_id=item.id, role="osm_strategy"))


@pytest.fixture
def site(opened: Opened) -> Site:
    return opened(prepare)


def item_of(site: Site, province_id: str) -> str:
    found: str = site.read(
        lambda session: session.scalars(
            select(WorkItem.id).where(WorkItem.province_id == province_id, WorkItem.office_id == OFFICE)
        ).one()
    )
    return found


def test_staff_record_the_answer_of_a_province(site: Site) -> None:
    kanya, item = site.visit("kanya"), item_of(site, "TH-39")
    page = kanya.follow(kanya.post(f"/work-items/{item}/claim"))
    assert "บันทึกผลแทน" in page.words

    answer = kanya.submit(page, "/complete", text="ยืนยันตามแผน", on_behalf_of="สนจ.หนองบัวลำภู", answered_by="letter")

    assert answer.status == 302, answer.words
    record = site.read(
        lambda session: session.scalars(select(JournalRecord).where(JournalRecord.kind == "work_item.completed")).one()
    )
    assert (record.actor, record.on_behalf_of) == ("kanya", "สนจ.หนองบัวลำภู (หนังสือราชการ)")
    assert "แทน สนจ.หนองบัวลำภู (หนังสือราชการ)" in kanya.get(f"/cases/{record.case_id}").words


def test_the_province_itself_is_not_asked_for_whom_it_answers(site: Site) -> None:
    planner, item = site.visit("planner"), item_of(site, "TH-39")

    page = planner.follow(planner.post(f"/work-items/{item}/claim"))

    assert "บันทึกผลแทน" not in page.words
