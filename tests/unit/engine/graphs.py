"""Random diagrams that are not built of blocks, their BPMN, and a token game over them that judges the engine.

The token game is written from BPMN 2.0.2, clause 13, and docs/engine.md for what the standard leaves open. It knows
nothing of the engine: a token is the set of the keys that were written on its way, a flow holds any number of tokens.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.unit.engine.diagrams import HEAD

GATEWAYS = {"xor": "exclusiveGateway", "par": "parallelGateway", "inc": "inclusiveGateway"}
TASKS = ("task", "boxed", "each")  # a task, one in a subprocess, and one that is repeated over a list of one
EVENTS = ("message", "breaking", "once", "twice", "cut")  # two of them interrupt: a message, a timer
BREAKING = ("breaking", "cut")
MESSAGES = ("message", "breaking", "told")
CAUGHT = ("told", "late")  # what comes after an event-based gateway: a message or a timer
_DEFINITIONS = {
    "message": '<bpmn:messageEventDefinition messageRef="{name}_msg"/>',
    "breaking": '<bpmn:messageEventDefinition messageRef="{name}_msg"/>',
    "once": "<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>",
    "cut": "<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>",
    "told": '<bpmn:messageEventDefinition messageRef="{name}_msg"/>',
    "late": "<bpmn:timerEventDefinition><bpmn:timeDuration>PT1H</bpmn:timeDuration></bpmn:timerEventDefinition>",
    "twice": "<bpmn:timerEventDefinition><bpmn:timeCycle>R2/PT1H</bpmn:timeCycle></bpmn:timerEventDefinition>",
}
_MOVES = 300
_MANY = 25


@dataclass(frozen=True)
class Graph:
    """A diagram: the kind of each node, the host of each event, and its flows in the order of the file."""

    kinds: dict[str, str]
    hosts: dict[str, str]
    flows: tuple[tuple[str, str], ...]

    def leaving(self, node: str) -> list[int]:
        return [i for i, (source, _) in enumerate(self.flows) if source == node]

    def entering(self, node: str) -> list[int]:
        return [i for i, (_, target) in enumerate(self.flows) if target == node]

    def events_of(self, node: str) -> list[str]:
        return [event for event, host in self.hosts.items() if host == node]

    def told(self) -> str:
        """The diagram in a line, to be read and to be drawn again."""
        kinds = ", ".join(f"{n}: {k}" for n, k in self.kinds.items() if k not in ("task", "start", "end"))
        hosts = ", ".join(f"{e} on {h}" for e, h in self.hosts.items())
        return f"{', '.join(f'{a}>{b}' for a, b in self.flows)}; {kinds}; {hosts}"


def drawn(flows: str, **kinds: str) -> Graph:
    """A graph from `S>A, A>E, b>O`; other names than S, E and those in `kinds` are tasks; `b="message on A"`."""
    pairs = tuple((a.strip(), b.strip()) for a, b in (part.split(">") for part in flows.split(",")))
    names = dict.fromkeys(name for pair in pairs for name in pair)
    hosts = {name: kind.split(" on ")[1] for name, kind in kinds.items() if " on " in kind}
    own = {name: kind.split(" on ")[0] for name, kind in kinds.items()}
    usual = {name: {"S": "start", "E": "end"}.get(name, "task") for name in names}
    return Graph({**usual, **own}, hosts, pairs)


def xml_of(graph: Graph) -> bytes:
    """The BPMN of a graph. What a gateway chooses is asked for as the milestone of its name, or of its flow's."""
    roots, body = [], []
    for node, kind in graph.kinds.items():
        if kind in MESSAGES:
            roots.append(f'<bpmn:message id="{node}_msg" name="msg.{node}"/>')
        body.append(_element(graph, node, kind))
    for index, (source, target) in enumerate(graph.flows):
        condition = _condition(graph, index, source)
        inner = f"<bpmn:conditionExpression>{condition}</bpmn:conditionExpression>" if condition else ""
        body.append(
            f'<bpmn:sequenceFlow id="f{index}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'
        )
    process = f'<bpmn:process id="p" isExecutable="true">{"".join(body)}</bpmn:process>'
    return (HEAD + "".join(roots) + process + "</bpmn:definitions>").encode()


