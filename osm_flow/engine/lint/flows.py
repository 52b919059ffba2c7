"""Checking the flows and gateways of a diagram, and that everything in a process can be reached."""

from __future__ import annotations

from collections import Counter
from typing import Any

from osm_flow.engine.definitions import is_flow_node
from osm_flow.engine.lint.conditions import check_condition, check_gap
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import BPMN, NAMESPACES, child_text, local_name

CHOICES = ("exclusiveGateway", "inclusiveGateway")


def check_ways_out(ground: Ground, node: Any) -> None:
    """Check how many flows leave an element."""
    name, outgoing = local_name(node), ground.outgoing(node)
    if len(outgoing) > 1 and not name.endswith("Gateway"):
        ground.add(
            node, "implicit_fork", "มีเส้นออกหลายเส้นจากงานเดียว ให้วาดเกตเวย์", "several flows leave it: draw a gateway"
        )
    if outgoing or name == "endEvent" or ground.is_blamed(node):
        return
    alone = name not in ("startEvent", "boundaryEvent") and not ground.incoming(node)  # told as unreachable
    if not alone and node.getparent().find(f"{BPMN}endEvent") is not None:
        ground.add(node, "dead_end", "ไม่มีเส้นออก ให้ลากไปยังจุดจบ", "no flow leaves it: lead it to an end event")


def check_choice(ground: Ground, node: Any) -> None:
    """Check the conditions and the default flow of an exclusive or inclusive gateway."""
    outgoing, default = ground.outgoing(node), node.get("default")
    if default and default not in {f.get("id") for f in outgoing}:
        ground.add(node, "default", "เส้นเริ่มต้นไม่ใช่เส้นออกของเกตเวย์นี้", "the default flow does not leave this gateway")
    for flow in outgoing if len(outgoing) > 1 or default else ():
        given = child_text(flow, "./bpmn:conditionExpression") is not None
        if flow.get("id") != default and not given:
            en = "the flow needs a condition, or must be the default"
            ground.add(flow, "no_condition", "เส้นออกต้องมีเงื่อนไขหรือเป็นเส้นเริ่มต้น", en)
        if flow.get("id") == default and given:
            en = "the condition of a default flow is never asked: remove it"
            ground.add(flow, "default_condition", "เส้นเริ่มต้นต้องไม่มีเงื่อนไข", en)
    if len(outgoing) > 1 and not default:
        check_gap(ground, node, outgoing)


def check_flow(ground: Ground, flow: Any) -> None:
    """Check both ends of a flow, and its condition."""
    source, target = ground.nodes.get(flow.get("sourceRef")), ground.nodes.get(flow.get("targetRef"))
    if source is None or target is None:
        ends = (flow.get("sourceRef"), flow.get("targetRef"))
        if any(end not in ground.everything for end in ends):
            ground.add(
                flow, "loose_flow", "เส้นไม่ได้ต่อกับองค์ประกอบทั้งสองปลาย ให้ลากใหม่", "the flow is not connected at both ends"
            )
        elif not any(ground.is_blamed(ground.everything[end]) for end in ends):
            ground.add(
                flow, "loose_flow", "เส้นต่อกับสิ่งที่ไม่ใช่งานหรือเหตุการณ์", "the flow leads to what is no step of the process"
            )
        return
    if source.getparent() is not target.getparent() or flow.getparent() is not source.getparent():
        ground.add(flow, "crosses", "เส้นข้ามขอบกระบวนการย่อย", "the flow crosses the border of a subprocess")
    if local_name(target) in ("startEvent", "boundaryEvent"):
        en = "no flow may lead into a start or boundary event"
        ground.add(flow, "into_event", "เส้นเข้าเหตุการณ์เริ่มหรือเหตุการณ์ขอบไม่ได้", en)
    if local_name(source) == "endEvent":
        ground.add(flow, "from_end", "เส้นออกจากจุดจบไม่ได้", "no flow may leave an end event")
    condition = child_text(flow, "./bpmn:conditionExpression")
    if condition and local_name(source) not in CHOICES:
        en = "a condition counts only after an exclusive or inclusive gateway"
        ground.add(flow, "ignored_condition", "เงื่อนไขใช้ได้เฉพาะหลังเกตเวย์", en)
    if not flow.xpath("./bpmn:conditionExpression/@language", namespaces=NAMESPACES):  # told as code already
        check_condition(ground, flow, condition)


def check_parallel_flows(ground: Ground) -> None:
    """Check that no two flows lead between the same two elements: a join could not tell them apart."""
    pairs = Counter((f.get("sourceRef"), f.get("targetRef")) for f in ground.flows)
    for (source, target), number in pairs.items():
        node = ground.nodes.get(source)
        if number > 1 and node is not None:
            ground.add(
                node, "same_pair", f"มีหลายเส้นไปยัง {target} ให้เหลือเส้นเดียว", f"several flows lead to {target}: draw one"
            )


# ---- scopes ------------------------------------------------------------------------------------------------------------


def check_scope(ground: Ground, scope: Any) -> None:
    """Check a process or subprocess: one start, an end, everything reachable."""
    starts = scope.findall("bpmn:startEvent", NAMESPACES)
    if local_name(scope) == "subProcess" and not any(is_flow_node(n) for n in scope):
        en = "the subprocess is empty: draw what happens in it, or use a call activity or a task"
        ground.add(scope, "one_start", "กระบวนการย่อยว่างอยู่ ให้วาดสิ่งที่เกิดข้างใน หรือใช้ call activity หรืองานแทน", en)
        return
    if len(starts) != 1:
        ground.add(scope, "one_start", "ต้องมีจุดเริ่มหนึ่งจุด", "there must be exactly one start event")
    elif local_name(scope) == "subProcess" and any(
        local_name(d).endswith("EventDefinition") for d in starts[0] if isinstance(d.tag, str)
    ):
        en = "a subprocess begins with a plain start event"
        ground.add(starts[0], "plain_start", "จุดเริ่มของกระบวนการย่อยต้องไม่มีชนิด", en)
    if not scope.findall("bpmn:endEvent", NAMESPACES):
        ground.add(scope, "no_end", "ไม่มีจุดจบ", "there is no end event")
    # Where a refused element leads on without a flow, as a link does, nobody can tell what it leads to.
    leads_away = any(not ground.outgoing(n) and n in ground.blamed for n in scope if is_flow_node(n))
    if starts and not leads_away:
        _reachable(ground, scope, starts)


def _reachable(ground: Ground, scope: Any, starts: list[Any]) -> None:
    own = {n.get("id"): n for n in scope if is_flow_node(n)}
    following: dict[str, list[str]] = {}
    for flow in ground.flows:
        following.setdefault(flow.get("sourceRef"), []).append(flow.get("targetRef"))
    for node in own.values():
        if local_name(node) == "boundaryEvent":
            following.setdefault(node.get("attachedToRef"), []).append(node.get("id"))
    seen: set[str] = set()
    todo = [s.get("id") for s in starts]
    # What only follows from a fault that is told already is not told again.
    todo += [name for name, node in own.items() if ground.is_blamed(node)]
    refused = [node for node in scope if isinstance(node.tag, str) and ground.is_blamed(node)]
    todo += [target for node in refused for target in following.get(node.get("id"), [])]
    todo += [f.get("targetRef") for f in ground.flows if f.get("sourceRef") not in ground.everything]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += following.get(name, [])
    for name in own:
        if name not in seen:
            ground.add(own[name], "unreachable", "ไม่มีเส้นทางมาถึง", "nothing leads to it")
