"""Process definitions: what a BPMN file holds, and the compiled form that cases share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException

from osm_flow.domain import subjects
from osm_flow.domain.json import JSON
from osm_flow.engine.errors import DefinitionRefused, ExpressionFault
from osm_flow.engine.expressions import fill
from osm_flow.engine.spiff.parser import DialectParser, read_extra
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import BPMN, NAMESPACES, local_name, properties_of, read_xml, refuse

ACTIVITIES = frozenset(
    {
        "userTask",
        "manualTask",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "businessRuleTask",
        "callActivity",
        "subProcess",
    }
)
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
GATEWAYS = frozenset({"eventBasedGateway", "exclusiveGateway", "inclusiveGateway", "parallelGateway"})
FLOW_NODES = ACTIVITIES | EVENTS | GATEWAYS
# The attributes of the standard that are true or false.
BOOLEANS = (
    *("isExecutable", "cancelActivity", "isSequential", "testBefore", "triggeredByEvent", "isForCompensation"),
    *("instantiate", "parallelMultiple", "isInterrupting", "isImmediate", "isCollection", "isClosed"),
)
MAX_NODES = 400


@dataclass(frozen=True)
class Element:
    """An element of a diagram as pages and projections need it; `stage` falls back to the process's own."""

    id: str
    type: str
    name: str
    stage: str | None
    properties: Mapping[str, str]
    lane: str | None


@dataclass(frozen=True)
class Diagram:
    """What a BPMN file holds and asks for: its executable processes, and the keys of what they need."""

    process_keys: tuple[str, ...]
    form_keys: frozenset[str]
    decision_keys: frozenset[str]
    called: frozenset[str]
    topics: frozenset[str]
    root: Any

    @property
    def main_key(self) -> str:
        """The process that no other process of the file calls."""
        inner = {call for call in self.called if call in self.process_keys}
        return next((k for k in self.process_keys if k not in inner), self.process_keys[0])

    @property
    def tasks_of_people(self) -> list[str]:
        """The ids of the user and manual tasks."""
        nodes = self.root.iter(f"{BPMN}userTask", f"{BPMN}manualTask")
        return [node.get("id") for node in nodes if node.get("id")]

    @property
    def documents(self) -> list[str]:
        """The names of the documents that elements write."""
        written = (properties_of(node).get("document") for node in self.root.iter() if is_flow_node(node))
        return [document for document in written if document]


@dataclass(frozen=True)
class Process:
    """A compiled process definition: immutable, shared by every case and thread."""

    key: str
    name: str
    properties: Mapping[str, str]
    start_form: str | None
    start_message: str | None
    forms: Mapping[str, JSON]
    elements: Mapping[str, Element]
    spec: Any
    subprocess_specs: Mapping[str, Any]

    def subject_of(self, data: JSON) -> str:
        """The subject of a case that starts with these data, by the process's property `subject`; else empty."""
        try:
            return subjects.tidy(fill(self.properties.get("subject", ""), data))
        except ExpressionFault:
            return ""


def executable_processes(root: Any) -> list[Any]:
    """The processes of a file that can be run."""
    return [p for p in root.iter(f"{BPMN}process") if p.get("isExecutable", "true") == "true" and len(p)]


def read_bpmn(xml: bytes) -> Diagram:
    """Read a BPMN file with the hardened parser. Raises DefinitionRefused when it is hostile, broken or not BPMN."""
    root = read_xml(xml)
    if root.tag != f"{BPMN}definitions":
        raise refuse("not_bpmn", "ไฟล์นี้ไม่ใช่ BPMN 2.0", "this is not a BPMN 2.0 file")
    _spell_booleans(root)
    processes = executable_processes(root)
    if not processes:
        if (spelled := next(iter(misspelt_executables(root)), None)) is not None:
            raise DefinitionRefused([spelled])
        raise refuse("no_process", "ไม่มีกระบวนการที่ทำงานได้", "there is no executable process in the file")
    if any(not p.get("id") for p in processes):
        raise refuse("no_id", "กระบวนการไม่มี id", "a process has no id")
    extras = [read_extra(n, None, None) for p in processes for n in p.iter() if is_flow_node(n)]
    return Diagram(
        tuple(p.get("id") for p in processes),
        frozenset(e.form_key for e in extras if e.form_key),
        frozenset(e.decision for e in extras if e.decision),
        frozenset(e.called for e in extras if e.called),
        frozenset(e.topic for e in extras if e.topic),
        root,
    )


