"""What service tasks do: letters, notices, the register of projects, recommendations."""

from __future__ import annotations

from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.json import JSON
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine.values import Waiting
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import BookEntry, Case, Notification, OutgoingLetter, Project
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, files, make_case, make_office, make_person, make_project


@pytest.fixture
def anan(store: Store) -> Actor:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "lettered", "review")
        return make_person(session, "anan", "osm_strategy", "osm_director")


def work(session: Session, topic: str, data: JSON, **properties: str) -> JSON:
    case = session.scalars(select(Case)).first() or make_case(session)
    waiting = Waiting(properties.pop("task_id", "t1"), "x", "service", "x", data, topic=topic, properties=properties)
    return TOPICS[topic](Work(session, case, waiting, NOW))


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
            rows = [
                {"project": "P1", "result": "Y1", "amount_supported": 800},
                {"project": "P2", "result": "N"},
                {"project": "unknown", "result": "Y1"},
            ]

            result = work(session, "record_results", {"subcom": {"results": rows}})

            assert (one.result, one.approved, two.result) == ("Y1", Decimal(800), "N")
        assert result == {
            "results_recorded": 2,
            "count_y1": 1,
            "count_y2": 0,
            "count_n": 1,
            "amount_supported": 800,
        }

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
        from tests.factories import make_project

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
        from tests.factories import make_project

        content = files("review")
        renamed = content.pop("review.bpmn").replace(b'process id="review"', b'process id="recommendation"')
        with store.transaction() as session:
            deploy(session, content | {"recommendation.bpmn": renamed}, SYSTEM, NOW)
            make_case(session)
            make_project(session, "P1", colour="red")

            first = work(session, "open_recommendations", {"quarter": 2})
            next_quarter = work(session, "open_recommendations", {"quarter": 3}, task_id="t2")

        assert (first, next_quarter) == ({"opened": 1}, {"opened": 0})

    def test_two_red_projects_of_one_name_get_a_recommendation_each(self, store: Store) -> None:
        content = files("review")
        renamed = content.pop("review.bpmn").replace(b'process id="review"', b'process id="recommendation"')
        with store.transaction() as session:
            deploy(session, content | {"recommendation.bpmn": renamed}, SYSTEM, NOW)
            make_case(session)
            make_project(session, "P1", colour="red", name="โครงการถนน")
            make_project(session, "P2", colour="red", name="โครงการถนน", province="TH-39")

            first = work(session, "open_recommendations", {"quarter": 2})
            next_quarter = work(session, "open_recommendations", {"quarter": 3}, task_id="t2")

            begun = session.scalars(select(Case.province_id).where(Case.title == "โครงการถนน")).all()
        assert (first, next_quarter) == ({"opened": 2}, {"opened": 0})
        assert sorted(str(province) for province in begun) == ["TH-39", "TH-41"]

    def test_two_provinces_may_name_a_project_alike(self, store: Store) -> None:
        """Two concepts of one name are two projects; what does not tell which it means changes neither."""
        concept = {"name": "โครงการถนน", "agency": "แขวงทางหลวง", "budget_total": 10}
        replies = [
            {"province": "TH-41", "concepts": [{"project_concept": concept}]},
            {"province": "TH-39", "concepts": [{"project_concept": {**concept, "budget_total": 20}}]},
        ]
        rows = [{"name": "โครงการถนน", "agency": "แขวงทางหลวง", "amount": amount} for amount in (10, 20)]
        data = {"concept_replies": replies, "plan_assembly": {"projects": rows}}
        with store.transaction() as session:
            assert work(session, "register_projects", data) == {"projects_registered": 2}
            assert work(session, "register_projects", data) == {"projects_registered": 2}
            found = session.execute(
                select(Project.code, Project.province_id, Project.requested).order_by(Project.code)
            ).all()
            codes = [row.code for row in found]

            rows = [
                {"project": "โครงการถนน", "result": "Y1"},
                {"project": "โครงการถนน", "result": "N", "amount_requested": 20},
            ]
            judged = work(session, "record_results", {"r": {"items": rows}})
            assert judged["results_recorded"] == 1  # one tells by its amount which is meant, the other is nobody's
            with pytest.raises(TopicRefused, match=f"{codes[0]}, {codes[1]}"):
                work(session, "renew_project", {"project_baseline": {"project_name": "โครงการถนน", "budget_after": 1}})
            unknown = {"code": "PRJ-NE-U9-2571-0001", "project_name": "โครงการถนน", "budget_after": 1}
            assert work(session, "renew_project", {"project_baseline": unknown}) == {"projects_renewed": 0}
            baseline = {"code": codes[1], "project_name": "โครงการถนน", "budget_after": 15}
            work(session, "renew_project", {"project_baseline": baseline})

            approved = session.scalars(select(Project.approved).order_by(Project.code)).all()
        assert [tuple(row[1:]) for row in found] == [("TH-41", Decimal(10)), ("TH-39", Decimal(20))]
        assert approved == [None, Decimal(15)]

    def test_a_plan_gives_no_code_twice_and_none_of_a_series(self, store: Store) -> None:
        typed = [
            {"name": "ก", "project": "PRJ-NE-U1-2571-0001", "amount": 1},
            {"name": "ข", "amount": 2},
            {"name": "ค", "project": "PRJ-NE-U2-2571-0001", "amount": 3},
            {"name": "ง", "project": "BKK-7", "amount": 4},
            {"name": "จ", "project": "BKK-7", "amount": 5},
            {"name": "ฉ", "project": "a/b", "amount": 6},
        ]
        with store.transaction() as session:
            make_case(session)
            first = work(session, "register_projects", {"plan_assembly": {"projects": typed}})

            found = session.execute(select(Project.name_th, Project.code).order_by(Project.requested)).all()
        assert first == {"projects_registered": 6}
        assert [name for name, _ in found] == ["ก", "ข", "ค", "ง", "จ", "ฉ"]
        codes = [code for _, code in found]
        assert codes[3] == "BKK-7"
        assert sorted(codes[:3] + codes[4:]) == [f"PRJ-NE-U1-2571-{number:04}" for number in range(1, 6)]

    def test_what_no_record_can_keep_is_left_out_and_told(self, store: Store) -> None:
        concept = {"name": "โครงการถนน", "kpis": "text", "area": [{"province": {"a": 1}}], "output": 5, "outcome": "ดี"}
        data = {"concept_replies": [{"province": "TH-41", "concepts": [{"project_concept": concept}]}]}
        with store.transaction() as session:
            make_case(session)
            work(session, "register_projects", data)
            project = session.scalars(select(Project)).one()
            report = {"disbursed": 5, "committed": "-", "budget_act": "-", "stage": {"a": 1}, "kpi_results": ["x"]}
            work(session, "record_quarter", {"quarter": 1, "reports": [{"project": project.code, "report": report}]})

            first, second = versions_of(session, "projects", project.code)
            told = session.scalars(select(BookEntry.told).order_by(BookEntry.seq)).all()
        assert first.values["outcome"] == "ดี"
        assert {"kpis", "area", "output"}.isdisjoint({name for name, value in first.values.items() if value})
        assert "area.1.province" in told[0]
        assert second.values["reports"] == [{"quarter": 1, "disbursed": 5, "colour": "red"}]

    def test_an_earlier_quarter_put_right_does_not_turn_the_figures_back(self, store: Store) -> None:
        with store.transaction() as session:
            make_project(session, "P1", approved=1000)
            for quarter, spent in ((1, 10), (2, 600), (1, 50)):
                reports = [{"project": "P1", "disbursed": spent, "physical_actual": quarter * 20}]
                work(session, "record_quarter", {"quarter": quarter, "reports": reports})

            project = session.scalars(select(Project)).one()
            assert (project.disbursed, project.colour) == (Decimal(600), "green")
            values = versions_of(session, "projects", "P1")[-1].values
        assert [(row["quarter"], row["disbursed"]) for row in values["reports"]] == [(1, 50), (2, 600)]

    def test_an_entry_points_at_the_record_of_the_service_that_wrote_it(self, store: Store) -> None:
        with store.transaction() as session:
            case = make_case(session)
            make_project(session, "P1")
            work(session, "record_results", {"r": {"items": [{"project": "P1", "result": "Y1"}]}})

            newest = versions_of(session, "projects", "P1")[-1]
            assert (newest.actor, newest.cause) == ("system", {"case": case.id, "seq": case.seq + 1})

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
        with store.transaction() as session:
            make_project(session, "P1", colour="green", result="Y1")
            for topic in ("live_projects", "record_results", "record_quarter"):
                result = work(session, topic, {"quarter": 1})
                Draft202012Validator(RESULT_SCHEMAS[topic]).validate(result)
