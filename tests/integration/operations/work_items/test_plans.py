"""Due dates, follow-up dates, urgency and drafts: who sets them, what is on record, what nobody else sees."""

from __future__ import annotations

import json
from time import sleep
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain import journal
from osm_flow.domain.access.actors import Actor
from osm_flow.domain.access.policy import HeldBySomeoneElse, NotYourRole
from osm_flow.domain.journal import NotStorable
from osm_flow.errors import NotFound
from osm_flow.operations.idempotency import KeyReused
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.access import AlreadyCompleted
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import JournalPayload, JournalRecord, WorkItem
from osm_flow.store.quotas import Quotas
from osm_flow.store.session import Store
from tests.factories import NOW, complete_first, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.together import at_once


@pytest.fixture
def boss(session: Session) -> Actor:
    make_office(session)
    deploy_tests(session, "review")
    return make_person(session, "boss", "osm_director")


@pytest.fixture
def anan(session: Session, boss: Actor) -> Actor:
    return make_person(session, "anan", "osm_strategy")


@pytest.fixture
def item(session: Session, boss: Actor) -> WorkItem:
    return items_of(session, make_case(session))[0]


def newest(session: Session, item: WorkItem) -> tuple[str, str, Any]:
    """Kind, actor and data of the newest record of the item's case."""
    place = (item.case_id, item.case.seq)
    record, payload = session.get_one(JournalRecord, place), session.get_one(JournalPayload, place)
    assert (record.element, record.task_id) == (item.element, item.id)
    return record.kind, record.actor, json.loads(payload.body)["data"]


# ---- when it is due --------------------------------------------------------------------------------------------


def test_a_due_date_moves_with_its_reason_on_record(session: Session, item: WorkItem, boss: Actor) -> None:
    plans.move_due(session, item.id, boss, NOW, due_at=later(60), reason=" รอข้อมูล ", key=None)
    plans.move_due(session, item.id, boss, later(), due_at=later(90), reason="อีกครั้ง", key=None)

    assert item.due_at == later(90)
    assert newest(session, item) == (
        "work_item.due_moved",
        "boss",
        {"from": "2026-11-20T03:00:00.000000Z", "to": "2026-11-20T03:30:00.000000Z", "reason": "อีกครั้ง"},
    )
    assert verify_case(session, item.case_id) == []


def test_a_due_date_is_moved_by_heads_with_a_reason(session: Session, item: WorkItem, boss: Actor, anan: Actor) -> None:
    with pytest.raises(ReasonMissing):
        plans.move_due(session, item.id, boss, NOW, due_at=later(60), reason=" ", key=None)
    with pytest.raises(NotYourRole):
        plans.move_due(session, item.id, anan, NOW, due_at=later(60), reason="x", key=None)
    complete_first(session, item.case, anan, text="เสร็จ")
    with pytest.raises(AlreadyCompleted):
        plans.move_due(session, item.id, boss, NOW, due_at=later(60), reason="x", key=None)


def test_a_form_sent_twice_moves_it_once_and_belongs_to_one_item(session: Session, item: WorkItem, boss: Actor) -> None:
    other = items_of(session, make_case(session))[0]
    for minutes in (60, 90):
        plans.move_due(session, item.id, boss, NOW, due_at=later(minutes), reason="x", key="m1")

    assert (item.due_at, item.case.seq) == (later(60), 2)
    with pytest.raises(KeyReused):
        plans.move_due(session, other.id, boss, NOW, due_at=later(60), reason="x", key="m1")


# ---- when it asks for attention, how urgent it is --------------------------------------------------------------


def test_whoever_may_do_it_lets_it_rest(session: Session, item: WorkItem, anan: Actor) -> None:
    plans.set_follow_up(session, item.id, anan, NOW, follow_up_at=later(60))
    assert item.follow_up_at == later(60)
    assert newest(session, item) == ("work_item.follow_up_set", "anan", {"to": "2026-11-20T03:00:00.000000Z"})

    plans.set_follow_up(session, item.id, anan, later(), follow_up_at=None)
    assert item.follow_up_at is None
    assert newest(session, item)[2] == {"to": None}
    with pytest.raises(NotYourRole):
        plans.set_follow_up(session, item.id, make_person(session, "clerk", "osm_admin"), NOW, follow_up_at=None)


@pytest.mark.parametrize(("priority", "accepted"), [(-1, False), (0, True), (100, True), (101, False)])
def test_urgency_lies_between_0_and_100(
    session: Session, item: WorkItem, boss: Actor, priority: int, accepted: bool
) -> None:
    if accepted:
        plans.set_priority(session, item.id, boss, NOW, priority=priority)
        assert newest(session, item) == ("work_item.priority_set", "boss", {"from": 50, "to": priority})
        assert item.priority == priority
        return
    with pytest.raises(plans.PriorityUnknown) as refused:
        plans.set_priority(session, item.id, boss, NOW, priority=priority)
    assert refused.value.fields.keys() == {"priority"}
    assert (item.priority, item.case.seq) == (50, 1)


def test_urgency_is_said_by_heads(session: Session, item: WorkItem, anan: Actor) -> None:
    with pytest.raises(NotYourRole):
        plans.set_priority(session, item.id, anan, NOW, priority=90)


