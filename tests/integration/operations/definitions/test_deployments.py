"""What is deployed is checked as a whole, stored once and never changed."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.engine import DefinitionRefused
from osm_flow.operations.definitions.deployments import NothingToDeploy, TwoPeopleNeeded, check, deploy, shipped_files
from osm_flow.operations.definitions.library import compiled, latest, list_definitions, versions_of
from osm_flow.store.models import Deployment, ProcessDefinition
from tests.factories import BPMN, NOW, files, later, make_case, make_office, make_person


def test_a_deployment_keeps_what_the_diagram_needs(session: Session) -> None:
    done = deploy(session, files("review"), SYSTEM, NOW, note="แรก")

    (definition,) = done.definitions
    assert (definition.key, definition.version, definition.name_th, definition.startable) == (
        "review",
        1,
        "ร่างและตรวจ",
        True,
    )
    assert set(compiled(session, definition).forms) == {"note", "decision"}
    assert (done.unchanged, done.deployment and done.deployment.note) == ([], "แรก")


def test_the_same_content_makes_no_new_version(session: Session) -> None:
    deploy(session, files("review", "callee"), SYSTEM, NOW)

    again = deploy(session, files("review", "callee"), SYSTEM, later())

    assert (again.deployment, again.definitions, sorted(again.unchanged)) == (None, [], ["callee", "review"])
    assert session.scalar(select(func.count()).select_from(Deployment)) == 1


def test_a_changed_form_makes_a_new_version_and_running_cases_keep_theirs(session: Session) -> None:
    make_office(session)
    deploy(session, files("review"), SYSTEM, NOW)
    case = make_case(session)
    content = files("review")
    content["note.yaml"] = content["note.yaml"].replace(b"maxLength: 20000", b"maxLength: 10000")

    deploy(session, content, SYSTEM, later())

    assert latest(session, "review").version == 2
    assert [one.version for one in versions_of(session, "review")] == [2, 1]
    assert case.definition.version == 1
    assert compiled(session, case.definition).forms["note"]["properties"]["text"]["maxLength"] == 20000


def test_a_diagram_alone_takes_its_forms_from_its_newest_version(session: Session) -> None:
    deploy(session, files("review"), SYSTEM, NOW)
    changed = (BPMN / "review.bpmn").read_bytes().replace("ร่างแผน".encode(), "ร่างแผนใหม่".encode())

    done = deploy(session, {"review.bpmn": changed}, SYSTEM, later())

    assert set(compiled(session, done.definitions[0]).forms) == {"note", "decision"}


def test_a_message_start_is_known(session: Session) -> None:
    (definition,) = deploy(session, files("listening"), SYSTEM, NOW).definitions

    assert (definition.start_message, definition.startable) == ("msg.answer", False)


REVIEW = (BPMN / "review.bpmn").read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "element"),
    [
        ("review.bpmn", b"not xml", None),
        ("review.bpmn", b'<!DOCTYPE x [<!ENTITY e "x">]>' + REVIEW.partition(b"?>")[2], None),
        ("review.bpmn", REVIEW.replace(b"bpmn:userTask", b"bpmn:scriptTask"), "draft"),
        ("review.bpmn", REVIEW.replace(b'formKey="note"', b'formKey="missing"'), "draft"),
        ("review.bpmn", REVIEW.replace(b"approved == true", b"__import__('os')"), None),
        ("note.yaml", b"&a [*a]", "note"),
        ("note.yaml", b"\xff\xfe\x00", "note"),
        ("note.yaml", b"x" * 1_000_001, "note"),
        ("note.yaml", b"type: string", "note"),
        ("note.yaml", b"a: " + b"[" * 450_000 + b"]" * 450_000, "note"),
        ("note.yaml", b"- " * 400_000, "note"),
        ("notes.txt", b"x", ""),
        ("table.dmn", b"\xff\xff", "table"),
    ],
)
def test_one_fault_refuses_everything(session: Session, name: str, content: bytes, element: str | None) -> None:
    with pytest.raises(DefinitionRefused) as caught:
        deploy(session, files("review", "callee") | {name: content}, SYSTEM, NOW)

    assert all(problem.th and problem.en for problem in caught.value.problems)
    if element is not None:
        assert element in {problem.element for problem in caught.value.problems}
    assert session.scalar(select(func.count()).select_from(ProcessDefinition)) == 0


def test_a_call_to_nowhere_is_refused(session: Session) -> None:
    with pytest.raises(DefinitionRefused) as caught:
        deploy(session, files("caller"), SYSTEM, NOW)

    assert "call" in {problem.element for problem in caught.value.problems}
    assert deploy(session, files("caller", "callee"), SYSTEM, NOW).definitions


def test_forms_alone_are_nothing_to_deploy(session: Session) -> None:
    with pytest.raises(NothingToDeploy):
        deploy(session, files(), SYSTEM, NOW)


def test_nobody_deploys_alone(session: Session) -> None:
    make_office(session)

    for person in (make_person(session, "boss", "osm_director"), make_person(session, "root", "admin", office_id=None)):
        with pytest.raises(TwoPeopleNeeded):
            deploy(session, files("review"), person, NOW)


def test_the_list_has_the_newest_of_each(session: Session) -> None:
    deploy(session, files("review", "callee"), SYSTEM, NOW)
    changed = (BPMN / "review.bpmn").read_bytes().replace("ร่างแผน".encode(), "ร่าง".encode())
    deploy(session, files() | {"review.bpmn": changed}, SYSTEM, NOW)

    assert [(one.key, one.version) for one in list_definitions(session)] == [("callee", 1), ("review", 2)]
    assert [one.key for one in list_definitions(session, startable=True)] == ["review"]


def test_checking_needs_no_database() -> None:
    assert check(files("review")) == []
    assert check(files("review") | {"note.yaml": b"type: string"})[0].element == "note"


def test_shipped_files_are_found_by_name() -> None:
    assert all(name.rpartition(".")[2] in {"bpmn", "dmn", "yaml"} for name in shipped_files())


def test_a_new_process_at_the_address_of_a_page_is_refused(session: Session) -> None:
    """`/definitions/proposals` is the page of what offices propose."""
    shadowed = {
        name: content.replace(b'"review"', b'"proposals"') if name.endswith(".bpmn") else content
        for name, content in files("review").items()
    }

    with pytest.raises(DefinitionRefused) as refused:
        deploy(session, shadowed, SYSTEM, NOW)

    assert [problem.code for problem in refused.value.problems] == ["reserved_id"]
    assert "reserved_id" in {problem.code for problem in check(shadowed)}
