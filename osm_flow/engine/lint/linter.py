"""The linter: checks at deployment what a diagram contains; each fault names the element and what to draw instead.

A construct is on the list because tests show that it behaves; everything else is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine.definitions import (
    EVENTS,
    FLOW_NODES,
    MAX_NODES,
    Diagram,
    compile_process,
    executable_processes,
    read_bpmn,
)
from osm_flow.engine.errors import DefinitionRefused
from osm_flow.engine.lint.activities import check_activity
from osm_flow.engine.lint.constructs import check_construct
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
from osm_flow.engine.lint.soundness import check_standstills
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import BPMN, local_name, properties_of


def lint(
    xml: bytes,
    *,
    forms: Mapping[str, JSON],
    decisions: Mapping[str, bytes],
    topics: Collection[str],
    known_processes: Collection[str] | None = None,
) -> list[Problem]:
    """The faults of a BPMN file, errors first. An empty list, or warnings alone, means that it may be deployed.

    `known_processes` are the keys that call activities may name beside those of the file; None leaves calls unchecked.
    """
    try:
        diagram = read_bpmn(xml)
    except DefinitionRefused as refused:
        return refused.problems
    problems = [*_foreign_ground(diagram)]
    for process in executable_processes(diagram.root):
        problems += _problems(Ground(process, diagram, forms, decisions, topics, known_processes))
    if not any(p.level == "error" for p in problems):
        problems += _compiles(diagram, xml, forms, decisions)
    return sorted(problems, key=lambda p: p.level != "error")


def _compiles(diagram: Diagram, xml: bytes, forms: Mapping[str, JSON], decisions: Mapping[str, bytes]) -> list[Problem]:
    try:
        for key in diagram.process_keys:
            compile_process(key, xml, forms, decisions)
    except DefinitionRefused as refused:
        return refused.problems
    return []


def _foreign_ground(diagram: Diagram) -> Iterator[Problem]:
    """The faults of the file outside its processes: ids used twice, and root elements that are not supported."""
    ids = Counter(n.get("id") for n in diagram.root.iter() if isinstance(n.tag, str) and n.get("id"))
    for name, number in ids.items():
        if number > 1:
            yield Problem(name, "duplicate_id", "id ซ้ำกัน", "this id is used more than once")
    for node in diagram.root:
        name = local_name(node) if isinstance(node.tag, str) else ""
        if name in ("dataStore", "import", "extension"):
            yield Problem(node.get("id") or name, "unknown", "ไม่รองรับองค์ประกอบนี้", f"{name} is not supported")


def _problems(ground: Ground) -> list[Problem]:
    if len(ground.nodes) > MAX_NODES:
        th = f"มีองค์ประกอบเกิน {MAX_NODES} ชิ้น ให้แยกเป็นกระบวนการย่อย"
        ground.add(ground.process, "too_long", th, f"more than {MAX_NODES} elements: split it by call activities")
        return ground.found
    ground.template(ground.process, properties_of(ground.process).get("subject", ""))
    for node in ground.process.iter():
        if isinstance(node.tag, str):
            check_construct(ground, node)
            if node.tag.startswith(BPMN) and local_name(node) in FLOW_NODES:
                _flow_node(ground, node)
    for scope in ground.process.iter(f"{BPMN}process", f"{BPMN}subProcess"):
        check_scope(ground, scope)
    for flow in ground.flows:
        check_flow(ground, flow)
    check_parallel_flows(ground)
    if not any(problem.level == "error" for problem in ground.found):
        check_standstills(ground)
    return ground.found


def _flow_node(ground: Ground, node: Any) -> None:
    name = local_name(node)
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
