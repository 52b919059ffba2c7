"""Diagrams move projects on from state to state; what may not step stays, and nothing is said of what was not asked about."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.json import JSON
from osm_flow.engine.values import Waiting
from osm_flow.operations.background.topics import TOPICS
from osm_flow.operations.books.versions import versions_of
from osm_flow.operations.projects.acts import values_by_code
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import Case, Project
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, make_case, make_office, make_project


@pytest.fixture
def case_id(store: Store) -> str:
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        return make_case(session).id


def work(session: Session, case_id: str, topic: str, data: JSON, **properties: str) -> JSON:
    case = session.get_one(Case, case_id)
    waiting = Waiting("t1", "x", "service", "x", data, topic=topic, properties=properties)
    return TOPICS[topic](Work(session, case, waiting, NOW))


def states(session: Session) -> dict[str, str]:
    return {row.code: row.state for row in session.execute(select(Project.code, Project.state).order_by(Project.code))}


def test_a_project_passes_through_the_year_as_the_diagrams_say(store: Store, case_id: str) -> None:
    """From the concept in the plan book to its end, each state told by the step that brought it."""
    concept = {
        "name": "ก",
        "agency": "แขวง",
        "budget_total": 10,
        "budget_types": [{"category": "operating", "amount": 10}],
    }
    replies = [{"province": "TH-41", "concepts": [{"project_concept": concept, "screening": {"outcome": "pass"}}]}]
    plan = {"concept_replies": replies, "plan_assembly": {"projects": [{"name": "ก", "agency": "แขวง", "amount": 10}]}}
    passed = []
    with store.transaction() as session:

        def do(topic: str, data: JSON, **properties: str) -> None:
            work(session, case_id, topic, data, **properties)
            passed.append(*states(session).values())

        do("register_projects", plan)
        code = session.scalars(select(Project.code)).one()
        do("move_projects", {}, project_state="endorsed")
        judged = {"level": "subcommittee", "decided_on": "2027-01-10", "doc_ref": "นร 1", "conditions": "ปรับลด"}
        row = {"project": code, "result": "Y1", "amount_requested": 10, "amount_supported": 9}
        do("record_results", {"subcommittee_result": {**judged, "items": [row]}})
        do("move_projects", {}, project_state="requested")
        bureau = {"level": "bb", "decided_on": "2027-05-01", "items": [{**row, "amount_supported": 8}]}
        do("record_results", {"subcommittee_result": {**judged, "items": [row]}, "bb_result": bureau})
        do("record_act", {"act_in_force": True, "gazette_date": "2027-09-28"})
        allotted = {"items": [{"project": code, "amount": 8, "budget_code": "2" * 20}], "received_on": "2027-10-05"}
        do("record_allotment", {"allocation": allotted})
        for quarter, stage in ((1, "announced"), (2, "working"), (3, "accepted"), (4, "paid")):
            report = {"disbursed": quarter * 2, "stage": stage}
            do("record_quarter", {"quarter": quarter, "reports": [{"project": code, "report": report}]})
        do("move_projects", {}, project_state="closed")

        values = values_by_code(session, [code])[code]
    assert passed == (
        [
            "in_plan",
            "endorsed",
            "y1",
            "requested",
            "requested",
            "in_act",
            "allotted",
            "procuring",
            "working",
            "accepted",
            "paid",
            "closed",
        ]
    )
    assert [(one["level"], one["result"], one.get("amount_supported")) for one in values["results"]] == [
        ("subcommittee", "Y1", 9),
        ("bb", "Y1", 8),
        ("act", "Y1", None),
    ]
    assert (values["allotted"], values["allotted_on"], values["budget_code"]) == (8, "2027-10-05", "2" * 20)
    assert values["results"][0]["conditions"] == "ปรับลด"


def test_only_those_that_may_step_are_moved(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        for code, state in (
            ("P1", "y1"),
            ("P2", "y2"),
            ("P3", "n"),
            ("P4", "in_plan"),
            ("P5", "working"),
            ("P6", "closed"),
        ):
            make_project(session, code, state=state, result={"y1": "Y1", "y2": "Y2", "n": "N"}.get(state))
        make_project(session, "P7", state="y1", fiscal_year=2570)

        result = work(session, case_id, "move_projects", {}, project_state="requested")
        again = work(session, case_id, "move_projects", {}, project_state="requested")

        assert (result, again) == ({"projects_moved": 1}, {"projects_moved": 0})
        assert list(states(session).values()) == [
            "requested",
            "y2",
            "n",
            "in_plan",
            "working",
            "closed",
            "y1",
        ]
        with pytest.raises(TopicRefused):
            work(session, case_id, "move_projects", {}, project_state="flying")
        with pytest.raises(TopicRefused):
            work(session, case_id, "move_projects", {})


def test_what_was_built_is_closed_once_it_is_handed_over(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        make_project(session, "P1", state="paid", budget_type="construction")
        make_project(session, "P2", state="paid", budget_type="operating")
        make_project(session, "P3", state="handed_over", budget_type="construction")

        work(session, case_id, "move_projects", {}, project_state="closed")

        assert states(session) == {"P1": "paid", "P2": "closed", "P3": "closed"}


def test_an_act_that_is_not_in_force_moves_nothing(store: Store, case_id: str) -> None:
    with store.transaction() as session:
        make_project(session, "P1", state="requested")

        assert work(session, case_id, "record_act", {"act_in_force": False}) == {"projects_moved": 0}
        assert states(session) == {"P1": "requested"}


def test_where_a_concept_went_is_said_whether_or_not_it_is_in_the_book(store: Store, case_id: str) -> None:
    outcomes = {"ก": "pass", "ข": "hold", "ค": "reject", "ง": "return", "จ": "pass", "ฉ": "hold"}
    concepts = [
        {"project_concept": {"name": name, "agency": "แขวง", "budget_total": 5}, "screening": {"outcome": outcome}}
        for name, outcome in outcomes.items()
    ]
    data = {
        "concept_replies": [{"province": "TH-41", "concepts": concepts}],
        "plan_assembly": {"projects": [{"name": "ก", "agency": "แขวง", "amount": 5}]},
        # Whoever reviewed the screening let one pass after all, and another not.
        "screening_results": [{"project": "ฉ", "outcome": "reject"}],
    }
    with store.transaction() as session:
        work(session, case_id, "register_projects", data)

        found = {row.name_th: row.state for row in session.scalars(select(Project))}
        assert found == {"ก": "in_plan", "ข": "not_ready", "ค": "screened_out", "ฉ": "screened_out"}

        # Next year's revision takes another one in and leaves the first one out.
        data["plan_assembly"] = {"projects": [{"name": "ข", "agency": "แขวง", "amount": 6}]}
        work(session, case_id, "register_projects", data)

        found = {row.name_th: row.state for row in session.scalars(select(Project))}
        assert found == {"ก": "dropped", "ข": "in_plan", "ค": "screened_out", "ฉ": "screened_out"}


def test_a_change_that_is_asked_for_is_told_until_it_is_decided(store: Store, case_id: str) -> None:
    asked = {"change_request": {"project_name": "โครงการ P1"}}
    with store.transaction() as session:
        make_project(session, "P1", state="working")
        make_project(session, "P2", state="working", side_state="carried")

        def beside() -> str | None:
            return values_by_code(session, ["P1"])["P1"].get("side_state")

        work(session, case_id, "begin_change", asked)
        assert beside() == "changing"
        work(session, case_id, "end_change", asked)
        assert beside() is None
        work(session, case_id, "begin_change", asked)
        baseline = {"code": "P1", "project_name": "โครงการ P1", "budget_after": 900}
        work(session, case_id, "renew_project", {"project_baseline": baseline})
        assert (beside(), states(session)["P1"]) == (None, "working")
        # What is carried over stays so, whoever asks for what.
        other = {"change_request": {"project_name": "โครงการ P2"}}
        assert work(session, case_id, "begin_change", other) == {"projects_moved": 0}
        # A cancelled project has ended; a project that nobody can tell apart is not marked.
        work(session, case_id, "renew_project", {"project_baseline": {**baseline, "cancelled": True}})
        assert states(session)["P1"] == "cancelled"
        make_project(session, "P3", name="โครงการ P1", state="working")
        assert work(session, case_id, "begin_change", asked) == {"projects_moved": 0}


def test_the_end_of_the_year_says_whose_money_stays_and_whose_lapses(store: Store, case_id: str) -> None:
    rows = [
        {"project": "P1", "decision": "carry", "balance": 5},
        {"project": "P2", "decision": "lapse", "balance": 5},
        {"project": "P3", "decision": "commit", "balance": 5},
        {"project": "P-unknown", "decision": "lapse"},
    ]
    with store.transaction() as session:
        for code in ("P1", "P2", "P3"):
            make_project(session, code, state="working")

        assert work(session, case_id, "record_year_end", {"year_end": {"items": rows}}) == {"projects_moved": 2}

        assert states(session) == {"P1": "working", "P2": "lapsed", "P3": "working"}
        assert values_by_code(session, ["P1"])["P1"]["side_state"] == "carried"
        assert [version.act for version in versions_of(session, "projects", "P2")] == ["imported", "changed"]
