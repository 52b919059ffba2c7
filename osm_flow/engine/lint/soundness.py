"""Looking for joins that would wait for ever, by playing tokens over each scope of a diagram.

A token stands on a flow. Whatever people, clocks and conditions may choose is tried, one choice after the other; what has
no choice happens at once. A marking in which nothing can move any more, though tokens are left, is a standstill. Variables
are not looked at: two gateways that always choose alike are taken for independent, so that findings are warnings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from osm_flow.engine.definitions import is_flow_node
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.sentences.drawn import Sentence, listed
from osm_flow.engine.xml import BPMN, NAMESPACES, local_name

Marking = tuple[tuple[str, int], ...]
_MOST_MARKINGS = 2_000
_MOST_TOKENS = 3
_MOST_SUBSETS = 4
_ENDING_ALL = ("terminateEventDefinition", "errorEventDefinition")


def check_standstills(ground: Ground) -> None:
    """Warn of every join that some course of the process would leave waiting for ever."""
    for scope in ground.process.iter(f"{BPMN}process", f"{BPMN}subProcess"):
        for join, (missing, choice) in _Net(ground, scope).standstills().items():
            _warn(ground, join, missing, choice)


def _warn(ground: Ground, join: str, missing: list[str], choice: str | None) -> None:
    node = ground.nodes[join]
    sources = listed([ground.called(ground.nodes[name]) for name in missing])
    after = ground.called(ground.nodes[choice]) if choice else None
    because = Sentence(
        f" เพราะหลัง {after.th} ทางนั้นอาจไม่ถูกเลือก" if after else "", f" once {after.en} goes another way" if after else ""
    )
    ground.add(
        node,
        "standstill",
        f"เกตเวย์ขนานนี้อาจรอ {sources.th} ตลอดไป{because.th} ให้รวมทางเลือกด้วยเกตเวย์ทางเลือก (exclusive) แทน",
        f"this parallel gateway may wait for {sources.en} for ever{because.en}: let ways of which only one is taken meet in "
        "an exclusive gateway",
        "warning",
    )


class _Net:
    """A process or subprocess as a game of tokens on flows."""

    def __init__(self, ground: Ground, scope: Any) -> None:
        self.nodes = {n.get("id"): n for n in scope if is_flow_node(n)}
        self.outgoing: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.incoming: dict[str, list[str]] = {name: [] for name in self.nodes}
        self.source: dict[str, str] = {}
        self.target: dict[str, str] = {}
        for flow in scope.findall("bpmn:sequenceFlow", NAMESPACES):
            name, source, target = flow.get("id") or "", flow.get("sourceRef"), flow.get("targetRef")
            if source in self.nodes and target in self.nodes:
                self.outgoing[source].append(name)
                self.incoming[target].append(name)
                self.source[name], self.target[name] = source, target
        self.events: dict[str, list[Any]] = {}
        for node in self.nodes.values():
            if local_name(node) == "boundaryEvent":
                self.events.setdefault(node.get("attachedToRef"), []).append(node)

    def standstills(self) -> dict[str, tuple[list[str], str | None]]:
        """The joins that may wait for ever, with the elements they wait for and the choice after which these cannot come."""
        if not any(self._joins(name) for name in self.nodes):
            return {}
        found: dict[str, tuple[list[str], str | None]] = {}
        begin = _frozen(
            Counter(f for name, n in self.nodes.items() if local_name(n) == "startEvent" for f in self.outgoing[name])
        )
        came_from: dict[Marking, tuple[Marking, str] | None] = {begin: None}
        todo = [begin]
        while todo and len(came_from) < _MOST_MARKINGS:
            marking = todo.pop()
            moved = self._mover(Counter(dict(marking)))
            if moved is None:
                for join in self._left(marking):
                    found.setdefault(join, self._told(join, marking, came_from))
                continue
            for after in self._moves(Counter(dict(marking)), moved):
                if after not in came_from and all(count <= _MOST_TOKENS for _, count in after):
                    came_from[after] = (marking, moved)
                    todo.append(after)
        return found

    def _joins(self, name: str) -> bool:
        return local_name(self.nodes[name]) == "parallelGateway" and len(self.incoming[name]) > 1

    def _mover(self, tokens: Counter[str]) -> str | None:
        """The element that moves next: any that can, an inclusive join only when nothing else can."""
        inclusive: list[str] = []
        for flow in tokens:
            name = self.target[flow]
            if self._joins(name):
                if all(tokens[f] > 0 for f in self.incoming[name]):
                    return name
            elif local_name(self.nodes[name]) == "inclusiveGateway" and len(self.incoming[name]) > 1:
                inclusive.append(name)
            else:
                return name
        return next((name for name in inclusive if not self._waits(name, tokens)), next(iter(inclusive), None))

    def _waits(self, join: str, tokens: Counter[str]) -> bool:
        """BPMN 2.0, 13.4.2: whether a token can still reach an empty input of an inclusive join and no filled one."""
        full = {flow for flow in self.incoming[join] if tokens[flow] > 0}
        empty = set(self.incoming[join]) - full
        for flow in tokens:
            if self.target[flow] != join:
                reached = self._reached(((flow, 1),), join)
                if reached & empty and not reached & full:
                    return True
        return False

    def _moves(self, tokens: Counter[str], name: str) -> Iterator[Marking]:
        kind = local_name(self.nodes[name])
        held = [f for f in self.incoming[name] if tokens[f] > 0]
        takes_all = kind in ("parallelGateway", "inclusiveGateway")
        rest = tokens - Counter(held if takes_all else held[:1])
        if kind == "endEvent" and any(self.nodes[name].find(f"{BPMN}{ending}") is not None for ending in _ENDING_ALL):
            return
        for ways in self._ways(name, kind):
            yield _frozen(rest + Counter(ways))

    def _ways(self, name: str, kind: str) -> Iterator[tuple[str, ...]]:
        """The sets of flows on which the element may put tokens."""
        out = tuple(self.outgoing[name])
        if kind in ("exclusiveGateway", "eventBasedGateway") and out:
            yield from ((flow,) for flow in out)
        elif kind == "inclusiveGateway" and out:
            sizes = range(1, len(out) + 1) if len(out) <= _MOST_SUBSETS else (1, len(out))
            yield from (ways for size in sizes for ways in combinations(out, size))
        else:
            yield out
            for event in self.events.get(name, ()):
                led = tuple(self.outgoing[event.get("id")])
                yield led if event.get("cancelActivity") != "false" else out + led

    def _left(self, marking: Marking) -> list[str]:
        return list(dict.fromkeys(self.target[flow] for flow, _ in marking if self._joins(self.target[flow])))

    def _told(
        self, join: str, marking: Marking, came_from: dict[Marking, tuple[Marking, str] | None]
    ) -> tuple[list[str], str | None]:
        held = {flow for flow, _ in marking}
        missing = [flow for flow in self.incoming[join] if flow not in held]
        choice, step = None, came_from[marking]
        while step is not None:
            before, choice = step
            if set(missing) <= self._reached(before, join):
                break
            step = came_from[before]
        return [self.source[flow] for flow in missing], choice if step is not None else None

    def _reached(self, marking: Marking, join: str) -> set[str]:
        seen: set[str] = set()
        todo = [flow for flow, _ in marking]
        while todo:
            flow = todo.pop()
            if flow not in seen:
                seen.add(flow)
                name = self.target[flow]
                if name != join:
                    led = [f for event in self.events.get(name, ()) for f in self.outgoing[event.get("id")]]
                    todo += self.outgoing[name] + led
        return seen


def _frozen(tokens: Counter[str]) -> Marking:
    return tuple(sorted((flow, count) for flow, count in tokens.items() if count > 0))
