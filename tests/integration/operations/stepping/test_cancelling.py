"""Cancelling a case: nothing in it waits any more, and its children are told."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.calendar.fiscal_year import NewDate
from osm_flow.errors import Refused
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.calendar.milestones import move_date
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.cancelling import cancel
from osm_flow.store.models import Case, JournalPayload, JournalRecord, OutboxEntry, ServiceJob, Timer, WaitingMessage
from osm_flow.store.session import Store, lock_case
from tests.factories import NOW, complete_first, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def session(session: Session) -> Session:
    make_office(session)
    deploy_tests(session, "review", "timed", "caller", "callee", "asking", "lettered")
    return session


def test_the_record_says_who_ended_it_and_why(session: Session) -> None:
    boss, case = make_person(session, "boss", "osm_director"), make_case(session)

    cancel(session, case, boss, later(), reason="ซ้ำกับเรื่องก่อน", role="osm_director")

    record = session.get_one(JournalRecord, (case.id, 2))
    payload = json.loads(session.get_one(JournalPayload, (case.id, 2)).body)
    assert (record.kind, record.actor, record.actor_role) == ("case.cancelled", "boss", "osm_director")
    assert payload["data"] == {"reason": "ซ้ำกับเรื่องก่อน"}
    assert (case.state, case.ended_at, case.outcome) == ("CANCELLED", record.at, None)
    assert verify_case(session, case.id) == []


@pytest.mark.parametrize(("key", "table"), [("timed", Timer), ("asking", WaitingMessage), ("lettered", ServiceJob)])
def test_nothing_of_a_cancelled_case_waits_any_more(session: Session, key: str, table: type) -> None:
    move_date(session, "NE-U1", 2571, "plan_submit", SYSTEM, NOW, NewDate(date(2026, 12, 1), "ว 1"))
    ended, other = make_case(session, key, data={"recipient": "x"}), make_case(session, key, data={"recipient": "x"})
    opened = len(items_of(session, ended))

    cancel(session, ended, SYSTEM, later(), reason="เลิก")

    assert session.scalars(select(table.case_id)).all() == [other.id]  # type: ignore[attr-defined]
    assert len(items_of(session, ended, "CANCELLED")) == opened
    assert all(item.closed_at == ended.head_at for item in items_of(session, ended, "CANCELLED"))
    assert items_of(session, ended) == []


def test_what_was_completed_stays_completed(session: Session) -> None:
    anan, case = make_person(session, "anan", "osm_strategy"), make_case(session)
    done = complete_first(session, case, anan, text="ร่าง")

    cancel(session, case, SYSTEM, later(), reason="เลิก")

    assert [item.id for item in items_of(session, case, "COMPLETED")] == [done]
    assert [item.element for item in items_of(session, case, "CANCELLED")] == ["check"]


def test_a_child_that_was_not_begun_yet_is_asked_not_to(session: Session) -> None:
    case = make_case(session, "caller")

    cancel(session, case, SYSTEM, later(), reason="เลิก")

    entries = session.scalars(select(OutboxEntry).order_by(OutboxEntry.id)).all()
    assert [(entry.kind, entry.due_at) for entry in entries] == [("child_start", NOW), ("child_cancel", later())]
    assert json.loads(entries[0].body)["task_id"] == json.loads(entries[1].body)["task_id"]


def test_a_live_child_is_cancelled_after_its_parent(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        parent_id = make_case(session, "caller").id
    deliver_pending(store, NOW, parent_id)
    with store.transaction() as session:
        cancel(session, lock_case(session, parent_id), SYSTEM, later(), reason="เลิก")
    deliver_pending(store, later(), parent_id)

    with store.reading() as session:
        child = session.scalars(select(Case).where(Case.parent_case_id == parent_id)).one()
        record = session.get_one(JournalRecord, (child.id, child.seq))
    assert (child.state, record.kind, record.actor) == ("CANCELLED", "case.cancelled", "system")


def test_a_case_ends_once(session: Session) -> None:
    case = make_case(session)
    cancel(session, case, SYSTEM, NOW, reason="เลิก")

    with pytest.raises(Refused):
        cancel(session, case, SYSTEM, later(), reason="อีกครั้ง")

    assert case.seq == 2
