"""Escalations of child cases: from the case that throws them up to the call that catches them, each step its own delivery."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.background import delivery
from osm_flow.operations.cases.acts import resume_case, suspend_case
from osm_flow.operations.cases.queries import case_children
from osm_flow.operations.replay.verify import verify_all, verify_all_deep
from osm_flow.operations.work_items import acts as work_items
from osm_flow.operations.work_items import completing
from osm_flow.operations.work_items.completing import Completion
from osm_flow.store.models import Case, Incident, JournalRecord, Notification, OutboxEntry
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.together import at_once


@pytest.fixture
def anan(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "alarming", "relaying", "watching", "halting")
        return make_person(session, "anan", "osm_strategy", "osm_director")


def begin(store: Store, key: str) -> list[str]:
    """A case and the cases below it, outermost first."""
    with store.transaction() as session:
        ids = [make_case(session, key).id]
    delivery.deliver_pending(store, NOW, ids[0])
    with store.reading() as session:
        while below := case_children(session, session.get_one(Case, ids[-1])):
            ids.append(below[0].id)
    return ids


def complete(store: Store, case_id: str, actor: Actor, now: datetime = NOW) -> None:
    with store.transaction() as session:
        (item,) = items_of(session, session.get_one(Case, case_id))
        completing.complete(session, item.id, actor, now, Completion.of({"text": item.element}, item.id))


def open_in(session: Session, case_id: str) -> list[str]:
    return [item.element for item in items_of(session, session.get_one(Case, case_id))]


def state_of(session: Session, case_id: str) -> tuple[str, str | None]:
    case = session.get_one(Case, case_id)
    return case.state, case.outcome


def waiting_entries(session: Session, kind: str) -> list[int]:
    query = select(OutboxEntry.id).where(OutboxEntry.kind == kind, OutboxEntry.done_at.is_(None))
    return list(session.scalars(query.order_by(OutboxEntry.id)))


def escalations(session: Session, case_id: str) -> int:
    """How often the case was told of an escalation of its child."""
    query = select(JournalRecord).where(JournalRecord.case_id == case_id, JournalRecord.kind == "child.escalated")
    return len(session.scalars(query).all())


def assert_all_proved(store: Store) -> None:
    with store.reading() as session:
        assert [faults for _, faults in verify_all(session) if faults] == []
        assert all((deep.faults, deep.is_complete) == ([], True) for _, deep in verify_all_deep(session))


def test_a_caught_escalation_goes_beside_the_call_two_cases_up(store: Store, anan: Actor) -> None:
    top, middle, bottom = begin(store, "watching")
    complete(store, bottom, anan)

    delivery.deliver_pending(store, NOW, bottom)

    with store.reading() as session:
        assert open_in(session, top) == ["help"]
        assert open_in(session, bottom) == ["act"]
        assert (escalations(session, top), escalations(session, middle)) == (1, 1)
        (help_,) = items_of(session, session.get_one(Case, top))
        assert work_items.variables_of(session, help_)["text"] == "look"
        assert session.scalars(select(Notification)).all() == []
        told = session.scalars(select(JournalRecord).where(JournalRecord.case_id == top)).all()[-1]
        assert (told.kind, told.element, told.actor) == ("child.escalated", "call", "system")
    assert_all_proved(store)


def test_an_escalation_that_nobody_catches_is_told_to_people_once(store: Store, anan: Actor) -> None:
    _, bottom = begin(store, "relaying")
    complete(store, bottom, anan)

    delivery.deliver_pending(store, NOW, bottom)

    with store.reading() as session:
        (notice,) = session.scalars(select(Notification)).all()
        assert (notice.person_id, notice.kind, notice.url) == (anan.person_id, "escalation", f"/cases/{bottom}")
        assert notice.text_th.startswith("งานล่าช้า: ")
    assert_all_proved(store)


def test_an_interrupting_one_cancels_the_child(store: Store, anan: Actor) -> None:
    top, child = begin(store, "halting")
    complete(store, child, anan)

    delivery.deliver_pending(store, NOW, child)

    with store.reading() as session:
        assert open_in(session, top) == ["redo"]
        assert (state_of(session, child), open_in(session, child)) == (("CANCELLED", None), [])
    complete(store, top, anan)
    with store.reading() as session:
        assert state_of(session, top) == ("COMPLETED", "redone")
        assert session.scalars(select(Incident)).all() == []
    assert_all_proved(store)


def test_one_that_ends_the_child_cancels_what_lies_between(store: Store, anan: Actor) -> None:
    """The end of the lowest case and its escalation come at once; the escalation counts."""
    top, middle, bottom = begin(store, "watching")
    for _ in range(2):
        complete(store, bottom, anan)
        delivery.deliver_pending(store, NOW, bottom)

    with store.reading() as session:
        assert state_of(session, bottom) == ("COMPLETED", "stop")
        assert state_of(session, middle) == ("COMPLETED", "end")
        assert open_in(session, top) == ["help"]  # the token beside the call lives on
        passed = [record.kind for record in session.scalars(select(JournalRecord).where(JournalRecord.case_id == top))]
        assert passed.count("child.escalated") == 2
        assert "child.ended" not in passed
    complete(store, top, anan)
    assert_all_proved(store)


def test_an_end_that_is_delivered_first_brings_the_escalation_along(store: Store, anan: Actor) -> None:
    """Two sweeps share out the entries: the one with the child's end must not overtake the other."""
    top, middle, bottom = begin(store, "watching")
    complete(store, bottom, anan)  # escalates; nothing delivered
    complete(store, bottom, anan)  # escalates and ends
    with store.reading() as session:
        (end,) = waiting_entries(session, "child_end")
        assert len(waiting_entries(session, "child_escalation")) == 2

    delivery.deliver_one(store, end, NOW)

    with store.reading() as session:
        assert escalations(session, middle) == 2
        assert state_of(session, middle) == ("COMPLETED", "end")
    delivery.deliver_pending(store, NOW, bottom, middle)
    with store.reading() as session:
        assert escalations(session, top) == 2
        assert open_in(session, top) == ["help"]
    assert_all_proved(store)


