"""From XML to what runs: every attribute of ours that an element may have, and the order in which its flows count."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine.definitions import compile_process, read_bpmn
from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.spiff.activities import Mapping
from osm_flow.engine.spiff.parser import read_extra
from tests.unit.engine.diagrams import (
    Case,
    alone,
    boundary,
    call,
    catch,
    diagram,
    document,
    element,
    end,
    extended,
    flows,
    manual,
    manuals,
    message,
    on,
    process,
    properties,
    start,
    timer,
    user,
)


def node_of(text: str) -> Any:
    """The element that is written so, read as part of a diagram."""
    return read_bpmn(diagram(start(), text, end(), flows("s > a > e"))).root[0][1]


# ---- what an element says --------------------------------------------------------------------------------------------


def test_a_user_task_says_who_does_it_with_which_form_and_by_when() -> None:
    text = user(
        "a",
        "<bpmn:documentation> ทำเถิด </bpmn:documentation>",
        properties(document="plan"),
        name="ร่าง",
        c_assignee="${boss}",
        c_candidateUsers="somchai",
        c_candidateGroups="osm_head",
        c_dueDate="working_days(5)",
        c_followUpDate="working_days(2)",
        c_priority="30",
    )
    extra = read_extra(node_of(text), "งานแผน", None)

    assert (extra.element, extra.type, extra.name, extra.lane) == ("a", "userTask", "ร่าง", "งานแผน")
    assert (extra.documentation, extra.form_key, extra.document) == ("ทำเถิด", "f", "plan")
    assert (extra.assignee, extra.candidate_users, extra.candidate_groups) == ("${boss}", "somchai", "osm_head")
    assert (extra.due_date, extra.follow_up_date, extra.priority) == ("working_days(5)", "working_days(2)", "30")


def test_what_an_element_does_not_say_is_nothing() -> None:
    extra = read_extra(node_of(manual("a")), None, None)

    assert (extra.name, extra.documentation, extra.properties, extra.form_key) == ("", "", {}, None)
    assert (extra.assignee, extra.topic, extra.called, extra.attached_to) == (None, None, None, None)
    assert (extra.result_shape, extra.interrupting, extra.document) == ("resultList", True, None)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (user("a", c_formKey="f"), "f"),
        (user("a", properties(form="other"), c_formKey="f"), "f"),
        (element("userTask", "a", properties(form="other")), "other"),
        (user("a", c_formKey="  f "), "f"),
        (user("a", c_formKey="  "), None),
    ],
)
def test_a_form_is_named_by_its_key_or_else_by_a_property(text: str, key: str | None) -> None:
    assert read_extra(node_of(text), None, None).form_key == key


def test_a_call_says_what_it_hands_over_and_back_and_the_business_key_is_no_value() -> None:
    inner = (
        '<camunda:in businessKey="#{key}"/><camunda:in variables="all"/><camunda:in source="x" target="p"/>'
        '<camunda:in sourceExpression="${x + 1}" source="x" target="q"/><camunda:out source="answer" target="reply"/>'
    )
    extra = read_extra(node_of(call("a", extended(inner), called="review")), None, None)

    assert extra.called == "review"
    assert extra.inputs == (Mapping(True, "", ""), Mapping(False, "p", "x"), Mapping(False, "q", "${x + 1}"))
    assert extra.outputs == (Mapping(False, "reply", "answer"),)


def test_a_decision_says_its_table_its_variable_and_its_shape() -> None:
    task = element("businessRuleTask", "a", c_decisionRef="D", c_resultVariable="r", c_mapDecisionResult="singleEntry")
    extra = read_extra(node_of(task), None, None)

    assert (extra.decision, extra.result_variable, extra.result_shape) == ("D", "r", "singleEntry")


@pytest.mark.parametrize(("cancel", "interrupting"), [(True, True), (False, False)])
def test_a_boundary_event_says_where_it_stands_and_whether_it_interrupts(cancel: bool, interrupting: bool) -> None:
    xml = alone(manual("a") + boundary("x", "a", timer("PT1H"), cancel=cancel) + end("e2") + flows("x > e2"))
    found = Case(xml).waiting("x")

    assert (found.attached_to, found.interrupting) == ("a", interrupting)


@pytest.mark.parametrize(
    ("attributes", "kind"), [({"c_topic": "work", "c_type": "external"}, ["service"]), ({"messageRef": "hi"}, [])]
)
def test_a_send_task_is_a_service_where_it_names_a_topic(attributes: dict[str, str], kind: list[str]) -> None:
    xml = diagram(start(), element("sendTask", "a", **attributes), end(), flows("s > a > e"), roots=message("hi"))
    newest = Case(xml).newest

    assert [waiting.kind for waiting in newest.waiting] == kind
    assert [thrown.name for thrown in newest.thrown] == ([] if kind else ["msg.hi"])


# ---- the order of flows ----------------------------------------------------------------------------------------------

DRAWING = """<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" id="d"><bpmndi:BPMNPlane id="pl"
 xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" bpmnElement="p">{}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"""


