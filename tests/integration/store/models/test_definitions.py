"""Process definitions: each version once, kept whole, and listed without their drawings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from osm_flow.store.models import Deployment, ProcessDefinition
from tests.factories import NOW
from tests.integration.store.tables import keep, refused


def a_definition(deployment: Deployment, key: str = "review", version: int = 1, **more: Any) -> ProcessDefinition:
    of = {"sha256": "a" * 64, "name_th": "ร่างและตรวจ", "xml": b"<a>\x00\xff</a>", **more}
    return ProcessDefinition(deployment_id=deployment.id, key=key, version=version, **of)


def a_deployment(session: Session) -> Deployment:
    deployment = Deployment(at=NOW, actor="system")
    keep(session, deployment)
    return deployment


def test_a_version_of_a_process_is_there_once(session: Session) -> None:
    deployment = a_deployment(session)
    keep(session, a_definition(deployment, "review", 1))

    assert refused(session, a_definition(deployment, "review", 1))
    keep(session, a_definition(deployment, "review", 2))
    keep(session, a_definition(deployment, "hearing", 1))


def test_a_definition_belongs_to_a_deployment(session: Session) -> None:
    assert refused(session, ProcessDefinition(deployment_id=99, key="k", version=1, sha256="", name_th="", xml=b""))
    deployment = a_deployment(session)
    for key in ("review", "hearing"):
        keep(session, a_definition(deployment, key))
    session.expire_all()

    assert {definition.key for definition in deployment.definitions} == {"review", "hearing"}
    assert deployment.note == ""


def test_the_diagram_is_kept_byte_for_byte_and_only_read_when_asked_for(session: Session) -> None:
    keep(session, a_definition(a_deployment(session), forms='{"a": {}}'))
    session.expunge_all()

    found = session.scalars(select(ProcessDefinition)).one()

    assert {"xml", "forms", "decisions"} <= inspect(found).unloaded
    assert (found.xml, found.forms, found.decisions) == (b"<a>\x00\xff</a>", '{"a": {}}', "{}")


def test_a_definition_can_be_started_unless_it_says_otherwise(session: Session) -> None:
    keep(session, a_definition(a_deployment(session)))

    found = session.scalars(select(ProcessDefinition)).one()
    assert (found.startable, found.start_message, found.name_en) == (True, None, "")
