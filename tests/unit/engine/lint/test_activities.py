"""The linter on activities: forms, topics, decisions, calls and repetition."""

from __future__ import annotations

import pytest

from tests.unit.engine.diagrams import (
    Refusals,
    again,
    around,
    call,
    catch,
    diagram,
    document,
    each,
    element,
    end,
    extended,
    faults,
    flows,
    manual,
    many,
    on,
    plain_sub,
    process,
    properties,
    refused,
    service,
    start,
    throw,
    user,
)
from tests.unit.engine.test_decisions import table

D = {"c_decisionRef": "D", "c_resultVariable": "r"}
OUTPUT = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="x">{}</bpmn:multiInstanceLoopCharacteristics>'
LISTED = "<bpmn:loopDataOutputRef>y</bpmn:loopDataOutputRef>"
TABLES = {"D": table((["1"], ["1"])), "broken": table((["f(x)"], ["1"]))}

REFUSED: Refusals = {
    ("b", "event_subprocess"): {
        "event subprocess": around(manual("a"), plain_sub("b", body="c", triggeredByEvent="true")),
    },
    ("a", "no_message"): {
        "receive without message": around(element("receiveTask", "a")),
        "send without message": around(element("sendTask", "a")),
    },
    ("a", "no_form"): {
        "user task without form": around(element("userTask", "a")),
    },
    ("a", "missing_form"): {
        "missing form": around(user("a", c_formKey="nobody")),
        "missing form of a message": around(catch("a", properties(form="nobody"), on("message", "hi"))),
    },
    ("s", "missing_form"): {
        "missing start form": diagram(element("startEvent", "s", c_formKey="nobody"), end(), flows("s > e")),
    },
    ("a", "expression"): {
        "due date that calls": around(user("a", c_dueDate="now()")),
        "assignee that calls": around(user("a", c_assignee="${boss.name}")),
        "candidates that call": around(user("a", c_candidateGroups="b, ${f(x)}")),
        "property that calls": around(manual("a", properties(subject="x ${f(y)}"))),
        "property that is not closed": around(manual("a", properties(subject="x ${y"))),
        "empty expression": around(manual("a", properties(subject="x ${}"))),
        "payload that calls": around(throw("a", properties(payload="f(x)"), on("message", "hi"))),
        "mapping that calls": around(call("a", extended('<camunda:in sourceExpression="f(x)" target="y"/>'))),
        "instances that call": around(manual("a", many("f(x)"))),
        "completion that calls": around(manual("a", many("x", until="f(x)"))),
        "loop that calls": around(manual("a", again("f(x)"))),
    },
    ("a", "fixed_date"): {
        "due date that is drawn": around(user("a", c_dueDate="P3D")),
    },
    ("a", "priority"): {
        "priority that is no number": around(user("a", c_priority="high")),
    },
    ("a", "no_topic"): {
        "service that is not external": around(element("serviceTask", "a", c_topic="work")),
        "service without topic": around(element("serviceTask", "a", c_type="external")),
    },
    ("a", "unknown_topic"): {
        "unknown topic": around(service("a", topic="nobody")),
        "unknown topic of a send task": around(element("sendTask", "a", c_type="external", c_topic="nobody")),
    },
    ("a", "no_decision"): {
        "no decision": around(element("businessRuleTask", "a", c_decisionRef="nobody", c_resultVariable="r")),
    },
    ("a", "no_result_variable"): {
        "decision without variable": around(element("businessRuleTask", "a", c_decisionRef="D")),
    },
    ("a", "result_shape"): {
        "decision of an unknown shape": around(element("businessRuleTask", "a", c_mapDecisionResult="x", **D)),
    },
    ("r0", "expression"): {
        "broken decision": around(element("businessRuleTask", "a", **{**D, "c_decisionRef": "broken"})),
    },
    ("a", "no_call"): {
        "call of nothing": around(element("callActivity", "a")),
        "call of an expression": around(call("a", called="${x}")),
    },
    ("a", "unknown_process"): {
        "unknown process": around(call("a", called="nobody")),
    },
    ("a", "mapping"): {
        "mapping without target": around(call("a", extended('<camunda:in source="x"/>'))),
    },
    ("a", "instances"): {
        "instances of nothing": around(manual("a", many())),
        "instances of both": around(manual("a", many("x", number="2"))),
    },
    ("a", "output"): {
        "half an output": around(manual("a", OUTPUT.format("<bpmn:loopDataOutputRef>y</bpmn:loopDataOutputRef>"))),
    },
    ("a", "two_loops"): {
        "two loops": around(manual("a", many("x"), again("y"))),
    },
    ("a", "collect"): {
        "collect without instances": around(manual("a", properties(collect="x"))),
        "collect in a loop": around(manual("a", properties(collect="x"), again("y"))),
    },
    ("a", "loop"): {
        "loop of nothing": around(manual("a", again())),
        "loop of no number": around(manual("a", again("", "many"))),
    },
}


