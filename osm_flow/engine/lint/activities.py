"""The linter on activities: forms, topics, decisions, calls, repetition, and every expression they carry."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from osm_flow.engine.decisions import decision_problems
from osm_flow.engine.expressions import always_is, constant_of, is_wrapped, strip
from osm_flow.engine.lint.conditions import check_condition
from osm_flow.engine.lint.events import is_like_a_time
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.lint.named.checkers import check_checkers
from osm_flow.engine.lint.named.people import check_people
from osm_flow.engine.lint.named.properties import check_properties, check_variable
from osm_flow.engine.spiff.events import is_time_literal
from osm_flow.engine.spiff.loops import MAX_INSTANCES
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, child_text, local_name, properties_of

_SHAPES = (None, "singleEntry", "singleResult", "collectEntries", "resultList")
_MOST_PRIORITY = 1_000_000
_MOST_TURNS = 100_000
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
        if not ground.is_blamed(node):
            checks[name](ground, node)
        _repetition(ground, node)


def _expressions(ground: Ground, node: Any) -> None:
    for attribute in ("dueDate", "followUpDate"):
        _date(ground, node, node.get(f"{CAMUNDA}{attribute}"))
    check_people(ground, node)
    check_checkers(ground, node)
    _priority(ground, node, (node.get(f"{CAMUNDA}priority") or "0").strip())
    check_properties(ground, node)


def _date(ground: Ground, node: Any, text: str | None) -> None:
    if not text:
        return
    if is_time_literal(words := strip(text).strip("'\"")) or is_like_a_time(ground, words):
        ground.add(
            node, "fixed_date", "ใช้ฟังก์ชันปฏิทินแทนวันที่ตายตัว", "use a function of the calendar, such as working_days(5)"
        )
        return
    before = len(ground.found)
    ground.expression(node, text)
    if len(ground.found) > before:
        return
    is_constant, value = constant_of(text)
    if (is_constant and value is not None) or always_is(text) not in (None, "a text", "nothing (null)"):
        en = f"{text[:80]} is no date: use a function of the calendar, such as working_days(5)"
        ground.add(node, "fixed_date", f"{text[:80]} ไม่ใช่วันที่ ใช้ฟังก์ชันปฏิทิน เช่น working_days(5)", en)


def _priority(ground: Ground, node: Any, text: str) -> None:
    before = len(ground.found)
    ground.value(node, text)
    if len(ground.found) > before:
        return
    if is_wrapped(text):
        is_constant, value = constant_of(text)
        if not is_constant and always_is(text) in (None, "a number", "a text"):
            return
        text = str(value) if is_constant and not isinstance(value, bool) else text
    elif "${" in text:
        return
    if not text.lstrip("-").isdigit() or not text.isascii() or abs(int(text)) > _MOST_PRIORITY:
        en = f"the priority must be a whole number of at most {_MOST_PRIORITY}"
        ground.add(node, "priority", f"ลำดับความสำคัญต้องเป็นจำนวนเต็มไม่เกิน {_MOST_PRIORITY}", en)


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
    if not key:
        en = "say which decision table it asks (camunda:decisionRef)"
        ground.add(node, "no_decision", "ต้องระบุตารางการตัดสินใจ (camunda:decisionRef)", en)
        return
    if shape not in _SHAPES:
        ground.add(node, "result_shape", "mapDecisionResult ไม่ถูกต้อง", f"mapDecisionResult cannot be {shape}")
    elif shape != "singleResult" and not node.get(f"{CAMUNDA}resultVariable"):
        en = "the result needs a variable (camunda:resultVariable), unless it is a singleResult"
        ground.add(node, "no_result_variable", "ต้องระบุตัวแปรของผลลัพธ์ (camunda:resultVariable)", en)
    if result := (node.get(f"{CAMUNDA}resultVariable") or "").strip():
        check_variable(ground, node, result)
    if key not in ground.decisions:
        ground.add(node, "no_decision", f"ไม่พบตารางการตัดสินใจ {key}", f"there is no decision table {key}")
        return
    # What concerns the table as a whole is told with its key, as it is where that file is looked at.
    ground.found += [p if p.element else replace(p, element=key) for p in decision_problems(ground.decisions[key])]


def _call(ground: Ground, node: Any) -> None:
    called = node.get("calledElement")
    if called and re.search(r"[$#]\{|^=", called):
        en = f"{called[:80]} is an expression: name the process itself, and choose between several by a gateway"
        th = f"{called[:80]} เป็นนิพจน์ ให้ระบุ id ของกระบวนการเอง และเลือกด้วยเกตเวย์เมื่อมีหลายกระบวนการ"
        ground.add(node, "no_call", th, en)
    elif not called:
        ground.add(node, "no_call", "ต้องระบุกระบวนการที่เรียก", "say which process it calls (calledElement)")
    elif ground.known is not None and called not in ground.known and called not in ground.diagram.process_keys:
        ground.add(node, "unknown_process", f"ไม่พบกระบวนการ {called}", f"there is no process {called}")
    path = "./bpmn:extensionElements/camunda:in|./bpmn:extensionElements/camunda:out"
    written: set[tuple[str, str]] = set()
    for mapping in node.xpath(path, namespaces=NAMESPACES):
        source = mapping.get("sourceExpression") or mapping.get("source")
        if mapping.get("businessKey") or mapping.get("variables") == "all":
            continue
        if not source or not mapping.get("target"):
            ground.add(node, "mapping", "การส่งค่าต้องมีต้นทางและปลายทาง", "a mapping needs a source and a target")
        elif (target := (local_name(mapping), mapping.get("target"))) in written:
            en = f"{target[1]} is written by several mappings, and only the last would count: leave one"
            th = f"มีการส่งค่าไปยัง {target[1]} หลายแห่ง ซึ่งมีผลแห่งเดียว ให้เหลือแห่งเดียว"
            ground.add(node, "mapping", th, en)
        else:
            written.add(target)
            check_variable(ground, node, str(target[1]))
        ground.expression(node, source)


def _subprocess(ground: Ground, node: Any) -> None:
    if node.get("triggeredByEvent") == "true":
        ground.blame(node, whole=True)
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
    _collection(ground, node, collection)
    _cardinality(ground, node, cardinality)
    check_condition(ground, node, child_text(loop, "./bpmn:completionCondition"))
    variable = loop.get(f"{CAMUNDA}elementVariable")
    items = [i.get("name") or i.get("id") for i in loop.findall(f"{BPMN}inputDataItem")]
    for name in filter(None, [variable, *items]):
        check_variable(ground, node, name.strip())


def _collection(ground: Ground, node: Any, text: str | None) -> None:
    given, value = _constant(ground, node, text)
    if given and not isinstance(value, list | dict):
        en = f"{str(text)[:80]} is no list: name a variable that is one"
        ground.add(node, "instances", f"{str(text)[:80]} ไม่ใช่รายการ ให้ระบุตัวแปรที่เป็นรายการ", en)
    elif given and isinstance(value, list | dict) and len(value) > MAX_INSTANCES:
        _too_many(ground, node)


def _cardinality(ground: Ground, node: Any, text: str | None) -> None:
    given, value = _constant(ground, node, text)
    if not given:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        en = f"{str(text)[:80]} is no number of instances: write a whole number from 1 on"
        ground.add(node, "instances", f"{str(text)[:80]} ไม่ใช่จำนวนรอบ ให้เขียนจำนวนเต็มตั้งแต่ 1", en)
    elif value > MAX_INSTANCES:
        _too_many(ground, node)
    elif value == 0:
        en = "no instance would ever be made"
        ground.add(node, "instances", "จำนวนรอบเป็นศูนย์ งานนี้จะไม่เกิดขึ้นเลย", en, "warning")


def _too_many(ground: Ground, node: Any) -> None:
    en = f"more than {MAX_INSTANCES} instances: split the work"
    ground.add(node, "instances", f"เกิน {MAX_INSTANCES} รอบ ให้แบ่งงาน", en)


def _constant(ground: Ground, node: Any, text: str | None) -> tuple[bool, Any]:
    """Whether a text is an expression that can be read and always has the same value, and that value."""
    before = len(ground.found)
    ground.expression(node, text)
    return constant_of(text) if text and len(ground.found) == before else (False, None)


def _loop(ground: Ground, node: Any, loop: Any) -> None:
    maximum, condition = loop.get("loopMaximum"), child_text(loop, "./bpmn:loopCondition")
    if not maximum and not condition:
        ground.add(node, "loop", "การวนรอบต้องมีเงื่อนไขหรือจำนวนสูงสุด", "a loop needs a condition or a maximum")
    if maximum and not (maximum.isascii() and maximum.isdigit()):
        ground.add(node, "loop", "จำนวนรอบสูงสุดต้องเป็นตัวเลข", "the loop maximum must be a number")
    elif maximum and int(maximum) > _MOST_TURNS:
        en = f"the loop maximum is more than {_MOST_TURNS}"
        ground.add(node, "loop", f"จำนวนรอบสูงสุดเกิน {_MOST_TURNS}", en)
    check_condition(ground, node, condition)
