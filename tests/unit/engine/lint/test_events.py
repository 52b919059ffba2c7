"""The linter on events: what each may wait for or throw, where it may stand, and what may race."""

from __future__ import annotations

import pytest

from osm_flow.engine.lint.linter import lint
from tests.unit.engine.diagrams import (
    ROOTS,
    Refusals,
    again,
    around,
    boundary,
    call,
    catch,
    diagram,
    each,
    element,
    end,
    faults,
    flows,
    manual,
    many,
    on,
    plain_sub,
    race,
    refused,
    service,
    start,
    sub,
    throw,
    timer,
    user,
    waiting,
    xor,
)

REFUSED: Refusals = {
    ("e", "event"): {
        "signal end": around(manual("a"), path="s > a > e").replace(
            b'<bpmn:endEvent id="e">', f'<bpmn:endEvent id="e">{on("signal", "sig")}'.encode()
        ),
    },
    ("a", "event"): {
        "signal catch": around(catch("a", on("signal", "sig"))),
        "timer throw": around(throw("a", timer("PT1H"))),
        "error throw": around(throw("a", on("error", "oops"))),
        "terminate throw": around(throw("a", on("terminate"))),
        "error catch": around(catch("a", on("error", "oops"))),
    },
    ("b1", "event"): {
        "signal boundary": waiting(boundary("b1", "a", on("signal", "sig"))),
    },
    ("a", "multiple_event"): {
        "two definitions": around(catch("a", on("message", "hi"), timer("PT1H"))),
    },
    ("a", "no_event"): {
        "catch of nothing": around(catch("a")),
    },
    ("b1", "no_event"): {
        "boundary of nothing": waiting(boundary("b1", "a")),
    },
    ("a", "no_message"): {
        "message without name": around(catch("a", on("message", "nobody"))),
        "message without ref": around(catch("a", "<bpmn:messageEventDefinition/>")),
    },
    ("e", "no_code"): {
        "error without code": around(manual("a"), roots=ROOTS).replace(
            b'<bpmn:endEvent id="e">', f'<bpmn:endEvent id="e">{on("error")}'.encode()
        ),
    },
    ("b1", "no_code"): {
        "error boundary with a code that is missing": waiting(boundary("b1", "a", on("error", "nobody"))),
        "error boundary whose error has no code": waiting(boundary("b1", "a", on("error", "oops"))).replace(
            b' errorCode="oops"', b""
        ),
    },
    ("b1", "error_interrupts"): {
        "error that does not interrupt": waiting(boundary("b1", "a", on("error", "oops"), cancel=False)),
    },
    ("b1", "never_happens"): {
        "error of a task": waiting(boundary("b1", "a", on("error", "oops"))),
        "escalation of a task": waiting(boundary("b1", "a", on("escalation", "up"))),
    },
    ("b1", "unattached"): {
        "boundary on nothing": waiting(boundary("b1", "nobody", timer("PT1H"))),
        "boundary on a gateway": around(
            manual("a"), xor("g"), boundary("b1", "g", timer("PT1H")), end("e2"), path="s > a > g > e; b1 > e2"
        ),
        "boundary across a border": around(
            sub("a", start("x"), manual("in"), end("y"), flows("x > in > y")),
            boundary("b1", "in", timer("PT1H")),
            end("e2"),
            path="s > a > e; b1 > e2",
        ),
    },
    ("a", "timer"): {
        "timer of two kinds": around(
            catch(
                "a",
                "<bpmn:timerEventDefinition><bpmn:timeDate>x</bpmn:timeDate><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>",
            )
        ),
        "timer of no kind": around(catch("a", on("timer"))),
        "timer that is no duration": around(catch("a", timer("PT"))),
        "duration that repeats": around(catch("a", timer("R3/PT1H"))),
        "date without offset": around(catch("a", timer("2026-01-01T00:00:00", "timeDate"))),
    },
    ("a", "expression"): {
        "timer that calls": around(catch("a", timer("open('x')"))),
    },
    ("b1", "cycle"): {
        "cycle that interrupts": waiting(boundary("b1", "a", timer("R3/PT1H", "timeCycle"))),
    },
    ("a", "cycle"): {
        "cycle in between": around(catch("a", timer("R3/PT1H", "timeCycle"))),
    },
    ("b1", "timer"): {
        "cycle without repetition": waiting(boundary("b1", "a", timer("PT1H", "timeCycle"), cancel=False)),
        "cycle of no turns": waiting(boundary("b1", "a", timer("R0/PT1H", "timeCycle"), cancel=False)),
        "cycle without pause": waiting(boundary("b1", "a", timer("R/PT0S", "timeCycle"), cancel=False)),
    },
    ("g", "two_timers"): {
        "two timers in a race": diagram(
            start(),
            race("g"),
            catch("a", timer("PT1H")),
            catch("b", timer("PT2H")),
            end(),
            flows("s > g > a > e; g > b > e"),
        ),
    },
    ("g", "race"): {
        "task in a race": diagram(start(), race("g"), manual("a"), end(), flows("s > g > a > e")),
    },
    ("b", "race_entry"): {
        "second way into a race": diagram(
            start(),
            race("g"),
            catch("a", timer("PT1H")),
            catch("b", on("message", "hi")),
            xor("x", "e"),
            end(),
            flows("s > g > a > x; g > b > x; x > b [y]; x > e"),
            roots=ROOTS,
        ),
    },
    ("a", "race_task"): {
        "instances of a receive task in a race": diagram(
            start(),
            race("g"),
            element("receiveTask", "a", many("x"), messageRef="hi"),
            end(),
            flows("s > g > a > e"),
            roots=ROOTS,
        ),
        "loop of a receive task in a race": diagram(
            start(),
            race("g"),
            element("receiveTask", "a", again("x"), messageRef="hi"),
            end(),
            flows("s > g > a > e"),
            roots=ROOTS,
        ),
        "boundary on a receive task in a race": diagram(
            start(),
            race("g"),
            element("receiveTask", "a", messageRef="hi"),
            boundary("b1", "a", timer("PT1H")),
            end(),
            end("e2"),
            flows("s > g > a > e; b1 > e2"),
            roots=ROOTS,
        ),
    },
}


