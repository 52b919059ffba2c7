"""A diagram on disk finds what lies around it: forms, decision tables, and the processes that it calls."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from osm_flow.cli.diagram_files import DiagramFile, NoSuchProcess, UnreadableForm
from osm_flow.engine import DefinitionRefused
from osm_flow.resources import resource_dir
from tests.unit.engine.diagrams import call, diagram, document, element, end, flows, process, start, user
from tests.unit.engine.test_decisions import table

FORM = """
title: {title}
x-en: {{title: Note}}
type: object
properties:
  note: {{type: string, title: ข้อความ, x-en: {{title: Note}}, maxLength: 20}}
"""
ASKING = diagram(start(), user("a", c_formKey="memo"), end(), flows("s > a > e"))
DECIDING = diagram(
    start(), element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="x"), end(), flows("s > d > e")
)
CALLING = document(process(start(), call("c", called="other"), end(), flows("s > c > e")))


def other(key: str) -> bytes:
    return document(process(start(), user("a", c_formKey="memo"), end(), flows("s > a > e"), key=key))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the diagrams, with room for others beside it."""
    made = tmp_path / "drawings"
    made.mkdir()
    return made


def drawn(folder: Path, xml: bytes, name: str = "p.bpmn") -> DiagramFile:
    (folder / name).write_bytes(xml)
    return DiagramFile(folder / name)


def put_form(folder: Path, title: str, key: str = "memo") -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{key}.yaml").write_text(FORM.format(title=title), "utf-8")


def codes(file: DiagramFile) -> set[str]:
    return {problem.code for problem in file.problems() if problem.level == "error"}


# ---- forms -----------------------------------------------------------------------------------------------------


def test_a_form_is_taken_from_the_nearest_place(folder: Path) -> None:
    for title, place in (("ชั้นบน", folder.parent / "forms"), ("ข้าง", folder / "forms"), ("ที่นี่", folder)):
        put_form(place, title)
        assert drawn(folder, ASKING).forms["memo"]["title"] == title


def test_a_form_that_lies_nowhere_near_is_one_of_those_shipped(folder: Path) -> None:
    xml = diagram(start(), user("a", c_formKey="approval"), end(), flows("s > a > e"))
    shipped = yaml.safe_load((resource_dir("forms") / "approval.yaml").read_text("utf-8"))

    assert drawn(folder, xml).forms["approval"]["title"] == shipped["title"]
    assert codes(drawn(folder, xml)) == set()


def test_a_form_that_is_missing_is_a_finding(folder: Path) -> None:
    file = drawn(folder, ASKING)

    assert file.forms == {}
    assert [problem.element for problem in file.problems() if problem.level == "error"] == ["a"]
    with pytest.raises(DefinitionRefused):
        file.process("p")


def test_a_form_is_not_looked_for_outside_the_folders(folder: Path) -> None:
    put_form(folder.parent, "อื่น", "secret")

    for key in ("../secret", "/etc/passwd", "a b", "x" * 65):
        xml = diagram(start(), user("a", c_formKey=key), end(), flows("s > a > e"))
        assert drawn(folder, xml).forms == {}, key


def test_a_form_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "memo.yaml").write_text("properties: 5", "utf-8")

    with pytest.raises(UnreadableForm, match=r"memo\.yaml"):
        drawn(folder, ASKING).problems()


# ---- decisions -------------------------------------------------------------------------------------------------


def test_a_decision_lies_beside_the_diagram_or_in_its_folder_of_diagrams(folder: Path) -> None:
    assert codes(drawn(folder, DECIDING)) != set()
    (folder / "bpmn").mkdir()
    (folder / "bpmn" / "D.dmn").write_bytes(table((["1"], ["1"]), inputs="1"))
    assert drawn(folder, DECIDING).decisions.keys() == {"D"}
    assert codes(drawn(folder, DECIDING)) == set()

    nearer = table((["2"], ["2"]), inputs="1")
    (folder / "D.dmn").write_bytes(nearer)
    assert drawn(folder, DECIDING).decisions == {"D": nearer}


# ---- the processes around --------------------------------------------------------------------------------------


def test_a_called_process_is_found_in_the_files_beside(folder: Path) -> None:
    put_form(folder, "ก")
    assert codes(drawn(folder, CALLING)) != set()

    drawn(folder, other("other"), "other.bpmn")
    file = drawn(folder, CALLING)

    assert codes(file) == set()
    assert file.process("other").key == "other"
    assert file.process("other") is file.process("other"), "compiled once"


def test_files_beside_that_cannot_be_read_are_in_nobodys_way(folder: Path) -> None:
    put_form(folder, "ก")
    drawn(folder, b"<a", "broken.bpmn")
    drawn(folder, other("other"), "other.bpmn")

    assert drawn(folder, CALLING).beside.keys() == {"other"}


def test_a_diagram_is_not_beside_itself(folder: Path) -> None:
    put_form(folder, "ก")

    assert drawn(folder, ASKING).beside == {}


def test_a_process_that_is_nowhere_is_said(folder: Path) -> None:
    put_form(folder, "ก")

    with pytest.raises(NoSuchProcess, match="no process elsewhere in the file or beside it"):
        drawn(folder, ASKING).process("elsewhere")


def test_what_is_no_diagram_is_a_finding(folder: Path) -> None:
    assert codes(drawn(folder, b"no xml")) != set()
    with pytest.raises(DefinitionRefused):
        _ = drawn(folder, b"no xml").diagram
