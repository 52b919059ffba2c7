"""One process under the linter's checks: its elements, the forms and decisions it may use, the faults found so far."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine import expressions
from osm_flow.engine.definitions import Diagram, is_flow_node
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.sentences.drawn import Sentence, called
from osm_flow.engine.sentences.habits import explained
from osm_flow.engine.sentences.misread import misread
from osm_flow.engine.values import Offered, Problem
from osm_flow.engine.xml import BPMN, NAMESPACES, local_name

FIRST_BUDDHIST_YEAR = 2400
LAST_BUDDHIST_YEAR = 2700
_DATE = re.compile(r"['\"](\d{4})-\d{2}-\d{2}")


def _buddhist(text: str) -> int | None:
    years = (int(year) for year in _DATE.findall(text))
    return next((year for year in years if FIRST_BUDDHIST_YEAR <= year < LAST_BUDDHIST_YEAR), None)


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
        # The roles that people can have; None leaves them unchecked.
        self.roles: Collection[str] | None = None
        self.offered = Offered()
        self.nodes = {n.get("id"): n for n in process.iter() if is_flow_node(n)}
        self.everything = {n.get("id"): n for n in process.iter() if isinstance(n.tag, str) and n.get("id")}
        self.flows = list(process.iter(f"{BPMN}sequenceFlow"))
        self.found: list[Problem] = []
        # Elements of which something is refused already: nothing is said of them that only follows from it.
        self.blamed: set[Any] = set()
        self.dropped: set[Any] = set()
        # Ids that flows and events name and no element has, as far as they are told already.
        self.missing: set[str | None] = set()

    def add(self, node: Any, code: str, th: str, en: str, level: Any = "error") -> None:
        """Note a fault of an element, in both languages."""
        name = node.get("id") or local_name(node)
        self.found.append(Problem(name, code, th, en, level, self.drawn_name(node)))

    def blame(self, node: Any, *, whole: bool = False) -> None:
        """Remember that something of the element is refused, or the `whole` of it with everything that lies in it."""
        self.blamed.add(node)
        if whole:
            self.dropped.add(node)

    def is_blamed(self, node: Any) -> bool:
        """Whether something of the element is refused already, or the whole of what it lies in or is attached to."""
        if node is None:
            return False
        host = self.everything.get(node.get("attachedToRef"))
        return node in self.blamed or host in self.dropped or any(n in self.dropped for n in node.iterancestors())

    def has_nameless(self, scope: Any) -> bool:
        """Whether an element without an id lies in a process or subprocess, or beside a flow: nothing can name it."""
        scope = scope.getparent() if local_name(scope) == "sequenceFlow" else scope
        return any(is_flow_node(node) and not node.get("id") for node in scope)

    def drawn_name(self, node: Any) -> str:
        """What is written on the element in the drawing; for a flow without a name what it connects."""
        if local_name(node) == "sequenceFlow" and not node.get("name"):
            ends = [self.everything.get(node.get(end)) for end in ("sourceRef", "targetRef")]
            return " → ".join(str(n.get("name") or n.get("id")) if n is not None else "?" for n in ends)
        while node is not None and not node.get("name") and not is_flow_node(node) and node is not self.process:
            node = node.getparent()
        return str(node.get("name") or "") if node is not None else ""

    def called(self, node: Any) -> Sentence:
        """What the element is called in sentences: its drawn name and its id."""
        return called(node.get("id") or "", self.drawn_name(node), local_name(node))

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
            reason = next(iter(expressions.constant_faults(text)), None)
        except ExpressionFault as fault:
            reason = fault.reason
        why = misread(text)
        if why is None and reason is not None:
            why = explained(expressions.strip(text), reason)
        if why is not None:
            shown = text[:80].encode(errors="backslashreplace").decode()
            self.add(node, "expression", f"นิพจน์ใช้ไม่ได้: {shown} ({why.th})", str(ExpressionFault(shown, why.en)))
            return
        if (year := _buddhist(text)) is not None:
            th = f"ปี {year} ใน {text[:80]} เป็นปีพุทธศักราช ให้เขียน {year - 543}"
            en = f"the year {year} in {text[:80]} is one of the Buddhist era: write {year - 543}"
            self.add(node, "buddhist_year", th, en)

    def template(self, node: Any, text: str) -> None:
        """Check a text in which each `${…}` must be an expression."""
        try:
            pieces = expressions.pieces(text)
        except ExpressionFault:
            readable, _, _ = text.rpartition("${")
            self.template(node, readable)
            self.add(node, "expression", f"ไม่ได้ปิดวงเล็บ ${{ ใน {text[:80]}", f"a ${{ is not closed in {text[:80]}")
            return
        for before, expression in pieces:
            if "#{" in before:
                self.add(
                    node,
                    "expression",
                    f"เขียน ${{…}} แทน #{{…}} ใน {text[:80]}",
                    f"write ${{…}} instead of #{{…}} in {text[:80]}",
                )
            if expression is not None:
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
