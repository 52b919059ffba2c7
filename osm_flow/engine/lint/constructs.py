"""Checking that a diagram holds only allowed elements, extensions and attributes; what to draw instead of others."""

from __future__ import annotations

from typing import Any

from osm_flow.engine.definitions import BOOLEANS, FLOW_NODES
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import BPMN, CAMUNDA, local_name

CONTAINER = frozenset({"process", "subProcess"})
_DRAWN = {"laneSet", "lane", "flowNodeRef", "textAnnotation", "association", "text", "group"}
_FLOWS = {"sequenceFlow", "incoming", "outgoing", "conditionExpression"}
_LOOPS = {"standardLoopCharacteristics", "loopCondition", "multiInstanceLoopCharacteristics", "loopCardinality"}
_INSTANCES = {"loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem", "completionCondition"}
_TIMERS = {"timerEventDefinition", "timeDate", "timeDuration", "timeCycle"}
_FAILURES = {"errorEventDefinition", "escalationEventDefinition", "terminateEventDefinition"}
_SENT = {"messageEventDefinition", "signalEventDefinition"}
_BESIDE = {"dataObjectReference", "dataObject", "documentation", "extensionElements"}
# What a process holds beside the nodes of its flow.
PASSIVE = frozenset(_DRAWN | _FLOWS | _LOOPS | _INSTANCES | _TIMERS | _FAILURES | _SENT | _BESIDE)
INSTEAD = {
    "scriptTask": (
        "งานสคริปต์ไม่อนุญาต ใช้ serviceTask หรือ businessRuleTask แทน",
        "script tasks are refused: use a service task or a business rule task",
    ),
    "task": (
        "ระบุชนิดของงาน เช่น userTask หรือ manualTask",
        "say what kind of task it is: user, manual, service, send or receive task",
    ),
    "complexGateway": ("ใช้เกตเวย์แบบ exclusive หรือ inclusive แทน", "use an exclusive or an inclusive gateway"),
    "transaction": ("ใช้ subProcess ธรรมดาแทน", "use a plain subprocess"),
    "adHocSubProcess": (
        "ใช้ subProcess ธรรมดาหรือ multi-instance แทน",
        "use a plain subprocess or a multi-instance activity",
    ),
    "compensateEventDefinition": (
        "ไม่รองรับการชดเชย ให้วาดเส้นทางย้อนกลับเอง",
        "compensation is not supported: draw the way back",
    ),
    "linkEventDefinition": ("ไม่รองรับ link event ให้ลากเส้นโดยตรง", "link events are not supported: draw the flow"),
    "conditionalEventDefinition": (
        "ใช้ข้อความหรือเกตเวย์แทนเหตุการณ์แบบมีเงื่อนไข",
        "conditional events are not supported: use a message or a gateway",
    ),
    "cancelEventDefinition": ("ใช้ error event แทน", "use an error event"),
    "dataInputAssociation": (
        "ลบเส้นประของข้อมูลเข้า ข้อมูลของเรื่องเป็นตัวแปรที่ทุกงานเห็นอยู่แล้ว",
        "remove the dotted line of data: every task sees the variables of the case",
    ),
    "dataOutputAssociation": (
        "ลบเส้นประของข้อมูลออก ค่าในแบบฟอร์มเป็นตัวแปรของเรื่องอยู่แล้ว",
        "remove the dotted line of data: what is filled into a form becomes variables of the case",
    ),
    "ioSpecification": (
        "ลบข้อมูลเข้าออกของงาน ข้อมูลของเรื่องเป็นตัวแปรที่ทุกงานเห็นอยู่แล้ว",
        "remove the inputs and outputs: every task sees the variables of the case",
    ),
    "dataStoreReference": (
        "ลบแหล่งข้อมูล หรือวาดเป็นคำอธิบาย (text annotation) แทน",
        "remove the data store, or draw a text annotation instead",
    ),
    **dict.fromkeys(
        ("performer", "humanPerformer", "potentialOwner"),
        (
            "ระบุผู้ทำด้วย camunda:assignee หรือ camunda:candidateGroups แทน",
            "say who does it with camunda:assignee or camunda:candidateGroups",
        ),
    ),
    **dict.fromkeys(
        ("inputSet", "outputSet", "dataInput", "dataOutput"),
        ("ลบข้อมูลเข้าออกของเหตุการณ์ ใช้ตัวแปรของเรื่องแทน", "remove the data of the event: use variables of the case"),
    ),
    "property": (
        "ลบ property ของงาน ใช้ตัวแปรของเรื่องแทน",
        "remove the property: use variables of the case",
    ),
    "signalEventDefinition": (
        "สัญญาณใช้ได้เฉพาะการส่งระหว่างทาง ใช้ message แทน",
        "signals may only be thrown in between: use a message",
    ),
}
# The attributes of other engines that would run code, or send the work to another place than the one drawn.
CODE_ATTRIBUTES = (
    "class",
    "delegateExpression",
    "expression",
    "variableMappingClass",
    "variableMappingDelegateExpression",
    "resource",
    "formHandlerClass",
    "caseRef",
    "formRef",
)
_MAPPED = {"source", "sourceExpression", "target", "variables"}
_DEFINITIONS_INSTEAD = frozenset(name for name in INSTEAD if name.endswith("EventDefinition"))
EXTENSIONS = frozenset({"properties", "property", "in", "out"})
# Attributes that mean something only with another value than the one that counts when they are left out.
FIXED_ATTRIBUTES = {
    "isForCompensation": "false",
    "instantiate": "false",
    "parallelMultiple": "false",
    "eventGatewayType": "Exclusive",
    "startQuantity": "1",
    "completionQuantity": "1",
    "behavior": "All",
}
# Names that the library gives to its own tasks within a process.
RESERVED_IDS = ("Start", "End", "Root")
RESERVED_ENDS = (".EndJoin", ".BoundaryEventSplit", ".BoundaryEventJoin", "[child]")