def _element(graph: Graph, node: str, kind: str) -> str:
    if kind in GATEWAYS:
        leaving = graph.leaving(node)
        default = f' default="f{leaving[-1]}"' if kind != "par" and len(leaving) > 1 else ""
        return f'<bpmn:{GATEWAYS[kind]} id="{node}" name="{node}"{default}/>'
    if kind in EVENTS:
        cancels = str(kind in BREAKING).lower()
        definition = _DEFINITIONS[kind].format(name=node)
        return (
            f'<bpmn:boundaryEvent id="{node}" name="{node}" attachedToRef="{graph.hosts[node]}" '
            f'cancelActivity="{cancels}">{definition}</bpmn:boundaryEvent>'
        )
    if kind == "boxed":
        inner = (
            f'<bpmn:startEvent id="{node}_s"/><bpmn:manualTask id="{node}_in" name="{node}"/><bpmn:endEvent id="{node}_e"/>'
            f'<bpmn:sequenceFlow id="{node}_1" sourceRef="{node}_s" targetRef="{node}_in"/>'
            f'<bpmn:sequenceFlow id="{node}_2" sourceRef="{node}_in" targetRef="{node}_e"/>'
        )
        return f'<bpmn:subProcess id="{node}" name="{node}">{inner}</bpmn:subProcess>'
    if kind == "each":
        many = "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>1</bpmn:loopCardinality>"
        many += "</bpmn:multiInstanceLoopCharacteristics>"
        return f'<bpmn:manualTask id="{node}" name="{node}">{many}</bpmn:manualTask>'
    if kind in CAUGHT:
        definition = _DEFINITIONS[kind].format(name=node)
        return f'<bpmn:intermediateCatchEvent id="{node}" name="{node}">{definition}</bpmn:intermediateCatchEvent>'
    tag = {"race": "eventBasedGateway", "task": "manualTask", "start": "startEvent", "end": "endEvent"}[kind]
    return f'<bpmn:{tag} id="{node}" name="{node}"/>'


def _condition(graph: Graph, index: int, source: str) -> str:
    leaving = graph.leaving(source)
    if graph.kinds[source] not in ("xor", "inc") or len(leaving) == 1 or index == leaving[-1]:
        return ""
    return f"milestone('f{index}') == 1"


# ---- drawing at random -------------------------------------------------------------------------------------------------


def random_graph(rng: random.Random) -> Graph:
    """A diagram in which every node can be reached and can reach an end, whatever lies between."""
    while True:
        graph = _drawn_at_random(rng)
        if is_whole(graph):
            return graph


def _drawn_at_random(rng: random.Random) -> Graph:
    tasks = [f"T{n}" for n in range(rng.randint(2, 7))]
    gateways = {f"G{n}": rng.choice(["xor", "par", "par", "inc"]) for n in range(rng.randint(2, 8))}
    races = {f"R{n}": "race" for n in range(rng.choice([0, 0, 0, 1]))}
    caught = {f"{race}{how[0]}": how for race in races for how in CAUGHT}
    ends = ["E", "F"][: rng.randint(1, 2)]
    hosts = {f"b{n}": rng.choice(tasks) for n in range(rng.choice([0, 0, 1, 1, 2]))}
    events = {event: rng.choice(EVENTS) for event in hosts}
    plain = {**{task: rng.choice(["task", *TASKS]) for task in tasks}, **gateways, **races}
    order = [*plain]
    rng.shuffle(order)

    def target_of(node: str) -> str:
        """Mostly onwards: else few diagrams would wait for anybody."""
        place = order.index(node) + 1 if node in order else 0
        if place > len(order) // 2 or rng.random() < 0.25:
            return rng.choice([*order[place:], ends[-1]] if rng.random() < 0.85 else order)
        # few ways onwards, so that tokens meet
        return rng.choice(order[place : place + 3] or ends) if rng.random() < 0.85 else rng.choice(order)

    flows = [("S", target_of("S")), *((task, target_of(task)) for task in tasks)]
    flows += [(event, target_of(hosts[event])) for event in hosts]
    for gateway in gateways:
        flows += [(gateway, target_of(gateway)) for _ in range(rng.choice([1, 1, 2, 3, 3]))]
    if len(ends) > 1:
        flows.append((rng.choice([*gateways]), "E"))
    for event in caught:
        flows += [(event[:2], event), (event, target_of(event[:2]))]
    forks, merges = [[g for g in gateways if gateways[g] == kind] for kind in ("par", "xor")]
    if forks and merges and rng.random() < 0.4:
        # two tokens that meet before a join come to it by one flow
        fork, merge, pair = rng.choice(forks), rng.choice(merges), rng.sample(tasks, 2)
        flows = [flow for flow in flows if flow[0] not in pair]
        flows += [(task, merge) for task in pair] + [(fork, task) for task in pair]
    flows = list(dict.fromkeys(flows))  # the linter asks for one flow between two elements
    rng.shuffle(flows)
    kinds = {"S": "start", **plain, **caught, **events, **dict.fromkeys(ends, "end")}
    return Graph(kinds, hosts, tuple(flows))


