"""The linter's allow-list: which elements, extensions and attributes may be there at all."""

from __future__ import annotations

import pytest

from osm_flow.engine.definitions import compile_process
from tests.unit.engine.diagrams import (
    Refusals,
    around,
    boundary,
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
    manuals,
    process,
    properties,
    refused,
    service,
    start,
    throw,
    timer,
    user,
    waiting,
    xor,
)

GATE = "s > g; g > a [x]; g > b; a > e; b > e"

REFUSED: Refusals = {
    ("a", "unknown"): {
        "script task": around(element("scriptTask", "a", "<bpmn:script>1</bpmn:script>")),
        "task of no kind": around(element("task", "a")),
        "complex gateway": around(element("complexGateway", "a")),
        "transaction": around(element("transaction", "a", start("x"), end("y"), flows("x > y"))),
        "ad hoc subprocess": around(element("adHocSubProcess", "a")),
        "link throw": around(throw("a", "<bpmn:linkEventDefinition/>")),
        "compensation": around(throw("a", "<bpmn:compensateEventDefinition/>")),
        "conditional": around(catch("a", "<bpmn:conditionalEventDefinition/>")),
        "cancel": around(throw("a", "<bpmn:cancelEventDefinition/>")),
        "referenced definition": around(catch("a", "<bpmn:eventDefinitionRef>x</bpmn:eventDefinitionRef>")),
    },
    ("d", "unknown"): {
        "data store": around(manual("a"), element("dataStoreReference", "d")),
        "data association": around(manual("a", element("dataInputAssociation", "d"))),
        "io specification": around(manual("a", element("ioSpecification", "d"))),
    },
    ("g-a", "code"): {
        "condition in another language": around(xor("g", "b"), manuals("a b"), path=GATE).replace(
            b"<bpmn:conditionExpression>", b'<bpmn:conditionExpression language="groovy">'
        ),
    },
    ("a", "code"): {
        "class": around(element("serviceTask", "a", c_class="x.Y")),
        "delegate": around(element("serviceTask", "a", c_delegateExpression="${x}")),
        "mapping class": around(element("callActivity", "a", calledElement="x", c_variableMappingClass="x")),
        "listener": around(manual("a", extended('<camunda:executionListener class="x" event="start"/>'))),
        "task listener": around(user("a", extended('<camunda:taskListener expression="${x}" event="create"/>'))),
        "connector": around(service("a", extended("<camunda:connector/>"))),
        "input and output": around(
            service(
                "a",
                extended(
                    '<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script>1</camunda:script></camunda:inputParameter></camunda:inputOutput>'
                ),
            )
        ),
        "form data": around(user("a", extended("<camunda:formData/>"))),
        "script of the other engine": around(
            manual(
                "a",
                extended(
                    '<spiff:preScript xmlns:spiff="http://spiffworkflow.org/bpmn/schema/1.0/core">x = 1</spiff:preScript>'
                ),
            )
        ),
    },
    ("p", "code"): {
        "listener of the process": document(
            process(extended('<camunda:executionListener class="x"/>'), start(), end(), flows("s > e"))
        ),
    },
    ("a", "attribute"): {
        "for compensation": around(manual("a", isForCompensation="true")),
        "receive that begins": around(element("receiveTask", "a", messageRef="hi", instantiate="true")),
    },
    ("g", "attribute"): {
        "race in parallel": diagram(
            start(),
            element("eventBasedGateway", "g", eventGatewayType="Parallel"),
            catch("a", timer("PT1H")),
            end(),
            flows("s > g > a > e"),
        ),
    },
    ("b1", "boolean"): {
        "boolean that is a number": waiting(boundary("b1", "a", timer("PT1H")).replace('"true"', '"2"')),
    },
    ("End", "reserved_id"): {
        "id of the engine": around(manual("End"), path="s > End > e"),
    },
    ("p.EndJoin", "reserved_id"): {
        "id of the engine's join": around(manual("p.EndJoin"), path="s > p.EndJoin > e"),
    },
}


@pytest.mark.parametrize(("xml", "where"), each(REFUSED))
def test_it_is_refused_with_its_element(xml: bytes, where: tuple[str, str]) -> None:
    assert where in refused(xml)


