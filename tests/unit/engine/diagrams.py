"""Small diagrams in a few words, and a case that is played by several players at once which must agree at every step."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson
import pytest

from osm_flow.engine import (
    Command,
    CompleteTask,
    DeliverMessage,
    EndChild,
    EngineFault,
    EscalateChild,
    FinishService,
    FireTimer,
    Problem,
    Process,
    Replan,
    Standing,
    Start,
    Step,
    Waiting,
    compile_process,
    inspect,
    lint,
    recorded,
    standing,
    step,
)
from osm_flow.engine.stepper import LiveCase

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CASE = "00000000-0000-4000-8000-000000000001"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="http://test" id="defs">'
)
FORM: dict[str, Any] = {"type": "object", "properties": {"note": {"type": "string", "maxLength": 20}}}


# ---- writing -----------------------------------------------------------------------------------------------------------


def element(tag: str, id_: str, *inner: str, **attributes: str) -> str:
    """An element; `c_name` is the attribute camunda:name."""
    pairs = {
        "id": id_,
        **{k.replace("c_", "camunda:", 1) if k.startswith("c_") else k: v for k, v in attributes.items()},
    }
    text = "".join(f" {k}={quoteattr(v)}" for k, v in pairs.items())
    return f"<bpmn:{tag}{text}>{''.join(inner)}</bpmn:{tag}>"


def properties(**pairs: str) -> str:
    rows = "".join(f"<camunda:property name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in pairs.items())
    return extended(f"<camunda:properties>{rows}</camunda:properties>")


def extended(inner: str) -> str:
    return f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>"


def flows(text: str) -> str:
    """`a > b > c; x > d [amount > 3]`: sequence flows, the id of each being `a-b`."""
    out = []
    for line in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        path, _, condition = line.partition("[")
        names = [name.strip() for name in path.split(">")]
        inner = (
            f"<bpmn:conditionExpression>{escape(condition.removesuffix(']'))}</bpmn:conditionExpression>"
            if condition
            else ""
        )
        for source, target in pairwise(names):
            out.append(element("sequenceFlow", f"{source}-{target}", inner, sourceRef=source, targetRef=target))
    return "".join(out)


def process(*inner: str, key: str = "p", **attributes: str) -> str:
    return element("process", key, *inner, isExecutable="true", **attributes)


def document(*inner: str) -> bytes:
    return (HEAD + "".join(inner) + "</bpmn:definitions>").encode()


def diagram(*inner: str, roots: str = "") -> bytes:
    """One process `p` of these elements; root elements (messages, errors) before it."""
    return document(roots, process(*inner))


def start(id_: str = "s", *inner: str) -> str:
    return element("startEvent", id_, *inner)


def end(id_: str = "e", *inner: str) -> str:
    return element("endEvent", id_, *inner)


def manual(id_: str, *inner: str, **attributes: str) -> str:
    return element("manualTask", id_, *inner, **attributes)


def manuals(names: str) -> str:
    return "".join(manual(name) for name in names.split())


def user(id_: str, *inner: str, **attributes: str) -> str:
    return element("userTask", id_, *inner, **{"c_formKey": "f", **attributes})


def service(id_: str, *inner: str, topic: str = "work") -> str:
    return element("serviceTask", id_, *inner, c_type="external", c_topic=topic)


def call(id_: str, *inner: str, called: str = "child") -> str:
    return element("callActivity", id_, *inner, calledElement=called)


def sub(id_: str, *inner: str) -> str:
    return element("subProcess", id_, *inner)


def plain_sub(id_: str, *inner: str, body: str, **attributes: str) -> str:
    """A subprocess with its own start `{id}_s` and end `{id}_e` round a chain of manual tasks."""
    names = re.findall(r"\w+", body)
    line = flows(" > ".join([f"{id_}_s", *names, f"{id_}_e"]))
    return element(
        "subProcess", id_, *inner, start(f"{id_}_s"), *map(manual, names), end(f"{id_}_e"), line, **attributes
    )


def xor(id_: str, default: str = "") -> str:
    """`default` is the element that the default flow leads to."""
    return element("exclusiveGateway", id_, **({"default": f"{id_}-{default}"} if default else {}))


def both(id_: str) -> str:
    return element("parallelGateway", id_)


def some(id_: str, default: str = "") -> str:
    return element("inclusiveGateway", id_, **({"default": f"{id_}-{default}"} if default else {}))


def race(id_: str) -> str:
    return element("eventBasedGateway", id_)


def timer(text: str, kind: str = "timeDuration") -> str:
    return f"<bpmn:timerEventDefinition><bpmn:{kind}>{escape(text)}</bpmn:{kind}></bpmn:timerEventDefinition>"


def on(kind: str, ref: str = "") -> str:
    """The definition of a message, error, escalation or signal event."""
    return f"<bpmn:{kind}EventDefinition {kind}Ref={quoteattr(ref)}/>" if ref else f"<bpmn:{kind}EventDefinition/>"


def message(name: str) -> str:
    return element("message", name, name=f"msg.{name}")


def error(code: str) -> str:
    return element("error", code, name=code, errorCode=code)


def escalation(code: str) -> str:
    return element("escalation", code, name=code, escalationCode=code)


def catch(id_: str, *inner: str) -> str:
    return element("intermediateCatchEvent", id_, *inner)


def throw(id_: str, *inner: str) -> str:
    return element("intermediateThrowEvent", id_, *inner)


def boundary(id_: str, to: str, *inner: str, cancel: bool = True) -> str:
    return element("boundaryEvent", id_, *inner, attachedToRef=to, cancelActivity=str(cancel).lower())


def many(collection: str = "", *, item: str = "", number: str = "", sequential: bool = False, until: str = "") -> str:
    inner = (f"<bpmn:loopCardinality>{number}</bpmn:loopCardinality>" if number else "") + (
        f"<bpmn:completionCondition>{escape(until)}</bpmn:completionCondition>" if until else ""
    )
    extra = (f' camunda:collection="{collection}"' if collection else "") + (
        f' camunda:elementVariable="{item}"' if item else ""
    )
    return (
        f'<bpmn:multiInstanceLoopCharacteristics isSequential="{str(sequential).lower()}"{extra}>{inner}'
        "</bpmn:multiInstanceLoopCharacteristics>"
    )


def again(condition: str = "", maximum: str = "", before: bool = False) -> str:
    inner = f"<bpmn:loopCondition>{escape(condition)}</bpmn:loopCondition>" if condition else ""
    most = f' loopMaximum="{maximum}"' if maximum else ""
    return (
        f'<bpmn:standardLoopCharacteristics testBefore="{str(before).lower()}"{most}>{inner}'
        "</bpmn:standardLoopCharacteristics>"
    )


ROOTS = message("hi") + error("oops") + escalation("up") + element("signal", "sig", name="flag")


def around(*inner: str, path: str = "s > a > e", roots: str = ROOTS) -> bytes:
    """A process of these elements between a start `s` and an end `e`."""
    return diagram(start(), *inner, end(), flows(path), roots=roots)


def waiting(*events: str, to: str = "b1", host: str = "") -> bytes:
    """A task with boundary events, the first of which leads to an end."""
    return around(host or manual("a"), *events, end("e2"), path=f"s > a > e; {to} > e2")


# ---- diagrams that several tests play -------------------------------------------------------------------------------

REWORK = diagram(start(), manual("a"), xor("g", "e"), end(), flows("s > a > g; g > a [again == true]; g > e"))
LOOPED_JOIN = diagram(
    start(),
    xor("l"),
    both("p1"),
    manuals("a b c"),
    both("p2"),
    xor("g", "e"),
    end(),
    flows("s > l > p1; p1 > a > p2; p1 > b > p2; p2 > c > g; g > l [again == true]; g > e"),
)
BESIDE = diagram(
    start(),
    both("p1"),
    manuals("t1 t2 t3 t4"),
    xor("l"),
    both("q1"),
    both("q2"),
    xor("g", "p2"),
    both("p2"),
    end(),
    flows(
        "s > p1; p1 > t4 > p2; p1 > l > q1; q1 > t1 > q2; q1 > t2 > q2; q2 > t3 > g; g > l [again == true]; g > p2; p2 > e"
    ),
)


def alone(node: str, roots: str = "") -> bytes:
    """One activity `a`, then a manual task `b`."""
    return diagram(start(), node, manual("b"), end(), flows("s > a > b > e"), roots=roots)


# ---- reading -----------------------------------------------------------------------------------------------------------


# Faults that are found at deployment, and by a case of what was deployed before they were: its own fault is tested, too.
JUDGED_LATER = ("instances", "endless_loop", "fixed_date", "people", "priority", "separate_from")


def faults(xml: bytes, *, decisions: Mapping[str, bytes] | None = None, known: Any = None) -> list[Problem]:
    found = lint(xml, forms={"f": FORM}, decisions=decisions or {}, topics=("work", "other"), known_processes=known)
    return [p for p in found if p.level == "error"]


# (element, code): name of the diagram, and the diagram in which the linter says so of that element.
Refusals = Mapping[tuple[str, str], Mapping[str, bytes]]


def each(refusals: Refusals) -> list[Any]:
    """The parameters of a test that asks for each refusal: a diagram and what the linter says of it."""
    return [pytest.param(xml, where, id=name) for where, named in refusals.items() for name, xml in named.items()]


def refused(xml: bytes, **given: Any) -> list[tuple[str, str]]:
    """Element and code of every error that the linter finds; each of them says in both languages what is wrong."""
    found = faults(xml, **given)
    assert all(p.th and p.en for p in found), found
    return [(p.element, p.code) for p in found]


def compiled(xml: bytes, key: str = "p", decisions: Mapping[str, bytes] | None = None) -> Process:
    """The compiled process of a diagram that the linter lets through, or let through before it judged constants."""
    found = [p for p in faults(xml, decisions=decisions) if p.code not in JUDGED_LATER]
    assert not found, [(p.element, p.code, p.en) for p in found]
    return compile_process(key, xml, {"f": FORM}, decisions or {})


# ---- playing -----------------------------------------------------------------------------------------------------------


def completing(waiting: Waiting, data: dict[str, Any]) -> CompleteTask:
    """The command of a person who fills the form of this task."""
    return CompleteTask(waiting.task_id, data)


def calendar(name: str, args: tuple[Any, ...]) -> Any:
    """A plain calendar: working days are days; the milestone `unknown` has no date yet."""
    if name == "milestone":
        return None if args[0] == "unknown" else "2026-12-01T09:30:00+00:00"
    if name in ("working_days", "calendar_days"):
        return (NOW + timedelta(days=args[0])).isoformat()
    if args[0] is None:
        return None
    days = args[1] if name == "after" else -args[1]
    return (datetime.fromisoformat(args[0]) + timedelta(days=days)).isoformat()


class Case:
    """A case played by four players: reloaded before each step, kept in memory, never compacted, replayed from its record.

    They must agree on everything that can be seen, the first two on every byte.
    """

    def __init__(
        self,
        xml: bytes | Process,
        data: dict[str, Any] | None = None,
        *,
        lookup: Any = calendar,
        decisions: Mapping[str, bytes] | None = None,
    ) -> None:
        self.process = xml if isinstance(xml, Process) else compiled(xml, decisions=decisions)
        self.lookup = lookup
        self.live = LiveCase(self.process, CASE)
        self.plain = LiveCase(self.process, CASE, compacting=False)
        self.record: list[tuple[Command, datetime, str]] = []
        self.passed: list[str] = []
        self.thrown: list[tuple[str, str]] = []
        self.now = NOW
        self.snapshot: bytes | None = None
        self.newest: Step = None  # type: ignore[assignment]
        self.do(Start(data or {}))

    def do(self, command: Command) -> Step:
        """One step of all four players."""
        before = self.snapshot
        newest = step(self.process, CASE, before, command, self.now, self.lookup)
        kept = self.live.advance(command, self.now, self.lookup)
        assert kept.digest == newest.digest
        assert kept == newest
        whole = self.plain.advance(command, self.now, self.lookup)
        assert seen(whole) == seen(newest)
        answers = orjson.loads(orjson.dumps(newest.lookups))
        assert step(self.process, CASE, before, command, self.now, recorded(answers)).digest == newest.digest
        assert newest.ended or inspect(self.process, CASE, newest.snapshot) == newest.waiting
        stored = standing(self.process, CASE, newest.snapshot)
        assert stored == Standing(newest.digest, newest.waiting, newest.data, newest.ended)
        self.snapshot, self.newest = newest.snapshot, newest
        self.passed += [p.element for p in newest.passed if p.kind == "completed"]
        self.thrown += [(t.kind, t.name) for t in newest.thrown]
        return newest

    @property
    def open(self) -> list[str]:
        """The sorted ids of all that the case waits for."""
        return sorted(w.element for w in self.newest.waiting)

    def waiting(self, name: str, instance: int | None = None, **data: Any) -> Waiting:
        """What waits at the element; among several, of this instance or with these data."""
        found = [w for w in self.newest.waiting if w.element == name and (instance is None or w.instance == instance)]
        found = [w for w in found if data.items() <= w.data.items()]
        assert found, f"{name} is not open, but {self.open}"
        return found[0]

    def complete(self, name: str, instance: int | None = None, **data: Any) -> Step:
        return self.do(CompleteTask(self.waiting(name, instance).task_id, data))

    def line(self, *names: str) -> Step:
        """Complete these tasks one after the other."""
        for name in names:
            self.complete(name)
        return self.newest

    def fire(self, name: str, instance: int | None = None) -> Step:
        return self.do(FireTimer(self.waiting(name, instance).task_id))

    def tell(self, name: str, instance: int | None = None, **data: Any) -> Step:
        return self.do(DeliverMessage(self.waiting(name, instance).task_id, data))

    def finish(self, name: str, instance: int | None = None, /, error: str | None = None, **data: Any) -> Step:
        return self.do(FinishService(self.waiting(name, instance).task_id, data, error))

    def child(self, name: str, instance: int | None = None, /, error: str | None = None, **data: Any) -> Step:
        return self.do(EndChild(self.waiting(name, instance).task_id, data, error))

    def escalate(self, name: str, code: str, instance: int | None = None, /, **data: Any) -> Step:
        return self.do(EscalateChild(self.waiting(name, instance).task_id, data, code))

    def replan(self, lookup: Any) -> Step:
        self.lookup = lookup
        return self.do(Replan())

    def fault(self, act: Any) -> EngineFault:
        """The fault that an act ends in; the case is then as it was."""
        before = self.snapshot
        try:
            act()
        except EngineFault as fault:
            assert self.snapshot == before
            self.live = LiveCase(self.process, CASE, before)
            return fault
        raise AssertionError("no fault")

    @property
    def data(self) -> dict[str, Any]:
        return self.newest.data

    def ended(self, outcome: str | None = None) -> bool:
        assert self.newest.ended, self.open
        assert self.newest.waiting == ()
        assert outcome is None or self.newest.outcome == outcome
        return True


def seen(result: Step) -> Step:
    """What can be seen of a step whatever is forgotten: all but the bytes."""
    return replace(result, snapshot=b"", digest="")


def start_fault(xml: bytes, data: dict[str, Any] | None = None, **given: Any) -> EngineFault:
    """The fault that the first step of a case ends in."""
    try:
        Case(xml, data, **given)
    except EngineFault as fault:
        return fault
    raise AssertionError("no fault")