@pytest.mark.parametrize(("xml", "where"), each(REFUSED))
def test_it_is_refused_with_its_element(xml: bytes, where: tuple[str, str]) -> None:
    assert where in refused(xml, decisions=TABLES, known=("child",))


ALLOWED = {
    "manual task without form": around(manual("a")),
    "form as a property": around(element("userTask", "a", properties(form="f"))),
    "due date of the calendar": around(user("a", c_dueDate="${working_days(5)}")),
    "priority below nought": around(user("a", c_priority=" -5 ")),
    "priority worked out": around(user("a", c_priority="${2 * x}")),
    "text with expressions": around(
        user("a", properties(subject="ปี ${fy} · ${place}"), c_candidateGroups="b, ${role}")
    ),
    "service": around(service("a", topic="other")),
    "send task with a topic": around(element("sendTask", "a", c_type="external", c_topic="work")),
    "send task with a message": around(element("sendTask", "a", messageRef="hi")),
    "decision": around(element("businessRuleTask", "a", **D)),
    "decision laid flat": around(
        element("businessRuleTask", "a", c_decisionRef="D", c_mapDecisionResult="singleResult")
    ),
    "call": around(call("a")),
    "call of a process of the file": document(
        process(start(), call("a", called="q"), end(), flows("s > a > e")),
        process(start("s2"), end("e2"), flows("s2 > e2"), key="q"),
    ),
    "call with mappings": around(
        call(
            "a",
            extended('<camunda:in businessKey="x"/><camunda:in variables="all"/><camunda:out source="b" target="c"/>'),
        )
    ),
    "instances of a list": around(manual("a", many("x", item="y", until="nrOfCompletedInstances > 1"))),
    "instances by number": around(manual("a", many(number="${n}", sequential=True))),
    "instances collected": around(manual("a", properties(collect="x"), many("x", item="y"))),
    "loop": around(manual("a", again("x < 3", "5"))),
    "loop by number": around(manual("a", again("", "5"))),
    "output by id": around(manual("a", OUTPUT.format(f'{LISTED}<bpmn:outputDataItem id="z"/>'))),
    "output by name": around(manual("a", OUTPUT.format(f'{LISTED}<bpmn:outputDataItem name="z"/>'))),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_right_is_let_through(name: str) -> None:
    assert refused(ALLOWED[name], decisions=TABLES, known=("child",)) == []


def test_a_call_is_not_checked_where_nobody_says_which_processes_there_are() -> None:
    xml = around(call("a", called="somewhere_else"))
    assert refused(xml) == []
    assert refused(xml, known=()) == [("a", "unknown_process")]


def test_a_form_is_looked_for_at_every_element_that_may_show_one() -> None:
    nodes = [
        user("a", c_formKey="x"),
        catch("a", properties(form="x"), on("message", "hi")),
        throw("a", properties(form="x")),
    ]
    assert [("a", "missing_form") in refused(around(node)) for node in nodes] == [True, True, True]


@pytest.mark.parametrize(
    "output",
    [
        "<bpmn:loopDataOutputRef>y</bpmn:loopDataOutputRef>",
        '<bpmn:outputDataItem id="z"/>',
        "<bpmn:loopDataOutputRef>y</bpmn:loopDataOutputRef><bpmn:outputDataItem/>",
    ],
)
def test_an_output_needs_both_its_list_and_its_item(output: str) -> None:
    assert refused(around(manual("a", OUTPUT.format(output)))) == [("a", "output")]


def test_the_faults_of_a_decision_table_name_the_rule_of_the_table() -> None:
    found = faults(around(element("businessRuleTask", "a", **{**D, "c_decisionRef": "broken"})), decisions=TABLES)
    assert [p.element for p in found] == ["r0"]
