"""What a person needs to know around a work item: who sent it, who could take it, what waits outside."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.cases.acts import suspend_case
from osm_flow.operations.people.hats import people_wearing
from osm_flow.operations.work_items import queries as work_item_queries
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.plans import save_draft
from osm_flow.operations.work_items.queries import Sender
from osm_flow.store.models import Person, Position
from tests.factories import (
    NOW,
    OFFICE,
    complete_first,
    deploy_tests,
    give_role,
    items_of,
    later,
    make_case,
    make_office,
    make_person,
)


@pytest.fixture
def anan(session: Session) -> Actor:
    make_office(session)
    make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
    deploy_tests(session, "review", "provinces")
    return make_person(session, "anan", "osm_strategy")


def test_what_the_engine_waits_for_is_there_while_the_item_is_open(session: Session, anan: Actor) -> None:
    case = make_case(session, data={"topic": "น้ำ"})
    (item,) = items_of(session, case)

    waiting = work_item_queries.waiting_at(session, item)

    assert waiting is not None
    assert (waiting.task_id, waiting.documentation, waiting.data["topic"]) == (item.id, "ทำงานนี้ให้เสร็จ", "น้ำ")
    complete_first(session, case, anan, text="ร่าง")
    assert work_item_queries.waiting_at(session, item) is None


def test_the_sender_is_whoever_did_the_step_that_opened_it(session: Session, anan: Actor) -> None:
    begun_by_anan, begun_by_clock = make_case(session, actor=anan), make_case(session)
    boss = make_person(session, "boss", "osm_director")
    (first,), (second,) = items_of(session, begun_by_anan), items_of(session, begun_by_clock)

    assert work_item_queries.senders(session, [first, second]) == {first.id: Sender("คุณanan")}
    complete_first(session, begun_by_clock, anan, later(), text="ร่าง")
    (check,) = items_of(session, begun_by_clock)
    assert work_item_queries.senders(session, [check]) == {check.id: Sender("คุณanan")}
    complete_first(session, begun_by_clock, boss, later(2), approved=False)
    (again,) = items_of(session, begun_by_clock)
    assert work_item_queries.senders(session, [again]) == {again.id: Sender("คุณboss")}
    assert work_item_queries.senders(session, []) == {}


# ---- who could take it -----------------------------------------------------------------------------------------


def test_the_candidates_could_take_it_each_once_with_their_roles(session: Session, anan: Actor) -> None:
    make_person(session, "busaba", "osm_strategy", "osm_data", "osm_strategy")
    make_person(session, "auditor", "auditor")
    make_person(session, "udon", "province_planner", province_id="TH-41")
    make_person(session, "far", "osm_strategy", office_id="NE-U2")
    make_person(session, "boss", "osm_director")
    (item,) = items_of(session, make_case(session))

    found = {one.username: one.roles for one in work_item_queries.choices_for(session, item, NOW.date())}

    assert found.keys() == {"anan", "busaba"}
    assert sorted(found["busaba"]) == ["osm_data", "osm_strategy"]


def test_the_people_of_a_province_could_take_what_it_was_asked(session: Session, anan: Actor) -> None:
    make_person(session, "udon", "province_planner", province_id="TH-41")
    make_person(session, "nongbua", "province_planner", province_id="TH-39")
    items = {item.province_id: item for item in items_of(session, make_case(session, "provinces"))}

    assert [one.name for one in work_item_queries.choices_for(session, items["TH-41"], NOW.date())] == [
        "คุณudon",
    ]


def test_locked_people_and_posts_of_other_days_are_no_choice(session: Session, anan: Actor) -> None:
    gone, locked = make_person(session, "gone", "osm_strategy"), make_person(session, "locked", "osm_strategy")
    coming = make_person(session, "coming")
    (item,) = items_of(session, make_case(session))
    session.get_one(Person, locked.person_id).locked_at = NOW
    session.scalars(select(Position).where(Position.person_id == gone.person_id)).one().valid_to = date(2026, 11, 19)
    session.add(
        Position(person_id=coming.person_id, office_id=OFFICE, role="osm_strategy", valid_from=date(2026, 11, 21))
    )
    session.flush()

    def names(day: date) -> list[str]:
        return [one.username for one in work_item_queries.choices_for(session, item, day)]

    assert names(date(2026, 11, 19)) == ["anan", "gone"]
    assert names(date(2026, 11, 20)) == ["anan"]
    assert names(date(2026, 11, 21)) == ["anan", "coming"]


# ---- what is asked of others -----------------------------------------------------------------------------------


def test_candidates_who_are_no_staff_are_told_from_the_office() -> None:
    assert work_item_queries.asks_outside(["osm_strategy", "province_planner@TH-41", "user:anan", "kbk_member"]) == [
        "province_planner@TH-41",
        "kbk_member",
    ]


def test_what_was_asked_of_provinces_and_is_open_is_listed_soonest_first(session: Session, anan: Actor) -> None:
    case = make_case(session, "provinces")
    make_case(session, "provinces", office_id="NE-U2")
    make_case(session)
    items = {item.province_id: item for item in items_of(session, case)}
    items["TH-39"].due_at = later(60)
    session.flush()

    assert [item.province_id for item in work_item_queries.unanswered_items(session, anan)] == ["TH-39", "TH-41"]
    assert [item.province_id for item in work_item_queries.unanswered_items(session, anan, limit=1)] == ["TH-39"]
    udon = make_person(session, "udon", "province_planner", province_id="TH-41")
    assert work_item_queries.unanswered_items(session, udon) == []
    complete(session, items["TH-41"].id, udon, NOW, Completion.of({"text": "ตอบ"}))
    assert [item.province_id for item in work_item_queries.unanswered_items(session, anan)] == ["TH-39"]
    suspend_case(session, case.id, SYSTEM, later(), reason="รอ")
    assert work_item_queries.unanswered_items(session, anan) == []


def test_provinces_come_in_thai_order(session: Session, anan: Actor) -> None:
    assert [one.id for one in work_item_queries.provinces_of(session, [OFFICE])] == ["TH-39", "TH-41"]
    assert work_item_queries.provinces_of(session, []) == []


# ---- several at once -------------------------------------------------------------------------------------------


def test_names_forms_and_subjects_of_several_items_by_id(session: Session, anan: Actor) -> None:
    here = items_of(session, make_case(session, "provinces"))
    (there,) = items_of(session, make_case(session, office_id="NE-U2"))
    here[0].subject, here[1].form_key = "TH-39", None
    session.flush()
    ids = [*(item.id for item in here), there.id, "none"]

    assert {key: row.name_th for key, row in work_item_queries.item_names(session, ids, anan).items()} == {
        item.id: "จังหวัดตอบ" for item in here
    }
    assert work_item_queries.subjects_of(session, ids)[here[0].id] == "TH-39"
    assert work_item_queries.form_keys_of(session, ids) == {here[0].id: "note", there.id: "note"}
    assert (work_item_queries.subjects_of(session, []), work_item_queries.item_names(session, [], anan)) == ({}, {})


def test_items_that_say_no_subject_are_left_out(session: Session, anan: Actor) -> None:
    (item,) = items_of(session, make_case(session))

    assert work_item_queries.subjects_of(session, [item.id]) == {}


def test_when_ones_own_draft_was_kept(session: Session, anan: Actor) -> None:
    busaba = make_person(session, "busaba", "osm_strategy")
    (item,) = items_of(session, make_case(session))
    save_draft(session, item.id, anan, later(5), {"text": "ครึ่ง"})
    give_role(session, busaba.person_id or 0, "osm_data")

    assert work_item_queries.draft_saved_at(session, item, anan) == later(5)
    assert work_item_queries.draft_saved_at(session, item, busaba) is None


def test_people_and_provinces_come_in_thai_order_whatever_the_database(session: Session) -> None:
    names = ["เลย", "อุดรธานี", "บึงกาฬ", "หนองคาย", "หนองบัวลำภู", "แพร่", "ขอนแก่น", "ไชยา", "ข่า", "ขา"]
    ordered = ["ขอนแก่น", "ขา", "ข่า", "ไชยา", "บึงกาฬ", "แพร่", "เลย", "หนองคาย", "หนองบัวลำภู", "อุดรธานี"]
    office = make_office(session, provinces={f"TH-{number}": name for number, name in enumerate(names, 60)})
    deploy_tests(session, "review")
    for number, name in enumerate(names):
        actor = make_person(session, f"p{number}", "osm_strategy")
        session.get_one(Person, actor.person_id).display_name = name
    session.flush()
    item = items_of(session, make_case(session))[0]

    assert [province.name_th for province in work_item_queries.provinces_of(session, [office.id])] == ordered
    assert [person.name for person in work_item_queries.choices_for(session, item, NOW.date())] == ordered
    wearing = people_wearing(session, "osm_strategy", office.id, NOW.date())
    assert [person.display_name for person in wearing] == ordered