@pytest.mark.parametrize(("xml", "where"), each(REFUSED))
def test_it_is_refused_with_its_element(xml: bytes, where: tuple[str, str]) -> None:
    assert where in refused(xml)


ALLOWED = {
    "message": around(catch("a", on("message", "hi"))),
    "duration": around(catch("a", timer("P1DT2H"))),
    "instant from the calendar": around(catch("a", timer("${milestone('plan')}", "timeDate"))),
    "message that starts": diagram(start("s", on("message", "hi")), end(), flows("s > e"), roots=ROOTS),
    "timer that starts": diagram(start("s", timer("P1D")), end(), flows("s > e")),
    "thrown message": around(throw("a", on("message", "hi"))),
    "thrown signal": around(throw("a", on("signal", "sig"))),
    "thrown escalation": around(throw("a", on("escalation", "up"))),
    "throw of nothing": around(throw("a")),
    "end in a message": diagram(start(), end("e", on("message", "hi")), flows("s > e"), roots=ROOTS),
    "end in an error": diagram(start(), end("e", on("error", "oops")), flows("s > e"), roots=ROOTS),
    "end in an escalation": diagram(start(), end("e", on("escalation", "up")), flows("s > e"), roots=ROOTS),
    "end of everything": diagram(start(), end("e", on("terminate")), flows("s > e")),
    "timer beside a task": waiting(boundary("b1", "a", timer("PT1H"))),
    "repeated reminder": waiting(boundary("b1", "a", timer("R3/PT1H", "timeCycle"), cancel=False)),
    "endless reminder": waiting(boundary("b1", "a", timer("R/PT1H", "timeCycle"), cancel=False)),
    "error of a service": waiting(boundary("b1", "a", on("error", "oops")), host=service("a")),
    "error of a child": waiting(boundary("b1", "a", on("error", "oops")), host=call("a")),
    "error of a subprocess": waiting(boundary("b1", "a", on("error", "oops")), host=plain_sub("a", body="c")),
    "any error": waiting(boundary("b1", "a", on("error")), host=service("a")),
    "escalation of a child": waiting(boundary("b1", "a", on("escalation", "up"), cancel=False), host=call("a")),
    "any escalation": waiting(boundary("b1", "a", on("escalation")), host=plain_sub("a", body="c")),
    "race": diagram(
        start(),
        race("g"),
        catch("a", timer("PT1H")) + catch("b", on("message", "hi")) + element("receiveTask", "c", messageRef="hi"),
        end(),
        flows("s > g > a > e; g > b > e; g > c > e"),
        roots=ROOTS,
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_right_is_let_through(name: str) -> None:
    assert refused(ALLOWED[name]) == []


def test_a_fixed_date_is_allowed_with_a_warning() -> None:
    xml = around(catch("a", timer("2026-11-21T09:00:00+07:00", "timeDate")))
    found = lint(xml, forms={}, decisions={}, topics=())
    assert [(p.element, p.code, p.level) for p in found] == [("a", "fixed_date", "warning")]


def test_a_warning_comes_after_the_errors() -> None:
    early = catch("a", timer("2026-11-21T09:00:00Z", "timeDate"))
    xml = around(early, catch("b"), path="s > a > b > e")
    found = lint(xml, forms={}, decisions={}, topics=())
    assert [(p.element, p.level) for p in found] == [("b", "error"), ("a", "warning")]


@pytest.mark.parametrize(("kind", "host"), [("error", "userTask"), ("escalation", "serviceTask")])
def test_an_event_that_never_happens_is_sent_where_it_can(kind: str, host: str) -> None:
    hosts = {"userTask": user("a"), "serviceTask": service("a")}
    ref = {"error": "oops", "escalation": "up"}[kind]
    (problem,) = faults(waiting(boundary("b1", "a", on(kind, ref)), host=hosts[host]))
    assert problem.en.startswith(f"no {kind} can come out of a {host}: attach it to ")
    assert "callActivity" in problem.en
