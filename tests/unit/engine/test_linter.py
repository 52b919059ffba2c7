"""The linter: one test for each thing it refuses, and that it lets nothing through which would be misread."""

from __future__ import annotations

import contextlib
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osm_flow.engine import DefinitionRefused, EngineFault, Start, compile_process, lint, read_bpmn, step
from osm_flow.engine.definitions import MAX_NODES
from tests.unit.engine.diagrams import (
    CASE,
    FORM,
    NOW,
    again,
    both,
    boundary,
    calendar,
    call,
    catch,
    diagram,
    document,
    element,
    end,
    error,
    escalation,
    extended,
    faults,
    flows,
    manual,
    manuals,
    many,
    message,
    on,
    plain_sub,
    process,
    properties,
    race,
    service,
    some,
    start,
    sub,
    throw,
    timer,
    user,
    xor,
)
from tests.unit.engine.test_decisions import table

ROOTS = message("hi") + error("oops") + escalation("up") + element("signal", "sig", name="flag")


def around(*inner: str, path: str = "s > a > e", roots: str = ROOTS) -> bytes:
    return diagram(start(), *inner, end(), flows(path), roots=roots)


def waiting(*events: str, to: str = "b1", host: str = "") -> bytes:
    """A task with boundary events, the first of which leads to an end."""
    return around(host or manual("a"), *events, end("e2"), path=f"s > a > e; {to} > e2")


GATE = "s > g; g > a [x]; g > b; a > e; b > e"
LONG = " ".join(f"t{n}" for n in range(MAX_NODES))
D = {"c_decisionRef": "D", "c_resultVariable": "r"}
OUTPUT = '<bpmn:multiInstanceLoopCharacteristics camunda:collection="x"><bpmn:loopDataOutputRef>y</bpmn:loopDataOutputRef></bpmn:multiInstanceLoopCharacteristics>'

