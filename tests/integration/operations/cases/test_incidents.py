"""Failures that stop a part of a case: opened once, tried again or closed by an administrator."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.errors import Refused
from osm_flow.operations.cases import incidents
from osm_flow.operations.cases.incidents import IncidentClosed, IncidentNotFound, NothingToRetry
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.operations.replay.verify import verify_case
from osm_flow.operations.stepping.step import CaseFailed
from osm_flow.operations.work_items.completing import Completion, complete
from osm_flow.store.models import (
    Case,
    Incident,
    JournalPayload,
    JournalRecord,
    OutboxEntry,
    ServiceJob,
    Timer,
    WorkItem,
)
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


def test_an_engine_fault_keeps_nothing_and_opens_one_incident(store: Store) -> None:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "broken")
        anan = make_person(session, "anan", "osm_strategy")
        case_id = make_case(session, "broken").id
        item_id = session.scalars(select(WorkItem.id)).one()

    for number in range(2):
        failure = _fail(store, item_id, anan, later(number))
        incidents.report(store, failure, later(number))

    with store.reading() as session:
        incident = session.scalars(select(Incident)).one()
        assert (incident.case_id, incident.kind, incident.element) == (case_id, "engine", "which")
        assert session.get_one(WorkItem, item_id).state == "READY"
        kinds = session.scalars(select(JournalRecord.kind).order_by(JournalRecord.seq)).all()
        assert kinds == ["case.started", "incident.opened"]
        assert verify_case(session, case_id) == []


def test_an_error_that_nothing_handles_is_an_incident(session: Session) -> None:
    make_office(session)
    deploy_tests(session, "failing")
    anan = make_person(session, "anan", "osm_strategy")
    case = make_case(session, "failing")

    complete(session, items_of(session, case)[0].id, anan, NOW, Completion.of({"text": "x"}, "k1"))

    assert (case.state, case.outcome) == ("COMPLETED", "failed")
    (incident,) = incidents.list_incidents(session, SYSTEM).items
    assert (incident.kind, incident.element) == ("uncaught_error", "failed")


def _fail(store: Store, item_id: str, actor: Actor, now: datetime) -> CaseFailed:
    def act() -> None:
        with store.transaction() as session:
            complete(session, item_id, actor, now, Completion.of({"text": "x"}, "k1"))

    with pytest.raises(CaseFailed) as caught:
        act()
    return caught.value


# ---- opening ---------------------------------------------------------------------------------------------------


@pytest.fixture
def root(session: Session) -> Actor:
    """An administrator of an office with a case of two records to come."""
    make_office(session)
    deploy_tests(session, "review", "lettered", "repeating")
    return make_person(session, "root", "admin")


def records_of(session: Session, case: Case) -> list[tuple[str, str, dict[str, Any]]]:
    """Kind, actor and data of each record after the first."""
    query = (
        select(JournalRecord.kind, JournalRecord.actor, JournalPayload.body)
        .join(
            JournalPayload,
            (JournalPayload.case_id == JournalRecord.case_id) & (JournalPayload.seq == JournalRecord.seq),
        )
        .where(JournalRecord.case_id == case.id, JournalRecord.seq > 1)
    )
    return [
        (kind, actor, json.loads(body)["data"])
        for kind, actor, body in session.execute(query.order_by(JournalRecord.seq))
    ]


def test_the_same_failure_again_is_the_incident_that_is_open(session: Session, root: Actor) -> None:
    case = make_case(session)

    first = incidents.open_in(session, case.id, NOW, kind="engine", message="แรก", element="draft")
    same = incidents.open_in(session, case.id, later(), kind="engine", message="ล่าสุด", element="draft")
    others = [
        incidents.open_in(session, case.id, later(), kind="engine", message="x", element="check"),
        incidents.open_in(session, case.id, later(), kind="service", message="x", element="draft"),
        incidents.open_in(session, case.id, later(), kind="engine", message="x", element="draft", task_id="t1"),
        incidents.open_in(session, case.id, later(), kind="engine", message="x"),
    ]

    assert same is first
    assert (first.message, first.opened_at) == ("ล่าสุด", NOW)
    assert len({one.id for one in (first, *others)}) == 5
    assert incidents.count_open(session, SYSTEM) == 5
    assert records_of(session, case)[0] == (
        "incident.opened",
        "system",
        {"incident": first.id, "kind": "engine", "message": "แรก"},
    )
    assert len(records_of(session, case)) == 5
    incidents.resolve(session, first.id, root, later(2), note="แก้แล้ว")
    assert incidents.open_in(session, case.id, later(3), kind="engine", message="x", element="draft") is not first


def test_any_message_can_be_kept(session: Session, root: Actor) -> None:
    case = make_case(session)

    incident = incidents.open_in(session, case.id, NOW, kind="engine", message="\0ก" * 5_000 + "\ud800")

    assert incident.message == "ก" * 4_000
    assert verify_case(session, case.id) == []


def test_a_case_whose_state_is_lost_has_its_incident_without_a_record(session: Session, root: Actor) -> None:
    case = make_case(session)
    session.flush()
    session.execute(text("UPDATE case_states SET seq = 99"))
    session.expire_all()

    incidents.open_in(session, case.id, NOW, kind="engine", message="x")

    assert incidents.count_open(session, SYSTEM) == 1
    assert records_of(session, case) == []


# ---- trying again, closing -------------------------------------------------------------------------------------


def test_what_a_service_stopped_is_tried_again_at_once(session: Session, root: Actor) -> None:
    case = make_case(session, "lettered", data={"recipient": ""})
    job = session.scalars(select(ServiceJob)).one()
    job.attempts, job.due_at, job.lease_owner, job.lease_until = 5, None, "dead", later(60)
    incident = incidents.open_in(
        session, case.id, NOW, kind="service", message="x", element="letter", task_id=job.task_id
    )

    closed = incidents.retry(session, incident.id, root, later(3))

    assert (job.attempts, job.due_at, job.lease_owner, job.lease_until) == (0, later(3), None, None)
    assert (closed.resolved_at, closed.resolved_by) == (later(3), "root")
    assert records_of(session, case)[-1] == ("incident.retried", "root", {"incident": incident.id, "note": ""})
    with pytest.raises(IncidentClosed):
        incidents.retry(session, incident.id, root, later(4))


def test_a_timer_that_failed_keeps_its_time(session: Session, root: Actor) -> None:
    case = make_case(session, "repeating")
    timer = session.scalars(select(Timer)).one()
    due_at, timer.attempts = timer.due_at, 5
    incident = incidents.open_in(session, case.id, NOW, kind="timer", message="x", task_id=timer.task_id)

    incidents.retry(session, incident.id, root, later())

    assert (timer.attempts, timer.due_at) == (0, due_at)


def test_what_waits_in_the_outbox_is_tried_again_unless_it_is_done(session: Session, root: Actor) -> None:
    case = make_case(session)
    entry = OutboxEntry(key="k", kind="message", case_id=case.id, body="{}", attempts=5, due_at=None)
    session.add(entry)
    session.flush()
    first = incidents.open_in(session, case.id, NOW, kind="outbox", message="x", task_id=f"outbox:{entry.id}")

    incidents.retry(session, first.id, root, later())

    assert (entry.attempts, entry.due_at) == (0, later())
    entry.done_at = later(2)
    second = incidents.open_in(session, case.id, later(3), kind="outbox", message="x", task_id=f"outbox:{entry.id}")
    with pytest.raises(NothingToRetry):
        incidents.retry(session, second.id, root, later(4))
    assert second.resolved_at is None


def test_what_nothing_waits_for_is_closed_with_a_word(session: Session, root: Actor) -> None:
    case = make_case(session)
    incident = incidents.open_in(session, case.id, NOW, kind="engine", message="x")

    with pytest.raises(NothingToRetry):
        incidents.retry(session, incident.id, root, later())
    with pytest.raises(ReasonMissing):
        incidents.resolve(session, incident.id, root, later(), note="  ")
    assert incidents.resolve(session, incident.id, root, later(), note=" แก้แผนภาพแล้ว ").note == "แก้แผนภาพแล้ว"

    assert records_of(session, case)[-1] == (
        "incident.resolved",
        "root",
        {"incident": incident.id, "note": "แก้แผนภาพแล้ว"},
    )
    with pytest.raises(IncidentClosed):
        incidents.resolve(session, incident.id, root, later(2), note="อีกครั้ง")
    assert verify_case(session, case.id) == []


def test_only_administrators_of_the_office_see_and_close_its_incidents(session: Session, root: Actor) -> None:
    make_office(session, "NE-U2", {})
    far = make_person(session, "far", "admin", office_id="NE-U2")
    boss = make_person(session, "boss", "osm_director")
    here = incidents.open_in(session, make_case(session).id, NOW, kind="engine", message="x")
    there = incidents.open_in(session, make_case(session, office_id="NE-U2").id, NOW, kind="engine", message="x")

    assert [one.id for one in incidents.list_incidents(session, root).items] == [here.id]
    assert [one.id for one in incidents.list_incidents(session, far).items] == [there.id]
    ours = incidents.open_in(session, None, NOW, kind="mail", message="x")
    whole = make_person(session, "whole", "admin", office_id=None)
    for actor in (SYSTEM, whole):
        assert [one.id for one in incidents.list_incidents(session, actor).items] == [ours.id, there.id, here.id]
    assert [incidents.count_open(session, actor) for actor in (SYSTEM, whole, root, far, boss)] == [3, 3, 1, 1, 0]
    with pytest.raises(NotYourRole):
        incidents.resolve(session, ours.id, root, NOW, note="x")
    with pytest.raises(NotYourRole):
        incidents.list_incidents(session, boss)
    for act in (
        lambda actor: incidents.resolve(session, here.id, actor, NOW, note="x"),
        lambda actor: incidents.retry(session, here.id, actor, NOW),
    ):
        with pytest.raises(NotYourRole):
            act(boss)
        with pytest.raises(IncidentNotFound):
            act(far)
    with pytest.raises(IncidentNotFound):
        incidents.retry(session, 999, root, NOW)


def test_the_list_tells_open_from_closed_and_has_pages(session: Session, root: Actor) -> None:
    case = make_case(session)
    made = [incidents.open_in(session, case.id, NOW, kind=kind, message="x") for kind in ("a", "b", "c")]
    incidents.resolve(session, made[0].id, root, later(), note="x")

    def ids(**wanted: Any) -> list[int]:
        return [one.id for one in incidents.list_incidents(session, root, **wanted).items]

    newest_first = [one.id for one in reversed(made)]
    assert (ids(), ids(is_open=False), ids(is_open=None)) == (newest_first[:2], newest_first[2:], newest_first)
    page = incidents.list_incidents(session, root, is_open=None, limit=2)
    assert (page.total, ids(is_open=None, limit=2, after=page.next)) == (3, newest_first[2:])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("a sentence", "a sentence"),
        (ZeroDivisionError("boom"), "ZeroDivisionError: boom"),
        (Refused("Not now."), "Not now."),
        (Refused("Not now.", reason="the year is over"), "Not now. (the year is over)"),
        (Refused("Not now: {reason}", reason="the year is over"), "Not now: the year is over"),
        ("half \ud800 and \0", "half ? and "),
        ("x" * 5_000, "x" * 4_000),
    ],
)
def test_a_failure_is_told_in_words_that_can_be_kept(error: Exception | str, words: str) -> None:
    assert incidents.words_of(error) == words
