from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from osm_flow.domain.actors import SYSTEM, Actor
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine.values import JSON, Waiting
from osm_flow.operations import incidents, services
from osm_flow.operations.cases import suspend_case
from osm_flow.operations.outbox import deliver_pending
from osm_flow.operations.topics import TOPICS, TopicRefused, Work
from osm_flow.operations.verify import verify_all
from osm_flow.store.models import Case, Incident, JournalRecord, Notification, OutgoingLetter, Project, ServiceJob
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


def work(session, topic: str, data: JSON, **properties: str) -> JSON:  # type: ignore[no-untyped-def]
    case = session.scalars(select(Case)).first() or make_case(session)
    waiting = Waiting(properties.pop("task_id", "t1"), "x", "service", "x", data, topic=topic, properties=properties)
    return TOPICS[topic](Work(session, case, waiting, NOW))


def make_project(session, code: str, **changes: object) -> Project:  # type: ignore[no-untyped-def]
    fields: dict[str, object] = {
        "code": code, "office_id": "NE-U1", "fiscal_year": 2571, "name_th": f"โครงการ {code}", "agency_th": "แขวงทางหลวง",
        "province_id": "TH-41", "budget_type": "capital", "requested": Decimal(1000), "state": "signed",
    }  # fmt: skip
    project = Project(**{**fields, **changes})
    session.add(project)
    session.flush()
    return project


