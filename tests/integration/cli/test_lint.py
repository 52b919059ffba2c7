"""`osm-flow process lint`: the same files as `deploy`, the same verdict, each fault once and at its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from osm_flow.cli import root
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.engine import DefinitionRefused
from osm_flow.operations.definitions.deployments import NothingToDeploy, deploy
from osm_flow.resources import resource_dir
from osm_flow.store.session import Store
from tests.factories import NOW
from tests.unit.engine.diagrams import (
    around,
    call,
    diagram,
    document,
    element,
    end,
    flows,
    process,
    properties,
    start,
    user,
    xor,
)
from tests.unit.engine.test_decisions import table

FORM = (
    b"title: {th: x, en: x}\ntype: object\nproperties:\n  note: {type: string, title: {th: x, en: x}, maxLength: 20}\n"
)
RULE = element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r")
MAIN = around(user("a", c_formKey="shown"), RULE, path="s > a > d > e")


def written(folder: Path, files: dict[str, bytes]) -> list[str]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [str(folder / name) for name in files]


def linted(folder: Path, files: dict[str, bytes], *options: str) -> Result:
    return CliRunner().invoke(root, ["process", "lint", *written(folder, files), *options])


def items(result: Result) -> list[tuple[str, str, str]]:
    found: list[dict[str, Any]] = json.loads(result.stdout)["items"]
    return [(item["file"], item["element"], item["code"]) for item in found]


ALONE = document(process(start(), end(), flows("s > e")))
SETS: dict[str, dict[str, bytes]] = {
    "one process in two files": {"p.bpmn": ALONE, "again.bpmn": ALONE},
    "another process of the same id": {"p.bpmn": ALONE, "again.bpmn": around(user("a", c_formKey="shown")), "shown.yaml": FORM},
    "whole": {"p.bpmn": MAIN, "D.dmn": table((["1"], ["1"])), "shown.yaml": FORM},
    "broken table": {"p.bpmn": MAIN, "D.dmn": table((["f(x)"], ["1"])), "shown.yaml": FORM},
    "broken form": {"p.bpmn": MAIN, "D.dmn": table((["1"], ["1"])), "shown.yaml": b"x: ["},
    "form in another encoding": {"p.bpmn": MAIN, "D.dmn": table((["1"], ["1"])), "shown.yaml": "title: ก".encode("cp874")},
    "table that nobody uses": {
        "p.bpmn": around(user("a", c_formKey="shown")),
        "shown.yaml": FORM,
        "other.dmn": table((["f(x)"], ["1"])),
    },
    "no table": {"p.bpmn": MAIN, "shown.yaml": FORM},
    "a picture": {"p.bpmn": around(user("a", c_formKey="shown")), "shown.yaml": FORM, "p.png": b"x"},
    "two that call each other": {
        "p.bpmn": document(process(start(), call("a", called="q"), end(), flows("s > a > e"))),
        "q.bpmn": document(process(start(), call("b", called="p"), end(), flows("s > b > e"), key="q")),
    },
    "two that call each other with a way out": {
        "p.bpmn": document(process(start(), call("a", called="q"), end(), flows("s > a > e"))),
        "q.bpmn": document(
            process(start(), xor("g", "e"), call("b", called="p"), end(), flows("s > g; g > b [x]; g > e; b > e"), key="q")
        ),
    },
    "apart from a task of nobody": {
        "p.bpmn": around(user("a", properties(separate_from="nope"), c_formKey="shown")), "shown.yaml": FORM,
    },
    "apart from a task of the other file": {
        "p.bpmn": around(user("draft"), call("a", called="q"), path="s > draft > a > e").replace(b'"f"', b'"shown"'),
        "q.bpmn": document(process(start(), user("b", properties(separate_from="draft"), c_formKey="shown"), end(), flows("s > b > e"), key="q")),
        "shown.yaml": FORM,
    },
    "table in another encoding": {"p.bpmn": MAIN, "D.dmn": table((["1"], ["1"])).replace(b'UTF-8', b'windows-874').decode().encode("cp874"), "shown.yaml": FORM},
    "table that is no XML": {"p.bpmn": MAIN, "D.dmn": b"hello", "shown.yaml": FORM},
    "table of two processes that is no XML": {
        "p.bpmn": around(RULE, path="s > d > e"), "q.bpmn": document(process(start(), RULE, end(), flows("s > d > e"), key="q")), "D.dmn": b"hello",
    },
    "diagram that is no XML": {"p.bpmn": b"hello"},
    "diagram in another encoding": {"p.bpmn": ALONE.replace(b"UTF-8", b"windows-874").replace(b'id="s"', 'id="s" name="ก"'.encode("cp874"))},
    "diagram that is no XML beside one that is right": {"p.bpmn": ALONE, "q.bpmn": b"hello"},
    "diagram that is no XML and is called": {
        "p.bpmn": document(process(start(), call("a", called="q"), end(), flows("s > a > e"))), "q.bpmn": b"hello",
    },
    "process that cannot be run and is called": {
        "p.bpmn": document(process(start(), call("a", called="q"), end(), flows("s > a > e"))),
        "q.bpmn": document(process(start(), end(), flows("s > e"), key="q").replace('"true"', '"TRUE"')),
    },
    "form that is not there": {"p.bpmn": around(user("a", c_formKey="nowhere"))},
    "empty files": {"p.bpmn": b"", "shown.yaml": b"", "D.dmn": b""},
    "unknown ladder": {"p.bpmn": around(user("a", properties(escalation="x"), c_formKey="shown")), "shown.yaml": FORM},
    "unknown role": {"p.bpmn": around(user("a", c_formKey="shown", c_candidateGroups="sales")), "shown.yaml": FORM},
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_lint_and_deploy_agree(name: str, tmp_path: Path, sqlite_store: Store) -> None:
    result = linted(tmp_path, SETS[name])
    refused: list[Any] = []
    try:
        with sqlite_store.transaction() as session:
            deploy(session, SETS[name], SYSTEM, NOW)
    except DefinitionRefused as refusal:
        refused = refusal.problems

    assert result.exit_code == (1 if refused else 0), result.output
    told = items(linted(tmp_path, SETS[name], "--json"))
    assert sorted((element, code) for _, element, code in told) == sorted((p.element, p.code) for p in refused)
    assert len(told) <= (3 if name == "empty files" else 1)


def test_a_fault_is_told_of_the_file_in_which_it_lies(tmp_path: Path) -> None:
    assert items(linted(tmp_path, SETS["broken table"], "--json")) == [("D.dmn", "r0", "expression")]
    assert items(linted(tmp_path, SETS["broken form"], "--json")) == [("shown.yaml", "shown", "form")]


def test_the_words_name_what_is_drawn(tmp_path: Path) -> None:
    xml = diagram(start(), element("scriptTask", "a", name="คำนวณ"), end(), flows("s > a > e"))
    result = linted(tmp_path, {"p.bpmn": xml})
    assert "p.bpmn: error: “คำนวณ” (a): " in result.stderr
    assert json.loads(linted(tmp_path, {"p.bpmn": xml}, "--json").stdout)["items"][0]["name"] == "คำนวณ"


def test_a_form_named_together_comes_before_one_beside(tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "shown.yaml").write_bytes(b"type: 5")
    assert linted(tmp_path, SETS["whole"]).exit_code == 0


def test_all_that_ships_is_without_a_word(tmp_path: Path) -> None:
    folders = (resource_dir("bpmn"), resource_dir("forms"))
    files = [str(p) for f in folders for p in sorted(f.iterdir()) if p.suffix in (".bpmn", ".dmn", ".yaml")]
    result = CliRunner().invoke(root, ["process", "lint", *files])
    assert (result.exit_code, result.output) == (0, "")


def test_tables_and_forms_alone_may_be_checked_though_there_is_nothing_to_deploy(
    tmp_path: Path, sqlite_store: Store
) -> None:
    files = {"D.dmn": table((["1"], ["1"])), "shown.yaml": FORM}
    assert linted(tmp_path, files).exit_code == 0
    with sqlite_store.transaction() as session, pytest.raises(NothingToDeploy):
        deploy(session, files, SYSTEM, NOW)


def test_a_process_in_two_files_is_told_with_both(tmp_path: Path, store: Store) -> None:
    files = {"p.bpmn": ALONE, "again.bpmn": ALONE.replace(b"<bpmn:startEvent", b"<!-- x --><bpmn:startEvent", 1)}
    result = linted(tmp_path, files)
    assert result.exit_code == 1
    assert "the process p is in several files, p.bpmn / again.bpmn" in result.stderr
    with store.transaction() as session, pytest.raises(DefinitionRefused) as refused:
        deploy(session, files, SYSTEM, NOW)
    assert [problem.code for problem in refused.value.problems] == ["same_process"]


def test_files_of_one_name_are_told_and_a_file_named_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    here, there = written(tmp_path, {"shown.yaml": FORM}), written(tmp_path / "other", {"shown.yaml": FORM})
    result = CliRunner().invoke(root, ["process", "lint", *here, *there])
    assert (result.exit_code, "2 files are called shown.yaml" in result.stderr) == (1, True)
    result = CliRunner().invoke(root, ["process", "lint", *here, *here])
    assert (result.exit_code, result.stderr.count("there is no .bpmn file")) == (0, 1)


def test_a_process_that_only_lies_beside_is_warned_of(tmp_path: Path) -> None:
    written(tmp_path, {"q.bpmn": document(process(start(), end(), flows("s > e"), key="q"))})
    result = linted(tmp_path, {"p.bpmn": document(process(start(), call("a", called="q"), end(), flows("s > a > e")))})
    assert result.exit_code == 0
    assert "the process q is in q.bpmn, which was not given" in result.stderr


def test_forms_and_tables_that_only_lie_beside_are_warned_of_once(tmp_path: Path, sqlite_store: Store) -> None:
    written(tmp_path, {"D.dmn": table((["1"], ["1"])), "shown.yaml": FORM})
    result = linted(tmp_path, {"p.bpmn": MAIN})
    assert result.exit_code == 0
    (line,) = result.stderr.strip().splitlines()
    assert "D.dmn, shown.yaml" in line
    with sqlite_store.transaction() as session, pytest.raises(DefinitionRefused) as refused:
        deploy(session, {"p.bpmn": MAIN}, SYSTEM, NOW)
    assert {problem.code for problem in refused.value.problems} == {"missing_form", "no_decision"}
    assert linted(tmp_path, SETS["whole"]).stderr == ""
