"""Parents and children, messages, re-planning: what cases ask of one another, each delivery in its own transaction."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.operations.background import delivery
from osm_flow.operations.cases.acts import cancel_case, record_message, resume_case, suspend_case
from osm_flow.operations.cases.incidents import list_incidents, retry
from osm_flow.operations.cases.queries import case_children, case_parent
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import plans
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import Case, FiscalDate, Incident, JournalRecord, OutboxEntry, Timer, WaitingMessage
from osm_flow.store.session import Store
from tests.factories import ANSWER, NOW, deploy_tests, files, items_of, later, make_case, make_office, make_person

DIAGRAMS = ("caller", "callee", "asking", "telling", "recursive", "timed")


@pytest.fixture
def anan(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, *DIAGRAMS)
        return make_person(session, "anan", "osm_strategy", "osm_director")


def begin(store: Store, key: str, **how) -> str:  # type: ignore[no-untyped-def]
    with store.transaction() as session:
        return make_case(session, key, **how).id


def only_child(session: Session, case_id: str) -> Case:
    case = session.get_one(Case, case_id)
    (child,) = case_children(session, case)
    assert case_parent(session, child) is case
    return child


def complete_first(store: Store, case_id: str, actor: Actor, now: datetime, text: str = "เสร็จ") -> None:
    with store.transaction() as session:
        item = items_of(session, session.get_one(Case, case_id))[0]
        complete(session, item.id, actor, now, Completion.of({"text": text}, f"{item.id}"))


def assert_all_proved(store: Store) -> None:
    with store.reading() as session:
        assert [faults for _, faults in verify_all(session) if faults] == []


def states(store: Store, *case_ids: str) -> list[str]:
    with store.reading() as session:
        return [session.get_one(Case, case_id).state for case_id in case_ids]


def change_letter(store: Store, sender: str, fy: object) -> None:
    """The message of the sender that waits in the outbox says this year; None: none at all."""
    with store.transaction() as session:
        entry = session.scalars(select(OutboxEntry).where(OutboxEntry.case_id == sender)).one()
        body = json.loads(entry.body)
        body["data"] = {**body["data"], "fy": fy} if fy is not None else {"text": "x"}
        entry.body = json.dumps(body)


class TestChildren:
    def test_a_child_begins_ends_and_brings_its_data_back(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")

        delivery.deliver_pending(store, NOW, parent_id)
        with store.reading() as session:
            child = only_child(session, parent_id)
            assert (child.depth, child.root_case_id, child.office_id, child.fiscal_year) == (
                1,
                parent_id,
                "NE-U1",
                2571,
            )
            assert child.business_key == "SUB-NE-U1-2571-01"
        complete_first(store, child.id, anan, NOW, "จากงานย่อย")
        delivery.deliver_pending(store, NOW, child.id)

        with store.reading() as session:
            (after,) = items_of(session, session.get_one(Case, parent_id))
            assert after.element == "after"
            assert work_items.variables_of(session, after)["text"] == "จากงานย่อย"
            assert only_child(session, parent_id).state == "COMPLETED"
        assert_all_proved(store)

    def test_delivering_twice_starts_one_child(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")
        with store.reading() as session:
            entry = session.scalars(select(OutboxEntry)).one()

        delivery.deliver_one(store, entry.id, NOW)
        with store.transaction() as session:
            # As if the sweep had died after its work and before it could say so.
            again = session.get_one(OutboxEntry, entry.id)
            again.done_at, again.due_at = None, NOW
        delivery.deliver_one(store, entry.id, NOW)

        with store.reading() as session:
            assert len(case_children(session, session.get_one(Case, parent_id))) == 1

    def test_a_crash_before_delivery_loses_nothing(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")  # and nobody delivers
        later_store = Store(store.engine.url.render_as_string(hide_password=False))

        assert delivery.deliver_pending(later_store, later(), parent_id) == 1

        with later_store.reading() as session:
            assert only_child(session, parent_id).state == "ACTIVE"
        later_store.close()

    def test_an_interrupted_call_cancels_the_child(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")
        delivery.deliver_pending(store, NOW, parent_id)
        with store.transaction() as session:
            waiting = session.scalars(select(WaitingMessage).where(WaitingMessage.case_id == parent_id)).one()
            record_message(session, waiting.task_id, anan, NOW, data={}, answer=ANSWER, key="stop")

        delivery.deliver_pending(store, NOW, parent_id)

        with store.reading() as session:
            child = only_child(session, parent_id)
            assert (child.state, items_of(session, child)) == ("CANCELLED", [])
            assert session.get_one(Case, parent_id).outcome == "stopped"
        assert_all_proved(store)

    def test_a_cancelled_parent_cancels_its_child(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")
        delivery.deliver_pending(store, NOW, parent_id)
        with store.transaction() as session:
            cancel_case(session, parent_id, anan, NOW, reason="ไม่ทำแล้ว")

        delivery.deliver_pending(store, NOW, parent_id)

        with store.reading() as session:
            assert only_child(session, parent_id).state == "CANCELLED"
        assert_all_proved(store)

    def test_a_child_not_yet_begun_is_not_begun_any_more(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")
        with store.transaction() as session:
            cancel_case(session, parent_id, anan, NOW, reason="ไม่ทำแล้ว")

        delivery.deliver_pending(store, NOW, parent_id)

        with store.reading() as session:
            assert case_children(session, session.get_one(Case, parent_id)) == []
            assert session.scalar(select(func.count()).where(OutboxEntry.done_at.is_(None))) == 0

    def test_calling_oneself_ends_in_an_incident(self, store: Store, anan: Actor) -> None:
        case_id = begin(store, "recursive")

        delivery.deliver_pending(store, NOW, case_id)

        with store.reading() as session:
            assert session.scalar(select(func.max(Case.depth))) == delivery.DEEPEST
            incident = session.scalars(select(Incident)).one()
            assert (incident.kind, incident.element) == ("delivery", "again")

    def test_the_end_waits_while_the_parent_is_suspended(self, store: Store, anan: Actor) -> None:
        parent_id = begin(store, "caller")
        delivery.deliver_pending(store, NOW, parent_id)
        with store.transaction() as session:
            suspend_case(session, parent_id, anan, NOW, reason="รอ")
            child_id = only_child(session, parent_id).id
        complete_first(store, child_id, anan, NOW)

        delivery.deliver_pending(store, NOW, child_id)
        with store.transaction() as session:
            assert session.get_one(Case, parent_id).state == "SUSPENDED"
            assert session.scalars(select(Incident)).all() == []
            resume_case(session, parent_id, anan, later())
        delivery.deliver_pending(store, later(), child_id)

        with store.reading() as session:
            assert [item.element for item in items_of(session, session.get_one(Case, parent_id))] == ["after"]


class TestMessages:
    def test_it_reaches_the_waiting_case_of_its_year_only(self, store: Store, anan: Actor) -> None:
        this_year, next_year = begin(store, "asking"), begin(store, "asking", fiscal_year=2572)
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")

        delivery.deliver_pending(store, NOW, sender)

        with store.reading() as session:
            assert session.get_one(Case, this_year).state == "COMPLETED"
            assert session.get_one(Case, next_year).state == "ACTIVE"
            record = session.scalars(select(JournalRecord).where(JournalRecord.kind == "message.received")).one()
            assert (record.case_id, record.actor) == (this_year, "system")

    def test_it_never_moves_the_case_of_another_year_when_its_own_is_over(self, store: Store, anan: Actor) -> None:
        this_year, next_year = begin(store, "asking"), begin(store, "asking", fiscal_year=2572)
        for _ in range(2):
            sender = begin(store, "telling")
            complete_first(store, sender, anan, NOW, "ตอบแล้ว")
            delivery.deliver_pending(store, NOW, sender)

        assert states(store, this_year, next_year) == ["COMPLETED", "ACTIVE"]
        assert_all_proved(store)

    def test_it_reaches_the_nearest_year_when_the_process_has_none_in_its_own(self, store: Store, anan: Actor) -> None:
        years = {year: begin(store, "asking", fiscal_year=year) for year in (2568, 2572, 2573)}
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")

        delivery.deliver_pending(store, NOW, sender)

        assert states(store, *years.values()) == ["ACTIVE", "COMPLETED", "ACTIVE"]

    def test_it_keeps_to_the_year_that_it_says(self, store: Store, anan: Actor) -> None:
        this_year, next_year = begin(store, "asking"), begin(store, "asking", fiscal_year=2572)
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")
        change_letter(store, sender, fy=2572)

        delivery.deliver_pending(store, NOW, sender)

        assert states(store, this_year, next_year) == ["ACTIVE", "COMPLETED"]

    @pytest.mark.parametrize("said", [None, "2572", True])
    def test_one_that_says_no_year_is_of_its_senders_year(self, store: Store, anan: Actor, said: object) -> None:
        this_year, next_year = begin(store, "asking"), begin(store, "asking", fiscal_year=2572)
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")
        change_letter(store, sender, fy=said)

        delivery.deliver_pending(store, NOW, sender)

        assert states(store, this_year, next_year) == ["COMPLETED", "ACTIVE"]

    def test_the_family_of_the_sender_comes_first(self, store: Store, anan: Actor) -> None:
        stranger, relative = begin(store, "asking"), begin(store, "asking")
        sender = begin(store, "telling")
        with store.transaction() as session:
            # as if both had been called by the same case
            session.get_one(Case, relative).root_case_id = sender
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")

        delivery.deliver_pending(store, NOW, sender)

        assert states(store, stranger, relative) == ["ACTIVE", "COMPLETED"]

    def test_it_stays_in_the_office(self, store: Store, anan: Actor) -> None:
        with store.transaction() as session:
            make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        elsewhere = begin(store, "asking", office_id="NE-U2")
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW, "ตอบแล้ว")

        delivery.deliver_pending(store, NOW, sender)

        assert states(store, elsewhere) == ["ACTIVE"]

    def test_it_begins_a_case_of_the_process_that_starts_with_it(self, store: Store, anan: Actor) -> None:
        with store.transaction() as session:
            deploy_tests(session, "listening")
        sender = begin(store, "telling")
        complete_first(store, sender, anan, NOW)

        delivery.deliver_pending(store, NOW, sender)
        delivery.deliver_pending(store, NOW, sender)

        with store.reading() as session:
            begun = session.scalars(select(Case).where(Case.business_key.startswith("LIS-"))).all()
            assert [case.fiscal_year for case in begun] == [2571]

    def test_staff_record_an_answer_once(self, store: Store, anan: Actor) -> None:
        case_id = begin(store, "asking")
        with store.transaction() as session:
            task_id = session.scalars(select(WaitingMessage.task_id)).one()
            record_message(session, task_id, anan, NOW, data={"text": "เห็นด้วย"}, answer=ANSWER, key="r1")
        with store.transaction() as session:
            again = record_message(session, task_id, anan, NOW, data={"text": "เห็นด้วย"}, answer=ANSWER, key="r1")

        assert (again.id, again.state, again.seq) == (case_id, "COMPLETED", 2)

    def test_a_bad_answer_names_the_field(self, store: Store, anan: Actor) -> None:
        from osm_flow.operations.cases.acts import AnswerInvalid

        begin(store, "asking")
        with store.transaction() as session:
            task_id = session.scalars(select(WaitingMessage.task_id)).one()
            with pytest.raises(AnswerInvalid) as caught:
                record_message(session, task_id, anan, NOW, data={"text": ["x"]}, answer=ANSWER, key="r1")

        assert "text" in caught.value.fields


class TestReplanning:
    def test_dates_follow_the_calendar_but_not_the_hand(self, store: Store, anan: Actor) -> None:
        from osm_flow.operations.calendar.milestones import move_date

        first, by_hand = begin(store, "timed"), begin(store, "timed")
        with store.transaction() as session:
            assert session.scalars(select(Timer)).all() == []
            item = items_of(session, session.get_one(Case, by_hand))[0]
            plans.move_due(session, item.id, anan, NOW, due_at=later(5), reason="ตกลงกันแล้ว", key=None)
            move_date(session, "NE-U1", 2571, "plan_submit", anan, NOW, NewDate(date(2026, 12, 1), "มท 0211/ว 1"))

        delivery.deliver_pending(store, NOW, first, by_hand)

        with store.reading() as session:
            assert session.get_one(FiscalDate, ("NE-U1", 2571, "plan_submit")).date == date(2026, 12, 1)
            due = [items_of(session, session.get_one(Case, one))[0].due_at for one in (first, by_hand)]
            assert due == [datetime.fromisoformat("2026-12-01T16:30:00+07:00"), later(5)]
            assert {timer.due_at for timer in session.scalars(select(Timer))} == {
                datetime.fromisoformat("2026-12-02T16:30:00+07:00")
            }
        assert_all_proved(store)


class TestFailures:
    def test_a_missing_process_becomes_an_incident_that_can_be_retried(self, store: Store, anan: Actor) -> None:
        from osm_flow.domain.access.actors import SYSTEM
        from osm_flow.operations.definitions.deployments import deploy

        with store.transaction() as session:
            session.execute(select(1))
        parent_id = begin(store, "caller")
        with store.transaction() as session:
            entry = session.scalars(select(OutboxEntry)).one()
            entry.body = entry.body.replace('"called": "callee"', '"called": "elsewhere"')

        delivery.deliver_pending(store, NOW, parent_id)

        with store.transaction() as session:
            (incident,) = list_incidents(session, SYSTEM).items
            assert (incident.kind, incident.case_id) == ("delivery", parent_id)
            content = files("callee")
            renamed = content.pop("callee.bpmn").replace(b'id="callee"', b'id="elsewhere"')
            deploy(session, content | {"elsewhere.bpmn": renamed}, SYSTEM, NOW)
            retry(session, incident.id, SYSTEM, NOW)
        delivery.deliver_pending(store, NOW, parent_id)

        with store.reading() as session:
            assert only_child(session, parent_id).state == "ACTIVE"
            assert list_incidents(session, SYSTEM).items == []
