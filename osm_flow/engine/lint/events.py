"""Checking the events of a diagram and what follows its event-based gateways."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from osm_flow.engine.definitions import ACTIVITIES
from osm_flow.engine.lint.constructs import INSTEAD
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.spiff.events import add_duration, is_time_literal, split_cycle
from osm_flow.engine.xml import BPMN, NAMESPACES, child_text, local_name

# What each event may wait for or throw.
_DEFINITIONS = {
    "startEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateCatchEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateThrowEvent": {"messageEventDefinition", "signalEventDefinition", "escalationEventDefinition"},
    "endEvent": {
        "messageEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
        "terminateEventDefinition",
    },
    "boundaryEvent": {
        "messageEventDefinition",
        "timerEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
    },
}
# Where an error or an escalation can come from; anywhere else the event would wait for what never happens.
_SOURCES = {
    "error": {"subProcess", "callActivity", "serviceTask", "sendTask"},
    "escalation": {"subProcess", "callActivity"},
}
_SAMPLE = datetime(2026, 1, 1, tzinfo=UTC)


def check_event(ground: Ground, node: Any) -> None:
    """Check one event: what it waits for or throws, and where it stands."""
    name = local_name(node)
    definitions = [d for d in node if isinstance(d.tag, str) and local_name(d).endswith("EventDefinition")]
    if len(definitions) > 1:
        ground.add(node, "multiple_event", "เหตุการณ์มีได้ชนิดเดียว", "an event may have one definition only")
    if name == "boundaryEvent":
        _attachment(ground, node)
    if not definitions and name in ("boundaryEvent", "intermediateCatchEvent"):
        ground.add(node, "no_event", "ระบุชนิดของเหตุการณ์", "say what the event waits for")
    for definition in definitions:
        _definition(ground, node, name, definition)


def _attachment(ground: Ground, node: Any) -> None:
    host = ground.nodes.get(node.get("attachedToRef"))
    if host is None or host.getparent() is not node.getparent() or local_name(host) not in ACTIVITIES:
        en = "a boundary event must be attached to an activity beside it"
        ground.add(node, "unattached", "เหตุการณ์ขอบต้องติดกับงานในกระบวนการเดียวกัน", en)


def _definition(ground: Ground, node: Any, name: str, definition: Any) -> None:
    kind = local_name(definition)
    if kind not in _DEFINITIONS[name]:
        th, en = INSTEAD.get(kind, ("ไม่รองรับเหตุการณ์ชนิดนี้ที่นี่", f"{kind} is not supported on a {name}"))
        ground.add(node, "event", th, en)
    elif kind == "timerEventDefinition":
        _timer(ground, node, name, definition)
    elif kind == "messageEventDefinition":
        ground.message(node, definition.get("messageRef"))
    elif kind in ("errorEventDefinition", "escalationEventDefinition"):
        _code(ground, node, name, definition, "error" if kind.startswith("error") else "escalation")


def _code(ground: Ground, node: Any, name: str, definition: Any, tag: str) -> None:
    ref = definition.get(f"{tag}Ref")
    definitions = ground.diagram.root.xpath(f"./bpmn:{tag}[@id=$ref]", namespaces=NAMESPACES, ref=ref or "")
    named = bool(definitions) and bool(definitions[0].get(f"{tag}Code"))
    if (ref and not named) or (name != "boundaryEvent" and not named):
        ground.add(node, "no_code", "ต้องอ้างรหัสข้อผิดพลาดหรือการยกระดับ", f"it must refer to an {tag} with a code")
    host = ground.nodes.get(node.get("attachedToRef"))
    if host is not None and local_name(host) not in _SOURCES[tag]:
        en = f"no {tag} can come out of a {local_name(host)}: attach it to " + " or ".join(sorted(_SOURCES[tag]))
        ground.add(node, "never_happens", f"ไม่มี {tag} ออกมาจาก {local_name(host)} ได้", en)
    if name == "boundaryEvent" and tag == "error" and node.get("cancelActivity") == "false":
        ground.add(node, "error_interrupts", "เหตุการณ์ผิดพลาดต้องหยุดงานเสมอ", "an error event always interrupts")


# ---- timers ------------------------------------------------------------------------------------------------------------


def _timer(ground: Ground, node: Any, name: str, definition: Any) -> None:
    texts = {kind: child_text(definition, f"./bpmn:{kind}") for kind in ("timeDate", "timeDuration", "timeCycle")}
    given = {k: v for k, v in texts.items() if v}
    if len(given) != 1:
        ground.add(node, "timer", "ตัวจับเวลาต้องมีเวลาแบบเดียว", "a timer needs exactly one of date, duration and cycle")
        return
    kind, text = next(iter(given.items()))
    if kind == "timeCycle" and (name != "boundaryEvent" or node.get("cancelActivity") != "false"):
        en = "a cycle may only stand on a non-interrupting boundary event"
        ground.add(node, "cycle", "การวนซ้ำใช้ได้เฉพาะเหตุการณ์ขอบแบบไม่หยุดงาน", en)
    if not is_time_literal(text):
        ground.expression(node, text)
        return
    try:
        _read_time(kind, text)
    except (ValueError, OverflowError) as fault:
        ground.add(node, "timer", f"เวลาใช้ไม่ได้: {text}", f"the time {text} cannot be read: {fault}")
    if kind == "timeDate":
        en = "a date drawn into a diagram is right for one year only: use a function of the calendar"
        ground.add(node, "fixed_date", "วันที่ตายตัวใช้ได้ปีเดียว ใช้ฟังก์ชันปฏิทินแทน", en, "warning")


def _read_time(kind: str, text: str) -> None:
    if kind == "timeCycle":
        split_cycle(text)
    elif kind == "timeDuration":
        add_duration(_SAMPLE, text)
    elif datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is None:
        raise ValueError("it does not say its offset from UTC")


# ---- races -------------------------------------------------------------------------------------------------------------


def check_race(ground: Ground, node: Any) -> None:
    """Check that an event-based gateway leads to events alone."""
    targets = [t for f in ground.outgoing(node) if (t := ground.nodes.get(f.get("targetRef"))) is not None]
    for target in targets:
        _racer(ground, node, target)
    if sum(target.find("bpmn:timerEventDefinition", NAMESPACES) is not None for target in targets) > 1:
        en = "at most one timer may follow an event-based gateway"
        ground.add(node, "two_timers", "มีตัวจับเวลาได้ตัวเดียวต่อเกตเวย์", en)


def _racer(ground: Ground, node: Any, target: Any) -> None:
    if local_name(target) not in ("intermediateCatchEvent", "receiveTask"):
        en = "only catching events and receive tasks may follow it"
        ground.add(node, "race", "หลังเกตเวย์แบบเหตุการณ์ต้องเป็นเหตุการณ์รอรับ", en)
    if len(ground.incoming(target)) > 1:
        en = "an event of the race may have no other incoming flow"
        ground.add(target, "race_entry", "เหตุการณ์หลังเกตเวย์ต้องมีเส้นเข้าเส้นเดียว", en)
    loops = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
    if ground.boundaries(target) or any(target.find(f"{BPMN}{loop}") is not None for loop in loops):
        en = "a receive task of the race may have no boundary events and no repetition"
        ground.add(target, "race_task", "งานรอรับหลังเกตเวย์ต้องไม่มีเหตุการณ์ขอบและไม่วนซ้ำ", en)
