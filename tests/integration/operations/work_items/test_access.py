"""Getting at a work item: what is not there, what is another's, what is over, and what is read under the lock."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import DutiesAreSeparate, NotYourRole, Verb
from osm_flow.domain.record_kinds import RecordKind
from osm_flow.errors import NotFound
from osm_flow.operations.cases.acts import cancel_case, suspend_case
from osm_flow.operations.stepping.step import CaseSuspended
from osm_flow.operations.work_items import access
from osm_flow.operations.work_items import acts as work_items
from osm_flow.store.models import JournalRecord, WorkItem
from osm_flow.store.session import Store, has_locked
from tests.factories import NOW, complete_first, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    make_office(session, "NE-U2", {})
    deploy_tests(session, "review", "provinces")
    return make_person(session, "anan", "osm_strategy")


def first_item(session: Session, key: str = "review") -> WorkItem:
    return items_of(session, make_case(session, key))[0]


def test_a_work_item_comes_with_all_that_a_page_shows(session: Session, anan: Actor) -> None:
    item = first_item(session)
    work_items.claim(session, item.id, anan, NOW)
    session.expire_all()

    found = access.get_work_item(session, item.id, anan)

    assert (found.element, found.case.business_key) == ("draft", "REV-NE-U1-2571-01")
    assert found.case.definition.key == "review"
    assert [one.role for one in found.candidates] == ["osm_strategy"]
    assert found.assignee is not None
    assert found.assignee.username == "anan"


@pytest.mark.parametrize("get", [access.get_work_item, access.lock_item])
def test_what_is_not_there_and_what_is_foreign_is_not_found(session: Session, anan: Actor, get) -> None:  # type: ignore[no-untyped-def]
    far = make_person(session, "far", "osm_strategy", office_id="NE-U2")
    planner = make_person(session, "udon", "province_planner", province_id="TH-41")
    item = first_item(session)

    with pytest.raises(access.WorkItemNotFound):
        get(session, "none", anan)
    with pytest.raises(NotFound):
        get(session, item.id, far)
    with pytest.raises(NotFound):
        get(session, item.id, planner)


def test_a_locked_item_has_its_case_locked_and_the_verb_allowed(session: Session, anan: Actor) -> None:
    item = first_item(session)

    found, decision = access.locked_item(session, item.id, anan, Verb.complete)

    assert found.id == item.id
    assert has_locked(session, found.case)
    assert (decision.allowed, decision.role) == (True, "osm_strategy")
    with pytest.raises(NotYourRole):
        access.locked_item(session, item.id, anan, Verb.move_due)


def test_under_the_lock_the_item_is_as_the_database_has_it(session: Session, anan: Actor) -> None:
    item = first_item(session)
    session.commit()
    assert access.get_work_item(session, item.id, anan).priority == 50
    session.execute(text("UPDATE work_items SET priority = 90, version = version + 1"))

    found, facts = access.lock_item(session, item.id, anan)

    assert found.priority == 90
    assert facts.candidates == ("osm_strategy",)
    assert access.lock_item(session, item.id, anan)[0] is found


def test_what_is_over_says_what_happened_to_it(session: Session, anan: Actor) -> None:
    case = make_case(session)
    done = complete_first(session, case, anan, text="ร่าง")
    (open_item,) = items_of(session, case)

    with pytest.raises(access.AlreadyCompleted, match="คุณanan already completed this work item"):
        access.locked_item(session, done, anan, Verb.complete)
    cancel_case(session, case.id, make_person(session, "boss", "osm_director"), later(), reason="เลิก")
    with pytest.raises(access.NoLongerNeeded):
        access.locked_item(session, open_item.id, anan, Verb.claim)


def test_what_is_over_is_said_before_who_may_not(session: Session, anan: Actor) -> None:
    case = make_case(session)
    done = complete_first(session, case, anan, text="ร่าง")
    (check,) = items_of(session, case)

    with pytest.raises(DutiesAreSeparate):
        access.locked_item(session, check.id, anan, Verb.complete)
    with pytest.raises(access.AlreadyCompleted):
        access.locked_item(session, done, make_person(session, "clerk", "osm_admin"), Verb.complete)


def test_an_act_on_a_work_item_is_a_record_of_its_element(session: Session, anan: Actor) -> None:
    case = make_case(session)
    (item,) = items_of(session, case)
    item, decision = access.locked_item(session, item.id, anan, Verb.complete)

    access.record_on(session, item, anan, later(), RecordKind.work_item_follow_up_set, {"to": None}, decision)

    record = session.get_one(JournalRecord, (case.id, case.seq))
    assert (record.kind, record.element, record.task_id) == ("work_item.follow_up_set", "draft", item.id)
    assert (record.actor, record.actor_role, record.on_behalf_of) == ("anan", "osm_strategy", None)
    suspend_case(session, case.id, make_person(session, "boss", "osm_director"), later(2), reason="รอ")
    with pytest.raises(CaseSuspended):
        access.record_on(session, item, anan, later(3), RecordKind.work_item_follow_up_set, {"to": None}, decision)


def test_names_of_people_who_are_there(session: Session, anan: Actor) -> None:
    assert access.person_name(session, anan.person_id) == "คุณanan"
    assert access.person_name(session, None) == ""


def test_another_transaction_reads_the_work_item_anew(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        item_id = items_of(session, make_case(session))[0].id
        access.lock_item(session, item_id, anan)
    with sqlite_store.transaction() as session:
        work_items.claim(session, item_id, anan, NOW)

    with sqlite_store.transaction() as session:
        item, facts = access.lock_item(session, item_id, anan)
        assert (item.state, facts.assignee_id) == ("CLAIMED", anan.person_id)
