"""What a document said before: only versions of the same thing are compared, whatever else the case has."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.json import JSON
from osm_flow.operations.work_items import completing
from osm_flow.operations.work_items.completing import Completion
from osm_flow.operations.work_items.earlier_versions import Version, versions_of
from osm_flow.operations.work_items.queries import waiting_at
from osm_flow.store.models import Case, WorkItem
from tests.factories import deploy_tests, items_of, later, make_case, make_office, make_person

PROJECTS = [{"name": "ถนน"}, {"name": "ตลาด"}]


@pytest.fixture
def people(session: Session) -> tuple[Actor, Actor]:
    make_office(session)
    deploy_tests(session, "reports", "review")
    return make_person(session, "prasert", "osm_me", "osm_strategy"), make_person(session, "boss", "osm_director")


def complete(session: Session, item: WorkItem, actor: Actor, at: datetime, **values: object) -> None:
    completing.complete(session, item.id, actor, at, Completion.of(dict(values)))


def one(session: Session, case: Case, element: str, project: int | None = None) -> WorkItem:
    """The open work item of an element, in the instance of that project."""
    found = [item for item in items_of(session, case) if item.element == element]
    if project is not None:
        found = [item for item in found if data_of(session, item)["project"] == PROJECTS[project]]
    assert len(found) == 1
    return found[0]


def data_of(session: Session, item: WorkItem) -> JSON:
    waiting = waiting_at(session, item)
    assert waiting is not None
    return waiting.data


def versions(session: Session, item: WorkItem) -> list[Version]:
    waiting = waiting_at(session, item)
    if waiting is None:
        return versions_of(session, item, "report")
    return versions_of(session, item, "report", seen=waiting.data["report"], instance=waiting.instance)


def test_reports_of_other_projects_are_no_versions(session: Session, people: tuple[Actor, Actor]) -> None:
    prasert, boss = people
    case = make_case(session, "reports", data={"projects": PROJECTS})
    complete(session, one(session, case, "fill", 0), prasert, later(1), project_name="ถนน", spent=10)
    complete(session, one(session, case, "fill", 1), prasert, later(2), project_name="ตลาด", spent=90)

    road = one(session, case, "certify", 0)
    assert [version.values["spent"] for version in versions(session, road)] == [10]

    complete(session, road, boss, later(3), approved=False)
    complete(session, one(session, case, "fill", 0), prasert, later(4), project_name="ถนน", spent=12)
    again = one(session, case, "certify", 0)
    assert [version.values["spent"] for version in versions(session, again)] == [10, 12]


def test_a_closed_item_shows_what_it_was_about(session: Session, people: tuple[Actor, Actor]) -> None:
    prasert, boss = people
    case = make_case(session, "reports", data={"projects": PROJECTS})
    complete(session, one(session, case, "fill", 0), prasert, later(1), project_name="ถนน", spent=10)
    road = one(session, case, "certify", 0)
    complete(session, road, boss, later(2), approved=False)
    complete(session, one(session, case, "fill", 1), prasert, later(3), project_name="ตลาด", spent=90)
    complete(session, one(session, case, "fill", 0), prasert, later(4), project_name="ถนน", spent=12)

    assert [version.values["spent"] for version in versions(session, road)] == [10]


def test_instances_that_say_no_subject_are_not_compared(session: Session, people: tuple[Actor, Actor]) -> None:
    prasert, _ = people
    case = make_case(session, "reports", data={"projects": PROJECTS})
    complete(session, one(session, case, "fill", 0), prasert, later(1), project_name="ถนน", spent=10)
    complete(session, one(session, case, "fill", 1), prasert, later(2), project_name="ตลาด", spent=90)
    market = one(session, case, "certify", 1)

    nameless = versions_of(session, market, "report", seen={"spent": 90}, instance=1)

    assert nameless == []


def test_every_version_of_a_single_document_counts(session: Session, people: tuple[Actor, Actor]) -> None:
    prasert, boss = people
    case = make_case(session, "review")
    complete(session, one(session, case, "draft"), prasert, later(1), text="ร่างแรก")
    complete(session, one(session, case, "check"), boss, later(2), approved=False)
    complete(session, one(session, case, "draft"), prasert, later(3), text="ร่างสอง")

    found = versions_of(session, one(session, case, "check"), "plan", seen={"text": "ร่างสอง"})

    assert [version.values["text"] for version in found] == ["ร่างแรก", "ร่างสอง"]


def test_papers_of_another_quarter_are_left_out(session: Session, people: tuple[Actor, Actor]) -> None:
    prasert, _ = people
    first = make_case(session, "review", data={"quarter": 1})
    complete(session, one(session, first, "draft"), prasert, later(1), text="ไตรมาส 1")
    second = make_case(session, "review", data={"quarter": 2}, now=later(2))
    second.root_case_id = first.root_case_id
    complete(session, one(session, second, "draft"), prasert, later(3), text="ไตรมาส 2")

    found = versions_of(session, one(session, second, "check"), "plan", seen={"text": "ไตรมาส 2"})

    assert [version.values["text"] for version in found] == ["ไตรมาส 2"]