def is_whole(graph: Graph) -> bool:
    """Whether every node lies on a way from the start to an end, an event on one from its activity."""
    onward = {node: {graph.flows[i][1] for i in graph.leaving(node)} for node in graph.kinds}
    for event, host in graph.hosts.items():
        onward.setdefault(host, set()).add(event)
    doubled = len(set(graph.flows)) < len(graph.flows)
    if doubled or set(graph.hosts.values()) - graph.kinds.keys() or not _all_leave(graph):
        return False
    known = graph.kinds.keys()
    if _reached({"S"}, onward) != known:
        return False
    back: dict[str, set[str]] = {node: set() for node in known}
    for node, targets in onward.items():
        for target in targets:
            back[target].add(node)
    return _reached({n for n, k in graph.kinds.items() if k == "end"}, back) == known


def _all_leave(graph: Graph) -> bool:
    return all(_leaves(graph, node, kind) for node, kind in graph.kinds.items())


def _leaves(graph: Graph, node: str, kind: str) -> bool:
    leaving = graph.leaving(node)
    if kind == "race":
        return len(leaving) == len(CAUGHT) and all(graph.kinds[graph.flows[i][1]] in CAUGHT for i in leaving)
    if kind in CAUGHT and any(graph.kinds[graph.flows[i][0]] != "race" for i in graph.entering(node)):
        return False
    return kind == "end" or len(leaving) == 1 or (kind in GATEWAYS and bool(leaving))


