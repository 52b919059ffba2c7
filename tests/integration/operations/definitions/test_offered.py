"""What a diagram may name outside its file: it is found among the files that come with it and among what is stored."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.engine import DefinitionRefused
from osm_flow.operations.background.reminders import ladder
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.definitions.offered import ladder_names
from tests.factories import NOW
from tests.unit.engine.diagrams import call, document, element, end, flows, process, properties, start


def task(**named: str) -> str:
    return element("manualTask", "t", properties(**named), c_candidateGroups="osm_me")


MOTHER = document(
    process(
        start(),
        element("manualTask", "draft", properties(document="plan"), c_candidateGroups="osm_strategy"),
        call("c", called="child"),
        end(),
        flows("s > draft > c > e"),
        key="mother",
    )
)
CHILD = document(process(start(), task(separate_from="draft", approves="plan"), end(), flows("s > t > e"), key="child"))


def child(**named: str) -> dict[str, bytes]:
    return {"child.bpmn": document(process(start(), task(**named), end(), flows("s > t > e"), key="child"))}


def refused(session: Session, files: dict[str, bytes]) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionRefused) as caught:
        deploy(session, files, SYSTEM, NOW)
    return [(problem.element, problem.code) for problem in caught.value.problems]


def test_tasks_and_documents_of_the_family_may_be_named_when_they_come_together(session: Session) -> None:
    assert refused(session, {"child.bpmn": CHILD}) == [("t", "separate_from"), ("t", "approves")]
    assert len(deploy(session, {"mother.bpmn": MOTHER, "child.bpmn": CHILD}, SYSTEM, NOW).definitions) == 2


def test_tasks_and_documents_of_the_family_may_be_named_when_they_are_stored(session: Session) -> None:
    deploy(session, {"mother.bpmn": MOTHER, **child()}, SYSTEM, NOW)

    (changed,) = deploy(session, {"child.bpmn": CHILD}, SYSTEM, NOW).definitions
    assert (changed.key, changed.version) == ("child", 2)
    assert refused(session, child(separate_from="darft")) == [("t", "separate_from")]


def test_every_ladder_that_may_be_named_has_rungs(session: Session) -> None:
    assert {"standard", "external_deadline"} <= set(ladder_names())
    assert all(ladder(name) for name in ladder_names())
    assert refused(session, child(escalation="nope")) == [("t", "property")]
    assert refused(session, {**child(), "child.bpmn": child(escalation="")["child.bpmn"]}) == [("t", "property")]


def test_a_province_that_no_cluster_has_is_refused(session: Session) -> None:
    xml = child()["child.bpmn"].replace(b'"osm_me"', b'"province_planner@TH-99"')
    assert refused(session, {"child.bpmn": xml}) == [("t", "unknown_province")]
