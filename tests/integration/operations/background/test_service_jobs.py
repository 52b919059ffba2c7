"""Service tasks are carried out once, and one that fails is put off and becomes an incident."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.json import JSON
from osm_flow.operations.background import service_jobs
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.cases import incidents
from osm_flow.operations.cases.acts import suspend_case
from osm_flow.operations.replay.verify import verify_all
from osm_flow.operations.stepping.service_work import Work
from osm_flow.store.models import Case, Incident, JournalRecord, OutgoingLetter, ServiceJob
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, items_of, later, make_case, make_office, make_person


@pytest.fixture
def anan(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "lettered", "review")
        return make_person(session, "anan", "osm_strategy", "osm_director")


def begin(store: Store, recipient: object) -> str:
    with store.transaction() as session:
        make_case(session, "lettered", data={"recipient": recipient})
        return session.scalars(select(ServiceJob.task_id)).one()


class TestRunning:
    def test_the_result_is_a_record_and_the_case_goes_on(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "สศช.")

        case_id = service_jobs.attempt(store, task_id, NOW)

        with store.reading() as session:
            letter = session.scalars(select(OutgoingLetter)).one()
            assert (letter.recipient, letter.subject, letter.case_id) == ("สศช.", "ขอข้อมูล", case_id)
            assert (
                session.scalars(select(JournalRecord.kind).order_by(JournalRecord.seq)).all()[-1] == "service.finished"
            )
            assert [item.element for item in items_of(session, session.get_one(Case, case_id))] == ["file"]
            assert session.scalars(select(ServiceJob)).all() == []
            assert [faults for _, faults in verify_all(session) if faults] == []

    def test_it_runs_right_after_the_step_that_asked_for_it(self, store: Store, anan: Actor) -> None:
        with store.transaction() as session:
            case = make_case(session, "lettered", data={"recipient": "สศช."})

        assert deliver_pending(store, NOW, case.id) == 1

        with store.reading() as session:
            assert [item.element for item in items_of(session, case)] == ["file"]

    def test_running_it_again_does_nothing(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "สศช.")
        service_jobs.attempt(store, task_id, NOW)

        assert service_jobs.attempt(store, task_id, NOW) is None
        with store.reading() as session:
            assert len(session.scalars(select(OutgoingLetter)).all()) == 1

    def test_a_failure_backs_off_then_waits_for_a_person(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "")
        due = []
        for _ in range(5):
            service_jobs.attempt(store, task_id, NOW)
            with store.reading() as session:
                due.append(session.get_one(ServiceJob, task_id).due_at)

        assert due == [later(1), later(5), later(30), later(120), None]
        with store.reading() as session:
            incident = session.scalars(select(Incident)).one()
            assert (incident.kind, incident.element, incident.task_id) == ("service", "letter", task_id)
            assert session.get_one(Case, incident.case_id).state == "ACTIVE"

    def test_a_person_retries_it(self, store: Store, anan: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        task_id = begin(store, "")
        for _ in range(5):
            service_jobs.attempt(store, task_id, NOW)
        with store.transaction() as session:
            (incident,) = incidents.list_incidents(session, SYSTEM).items
            incidents.retry(session, incident.id, SYSTEM, NOW)
        monkeypatch.setattr(service_jobs, "TOPICS", {**TOPICS, "send_letter": lambda work: {}})

        with store.reading() as session:
            assert session.get_one(ServiceJob, task_id).due_at == NOW
        assert service_jobs.attempt(store, task_id, NOW) is not None
        with store.transaction() as session, pytest.raises(incidents.IncidentClosed):
            incidents.retry(session, incident.id, SYSTEM, NOW)

    def test_a_crash_of_the_topic_is_kept_not_raised(
        self, store: Store, anan: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(work: Work) -> JSON:
            raise ZeroDivisionError("boom")

        task_id = begin(store, "สศช.")
        monkeypatch.setattr(service_jobs, "TOPICS", {"send_letter": crash})

        assert service_jobs.attempt(store, task_id, NOW) is None
        with store.reading() as session:
            assert session.get_one(ServiceJob, task_id).last_error == "ZeroDivisionError: boom"

    def test_it_rests_while_the_case_is_suspended(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "สศช.")
        with store.transaction() as session:
            suspend_case(session, session.get_one(ServiceJob, task_id).case_id, anan, NOW, reason="รอ")

        service_jobs.attempt(store, task_id, NOW)

        with store.reading() as session:
            job = session.get_one(ServiceJob, task_id)
            assert (job.attempts, job.due_at) == (0, later(10))
