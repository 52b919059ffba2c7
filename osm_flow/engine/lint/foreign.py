"""Extensions of other engines and attributes that mean nothing here: nothing of a diagram is ignored silently."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from lxml import etree

from osm_flow.engine.definitions import BOOLEANS, Diagram, is_flow_node
from osm_flow.engine.lint.constructs import CODE_ATTRIBUTES, FIXED_ATTRIBUTES
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.lint.flows import CHOICES
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, local_name

_OWN = {
    NAMESPACES["bpmn"],
    NAMESPACES["camunda"],
    NAMESPACES["bpmndi"],
    "http://www.omg.org/spec/DD/20100524/DC",
    "http://www.omg.org/spec/DD/20100524/DI",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/XML/1998/namespace",
    "http://camunda.org/schema/modeler/1.0",
}
# A part of the address of an engine's extensions, and what people call it.
_ENGINES = {
    "zeebe": "Camunda 8 (zeebe)",
    "activiti": "Activiti",
    "flowable": "Flowable",
    "operaton": "Operaton",
    "spiffworkflow": "SpiffWorkflow",
    "drools": "jBPM",
    "jbpm": "jBPM",
    "bonitasoft": "Bonita",
    "oracle": "Oracle BPM",
    "eximee": "EximeeBPMS",
    "cibseven": "CIB seven",
}
_TWINS = {
    "formDefinition": "camunda:formKey",
    "assignmentDefinition": "camunda:assignee / camunda:candidateGroups",
    "taskDefinition": 'camunda:type="external" camunda:topic',
    "ioMapping": "camunda:in / camunda:out",
    "calledElement": "calledElement",
    "calledDecision": "camunda:decisionRef",
    "loopCharacteristics": "camunda:collection / camunda:elementVariable",
    "taskSchedule": "camunda:dueDate / camunda:followUpDate",
    "priorityDefinition": "camunda:priority",
    "properties": "camunda:properties",
    "executionListener": "",
}
# Attributes of ours, with the elements on which they mean something; None: on every element of the flow.
_PLACES: dict[str, tuple[str, ...] | None] = {
    **dict.fromkeys(
        ("formKey", "assignee", "candidateUsers", "candidateGroups", "dueDate", "followUpDate", "priority")
    ),
    "type": ("serviceTask", "sendTask"),
    "topic": ("serviceTask", "sendTask"),
    **dict.fromkeys(("decisionRef", "resultVariable", "mapDecisionResult"), ("businessRuleTask",)),
    **dict.fromkeys(("collection", "elementVariable"), ("multiInstanceLoopCharacteristics",)),
}
# Attributes that the standard gives to elements; those of tools have a namespace of their own.
_OF_ACTIVITIES = ("default", "isForCompensation", "startQuantity", "completionQuantity")
_OF_DATA = ("itemSubjectRef", "isCollection")
_OF_EXPRESSIONS = ("language", "evaluatesToTypeRef")
_STANDARD: dict[str, tuple[str, ...]] = {
    "process": ("processType", "isClosed", "isExecutable", "definitionalCollaborationRef"),
    "subProcess": (*_OF_ACTIVITIES, "triggeredByEvent"),
    "userTask": (*_OF_ACTIVITIES, "implementation"),
    "manualTask": _OF_ACTIVITIES,
    "serviceTask": (*_OF_ACTIVITIES, "implementation", "operationRef"),
    "sendTask": (*_OF_ACTIVITIES, "implementation", "operationRef", "messageRef"),
    "receiveTask": (*_OF_ACTIVITIES, "implementation", "operationRef", "messageRef", "instantiate"),
    "businessRuleTask": (*_OF_ACTIVITIES, "implementation"),
    "callActivity": (*_OF_ACTIVITIES, "calledElement"),
    "startEvent": ("isInterrupting", "parallelMultiple"),
    "endEvent": (),
    "intermediateThrowEvent": (),
    "intermediateCatchEvent": ("parallelMultiple",),
    "boundaryEvent": ("parallelMultiple", "cancelActivity", "attachedToRef"),
    "exclusiveGateway": ("gatewayDirection", "default"),
    "inclusiveGateway": ("gatewayDirection", "default"),
    "parallelGateway": ("gatewayDirection",),
    "eventBasedGateway": ("gatewayDirection", "instantiate", "eventGatewayType"),
    "sequenceFlow": ("sourceRef", "targetRef", "isImmediate"),
    "laneSet": (),
    "lane": ("partitionElementRef",),
    "textAnnotation": ("textFormat",),
    "association": ("sourceRef", "targetRef", "associationDirection"),
    "group": ("categoryValueRef",),
    "documentation": ("textFormat",),
    "dataObjectReference": ("itemSubjectRef", "dataObjectRef"),
    "dataObject": _OF_DATA,
    "inputDataItem": _OF_DATA,
    "outputDataItem": _OF_DATA,
    "standardLoopCharacteristics": ("testBefore", "loopMaximum"),
    "multiInstanceLoopCharacteristics": ("isSequential", "behavior", "oneBehaviorEventRef", "noneBehaviorEventRef"),
    **dict.fromkeys(
        ("conditionExpression", "loopCondition", "loopCardinality", "completionCondition"), _OF_EXPRESSIONS
    ),
    **dict.fromkeys(("timeDate", "timeDuration", "timeCycle"), _OF_EXPRESSIONS),
    "messageEventDefinition": ("messageRef", "operationRef"),
    "signalEventDefinition": ("signalRef",),
    "errorEventDefinition": ("errorRef",),
    "escalationEventDefinition": ("escalationRef",),
    "timerEventDefinition": (),
    "terminateEventDefinition": (),
}
# What may stand once in its parent; of more than one only the first would be read.
_ONCE = (
    *("loopCardinality", "completionCondition", "loopCondition", "loopDataInputRef", "loopDataOutputRef"),
    *("inputDataItem", "outputDataItem", "conditionExpression", "timeDate", "timeDuration", "timeCycle"),
)
# Attributes that tune or describe and change nothing of what happens.
_TUNING = {
    "asyncBefore",
    "asyncAfter",
    "async",
    "exclusive",
    "jobPriority",
    "taskPriority",
    "historyTimeToLive",
    "isStartableInTasklist",
    "versionTag",
    "modelerTemplate",
    "modelerTemplateVersion",
    "modelerTemplateIcon",
    "candidateStarterGroups",
    "candidateStarterUsers",
    "diagramRelationId",
}


def check_foreign(ground: Ground, node: Any) -> None:
    """Check the attributes and extensions of one element of the process: those of others, and unknown ones of ours."""
    by_engine: dict[str, list[tuple[str, str]]] = {}
    for engine, name, twin in _foreign_parts(node):
        by_engine.setdefault(engine, []).append((name, twin))
    for engine, parts in by_engine.items():
        _refuse(ground, node, engine, parts)
    for key in node.attrib:
        if key.startswith(CAMUNDA):
            _own_attribute(ground, node, key.removeprefix(CAMUNDA))
        elif not key.startswith("{"):
            _plain_attribute(ground, node, key)
    _written_twice(ground, node)


def _refuse(ground: Ground, node: Any, engine: str, parts: list[tuple[str, str]]) -> None:
    owner = ground.owner(node)
    names, twins = ", ".join(name for name, _ in parts), ", ".join(dict.fromkeys(t for _, t in parts if t))
    th = f"ส่วนขยายของ {engine} ไม่มีผลที่นี่: {names}" + (f" ให้เขียน {twins} แทน" if twins else " ให้ลบออก")
    en = f"extensions of {engine} mean nothing here: {names}; " + (f"write {twins} instead" if twins else "remove them")
    ground.add(owner, "foreign", th, en)
    ground.blame(owner)


def _foreign_parts(node: Any) -> Iterator[tuple[str, str, str]]:
    """The parts of other engines that an element carries: the engine, the name, and what to write instead."""
    for key in node.attrib:
        if (engine := _engine_of(key)) is not None:
            name = str(etree.QName(key).localname)
            yield engine, name, f"camunda:{name}" if name in _PLACES else ""
    for holder in node.findall(f"{BPMN}extensionElements"):
        for part in holder.iterchildren(etree.Element):
            name = local_name(part)
            code = name in ("preScript", "postScript", "script", "serviceTaskOperator")  # told as code already
            if (engine := _engine_of(part.tag)) is not None and not code:
                yield engine, name, _TWINS.get(name, "")


def _engine_of(tag: str) -> str | None:
    space = (etree.QName(tag).namespace or "") if tag.startswith("{") else ""
    if not space or space in _OWN:
        return None
    return next((engine for part, engine in _ENGINES.items() if part in space.lower()), None)


def _own_attribute(ground: Ground, node: Any, name: str) -> None:
    owner, place = ground.owner(node), local_name(node)
    if name in CODE_ATTRIBUTES:
        return  # told as code already
    if name in _TUNING:
        th, en = f"camunda:{name} ไม่มีผลที่นี่", f"camunda:{name} changes nothing here"
        ground.add(owner, "ignored", th, en, "warning")
    elif name not in _PLACES:
        th, en = f"ไม่รู้จัก camunda:{name} ให้ลบออก", f"camunda:{name} is not known here and would be ignored: remove it"
        ground.add(owner, "unknown_attribute", th, en)
    elif not _fits(node, place, _PLACES[name]):
        where = " / ".join(_PLACES[name] or ("task",))
        th = f"camunda:{name} ไม่มีผลบน {place} ใช้ได้เฉพาะบน {where}"
        ground.add(owner, "unknown_attribute", th, f"camunda:{name} means nothing on a {place}, only on {where}")


def _plain_attribute(ground: Ground, node: Any, name: str) -> None:
    """Check an attribute without a namespace: the standard must have it, and for this element."""
    owner, place = ground.owner(node), local_name(node)
    known = _STANDARD.get(place)
    if name in ("id", "name", *FIXED_ATTRIBUTES, *BOOLEANS) or known is None or (name in known and name != "default"):
        return
    if name == "default":
        if place not in CHOICES:
            en = f"a default flow means nothing on a {place}, only on a gateway that asks conditions: draw one"
            th = f"เส้นเริ่มต้นไม่มีผลบน {place} ใช้ได้เฉพาะเกตเวย์ที่ถามเงื่อนไข ให้วาดเกตเวย์"
            ground.add(owner, "default", th, en)
        return
    near = get_close_matches(name, (*known, "id", "name"), 1) or ([f"camunda:{name}"] if name in _PLACES else [])
    th = f"{place} ไม่มี {name} จึงจะไม่มีผล ให้ลบออก" + (f" หรือหมายถึง {near[0]}" if near else "")
    en = f"a {place} has no {name}, so it would be ignored: remove it" + (
        f", or did you mean {near[0]}?" if near else ""
    )
    ground.add(owner, "unknown_attribute", th, en)


def _written_twice(ground: Ground, node: Any) -> None:
    for name in _ONCE:
        if (number := len(node.findall(f"{BPMN}{name}"))) > 1:
            en = f"{name} is written {number} times, and only the first would count: leave one"
            th = f"มี {name} อยู่ {number} แห่ง ซึ่งมีผลแห่งเดียว ให้เหลือแห่งเดียว"
            ground.add(ground.owner(node), "written_twice", th, en)


def _fits(node: Any, place: str, places: tuple[str, ...] | None) -> bool:
    return is_flow_node(node) if places is None else place in places


def foreign_in_file(diagram: Diagram) -> Iterator[Problem]:
    """What other tools left in the file beside its processes, one warning for each of them; errors for other engines."""
    inside = {node for process in diagram.root.iter(f"{BPMN}process") for node in process.iter()}
    others: dict[str, int] = {}
    for node in diagram.root.iter(etree.Element):
        if node not in inside and node.tag.startswith(BPMN):
            for engine, name, _ in _foreign_parts(node):
                th = f"ส่วนขยายของ {engine} ไม่มีผลที่นี่: {name} ให้ลบออก"
                en = f"extensions of {engine} mean nothing here: {name}; remove them"
                yield Problem(node.get("id") or local_name(node), "foreign", th, en, name=node.get("name") or "")
        for tag in (node.tag, *node.attrib):
            space = etree.QName(tag).namespace if tag.startswith("{") else None
            if space and space not in _OWN and _engine_of(tag) is None:
                others[space] = others.get(space, 0) + 1
    yield from _told(diagram, others)
    if "cloud" in str(diagram.root.get("{http://camunda.org/schema/modeler/1.0}executionPlatform", "")).lower():
        en = "the file was drawn for Camunda 8: what is set in its panels means nothing here"
        yield Problem("", "foreign", "ไฟล์นี้วาดไว้สำหรับ Camunda 8 ค่าที่ตั้งไว้ในแผงของโปรแกรมไม่มีผลที่นี่", en, "warning")


def _told(diagram: Diagram, others: dict[str, int]) -> Iterator[Problem]:
    prefixes = {space: prefix or "" for node in diagram.root.iter() for prefix, space in node.nsmap.items()}
    for space, number in others.items():
        what = f"{prefixes.get(space) or ''}: ({space})".removeprefix(": ")
        th = f"ส่วนของโปรแกรมอื่น {what} จำนวน {number} แห่งไม่มีผลต่อการทำงาน"
        en = f"{number} parts of another tool, {what}, have no effect on what happens"
        yield Problem("", "ignored", th, en, "warning")