def _spell_booleans(root: Any) -> None:
    """Spell what is true or false in one of the standard's two ways, so that every reader need know only that one."""
    for node in root.iter(f"{BPMN}*"):
        for name in BOOLEANS:
            if (value := node.get(name)) is not None and (text := value.strip()) in ("1", "0", "true", "false"):
                node.set(name, {"1": "true", "0": "false"}.get(text, text))


def misspelt_executables(root: Any) -> Iterator[Problem]:
    """The processes of which nobody can tell whether they can be run, because the standard does not spell it so."""
    for process in root.iter(f"{BPMN}process"):
        if (value := process.get("isExecutable", "true")) not in ("true", "false"):
            en = f'isExecutable="{value[:40]}" is not spelled so: write isExecutable="true", or "false"'
            th = f'isExecutable="{value[:40]}" สะกดไม่ถูก ให้เขียน isExecutable="true" หรือ "false"'
            yield Problem(process.get("id") or "process", "no_process", th, en, name=process.get("name") or "")


def is_flow_node(node: Any) -> bool:
    """Whether the node is an element of the flow: an activity, an event or a gateway."""
    return isinstance(node.tag, str) and node.tag.startswith(BPMN) and local_name(node) in FLOW_NODES


_PARSING = threading.Lock()  # the library's parser keeps class-level state


def compile_process(key: str, xml: bytes, forms: Mapping[str, JSON], decisions: Mapping[str, bytes]) -> Process:
    """The process `key` of a file that has been linted. Raises DefinitionRefused if it cannot be compiled after all."""
    root = read_bpmn(xml).root
    parser = DialectParser(decisions)
    try:
        with _PARSING:
            parser.add_bpmn_xml(root)
            spec = parser.get_spec(key)
            subprocess_specs = parser.get_subprocess_specs(key)
    except (ValidationException, KeyError, ValueError) as fault:
        raise DefinitionRefused([_problem_of(fault)]) from fault
    except RecursionError:
        raise refuse(
            "too_long", f"มีองค์ประกอบต่อกันเกิน {MAX_NODES} ชิ้น", f"more than {MAX_NODES} elements in a row", key
        ) from None
    node = next(p for p in executable_processes(root) if p.get("id") == key)
    return _process(key, node, parser, forms, spec, subprocess_specs)


def _problem_of(fault: Exception) -> Problem:
    element = getattr(fault, "tag", "") and getattr(fault, "id", "")
    text = str(fault)
    return Problem(element or "", "parse", f"อ่านแผนภาพไม่ได้: {text}", f"the diagram cannot be compiled: {text}")


def _process(
    key: str, node: Any, parser: DialectParser, forms: Mapping[str, JSON], spec: Any, subprocess_specs: Any
) -> Process:
    properties = properties_of(node)
    lanes = parser.get_document_lanes(node.getroottree().getroot())
    elements = {}
    for n in node.iter():
        if is_flow_node(n):
            own = properties_of(n)
            elements[n.get("id")] = Element(
                n.get("id"),
                local_name(n),
                n.get("name") or "",
                own.get("stage") or properties.get("stage"),
                own,
                lanes.get(n.get("id")),
            )
    start = node.find("bpmn:startEvent", NAMESPACES)
    ref = start.find("bpmn:messageEventDefinition", NAMESPACES)
    return Process(
        key,
        node.get("name") or key,
        properties,
        read_extra(start, None, None).form_key,
        parser.messages.get(ref.get("messageRef")) if ref is not None else None,
        {k: forms[k] for k in sorted(read_keys(node)) if k in forms},
        elements,
        spec,
        subprocess_specs,
    )


def read_keys(node: Any) -> set[str]:
    """The form keys that a process asks for."""
    return {e.form_key for n in node.iter() if is_flow_node(n) and (e := read_extra(n, None, None)).form_key}
