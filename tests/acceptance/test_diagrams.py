"""Every step and every path of every shipped diagram is walked: by chance over many seeds, the rare ones on purpose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from lxml import etree

from osm_flow.cli.diagram_files import DiagramFile
from osm_flow.domain.forms.schema import fields_of
from osm_flow.domain.json import JSON
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine import Process
from osm_flow.engine.simulation.walk import Assumptions, Simulation
from osm_flow.resources import resource_dir

pytestmark = pytest.mark.timeout(900)

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
FILES = {path.stem: DiagramFile(path) for path in sorted(resource_dir("bpmn").glob("*.bpmn"))}
_NO_NODES = ("subProcess", "laneSet", "textAnnotation", "association", "dataObject", "sequenceFlow")
MOST_STEPS = 400
SEEDS = {"annual_cycle": 4, "execution_year": 14}
USUAL_SEEDS = 40


@dataclass(frozen=True)
class Drawing:
    """What a diagram draws: its nodes, its flows, and the first node inside each subprocess."""

    nodes: frozenset[str]
    flows: frozenset[tuple[str, str, str]]
    first: dict[str, str]

    def entered_by(self, node: str) -> str:
        return self.entered_by(self.first[node]) if node in self.first else node


@cache
def drawing(key: str) -> Drawing:
    root = etree.fromstring(FILES[key].xml)
    nodes, flows, first = set(), set(), {}
    for holder in root.iter(f"{BPMN}process", f"{BPMN}subProcess"):
        for child in holder:
            kind = etree.QName(child).localname if isinstance(child.tag, str) else ""
            if kind == "sequenceFlow":
                flows.add((child.get("id"), child.get("sourceRef"), child.get("targetRef")))
            elif child.get("id") and kind not in _NO_NODES:
                nodes.add(child.get("id"))
            if kind == "startEvent" and holder.tag == f"{BPMN}subProcess":
                first[holder.get("id")] = child.get("id")
    return Drawing(frozenset(nodes), frozenset(flows), first)


@dataclass
class Coverage:
    """What walks passed, by process."""

    nodes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    flows: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    ends: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def missing_nodes(self, key: str) -> set[str]:
        return set(drawing(key).nodes) - self.nodes[key]

    def missing_flows(self, key: str) -> set[str]:
        return {flow for flow, _, _ in drawing(key).flows} - self.flows[key]


class Recording(Simulation):
    """A walk that writes down which nodes and flows of which process it passed.

    `forced` are values that every form with such fields is given, or by element those of that element alone; the
    `avoided` elements are chosen last.
    """

    def __init__(
        self,
        coverage: Coverage,
        key: str,
        forced: Mapping[str, Any] | None = None,
        avoided: Collection[str] = (),
        data: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        assumed = Assumptions(data=data or {}, topics=RESULT_SCHEMAS)
        super().__init__(lambda name: process(name), key, assumed=assumed, **more)
        self.coverage = coverage
        self.forced = forced or {}
        self.avoided = avoided

    def opened(self) -> list[Any]:
        found = super().opened()
        return [one for one in found if one[1].element not in self.avoided] or found

    def _fill(self, case: Any, waiting: Any) -> JSON:
        filled = super()._fill(case, waiting)
        known = fields_of(case.process.forms[waiting.form_key]) if waiting.form_key else {}
        for_all = {name: value for name, value in self.forced.items() if name in known}
        return {**filled, **for_all, **self.forced.get(waiting.element, {})}

    def _advance(self, case: Any, command: Any) -> None:
        known = {waiting.task_id for waiting in case.waiting}
        super()._advance(case, command)
        step = case.newest
        passed = [one.element for one in step.passed if one.kind == "completed"]
        arrived = [waiting.element for waiting in step.waiting if waiting.task_id not in known]
        self.coverage.nodes[case.process.key].update(passed)
        self.coverage.flows[case.process.key].update(_flows(case.process.key, passed, arrived))


def _flows(key: str, passed: list[str], arrived: list[str]) -> Iterator[str]:
    """The flows that must have been walked: their source was passed, their target entered, and nothing else led there."""
    drawn = drawing(key)
    reached = {*passed, *arrived}
    for flow, source, target in drawn.flows:
        others = {s for f, s, t in drawn.flows if t == target and f != flow}
        leads_on = sum(s == source for _, s, _ in drawn.flows)
        entered = drawn.entered_by(target) in reached or target in reached
        if source in passed and (leads_on == 1 or (entered and not others & set(passed))):
            yield flow


@cache
def process(key: str) -> Process:
    return FILES[key].process(key)


_AGREED = {
    "decision": "approve",
    "report_valid": True,
    "representative": True,
    "kpi_complete": True,
    "concept_count": 0,
    "hearing_again": False,
    "coverage": 100,
    "quorum": "ok",
    "resolution": "endorse",
}
_BESIDE = ("change_asked", "contract_signed")
# Courses that chance hardly ever takes: diagram, what every form says, which events are left aside, start data.
RARE: tuple[tuple[str, dict[str, Any], tuple[str, ...], JSON], ...] = (
    # the centre sends the plan back, and it is revised
    ("annual_cycle", {**_AGREED, "result": "returned", "package_complete": True}, (), {}),
    # the plan goes through at once, and the year is opened
    ("annual_cycle", {**_AGREED, "result": "Y1", "package_complete": True}, (), {}),
    # the committee puts the plan off, or sends it back to the provinces or to the drafters
    ("annual_cycle", {**_AGREED, "resolution": "defer"}, (), {}),
    (
        "annual_cycle",
        {**_AGREED, "resolution": "conditional", "reconsider_needed": True, "revise_stage": "integration"},
        (),
        {},
    ),
    (
        "annual_cycle",
        {**_AGREED, "resolution": "conditional", "reconsider_needed": True, "revise_stage": "drafting"},
        (),
        {},
    ),
    # four quarters go by without a request for change, and the year is closed
    ("execution_year", _AGREED, _BESIDE, {"act_in_force": True}),
    ("execution_year", {**_AGREED, "sign_evaluation": {"decision": "return"}}, _BESIDE, {"act_in_force": False}),
    # a report is sent back until the office puts it right itself
    ("quarterly_monitoring", {"validate": {"report_valid": False}}, (), {}),
    # only parts of the plan are revised
    ("plan_drafting", _AGREED, (), {"rework": True}),
    # the targets stay uncovered, two rounds of negotiation do not help
    ("provincial_integration", {"coverage": 50, "decision": "return"}, (), {}),
    ("provincial_integration", {"coverage": 50, "decision": "approve"}, (), {}),
)


@pytest.fixture(scope="module")
def coverage() -> Coverage:
    """Random walks of every diagram, then the rare ones."""
    found = Coverage()
    for key in FILES:
        for seed in range(SEEDS.get(key, USUAL_SEEDS)):
            if seed > 3 and not found.missing_nodes(key) and not found.missing_flows(key):
                break
            walk = Recording(found, key, seed=seed).run(max_steps=MOST_STEPS)
            assert walk.outcome != "failed", f"{key} seed {seed}: {walk.element}: {walk.reason}"
            found.ends[walk.outcome] += 1
    for key, forced, avoided, data in RARE:
        walk = Recording(found, key, forced, avoided, seed=1, data=data).run(max_steps=MOST_STEPS)
        assert walk.outcome != "failed", f"{key} {forced}: {walk.element}: {walk.reason}"
    return found


@pytest.mark.parametrize("key", sorted(FILES))
def test_every_node_is_walked(coverage: Coverage, key: str) -> None:
    assert coverage.missing_nodes(key) == set()


@pytest.mark.parametrize("key", sorted(FILES))
def test_every_flow_is_walked(coverage: Coverage, key: str) -> None:
    assert coverage.missing_flows(key) == set()
