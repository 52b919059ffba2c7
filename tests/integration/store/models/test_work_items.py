"""Work items and what people write on them: two people cannot both win, and inboxes are read by an index."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.work_items.inbox import home_for
from osm_flow.store.models import Attachment, Candidate, Case, Comment, Draft, WorkItem
from tests.factories import NOW, OFFICE, deploy_tests, items_of, make_case, make_office, make_person
from tests.integration.store.tables import keep, plans_of, refused


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


@pytest.fixture
def item(session: Session, case: Case) -> WorkItem:
    return items_of(session, case)[0]


@pytest.fixture
def anan(session: Session, case: Case) -> Actor:
    return make_person(session, "anan", "osm_strategy")


def an_item(case: Case, **more: Any) -> WorkItem:
    of = {"element": "draft", "name_th": "ร่าง", "office_id": OFFICE, "fiscal_year": 2571, "opened_at": NOW}
    return WorkItem(**{"id": "i1", "case_id": case.id, **of, **more})


def test_a_work_item_is_of_a_case_an_office_and_people_that_are_there(session: Session, case: Case) -> None:
    for wrong in (
        {"case_id": "no such case"},
        {"office_id": "nowhere"},
        {"province_id": "TH-00"},
        {"assignee_id": 999_999},
        {"owner_id": 999_999},
        {"completed_by_id": 999_999},
    ):
        assert refused(session, an_item(case, **wrong)), wrong
    keep(session, an_item(case))


def test_a_new_work_item_is_ready_for_anybody(session: Session, case: Case) -> None:
    keep(session, an_item(case))
    session.expire_all()

    item = session.get_one(WorkItem, "i1")
    assert (item.state, item.assignee_id, item.priority, item.version, item.subject) == ("READY", None, 50, 1, "")


def test_every_change_raises_the_version(session: Session, item: WorkItem) -> None:
    before = item.version

    for priority in (60, 70):
        item.priority = priority
        session.flush()

    assert item.version == before + 2


def test_who_has_a_work_item_is_read_from_its_columns_alone(session: Session, item: WorkItem, anan: Actor) -> None:
    item.assignee_id = anan.person_id
    session.flush()
    session.expire(item)

    assert item.assignee is not None
    assert item.assignee.username == "anan"
    assert (item.owner, item.completed_by) == (None, None)
    assert [candidate.role for candidate in item.candidates] == ["osm_strategy"]


def test_a_candidate_is_a_role_or_a_person_that_is_there(session: Session, item: WorkItem) -> None:
    for wrong in ({"work_item_id": "no such item"}, {"province_id": "TH-00"}, {"person_id": 999_999}):
        assert refused(session, Candidate(**{"work_item_id": item.id, "role": "osm_me", **wrong})), wrong


def test_a_person_has_one_draft_of_a_work_item(session: Session, item: WorkItem, anan: Actor) -> None:
    busaba = make_person(session, "busaba", "osm_strategy")
    keep(session, Draft(work_item_id=item.id, person_id=anan.person_id, body="{}", saved_at=NOW))

    assert refused(session, Draft(work_item_id=item.id, person_id=anan.person_id, body="{}", saved_at=NOW))
    keep(session, Draft(work_item_id=item.id, person_id=busaba.person_id, body="{}", saved_at=NOW))


def test_a_comment_has_somebody_who_said_it(session: Session, case: Case, anan: Actor) -> None:
    assert refused(session, Comment(case_id=case.id, person_id=999_999, body="ดี", at=NOW))
    keep(session, Comment(case_id=case.id, person_id=anan.person_id, body="ดี", at=NOW))

    (comment,) = session.scalars(select(Comment))
    assert (comment.person.username, comment.work_item_id) == ("anan", None)


def test_a_file_is_kept_byte_for_byte_and_only_read_when_asked_for(session: Session, case: Case, anan: Actor) -> None:
    content = bytes(range(256)) * 4
    about = {"filename": "a.bin", "media_type": "x/y", "size": len(content), "sha256": "a" * 64, "at": NOW}
    keep(session, Attachment(case_id=case.id, person_id=anan.person_id, content=content, **about))
    session.expunge_all()

    (attachment,) = session.scalars(select(Attachment))
    assert "content" in inspect(attachment).unloaded
    assert attachment.content == content


def test_no_list_of_the_first_page_reads_all_work_items(session: Session, item: WorkItem, anan: Actor) -> None:
    plans = plans_of(session, lambda: home_for(session, anan, NOW)).split(" / ")

    of_items = [step for step in plans if "work_items" in step]
    assert of_items
    assert [step for step in of_items if "Seq Scan" in step or ("SCAN" in step and "USING" not in step)] == []


def test_whose_work_it_is_and_what_is_due_is_found_by_indexes(session: Session) -> None:
    for wanted, index in (
        ((WorkItem.assignee_id == 1,), "ix_work_items_assignee_id_state_due_at_id"),
        ((WorkItem.office_id == OFFICE,), "ix_work_items_office_id_state_due_at_id"),
        ((WorkItem.state == "READY", WorkItem.due_at < NOW), "ix_work_items_state_due_at_id"),
        ((WorkItem.completed_by_id == 1, WorkItem.element == "draft"), "ix_work_items_completed_by_id_element"),
        ((WorkItem.case_id == "c1",), "ix_work_items_case_id"),
    ):
        query = select(WorkItem.id).where(*wanted)
        assert index in plans_of(session, lambda query=query: session.scalars(query).all())
