"""What people say about a case: kept once, on record, and read in its order."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import NotFound
from osm_flow.operations.cases.acts import cancel_case
from osm_flow.operations.cases.comments import CommentRefused, NotOfThisCase, comment, comments_on, element_in_case
from osm_flow.operations.replay.verify import verify_case
from osm_flow.store.models import Case, Comment, JournalPayload, JournalRecord
from osm_flow.store.session import CaseNotFound
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    return make_case(session)


def newest(session: Session, case: Case) -> tuple[JournalRecord, dict[str, str]]:
    record = session.get_one(JournalRecord, (case.id, case.seq))
    return record, json.loads(session.get_one(JournalPayload, (case.id, case.seq)).body)["data"]


def test_no_comment_turns_the_letters_after_it_round(session: Session, case: Case, anan: Actor) -> None:
    said = comment(session, case.id, anan, later(), body="\u202eเห็นชอบ\u2069\n\u200bแล้ว", key=None)

    assert said is not None
    assert said.body == "เห็นชอบ\n\u200bแล้ว"
    assert newest(session, case)[1]["body"] == said.body
    with pytest.raises(CommentRefused):
        comment(session, case.id, anan, later(), body="\u202e\u2069", key=None)


def test_a_comment_is_a_row_and_a_record(session: Session, case: Case, anan: Actor) -> None:
    said = comment(session, case.id, anan, later(), body="  ควรรอหนังสือ \n", key=None)

    assert said is not None
    assert (said.body, said.person_id, said.at, said.work_item_id) == ("ควรรอหนังสือ", anan.person_id, later(), None)
    record, data = newest(session, case)
    assert (record.kind, record.actor, record.actor_role) == ("case.commented", "anan", "osm_strategy")
    assert (record.element, data) == (None, {"body": "ควรรอหนังสือ"})
    assert verify_case(session, case.id) == []


def test_a_comment_on_a_work_item_names_its_element(session: Session, case: Case, anan: Actor) -> None:
    (item,) = items_of(session, case)

    comment(session, case.id, anan, NOW, body="ดูข้อ 2", work_item_id=item.id, key=None)

    record, _ = newest(session, case)
    assert (record.element, record.task_id) == ("draft", item.id)
    assert [one.work_item_id for one in comments_on(session, case.id)] == [item.id]


def test_a_work_item_of_another_case_is_refused(session: Session, case: Case, anan: Actor) -> None:
    (foreign,) = items_of(session, make_case(session))

    for wrong in (foreign.id, "none"):
        with pytest.raises(NotOfThisCase):
            comment(session, case.id, anan, NOW, body="x", work_item_id=wrong, key=None)
    assert element_in_case(session, case.id, None) is None
    assert session.scalar(select(func.count()).select_from(Comment)) == 0


@pytest.mark.parametrize("body", ["", " \n ", "ก" * 10_001, "a\0b", "half \ud800"])
def test_what_is_no_comment_is_refused_at_its_field(session: Session, case: Case, anan: Actor, body: str) -> None:
    before = case.seq

    with pytest.raises(CommentRefused) as refused:
        comment(session, case.id, anan, NOW, body=body, key=None)

    assert refused.value.fields.keys() == {"body"}
    assert (case.seq, list(comments_on(session, case.id))) == (before, [])


def test_the_same_form_sent_twice_says_it_once(session: Session, case: Case, anan: Actor) -> None:
    first = comment(session, case.id, anan, NOW, body="ครั้งเดียว", key="c1")
    again = comment(session, case.id, anan, later(), body="ครั้งเดียว", key="c1")

    assert first is not None
    assert again is None
    assert [one.id for one in comments_on(session, case.id)] == [first.id]


def test_comments_are_read_in_their_order_with_who_said_them(session: Session, case: Case, anan: Actor) -> None:
    boss = make_person(session, "boss", "osm_director")
    comment(session, make_case(session).id, boss, NOW, body="อีกเรื่อง", key=None)
    for number, actor in enumerate((boss, anan, boss)):
        comment(session, case.id, actor, later(-number), body=str(number), key=None)

    assert [(one.body, one.person.display_name) for one in comments_on(session, case.id)] == [
        ("0", "คุณboss"),
        ("1", "คุณanan"),
        ("2", "คุณboss"),
    ]


def test_a_case_that_ended_takes_comments_too(session: Session, case: Case, anan: Actor) -> None:
    cancel_case(session, case.id, SYSTEM, NOW, reason="เลิก")

    assert comment(session, case.id, anan, later(), body="ไว้ดูทีหลัง", key=None) is not None
    assert verify_case(session, case.id) == []


def test_who_has_no_part_in_a_case_says_nothing_about_it(session: Session, case: Case, anan: Actor) -> None:
    make_office(session, "NE-U2", {})
    auditor, planner = make_person(session, "malee", "auditor"), make_person(session, "udon", "province_planner")
    stranger = make_person(session, "far", "osm_strategy", office_id="NE-U2")

    for actor, refusal in ((auditor, NotYourRole), (planner, NotFound), (stranger, NotFound)):
        with pytest.raises(refusal):
            comment(session, case.id, actor, NOW, body="x", key=None)
    with pytest.raises(CaseNotFound):
        comment(session, "none", anan, NOW, body="x", key=None)
