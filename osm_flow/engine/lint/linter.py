"""The linter: checks at deployment what a diagram contains; each fault names the element and what to draw instead.

A construct is on the list because tests show that it behaves; everything else is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lxml import etree

from osm_flow.domain.json import JSON
from osm_flow.engine.definitions import (
    EVENTS,
    MAX_NODES,
    Diagram,
    compile_process,
    executable_processes,
    is_flow_node,
    misspelt_executables,
    read_bpmn,
)
from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.lint.activities import check_activity
from osm_flow.engine.lint.constructs import CONTAINER, check_construct
from osm_flow.engine.lint.endless import WALKED_ALL_THE_SAME, check_loops, endless_calls
from osm_flow.engine.lint.events import check_event, check_race
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.lint.flows import (
    CHOICES,
    check_choice,
    check_flow,
    check_parallel_flows,
    check_scope,
    check_ways_out,
)
from osm_flow.engine.lint.foreign import check_foreign, foreign_in_file
from osm_flow.engine.lint.named.properties import check_properties
from osm_flow.engine.lint.soundness import check_standstills
from osm_flow.engine.values import Offered, Problem
from osm_flow.engine.xml import BPMN, encoding_fault, local_name


def lint(
    xml: bytes,
    *,
    forms: Mapping[str, JSON],
    decisions: Mapping[str, bytes],
    topics: Collection[str],
    known_processes: Collection[str] | None = None,
    roles: Collection[str] | None = None,
    offered: Offered | None = None,
) -> list[Problem]:
    """The faults of a BPMN file, errors first. An empty list, or warnings alone, means that it may be deployed.

    `known_processes` are the keys that call activities may name beside those of the file, `roles` those of people who
    can sign in, `offered` what else lies outside the file; None leaves those names unchecked. One fault gives one problem.
    """
    try:
        diagram = read_bpmn(xml)
    except DefinitionRefused as refused:
        return refused.problems
    if (foreign := encoding_fault(diagram.root)) is not None:
        return [foreign]
    if problems := [*_ids_used_twice(diagram)]:
        return problems
    problems = [*_foreign_ground(diagram), *foreign_in_file(diagram), *misspelt_executables(diagram.root)]
    for process in executable_processes(diagram.root):
        ground = Ground(process, diagram, forms, decisions, topics, known_processes)
        ground.roles, ground.offered = roles, offered or Offered()
        problems += _problems(ground)
    if not any(p.level == "error" for p in problems):
        problems += endless_calls([diagram.root])
    if not any(p.level == "error" and p.code not in WALKED_ALL_THE_SAME for p in problems):
        problems += _compiles(diagram, xml, forms, decisions)
    return sorted(dict.fromkeys(problems), key=lambda p: p.level != "error")


def _compiles(diagram: Diagram, xml: bytes, forms: Mapping[str, JSON], decisions: Mapping[str, bytes]) -> list[Problem]:
    try:
        for key in diagram.process_keys:
            compile_process(key, xml, forms, decisions)
    except DefinitionRefused as refused:
        return refused.problems
    return []


def _ids_used_twice(diagram: Diagram) -> Iterator[Problem]:
    nodes = [n for n in diagram.root.iter() if isinstance(n.tag, str) and n.get("id")]
    for name, number in Counter(n.get("id") for n in nodes).items():
        if number > 1:
            drawn = next((n.get("name") for n in nodes if n.get("id") == name and n.get("name")), "")
            en = f"this id is used more than once: {number} times"
            yield Problem(name, "duplicate_id", f"id ซ้ำกัน {number} แห่ง ให้เปลี่ยนให้ต่างกัน", en, name=drawn)


def _foreign_ground(diagram: Diagram) -> Iterator[Problem]:
    """The faults of the file outside its processes: root elements that are not supported."""
    stores = {n.get("dataStoreRef") for n in diagram.root.iter(f"{BPMN}dataStoreReference")}
    for node in diagram.root:
        name = local_name(node) if isinstance(node.tag, str) else ""
        if name in ("dataStore", "import", "extension") and node.get("id") not in stores:
            en = f"{name} is not supported: remove it"
            drawn = node.get("name") or ""
            yield Problem(node.get("id") or name, "unknown", "ไม่รองรับองค์ประกอบนี้ ให้ลบออก", en, name=drawn)


def _problems(ground: Ground) -> list[Problem]:
    if len(ground.nodes) > MAX_NODES:
        th = f"มีองค์ประกอบเกิน {MAX_NODES} ชิ้น ให้แยกเป็นกระบวนการย่อย"
        ground.add(ground.process, "too_long", th, f"more than {MAX_NODES} elements: split it by call activities")
        return ground.found
    check_properties(ground, ground.process)
    kept = [*_looked_at(ground, ground.process)]
    for node in kept:
        check_foreign(ground, node)
    for node in kept:
        if is_flow_node(node):
            _flow_node(ground, node)
    for scope in kept:
        if local_name(scope) in CONTAINER and scope not in ground.dropped and not ground.is_blamed(scope.getparent()):
            check_scope(ground, scope)
    for flow in ground.flows:
        if not any(holder in ground.dropped for holder in flow.iterancestors()):
            check_flow(ground, flow)
    check_parallel_flows(ground)
    if not any(problem.level == "error" for problem in ground.found):
        check_loops(ground)
        check_standstills(ground)
    return ground.found


def _looked_at(ground: Ground, node: Any) -> Iterator[Any]:
    """The elements of a process that are to be checked: all but those inside of what is refused already."""
    if check_construct(ground, node):
        if node.tag.startswith(BPMN):
            yield node
        for child in node.iterchildren(etree.Element):
            yield from _looked_at(ground, child)


def _flow_node(ground: Ground, node: Any) -> None:
    name = local_name(node)
    if any(holder in ground.dropped for holder in node.iterancestors()):
        return
    if not node.get("id"):
        ground.add(node, "no_id", "องค์ประกอบไม่มี id", "the element has no id")
        return
    check_activity(ground, node)
    check_ways_out(ground, node)
    if name in EVENTS:
        check_event(ground, node)
    elif name == "eventBasedGateway":
        check_race(ground, node)
    elif name in CHOICES:
        check_choice(ground, node)
