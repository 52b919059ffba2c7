"""`osm-flow process`: definitions are deployed all of them or none, and listed. `process simulate` has its own tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from osm_flow.operations.definitions.deployments import shipped_files
from osm_flow.store.models import Deployment
from tests.factories import BPMN
from tests.integration.cli.shell import Shell

FORMS = (BPMN / "note.yaml", BPMN / "decision.yaml")


def test_processes_are_deployed_and_listed(shell: Shell) -> None:
    done = shell.json("process", "deploy", BPMN / "review.bpmn", *FORMS)
    again = shell.json("process", "deploy", BPMN / "review.bpmn", *FORMS)

    assert [(one["key"], one["version"]) for one in done["deployed"]] == [("review", 1)]
    assert (again["deployed"], again["unchanged"]) == ([], ["review"])
    listed = shell.json("process", "list")
    assert ([item["key"] for item in listed["items"]], listed["next"]) == (["review"], None)


def test_a_changed_process_becomes_the_next_version(shell: Shell, tmp_path: Path) -> None:
    shell.json("process", "deploy", BPMN / "review.bpmn", *FORMS)
    changed = tmp_path / "review.bpmn"
    changed.write_text((BPMN / "review.bpmn").read_text("utf-8").replace("ตรวจร่าง", "ตรวจร่างแผน"), "utf-8")

    told = shell.run("process", "deploy", changed, *FORMS)

    assert told.stdout == "review version 2\n"
    assert shell.run("process", "deploy", changed, *FORMS).stdout == "nothing changed\n"
    assert [item["version"] for item in shell.json("process", "list")["items"]] == [2]
    assert shell.run("process", "list").stdout.split() == ["review", "2", "ร่างและตรวจ"]


def test_what_ships_is_deployed_by_one_word(shell: Shell) -> None:
    done = shell.json("process", "deploy", "--shipped", "--note", "ครั้งแรก")

    diagrams = {name.removesuffix(".bpmn") for name in shipped_files() if name.endswith(".bpmn")}
    assert {one["key"] for one in done["deployed"]} == diagrams
    (record,) = shell.json("audit", "administration")["items"]
    assert (record["kind"], record["actor"]) == ("definitions.deployed", "system")
    with shell.store.reading() as session:
        assert session.scalars(select(Deployment.note)).all() == ["ครั้งแรก"]


def test_a_refused_deployment_explains_and_ends_with_1(shell: Shell) -> None:
    result = shell.run("process", "deploy", BPMN / "review.bpmn")

    assert result.exit_code == 1
    assert "draft" in result.stderr
    assert shell.json("process", "list")["items"] == []


def test_of_several_diagrams_all_are_deployed_or_none(shell: Shell, tmp_path: Path) -> None:
    bad = tmp_path / "bad.bpmn"
    bad.write_text("<a/>", "utf-8")

    result = shell.run("process", "deploy", BPMN / "review.bpmn", *FORMS, bad)

    assert (result.exit_code, result.stdout) == (1, "")
    assert shell.json("process", "list")["items"] == []


@pytest.mark.parametrize("wrong", [(), ("--shipped", __file__), ("no-such-file.bpmn",)])
def test_files_or_what_ships_is_named(shell: Shell, wrong: tuple[str, ...]) -> None:
    result = shell.run("process", "deploy", *wrong)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
