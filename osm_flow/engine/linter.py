"""The deployment linter: what a diagram may contain, each refusal with the element and what to draw instead.

A construct is on the list because tests show that it behaves; everything else is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from osm_flow.engine import expressions
from osm_flow.engine.decisions import read_decision
from osm_flow.engine.definitions import (
    FLOW_NODES,
    MAX_NODES,
    Diagram,
    compile_process,
    executable_processes,
    is_flow_node,
    read_bpmn,
)
from osm_flow.engine.errors import DefinitionRefused, ExpressionFault
from osm_flow.engine.events import add_duration, is_time_literal
from osm_flow.engine.values import JSON, Problem
from osm_flow.engine.xml import BPMN, CAMUNDA, NAMESPACES, child_text, local_name, properties_of

CONTAINER = frozenset({"process", "subProcess"})
PASSIVE = frozenset({
    "sequenceFlow", "laneSet", "lane", "flowNodeRef", "incoming", "outgoing", "documentation", "extensionElements",
    "textAnnotation", "association", "text", "group", "conditionExpression", "multiInstanceLoopCharacteristics",
    "loopCardinality", "loopDataInputRef", "loopDataOutputRef", "inputDataItem", "outputDataItem", "completionCondition",
    "standardLoopCharacteristics", "loopCondition", "messageEventDefinition", "timerEventDefinition", "timeDate",
    "timeDuration", "timeCycle", "errorEventDefinition", "escalationEventDefinition", "signalEventDefinition",
    "terminateEventDefinition", "dataObjectReference", "dataObject",
})  # fmt: skip
EVENTS = {
    "startEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateCatchEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateThrowEvent": {"messageEventDefinition", "signalEventDefinition", "escalationEventDefinition"},
    "endEvent": {"messageEventDefinition", "errorEventDefinition", "escalationEventDefinition", "terminateEventDefinition"},
    "boundaryEvent": {"messageEventDefinition", "timerEventDefinition", "errorEventDefinition", "escalationEventDefinition"},
}  # fmt: skip
INSTEAD = {
    "scriptTask": ("งานสคริปต์ไม่อนุญาต ใช้ serviceTask หรือ businessRuleTask แทน", "script tasks are refused: use a service task or a business rule task"),
    "task": ("ระบุชนิดของงาน เช่น userTask หรือ manualTask", "say what kind of task it is: user, manual, service, send or receive task"),
    "complexGateway": ("ใช้เกตเวย์แบบ exclusive หรือ inclusive แทน", "use an exclusive or an inclusive gateway"),
    "transaction": ("ใช้ subProcess ธรรมดาแทน", "use a plain subprocess"),
    "adHocSubProcess": ("ใช้ subProcess ธรรมดาหรือ multi-instance แทน", "use a plain subprocess or a multi-instance activity"),
    "compensateEventDefinition": ("ไม่รองรับการชดเชย ให้วาดเส้นทางย้อนกลับเอง", "compensation is not supported: draw the way back"),
    "linkEventDefinition": ("ไม่รองรับ link event ให้ลากเส้นโดยตรง", "link events are not supported: draw the flow"),
    "conditionalEventDefinition": ("ใช้ข้อความหรือเกตเวย์แทนเหตุการณ์แบบมีเงื่อนไข", "conditional events are not supported: use a message or a gateway"),
    "cancelEventDefinition": ("ใช้ error event แทน", "use an error event"),
    "signalEventDefinition": ("สัญญาณใช้ได้เฉพาะการส่งระหว่างทาง ใช้ message แทน", "signals may only be thrown in between: use a message"),
}  # fmt: skip
FORBIDDEN_ATTRIBUTES = (
    "class",
    "delegateExpression",
    "expression",
    "resultVariableName",
    "asyncBefore",
    "exclusive",
    "jobPriority",
    "modelerTemplate",
)
CODE_ATTRIBUTES = ("class", "delegateExpression", "expression")
CODE_EXTENSIONS = (
    "executionListener",
    "taskListener",
    "connector",
    "script",
    "preScript",
    "postScript",
    "serviceTaskOperator",
)
HUMAN = ("userTask", "manualTask")


def lint(
    xml: bytes,
    *,
    forms: Mapping[str, JSON],
    decisions: Mapping[str, bytes],
    topics: Collection[str],
    known_processes: Collection[str] | None = None,
) -> list[Problem]:
    """Every fault of a BPMN file, errors first. An empty list, or warnings alone, means that it may be deployed.

    `known_processes` are the keys that call activities may name beside those of the file; None leaves calls unchecked.
    """
    try:
        diagram = read_bpmn(xml)
    except DefinitionRefused as refused:
        return refused.problems
    found = [*_foreign_ground(diagram)]
    for process in executable_processes(diagram.root):
        found += _Check(process, diagram, forms, decisions, topics, known_processes).problems()
    if not any(p.level == "error" for p in found):
        found += _compiles(diagram, xml, forms, decisions)
    return sorted(found, key=lambda p: p.level != "error")


def _compiles(diagram: Diagram, xml: bytes, forms: Mapping[str, JSON], decisions: Mapping[str, bytes]) -> list[Problem]:
    try:
        for key in diagram.process_keys:
            compile_process(key, xml, forms, decisions)
    except DefinitionRefused as refused:
        return refused.problems
    return []


def _foreign_ground(diagram: Diagram) -> Iterator[Problem]:
    """Identity of elements across the file, and root elements that would change what it means."""
    ids = Counter(n.get("id") for n in diagram.root.iter() if isinstance(n.tag, str) and n.get("id"))
    for name, number in ids.items():
        if number > 1:
            yield Problem(name, "duplicate_id", "id ซ้ำกัน", "this id is used more than once")
    for node in diagram.root:
        if isinstance(node.tag, str) and local_name(node) in ("dataStore", "import", "extension"):
            yield _refused(node, "unknown", "ไม่รองรับองค์ประกอบนี้", f"{local_name(node)} is not supported")


def _refused(node: Any, code: str, th: str, en: str, level: Any = "error") -> Problem:
    return Problem(node.get("id") or local_name(node), code, th, en, level)


class _Check:
    """One pass over one process."""

    def __init__(self, process: Any, diagram: Diagram, forms: Mapping[str, JSON], decisions: Mapping[str, bytes],
                 topics: Collection[str], known_processes: Collection[str] | None) -> None:  # fmt: skip
        self.process = process
        self.diagram = diagram
        self.forms = forms
        self.decisions = decisions
        self.topics = topics
        self.known = known_processes
        self.nodes = {n.get("id"): n for n in process.iter() if is_flow_node(n)}
        self.flows = list(process.iter(f"{BPMN}sequenceFlow"))
        self.found: list[Problem] = []

    def problems(self) -> list[Problem]:
        if len(self.nodes) > MAX_NODES:
            self.add(
                self.process,
                "too_long",
                f"มีองค์ประกอบเกิน {MAX_NODES} ชิ้น ให้แยกเป็นกระบวนการย่อย",
                f"more than {MAX_NODES} elements: split it by call activities",
            )
            return self.found
        for node in self.process.iter():
            if isinstance(node.tag, str):
                self.element(node)
        for scope in self.process.iter(f"{BPMN}process", f"{BPMN}subProcess"):
            self.scope(scope)
        for flow in self.flows:
            self.flow(flow)
        self.parallel_flows()
        return self.found

    def add(self, node: Any, code: str, th: str, en: str, level: Any = "error") -> None:
        self.found.append(_refused(node, code, th, en, level))

    # -- elements -------------------------------------------------------------------------------------------

    def element(self, node: Any) -> None:
        name = local_name(node)
        if not node.tag.startswith(BPMN):
            if name in CODE_EXTENSIONS:
                self.add(
                    node.getparent().getparent(),
                    "code",
                    "ไม่อนุญาตให้แนบโค้ดหรือ listener",
                    f"{name} would run code: remove it",
                )
            return
        if name not in FLOW_NODES and name not in PASSIVE and name not in CONTAINER:
            th, en = INSTEAD.get(name, ("ไม่รองรับองค์ประกอบนี้", f"{name} is not supported"))
            self.add(node if node.get("id") and name not in INSTEAD else self._owner(node), "unknown", th, en)
            return
        for attribute in CODE_ATTRIBUTES:
            if node.get(f"{CAMUNDA}{attribute}"):
                self.add(
                    node,
                    "code",
                    "ไม่อนุญาตให้เรียกโค้ดจากแผนภาพ",
                    f"camunda:{attribute} would run code: use an external topic",
                )
        if name in FLOW_NODES:
            self.flow_node(node, name)
        elif name == "multiInstanceLoopCharacteristics":
            self.instances(node)
        elif name == "standardLoopCharacteristics":
            self.loop(node)

    def _owner(self, node: Any) -> Any:
        while node is not None and not node.get("id"):
            node = node.getparent()
        return node if node is not None else self.process

    def flow_node(self, node: Any, name: str) -> None:
        if not node.get("id"):
            self.add(node, "no_id", "องค์ประกอบไม่มี id", "the element has no id")
            return
        if name in EVENTS:
            self.event(node, name)
        self.expressions_of(node)
        checks = {
            "userTask": self.human, "manualTask": self.human, "serviceTask": self.service, "sendTask": self.send,
            "receiveTask": self.receive, "businessRuleTask": self.decision, "callActivity": self.call,
            "subProcess": self.subprocess, "eventBasedGateway": self.race, "exclusiveGateway": self.choice,
            "inclusiveGateway": self.choice,
        }  # fmt: skip
        if name in checks:
            checks[name](node)
        outgoing = self.outgoing(node)
        if len(outgoing) > 1 and not name.endswith("Gateway"):
            self.add(
                node, "implicit_fork", "มีเส้นออกหลายเส้นจากงานเดียว ให้วาดเกตเวย์", "several flows leave it: draw a gateway"
            )
        if name.endswith("Gateway") and not outgoing:
            self.add(node, "dead_end", "เกตเวย์ไม่มีเส้นออก", "no flow leaves the gateway")

    def outgoing(self, node: Any) -> list[Any]:
        return [f for f in self.flows if f.get("sourceRef") == node.get("id")]

    def expressions_of(self, node: Any) -> None:
        for attribute in ("dueDate", "followUpDate"):
            self.expression(node, node.get(f"{CAMUNDA}{attribute}"))
        for attribute in ("assignee", "candidateUsers", "candidateGroups", "priority"):
            text = node.get(f"{CAMUNDA}{attribute}")
            if text and expressions.is_wrapped(text):
                self.expression(node, text)
        for key, text in properties_of(node).items():
            if key == "payload":
                self.expression(node, text)
            elif "${" in text:
                self.template(node, key, text)

    def template(self, node: Any, key: str, text: str) -> None:
        rest = text
        while "${" in rest:
            expression, closed, rest = rest.partition("${")[2].partition("}")
            if not closed:
                self.add(node, "expression", f"{key}: ไม่ได้ปิดวงเล็บ ${{", f"{key}: a ${{ is not closed")
                return
            self.expression(node, expression)

    def expression(self, node: Any, text: str | None) -> None:
        if not text:
            return
        try:
            expressions.parse(text)
        except ExpressionFault as fault:
            self.add(node, "expression", f"นิพจน์ใช้ไม่ได้: {text[:80]} ({fault.reason})", str(fault))

    def human(self, node: Any) -> None:
        key = node.get(f"{CAMUNDA}formKey") or properties_of(node).get("form")
        if local_name(node) == "userTask" and not key:
            self.add(
                node, "no_form", "งานของผู้ใช้ต้องมีแบบฟอร์ม (camunda:formKey)", "a user task needs a form (camunda:formKey)"
            )
        self.form(node, key)

    def form(self, node: Any, key: str | None) -> None:
        if key and key not in self.forms:
            self.add(node, "missing_form", f"ไม่พบแบบฟอร์ม {key}", f"there is no form {key}")

    def service(self, node: Any) -> None:
        topic = node.get(f"{CAMUNDA}topic")
        if node.get(f"{CAMUNDA}type") != "external" or not topic:
            self.add(
                node,
                "no_topic",
                "งานบริการต้องเป็น external และมี topic",
                'a service task needs camunda:type="external" and a topic',
            )
        elif topic not in self.topics:
            self.add(node, "unknown_topic", f"ไม่รู้จัก topic {topic}", f"there is no operation for the topic {topic}")

    def send(self, node: Any) -> None:
        if node.get(f"{CAMUNDA}topic") or node.get(f"{CAMUNDA}type"):
            self.service(node)
        else:
            self.message(node, node.get("messageRef"))

    def receive(self, node: Any) -> None:
        self.message(node, node.get("messageRef"))
        self.form(node, properties_of(node).get("form"))

    def message(self, node: Any, ref: str | None) -> None:
        if not ref or not self.diagram.root.xpath("./bpmn:message[@id=$ref and @name]", namespaces=NAMESPACES, ref=ref):
            self.add(node, "no_message", "ต้องอ้างข้อความ (message) ที่มีชื่อ", "it must refer to a message with a name")

    def decision(self, node: Any) -> None:
        key = node.get(f"{CAMUNDA}decisionRef")
        if not key or key not in self.decisions:
            self.add(node, "no_decision", f"ไม่พบตารางการตัดสินใจ {key}", f"there is no decision table {key}")
            return
        try:
            read_decision(self.decisions[key])
        except DefinitionRefused as refused:
            self.found += refused.problems
        shape = node.get(f"{CAMUNDA}mapDecisionResult")
        if shape not in (None, "singleEntry", "singleResult", "collectEntries", "resultList"):
            self.add(node, "result_shape", "mapDecisionResult ไม่ถูกต้อง", f"mapDecisionResult cannot be {shape}")

    def call(self, node: Any) -> None:
        called = node.get("calledElement")
        if not called or "$" in called:
            self.add(node, "no_call", "ต้องระบุกระบวนการที่เรียก", "say which process it calls (calledElement)")
        elif self.known is not None and called not in self.known and called not in self.diagram.process_keys:
            self.add(node, "unknown_process", f"ไม่พบกระบวนการ {called}", f"there is no process {called}")
        for mapping in node.xpath(
            "./bpmn:extensionElements/camunda:in|./bpmn:extensionElements/camunda:out", namespaces=NAMESPACES
        ):
            source = mapping.get("sourceExpression") or mapping.get("source")
            if mapping.get("businessKey") or mapping.get("variables") == "all":
                continue
            if not source or not mapping.get("target"):
                self.add(node, "mapping", "การส่งค่าต้องมีต้นทางและปลายทาง", "a mapping needs a source and a target")
            self.expression(node, source)

    def subprocess(self, node: Any) -> None:
        if node.get("triggeredByEvent") == "true":
            self.add(
                node,
                "event_subprocess",
                "ไม่รองรับ event subprocess ใช้ boundary event แทน",
                "event subprocesses are refused: use a boundary event",
            )

    def race(self, node: Any) -> None:
        targets = [self.nodes.get(f.get("targetRef")) for f in self.outgoing(node)]
        timers = 0
        for target in targets:
            if target is None:
                continue
            if local_name(target) not in ("intermediateCatchEvent", "receiveTask"):
                self.add(
                    node,
                    "race",
                    "หลังเกตเวย์แบบเหตุการณ์ต้องเป็นเหตุการณ์รอรับ",
                    "only catching events and receive tasks may follow it",
                )
            timers += target.find("bpmn:timerEventDefinition", NAMESPACES) is not None
            if sum(f.get("targetRef") == target.get("id") for f in self.flows) > 1:
                self.add(
                    target,
                    "race_entry",
                    "เหตุการณ์หลังเกตเวย์ต้องมีเส้นเข้าเส้นเดียว",
                    "an event of the race may have no other incoming flow",
                )
        if timers > 1:
            self.add(
                node, "two_timers", "มีตัวจับเวลาได้ตัวเดียวต่อเกตเวย์", "at most one timer may follow an event-based gateway"
            )

    def choice(self, node: Any) -> None:
        outgoing = self.outgoing(node)
        default = node.get("default")
        if default and default not in {f.get("id") for f in outgoing}:
            self.add(node, "default", "เส้นเริ่มต้นไม่ใช่เส้นออกของเกตเวย์นี้", "the default flow does not leave this gateway")
        if len(outgoing) > 1:
            for flow in outgoing:
                if flow.get("id") != default and child_text(flow, "./bpmn:conditionExpression") is None:
                    self.add(
                        flow,
                        "no_condition",
                        "เส้นออกต้องมีเงื่อนไขหรือเป็นเส้นเริ่มต้น",
                        "the flow needs a condition, or must be the default",
                    )

    # -- events ---------------------------------------------------------------------------------------------

    def event(self, node: Any, name: str) -> None:
        definitions = [d for d in node if isinstance(d.tag, str) and local_name(d).endswith("EventDefinition")]
        if len(definitions) > 1:
            self.add(node, "multiple_event", "เหตุการณ์มีได้ชนิดเดียว", "an event may have one definition only")
        if name == "boundaryEvent" and node.get("attachedToRef") not in self.nodes:
            self.add(node, "unattached", "เหตุการณ์ขอบไม่ได้ติดกับงาน", "the boundary event is attached to nothing")
        if not definitions and name in ("boundaryEvent", "intermediateCatchEvent"):
            self.add(node, "no_event", "ระบุชนิดของเหตุการณ์", "say what the event waits for")
        for definition in definitions:
            kind = local_name(definition)
            if kind not in EVENTS[name]:
                th, en = INSTEAD.get(kind, ("ไม่รองรับเหตุการณ์ชนิดนี้ที่นี่", f"{kind} is not supported on a {name}"))
                self.add(node, "event", th, en)
            elif kind == "timerEventDefinition":
                self.timer(node, name, definition)
            elif kind == "messageEventDefinition":
                self.message(node, definition.get("messageRef"))
                self.form(node, properties_of(node).get("form"))
            elif kind in ("errorEventDefinition", "escalationEventDefinition"):
                self.code(node, name, definition, kind)

    def code(self, node: Any, name: str, definition: Any, kind: str) -> None:
        ref = definition.get(kind.replace("EventDefinition", "Ref"))
        tag, attribute = ("error", "errorCode") if kind.startswith("error") else ("escalation", "escalationCode")
        found = self.diagram.root.xpath(f"./bpmn:{tag}[@id=$ref]", namespaces=NAMESPACES, ref=ref or "")
        if (ref and not found) or (name != "boundaryEvent" and not (found and found[0].get(attribute))):
            self.add(node, "no_code", "ต้องอ้างรหัสข้อผิดพลาดหรือการยกระดับ", f"it must refer to an {tag} with a code")
        if name == "boundaryEvent" and kind.startswith("error") and node.get("cancelActivity") == "false":
            self.add(node, "error_interrupts", "เหตุการณ์ผิดพลาดต้องหยุดงานเสมอ", "an error event always interrupts")

    def timer(self, node: Any, name: str, definition: Any) -> None:
        texts = {kind: child_text(definition, f"./bpmn:{kind}") for kind in ("timeDate", "timeDuration", "timeCycle")}
        given = {k: v for k, v in texts.items() if v}
        if len(given) != 1:
            self.add(node, "timer", "ตัวจับเวลาต้องมีเวลาแบบเดียว", "a timer needs exactly one of date, duration and cycle")
            return
        kind, text = next(iter(given.items()))
        if kind == "timeCycle" and (name != "boundaryEvent" or node.get("cancelActivity") != "false"):
            self.add(
                node,
                "cycle",
                "การวนซ้ำใช้ได้เฉพาะเหตุการณ์ขอบแบบไม่หยุดงาน",
                "a cycle may only stand on a non-interrupting boundary event",
            )
        if is_time_literal(text):
            self.time_literal(node, kind, text)
        else:
            self.expression(node, text)

    def time_literal(self, node: Any, kind: str, text: str) -> None:
        from datetime import UTC, datetime

        try:
            if kind == "timeDate":
                if datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is None:
                    raise ValueError("it does not say its offset from UTC")
            else:
                add_duration(datetime(2026, 1, 1, tzinfo=UTC), text.split("/")[-1])
        except ValueError as fault:
            self.add(node, "timer", f"เวลาใช้ไม่ได้: {text}", f"the time {text} cannot be read: {fault}")

    # -- loops, flows, scopes -------------------------------------------------------------------------------

    def instances(self, node: Any) -> None:
        owner = node.getparent()
        collection = node.get(f"{CAMUNDA}collection") or child_text(node, "./bpmn:loopDataInputRef")
        cardinality = child_text(node, "./bpmn:loopCardinality")
        if bool(collection) == bool(cardinality):
            self.add(
                owner, "instances", "ต้องมีรายการหรือจำนวนรอบอย่างใดอย่างหนึ่ง", "give either a collection or a cardinality"
            )
        for text in (collection, cardinality, child_text(node, "./bpmn:completionCondition")):
            self.expression(owner, text)

    def loop(self, node: Any) -> None:
        maximum, condition = node.get("loopMaximum"), child_text(node, "./bpmn:loopCondition")
        if not maximum and not condition:
            self.add(
                node.getparent(), "loop", "การวนรอบต้องมีเงื่อนไขหรือจำนวนสูงสุด", "a loop needs a condition or a maximum"
            )
        if maximum and not maximum.isdigit():
            self.add(node.getparent(), "loop", "จำนวนรอบสูงสุดต้องเป็นตัวเลข", "the loop maximum must be a number")
        self.expression(node.getparent(), condition)

    def flow(self, flow: Any) -> None:
        source, target = self.nodes.get(flow.get("sourceRef")), self.nodes.get(flow.get("targetRef"))
        if source is None or target is None:
            self.add(flow, "loose_flow", "เส้นไม่ได้ต่อกับองค์ประกอบ", "the flow is not connected at both ends")
            return
        if source.getparent() is not target.getparent():
            self.add(flow, "crosses", "เส้นข้ามขอบกระบวนการย่อย", "the flow crosses the border of a subprocess")
        if local_name(target) in ("startEvent", "boundaryEvent"):
            self.add(
                flow,
                "into_event",
                "เส้นเข้าเหตุการณ์เริ่มหรือเหตุการณ์ขอบไม่ได้",
                "no flow may lead into a start or boundary event",
            )
        if local_name(source) == "endEvent":
            self.add(flow, "from_end", "เส้นออกจากจุดจบไม่ได้", "no flow may leave an end event")
        condition = child_text(flow, "./bpmn:conditionExpression")
        if condition and local_name(source) not in ("exclusiveGateway", "inclusiveGateway"):
            self.add(
                flow,
                "ignored_condition",
                "เงื่อนไขใช้ได้เฉพาะหลังเกตเวย์",
                "a condition counts only after an exclusive or inclusive gateway",
            )
        self.expression(flow, condition)

    def parallel_flows(self) -> None:
        pairs = Counter((f.get("sourceRef"), f.get("targetRef")) for f in self.flows)
        for (source, target), number in pairs.items():
            node = self.nodes.get(source)
            if number > 1 and node is not None and local_name(node) in ("parallelGateway", "inclusiveGateway"):
                self.add(
                    node,
                    "same_pair",
                    f"มีหลายเส้นไปยัง {target} ให้เหลือเส้นเดียว",
                    f"several flows lead to {target}: draw one",
                )

    def scope(self, scope: Any) -> None:
        starts = scope.findall("bpmn:startEvent", NAMESPACES)
        if len(starts) != 1:
            self.add(scope, "one_start", "ต้องมีจุดเริ่มหนึ่งจุด", "there must be exactly one start event")
        elif local_name(scope) == "subProcess" and any(
            local_name(d).endswith("EventDefinition") for d in starts[0] if isinstance(d.tag, str)
        ):
            self.add(
                starts[0],
                "plain_start",
                "จุดเริ่มของกระบวนการย่อยต้องไม่มีชนิด",
                "a subprocess begins with a plain start event",
            )
        if not scope.findall("bpmn:endEvent", NAMESPACES):
            self.add(scope, "no_end", "ไม่มีจุดจบ", "there is no end event")
        self.reachable(scope, starts)

    def reachable(self, scope: Any, starts: list[Any]) -> None:
        own = {n.get("id"): n for n in scope if is_flow_node(n)}
        following: dict[str, list[str]] = {}
        for flow in self.flows:
            following.setdefault(flow.get("sourceRef"), []).append(flow.get("targetRef"))
        for node in own.values():
            if local_name(node) == "boundaryEvent":
                following.setdefault(node.get("attachedToRef"), []).append(node.get("id"))
        seen: set[str] = set()
        todo = [s.get("id") for s in starts]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += following.get(name, [])
        for name in own:
            if name not in seen:
                self.add(own[name], "unreachable", "ไม่มีเส้นทางมาถึง", "nothing leads to it")
