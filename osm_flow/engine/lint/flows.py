"""Checking the flows and gateways of a diagram, and that everything in a process can be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from osm_flow.engine.definitions import is_flow_node
from osm_flow.engine.lint.conditions import check_condition, check_gap
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import BPMN, NAMESPACES, child_text, local_name

CHOICES = ("exclusiveGateway", "inclusiveGateway")


def check_ways_out(ground: Ground, node: Any) -> None:
    """Check how many flows leave an element."""
    name, outgoing = local_name(node), ground.outgoing(node)
    # A flow that is drawn wrongly, or twice, is told of itself.
    if _is_fork(ground, node):
        ground.add(
            node, "implicit_fork", "มีเส้นออกหลายเส้นจากงานเดียว ให้วาดเกตเวย์", "several flows leave it: draw a gateway"
        )
    if outgoing or name == "endEvent" or ground.is_blamed(node) or _is_cut(ground, node.getparent()):
        return
    alone = name not in ("startEvent", "boundaryEvent") and not ground.incoming(node)  # told as unreachable
    if not alone and node.getparent().find(f"{BPMN}endEvent") is not None:
        ground.add(node, "dead_end", "ไม่มีเส้นออก ให้ลากไปยังจุดจบ", "no flow leaves it: lead it to an end event")


def _is_fork(ground: Ground, node: Any) -> bool:
    """Whether flows to several elements leave what is no gateway."""
    targets = {flow.get("targetRef") for flow in ground.outgoing(node) if is_sound(ground, flow)}
    return len(targets) > 1 and not local_name(node).endswith("Gateway")


def is_sound(ground: Ground, flow: Any) -> bool:
    """Whether a flow leads from an element to another beside it that flows may lead to."""
    source, target = ground.nodes.get(flow.get("sourceRef")), ground.nodes.get(flow.get("targetRef"))
    if source is None or target is None or source.getparent() is not target.getparent():
        return False
    return local_name(target) not in ("startEvent", "boundaryEvent")


def check_choice(ground: Ground, node: Any) -> None:
    """Check the conditions and the default flow of an exclusive or inclusive gateway."""
    outgoing, default = ground.outgoing(node), node.get("default")
    is_wrong = _check_default(ground, node, outgoing, default) if default else False
    if len(outgoing) > 1 or default:
        bare = {f.get("targetRef"): f for f in reversed(outgoing) if not _has_condition(f) and f.get("id") != default}
        drawn = {f.get("targetRef") for f in outgoing if f not in bare.values()}  # a second flow to the same place
        # Where the default is wrong, one of the flows that have no condition is the one that was meant.
        for flow in [f for target, f in reversed(bare.items()) if target not in drawn][is_wrong:]:
            if is_sound(ground, flow):
                en = "the flow needs a condition, or must be the default"
                ground.add(flow, "no_condition", "เส้นออกต้องมีเงื่อนไขหรือเป็นเส้นเริ่มต้น", en)
    if len(outgoing) > 1 and not default:
        check_gap(ground, node, outgoing)


def _check_default(ground: Ground, node: Any, outgoing: list[Any], default: str) -> bool:
    """Check the default flow of a gateway; whether it is wrong."""
    flow = next((f for f in outgoing if f.get("id") == default), None)
    if flow is None:
        named = ground.everything.get(default)
        if named is None or named not in ground.flows or is_sound(ground, named):
            th, en = "เส้นเริ่มต้นไม่ใช่เส้นออกของเกตเวย์นี้", "the default flow does not leave this gateway"
            ground.add(node, "default", th, en)
        return True
    if _has_condition(flow):
        en = "the condition of a default flow is never asked: remove it"
        ground.add(flow, "default_condition", "เส้นเริ่มต้นต้องไม่มีเงื่อนไข", en)
    return _has_condition(flow)


def _has_condition(flow: Any) -> bool:
    return child_text(flow, "./bpmn:conditionExpression") is not None


def check_flow(ground: Ground, flow: Any) -> None:
    """Check both ends of a flow, and its condition."""
    source, target = ground.nodes.get(flow.get("sourceRef")), ground.nodes.get(flow.get("targetRef"))
    if source is None or target is None:
        ends = (flow.get("sourceRef"), flow.get("targetRef"))
        if missing := [end for end in ends if end not in ground.everything]:
            if set(missing) & ground.missing or (ground.has_nameless(flow) and None not in ends):
                return  # what is missing is told already
            ground.missing.update(filter(None, missing))
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
    elif local_name(target) in ("startEvent", "boundaryEvent"):
        en = "no flow may lead into a start or boundary event"
        ground.add(flow, "into_event", "เส้นเข้าเหตุการณ์เริ่มหรือเหตุการณ์ขอบไม่ได้", en)
    if local_name(source) == "endEvent":
        ground.add(flow, "from_end", "เส้นออกจากจุดจบไม่ได้", "no flow may leave an end event")
    condition = child_text(flow, "./bpmn:conditionExpression")
    # Several flows that leave an activity are told once, and want the very gateway that a condition wants.
    if condition and local_name(source) not in CHOICES and not _is_fork(ground, source):
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


def _is_cut(ground: Ground, scope: Any) -> bool:
    """Whether flows in a process or subprocess are drawn wrongly: what is not connected then only follows from that."""
    own = [flow for flow in ground.flows if flow.getparent() is scope]
    ids = {flow.get("id") for flow in own}
    defaults = {node.get("default") for node in scope if isinstance(node.tag, str)} - {None}
    ended = any(local_name(ground.nodes[f.get("sourceRef")]) == "endEvent" for f in own if is_sound(ground, f))
    return ended or not all(is_sound(ground, f) for f in own) or not defaults <= ids or ground.has_nameless(scope)


# ---- scopes ------------------------------------------------------------------------------------------------------------


def check_scope(ground: Ground, scope: Any) -> None:
    """Check a process or subprocess: one start, an end, everything reachable."""
    starts = scope.findall("bpmn:startEvent", NAMESPACES)
    if local_name(scope) == "subProcess" and not any(is_flow_node(n) for n in scope):
        en = "the subprocess is empty: draw what happens in it, or use a call activity or a task"
        ground.add(scope, "one_start", "กระบวนการย่อยว่างอยู่ ให้วาดสิ่งที่เกิดข้างใน หรือใช้ call activity หรืองานแทน", en)
        return
    if len(starts) != 1:
        _check_starts(ground, scope, starts)
    elif local_name(scope) == "subProcess" and any(
        local_name(d).endswith("EventDefinition") for d in starts[0] if isinstance(d.tag, str)
    ):
        en = "a subprocess begins with a plain start event"
        ground.add(starts[0], "plain_start", "จุดเริ่มของกระบวนการย่อยต้องไม่มีชนิด", en)
    if not scope.findall("bpmn:endEvent", NAMESPACES) and not _is_refused(ground, scope, "sourceRef"):
        ground.add(scope, "no_end", "ไม่มีจุดจบ", "there is no end event")
        ground.missing.update(f.get("targetRef") for f in scope.findall(f"{BPMN}sequenceFlow"))
    # Where a refused element leads on without a flow, as a link does, nobody can tell what it leads to.
    leads_away = any(not ground.outgoing(n) and n in ground.blamed for n in scope if is_flow_node(n))
    if starts and not leads_away and not _is_cut(ground, scope):
        _reachable(ground, scope, starts)


def _check_starts(ground: Ground, scope: Any, starts: list[Any]) -> None:
    """Tell that a process or subprocess has no start or several, unless that follows from what is told of flows."""
    flows = scope.findall(f"{BPMN}sequenceFlow")
    if starts:
        is_told = len([start for start in starts if not ground.incoming(start)]) == 1  # as a flow into a start
    else:
        ends = [ground.nodes.get(f.get("sourceRef")) for f in flows]
        is_told = any(n is not None and local_name(n) == "endEvent" for n in ends)  # as a flow from an end
        is_told = is_told or _is_refused(ground, scope, "targetRef")
    if not is_told:
        ground.add(scope, "one_start", "ต้องมีจุดเริ่มหนึ่งจุด", "there must be exactly one start event")
        ground.missing.update(f.get("sourceRef") for f in flows if not starts)


def _is_refused(ground: Ground, scope: Any, side: str) -> bool:
    """Whether an element is refused that may be the start of it all, with no flow to it, or the end, with none from it."""
    led = {flow.get(side) for flow in ground.flows}
    return any(node in ground.dropped and node.get("id") not in led for node in scope if isinstance(node.tag, str))


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
    todo += [name for name, node in own.items() if _is_loose(node, own)]
    for name in todo:
        seen |= _from(name, following)
    lost = [name for name in own if name not in seen]
    # The way on that is missing from an element is told there; what it should lead to need not be told as well.
    ends = sum(problem.code == "dead_end" and problem.element in own for problem in ground.found)
    told = {name for first in _beginnings(lost, following)[:ends] for name in _from(first, following)}
    for name in lost:
        if name not in told:
            ground.add(own[name], "unreachable", "ไม่มีเส้นทางมาถึง", "nothing leads to it")


def _is_loose(node: Any, own: Mapping[str, Any]) -> bool:
    return local_name(node) == "boundaryEvent" and node.get("attachedToRef") not in own


def _beginnings(names: list[str], following: dict[str, list[str]]) -> list[str]:
    """Of elements that nothing leads to, those that do not only follow from another of them."""
    led_to = {target for name in names for target in following.get(name, []) if target != name}
    return [name for name in names if name not in led_to]


def _from(first: str, following: dict[str, list[str]]) -> set[str]:
    """The element and all that it leads to."""
    seen: set[str] = set()
    todo = [first]
    while todo:
        if (name := todo.pop()) not in seen:
            seen.add(name)
            todo += following.get(name, [])
    return seen
