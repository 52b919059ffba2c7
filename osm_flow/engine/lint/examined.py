"""One process under the linter's checks: its elements, the forms and decisions it may use, the faults found so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine import expressions
from osm_flow.engine.definitions import Diagram, is_flow_node
from osm_flow.engine.drawn import Sentence, called
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import BPMN, NAMESPACES, local_name


class Ground:
    """One process that is being checked."""

    def __init__(
        self,
        process: Any,
        diagram: Diagram,
        forms: Mapping[str, JSON],
        decisions: Mapping[str, bytes],
        topics: Collection[str],
        known_processes: Collection[str] | None,
    ) -> None:
        self.process = process
        self.diagram = diagram
        self.forms = forms
        self.decisions = decisions
        self.topics = topics
        self.known = known_processes
        self.nodes = {n.get("id"): n for n in process.iter() if is_flow_node(n)}
        self.flows = list(process.iter(f"{BPMN}sequenceFlow"))
        self.found: list[Problem] = []

    def add(self, node: Any, code: str, th: str, en: str, level: Any = "error") -> None:
        """Note a fault of an element, in both languages."""
        self.found.append(Problem(node.get("id") or local_name(node), code, th, en, level))

    def called(self, node: Any) -> Sentence:
        """What the element is called in sentences: its drawn name and its id."""
        name = local_name(node)
        if name != "sequenceFlow" or node.get("name"):
            return called(node.get("id") or "", node.get("name") or "", name)
        ends = [self.nodes.get(node.get(end)) for end in ("sourceRef", "targetRef")]
        names = [(n.get("name") or n.get("id")) if n is not None else "?" for n in ends]
        return called(node.get("id") or "", " → ".join(names))

    def owner(self, node: Any) -> Any:
        """The nearest enclosing element that has an id."""
        while node is not None and not node.get("id"):
            node = node.getparent()
        return node if node is not None else self.process

    def outgoing(self, node: Any) -> list[Any]:
        """The flows that leave an element."""
        return [f for f in self.flows if f.get("sourceRef") == node.get("id")]

    def incoming(self, node: Any) -> list[Any]:
        """The flows that lead to an element."""
        return [f for f in self.flows if f.get("targetRef") == node.get("id")]

    def boundaries(self, node: Any) -> list[Any]:
        """The boundary events of an activity."""
        return [n for n in self.nodes.values() if n.get("attachedToRef") == node.get("id")]

    def expression(self, node: Any, text: str | None) -> None:
        """Check that a text is an expression."""
        if not text:
            return
        try:
            expressions.parse(text)
        except ExpressionFault as fault:
            self.add(node, "expression", f"นิพจน์ใช้ไม่ได้: {text[:80]} ({fault.reason})", str(fault))

    def template(self, node: Any, text: str) -> None:
        """Check a text in which each `${…}` must be an expression."""
        unread = text
        while "${" in unread:
            expression, closed, unread = unread.partition("${")[2].partition("}")
            if not closed:
                self.add(node, "expression", f"ไม่ได้ปิดวงเล็บ ${{ ใน {text[:80]}", f"a ${{ is not closed in {text[:80]}")
                return
            self.expression(node, expression or " ")

    def value(self, node: Any, text: str | None) -> None:
        """Check an attribute that is one expression when it is wrapped as one, else a text that may hold some."""
        if text and expressions.is_wrapped(text):
            self.expression(node, text)
        elif text:
            self.template(node, text)

    def form(self, node: Any, key: str | None) -> None:
        """Check that the form with this key is there."""
        if key and key not in self.forms:
            self.add(node, "missing_form", f"ไม่พบแบบฟอร์ม {key}", f"there is no form {key}")

    def message(self, node: Any, ref: str | None) -> None:
        """Check that an event or task names a message of the file."""
        if not ref or not self.diagram.root.xpath("./bpmn:message[@id=$ref and @name]", namespaces=NAMESPACES, ref=ref):
            self.add(node, "no_message", "ต้องอ้างข้อความ (message) ที่มีชื่อ", "it must refer to a message with a name")
