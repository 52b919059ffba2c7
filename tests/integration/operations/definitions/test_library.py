"""Finding process definitions: the newest of each, all of one, those that a message begins."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.definitions.library import (
    DefinitionNotFound,
    compiled,
    latest,
    list_definitions,
    started_by_message,
    versions_of,
)
from tests.factories import deploy_tests, files, later


def deploy_changed(session: Session, key: str, old: bytes, new: bytes) -> None:
    """One more version of a test diagram."""
    content = files(key)
    content[f"{key}.bpmn"] = content[f"{key}.bpmn"].replace(old, new)
    deploy(session, content, SYSTEM, later())


def test_the_newest_version_is_the_one_that_begins(session: Session) -> None:
    deploy_tests(session, "review", "callee")
    first = latest(session, "review")
    deploy_changed(session, "review", "ร่างแผน".encode(), "ร่างใหม่".encode())

    assert (first.version, latest(session, "review").version) == (1, 2)
    assert [one.version for one in versions_of(session, "review")] == [2, 1]
    assert [(one.key, one.version) for one in list_definitions(session)] == [("callee", 1), ("review", 2)]


def test_what_is_not_there_is_not_found(session: Session) -> None:
    with pytest.raises(DefinitionNotFound):
        latest(session, "review")
    with pytest.raises(DefinitionNotFound):
        versions_of(session, "review")
    assert list_definitions(session) == []


def test_those_that_people_begin_by_hand_are_told_from_the_others(session: Session) -> None:
    deploy_tests(session, "review", "callee")

    assert [one.key for one in list_definitions(session, startable=True)] == ["review"]
    assert [one.key for one in list_definitions(session, startable=False)] == ["callee"]
    deploy_changed(session, "review", b'name="startable" value="true"', b'name="startable" value="false"')
    assert list_definitions(session, startable=True) == []


def test_a_message_begins_the_newest_version_only(session: Session) -> None:
    deploy_tests(session, "listening", "review")

    assert [one.key for one in started_by_message(session, "msg.answer")] == ["listening"]
    assert started_by_message(session, "msg.other") == []
    deploy_changed(session, "listening", b"msg.answer", b"msg.other")
    assert started_by_message(session, "msg.answer") == []
    assert [one.version for one in started_by_message(session, "msg.other")] == [2]


def test_each_version_is_ready_with_its_own_content(session: Session) -> None:
    deploy_tests(session, "review")
    first = latest(session, "review")
    deploy_changed(session, "review", "ร่างแผน".encode(), "ร่างใหม่".encode())
    second = latest(session, "review")

    assert [compiled(session, one).elements["draft"].name for one in (first, second)] == ["ร่างแผน", "ร่างใหม่"]
    assert compiled(session, first) is compiled(session, first)
    assert compiled(session, first).forms["note"]["title"] == "บันทึก"
