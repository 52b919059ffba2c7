"""What pages show of a case: its picture, its history, its documents, the cases that it called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.cases.acts import record_message
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.cases.queries import (
    case_children,
    case_documents,
    case_history,
    case_picture,
    case_standing,
    definition_with_forms,
)
from osm_flow.operations.paging import PageKeyUnreadable
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, JournalPayload, WaitingMessage
from osm_flow.store.session import Store
from tests.factories import (
    ANSWER,
    NOW,
    complete_first,
    deploy_tests,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review", "provinces", "asking")
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def case(session: Session, anan: Actor) -> Case:
    """A case that was drafted, returned and drafted again: it waits to be checked."""
    boss = make_person(session, "boss", "osm_director")
    case = make_case(session, actor=anan)
    complete_first(session, case, anan, later(1), text="แรก")
    complete_first(session, case, boss, later(2), approved=False)
    complete_first(session, case, anan, later(3), text="ที่สอง")
    return case


# ---- where it stands -------------------------------------------------------------------------------------------


def test_the_picture_shows_tokens_and_paths(session: Session, case: Case) -> None:
    picture = case_picture(session, case, later(9))

    assert picture["xml"].startswith(b"<?xml")
    assert picture["tokens"] == [{"element": "check", "count": 1, "overdue": 0}]
    assert (picture["passed"]["draft"], picture["passed"]["check"], picture["passed"]["good"]) == (2, 1, 1)
    assert case_standing(session, case, later(9)) == {name: picture[name] for name in ("tokens", "passed")}


@pytest.mark.parametrize(("minutes", "overdue"), [(5, 0), (5.1, 1)])
def test_a_token_is_overdue_once_its_due_date_has_passed(
    session: Session, case: Case, minutes: float, overdue: int
) -> None:
    items_of(session, case)[0].due_at = later(5)
    session.flush()

    assert case_standing(session, case, later(minutes))["tokens"][0]["overdue"] == overdue
    assert case_standing(session, case)["tokens"][0]["overdue"] == 0


def test_several_tokens_in_one_element_are_counted(session: Session, anan: Actor) -> None:
    case = make_case(session, "provinces")
    items_of(session, case)[0].due_at = NOW
    session.flush()

    assert case_standing(session, case, later())["tokens"] == [{"element": "ask", "count": 2, "overdue": 1}]


def test_a_case_that_ended_has_no_tokens_and_keeps_its_paths(session: Session, case: Case) -> None:
    complete_first(session, case, make_person(session, "chief", "osm_director"), later(4), approved=True)

    standing = case_standing(session, case)

    assert standing["tokens"] == []
    assert standing["passed"]["end"] == 1


# ---- what happened ---------------------------------------------------------------------------------------------


def test_the_history_names_people_and_elements_newest_first(session: Session, case: Case) -> None:
    page = case_history(session, case)

    told = [(one.record.seq, one.record.kind, one.actor_name, one.element_name) for one in page.items]
    assert told == [
        (4, "work_item.completed", "คุณanan", "ร่างแผน"),
        (3, "work_item.completed", "คุณboss", "ตรวจร่าง"),
        (2, "work_item.completed", "คุณanan", "ร่างแผน"),
        (1, "case.started", "คุณanan", None),
    ]
    assert page.items[0].payload is not None
    assert page.items[0].payload["data"] == {"text": "ที่สอง"}
    assert (page.total, page.next) == (4, None)
    assert [one.record.seq for one in case_history(session, case, oldest_first=True).items] == [1, 2, 3, 4]


def test_whoever_is_no_person_is_called_as_recorded(session: Session, anan: Actor) -> None:
    (udon, _) = sorted(
        items_of(session, case := make_case(session, "provinces")), key=lambda item: item.province_id or ""
    )
    planner = make_person(session, "planner", "province_planner", province_id=udon.province_id)
    behalf = "ผู้ว่าราชการจังหวัด (หนังสือราชการ)"
    as_stated = Actor(
        planner.person_id,
        planner.username,
        planner.name,
        tuple(replace(hat, kind="acting", for_username=behalf) for hat in planner.hats),
    )
    complete(session, udon.id, as_stated, later(), Completion.of({"text": "x"}))

    newest, oldest = case_history(session, case).items

    assert (newest.actor_name, newest.on_behalf_of_name) == ("คุณplanner", behalf)
    assert (oldest.actor_name, oldest.on_behalf_of_name) == ("system", None)


def test_pages_of_a_history_follow_each_other_in_either_direction(session: Session, case: Case, anan: Actor) -> None:
    for number in range(5):
        comment(session, case.id, anan, later(10 + number), body=str(number), key=None)

    def seqs(**how: Any) -> list[int]:
        seen, after = [], None
        while True:
            page = case_history(session, case, after=after, limit=4, **how)
            assert page.total == 9
            seen += [one.record.seq for one in page.items]
            if (after := page.next) is None:
                return seen

    assert seqs() == list(range(9, 0, -1))
    assert seqs(oldest_first=True) == list(range(1, 10))
    assert len(case_history(session, case, limit=0).items) == 1
    with pytest.raises(PageKeyUnreadable):
        case_history(session, case, after="nonsense")


def test_an_erased_payload_leaves_its_entry(session: Session, case: Case) -> None:
    session.execute(delete(JournalPayload).where(JournalPayload.seq == 2))

    assert [one.payload is None for one in case_history(session, case).items] == [False, False, True, False]


# ---- documents, children, definition ---------------------------------------------------------------------------


def test_a_document_is_shown_as_it_was_last_completed(session: Session, case: Case) -> None:
    (document,) = case_documents(session, case)

    assert (document.key, document.element, document.form_key, document.actor) == ("plan", "draft", "note", "anan")
    assert (document.values, document.at, document.schema["title"]) == ({"text": "ที่สอง"}, later(3), "บันทึก")


def test_an_answer_from_outside_is_a_document_too(session: Session, anan: Actor) -> None:
    case = make_case(session, "asking")
    assert case_documents(session, case) == []
    task_id = session.query(WaitingMessage).one().task_id

    record_message(session, task_id, anan, later(), data={"text": "ตอบแล้ว"}, key=None, answer=ANSWER)

    (document,) = case_documents(session, case)
    assert (document.key, document.form_key, document.values) == ("answer", "note", {"text": "ตอบแล้ว"})


def test_an_erased_document_is_not_shown(session: Session, case: Case) -> None:
    session.execute(delete(JournalPayload).where(JournalPayload.seq == 4))

    assert [document.values for document in case_documents(session, case)] == [{"text": "แรก"}]


def test_children_are_the_cases_that_it_called(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        parent, other = make_case(session, "caller"), make_case(session, "caller")
    deliver_pending(store, NOW, parent.id, other.id)

    with store.reading() as session:
        (child,) = case_children(session, session.get_one(Case, parent.id))
        assert (child.parent_case_id, child.definition.key) == (parent.id, "callee")
        assert case_children(session, child) == []


def test_the_definition_comes_with_everything_that_was_deployed(session: Session, case: Case) -> None:
    assert case.definition.key == "review"
    session.execute(text("UPDATE process_definitions SET forms = '{}' WHERE key = 'review'"))

    whole = definition_with_forms(session, case)

    assert (whole.key, whole.forms, whole.decisions) == ("review", "{}", "{}")
    assert whole.xml.startswith(b"<?xml")
