"""A diagram for the viewer on a page: its names in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from osm_flow.engine import Process, as_utf8, one_line
from osm_flow.engine.xml import party_asked
from osm_flow.web.site.i18n import current_locale, gettext

_BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_STEPS = ("userTask", "manualTask", "callActivity")


@dataclass(frozen=True)
class FirstStep:
    """A step that people meet right after a case begins, and whose it is."""

    name: str
    lane: str


def first_steps(xml: bytes, process: Process) -> list[FirstStep]:
    """The first tasks and called processes on every way from the start."""
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    ways: dict[str, list[str]] = {}
    for flow in root.iter(f"{_BPMN}sequenceFlow"):
        ways.setdefault(flow.get("sourceRef", ""), []).append(flow.get("targetRef", ""))
    begins = {node.get("id", ""): node.find(f"{_BPMN}startEvent") for node in root.iter(f"{_BPMN}subProcess")}
    start = root.find(f".//{_BPMN}process/{_BPMN}startEvent")
    ahead, seen, steps = [start.get("id", "") if start is not None else ""], set[str](), list[FirstStep]()
    while ahead:
        here = ahead.pop(0)
        element = process.elements.get(here)
        if here in seen or element is None:
            continue
        seen.add(here)
        inner = begins.get(here)
        if element.type in _STEPS:
            steps.append(FirstStep(gettext(element.name), gettext(element.lane or "")))
        else:
            ahead += [inner.get("id", "")] if inner is not None else ways.get(here, [])
    return steps


def party_of(xml: bytes, element: str) -> str:
    """The outside party whose message this element waits for, as the diagram names it; empty when it draws none."""
    name = party_asked(xml, element)
    return gettext(name) if name else ""


def in_language(xml: bytes) -> str:
    """The diagram with every name that the catalogue knows translated; as it was drawn for those who read Thai."""
    xml = as_utf8(xml)
    if current_locale() == "th":
        return xml.decode()
    root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    for element in root.iter(etree.Element):
        name = element.get("name")
        if name:
            element.set("name", gettext(one_line(name)))
    return str(etree.tostring(root, encoding="unicode"))
