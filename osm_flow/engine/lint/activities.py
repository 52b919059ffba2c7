"""The linter on activities: forms, topics, decisions, calls, repetition, and every expression they carry."""

from __future__ import annotations

from typing import Any

from osm_flow.engine.decisions import read_decision
from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.expressions import is_wrapped
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.spiff.events import is_time_literal
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, child_text, local_name, properties_of

_SHAPES = (None, "singleEntry", "singleResult", "collectEntries", "resultList")
_LOOPS = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")


def check_activity(ground: Ground, node: Any) -> None:
    """Check one activity: its form, its expressions, and what its kind needs."""
    name = local_name(node)
    checks = {
        "userTask": _human,
        "manualTask": _human,
        "serviceTask": _service,
        "sendTask": _send,
        "receiveTask": _receive,
        "businessRuleTask": _decision,
        "callActivity": _call,
        "subProcess": _subprocess,
    }
    _expressions(ground, node)
    ground.form(node, node.get(f"{CAMUNDA}formKey") or properties_of(node).get("form"))
    if name in checks:
        checks[name](ground, node)
        _repetition(ground, node)


def _expressions(ground: Ground, node: Any) -> None:
    for attribute in ("dueDate", "followUpDate"):
        text = node.get(f"{CAMUNDA}{attribute}")
        ground.expression(node, text)
        if text and is_time_literal(text):
            ground.add(
                node, "fixed_date", "ใช้ฟังก์ชันปฏิทินแทนวันที่ตายตัว", "use a function of the calendar, such as working_days(5)"
            )
    for attribute in ("assignee", "candidateUsers", "candidateGroups", "priority"):
        ground.value(node, node.get(f"{CAMUNDA}{attribute}"))
    priority = (node.get(f"{CAMUNDA}priority") or "0").strip()
    if not is_wrapped(priority) and not priority.lstrip("-").isdigit():
        ground.add(node, "priority", "ลำดับความสำคัญต้องเป็นจำนวนเต็ม", "the priority must be a whole number")
    for key, text in properties_of(node).items():
        if key == "payload":
            ground.expression(node, text)
        else:
            ground.template(node, text)


def _human(ground: Ground, node: Any) -> None:
    key = node.get(f"{CAMUNDA}formKey") or properties_of(node).get("form")
    if local_name(node) == "userTask" and not key:
        ground.add(
            node, "no_form", "งานของผู้ใช้ต้องมีแบบฟอร์ม (camunda:formKey)", "a user task needs a form (camunda:formKey)"
        )


def _service(ground: Ground, node: Any) -> None:
    topic = node.get(f"{CAMUNDA}topic")
    if node.get(f"{CAMUNDA}type") != "external" or not topic:
        en = 'a service task needs camunda:type="external" and a topic'
        ground.add(node, "no_topic", "งานบริการต้องเป็น external และมี topic", en)
    elif topic not in ground.topics:
        ground.add(node, "unknown_topic", f"ไม่รู้จัก topic {topic}", f"there is no operation for the topic {topic}")


def _send(ground: Ground, node: Any) -> None:
    if node.get(f"{CAMUNDA}topic") or node.get(f"{CAMUNDA}type"):
        _service(ground, node)
    else:
        ground.message(node, node.get("messageRef"))


def _receive(ground: Ground, node: Any) -> None:
    ground.message(node, node.get("messageRef"))


def _decision(ground: Ground, node: Any) -> None:
    key = node.get(f"{CAMUNDA}decisionRef")
    shape = node.get(f"{CAMUNDA}mapDecisionResult")
    if shape not in _SHAPES:
        ground.add(node, "result_shape", "mapDecisionResult ไม่ถูกต้อง", f"mapDecisionResult cannot be {shape}")
    elif shape != "singleResult" and not node.get(f"{CAMUNDA}resultVariable"):
        en = "the result needs a variable (camunda:resultVariable), unless it is a singleResult"
        ground.add(node, "no_result_variable", "ต้องระบุตัวแปรของผลลัพธ์ (camunda:resultVariable)", en)
    if not key or key not in ground.decisions:
        ground.add(node, "no_decision", f"ไม่พบตารางการตัดสินใจ {key}", f"there is no decision table {key}")
        return
    try:
        read_decision(ground.decisions[key])
    except DefinitionRefused as refused:
        ground.found += refused.problems