def _reached(begin: set[str], onward: dict[str, set[str]]) -> set[str]:
    seen, todo = set(begin), list(begin)
    while todo:
        new = onward[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def smaller(graph: Graph) -> Iterator[Graph]:
    """The diagrams with one node, event or flow less that are still whole."""
    for node in graph.kinds:
        if node == "S":
            continue
        entering = graph.entering(node)
        leaving = graph.leaving(node)
        rest = tuple(f for i, f in enumerate(graph.flows) if node not in f)
        kinds = {n: k for n, k in graph.kinds.items() if n != node and graph.hosts.get(n) != node}
        hosts = {e: h for e, h in graph.hosts.items() if node not in (e, h)}
        rest = tuple(f for f in rest if f[0] in kinds and f[1] in kinds)
        yield from _if_whole(kinds, hosts, rest)
        for last in leaving:
            target = graph.flows[last][1]
            joined = tuple(
                (source, target if to == node else to)
                for source, to in graph.flows
                if source != node and source in kinds
            )
            if target != node and entering:
                yield from _if_whole(kinds, hosts, joined)
    for index in range(len(graph.flows)):
        yield from _if_whole(graph.kinds, graph.hosts, graph.flows[:index] + graph.flows[index + 1 :])


def _if_whole(kinds: dict[str, str], hosts: dict[str, str], flows: tuple[tuple[str, str], ...]) -> Iterator[Graph]:
    graph = Graph(dict(kinds), dict(hosts), flows)
    if is_whole(graph):
        yield graph


# ---- the token game ------------------------------------------------------------------------------------------------


Token = frozenset[str]


@dataclass
class Activation:
    """An open activity with the events that still wait on its boundary, each with the times it can happen.

    After an event-based gateway there is no activity, only the events.
    """

    node: str
    token: Token
    events: dict[str, int | None]


@dataclass(frozen=True)
class Move:
    """What may happen: an activation completes, or one of its events does."""

    activation: Activation
    event: str | None


class Endless(Exception):
    """The tokens go round without waiting for anybody."""


class TokenGame:
    """A marking, and how it moves. `chosen` tells which flows of a gateway hold, anew for each move."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.open: list[Activation] = []
        self.waiting: dict[int, list[Token]] = {}
        self.ended: list[Token] = []
        self.crowded = False  # two tokens waited on one flow: which of them goes first is nobody's business
        self.moves = 0

    def begin(self, chosen: set[int]) -> None:
        self._leave("S", frozenset(), chosen)
        self._settle(chosen)

    def possible(self) -> list[Move]:
        return [Move(a, event) for a in self.open for event in self._places(a)]

    def _places(self, activation: Activation) -> tuple[str | None, ...]:
        own = () if self.graph.kinds[activation.node] == "race" else (None,)
        return (*own, *activation.events)

    def move(self, move: Move, key: str | None, chosen: set[int]) -> None:
        """Complete the activation, or let its event happen, writing the key; then run on until all wait."""
        self.moves = 0
        activation = move.activation
        token = activation.token | ({key} if key else set())
        if move.event is None:
            self.open.remove(activation)
            self._leave(activation.node, token, chosen)
        else:
            left = activation.events[move.event]
            if self.graph.kinds[move.event] in (*BREAKING, *CAUGHT):
                self.open.remove(activation)
            elif left == 1:
                del activation.events[move.event]
            elif left is not None:
                activation.events[move.event] = left - 1
            self._leave(move.event, token, chosen)
        self._settle(chosen)

    @property
    def is_over(self) -> bool:
        return not self.open and not any(self.waiting.values())

    def visible(self) -> Counter[str]:
        return Counter(name or self.opened_by(a.node) for a in self.open for name in self._places(a))

    def opened_by(self, node: str) -> str:
        """The element that is open while the activity is."""
        return f"{node}_in" if self.graph.kinds[node] == "boxed" else node

    # moves nobody makes

    def _leave(self, node: str, token: Token, chosen: set[int]) -> None:
        leaving = self.graph.leaving(node)
        kind = self.graph.kinds[node]
        taken = leaving
        if kind in ("xor", "inc") and len(leaving) > 1:
            holding = [i for i in leaving[:-1] if i in chosen] or leaving[-1:]
            taken = holding[:1] if kind == "xor" else holding
        for index in taken:
            self._arrive(index, token, chosen)

    def _arrive(self, index: int, token: Token, chosen: set[int]) -> None:
        self.moves += 1
        if self.moves > _MOVES or len(self.open) > _MANY:
            raise Endless
        node = self.graph.flows[index][1]
        kind = self.graph.kinds[node]
        if kind == "end":
            self.ended.append(token)
        elif kind in TASKS:
            turns = {"once": 1, "twice": 2, "cut": 1, "breaking": 1, "message": None}
            events = {event: turns[self.graph.kinds[event]] for event in self.graph.events_of(node)}
            self.open.append(Activation(node, token, events))
        elif kind == "race":
            self.open.append(Activation(node, token, {self.graph.flows[i][1]: 1 for i in self.graph.leaving(node)}))
        elif kind == "xor" or len(self.graph.entering(node)) == 1:
            self._leave(node, token, chosen)
        else:
            self.waiting.setdefault(index, []).append(token)
            self.crowded = self.crowded or len(self.waiting[index]) > 1
            if kind == "par" and all(self.waiting.get(i) for i in self.graph.entering(node)):
                self._fire(node, chosen)

    def _fire(self, node: str, chosen: set[int]) -> None:
        merged: Token = frozenset()
        for index in self.graph.entering(node):
            if self.waiting.get(index):
                merged |= self.waiting[index].pop(0)
        self._leave(node, merged, chosen)

    def _settle(self, chosen: set[int]) -> None:
        joins = sorted(n for n, k in self.graph.kinds.items() if k == "inc" and len(self.graph.entering(n)) > 1)
        while ready := next((node for node in joins if self._may_fire(node)), None):
            self._fire(ready, chosen)

    def _may_fire(self, node: str) -> bool:
        entering = self.graph.entering(node)
        filled = {i for i in entering if self.waiting.get(i)}
        empty = set(entering) - filled
        if not filled:
            return False
        for position in self._positions(node):
            ahead = self._flows_ahead(position, node)
            if ahead & empty and not ahead & filled:
                return False
        return True

    def _positions(self, node: str) -> Iterable[str]:
        for activation in self.open:
            yield from (name or activation.node for name in self._places(activation))
        for index, tokens in self.waiting.items():
            if tokens and self.graph.flows[index][1] != node:
                yield self.graph.flows[index][1]

    def _flows_ahead(self, start: str, without: str) -> set[int]:
        seen: set[int] = set()
        todo = [start]
        while todo:
            for index in self.graph.leaving(todo.pop()):
                if index not in seen:
                    seen.add(index)
                    if self.graph.flows[index][1] != without:
                        todo.append(self.graph.flows[index][1])
        return seen