def test_delivering_twice_or_dying_half_way_counts_once(store: Store, anan: Actor) -> None:
    top, middle, bottom = begin(store, "watching")
    complete(store, bottom, anan)  # and the process died before it could deliver
    with store.reading() as session:
        (entry,) = waiting_entries(session, "child_escalation")

    restarted = Store(store.engine.url.render_as_string(hide_password=False))
    delivery.deliver_one(restarted, entry, NOW)
    delivery.deliver_one(restarted, entry, NOW)
    restarted.close()
    delivery.deliver_pending(store, NOW, middle)
    delivery.deliver_pending(store, NOW, bottom, middle, top)

    with store.reading() as session:
        assert (escalations(session, middle), escalations(session, top)) == (1, 1)
        assert open_in(session, top) == ["help"]
    assert_all_proved(store)


def test_two_at_once_deliver_it_once_and_in_order(store: Store, anan: Actor) -> None:
    top, middle, bottom = begin(store, "watching")
    complete(store, bottom, anan)
    complete(store, bottom, anan)
    with store.reading() as session:
        entries = [*waiting_entries(session, "child_end"), *waiting_entries(session, "child_escalation")]

    at_once(*(partial(delivery.deliver_one, store, entry, NOW) for entry in entries))
    delivery.deliver_pending(store, NOW, bottom, middle)  # what gave way

    with store.reading() as session:
        assert (escalations(session, middle), escalations(session, top)) == (2, 2)
        assert state_of(session, middle) == ("COMPLETED", "end")
        assert session.scalars(select(Incident)).all() == []
    assert_all_proved(store)


def test_it_waits_while_the_parent_is_suspended(store: Store, anan: Actor) -> None:
    top, child = begin(store, "halting")
    with store.transaction() as session:
        suspend_case(session, top, anan, NOW, reason="รอ")
    complete(store, child, anan)

    delivery.deliver_pending(store, NOW, child)
    with store.transaction() as session:
        assert (escalations(session, top), session.scalars(select(Incident)).all()) == (0, [])
        resume_case(session, top, anan, later())
    delivery.deliver_pending(store, later(), child)

    with store.reading() as session:
        assert open_in(session, top) == ["redo"]
        assert state_of(session, child)[0] == "CANCELLED"
    assert_all_proved(store)
