"""What waits for a sweep: done once, because its key, its task or its rung is there once; found by when it is due."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.operations.people import notices
from osm_flow.store.models import (
    Case,
    Notification,
    OutboxEntry,
    Reminder,
    ServiceJob,
    Timer,
    WaitingMessage,
)
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, items_of, later, make_case, make_office, make_person
from tests.integration.cli.shell import Shell
from tests.integration.store.tables import keep, plans_of, refused


@pytest.fixture
def case(session: Session) -> Case:
    make_office(session)
    deploy_tests(session, "review")
    return make_case(session)


def test_what_is_handed_out_has_a_key_that_is_used_once(session: Session, case: Case) -> None:
    entry = {"kind": "mail", "case_id": case.id, "body": "{}", "due_at": NOW}
    keep(session, OutboxEntry(key="mail:1", **entry))

    assert refused(session, OutboxEntry(key="mail:1", **entry))
    assert refused(session, OutboxEntry(key="mail:2", **{**entry, "case_id": "no such case"}))
    keep(session, OutboxEntry(key="mail:2", **{**entry, "case_id": None}))


def test_a_task_waits_for_one_thing_of_a_kind(session: Session, case: Case) -> None:
    of = {"task_id": "t1", "case_id": case.id, "element": "e"}
    waits: dict[type[Any], dict[str, Any]] = {
        Timer: {**of, "due_at": NOW},
        ServiceJob: {**of, "topic": "work", "due_at": NOW},
        WaitingMessage: {**of, "message": "m", "office_id": OFFICE, "fiscal_year": 2571, "since": NOW},
    }
    for model, values in waits.items():
        keep(session, model(**values))
        assert refused(session, model(**values)), model
        assert refused(session, model(**{**values, "task_id": "t2", "case_id": "no such case"})), model


def test_a_new_row_is_nobodys_and_was_never_tried(session: Session, case: Case) -> None:
    keep(session, Timer(task_id="t1", case_id=case.id, element="e", due_at=NOW))

    timer = session.get_one(Timer, "t1")
    assert (timer.attempts, timer.lease_owner, timer.lease_until, timer.name_th) == (0, None, None, "")


def test_a_rung_is_climbed_once_for_each_due_date(session: Session, case: Case) -> None:
    climbed = {"work_item_id": items_of(session, case)[0].id, "rung": "overdue", "due_at": NOW, "at": NOW}
    keep(session, Reminder(**climbed))

    assert refused(session, Reminder(**{**climbed, "at": later()}))
    assert refused(session, Reminder(**{**climbed, "work_item_id": "no such item", "rung": "first"}))
    keep(session, Reminder(**{**climbed, "rung": "second"}))
    keep(session, Reminder(**{**climbed, "due_at": later(60)}))  # the date was moved: it is climbed anew


def test_a_notice_is_for_somebody_and_unread(session: Session) -> None:
    said = {"kind": "reminder", "text_th": "ถึงกำหนด", "text_en": "Due", "at": NOW}
    assert refused(session, Notification(person_id=999_999, **said))
    keep(session, Notification(person_id=make_person(session, "anan", office_id=None).person_id, **said))

    notice = session.scalars(select(Notification)).one()
    assert (notice.read_at, notice.url) == (None, "")


def test_notices_are_read_by_an_index(session: Session) -> None:
    anan: Actor = make_person(session, "anan", office_id=None)

    for reading in (notices.unread_count, notices.notices_for):
        assert "ix_notifications_person_id_read_at_id" in plans_of(
            session, lambda reading=reading: reading(session, anan)
        )


def test_answers_are_awaited_by_office_and_message(session: Session) -> None:
    wanted = select(WaitingMessage).where(WaitingMessage.office_id == OFFICE, WaitingMessage.message == "m")
    plans = plans_of(session, lambda: session.scalars(wanted).all())

    assert "ix_waiting_messages_office_id_message_fiscal_year" in plans


def test_sweeps_find_what_is_due_by_an_index(store: Store, tmp_path: Path) -> None:
    """However much waits, a sweep that has nothing to do reads next to nothing."""
    shell = Shell(store, tmp_path)
    with Session(store.engine) as session:
        plans = plans_of(session, lambda: shell.json("scheduler", "--once"))

    for table in ("timers", "service_jobs", "outbox"):
        about = [plan for plan in plans.splitlines() if f" {table} " in f"{plan} "]
        assert about, table
        assert all(f"ix_{table}_" in plan for plan in about), about