REFUSED: dict[str, tuple[bytes, str, str]] = {
    # name: diagram, element, code
    "script task": (around(element("scriptTask", "a", "<bpmn:script>1</bpmn:script>")), "a", "unknown"),
    "task of no kind": (around(element("task", "a")), "a", "unknown"),
    "complex gateway": (around(element("complexGateway", "a")), "a", "unknown"),
    "transaction": (around(element("transaction", "a", start("x"), end("y"), flows("x > y"))), "a", "unknown"),
    "ad hoc subprocess": (around(element("adHocSubProcess", "a")), "a", "unknown"),
    "event subprocess": (around(manual("a"), plain_sub("b", body="c", triggeredByEvent="true")), "b", "event_subprocess"),
    "data store": (around(manual("a"), element("dataStoreReference", "d")), "d", "unknown"),
    "data association": (around(manual("a", element("dataInputAssociation", "d"))), "d", "unknown"),
    "io specification": (around(manual("a", element("ioSpecification", "d"))), "d", "unknown"),
    "signal end": (around(manual("a"), path="s > a > e").replace(b'<bpmn:endEvent id="e">', f'<bpmn:endEvent id="e">{on("signal", "sig")}'.encode()), "e", "event"),
    "signal catch": (around(catch("a", on("signal", "sig"))), "a", "event"),
    "signal boundary": (waiting(boundary("b1", "a", on("signal", "sig"))), "b1", "event"),
    "link throw": (around(throw("a", "<bpmn:linkEventDefinition/>")), "a", "unknown"),
    "compensation": (around(throw("a", "<bpmn:compensateEventDefinition/>")), "a", "unknown"),
    "conditional": (around(catch("a", "<bpmn:conditionalEventDefinition/>")), "a", "unknown"),
    "cancel": (around(throw("a", "<bpmn:cancelEventDefinition/>")), "a", "unknown"),
    "timer throw": (around(throw("a", timer("PT1H"))), "a", "event"),
    "error throw": (around(throw("a", on("error", "oops"))), "a", "event"),
    "terminate throw": (around(throw("a", on("terminate"))), "a", "event"),
    "error catch": (around(catch("a", on("error", "oops"))), "a", "event"),
    "two definitions": (around(catch("a", on("message", "hi"), timer("PT1H"))), "a", "multiple_event"),
    "referenced definition": (around(catch("a", "<bpmn:eventDefinitionRef>x</bpmn:eventDefinitionRef>")), "a", "unknown"),
    "catch of nothing": (around(catch("a")), "a", "no_event"),
    "boundary of nothing": (waiting(boundary("b1", "a")), "b1", "no_event"),
    "message without name": (around(catch("a", on("message", "nobody"))), "a", "no_message"),
    "message without ref": (around(catch("a", "<bpmn:messageEventDefinition/>")), "a", "no_message"),
    "receive without message": (around(element("receiveTask", "a")), "a", "no_message"),
    "send without message": (around(element("sendTask", "a")), "a", "no_message"),
    "error without code": (around(manual("a"), roots=ROOTS).replace(b'<bpmn:endEvent id="e">', f'<bpmn:endEvent id="e">{on("error")}'.encode()), "e", "no_code"),
    "error boundary with a code that is missing": (waiting(boundary("b1", "a", on("error", "nobody"))), "b1", "no_code"),
    "error boundary whose error has no code": (
        waiting(boundary("b1", "a", on("error", "oops"))).replace(b' errorCode="oops"', b""), "b1", "no_code"),
    "error that does not interrupt": (waiting(boundary("b1", "a", on("error", "oops"), cancel=False)), "b1", "error_interrupts"),
    "error of a task": (waiting(boundary("b1", "a", on("error", "oops"))), "b1", "never_happens"),
    "escalation of a task": (waiting(boundary("b1", "a", on("escalation", "up"))), "b1", "never_happens"),
    "boundary on nothing": (waiting(boundary("b1", "nobody", timer("PT1H"))), "b1", "unattached"),
    "boundary on a gateway": (around(manual("a"), xor("g"), boundary("b1", "g", timer("PT1H")), end("e2"), path="s > a > g > e; b1 > e2"), "b1", "unattached"),
    "boundary across a border": (
        around(sub("a", start("x"), manual("in"), end("y"), flows("x > in > y")), boundary("b1", "in", timer("PT1H")), end("e2"), path="s > a > e; b1 > e2"), "b1", "unattached"),
    "timer of two kinds": (around(catch("a", "<bpmn:timerEventDefinition><bpmn:timeDate>x</bpmn:timeDate><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>")), "a", "timer"),
    "timer of no kind": (around(catch("a", on("timer"))), "a", "timer"),
    "timer that is no duration": (around(catch("a", timer("PT"))), "a", "timer"),
    "duration that repeats": (around(catch("a", timer("R3/PT1H"))), "a", "timer"),
    "date without offset": (around(catch("a", timer("2026-01-01T00:00:00", "timeDate"))), "a", "timer"),
    "timer that calls": (around(catch("a", timer("open('x')"))), "a", "expression"),
    "cycle that interrupts": (waiting(boundary("b1", "a", timer("R3/PT1H", "timeCycle"))), "b1", "cycle"),
    "cycle in between": (around(catch("a", timer("R3/PT1H", "timeCycle"))), "a", "cycle"),
    "cycle without repetition": (waiting(boundary("b1", "a", timer("PT1H", "timeCycle"), cancel=False)), "b1", "timer"),
    "cycle of no turns": (waiting(boundary("b1", "a", timer("R0/PT1H", "timeCycle"), cancel=False)), "b1", "timer"),
    "cycle without pause": (waiting(boundary("b1", "a", timer("R/PT0S", "timeCycle"), cancel=False)), "b1", "timer"),
    "two timers in a race": (diagram(start(), race("g"), catch("a", timer("PT1H")), catch("b", timer("PT2H")), end(), flows("s > g > a > e; g > b > e")), "g", "two_timers"),
    "task in a race": (diagram(start(), race("g"), manual("a"), end(), flows("s > g > a > e")), "g", "race"),
    "second way into a race": (
        diagram(start(), race("g"), catch("a", timer("PT1H")), catch("b", on("message", "hi")), xor("x", "e"), end(), flows("s > g > a > x; g > b > x; x > b [y]; x > e"), roots=ROOTS), "b", "race_entry"),
    "boundary on a receive task in a race": (
        diagram(start(), race("g"), element("receiveTask", "a", messageRef="hi"), boundary("b1", "a", timer("PT1H")), end(), end("e2"), flows("s > g > a > e; b1 > e2"), roots=ROOTS), "a", "race_task"),
    "several starts": (around(manual("a"), start("s2"), path="s > a > e; s2 > a"), "p", "one_start"),
    "no start": (diagram(manual("a"), end(), flows("a > e")), "p", "one_start"),
    "no end": (diagram(start(), manual("a"), flows("s > a")), "p", "no_end"),
    "subprocess with a timer start": (around(sub("a", start("x", timer("PT1H")), end("y"), flows("x > y"))), "x", "plain_start"),
    "dead end": (around(xor("g", "a"), manuals("a b"), path="s > g; g > b [x]; g > a > e"), "b", "dead_end"),
    "boundary that leads nowhere": (around(manual("a"), boundary("b1", "a", timer("PT1H"))), "b1", "dead_end"),
    "unreachable": (around(manuals("a b"), path="s > a > e; b > e"), "b", "unreachable"),
    "implicit fork": (around(manuals("a b"), path="s > a > e; a > b > e"), "a", "implicit_fork"),
    "loose flow": (around(manual("a"), path="s > a > e; a > nobody"), "a-nobody", "loose_flow"),
    "flow across a border": (around(sub("a", start("x"), manual("in"), end("y"), flows("x > in > y")), path="s > a > e; in > e"), "in-e", "crosses"),
    "flow into the start": (around(manual("a"), xor("g", "e"), path="s > a > g; g > s [x]; g > e"), "g-s", "into_event"),
    "flow out of the end": (around(manual("a"), path="s > a > e; e > a"), "e-a", "from_end"),
    "two flows of one pair": (around(both("p1"), both("p2"), path="s > p1 > p2 > e").replace(b"</bpmn:process>", flows("p1 > p2").replace("p1-p2", "f2").encode() + b"</bpmn:process>"), "p1", "same_pair"),
    "choice without condition": (around(xor("g"), manuals("a b"), path="s > g; g > a; g > b; a > e; b > e"), "g-a", "no_condition"),
    "default that is no way out": (around(xor("g", "nobody"), manuals("a b"), path="s > g; g > a [x]; g > b [y]; a > e; b > e"), "g", "default"),
    "default with a condition": (around(xor("g", "a"), manuals("a b"), path=GATE), "g-a", "default_condition"),
    "condition on a task's flow": (around(manual("a"), path="s > a; a > e [x]"), "a-e", "ignored_condition"),
    "condition on a parallel gateway": (around(both("g"), manuals("a b"), path=GATE), "g-a", "ignored_condition"),
    "condition that calls": (around(xor("g", "b"), manuals("a b"), path=GATE.replace("[x]", "[open('x')]")), "g-a", "expression"),
    "condition with an attribute": (around(xor("g", "b"), manuals("a b"), path=GATE.replace("[x]", "[x.y]")), "g-a", "expression"),
    "condition in another language": (
        around(xor("g", "b"), manuals("a b"), path=GATE).replace(b"<bpmn:conditionExpression>", b'<bpmn:conditionExpression language="groovy">'), "g-a", "code"),
    "user task without form": (around(element("userTask", "a")), "a", "no_form"),
    "missing form": (around(user("a", c_formKey="nobody")), "a", "missing_form"),
    "missing start form": (diagram(element("startEvent", "s", c_formKey="nobody"), end(), flows("s > e")), "s", "missing_form"),
    "missing form of a message": (around(catch("a", properties(form="nobody"), on("message", "hi"))), "a", "missing_form"),
    "due date that calls": (around(user("a", c_dueDate="now()")), "a", "expression"),
    "due date that is drawn": (around(user("a", c_dueDate="P3D")), "a", "fixed_date"),
    "assignee that calls": (around(user("a", c_assignee="${boss.name}")), "a", "expression"),
    "candidates that call": (around(user("a", c_candidateGroups="b, ${f(x)}")), "a", "expression"),
    "priority that is no number": (around(user("a", c_priority="high")), "a", "priority"),
    "property that calls": (around(manual("a", properties(subject="x ${f(y)}"))), "a", "expression"),
    "property that is not closed": (around(manual("a", properties(subject="x ${y"))), "a", "expression"),
    "empty expression": (around(manual("a", properties(subject="x ${}"))), "a", "expression"),
    "payload that calls": (around(throw("a", properties(payload="f(x)"), on("message", "hi"))), "a", "expression"),
    "service that is not external": (around(element("serviceTask", "a", c_topic="work")), "a", "no_topic"),
    "service without topic": (around(element("serviceTask", "a", c_type="external")), "a", "no_topic"),
    "unknown topic": (around(service("a", topic="nobody")), "a", "unknown_topic"),
    "unknown topic of a send task": (around(element("sendTask", "a", c_type="external", c_topic="nobody")), "a", "unknown_topic"),
    "class": (around(element("serviceTask", "a", c_class="x.Y")), "a", "code"),
    "delegate": (around(element("serviceTask", "a", c_delegateExpression="${x}")), "a", "code"),
    "mapping class": (around(element("callActivity", "a", calledElement="x", c_variableMappingClass="x")), "a", "code"),
    "listener": (around(manual("a", extended('<camunda:executionListener class="x" event="start"/>'))), "a", "code"),
    "task listener": (around(user("a", extended('<camunda:taskListener expression="${x}" event="create"/>'))), "a", "code"),
    "connector": (around(service("a", extended("<camunda:connector/>"))), "a", "code"),
    "input and output": (around(service("a", extended('<camunda:inputOutput><camunda:inputParameter name="x"><camunda:script>1</camunda:script></camunda:inputParameter></camunda:inputOutput>'))), "a", "code"),
    "form data": (around(user("a", extended("<camunda:formData/>"))), "a", "code"),
    "listener of the process": (document(process(extended('<camunda:executionListener class="x"/>'), start(), end(), flows("s > e"))), "p", "code"),
    "script of the other engine": (around(manual("a", extended('<spiff:preScript xmlns:spiff="http://spiffworkflow.org/bpmn/schema/1.0/core">x = 1</spiff:preScript>'))), "a", "code"),
    "for compensation": (around(manual("a", isForCompensation="true")), "a", "attribute"),
    "receive that begins": (around(element("receiveTask", "a", messageRef="hi", instantiate="true")), "a", "attribute"),
    "race in parallel": (diagram(start(), element("eventBasedGateway", "g", eventGatewayType="Parallel"), catch("a", timer("PT1H")), end(), flows("s > g > a > e")), "g", "attribute"),
    "boolean that is a number": (waiting(boundary("b1", "a", timer("PT1H")).replace('"true"', '"0"')), "b1", "boolean"),
    "no decision": (around(element("businessRuleTask", "a", c_decisionRef="nobody", c_resultVariable="r")), "a", "no_decision"),
    "decision without variable": (around(element("businessRuleTask", "a", c_decisionRef="D")), "a", "no_result_variable"),
    "decision of an unknown shape": (around(element("businessRuleTask", "a", c_mapDecisionResult="x", **D)), "a", "result_shape"),
    "broken decision": (around(element("businessRuleTask", "a", **{**D, "c_decisionRef": "broken"})), "r0", "expression"),
    "call of nothing": (around(element("callActivity", "a")), "a", "no_call"),
    "call of an expression": (around(call("a", called="${x}")), "a", "no_call"),
    "unknown process": (around(call("a", called="nobody")), "a", "unknown_process"),
    "mapping without target": (around(call("a", extended('<camunda:in source="x"/>'))), "a", "mapping"),
    "mapping that calls": (around(call("a", extended('<camunda:in sourceExpression="f(x)" target="y"/>'))), "a", "expression"),
    "instances of nothing": (around(manual("a", many())), "a", "instances"),
    "instances of both": (around(manual("a", many("x", number="2"))), "a", "instances"),
    "instances that call": (around(manual("a", many("f(x)"))), "a", "expression"),
    "completion that calls": (around(manual("a", many("x", until="f(x)"))), "a", "expression"),
    "half an output": (around(manual("a", OUTPUT)), "a", "output"),
    "two loops": (around(manual("a", many("x"), again("y"))), "a", "two_loops"),
    "collect without instances": (around(manual("a", properties(collect="x"))), "a", "collect"),
    "collect in a loop": (around(manual("a", properties(collect="x"), again("y"))), "a", "collect"),
    "loop of nothing": (around(manual("a", again())), "a", "loop"),
    "loop of no number": (around(manual("a", again("", "many"))), "a", "loop"),
    "loop that calls": (around(manual("a", again("f(x)"))), "a", "expression"),
    "id of the engine": (around(manual("End"), path="s > End > e"), "End", "reserved_id"),
    "id of the engine's join": (around(manual("p.EndJoin"), path="s > p.EndJoin > e"), "p.EndJoin", "reserved_id"),
    "id twice": (around(manual("a"), plain_sub("b", body="a"), path="s > a > b > e"), "a", "duplicate_id"),
    "no id": (around(manual("a")).replace(b'<bpmn:manualTask id="a">', b"<bpmn:manualTask>"), "manualTask", "no_id"),
    "too many elements": (around(manuals(LONG), path=f"s > {LONG.replace(' ', ' > ')} > e"), "p", "too_long"),
    "two processes, the second wrong": (document(process(start(), end(), flows("s > e")), process(start("s2"), element("scriptTask", "x"), end("e2"), flows("s2 > x > e2"), key="q")), "x", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_its_element(name: str) -> None:
    xml, wanted, code = REFUSED[name]
    found = faults(xml, decisions={"D": table((["1"], ["1"])), "broken": table((["f(x)"], ["1"]))}, known=("child",))
    assert (wanted, code) in [(p.element, p.code) for p in found], [(p.element, p.code, p.en) for p in found]
    assert all(p.th and p.en for p in found)


HOSTILE = {
    "doctype": (b"<!DOCTYPE d>" + b"<a/>", "doctype"),
    "entities": (b'<!DOCTYPE d [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><a>&c;</a>', "doctype"),
    "outside entity": (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>', "doctype"),
    "doctype in UTF-16": ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE d [<!ENTITY a "b">]><a>&a;</a>'.encode("utf-16"), "doctype"),
    "ten megabytes": (b"<a>" + b" " * 10_000_000 + b"</a>", "too_big"),
    "300 deep": (b"<a>" * 300 + b"</a>" * 300, None),
    "5000 deep": (b"<a>" * 5_000 + b"</a>" * 5_000, None),
    "unclosed": (b"<bpmn:definitions", "not_xml"),
    "empty": (b"", "not_xml"),
    "binary": (bytes(range(256)) * 10, "not_xml"),
    "another document": (b"<svg/>", "not_bpmn"),
    "no process": (document(), "no_process"),
    "no executable process": (document(element("process", "p", start(), end(), flows("s > e"), isExecutable="false")), "no_process"),
    "process without id": (diagram(start(), end(), flows("s > e")).replace(b'<bpmn:process id="p"', b"<bpmn:process"), "no_id"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_in_a_sentence(name: str) -> None:
    xml, code = HOSTILE[name]
    found = lint(xml, forms={}, decisions={}, topics=())
    assert found
    assert all(p.level == "error" and p.th and p.en for p in found)
    if code:
        assert [p.code for p in found] == [code]
    with pytest.raises(DefinitionRefused):
        read_bpmn(xml)


def test_deep_nesting_of_subprocesses_is_refused() -> None:
    body = manual("m")
    for level in range(150):
        body = sub(f"x{level}", start(f"s{level}"), body, end(f"e{level}"))
    assert [p.code for p in faults(diagram(body))] == ["too_deep"]


def test_a_fixed_date_is_allowed_with_a_warning() -> None:
    xml = around(catch("a", timer("2026-11-21T09:00:00+07:00", "timeDate")))
    found = lint(xml, forms={}, decisions={}, topics=())
    assert [(p.element, p.code, p.level) for p in found] == [("a", "fixed_date", "warning")]


def test_what_only_shows_is_let_through() -> None:
    lanes = element("laneSet", "ls", element("lane", "l1", "<bpmn:flowNodeRef>a</bpmn:flowNodeRef>", name="งานแผน"))
    extra = element("textAnnotation", "note", "<bpmn:text>x</bpmn:text>") + element(
        "association", "as", sourceRef="note", targetRef="a"
    )
    pools = element("collaboration", "co", element("participant", "pa", processRef="p"), element("participant", "pb", name="นอก"),
                    element("messageFlow", "mf", sourceRef="a", targetRef="pb"))  # fmt: skip
    other = element("process", "black", isExecutable="false")
    xml = document(pools, other, process(lanes, start(), manual("a"), extra, end(), flows("s > a > e")))
    assert faults(xml) == []
    assert compile_process("p", xml, {}, {}).elements["a"].lane == "งานแผน"


# ---- nothing slips through: diagrams that were damaged at random -------------------------------------------------------

WHOLE = diagram(
    start(), user("a", c_candidateGroups="osm_head"), boundary("r", "a", timer("R/PT1H", "timeCycle"), cancel=False), both("p1"),
    plain_sub("sp", many("[1, 2]", item="i"), body="m"), boundary("x", "sp", on("error", "oops")), call("k"), race("g"), catch("c1", on("message", "hi")),
    catch("c2", timer("P1D")), xor("j"), xor("j2"), both("p2"), some("o1", "w2"), manuals("w1 w2"), some("o2"), service("v"),
    element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r"), throw("t", on("message", "hi")), end(), end("e2"), end("e3"),
    flows("s > a > p1; r > e2; p1 > sp > j2; x > j2; j2 > p2; p1 > k > g; g > c1 > j; g > c2 > j; j > p2; p2 > o1; o1 > w1 [n > 1]; o1 > w2; "
          "w1 > o2; w2 > o2; o2 > v > d > t > e"),
    roots=ROOTS,
).replace(b'<bpmn:endEvent id="e3"></bpmn:endEvent>', b"")  # fmt: skip
PARTS = re.findall(rb"<[^>]*>|[^<]+|[\w:]+=\"[^\"]*\"", WHOLE)
ATTRIBUTES = re.findall(rb' [\w:]+="[^"]*"', WHOLE)


def damaged(rng: random.Random) -> bytes:
    xml = WHOLE
    for _ in range(rng.randint(1, 3)):
        kind = rng.randrange(4)
        old = rng.choice(ATTRIBUTES)
        if kind == 0:
            xml = xml.replace(old, b"", 1)
        elif kind == 1:
            xml = xml.replace(old, b'="'.join([old.split(b'="')[0], rng.choice(ATTRIBUTES).split(b'="')[1]]), 1)
        elif kind == 2:
            elements = re.findall(rb"<bpmn:(\w+) [^>]*>[^<]*</bpmn:\1>", xml)
            name = rng.choice(elements or [b"x"])
            xml = re.sub(rb"<bpmn:" + name + rb" [^>]*>[^<]*</bpmn:" + name + rb">", b"", xml, count=1)
        else:
            names = [
                b"manualTask",
                b"userTask",
                b"endEvent",
                b"exclusiveGateway",
                b"parallelGateway",
                b"inclusiveGateway",
                b"callActivity",
                b"receiveTask",
            ]
            one, other = rng.choice(names), rng.choice(names)
            xml = xml.replace(b"<bpmn:" + one + b" ", b"<bpmn:" + other + b" ").replace(
                b"</bpmn:" + one + b">", b"</bpmn:" + other + b">"
            )
    return xml


@given(st.integers(0, 100_000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_diagram_is_refused_or_runs_without_an_accident(seed: int) -> None:
    """Whatever the linter lets through compiles and starts, or stops in a fault of its own with a reason."""
    decisions = {"D": table((["1"], ["1"]))}
    xml = damaged(random.Random(seed))  # noqa: S311 - a repeatable choice
    found = lint(xml, forms={"f": FORM}, decisions=decisions, topics=("work",), known_processes=("child",))
    assert all(p.th and p.en for p in found)
    if any(p.level == "error" for p in found):
        return
    for key in read_bpmn(xml).process_keys:
        compiled = compile_process(key, xml, {"f": FORM}, decisions)
        with contextlib.suppress(EngineFault):
            result = step(compiled, CASE, None, Start({"n": 1, "r": 1}), NOW, calendar)
            assert result.ended or result.waiting or result.is_stuck


def test_the_whole_diagram_is_sound() -> None:
    assert [p.code for p in faults(WHOLE, decisions={"D": table((["1"], ["1"]))}, known=("child",))] == []
