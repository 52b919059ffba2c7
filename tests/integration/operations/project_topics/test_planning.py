"""Concepts become projects of the register as they come, under the code that the review, the plan book and provinces name."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.books.acts import BookAct, BookActKind
from osm_flow.domain.json import JSON
from osm_flow.engine.values import Waiting
from osm_flow.operations.books.versions import values_of, versions_of
from osm_flow.operations.comparing.checks import compare
from osm_flow.operations.project_topics.planning import record_screening, register_concept, register_projects
from osm_flow.operations.projects.acts import register
from osm_flow.operations.projects.record_type import book_of
from osm_flow.operations.stepping.service_work import TopicRefused, Work
from osm_flow.store.models import Case, Project
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_tests, make_case, make_office, make_project
from tests.together import at_once

CONCEPT: JSON = {"name": "โครงการปรับภูมิทัศน์", "agency": "โยธาธิการ", "budget_total": 5_000_000, "rationale": "เพราะ"}
FIRST = "PRJ-NE-U1-2571-0001"


@pytest.fixture
def case_ids(store: Store) -> list[str]:
    """Four cases of one office and year."""
    with store.transaction() as session:
        make_office(session, "NE-U1", {"TH-41": "อุดรธานี", "TH-43": "หนองคาย"})
        make_office(session, "NE-U2", {"TH-47": "สกลนคร"})
        deploy_tests(session, "review")
        return [make_case(session).id for _ in range(4)]


def work(session: Session, case_id: str, data: JSON) -> Work:
    return Work(session, session.get_one(Case, case_id), Waiting("t1", "x", "service", "x", data, topic="x"), NOW)


def concept(store: Store, case_id: str, province: str = "TH-41", outcome: str | None = "pass", **more: Any) -> str:
    data: JSON = {"province": province, "project_concept": {**CONCEPT, **more}}
    if outcome:
        data["screening"] = {"outcome": outcome}
    with store.transaction() as session:
        return str(register_concept(work(session, case_id, data))["concept_code"])


def states(store: Store) -> dict[str, str]:
    with store.reading() as session:
        return {one.code: one.state for one in session.scalars(select(Project).order_by(Project.code))}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("pass", "screened"),
        ("pass_at_risk", "screened"),
        ("reject", "screened_out"),
        ("hold", "not_ready"),
        ("return", "concept"),
        (None, "concept"),
    ],
)
def test_a_concept_gets_its_code_and_stands_as_its_screening_leaves_it(
    store: Store, case_ids: list[str], outcome: str | None, state: str
) -> None:
    assert concept(store, case_ids[0], outcome=outcome) == FIRST

    assert states(store) == {FIRST: state}
    with store.reading() as session:
        values = values_of(session, "projects", FIRST) or {}
        told = {name: values[name] for name in ("name", "agency", "province", "requested", "rationale")}
        assert told == {
            "name": CONCEPT["name"],
            "agency": "โยธาธิการ",
            "province": "TH-41",
            "requested": 5_000_000,
            "rationale": "เพราะ",
        }
        assert [version.cause["case"] for version in versions_of(session, "projects", FIRST)] == [case_ids[0]]
        assert list(compare(session)) == []


def test_a_province_of_another_office_is_not_written_down(store: Store, case_ids: list[str]) -> None:
    concept(store, case_ids[0], province="TH-47")

    with store.reading() as session:
        assert session.scalars(select(Project.province_id)).all() == [None]


@pytest.mark.parametrize("said", [{}, {"name": " "}])
def test_without_a_concept_nothing_is_registered(store: Store, case_ids: list[str], said: JSON) -> None:
    with store.transaction() as session, pytest.raises(TopicRefused):
        register_concept(work(session, case_ids[0], {"project_concept": said}))

    assert states(store) == {}


def test_two_concepts_of_one_name_in_one_plan_are_two_and_a_later_plan_renews_each(
    store: Store, case_ids: list[str]
) -> None:
    first = concept(store, case_ids[0])
    second = concept(store, case_ids[0], agency="แขวงทางหลวง", outcome="hold")
    elsewhere = concept(store, case_ids[0], province="TH-43")
    assert len({first, second, elsewhere}) == 3

    assert concept(store, case_ids[1], agency="แขวงทางหลวง", budget_total=7) == second
    assert concept(store, case_ids[1]) == first
    assert concept(store, case_ids[1], province="TH-43") == elsewhere
    assert states(store) == dict.fromkeys((first, second, elsewhere), "screened")
    with store.reading() as session:
        assert (values_of(session, "projects", second) or {})["requested"] == 7


def test_what_was_decided_is_no_concept_any_more(store: Store, case_ids: list[str]) -> None:
    with store.transaction() as session:
        make_project(session, "P1", name=CONCEPT["name"], agency="โยธาธิการ", state="y1")

    assert concept(store, case_ids[0]) == FIRST
    assert states(store) == {"P1": "y1", FIRST: "screened"}


def test_the_same_concept_of_several_plans_at_once_is_one_project(store: Store, case_ids: list[str]) -> None:
    at_once(*[lambda case_id=case_id: concept(store, case_id) for case_id in case_ids])

    assert states(store) == {FIRST: "screened"}
    with store.reading() as session:
        assert list(compare(session)) == []


def test_the_review_has_the_last_word_on_those_that_it_names_by_code(store: Store, case_ids: list[str]) -> None:
    codes = [concept(store, case_ids[0], name=f"โครงการ {number}") for number in range(3)]
    with store.transaction() as session:
        make_project(session, "DONE", state="y1")
        make_project(session, "ELSEWHERE", office_id="NE-U2", province="TH-47", state="screened")
        rows = [
            {"project": codes[0], "outcome": "reject", "reason": "ซ้ำ"},
            {"project": codes[1], "outcome": "hold"},
            {"project": "โครงการ 2", "outcome": "reject"},
            {"project": "DONE", "outcome": "reject"},
            {"project": "ELSEWHERE", "outcome": "reject"},
            "ไม่ใช่แถว",
        ]
        assert record_screening(work(session, case_ids[0], {"screening_results": rows})) == {"screenings_recorded": 2}

    told = {codes[0]: "screened_out", codes[1]: "not_ready", codes[2]: "screened", "DONE": "y1"}
    assert states(store) == {**told, "ELSEWHERE": "screened"}


@pytest.mark.parametrize("said", [None, [], "x", {"a": 1}])
def test_a_review_that_names_nobody_changes_nothing(store: Store, case_ids: list[str], said: Any) -> None:
    code = concept(store, case_ids[0])
    with store.transaction() as session:
        assert record_screening(work(session, case_ids[0], {"screening_results": said})) == {"screenings_recorded": 0}

    assert states(store) == {code: "screened"}


def test_the_plan_book_names_projects_by_code_and_says_which_it_leaves_out(store: Store, case_ids: list[str]) -> None:
    codes = [concept(store, case_ids[0], name=f"โครงการ {number}") for number in range(3)]
    out = concept(store, case_ids[0], name="โครงการที่ไม่ผ่าน", outcome="reject")
    others = concept(store, case_ids[1], name="โครงการของแผนอื่น")
    with store.transaction() as session:
        make_project(session, "EARLIER", state="in_plan")
        came = [{"concept_code": code, "project_concept": CONCEPT} for code in (*codes, out)]
        # A row of the book that was taken out again had entered a project.
        by_hand = BookAct(BookActKind.registered, {"case": case_ids[0], "seq": 9})
        struck = {"STRUCK": {"name": "โครงการที่ตัดออก", "agency": "กรมชล"}}
        register(session, book_of(OFFICE, 2571), by_hand, SYSTEM, NOW, struck)
        rows = [
            {"project": codes[0], "name": "โครงการ 0", "agency": "กรมชล", "amount": 3},
            {"project": codes[1], "name": "โครงการ 1", "amount": 4},
        ]
        data = {"concept_replies": [{"province": "TH-41", "concepts": came}], "plan_assembly": {"projects": rows}}
        assert register_projects(work(session, case_ids[0], data)) == {"projects_registered": 2}

    told = {codes[0]: "in_plan", codes[1]: "in_plan", codes[2]: "dropped", out: "screened_out", others: "screened"}
    assert states(store) == {**told, "EARLIER": "dropped", "STRUCK": "dropped"}
    with store.reading() as session:
        values = [values_of(session, "projects", code) or {} for code in codes]
    assert [(one["agency"], one["requested"]) for one in values[:2]] == [("กรมชล", 3), ("โยธาธิการ", 4)]
    assert [one["rationale"] for one in values] == ["เพราะ"] * 3


def test_what_was_put_right_since_the_concept_came_stays(store: Store, case_ids: list[str]) -> None:
    code = concept(store, case_ids[0])
    with store.transaction() as session:
        later = {**CONCEPT, "rationale": "เหตุผลที่แก้แล้ว"}
        register_concept(work(session, case_ids[1], {"province": "TH-41", "project_concept": later}))
    with store.transaction() as session:
        came = [{"concept_code": code, "project_concept": CONCEPT}]
        rows = [{"project": code, "name": CONCEPT["name"], "amount": 3}]
        data = {"concept_replies": [{"province": "TH-41", "concepts": came}], "plan_assembly": {"projects": rows}}
        register_projects(work(session, case_ids[0], data))

    with store.reading() as session:
        assert (values_of(session, "projects", code) or {})["rationale"] == "เหตุผลที่แก้แล้ว"