def _call(ground: Ground, node: Any) -> None:
    called = node.get("calledElement")
    if not called or "$" in called:
        ground.add(node, "no_call", "ต้องระบุกระบวนการที่เรียก", "say which process it calls (calledElement)")
    elif ground.known is not None and called not in ground.known and called not in ground.diagram.process_keys:
        ground.add(node, "unknown_process", f"ไม่พบกระบวนการ {called}", f"there is no process {called}")
    path = "./bpmn:extensionElements/camunda:in|./bpmn:extensionElements/camunda:out"
    for mapping in node.xpath(path, namespaces=NAMESPACES):
        source = mapping.get("sourceExpression") or mapping.get("source")
        if mapping.get("businessKey") or mapping.get("variables") == "all":
            continue
        if not source or not mapping.get("target"):
            ground.add(node, "mapping", "การส่งค่าต้องมีต้นทางและปลายทาง", "a mapping needs a source and a target")
        ground.expression(node, source)


def _subprocess(ground: Ground, node: Any) -> None:
    if node.get("triggeredByEvent") == "true":
        en = "event subprocesses are refused: use a boundary event"
        ground.add(node, "event_subprocess", "ไม่รองรับ event subprocess ใช้ boundary event แทน", en)


# ---- repetition --------------------------------------------------------------------------------------------------------


def _repetition(ground: Ground, node: Any) -> None:
    loops = [child for name in _LOOPS for child in node.findall(f"{BPMN}{name}")]
    if len(loops) > 1:
        ground.add(node, "two_loops", "มีการวนซ้ำได้แบบเดียว", "an activity may repeat in one way only")
    elif loops and local_name(loops[0]) == _LOOPS[0]:
        _instances(ground, node, loops[0])
    elif loops:
        _loop(ground, node, loops[0])
    collects = bool(properties_of(node).get("collect"))
    if collects and not any(local_name(loop) == _LOOPS[0] for loop in loops):
        ground.add(node, "collect", "collect ใช้ได้เฉพาะงานแบบ multi-instance", "collect needs a multi-instance activity")


def _instances(ground: Ground, node: Any, loop: Any) -> None:
    collection = loop.get(f"{CAMUNDA}collection") or child_text(loop, "./bpmn:loopDataInputRef")
    cardinality = child_text(loop, "./bpmn:loopCardinality")
    if bool(collection) == bool(cardinality):
        en = "give either a collection or a cardinality"
        ground.add(node, "instances", "ต้องมีรายการหรือจำนวนรอบอย่างใดอย่างหนึ่ง", en)
    item, output = loop.find(f"{BPMN}outputDataItem"), child_text(loop, "./bpmn:loopDataOutputRef")
    if (item is None) != (output is None) or (item is not None and not (item.get("id") or item.get("name"))):
        en = "loopDataOutputRef and outputDataItem go together"
        ground.add(node, "output", "loopDataOutputRef ต้องมาคู่กับ outputDataItem", en)
    for text in (collection, cardinality, child_text(loop, "./bpmn:completionCondition")):
        ground.expression(node, text)


def _loop(ground: Ground, node: Any, loop: Any) -> None:
    maximum, condition = loop.get("loopMaximum"), child_text(loop, "./bpmn:loopCondition")
    if not maximum and not condition:
        ground.add(node, "loop", "การวนรอบต้องมีเงื่อนไขหรือจำนวนสูงสุด", "a loop needs a condition or a maximum")
    if maximum and not (maximum.isascii() and maximum.isdigit()):
        ground.add(node, "loop", "จำนวนรอบสูงสุดต้องเป็นตัวเลข", "the loop maximum must be a number")
    ground.expression(node, condition)