def test_what_only_shows_is_let_through() -> None:
    lanes = element("laneSet", "ls", element("lane", "l1", "<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", name="งานแผน"))
    extra = element("textAnnotation", "note", "<bpmn:text>x</bpmn:text>") + element(
        "association", "as", sourceRef="note", targetRef="a"
    )
    pools = element(
        "collaboration",
        "co",
        element("participant", "pa", processRef="p"),
        element("participant", "pb", name="นอก"),
        element("messageFlow", "mf", sourceRef="a", targetRef="pb"),
    )
    other = element("process", "black", isExecutable="false")
    xml = document(pools, other, process(lanes, start(), manual("a"), extra, end(), flows("s > a > e")))
    assert faults(xml) == []
    assert compile_process("p", xml, {}, {}).elements["a"].lane == "งานแผน"


ALLOWED = {
    "attributes that say what is so anyway": around(
        manual("a", isForCompensation="false", startQuantity="1", completionQuantity="1")
    ),
    "booleans in words": waiting(boundary("b1", "a", timer("PT1H"), cancel=False)),
    "properties and mappings": around(
        call("a", extended('<camunda:in variables="all"/><camunda:out variables="all"/>')),
        manual("b", properties(document="plan")),
        path="s > a > b > e",
    ),
    "notes of a drawing tool": around(
        manual("a", extended('<zoo:colour xmlns:zoo="http://zoo.example">red</zoo:colour>'))
    ),
    "data objects": around(
        manual("a"), element("dataObjectReference", "dr", dataObjectRef="do"), element("dataObject", "do")
    ),
    "an id that only begins like one of the engine": around(manual("Ending"), path="s > Ending > e"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_means_nothing_else_is_let_through(name: str) -> None:
    assert refused(ALLOWED[name]) == []


@pytest.mark.parametrize(
    ("tag", "instead"),
    [
        ("scriptTask", "a service task or a business rule task"),
        ("task", "user, manual, service, send or receive task"),
        ("complexGateway", "an exclusive or an inclusive gateway"),
        ("transaction", "a plain subprocess"),
    ],
)
def test_a_refusal_says_what_to_draw_instead(tag: str, instead: str) -> None:
    (problem, *_) = faults(around(element(tag, "a")))
    assert instead in problem.en
    assert problem.th != problem.en


def test_an_element_that_nobody_thought_of_is_refused_by_its_name() -> None:
    (problem,) = faults(around(manual("a"), element("choreographyTask", "ct")))
    assert (problem.element, problem.en) == ("ct", "choreographyTask is not supported")


# Written out by hand on purpose: what other engines would do with a diagram, and this one must never be asked to.
CODE = (
    "class delegateExpression expression variableMappingClass variableMappingDelegateExpression resource "
    "formHandlerClass caseRef formRef"
)
FIXED = {
    "isForCompensation": "true",
    "instantiate": "true",
    "parallelMultiple": "true",
    "eventGatewayType": "Parallel",
    "startQuantity": "2",
    "completionQuantity": "0",
    "behavior": "One",
}


@pytest.mark.parametrize("attribute", CODE.split())
def test_no_attribute_that_would_run_code_is_let_through(attribute: str) -> None:
    assert refused(around(manual("a", **{f"c_{attribute}": "x"}))) == [("a", "code")]


@pytest.mark.parametrize("attribute", FIXED)
def test_no_attribute_that_would_mean_something_else_is_let_through(attribute: str) -> None:
    assert refused(around(manual("a", **{attribute: FIXED[attribute]}))) == [("a", "attribute")]


@pytest.mark.parametrize(
    "attribute", ["isExecutable", "cancelActivity", "isSequential", "testBefore", "triggeredByEvent"]
)
def test_what_is_true_or_false_is_said_in_these_words(attribute: str) -> None:
    assert refused(around(manual("a", **{attribute: "yes"}))) == [("a", "boolean")]
    assert refused(around(manual("a", **{attribute: "0"}))) == []
    assert refused(around(manual("a", **{attribute: "false"}))) == []


@pytest.mark.parametrize("script", ["preScript", "postScript", "script", "serviceTaskOperator"])
def test_no_code_of_the_library_is_let_through(script: str) -> None:
    code = f'<spiff:{script} xmlns:spiff="http://spiffworkflow.org/bpmn/schema/1.0/core">x = 1</spiff:{script}>'
    assert refused(around(manual("a", extended(code)))) == [("a", "code")]


@pytest.mark.parametrize("ending", [".BoundaryEventSplit", ".BoundaryEventJoin", "[child]"])
def test_the_names_that_the_library_makes_are_not_given_to_elements(ending: str) -> None:
    name = f"a{ending}"
    there, on_from_there = (
        element("sequenceFlow", id_, sourceRef=source, targetRef=target)
        for id_, source, target in (("f1", "s", name), ("f2", name, "e"))
    )
    assert refused(diagram(start(), manual(name), end(), there, on_from_there)) == [(name, "reserved_id")]