def drawn(**rows: int) -> str:
    """Where the elements stand in the drawing, from the top down."""
    shape = '<bpmndi:BPMNShape id="{0}_s" bpmnElement="{0}"><dc:Bounds x="0" y="{1}" width="9" height="9"/></bpmndi:BPMNShape>'
    return DRAWING.format("".join(shape.format(name, y) for name, y in rows.items()))


@pytest.mark.parametrize(
    "drawing", [drawn(g=0, a=10, b=20), drawn(g=0, a=20, b=10)], ids=["as written", "turned round"]
)
def test_of_two_ways_that_hold_the_first_of_the_file_is_taken_wherever_it_is_drawn(drawing: str) -> None:
    gateway = element("exclusiveGateway", "g")
    inner = [start(), gateway, manuals("a b"), end(), flows("s > g; g > a [true]; g > b [true]; a > e; b > e")]

    assert Case(document(process(*inner), drawing)).open == ["a"]


# ---- repetition ------------------------------------------------------------------------------------------------------

OF_ROWS = "<bpmn:loopDataInputRef>rows</bpmn:loopDataInputRef>"


@pytest.mark.parametrize(
    ("attribute", "inner", "variable"),
    [
        ("", f'{OF_ROWS}<bpmn:inputDataItem id="row"/>', "row"),
        ("", f'{OF_ROWS}<bpmn:inputDataItem name="row"/>', "row"),
        ("", f'{OF_ROWS}<bpmn:inputDataItem id="row" name="shown"/>', "row"),
        (' camunda:elementVariable="row"', f'{OF_ROWS}<bpmn:inputDataItem id="other"/>', "row"),
        (' camunda:collection="rows" camunda:elementVariable="row"', "", "row"),
        (
            ' camunda:collection="rows" camunda:elementVariable="row"',
            "<bpmn:loopDataInputRef>none</bpmn:loopDataInputRef>",
            "row",
        ),
    ],
)
def test_the_items_of_an_activity_and_their_name_may_be_said_in_two_dialects(
    attribute: str, inner: str, variable: str
) -> None:
    loop = f"<bpmn:multiInstanceLoopCharacteristics{attribute}>{inner}</bpmn:multiInstanceLoopCharacteristics>"
    case = Case(alone(manual("a", loop)), {"rows": [7, 8]})

    assert [waiting.data[variable] for waiting in case.newest.waiting] == [7, 8]


# ---- what was never linted -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [on("timer"), timer(""), timer(" ")])
def test_a_timer_without_a_time_cannot_be_compiled(event: str) -> None:
    xml = diagram(start(), catch("t", event), end(), flows("s > t > e"))
    with pytest.raises(DefinitionRefused, match="a timer needs a date, a duration or a cycle"):
        compile_process("p", xml, {}, {})


def test_what_waits_for_a_message_knows_it_by_the_name_that_strangers_use() -> None:
    task = element("receiveTask", "r", messageRef="hi")
    event = catch("m", on("message", "hi"))
    case = Case(diagram(start(), event, task, end(), flows("s > m > r > e"), roots=message("hi")))

    assert case.waiting("m").message == "msg.hi"
    case.tell("m")
    assert case.waiting("r").message == "msg.hi"
