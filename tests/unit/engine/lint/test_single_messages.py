"""Bad diagrams, each with one fault: the one message that it gives, where it points, and what it says to draw instead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from osm_flow.domain.access.roles import SIGN_IN_ROLES
from osm_flow.engine.definitions import executable_processes, read_bpmn
from osm_flow.engine.lint.linter import lint
from osm_flow.engine.values import Offered, Problem
from tests.unit.engine.diagrams import (
    FORM,
    ROOTS,
    Case,
    again,
    around,
    both,
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
    many,
    on,
    plain_sub,
    process,
    properties,
    service,
    start,
    sub,
    throw,
    timer,
    user,
    waiting,
    xor,
)

FORMS: dict[str, Any] = {
    "f": FORM,
    "decide": {"type": "object", "properties": {"decision": {"type": "string"}, "amount": {"type": "number"}}},
    "wait": {"type": "object", "properties": {"ระยะเวลา": {"type": "string"}}},
    "choose": {"type": "object", "properties": {"colour": {"type": "string", "enum": ["red", "green"]}}},
}


def found(xml: bytes, level: str = "error") -> list[Problem]:
    offered = Offered(provinces=("TH-41", "TH-42"), ladders=("standard",), tasks=("mother_task",), documents=("book",))
    given: dict[str, Any] = {"known_processes": ("child",), "roles": SIGN_IN_ROLES, "offered": offered}
    problems = lint(xml, forms=FORMS, decisions={}, topics=("work", "notify"), **given)
    return [p for p in problems if p.level == level]


def timed(text: str, kind: str = "timeDuration") -> bytes:
    return around(catch("a", timer(text, kind)))


def cycled(text: str) -> bytes:
    return waiting(boundary("b1", "a", timer(text, "timeCycle"), cancel=False))


def asked(condition: str, other: str = "") -> bytes:
    gate = xor("g") if other else xor("g", "b")
    return around(
        gate, manuals("a b"), path=f"s > g; g > a [{condition}]; g > b{f' [{other}]' if other else ''}; a > e; b > e"
    )


def spaced(prefix: str, address: str, xml: bytes) -> bytes:
    return xml.replace(b"targetNamespace", f'xmlns:{prefix}="{address}" targetNamespace'.encode(), 1)


def zeebe(inner: str) -> str:
    return extended(inner.replace("<zeebe:", "<zeebe:", 1))


ZEEBE, ACTIVITI = "http://camunda.org/schema/zeebe/1.0", "http://activiti.org/bpmn"
FLOWABLE = "http://flowable.org/bpmn"

# conditions that can be worked out for no values at all, each with the reason
NEVER = {
    "1/0 == 1": "divided by nought",
    "a / 0 > 1": "divided by nought",
    "a or 1/0": "divided by nought",
    "len(5) == 1": "len() needs a list",
    '1 < "a"': "cannot be compared with a text",
    "a < true": "cannot be compared with true or false",
    "a > null": "nothing (null)",
    '-"a"': "has no opposite",
    "-(a > b) == 1": "has no opposite",
    'int("x") == 1': "as a whole number",
    "[1][5] == 1": "no such place",
    '{"a": 1}["b"] == a': "no b in the object",
    '"a" * 3 == "aaa"': "cannot be multiplied",
    'a - "x" == 1': "cannot be subtracted",
    "str(a) + 1 == b": "str(…)",
    "a in 5": "only in a list, a text or an object",
    'working_days("x") > a': "whole number of days",
    "working_days(1.5) > a": "whole number of days",
    "calendar_days(3661) > a": "at most 3660 days",
    "milestone(5) > a": "the key of a milestone",
    'before("2026-02-30", 3) > a': "as a date",
    'after(a, "x") > b': "whole number of days",
    'sum("x") == a': "needs a list",
}
# conditions that can be worked out and are neither true nor false
NO_CONDITIONS = ("a, a", "(a, b)", "[a]", "{'k': a}", "str(a)", "null", "5", "working_days(3)", "role('x', a)")
NOBODY = ("${5}", "${true}", "${null}", "${1 + 1}", "${len(a)}", "${a > 1}", "${{'a': 1}}")

# times that are written wrongly, by kind, and what the message says to write
MISSPELT = {
    "timeCycle": {
        "R3": "R3/P1D", "R": "R3/P1D", "R+3/PT5M": "R3/P1D", "R1/P": "like P3D", "R3/PT": "like P3D", "R/-P1D": "write R/P1D",
        "R๓/PT5M": "write R3/PT5M", "R3/P1YT": "like P3D",
    },
    "timeDuration": {
        "T5M": "like P3D", "ป1D": "like P3D", "five": "like P3D", "P๑D": "write P1D", "P１D": "write P1D",
        "P": "like P3D", "PT": "like P3D", "P1DT": "like P3D", "P1YT": "like P3D", "PT5S3M": "order of years", "P1D1Y": "order of years",
        "P0001-00-00T00:00:00": "like P3D", "P-": "like P3D", "-PT5M": "write PT5M", "${null}": "the time null", "${true}": "the time true",
        "5d": "like P3D", "P1Y2M3Q": "like P3D",
    },
    "timeDate": {
        "now": "2026-11-20T09:00:00+07:00", "ด่วน": "2026-11-20T09:00:00+07:00",
        "9999-12-31T23:59:59Z": "too far away", "2699-01-01T00:00:00Z": "write 2156", "2701-01-01T00:00:00Z": "too far away",
        "${true}": "the time true",
    },
}  # fmt: skip


def wrongly_timed(text: str, kind: str) -> tuple[bytes, str]:
    return (cycled(text), "b1") if kind == "timeCycle" else (timed(text, kind), "a")


# name: the diagram, the element, the code, and words that the English message holds
TABLE: dict[str, tuple[bytes, str, str, str]] = {
    # constants of timers
    "lower case": (timed("pt5m"), "a", "timer", "write PT5M"),
    "mixed case": (timed("Pt5m"), "a", "timer", "write PT5M"),
    "negative": (timed("-PT5M"), "a", "timer", "cannot be negative"),
    "negative inside": (timed("PT-5M"), "a", "timer", "cannot be negative"),
    "a number alone": (timed("5"), "a", "timer", "P3D or PT5H30M"),
    "a quoted word": (timed("'soon'"), "a", "timer", "P3D or PT5H30M"),
    "a quoted duration in lower case": (timed("${'pt5m'}"), "a", "timer", "write PT5M"),
    "half a day": (timed("P0.5D"), "a", "timer", "whole numbers"),
    "ten thousand years": (timed("P9999Y"), "a", "timer", "longer than 100 years"),
    "many days": (timed("P99999999999D"), "a", "timer", "longer than 100 years"),
    "a repetition as a period": (timed("R3/PT5M"), "a", "timer", "a repetition is no period"),
    "a working day as a period": (timed("working_days(5)"), "a", "timer", "put it into timeDate"),
    "cron": (cycled("0 0 9 * * ?"), "b1", "timer", "cron is not supported"),
    "cycle from a date": (cycled("R3/2026-11-20T09:00:00Z/P1D"), "b1", "timer", "not at a date"),
    "cycle until a date": (cycled("R/P1D/2026-11-20T09:00:00Z"), "b1", "timer", "not at a date"),
    "cycle in lower case": (cycled("r3/p1d"), "b1", "timer", "write"),
    "cycle minus one": (cycled("R-1/P1D"), "b1", "timer", "R3/P1D"),
    "cycle of a negative period": (cycled("R3/-P1D"), "b1", "timer", "cannot be negative"),
    "cycle without a pause": (cycled("R/PT0S"), "b1", "timer", "without a pause"),
    "cycle of a plain period": (cycled("PT1H"), "b1", "timer", "R/P1D"),
    "a million turns": (cycled("R1000000/PT1M"), "b1", "timer", "write R/P1D"),
    "Buddhist date": (timed("2569-11-20T09:00:00+07:00", "timeDate"), "a", "timer", "write 2026"),
    "Buddhist date in a function": (timed("before('2569-11-20T09:00:00+07:00', 5)", "timeDate"), "a", "buddhist_year", "write 2026"),
    "the first Buddhist year": (timed("2400-01-01T09:00:00Z", "timeDate"), "a", "timer", "write 1857"),
    "a day that is not there": (timed("2026-02-30T09:00:00Z", "timeDate"), "a", "timer", "no such day"),
    "a date without offset": (timed("2026-02-20T09:00:00", "timeDate"), "a", "timer", "+07:00"),
    "a day alone": (timed("2026-02-20", "timeDate"), "a", "timer", "+07:00"),
    "a Thai date": (timed("20/11/2569", "timeDate"), "a", "timer", "2026-11-20T09:00:00+07:00"),
    "a period as a date": (timed("P3D", "timeDate"), "a", "timer", "2026-11-20T09:00:00+07:00"),
    "a number as a date": (timed("5", "timeDate"), "a", "timer", "2026-11-20T09:00:00+07:00"),
    "FEEL duration": (timed('= duration("PT5M")'), "a", "expression", "milestone('key')"),
    "due date drawn": (around(user("a", c_dueDate="2026-11-20T09:00:00+07:00")), "a", "fixed_date", "calendar"),
    "due date that is a number": (around(user("a", c_dueDate="${5}")), "a", "fixed_date", "calendar"),
    "priority beyond reason": (around(user("a", c_priority="99999999999")), "a", "priority", "whole number"),
    **{f"never: {text}": (asked(text), "g-a", "expression", words) for text, words in NEVER.items()},
    **{f"no condition: {text}": (asked(text), "g-a", "text_condition", "is no condition") for text in NO_CONDITIONS},
    **{f"nobody: {text}": (around(user("a", c_assignee=text)), "a", "people", "names nobody") for text in NOBODY},
    "a list as one person": (around(user("a", c_assignee="${[a]}")), "a", "people", "names nobody"),
    "numbers as roles": (around(user("a", c_candidateGroups="${[1, 2]}")), "a", "people", "names nobody"),
    "a number as a role": (around(user("a", c_candidateGroups="${5}")), "a", "people", "names nobody"),
    "a period of nothing": (timed("${1/0}"), "a", "expression", "divided by nought"),
    "a person of nothing": (around(user("a", c_assignee="${1/0}")), "a", "expression", "divided by nought"),
    "instances of nothing": (around(manual("a", many(number="${1/0}"))), "a", "expression", "divided by nought"),
    "priority of a word": (around(user("a", c_priority="${'x'}")), "a", "priority", "whole number"),
    "priority of a part": (around(user("a", c_priority="${1.5}")), "a", "priority", "whole number"),
    "priority of a truth": (around(user("a", c_priority="${a > 1}")), "a", "priority", "whole number"),
    "due date after words": (around(user("a", c_dueDate="${working_days('x')}")), "a", "expression", "whole number of days"),
    "due date after half a day": (around(user("a", c_dueDate="${working_days(1.5)}")), "a", "expression", "not 1.5"),
    "due date of a number": (around(user("a", c_followUpDate="${milestone(5)}")), "a", "expression", "key of a milestone"),
    "due date that is true": (around(user("a", c_dueDate="${a > 1}")), "a", "fixed_date", "calendar"),
    **{
        f"{kind} {text}": (*wrongly_timed(text, kind), "timer", words)
        for kind, texts in MISSPELT.items() for text, words in texts.items()
    },
    **{f"due date {text}": (around(user("a", c_dueDate=text)), "a", "fixed_date", "calendar") for text in ("pt5m", "ด่วน", "now", "T5M")},
    "follow-up in lower case": (around(user("a", c_followUpDate="pt5m")), "a", "fixed_date", "calendar"),
    "a call of an expression": (around(call("a", called="${x}")), "a", "no_call", "is an expression"),
    # instances
    "negative instances": (around(manual("a", many(number="-1"))), "a", "instances", "whole number"),
    "a million instances": (around(manual("a", many(number="1000000"))), "a", "instances", "more than 1000"),
    "half an instance": (around(manual("a", many(number="2.5"))), "a", "instances", "whole number"),
    "true instances": (around(manual("a", many(number="true"))), "a", "instances", "whole number"),
    "instances in words": (around(manual("a", many(number="'three'"))), "a", "instances", "whole number"),
    "a number as a list": (around(manual("a", many("5"))), "a", "instances", "no list"),
    "a text as a list": (around(manual("a", many("'abc'"))), "a", "instances", "no list"),
    "a text as completion": (around(manual("a", many("x", until="'done'"))), "a", "text_condition", "compare it"),
    "item of two words": (around(manual("a", many("x", item="my item"))), "a", "variable", "one word"),
    "loop beyond reason": (around(manual("a", again("", "99999999"))), "a", "loop", "more than"),
    # expressions
    "half a surrogate": (asked(r"x == '\ud800'"), "g-a", "expression", "cannot be stored"),
    "a null byte": (asked(r"x == '\x00'"), "g-a", "expression", "cannot be stored"),
    "bytes": (asked("x == b'a'"), "g-a", "expression", "cannot be stored"),
    "infinity": (asked("x > 1e999"), "g-a", "expression", "cannot be stored"),
    "a huge number": (asked("x > 99999999999999999999"), "g-a", "expression", "cannot be stored"),
    "too few values": (asked("count(rows) > 1"), "g-a", "expression", "takes 3, not 1"),
    "FEEL count": (asked("working_days() == x"), "g-a", "expression", "takes 1, not 0"),
    "property with #{}": (around(manual("a", properties(subject="x #{y}"))), "a", "expression", "write ${…}"),
    # habits
    "JUEL and": (asked("a == 1 && b == 2"), "g-a", "expression", "write and instead of &&"),
    "JUEL or": (asked("a == 1 || b == 2"), "g-a", "expression", "write or instead of ||"),
    "JUEL not": (asked("!done"), "g-a", "expression", "write not x"),
    "JUEL not, wrapped": (asked("${!done}"), "g-a", "expression", "write not x"),
    "JUEL eq": (asked("${a eq 1}"), "g-a", "expression", "write == instead of eq"),
    "JUEL ne": (asked("a ne 1"), "g-a", "expression", "write != instead of ne"),
    "JUEL gt": (asked("a gt 1"), "g-a", "expression", "> / >="),
    "JUEL empty": (asked("${empty rows}"), "g-a", "expression", "len(x) == 0"),
    "JUEL not empty": (asked("${not empty rows}"), "g-a", "expression", "len(x) > 0"),
    "JUEL choice": (asked("a ? b : c"), "g-a", "expression", "b if a else c"),
    "JUEL path": (asked("${plan.title == 'x'}"), "g-a", "expression", "plan['title']"),
    "JUEL in pieces": (asked("${a == 1} and ${b == 2}"), "g-a", "expression", "one ${…}"),
    "FEEL equals": (asked("= a = 1"), "g-a", "expression", "write == instead of ="),
    "one equals sign": (asked("a = 1"), "g-a", "expression", "write == instead of ="),
    "FEEL if": (asked("if a then b else c"), "g-a", "expression", "b if a else c"),
    "FEEL between": (asked("a between 1 and 5"), "g-a", "expression", "a <= x"),
    "FEEL range": (asked("a in [1..5]"), "g-a", "expression", "a <= x"),
    "FEEL some": (asked("some x in rows satisfies x > 1"), "g-a", "expression", "any_of"),
    "FEEL contains": (asked("list contains(rows, 1)"), "g-a", "expression", "x in list"),
    "JavaScript equals": (asked("a === 1"), "g-a", "expression", "write == instead of ==="),
    "SQL unequal": (asked("a <> 1"), "g-a", "expression", "write != instead of <>"),
    "AND in capitals": (asked("a == 1 AND b == 2"), "g-a", "expression", "and, or, not"),
    "one ampersand": (asked("(a == 1) & (b == 2)"), "g-a", "expression", "write and instead of &"),
    "Java equals": (asked("status.equals('x')"), "g-a", "expression", "a == b"),
    "execution": (asked("execution.getVariable('x') == 1"), "g-a", "expression", "getVariable"),
    "curly quotes": (asked("a == “yes”"), "g-a", "expression", "straight quotes"),
    "words": (asked("the amount is large"), "g-a", "expression", "cannot be read"),
    # conditions
    "a text": (asked("'yes'"), "g-a", "text_condition", "compare it"),
    "a wrapped text": (asked('${"yes"}'), "g-a", "text_condition", "compare it"),
    "a text behind or": (asked("a == 'x' or 'y'"), "g-a", "text_condition", "compare it"),
    "a number": (asked("5"), "g-a", "text_condition", "no condition"),
    "a text of a form": (asked("decision"), "g-a", "text_condition", "decision is a text"),
    "not a text of a form": (asked("not decision"), "g-a", "text_condition", "decision is a text"),
    # one fault, one message
    "untyped task": (around(element("task", "a")), "a", "unknown", "what kind of task"),
    "script task": (around(element("scriptTask", "a", "<bpmn:script>1</bpmn:script>")), "a", "unknown", "service task"),
    "transaction with a fault inside": (
        around(element("transaction", "a", start("x"), manual("y"), flows("x > y"))),
        "a",
        "unknown",
        "plain subprocess",
    ),
    "ad hoc subprocess": (around(element("adHocSubProcess", "a", manuals("x y"))), "a", "unknown", "plain subprocess"),
    "event subprocess": (around(manual("a"), plain_sub("b", body="c", triggeredByEvent="true")), "b", "event_subprocess", "boundary event"),
    "event subprocess with a timer": (
        around(manual("a"), sub("b", start("x", timer("PT1H")), end("y"), flows("x > y")).replace('id="b"', 'id="b" triggeredByEvent="true"')),
        "b", "event_subprocess", "boundary event",
    ),
    "link event": (
        around(manual("a"), throw("l1", "<bpmn:linkEventDefinition name='x'/>"), path="s > a > l1"),
        "l1", "unknown", "draw the flow",
    ),
    "compensation boundary": (
        around(manual("a"), boundary("b1", "a", "<bpmn:compensateEventDefinition/>")), "b1", "unknown", "draw the way back",
    ),
    "conditional event": (
        around(catch("a", "<bpmn:conditionalEventDefinition><bpmn:condition>x</bpmn:condition></bpmn:conditionalEventDefinition>")),
        "a", "unknown", "a message or a gateway",
    ),
    "boundary of an untyped task": (waiting(boundary("b1", "a", timer("PT1H")), host=element("task", "a")), "a", "unknown", "what kind"),
    "data association": (
        around(manual("a", element("property", "Property_1", name="__targetRef_placeholder"),
               element("dataInputAssociation", "d", "<bpmn:sourceRef>x</bpmn:sourceRef><bpmn:targetRef>Property_1</bpmn:targetRef>"))),
        "d", "unknown", "dotted line",
    ),
    "data output association": (
        around(manual("a", element("dataOutputAssociation", "d", "<bpmn:targetRef>x</bpmn:targetRef>"))), "d", "unknown", "dotted line",
    ),
    "property of a task": (around(manual("a", element("property", "Property_1"))), "a", "unknown", "variables"),
    "data store with its root": (
        around(manual("a"), element("dataStoreReference", "d", dataStoreRef="ds"), roots=ROOTS + element("dataStore", "ds", name="x")),
        "d", "unknown", "text annotation",
    ),
    "class of a service": (around(element("serviceTask", "a", c_class="x.Y")), "a", "code", "external topic"),
    "class of a send task": (around(element("sendTask", "a", c_class="x.Y")), "a", "code", "external topic"),
    "form reference": (around(element("userTask", "a", c_formRef="x")), "a", "code", "camunda:formRef"),
    "form data": (
        around(element("userTask", "a", extended('<camunda:formData><camunda:formField id="x"/></camunda:formData>'))),
        "a", "code", "camunda:formData",
    ),
    "case call": (around(element("callActivity", "a", c_caseRef="x")), "a", "code", "camunda:caseRef"),
    "no start": (diagram(manuals("a b"), end(), flows("a > b > e")), "p", "one_start", "start event"),
    "no end": (diagram(start(), manual("a"), flows("s > a")), "p", "no_end", "end event"),
    "a task left alone": (around(manuals("a b"), path="s > a > e"), "b", "unreachable", "nothing leads"),
    "a flow from nowhere": (
        around(manuals("a b"), path="s > a > e; b > e").replace(b"</bpmn:process>", flows("nobody > b").encode() + b"</bpmn:process>"),
        "nobody-b", "loose_flow", "both ends",
    ),
    "an id twice": (around(manual("a"), manual("a"), path="s > a > e"), "a", "duplicate_id", "more than once"),
    "date and nothing else": (around(user("a", c_dueDate="2569-11-20")), "a", "fixed_date", "calendar"),
    # other engines
    "zeebe form": (
        spaced("zeebe", ZEEBE, around(element("userTask", "a", extended('<zeebe:formDefinition formKey="x"/>')))),
        "a", "foreign", "camunda:formKey",
    ),
    "zeebe service": (
        spaced("zeebe", ZEEBE, around(element("serviceTask", "a", extended('<zeebe:taskDefinition type="x"/><zeebe:ioMapping><zeebe:input/></zeebe:ioMapping>')))),
        "a", "foreign", "camunda:topic",
    ),
    "zeebe on what is whole here": (
        spaced("zeebe", ZEEBE, around(user("a", extended("<zeebe:userTask/>")))), "a", "foreign", "remove them",
    ),
    "zeebe on a message": (
        spaced("zeebe", ZEEBE, around(manual("a"), roots=element("message", "m", extended('<zeebe:subscription correlationKey="x"/>'), name="m"))),
        "m", "foreign", "zeebe",
    ),
    "activiti": (
        spaced("activiti", ACTIVITI, around(element("userTask", "a", **{"activiti:assignee": "x", "activiti:formKey": "f"}))),
        "a", "foreign", "camunda:assignee, camunda:formKey",
    ),
    "activiti listener": (
        spaced("activiti", ACTIVITI, around(user("a", extended('<activiti:taskListener event="create" class="x"/>')))), "a", "foreign", "Activiti",
    ),
    "flowable": (
        spaced("flowable", FLOWABLE, around(element("serviceTask", "a", **{"flowable:class": "x.Y"}))), "a", "foreign", "Flowable",
    ),
    "flowable on the process": (
        spaced("flowable", FLOWABLE, around(manual("a")).replace(b'isExecutable="true"', b'isExecutable="true" flowable:candidateStarterGroups="x"')),
        "p", "foreign", "Flowable",
    ),
    "attribute nobody knows": (around(user("a", c_dueDates="x")), "a", "unknown_attribute", "camunda:dueDates"),
    "initiator": (around(manual("a")).replace(b'<bpmn:startEvent id="s"', b'<bpmn:startEvent id="s" camunda:initiator="x"'), "s", "unknown_attribute", "camunda:initiator"),
    "binding of a call": (around(element("callActivity", "a", calledElement="child", c_calledElementBinding="version")), "a", "unknown_attribute", "calledElementBinding"),
    "topic of a user task": (around(user("a", c_topic="work")), "a", "unknown_attribute", "serviceTask"),
    "result of a service": (
        around(element("serviceTask", "a", c_type="external", c_topic="work", c_resultVariable="x")), "a", "unknown_attribute", "businessRuleTask",
    ),
    "mapping that stays local": (
        around(call("a", extended('<camunda:in source="x" target="y" local="true"/>'))), "a", "unknown_attribute", "local of a mapping",
    ),
    # roles
    "unknown role": (around(user("a", c_candidateGroups="management")), "a", "unknown_role", "management"),
    "role spelled wrongly": (around(user("a", c_candidateGroups="osm_strategie")), "a", "unknown_role", "did you mean osm_strategy"),
    "one of two roles": (around(user("a", c_candidateGroups="osm_strategy, sales")), "a", "unknown_role", "sales"),
    "unknown role in an expression": (around(user("a", c_candidateGroups="${['sales', 'osm_me']}")), "a", "unknown_role", "sales"),
    "unknown role of a province": (around(user("a", c_candidateGroups="${role('planner', province)}")), "a", "unknown_role", "planner"),
    "role that does not sign in": (around(user("a", c_candidateGroups="bb")), "a", "unknown_role", "signs in"),
    "unknown role of a province that is worked out": (around(user("a", c_candidateGroups="nobody@${p}")), "a", "unknown_role", "nobody"),
    "unknown role beside one that is worked out": (around(user("a", c_candidateGroups="${x},nobody@${p}")), "a", "unknown_role", "nobody"),
    "unknown role put together": (around(user("a", c_candidateGroups="${'nobody@' + p}")), "a", "unknown_role", "nobody"),
    "unknown province": (around(user("a", c_candidateGroups="province_planner@TH-99")), "a", "unknown_province", "TH-99"),
    "unknown province of a function": (around(user("a", c_candidateGroups="${role('osm_me', 'TH-99')}")), "a", "unknown_province", "TH-99"),
    "no groups": (around(user("a", c_candidateGroups="")), "a", "people", "names nobody"),
    "groups of nothing": (around(user("a", c_candidateGroups=" , ")), "a", "people", "names nobody"),
    "no users": (around(user("a", c_candidateUsers="")), "a", "people", "names nobody"),
    "no assignee": (around(user("a", c_assignee=" ")), "a", "people", "names nobody"),
    "unknown role that is told": (
        around(element("serviceTask", "a", properties(to="sales", subject="x"), c_type="external", c_topic="notify")), "a", "unknown_role", "sales",
    ),
    # properties
    "separate from nothing": (around(user("a", properties(separate_from="nope"))), "a", "separate_from", "names nope"),
    "separate from a misspelt task": (
        around(user("draft_plan"), user("a", properties(separate_from="draft_plam")), path="s > draft_plan > a > e"),
        "a", "separate_from", "did you mean draft_plan",
    ),
    "separate from one of two": (
        around(user("x"), user("a", properties(separate_from="x, y")), path="s > x > a > e"), "a", "separate_from", "names y,",
    ),
    "separate from a gateway": (
        around(xor("g", "b"), user("a", properties(separate_from="g")), manual("b"), path="s > g; g > a [x]; g > b; a > e; b > e"),
        "a", "separate_from", "no user or manual task",
    ),
    "separate from tasks with a semicolon between": (
        around(manuals("x y"), user("a", properties(separate_from="x;y")), path="s > x > y > a > e"), "a", "separate_from", "names x;y",
    ),
    "separate from too many": (
        around(manual("x"), user("a", properties(separate_from="x," * 130)), path="s > x > a > e"), "a", "separate_from", "255",
    ),
    "separate from nobody": (around(user("a", properties(separate_from=""))), "a", "separate_from", "by their ids"),
    "separate from on a service": (
        around(service("a", properties(separate_from="x")), manual("x"), path="s > x > a > e"), "a", "property", "only on userTask",
    ),
    "a document nobody writes": (
        around(user("x", properties(document="plan")), user("a", properties(approves="plam")), path="s > x > a > e"), "a", "approves", "did you mean plan",
    ),
    "a ladder that is not there": (around(user("a", properties(escalation="nope"))), "a", "property", "standard"),
    "a stage that is not there": (around(user("a", properties(stage="darfting"))), "a", "property", "drafting"),
    "a retention that is not there": (around(user("a", properties(retention="10 years"))), "a", "property", "10y"),
    "whether a process can be started": (document(process(properties(startable="yes"), start(), end(), flows("s > e"))), "p", "property", "true"),
    "a document that is no name": (around(user("a", properties(document="the plan"))), "a", "variable", "the plan"),
    "a property twice": (
        around(user("a", extended('<camunda:properties><camunda:property name="subject" value="x"/><camunda:property name="subject" value="y"/></camunda:properties>'))),
        "a", "property", "2 times",
    ),
    "a property without a name": (
        around(user("a", extended('<camunda:properties><camunda:property value="x"/></camunda:properties>'))), "a", "property", "no name",
    ),
    "a property that is misspelt": (around(user("a", properties(subjct="x"))), "a", "property", "did you mean subject"),
    "separation that is misspelt": (around(user("a", properties(seperate_from="x"))), "a", "property", "did you mean separate_from"),
    "a key on a task": (around(user("a", properties(business_key="X"))), "a", "property", "only on process"),
    # what the standard does not know, or would be read once
    "an attribute of nobody": (around(user("a", foo="bar")), "a", "unknown_attribute", "no foo"),
    "an attribute that is misspelt": (
        around(manual("a"), element("callActivity", "b", calledElemnt="child", calledElement="child"), path="s > a > b > e"),
        "b", "unknown_attribute", "did you mean calledElement",
    ),
    "an attribute without its prefix": (around(user("a", assignee="somchai")), "a", "unknown_attribute", "camunda:assignee"),
    "an attribute of a flow": (
        around(manual("a")).replace(b'<bpmn:sequenceFlow id="s-a"', b'<bpmn:sequenceFlow id="s-a" condition="x"'), "s-a", "unknown_attribute", "no condition",
    ),
    "an attribute of the process": (
        around(manual("a")).replace(b'isExecutable="true"', b'isExecutable="true" executable="x"'), "p", "unknown_attribute", "isExecutable",
    ),
    "the default of a task": (around(manual("a", default="a-e")), "a", "default", "draw one"),
    "the default of a parallel gateway": (
        around(element("parallelGateway", "g", default="g-a"), manuals("a b"), element("parallelGateway", "h"), path="s > g > a > h; g > b > h; h > e"),
        "g", "default", "only on a gateway that asks",
    ),
    "two numbers of instances": (
        around(manual("a", "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>2</bpmn:loopCardinality><bpmn:loopCardinality>3</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>")),
        "a", "written_twice", "loopCardinality",
    ),
    "two conditions": (
        asked("x").replace(b"</bpmn:conditionExpression>", b"</bpmn:conditionExpression><bpmn:conditionExpression>y</bpmn:conditionExpression>", 1),
        "g-a", "written_twice", "conditionExpression",
    ),
    "two times": (
        timed("PT1H").replace(b"</bpmn:timeDuration>", b"</bpmn:timeDuration><bpmn:timeDuration>PT2H</bpmn:timeDuration>"), "a", "written_twice", "timeDuration",
    ),
    "a variable of items that is a constant": (around(manual("a", many("rows", item="true"))), "a", "variable", "true"),
    "a variable of items that is a word of the dialect": (around(manual("a", many("rows", item="not"))), "a", "variable", "not"),
    "a result in no variable": (
        around(element("businessRuleTask", "a", c_decisionRef="D", c_resultVariable="my result")), "a", "variable", "my result",
    ),
    "a mapping to no variable": (
        around(call("a", extended('<camunda:in source="x" target="my x"/>'))), "a", "variable", "my x",
    ),
    "two mappings to one variable": (
        around(call("a", extended('<camunda:in source="x" target="z"/><camunda:in source="y" target="z"/>'))), "a", "mapping", "written by several",
    ),
    # what only follows from something else
    "a repeating timer that interrupts": (
        waiting(boundary("b1", "a", timer("R/P1D", "timeCycle"))).replace(b'cancelActivity="true"', b'cancelActivity="1"'), "b1", "cycle", "",
    ),
    "a repeating timer of which nobody can tell": (
        waiting(boundary("b1", "a", timer("R/P1D", "timeCycle"))).replace(b'cancelActivity="true"', b'cancelActivity="yes"'), "b1", "boolean", "true or false",
    ),
    "an event attached to nothing": (waiting(boundary("b1", "nope", timer("PT1H"))), "b1", "unattached", "beside it"),
    "the default of another gateway": (
        around(element("exclusiveGateway", "g", default="s-g"), manuals("a b"), path="s > g; g > a [x]; g > b; a > e; b > e"), "g", "default", "does not leave",
    ),
    "the default with a condition": (
        around(element("exclusiveGateway", "g", default="g-a"), manuals("a b"), path="s > g; g > a [x]; g > b; a > e; b > e"), "g-a", "default_condition", "never asked",
    ),
    "two equal flows": (
        around(manual("a")).replace(b"</bpmn:process>", b'<bpmn:sequenceFlow id="z" sourceRef="s" targetRef="a"/></bpmn:process>'), "s", "same_pair", "draw one",
    ),
    "executable in capital letters": (around(manual("a")).replace(b'isExecutable="true"', b'isExecutable="TRUE"'), "p", "no_process", "not spelled so"),
    "executable in another word": (around(manual("a")).replace(b'isExecutable="true"', b'isExecutable="yes"'), "p", "no_process", "not spelled so"),
    "one of two executable in capital letters": (
        document(process(start(), end(), flows("s > e")), process(start("s2"), end("e2"), flows("s2 > e2"), key="q").replace('"true"', '"TRUE"')),
        "q", "no_process", "not spelled so",
    ),
    # going round
    "loop without a rest": (
        around(manual("a"), xor("g"), xor("h", "g"), path="s > a > g > h; h > g; h > e [done]"), "g", "endless_loop", "never rests",
    ),
    "loop over a thrown message": (
        around(xor("m"), throw("t", on("message", "hi")), xor("h", "m"), path="s > m > t > h; h > m; h > e [done]"), "m", "endless_loop", "a timer",
    ),
    "repeated send task": (around(element("sendTask", "a", again("x < 3"), messageRef="hi")), "a", "endless_loop", "maximum"),
    "calls itself": (document(process(start(), call("a", called="p"), end(), flows("s > a > e"))), "a", "endless_call", "way out"),
    "calls itself on both ways": (
        document(process(start(), xor("g", "b"), call("a", called="p"), call("b", called="p"), end(), flows("s > g; g > a [x]; g > b; a > e; b > e"))),
        "a", "endless_call", "way out",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_one_fault_gives_one_message(name: str) -> None:
    xml, where, code, words = TABLE[name]
    (problem,) = [p for p in found(xml) if p.code != "no_decision"]
    assert (problem.element, problem.code) == (where, code)
    assert words in problem.en
    assert problem.th != problem.en
    assert any("\u0e00" <= sign <= "\u0e7f" for sign in problem.th)
    assert "invalid syntax" not in problem.en
    (problem.th + problem.en + problem.name).encode()


WHOLE = around(
    *(manual("a"), element("exclusiveGateway", "g", default="g-c"), manual("b"), user("c"), both("f"), both("j")),
    *(boundary("t", "c", timer("PT1H"), cancel=False), manuals("d k l"), plain_sub("u", body="x y"), end("e2")),
    path="s > a > g; g > b [amount > 3]; g > c; b > u > f; f > k > j; f > l > j; j > e; c > e; t > d > e2",
).decode()
_FLOW = re.compile(r'<bpmn:sequenceFlow id="([^"]*)"[^>]*>.*?</bpmn:sequenceFlow>')
_NODE = re.compile(r'<bpmn:(\w+(?:Task|Event|Gateway)) id="(\w+)"[^>]*>.*?</bpmn:\1>')


def _damaged() -> Iterator[tuple[str, str]]:
    """One diagram with each of its flows led wrongly or drawn twice, and each of its elements gone, unnamed or refused."""
    for flow, name in ((found.group(), found.group(1)) for found in _FLOW.finditer(WHOLE)):
        for side in ("sourceRef", "targetRef"):
            yield f"{name} without {side}", WHOLE.replace(flow, re.sub(f'{side}="[^"]*"', f'{side}="missing"', flow))
        yield f"{name} twice", WHOLE.replace(flow, flow + flow.replace('id="', 'id="z'))
        for place in ("s", "t", "x", "u_s"):
            more = re.sub('targetRef="[^"]*"', f'targetRef="{place}"', flow.replace('id="', 'id="z'))
            led_from = re.search('sourceRef="([^"]*)"', flow)
            if led_from and not (place in ("x", "u_s") and led_from.group(1) in ("u_s", "x", "y")):
                bare = re.sub("<bpmn:conditionExpression>.*</bpmn:conditionExpression>", "", more)
                yield f"{name} to {place}, too", WHOLE.replace(flow, flow + bare)
    for node, tag, name in ((found.group(), found.group(1), found.group(2)) for found in _NODE.finditer(WHOLE)):
        yield f"{name} gone", WHOLE.replace(node, "")
        if name != "c":  # its boundary event names it as well
            yield f"{name} without id", WHOLE.replace(node, node.replace(f' id="{name}"', ""))
        if name not in ("t", "g"):  # what makes them what they are would be told of the other kind
            yield f"{name} as a script", WHOLE.replace(node, node.replace(f"bpmn:{tag}", "bpmn:scriptTask"))


DAMAGED = dict(_damaged())


@pytest.mark.parametrize("name", DAMAGED)
def test_one_thing_that_is_drawn_wrongly_is_told_once(name: str) -> None:
    assert found(WHOLE.encode()) == []
    problems = found(DAMAGED[name].encode())
    assert len(problems) == 1, [(p.element, p.code, p.en) for p in problems]


@pytest.mark.parametrize("value", ["1", "0", " true ", "\tfalse"])
@pytest.mark.parametrize(
    "name", ["cancelActivity", "isSequential", "testBefore", "triggeredByEvent", "isForCompensation"]
)
def test_what_is_true_or_false_is_read_as_the_standard_spells_it_and_runs_so(name: str, value: str) -> None:
    spelled = {"1": "true", "0": "false"}.get(value, value.strip())
    nodes = (
        manual("a", many("rows", item="row")),
        boundary("b1", "a", timer("P1D")),
        manual("c", again("x", "3")),
        plain_sub("u", body="k", triggeredByEvent="false", isForCompensation="false"),
        end("e2"),
    )
    plain = around(*nodes, path="s > a > c > u > e; b1 > e2").decode()
    words = re.sub(f'{name}="(true|false)"', f'{name}="{spelled}"', plain)
    numbers = re.sub(f'{name}="(true|false)"', f'{name}="{value}"', plain)
    assert numbers != plain
    assert found(numbers.encode()) == found(words.encode())
    if not found(words.encode()):
        digests = {Case(xml.encode(), {"rows": [1, 2], "x": False}).newest.digest for xml in (words, numbers)}
        assert len(digests) == 1


WARNED: dict[str, tuple[bytes, str, str, str]] = {
    "gap between numbers": (asked("amount > 10", "amount < 10"), "g", "gap", "amount = 10"),
    "gap at a whole number": (asked("a > 1", "a < 1"), "g", "gap", "a = 1:"),
    "gap at nought": (asked("a > 0", "a < 0"), "g", "gap", "a = 0:"),
    "gap between words": (asked("x == 'a'", "x == 'b'"), "g", "gap", "x = '…'"),
    "gap of a truth": (asked("done and good", "not done"), "g", "gap", "done = true, good = false"),
    "gap of the choice of a form": (asked("colour == 'red'", "colour == 'blue'"), "g", "gap", "colour = 'green'"),
    "no instance": (around(manual("a", many(number="0"))), "a", "instances", "ever be made"),
    "a property of nobody": (around(manual("a", properties(colour="red"))), "a", "ignored", "colour"),
    "tuning": (around(manual("a", c_asyncBefore="true")), "a", "ignored", "camunda:asyncBefore"),
    "colours": (
        spaced("bioc", "http://bpmn.io/schema/bpmn/biocolor/1.0", around(manual("a")).replace(b'<bpmn:manualTask id="a"', b'<bpmn:manualTask id="a" bioc:stroke="red" bioc:fill="blue"')),
        "", "ignored", "biocolor",
    ),
    "notes of a tool": (
        around(manual("a", extended('<zoo:colour xmlns:zoo="http://zoo.example">red</zoo:colour>'))), "", "ignored", "zoo",
    ),
    "drawn for another engine": (
        spaced("modeler", "http://camunda.org/schema/modeler/1.0", around(manual("a"))).replace(b'id="defs"', b'id="defs" modeler:executionPlatform="Camunda Cloud"'),
        "", "foreign", "Camunda 8",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WARNED)
def test_what_only_may_be_wrong_is_warned_of_once(name: str) -> None:
    xml, where, code, words = WARNED[name]
    assert found(xml) == []
    (problem,) = found(xml, "warning")
    assert (problem.element, problem.code) == (where, code)
    assert words in problem.en


# conditions that some values can be worked out with
POSSIBLE = (
    "len(rows)", "a + b > c", "a / b > 1", "a[0] == 1", "'x' in a", "a in ['x', 'y']", "min(a, 'x') == 'x'", "-a > 1",
    "str(a) + 'x' == b", "a + [1] == b", "a is null", "a if b else c", "not a", "working_days(n) > a", "count(role, 'a', 1) > len",
    "before('2026-11-20', n) > a", "milestone('close') is null", "int(a) > 3", "round(a, 2) == b", "var('x', 1) > 0",
    "total(rows, 'amount') > 5", "any_of(rows, 'k', null)", "field(rows, 'x')", "'b' > a", "max(rows) > 1",
)  # fmt: skip

RIGHT: dict[str, bytes] = {
    **{f"possible: {text}": asked(text) for text in POSSIBLE},
    "people worked out": around(user("a", c_assignee="${a or 'x'}", c_candidateUsers="${[a, b]}", c_priority="${a * 2}")),
    "roles in a list": around(user("a", c_candidateGroups="${['osm_me', role('osm_me', a)]}")),
    "several expressions in one attribute": around(user("a", c_candidateGroups="${one},${two}", c_candidateUsers="${x}, ${y}")),
    "expression with a brace of its own": around(manual("a", properties(subject="${ {'a': 1}['a'] } and ${b}"))),
    "and, or, not in words": asked("a and b or not c"),
    "conditions that leave no gap": asked("amount >= 10", "amount < 10"),
    "conditions that are opposites": asked("x == true", "x != true"),
    "conditions over all that a form offers": asked("colour == 'red'", "colour == 'green'"),
    "a list as a condition of being there": asked("rows"),
    "a number of a form": asked("amount"),
    "roles": around(user("a", c_candidateGroups="osm_strategy, province_planner@TH-41, ${role('osm_me')}, ${who}")),
    "a role of a province that is worked out": around(user("a", c_candidateGroups="province_planner@${p}, ${'osm_me@' + p}, osm_me")),
    "apart from a task of another process": around(user("a", properties(separate_from="mother_task"))),
    "apart from what is worked out": around(user("a", properties(separate_from="${x}", escalation="${y}", stage="${z}"))),
    "a document of another process": around(user("a", properties(approves="book"))),
    "a document of the same process": around(user("x", properties(document="plan")), user("a", properties(approves="plan", separate_from="x", escalation="standard", retention="2y-anonymise")), path="s > x > a > e"),
    "a letter to anybody": around(service("a", properties(to="ผู้ว่าราชการจังหวัด", subject="x"))),
    "a role that is told": around(element("serviceTask", "a", properties(to="osm_me, province_planner@${p}", subject="x"), c_type="external", c_topic="notify")),
    "an element that holds the number of its turn": around(manual("a", many(number="2", item="turn"))),
    "in and out of one name": around(call("a", extended('<camunda:in source="x" target="z"/><camunda:out source="y" target="z"/>'))),
    "all that the standard lets a task carry": around(user("a", implementation="##unspecified", startQuantity="1", completionQuantity="1", isForCompensation="false")),
    "a period": timed("P1Y2M3W4DT5H6M7S"),
    "a quoted period": timed("${'PT5M'}"),
    "a period that is worked out": timed("'PT' + str(hours) + 'H'"),
    "a variable that begins like a period": timed("pause"),
    "a Thai name that a form has": timed("ระยะเวลา"),
    "a period in parts of a second": timed("PT1.5S"),
    "a loop over a decision": around(
        xor("m"), element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r"), xor("h", "m"), path="s > m > d > h; h > m; h > e [r]"
    ),
    "a loop over a timer": around(xor("m"), catch("t", timer("P1D")), xor("h", "m"), path="s > m > t > h; h > m; h > e [x]"),
    "a call of itself with a way out": document(
        process(start(), xor("g", "e"), call("a", called="p"), end(), flows("s > g; g > a [x]; g > e; a > e"))
    ),
    "executable in numbers": around(manual("a")).replace(b'isExecutable="true"', b'isExecutable="1"'),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_gives_no_message_at_all(name: str) -> None:
    problems = [p for p in found(RIGHT[name]) if p.code != "no_decision"]
    assert problems == []
    assert found(RIGHT[name], "warning") == []


@pytest.mark.parametrize(
    ("value", "runs"), [("1", True), ("true", True), (" true ", True), ("0", False), ("false", False)]
)
def test_whether_a_process_runs_is_read_as_the_standard_spells_it(value: str, runs: bool) -> None:
    xml = around(manual("a")).replace(b'isExecutable="true"', f'isExecutable="{value}"'.encode())
    if runs:
        assert len(executable_processes(read_bpmn(xml).root)) == 1
    else:
        assert [p.code for p in found(xml)] == ["no_process"]


@pytest.mark.parametrize("encoding", ["windows-874", "tis-620", "iso-8859-1", "iso-8859-11", "utf-32", "us-ascii"])
def test_a_file_in_another_encoding_is_refused_with_what_to_save_it_as(encoding: str) -> None:
    text = around(
        manual("a", name="ตรวจแผน" if encoding.startswith(("windows", "tis", "iso-8859-11", "utf")) else "x")
    ).decode()
    xml = text.replace('encoding="UTF-8"', f'encoding="{encoding}"').encode(
        {"windows-874": "cp874"}.get(encoding, encoding)
    )
    (problem,) = found(xml)
    assert problem.code in ("encoding", "not_xml")
    assert "UTF-8" in problem.en


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_utf_8_and_utf_16_are_read(encoding: str) -> None:
    declared = "UTF-16" if encoding == "utf-16" else "UTF-8"
    xml = around(manual("a", name="ตรวจแผน")).decode().replace("UTF-8", declared, 1).encode(encoding)
    assert found(xml) == []


def test_a_message_names_what_is_drawn() -> None:
    nodes = (
        element("exclusiveGateway", "g", name="ครบหรือไม่", default="g-b"),
        manual("a", name="ตรวจแผน"),
        manual("b", name="แก้แผน"),
    )
    path = "s > g; g > a [x &amp;&amp; y]; g > b; a > e; b > e".replace("&amp;", "&")
    (problem,) = found(around(*nodes, path=path))
    assert (problem.element, problem.name) == ("g-a", "ครบหรือไม่ → ตรวจแผน")
    assert problem.where == "“ครบหรือไม่ → ตรวจแผน” (g-a)"
    (problem,) = found(around(element("scriptTask", "a", name="คำนวณ")))
    assert problem.where == "“คำนวณ” (a)"
    (problem,) = found(around(service("a", topic="nobody").replace('id="a"', 'id="a" name="ส่งเรื่อง"')))
    assert problem.where == "“ส่งเรื่อง” (a)"
