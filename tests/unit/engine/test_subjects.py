"""What a work item or a child case is about: said by the diagram, else what it is repeated over."""

from __future__ import annotations

import pytest

from tests.unit.engine.diagrams import (
    Case,
    call,
    compiled,
    diagram,
    document,
    end,
    faults,
    flows,
    manual,
    many,
    plain_sub,
    process,
    properties,
    start,
    user,
)

ROAD, BRIDGE = {"code": "P-1", "name": "ถนน"}, {"code": "P-2", "name": "สะพาน"}


def around(node: str) -> bytes:
    return diagram(start(), node, end(), flows("s > a > e"))


def about(case: Case) -> list[str]:
    return sorted(one.subject for one in case.newest.waiting)


@pytest.mark.parametrize(
    ("text", "data", "subject"),
    [
        ("${project['name']}", {"project": ROAD}, "ถนน"),
        ("${province}", {"province": "TH-41"}, "TH-41"),
        ("${project['name']} · ${var('note', '')}", {"project": ROAD}, "ถนน"),
        ("วาระพิเศษ", {}, "วาระพิเศษ"),
        ("${project['name']}", {}, ""),
        ("${project['name']}", {"project": None}, ""),
        ("${null}", {}, ""),
    ],
)
def test_the_diagram_says_it(text: str, data: dict[str, object], subject: str) -> None:
    case = Case(around(user("a", properties(subject=text))), data)

    assert case.waiting("a").subject == subject
    case.complete("a")
    assert case.ended()


def test_instances_are_told_apart_by_what_they_are_for() -> None:
    codes = Case(around(user("a", many("provinces", item="province"))), {"provinces": ["TH-41", "TH-43"]})
    assert about(codes) == ["TH-41", "TH-43"]

    objects = Case(around(manual("a", many("projects", item="project"))), {"projects": [ROAD, BRIDGE]})
    assert about(objects) == ["ถนน", "สะพาน"]

    counted = Case(around(manual("a", many(number="2"))))
    assert about(counted) == ["1/2", "2/2"]

    nameless = Case(around(manual("a", many("rows", item="row"))), {"rows": [{"x": 1}, {"x": 2}]})
    assert about(nameless) == ["1/2", "2/2"]


def test_the_property_goes_before_what_the_task_is_repeated_over() -> None:
    node = user("a", properties(subject="${project['code']}"), many("projects", item="project"))

    assert about(Case(around(node), {"projects": [ROAD, BRIDGE]})) == ["P-1", "P-2"]


def test_a_property_that_cannot_be_worked_out_leaves_the_usual_one() -> None:
    node = user("a", properties(subject="${nothing['name']}"), many("projects", item="project"))

    assert about(Case(around(node), {"projects": [ROAD]})) == ["ถนน"]


def test_repetition_within_repetition_names_both_from_outside_in() -> None:
    inner = plain_sub("b", many(number="2"), body="x")
    outer = f'<bpmn:subProcess id="a">{many("provinces", item="province")}{start("i")}{inner}{end("j")}{flows("i > b > j")}</bpmn:subProcess>'
    case = Case(around(outer), {"provinces": ["TH-41", "TH-43"]})

    assert about(case) == ["TH-41 · 1/2", "TH-41 · 2/2", "TH-43 · 1/2", "TH-43 · 2/2"]
    case.complete("x", 0)
    assert len(about(case)) == 3


def test_a_child_case_is_about_what_its_call_is_repeated_over() -> None:
    mapping = '<bpmn:extensionElements><camunda:in source="province" target="where"/></bpmn:extensionElements>'
    case = Case(around(call("a", mapping, many("provinces", item="province"))), {"provinces": ["TH-41", "TH-43"]})

    assert about(case) == ["TH-41", "TH-43"]


def test_what_only_waits_has_no_subject() -> None:
    catch = '<bpmn:intermediateCatchEvent id="a"><bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>'

    assert about(Case(around(catch))) == [""]


def test_a_process_says_what_its_cases_are_about() -> None:
    xml = document(process(properties(subject="${project['name']}"), start(), manual("a"), end(), flows("s > a > e")))

    assert compiled(xml).subject_of({"project": ROAD}) == "ถนน"
    assert compiled(xml).subject_of({}) == ""
    assert compiled(around(manual("a"))).subject_of({"project": ROAD}) == ""


def test_a_wrong_expression_is_refused_at_deployment() -> None:
    of_task = faults(around(user("a", properties(subject="${f(x)}"))))
    of_process = faults(document(process(properties(subject="${f(x)}"), start(), end(), flows("s > e"))))

    assert [(fault.element, fault.code) for fault in of_task] == [("a", "expression")]
    assert [(fault.element, fault.code) for fault in of_process] == [("p", "expression")]
