"""Rows that would look alike say what they are about: in the database, in searches, notices, the past and after erasure."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.operations.background import delivery, reminder_texts
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.privacy import erasing
from osm_flow.operations.replay import moments
from osm_flow.operations.replay.verify import verify_deep
from osm_flow.operations.stepping.subject_words import subject_words
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.operations.work_items.inbox import InboxFilter, inbox_for
from osm_flow.store.models import Case, WorkItem
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, files, items_of, later, make_case, make_office, make_person
from tests.traces import remains

ROAD = {"code": "P-1", "name": "ถนนสาย ก"}
BRIDGE = {"code": "P-2", "name": "สะพานข้ามห้วย"}
OWNER = "นางสาวบุญมี ศรีสุข"


def reports(session: Session, *projects: dict[str, str]) -> Case:
    make_office(session)
    deploy_tests(session, "reports")
    return make_case(session, "reports", data={"projects": list(projects)})


def family(session: Session, marked: str) -> Case:
    """A parent with one child for each project, begun; `marked` goes into the definition of the child."""
    make_office(session)
    found = files("caller", "callee")
    loop = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="${projects}" camunda:elementVariable="project"/>'
    call = b'<bpmn:callActivity id="call" name="\xe0\xb8\x87\xe0\xb8\xb2\xe0\xb8\x99\xe0\xb8\xa2\xe0\xb9\x88\xe0\xb8\xad\xe0\xb8\xa2" calledElement="callee"/>'
    assert call in found["caller.bpmn"]
    found["caller.bpmn"] = found["caller.bpmn"].replace(call, call[:-2] + f">{loop}</bpmn:callActivity>".encode())
    key = b'<camunda:property name="business_key" value="SUB"/>'
    found["callee.bpmn"] = found["callee.bpmn"].replace(key, key + marked.encode())
    deploy(session, found, SYSTEM, NOW)
    return make_case(session, "caller", data={"projects": [ROAD, BRIDGE]})


def subjects(session: Session) -> list[str]:
    return sorted(session.scalars(select(WorkItem.subject).where(WorkItem.state.in_(("READY", "CLAIMED")))))


def test_work_items_keep_what_they_are_about(session: Session) -> None:
    reports(session, ROAD, BRIDGE)
    assert subjects(session) == ["ถนนสาย ก", "สะพานข้ามห้วย"]


def test_provinces_are_kept_by_code_and_named_for_the_reader(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "provinces")
    make_case(session, "provinces")

    assert subjects(session) == ["TH-39", "TH-41"]
    assert subject_words("TH-41 · 1/2", "th") == "อุดรธานี · 1/2"
    assert subject_words("TH-41 · 1/2", "en") == "Udon Thani · 1/2"


def test_a_search_finds_subjects_in_both_languages(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "provinces", "reports")
    make_case(session, "provinces")
    make_case(session, "reports", data={"projects": [ROAD, BRIDGE]})
    boss = make_person(session, "boss", "osm_director")

    def found(text: str) -> list[str]:
        return [item.subject for item in inbox_for(session, boss, NOW, InboxFilter("team", text=text)).items]

    assert found("อุดรธานี") == ["TH-41"]
    assert found("udon") == ["TH-41"]
    assert found("สะพาน") == ["สะพานข้ามห้วย"]


def test_children_begun_for_each_project_hand_it_on_to_their_items(store: Store) -> None:
    with store.transaction() as session:
        parent = family(session, "").id
    delivery.deliver_pending(store, NOW, parent)

    with store.reading() as session:
        assert subjects(session) == ["ถนนสาย ก", "สะพานข้ามห้วย"]
        children = select(Case.subject).where(Case.parent_case_id == parent)
        assert sorted(session.scalars(children)) == ["ถนนสาย ก", "สะพานข้ามห้วย"]


def test_what_the_process_itself_says_goes_before_what_the_parent_says(store: Store) -> None:
    with store.transaction() as session:
        parent = family(session, '<camunda:property name="subject" value="${project[\'code\']}"/>').id
    delivery.deliver_pending(store, NOW, parent)

    with store.reading() as session:
        assert subjects(session) == ["P-1", "P-2"]


def test_reminders_say_it_in_the_language_of_the_reader(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "provinces")
    (item,) = [one for one in items_of(session, make_case(session, "provinces")) if one.subject == "TH-41"]

    text = reminder_texts.of_follow_up(item)

    assert "จังหวัดตอบ - อุดรธานี - แผนพัฒนากลุ่มจังหวัด" in text.th
    assert "- Udon Thani -" in text.en
    assert "Udon Thani" in text.in_a_letter("A", "en")[0]


def test_the_past_knows_what_was_open_about_what(session: Session) -> None:
    case = reports(session, ROAD, BRIDGE)

    assert sorted(one.subject for one in moments.moment(session, case.id, 1).open_items) == ["ถนนสาย ก", "สะพานข้ามห้วย"]
    assert verify_deep(session, case.id).faults == []


def test_an_erasure_takes_the_subjects_along(session: Session) -> None:
    ended, running = _ended_and_running(session, make_person_for(session))
    inherited = make_case(session, "reports", data={"projects": [ROAD]})
    inherited.subject = f"ข้อเสนอของ {OWNER}"
    session.flush()

    for case in (ended, running):
        erasing.erase_in(session, case, SYSTEM, later(9), erasing.Erasure([1], "คำขอ 1/2570", OWNER))

    session.expire_all()
    assert remains(session, OWNER, besides=("case_states",)) == {}
    of_running = select(WorkItem.subject).where(WorkItem.case_id == running.id)
    assert sorted(session.scalars(of_running)) == ["", "ถนนสาย ก"], "only the one that names the person is blank"
    assert set(session.scalars(select(WorkItem.subject).where(WorkItem.case_id == ended.id))) == {""}
    assert session.scalar(select(Case.subject).where(Case.id == inherited.id)) == ""


def make_person_for(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "reports")
    return make_person(session, "boss", "osm_director", "osm_me")


def _ended_and_running(session: Session, boss: Actor) -> tuple[Case, Case]:
    named = {"code": "P-9", "name": f"บ้านของ {OWNER}"}
    ended = make_case(session, "reports", data={"projects": [named]})
    (fill,) = items_of(session, ended)
    complete(session, fill.id, boss, later(1), Completion.of({"project_name": "บ้าน", "spent": 1}))
    (certify,) = items_of(session, ended)
    complete(session, certify.id, boss, later(2), Completion.of({"approved": True, "reason": "ดี"}))
    return ended, make_case(session, "reports", data={"projects": [named, ROAD]})
