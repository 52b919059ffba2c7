"""Questions that auditors ask of every office, each with the records that answer it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.operations.audit.questions import Question
from osm_flow.operations.audit.search import Wanted, search
from osm_flow.operations.cases.acts import cancel_case, record_message, suspend_case
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import move_due
from osm_flow.store.models import Position, WaitingMessage, WorkItem
from tests.factories import ANSWER, NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def office(session: Session) -> Session:
    """Three people of an office, one auditor, one case drafted, claimed and returned; and a case of another office."""
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review")
    for username, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("malee", "auditor"), ("root", "admin")):
        make_person(session, username, role)
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    make_person(session, "stranger", "auditor", office_id="NE-U2")
    case = make_case(session, actor=who(session, "anan"), title="แผนปี 2571")
    draft(session, case, "น้ำท่วมหนองคาย", 1)
    check = items_of(session, case)[0]
    work_items.claim(session, check.id, who(session, "boss"), later(2))
    comment(session, case.id, who(session, "boss"), later(3), body="งบ 1500000 บาท", key=None)
    complete(session, check.id, who(session, "boss"), later(4), Completion.of({"approved": False, "reason": "ขาดน้ำ"}))
    make_case(session, actor=who(session, "far"), office_id="NE-U2", fiscal_year=2570, now=later(9))
    return session


def who(session: Session, username: str) -> Any:
    return actor_named(session, username, NOW.date())


def draft(session: Session, case: Any, words: str, minutes: float, by: str = "anan") -> None:
    item = items_of(session, case)[0]
    complete(session, item.id, who(session, by), later(minutes), Completion.of({"text": words}))


def seqs(session: Session, auditor: str = "malee", **wanted: Any) -> list[int]:
    page = search(session, who(session, auditor), Wanted(**wanted))
    assert page.total == len(page.items)
    return [one.record.seq for one in page.items]


def test_acts_for_another_person_but_not_answers_of_outsiders(office: Session) -> None:
    deputy = make_person(office, "deputy")
    boss = who(office, "boss")
    office.add(
        Position(
            person_id=deputy.person_id,
            office_id=OFFICE,
            role="osm_director",
            kind="acting",
            for_person_id=boss.person_id,
            valid_from=date(2026, 1, 1),
        )
    )
    office.flush()
    case = make_case(office, actor=who(office, "anan"), now=later(20))
    draft(office, case, "ก", 21)
    item = items_of(office, case)[0]
    work_items.claim(office, item.id, who(office, "deputy"), later(22))
    complete(office, item.id, who(office, "deputy"), later(23), Completion.of({"approved": True, "reason": ""}))
    deploy_tests(office, "asking")
    make_case(office, "asking", actor=who(office, "anan"), now=later(24))
    task_id = office.query(WaitingMessage).one().task_id
    record_message(office, task_id, who(office, "anan"), later(25), data={"text": "ตอบ"}, answer=ANSWER)

    page = search(office, who(office, "malee"), Wanted(question=Question.on_behalf))
    assert [(one.record.seq, one.on_behalf_name) for one in page.items] == [(4, "คุณboss"), (3, "คุณboss")]
    assert seqs(office, on_behalf_of="คุณboss") == [4, 3]
    assert seqs(office, on_behalf_of="สำนักงบประมาณ") == [2]
    assert seqs(office, on_behalf_of="0701/12") == [2]


def test_approved_own_draft_across_the_family_of_cases(office: Session) -> None:
    assert seqs(office, question=Question.own_draft) == []
    anan = who(office, "anan")
    checked = office.query(WorkItem).filter(WorkItem.element == "check", WorkItem.state == "COMPLETED").one()
    checked.completed_by_id = anan.person_id
    office.flush()

    assert seqs(office, question=Question.own_draft) == [5]


def test_completed_after_due(office: Session) -> None:
    assert seqs(office, question=Question.late) == []
    case = make_case(office, actor=who(office, "anan"), now=later(20))
    item = items_of(office, case)[0]
    move_due(office, item.id, who(office, "boss"), later(21), due_at=later(22), reason="เร่ง", key=None)
    draft(office, case, "สาย", 23)

    assert seqs(office, question=Question.late) == [3]


def test_returned_more_than_twice_is_told_from_the_third_time_on(office: Session) -> None:
    case = make_case(office, actor=who(office, "anan"), now=later(20))
    for number in range(4):
        draft(office, case, f'"decision":"return" {number}', 21 + 2 * number)
        check = items_of(office, case)[0]
        verdict = {"approved": number == 3, "reason": "อ่านไม่ออก"}
        complete(office, check.id, who(office, "boss"), later(22 + 2 * number), Completion.of(verdict))

    page = search(office, who(office, "malee"), Wanted(question=Question.returned))
    assert [(one.case.id, one.record.seq) for one in page.items] == [(case.id, 7)]


def test_repairs_and_stops(office: Session) -> None:
    case = make_case(office, actor=who(office, "anan"), now=later(20))
    item = items_of(office, case)[0]
    work_items.reassign(office, item.id, who(office, "root"), later(21), to_username="anan", reason="ลืม")
    suspend_case(office, case.id, who(office, "boss"), later(22), reason="รอ")
    cancel_case(office, case.id, who(office, "root"), later(23), reason="ซ้ำ")

    assert seqs(office, question=Question.repaired) == [4, 2]
    assert seqs(office, question=Question.stopped) == [4, 3]