class TestRunning:
    def test_the_result_is_a_record_and_the_case_goes_on(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "สศช.")

        case_id = services.attempt(store, task_id, NOW)

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
        services.attempt(store, task_id, NOW)

        assert services.attempt(store, task_id, NOW) is None
        with store.reading() as session:
            assert len(session.scalars(select(OutgoingLetter)).all()) == 1

    def test_a_failure_backs_off_then_waits_for_a_person(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "")
        due = []
        for _ in range(5):
            services.attempt(store, task_id, NOW)
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
            services.attempt(store, task_id, NOW)
        with store.transaction() as session:
            (incident,) = incidents.list_incidents(session, SYSTEM).items
            incidents.retry(session, incident.id, SYSTEM, NOW)
        monkeypatch.setattr(services, "TOPICS", {**TOPICS, "send_letter": lambda work: {}})

        with store.reading() as session:
            assert session.get_one(ServiceJob, task_id).due_at == NOW
        assert services.attempt(store, task_id, NOW) is not None
        with store.transaction() as session, pytest.raises(incidents.IncidentClosed):
            incidents.retry(session, incident.id, SYSTEM, NOW)

    def test_a_crash_of_the_topic_is_kept_not_raised(
        self, store: Store, anan: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(work: Work) -> JSON:
            raise ZeroDivisionError("boom")

        task_id = begin(store, "สศช.")
        monkeypatch.setattr(services, "TOPICS", {"send_letter": crash})

        assert services.attempt(store, task_id, NOW) is None
        with store.reading() as session:
            assert session.get_one(ServiceJob, task_id).last_error == "ZeroDivisionError: boom"

    def test_it_rests_while_the_case_is_suspended(self, store: Store, anan: Actor) -> None:
        task_id = begin(store, "สศช.")
        with store.transaction() as session:
            suspend_case(session, session.get_one(ServiceJob, task_id).case_id, anan, NOW, reason="รอ")

        services.attempt(store, task_id, NOW)

        with store.reading() as session:
            job = session.get_one(ServiceJob, task_id)
            assert (job.attempts, job.due_at) == (0, later(10))


@pytest.mark.usefixtures("anan")
class TestTopics:
    def test_notify_reaches_everybody_behind_the_candidates_once(self, store: Store) -> None:
        with store.transaction() as session:
            make_person(session, "udon", "province_planner", province_id="TH-41")
            work(
                session,
                "notify",
                {},
                to="osm_strategy, osm_director, province_planner@TH-41, user:anan",
                subject="ประชุม",
            )

            told = session.scalars(select(Notification.text_th)).all()
        assert told == ["ประชุม", "ประชุม"]

    def test_notices_and_letters_name_provinces_instead_of_their_codes(self, store: Store) -> None:
        with store.transaction() as session:
            work(session, "notify", {}, to="osm_director", subject="จังหวัด TH-39 ไม่ตอบ", subject_en="TH-39 is silent")
            work(session, "send_letter", {}, to="จังหวัด TH-39", subject="ขอให้ยืนยันเป้าหมายของ TH-39")

            told = session.execute(select(Notification.text_th, Notification.text_en)).one()
            letter = session.scalars(select(OutgoingLetter)).one()
        assert tuple(told) == ("จังหวัด หนองบัวลำภู ไม่ตอบ", "Nong Bua Lam Phu is silent")
        assert (letter.recipient, letter.subject) == ("จังหวัด หนองบัวลำภู", "ขอให้ยืนยันเป้าหมายของ หนองบัวลำภู")

    def test_a_missing_property_is_refused(self, store: Store) -> None:
        with store.transaction() as session, pytest.raises(TopicRefused, match="property subject is empty"):
            work(session, "notify", {}, to="osm_director")

    def test_live_projects_leaves_out_what_does_not_run(self, store: Store) -> None:
        with store.transaction() as session:
            make_project(session, "P1", approved=Decimal("900.50"), disbursed=Decimal(100))
            make_project(session, "P2", state="closed")
            make_project(session, "P3", result="N")
            make_project(session, "P4", fiscal_year=2570)

            found = work(session, "live_projects", {})["projects"]

        assert [(one["code"], one["budget"], one["disbursed"]) for one in found] == [("P1", 900.5, 100)]

    def test_results_are_recorded_wherever_the_form_put_them(self, store: Store) -> None:
        with store.transaction() as session:
            one, two = make_project(session, "P1"), make_project(session, "P2")
            rows = [{"project": "P1", "result": "Y1", "amount_supported": 800}, {"project": "P2", "result": "N"},
                    {"project": "unknown", "result": "Y1"}]  # fmt: skip

            result = work(session, "record_results", {"subcom": {"results": rows}})

            assert (one.result, one.approved, two.result) == ("Y1", Decimal(800), "N")
        assert result == {
            "results_recorded": 2, "count_y1": 1, "count_y2": 0, "count_n": 1, "amount_supported": 800,
        }  # fmt: skip

    def test_a_quarter_is_recorded_with_its_colours(self, store: Store) -> None:
        with store.transaction() as session:
            good, bad, silent = (make_project(session, code, approved=Decimal(1000)) for code in ("P1", "P2", "P3"))
            project = {"code": "P2", "disbursed": 999}
            reports = [
                {"project": "P1", "disbursed": 520, "committed": 100},
                {"project": project, "report": {"disbursed": 100, "committed": 0}},
                {"project": {"code": "P3", "disbursed": 999}},
            ]

            result = work(session, "record_quarter", {"quarter": 2, "reports": reports})

            assert [one.colour for one in (good, bad, silent)] == ["green", "red", "not_reported"]
            assert (good.disbursed, good.committed, silent.disbursed) == (Decimal(520), Decimal(100), Decimal(0))
        assert (result["reports_recorded"], result["not_reported"]) == (3, ["P3"])
        assert [one["code"] for one in result["red_projects"]] == ["P2"]
        assert (result["disbursed_percent"], result["used_percent"]) == (20.67, 24)

    def test_a_recommendation_for_each_red_project_once(self, store: Store) -> None:
        from osm_flow.operations.deployments import deploy
        from tests.factories import files

        content = files("review")
        renamed = content.pop("review.bpmn").replace(b'process id="review"', b'process id="recommendation"')
        with store.transaction() as session:
            deploy(session, content | {"recommendation.bpmn": renamed}, SYSTEM, NOW)
            make_case(session)
            make_project(session, "P1", colour="red")
            make_project(session, "P2", colour="green")

            first = work(session, "open_recommendations", {"quarter": 2})
            again = work(session, "open_recommendations", {"quarter": 2})

            begun = session.scalars(select(Case).where(Case.title == "โครงการ P1")).all()
        assert (first, again, len(begun)) == ({"opened": 1}, {"opened": 1}, 1)
        assert begun[0].province_id == "TH-41"

    def test_no_second_recommendation_while_one_is_open(self, store: Store) -> None:
        from osm_flow.operations.deployments import deploy
        from tests.factories import files

        content = files("review")
        renamed = content.pop("review.bpmn").replace(b'process id="review"', b'process id="recommendation"')
        with store.transaction() as session:
            deploy(session, content | {"recommendation.bpmn": renamed}, SYSTEM, NOW)
            make_case(session)
            make_project(session, "P1", colour="red")

            first = work(session, "open_recommendations", {"quarter": 2})
            next_quarter = work(session, "open_recommendations", {"quarter": 3}, task_id="t2")

        assert (first, next_quarter) == ({"opened": 1}, {"opened": 0})

    def test_the_plan_book_fills_the_register(self, store: Store) -> None:
        """New projects get the year's next codes and what their concepts say; known ones are renewed, once."""
        concept = {
            "name": "โครงการถนนริมโขง",
            "agency": "แขวงทางหลวง",
            "budget_total": 12_500_000.5,
            "budget_types": [
                {"category": "operating", "amount": 500_000},
                {"category": "construction", "amount": 12_000_000.5},
            ],
        }
        data = {
            "plan_assembly": {
                "projects": [
                    {"name": "โครงการถนนริมโขง", "amount": 12_000_000},
                    {"name": "โครงการที่รู้จัก", "project": "P1", "agency": "ชลประทาน", "amount": 7},
                ]
            },
            "concept_replies": [
                {"province": "TH-41", "concepts": [{"project_concept": concept}, {"project_concept": None}]}
            ],
        }
        with store.transaction() as session:
            make_case(session)
            known = make_project(session, "P1", state="concept")

            first = work(session, "register_projects", data)
            again = work(session, "register_projects", data)

            road = session.scalars(select(Project).where(Project.name_th == "โครงการถนนริมโขง")).one()
            assert (first, again) == ({"projects_registered": 2}, {"projects_registered": 2})
            assert (road.code, road.province_id) == ("PRJ-NE-U1-2571-0001", "TH-41")
            assert (road.budget_type, road.requested, road.agency_th) == (
                "construction",
                Decimal(12_000_000),
                "แขวงทางหลวง",
            )
            assert (known.name_th, known.requested) == ("โครงการที่รู้จัก", Decimal(7))

    def test_what_diagrams_may_name_is_what_is_carried_out(self) -> None:
        assert TOPICS.keys() == RESULT_SCHEMAS.keys()

    def test_results_fit_their_schemas(self, store: Store) -> None:
        from jsonschema import Draft202012Validator

        with store.transaction() as session:
            make_project(session, "P1", colour="green", result="Y1")
            for topic in ("live_projects", "record_results", "record_quarter"):
                result = work(session, topic, {"quarter": 1})
                Draft202012Validator(RESULT_SCHEMAS[topic]).validate(result)
