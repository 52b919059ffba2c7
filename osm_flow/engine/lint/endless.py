"""Looking for what goes round for ever: loops in which nobody is waited for, and processes that only call themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from osm_flow.engine.definitions import executable_processes, is_flow_node
from osm_flow.engine.errors import EngineFault, ExpressionFault
from osm_flow.engine.expressions import constant_of
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.sentences.drawn import called, listed
from osm_flow.engine.spiff.events import add_duration
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, child_text, local_name

# A simulation walks a diagram with these faults all the same: it shows what would happen.
WALKED_ALL_THE_SAME = frozenset({"endless_loop", "endless_call"})

_RESTS = {"userTask", "manualTask", "receiveTask", "callActivity", "serviceTask", "intermediateCatchEvent"}
_CHANGES = {"businessRuleTask"}
_NUMBERED = ("loopDataInputRef", "loopCardinality")
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)


def check_loops(ground: Ground) -> None:
    """Refuse a way back on which nothing is waited for and no variable can change: it would never end."""
    for scope in ground.process.iter(f"{BPMN}process", f"{BPMN}subProcess"):
        _check_ways_back(ground, scope)
    for loop in ground.process.iter(f"{BPMN}standardLoopCharacteristics"):
        node = loop.getparent()
        if not loop.get("loopMaximum") and child_text(loop, "./bpmn:loopCondition") and _goes_on(node):
            en = "it would be repeated for ever within one step: give a maximum, or let it wait for somebody"
            ground.add(node, "endless_loop", "จะวนซ้ำไม่รู้จบในขั้นเดียว ให้กำหนดจำนวนสูงสุด หรือให้รอใครสักคน", en)


def _check_ways_back(ground: Ground, scope: Any) -> None:
    nodes_of = {n.get("id"): n for n in scope if is_flow_node(n)}
    at_once = {name: _events_at_once(ground, n) for name, n in nodes_of.items()}
    automatic = {name: n for name, n in nodes_of.items() if _passes(ground, n) or at_once[name]}
    automatic |= {name: nodes_of[name] for names in at_once.values() for name in names}
    following = {name: _led_to(ground, n, at_once[name], automatic) for name, n in automatic.items()}
    for circle in _circles(following):
        nodes = [automatic[name] for name in circle]
        names = listed([ground.called(node) for node in nodes])
        ground.add(
            nodes[0],
            "endless_loop",
            f"ทางวนกลับนี้ไม่มีจุดให้หยุดรอ: {names.th} ให้วางงาน ตัวจับเวลา หรือข้อความไว้บนทาง",
            f"this way back never rests: {names.en}; put a task, a timer or a message on it",
        )


def _passes(ground: Ground, node: Any) -> bool:
    return _goes_on(node) and not _joins(ground, node)


def _led_to(ground: Ground, node: Any, events: list[str], automatic: Mapping[str, Any]) -> list[str]:
    """Where a token goes from an element without anybody being waited for: along its flows, or to events at its edge."""
    goes_on = _passes(ground, node) or local_name(node) == "boundaryEvent"
    flows = [f.get("targetRef") for f in ground.outgoing(node)] if goes_on else []
    return [name for name in (*flows, *events) if name in automatic]


def _joins(ground: Ground, node: Any) -> bool:
    # An inclusive gateway is no rest: once no other token can come, the one that goes round passes it each time.
    return local_name(node) == "parallelGateway" and len(ground.incoming(node)) > 1


def _goes_on(node: Any) -> bool:
    """Whether the element lets a token through at once, without changing any variable."""
    kind = local_name(node)
    if _is_never_made(node) or (kind == "intermediateCatchEvent" and _is_due_at_once(node)):
        return True
    if kind == "eventBasedGateway":
        named = {
            f.get("targetRef") for f in node.getparent().iterfind(f"{BPMN}sequenceFlow[@sourceRef='{node.get('id')}']")
        }
        return any(other.get("id") in named and _is_due_at_once(other) for other in node.getparent())
    if kind in _RESTS or kind in _CHANGES or kind == "boundaryEvent":
        return False
    if kind == "sendTask":
        return not node.get(f"{CAMUNDA}topic")
    if kind == "subProcess":
        return all(_goes_on(inner) for inner in node.iterdescendants() if is_flow_node(inner))
    return True


def _is_due_at_once(node: Any) -> bool:
    """Whether the event waits for a time that is written down and is no rest: a period of nought, or a date.

    A way back comes to a date again after it has passed.
    """
    duration = child_text(node, "./bpmn:timerEventDefinition/bpmn:timeDuration")
    date = child_text(node, "./bpmn:timerEventDefinition/bpmn:timeDate")
    try:
        if duration:
            return add_duration(_SAMPLE, _written(duration)) <= _SAMPLE
        return bool(date) and bool(datetime.fromisoformat(_written(str(date)).replace("Z", "+00:00")))
    except (ValueError, OverflowError, EngineFault):
        return False


def _written(text: str) -> str:
    is_constant, value = _constant(text)
    return value if is_constant and isinstance(value, str) else text.strip()


def _constant(text: str) -> tuple[bool, Any]:
    try:
        return constant_of(text)
    except ExpressionFault:
        return False, None


def _is_never_made(node: Any) -> bool:
    """Whether an activity is repeated over a list that is always empty, or no times at all."""
    loop = node.find(f"{BPMN}multiInstanceLoopCharacteristics")
    if loop is None:
        return False
    texts = [loop.get(f"{CAMUNDA}collection"), *(child_text(loop, f"./bpmn:{name}") for name in _NUMBERED)]
    return any(found in ((True, []), (True, {}), (True, 0)) for text in texts if text for found in [_constant(text)])


# ---- errors and escalations ----------------------------------------------------------------------------------------------


def _events_at_once(ground: Ground, host: Any) -> list[str]:
    """The events at the edge of an activity that happen without anybody being waited for in it."""
    events = ground.boundaries(host)
    thrown = _thrown_at_once(ground, host) if any(_awaited(ground, event) for event in events) else set()
    return [e.get("id") for e in events if _is_due_at_once(e) or any(_catches(ground, e, t) for t in thrown)]


def _catches(ground: Ground, event: Any, thrown: tuple[str, str | None]) -> bool:
    awaited = _awaited(ground, event)
    return awaited is not None and awaited[0] == thrown[0] and awaited[1] in (None, thrown[1])


def _awaited(ground: Ground, event: Any) -> tuple[str, str | None] | None:
    """The kind and the code of the error or escalation that an event throws or catches; None as code: any."""
    for kind in ("error", "escalation"):
        definition = event.find(f"{BPMN}{kind}EventDefinition")
        if definition is not None:
            ref = definition.get(f"{kind}Ref") or ""
            found = ground.diagram.root.xpath(f"./bpmn:{kind}[@id=$ref]", namespaces=NAMESPACES, ref=ref)
            return kind, (found[0].get(f"{kind}Code") if found else None)
    return None


def _thrown_at_once(ground: Ground, scope: Any) -> set[tuple[str, str | None]]:
    """The errors and escalations that come out of a subprocess on ways on which nobody is waited for."""
    if local_name(scope) != "subProcess" or _is_never_made(scope):
        return set()
    thrown: set[tuple[str, str | None]] = set()
    seen: set[str] = set()
    todo = [node for node in scope if is_flow_node(node) and local_name(node) == "startEvent"]
    while todo:
        node = todo.pop()
        if node.get("id") in seen:
            continue
        seen.add(node.get("id"))
        if local_name(node) != "boundaryEvent" and (own := _awaited(ground, node)) is not None:
            thrown.add(own)
        events = _events_at_once(ground, node)
        inner = _thrown_at_once(ground, node)
        thrown |= {t for t in inner if not any(_catches(ground, e, t) for e in ground.boundaries(node))}
        if _passes(ground, node) or local_name(node) == "boundaryEvent":
            events += [f.get("targetRef") for f in ground.outgoing(node)]
        todo += [ground.nodes[name] for name in events if name in ground.nodes]
    return thrown


# ---- circles -------------------------------------------------------------------------------------------------------------


def _circles(following: dict[str, list[str]]) -> Iterator[list[str]]:
    """One circle of each part of the graph that has any."""
    told: set[str] = set()
    for begin in following:
        if begin in told:
            continue
        came_from: dict[str, str] = {}
        todo = [begin]
        while todo:
            name = todo.pop(0)
            for after in following[name]:
                if after == begin:
                    circle = [name]
                    while circle[0] != begin:
                        circle.insert(0, came_from[circle[0]])
                    if not told & set(circle):
                        yield circle
                    told |= set(circle)
                    todo = []
                    break
                if after not in came_from and after != begin:
                    came_from[after] = name
                    todo.append(after)


# ---- calls ---------------------------------------------------------------------------------------------------------------


def endless_calls(roots: Iterable[Any]) -> list[Problem]:
    """The processes of these files of which no course ends, because they cannot but call themselves or each other."""
    processes = {p.get("id"): p for root in roots for p in executable_processes(root)}
    ending: set[str] = set()
    while more := {key for key, p in processes.items() if key not in ending and _can_end(p, processes, ending)}:
        ending |= more
    found: list[Problem] = []
    round_about: set[str] = set()  # what leads round together is told once
    for key, process in processes.items():
        if (
            key not in ending
            and key not in round_about
            and (problem := _endless(process, processes, ending)) is not None
        ):
            found.append(problem)
            round_about |= _called_from(key, processes)
    return found


def _called_from(key: str, processes: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    todo = [key]
    while todo:
        process = processes.get(todo.pop())
        calls = [] if process is None else [c.get("calledElement") for c in process.iter(f"{BPMN}callActivity")]
        todo += [name for name in calls if name not in found]
        found.update(calls)
    return found


def _endless(process: Any, processes: dict[str, Any], ending: set[str]) -> Problem | None:
    """The call that leads round, of a process that would end without it."""
    calls = [c for c in process.iter(f"{BPMN}callActivity") if c.get("calledElement") in processes.keys() - ending]
    if not calls or not _can_end(process, processes, ending | processes.keys()):
        return None
    call = calls[0]
    key = call.get("calledElement")
    whole = called(key, processes[key].get("name") or "", "process")
    th = f"เรียก {whole.th} ซึ่งเรียกกลับมาอีกโดยไม่มีทางอื่นให้จบ ให้วาดทางเลือกที่ไม่เรียกต่อ"
    en = f"it calls {whole.en}, which leads back here without another way to an end: draw a way out that does not call"
    return Problem(call.get("id") or "", "endless_call", th, en, name=call.get("name") or "")


def _can_end(scope: Any, processes: dict[str, Any], ending: set[str]) -> bool:
    """Whether some course leads from the start of a scope to its end, calling only processes that can end."""
    nodes = {n.get("id"): n for n in scope if is_flow_node(n)}
    flows: dict[str, list[str]] = {}
    for flow in scope.findall("bpmn:sequenceFlow", NAMESPACES):
        flows.setdefault(flow.get("sourceRef"), []).append(flow.get("targetRef"))
    good: set[str] = set()
    while True:
        more = {
            n for n, node in nodes.items() if n not in good and _leads(node, flows.get(n, []), good, processes, ending)
        }
        if not more:
            break
        good |= more
    return any(n in good for n, node in nodes.items() if local_name(node) == "startEvent") or not nodes


def _leads(node: Any, after: list[str], good: set[str], processes: dict[str, Any], ending: set[str]) -> bool:
    kind = local_name(node)
    if kind == "endEvent":
        return True
    if kind == "callActivity" and node.get("calledElement") in processes and node.get("calledElement") not in ending:
        return False
    if kind == "subProcess" and not _can_end(node, processes, ending):
        return False
    return bool(after) and (all if kind == "parallelGateway" else any)(name in good for name in after)