# What belongs to the flow of data that an arrow of data already tells.
_OF_DATA = ("property", "ioSpecification", "inputSet", "outputSet", "dataInput", "dataOutput")
_ASSOCIATIONS = ("dataInputAssociation", "dataOutputAssociation")


def check_construct(ground: Ground, node: Any) -> bool:
    """Check that this element of the process, its extensions and its attributes are allowed.

    False: what lies in it need not be looked at, because it goes with what is refused.
    """
    name = local_name(node)
    if not node.tag.startswith(BPMN):
        return _extension(ground, node, name)
    if name not in FLOW_NODES and name not in PASSIVE and name not in CONTAINER:
        _unknown(ground, node, name)
        return False
    _attributes(ground, node)
    _id(ground, node)
    return True


def _unknown(ground: Ground, node: Any, name: str) -> None:
    parent = node.getparent()
    if name in _OF_DATA and any(parent.find(f"{BPMN}{arrow}") is not None for arrow in _ASSOCIATIONS):
        return
    th, en = INSTEAD.get(name, ("ไม่รองรับองค์ประกอบนี้", f"{name} is not supported"))
    told = ground.owner(parent) if name == "property" or not node.get("id") or name in _DEFINITIONS_INSTEAD else node
    ground.add(told, "unknown", th, en)
    ground.blame(told, whole=told is node)


def _extension(ground: Ground, node: Any, name: str) -> bool:
    if not node.tag.startswith(CAMUNDA) and local_name(node.getparent()) != "extensionElements":
        return True
    if node.tag.startswith(CAMUNDA) and name in EXTENSIONS:
        _mapping_attributes(ground, node, name)
        return True
    owner = ground.owner(node.getparent())
    if any(p.element == owner.get("id") and p.code == "code" for p in ground.found):
        return False
    if node.tag.startswith(CAMUNDA):
        ground.add(
            owner, "code", f"ไม่รองรับส่วนขยาย {name} ให้ลบออก", f"camunda:{name} would run code or be ignored: remove it"
        )
        ground.blame(owner)
    elif name in ("preScript", "postScript", "script", "serviceTaskOperator"):
        ground.add(owner, "code", "ไม่อนุญาตให้แนบโค้ด", f"{name} would run code: remove it")
        ground.blame(owner)
    return False


def _mapping_attributes(ground: Ground, node: Any, name: str) -> None:
    known = {"in": _MAPPED | {"businessKey"}, "out": _MAPPED}.get(name)
    for attribute in sorted(set(node.attrib) - known) if known is not None else ():
        th, en = f"{attribute} ของการส่งค่าไม่มีผลที่นี่ ให้ลบออก", f"{attribute} of a mapping means nothing here: remove it"
        ground.add(ground.owner(node.getparent()), "unknown_attribute", th, en)


def _attributes(ground: Ground, node: Any) -> None:
    owner = ground.owner(node)
    code = [attribute for attribute in CODE_ATTRIBUTES if node.get(f"{CAMUNDA}{attribute}")]
    if code:
        names = ", ".join(f"camunda:{attribute}" for attribute in code)
        th = f"ไม่อนุญาตให้เรียกโค้ดจากแผนภาพ ({names}) ใช้ topic แทน"
        ground.add(owner, "code", th, f"{names} would run code: use an external topic")
        ground.blame(owner)
    if local_name(node) == "conditionExpression" and node.get("language"):
        ground.add(
            owner, "code", "เงื่อนไขต้องเป็นนิพจน์ของระบบ", "a condition has no language of its own: remove the attribute"
        )
    wrong = [f"{attribute}={only}" for attribute, only in FIXED_ATTRIBUTES.items() if node.get(attribute, only) != only]
    if wrong:
        ground.add(owner, "attribute", f"ต้องเป็น {', '.join(wrong)}", f"it must be {', '.join(wrong)}")
    for attribute in BOOLEANS:
        if attribute in FIXED_ATTRIBUTES:
            continue  # told above
        if node.get(attribute) not in (None, "true", "false"):
            ground.add(owner, "boolean", f"{attribute} ต้องเป็น true หรือ false", f"{attribute} must be true or false")


def _id(ground: Ground, node: Any) -> None:
    name = node.get("id") or ""
    if name in RESERVED_IDS or name.endswith(RESERVED_ENDS):
        ground.add(
            node, "reserved_id", f"เปลี่ยน id {name} เพราะระบบใช้อยู่", f"the id {name} is used by the engine: change it"
        )