# ---- drafts ----------------------------------------------------------------------------------------------------


def test_a_draft_is_its_writers_own_and_the_newest_counts(session: Session, item: WorkItem, anan: Actor) -> None:
    busaba = make_person(session, "busaba", "osm_strategy")
    plans.save_draft(session, item.id, anan, NOW, {"text": "ครึ่ง"})
    kept = plans.save_draft(session, item.id, anan, later(), {"text": "ครึ่งทาง", "rows": [{"a": ""}]})
    plans.save_draft(session, item.id, busaba, NOW, {"text": "อื่น"})

    assert kept.saved_at == later()
    assert plans.get_draft(session, item.id, anan) == {"text": "ครึ่งทาง", "rows": [{"a": ""}]}
    assert plans.get_draft(session, item.id, busaba) == {"text": "อื่น"}
    assert plans.get_draft(session, "none", anan) is None
    assert item.case.seq == 1


def test_drafts_go_when_the_work_is_done(session: Session, item: WorkItem, anan: Actor) -> None:
    plans.save_draft(session, item.id, anan, NOW, {"text": "ครึ่ง"})

    complete(session, item.id, anan, NOW, Completion.of({"text": "เต็ม"}))

    assert plans.get_draft(session, item.id, anan) is None


def test_a_draft_that_cannot_be_kept_is_refused(session: Session, item: WorkItem, anan: Actor) -> None:
    plans.save_draft(session, item.id, anan, NOW, {"text": "ของเดิม"})

    with pytest.raises(plans.DraftTooLarge):
        plans.save_draft(session, item.id, anan, later(), {"text": "x" * 5_000_001})
    with pytest.raises(NotStorable):
        plans.save_draft(session, item.id, anan, later(), {"text": "a\0b"})
    with pytest.raises(NotFound):
        plans.save_draft(session, item.id, make_person(session, "udon", "province_planner"), NOW, {})
    assert plans.get_draft(session, item.id, anan) == {"text": "ของเดิม"}


def test_only_who_may_complete_it_keeps_a_draft_of_it(session: Session, item: WorkItem, anan: Actor) -> None:
    busaba, reader = make_person(session, "busaba", "osm_strategy"), make_person(session, "reader", "osm_admin")
    plans.save_draft(session, item.id, busaba, NOW, {"text": "เริ่มแล้ว"})
    work_items.claim(session, item.id, anan, NOW)

    with pytest.raises(NotYourRole):
        plans.save_draft(session, item.id, reader, NOW, {"text": "ไม่ใช่งานของฉัน"})
    with pytest.raises(HeldBySomeoneElse):
        plans.save_draft(session, item.id, make_person(session, "chai", "osm_strategy"), NOW, {"text": "มาช้า"})
    plans.save_draft(session, item.id, busaba, later(), {"text": "พิมพ์ต่อ"})

    assert plans.get_draft(session, item.id, reader) is None
    assert plans.get_draft(session, item.id, busaba) == {"text": "พิมพ์ต่อ"}


def test_a_draft_is_as_large_as_it_may_be_and_no_larger(session: Session, item: WorkItem, anan: Actor) -> None:
    body = {"text": "ก" * 30}
    size = len(journal.canonical(body))
    plans.save_draft(session, item.id, anan, NOW, body, Quotas(draft=size))

    with pytest.raises(plans.DraftTooLarge):
        plans.save_draft(session, item.id, anan, NOW, {"text": "ก" * 31}, Quotas(draft=size))
    assert plans.get_draft(session, item.id, anan) == body


def test_a_person_keeps_so_many_drafts_and_goes_on_with_those(session: Session, item: WorkItem, anan: Actor) -> None:
    other, busaba = items_of(session, make_case(session))[0], make_person(session, "busaba", "osm_strategy")
    plans.save_draft(session, item.id, anan, NOW, {"text": "1"}, Quotas(drafts=1))

    with pytest.raises(plans.DraftsTooMany, match="1 drafts"):
        plans.save_draft(session, other.id, anan, NOW, {"text": "2"}, Quotas(drafts=1))
    plans.save_draft(session, item.id, anan, NOW, {"text": "3"}, Quotas(drafts=1))
    plans.save_draft(session, other.id, busaba, NOW, {"text": "4"}, Quotas(drafts=1))
    complete(session, item.id, anan, NOW, Completion.of({"text": "เต็ม"}))
    plans.save_draft(session, other.id, anan, NOW, {"text": "2"}, Quotas(drafts=1))


def test_of_many_drafts_at_once_for_the_last_room_one_is_kept(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        anan = make_person(session, "anan", "osm_strategy")
        items = [items_of(session, make_case(session))[0].id for _ in range(4)]
    answers: list[str] = []

    def keep(item_id: str) -> None:
        try:
            with store.transaction() as session:
                plans.save_draft(session, item_id, anan, NOW, {"text": "x"}, Quotas(drafts=1))
                sleep(0.2)  # long enough for the others to count before this one is kept
        except plans.DraftsTooMany:
            answers.append("too many")
        else:
            answers.append("kept")

    at_once(*[lambda item_id=item_id: keep(item_id) for item_id in items])

    assert sorted(answers) == ["kept", "too many", "too many", "too many"]
