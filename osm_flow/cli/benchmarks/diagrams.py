"""The processes that are measured: loops that people go round for thousands of steps."""

from __future__ import annotations

from typing import Any

import yaml

from osm_flow.engine import Process, compile_process

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="http://osm-flow.example/bench" id="defs">'
)

# Eight fields of the usual kinds, with rules that have to be checked.
FORM: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "title": "รายงานความก้าวหน้า",
    "x-en": {"title": "Progress report"},
    "required": ["title", "amount", "due", "agency", "is_late", "detail"],
    "properties": {
        "title": {"type": "string", "title": "ชื่อ", "x-en": {"title": "Title"}, "maxLength": 200},
        "amount": {
            "type": "number",
            "title": "จำนวนเงิน",
            "x-en": {"title": "Amount"},
            "minimum": 0,
            "x-widget": "money",
        },
        "due": {"type": "string", "format": "date", "title": "กำหนด", "x-en": {"title": "Due"}},
        "agency": {"type": "string", "title": "หน่วยงาน", "x-en": {"title": "Agency"}, "maxLength": 200},
        "count": {"type": "integer", "title": "จำนวน", "x-en": {"title": "Count"}, "minimum": 0},
        "is_late": {"type": "boolean", "title": "ล่าช้า", "x-en": {"title": "Late"}},
        "detail": {"type": "string", "title": "รายละเอียด", "x-en": {"title": "Detail"}, "maxLength": 4000},
        "note": {"type": "string", "title": "หมายเหตุ", "x-en": {"title": "Note"}, "maxLength": 2000},
    },
}
TYPED = {
    "title": "ปรับปรุงถนนสายหลักในกลุ่มจังหวัด",
    "amount": "12,500,000.50",
    "due": "30/09/2570",
    "agency": "แขวงทางหลวง",
    "count": "12",
    "is_late": "false",
    "detail": "ดำเนินการแล้วบางส่วน " * 10,
    "note": "",
}
VALUES: dict[str, Any] = {
    "title": TYPED["title"],
    "amount": 12500000.5,
    "due": "2027-09-30",
    "agency": TYPED["agency"],
    "count": 12,
    "is_late": False,
    "detail": TYPED["detail"],
}


def _task(id_: str, more: str = "") -> str:
    return (
        f'<bpmn:userTask id="{id_}" name="งาน {id_}" camunda:formKey="progress" camunda:candidateGroups="osm_strategy">'
        f"<bpmn:documentation>กรอกรายงานแล้วส่ง</bpmn:documentation>{more}</bpmn:userTask>"
    )


def _flow(source: str, target: str, condition: str = "") -> str:
    inside = f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression>'
    return (
        f'<bpmn:sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">'
        f"{inside if condition else ''}</bpmn:sequenceFlow>"
    )


def _flows(*pairs: str) -> str:
    """Plain flows, each written as `source target`."""
    return "".join(_flow(*pair.split()) for pair in pairs)


def _process(key: str, *body: str) -> bytes:
    properties = '<camunda:property name="business_key" value="BEN"/><camunda:property name="startable" value="true"/>'
    return (
        f'{_HEAD}<bpmn:process id="{key}" name="วัดความเร็ว" isExecutable="true"><bpmn:extensionElements>'
        f'<camunda:properties>{properties}</camunda:properties></bpmn:extensionElements><bpmn:startEvent id="s" name="เริ่ม"/>'
        f'{"".join(body)}<bpmn:endEvent id="e" name="จบ"/></bpmn:process></bpmn:definitions>'
    ).encode()


_GATEWAYS = '<bpmn:exclusiveGateway id="m" name=""/><bpmn:exclusiveGateway id="g" name="พอหรือยัง" default="g_m"/>'
_FORK = '<bpmn:parallelGateway id="fork" name=""/><bpmn:parallelGateway id="join" name=""/>'
_ROUND = _flows("g m") + _flow("g", "e", "is_late == true")
_EACH = (
    '<bpmn:multiInstanceLoopCharacteristics isSequential="true"><bpmn:loopCardinality xsi:type="bpmn:tFormalExpression">'
    "1000</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>"
)
_REWORK = [_GATEWAYS + _task("draft") + _task("check"), _flows("s m", "m draft", "draft check", "check g"), _ROUND]
_JOIN_IN_LOOP = [
    _GATEWAYS + _FORK + _task("a") + _task("b"),
    _flows("s m", "m fork", "fork a", "fork b", "a join", "b join", "join g"),
    _ROUND,
]
_BESIDE_WAITING = [
    _GATEWAYS + _FORK + _task("waiting") + _task("draft") + _task("check"),
    _flows("s fork", "fork waiting", "fork m", "m draft", "draft check", "check g", "g m"),
    _flow("g", "join", "is_late == true"),
    _flows("waiting join", "join e"),
]

DIAGRAMS: dict[str, bytes] = {
    # Draft and check, again and again.
    "rework": _process("rework", *_REWORK),
    # Two tasks side by side that are joined, again and again.
    "join_in_loop": _process("join_in_loop", *_JOIN_IN_LOOP),
    # The rework loop while another branch waits all the time.
    "beside_waiting": _process("beside_waiting", *_BESIDE_WAITING),
    # One task for each of very many, one after another.
    "sequential_instances": _process("sequential_instances", _task("each", _EACH), _flows("s each", "each e")),
}

# An activity has at most a thousand instances.
MOST_STEPS = {"sequential_instances": 990}


def process(key: str) -> Process:
    """The compiled process of a benchmark."""
    return compile_process(key, DIAGRAMS[key], {"progress": FORM}, {})


def files(*keys: str) -> dict[str, bytes]:
    """The files of these processes as they are deployed."""
    form = yaml.safe_dump(FORM, allow_unicode=True, sort_keys=False).encode()
    return {f"{key}.bpmn": DIAGRAMS[key] for key in keys} | {"progress.yaml": form}
