"""What the records of a journal are about: each object once, and what each record has to do with it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.event_log import ALWAYS, Link
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.definitions.library import latest
from osm_flow.operations.mining import objects as mining_objects
from osm_flow.operations.mining.objects import Elements, Seen
from osm_flow.operations.privacy.pseudonyms import pseudonyms
from osm_flow.store.models import ProcessDefinition, Project
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, files, make_office

MEETS = b'<camunda:property name="business_key" value="MTG"/>'


@pytest.fixture
def session(sqlite_store: Store) -> Iterator[Session]:
    """Nothing here asks the database but for definitions."""
    with sqlite_store.transaction() as opened:
        make_office(opened)
        deploy_tests(opened, "review")
        yield opened


@pytest.fixture
def definition(session: Session) -> ProcessDefinition:
    return latest(session, "review")


@pytest.fixture
def elements(session: Session, definition: ProcessDefinition) -> Elements:
    known = Elements()
    known.learn(session, [definition.id])
    return known


def case_of(definition: ProcessDefinition, id_: str = "c1", **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "id": id_,
        "definition_id": definition.id,
        "business_key": "REV-01",
        "definition_key": definition.key,
        "definition_version": definition.version,
        "office_id": "NE-U1",
        "fiscal_year": 2571,
        "province_id": None,
        "stage": "drafting",
        "state": "ACTIVE",
        "outcome": None,
        "started_at": NOW,
        "parent_id": None,
    }
    return SimpleNamespace(**{**fields, **changes})


def record_of(definition: ProcessDefinition, **changes: Any) -> Any:
    fields: dict[str, Any] = {
        "definition_sha256": definition.sha256,
        "kind": "case.commented",
        "element": None,
        "actor": "system",
        "actor_role": None,
        "on_behalf_of": None,
        "body": None,
        "item_id": None,
        "item_name_th": "ร่างแผน",
        "item_element": "draft",
        "item_stage": None,
        "item_state": "COMPLETED",
        "item_province_id": None,
        "item_due_at": None,
        "item_opened_at": "2026-11-20",
    }
    return SimpleNamespace(**{**fields, **changes})


def completed(definition: ProcessDefinition, element: str = "draft", **changes: Any) -> Any:
    fields = {"kind": "work_item.completed", "element": element, "actor": "anan", "item_id": f"t-{element}", **changes}
    return record_of(definition, **fields)


def seen(elements: Elements, *projects: Project) -> Seen:
    return Seen({project.code: project for project in projects}, str, elements)


# ---- what a record is about ------------------------------------------------------------------------------------


def test_who_completes_a_step_does_so_for_its_case_and_writes_its_document(
    definition: ProcessDefinition, elements: Elements
) -> None:
    links = seen(elements).links_of(case_of(definition), completed(definition, actor_role="osm_strategy"))

    assert links == (
        Link("case:c1", "belongs to"),
        Link("work_item:t-draft", "completes"),
        Link("person:anan:osm_strategy", "performed by"),
        Link("document:c1:plan", "writes"),
    )


def test_who_judges_a_document_decides_on_it_for_whomever_they_act(
    definition: ProcessDefinition, elements: Elements
) -> None:
    record = completed(definition, "check", on_behalf_of="boss")

    links = seen(elements).links_of(case_of(definition), record)

    assert links[1:] == (
        Link("work_item:t-check", "completes"),
        Link("person:anan", "performed by"),
        Link("person:boss", "performed for"),
        Link("document:c1:plan", "decides on"),
    )


@pytest.mark.parametrize(
    ("kind", "qualifier"),
    [
        ("work_item.claimed", "claims"),
        ("work_item.released", "releases"),
        ("work_item.delegated", "delegates"),
        ("work_item.reassigned", "reassigns"),
        ("work_item.escalated", "concerns"),
    ],
)
def test_other_acts_on_a_work_item_write_no_document(
    definition: ProcessDefinition, elements: Elements, kind: str, qualifier: str
) -> None:
    links = seen(elements).links_of(case_of(definition), completed(definition, kind=kind, actor="system"))

    assert links == (Link("case:c1", "belongs to"), Link("work_item:t-draft", qualifier))


def test_where_every_province_writes_its_own_each_is_a_document(
    definition: ProcessDefinition, elements: Elements
) -> None:
    record = completed(definition, item_province_id="TH-41")

    assert Link("document:c1:plan:TH-41", "writes") in seen(elements).links_of(case_of(definition), record)


def test_a_case_in_which_a_committee_meets_is_a_meeting_too(session: Session) -> None:
    content = files("review")
    content["review.bpmn"] = content["review.bpmn"].replace(
        b'<camunda:property name="business_key" value="REV"/>', MEETS
    )
    deploy(session, content, SYSTEM, NOW)
    definition, known = latest(session, "review"), Elements()
    known.learn(session, [definition.id])
    case = case_of(definition)

    assert Link("meeting:c1", "happens in") in seen(known).links_of(case, record_of(definition))
    (of_case, meeting) = mining_objects.of_case(case, known.process_of(case))
    assert (of_case.type, meeting.id, meeting.links) == ("case", "meeting:c1", (Link("case:c1", "is held as"),))


# ---- projects --------------------------------------------------------------------------------------------------


def project(code: str) -> Project:
    return Project(code=code, name_th="ถนน", agency_th="แขวง", fiscal_year=2571, state="signed", requested=Decimal(1))


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        ({"project": "P1"}, ["P1"]),
        ({"project": {"code": "P2", "name": "P1"}}, ["P2"]),
        ({"rows": [{"project_code": "P1"}, {"project": "P2"}, {"project": "P1"}]}, ["P1", "P2"]),
        ({"project": "P9", "note": "P1"}, []),
        ({"project": ["P1"]}, []),
        ({}, []),
    ],
)
def test_projects_are_known_by_the_names_of_their_fields(
    definition: ProcessDefinition, elements: Elements, data: Any, codes: list[str]
) -> None:
    record = record_of(definition, body=json.dumps({"data": data}))

    links = seen(elements, project("P1"), project("P2")).links_of(case_of(definition), record)

    assert links[1:] == tuple(Link(f"project:{code}", "concerns") for code in codes)


@pytest.mark.parametrize("body", [None, "not json", "[]", '{"data": 7}', '{"data":' + '{"a":' * 30 + "{}" + "}" * 31])
def test_a_payload_that_is_erased_or_none_names_no_project(
    definition: ProcessDefinition, elements: Elements, body: str | None
) -> None:
    links = seen(elements, project("P1")).links_of(case_of(definition), record_of(definition, body=body))

    assert links == (Link("case:c1", "belongs to"),)


# ---- each object once ------------------------------------------------------------------------------------------


def test_every_object_is_told_once_where_it_is_named_first(definition: ProcessDefinition, elements: Elements) -> None:
    known = seen(elements, project("P1"))
    body = json.dumps({"data": {"project": "P1"}})
    first, second = case_of(definition), case_of(definition, "c2")
    act = completed(definition, body=body)

    told = [
        [one.id for one in known.new_in(case, record)]
        for case, record in ((first, act), (first, act), (first, completed(definition, "check")), (second, act))
    ]

    assert told == [
        ["work_item:t-draft", "person:anan", "document:c1:plan", "project:P1"],
        [],
        ["work_item:t-check"],
        ["work_item:t-draft", "document:c2:plan"],
    ]


def test_objects_say_what_is_known_of_them(definition: ProcessDefinition, elements: Elements) -> None:
    record = completed(
        definition, actor_role="osm_strategy", body='{"data":{"project":"P1"}}', item_due_at="2026-12-01"
    )

    item, person, document, of_project = seen(elements, project("P1")).new_in(case_of(definition), record)

    assert (item.type, item.at, item.links) == ("work_item", "2026-11-20", (Link("case:c1", "belongs to"),))
    assert item.attributes["due_at"] == "2026-12-01"
    assert (person.type, person.at, person.attributes) == (
        "person_in_role",
        ALWAYS,
        {"person": "anan", "role": "osm_strategy"},
    )
    assert (document.type, document.attributes) == ("document", {"key": "plan", "province": ""})
    assert of_project.attributes | {"agency": ""} == {
        "name": "ถนน",
        "agency": "",
        "province": "",
        "fiscal_year": "2571",
        "state": "signed",
    }


def test_people_are_called_by_their_pseudonyms_and_the_system_by_its_name(
    definition: ProcessDefinition, elements: Elements
) -> None:
    name = pseudonyms(b"k" * 32)
    known = Seen({}, name, elements)
    links = known.links_of(case_of(definition), completed(definition, on_behalf_of="boss"))

    assert [link.object_id for link in links if link.object_id.startswith("person:")] == [
        f"person:{name('anan')}",
        f"person:{name('boss')}",
    ]
    assert "anan" not in json.dumps(
        [one.attributes for one in known.new_in(case_of(definition), completed(definition))]
    )
    assert mining_objects.person("system", name) == "system"


def test_a_called_case_is_linked_to_its_caller(definition: ProcessDefinition, elements: Elements) -> None:
    (child,) = mining_objects.of_case(case_of(definition, parent_id="c0", outcome="end"), None)

    assert child.links == (Link("case:c0", "called by"),)
    assert (child.attributes["name"], child.attributes["version"], child.attributes["outcome"]) == (
        "REV-01",
        "1",
        "end",
    )


# ---- definitions -----------------------------------------------------------------------------------------------


def test_elements_are_known_of_the_definitions_that_were_learnt(
    session: Session, definition: ProcessDefinition, elements: Elements
) -> None:
    element = elements.element_of(completed(definition))

    assert element is not None
    assert element.name == "ร่างแผน"
    assert elements.element_of(record_of(definition)) is None
    assert elements.element_of(completed(definition, "nowhere")) is None
    assert Elements().process_of(case_of(definition)) is None
    elements.learn(session, [])


def test_a_definition_that_cannot_be_read_leaves_its_elements_without_names(
    session: Session, definition: ProcessDefinition
) -> None:
    deploy_tests(session, "callee")
    broken = latest(session, "callee")
    broken.xml = b"no diagram"
    broken.sha256 = "f" * 64
    session.flush()
    known = Elements()

    known.learn(session, [definition.id, broken.id])

    assert known.process_of(case_of(broken)) is None
    assert known.element_of(completed(broken)) is None
    assert known.process_of(case_of(definition)) is not None
