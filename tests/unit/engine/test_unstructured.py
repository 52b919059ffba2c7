"""Diagrams that are not built of blocks: at every step the engine opens what a token game over the standard opens."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine import EngineFault, compile_process, lint
from osm_flow.engine.spiff import events, joins, tokens
from osm_flow.engine.spiff.deterministic import external_id
from osm_flow.engine.stepper import LiveCase, step
from osm_flow.engine.values import CompleteTask, DeliverMessage, FireTimer, Start, Step
from tests.unit.engine.diagrams import CASE, NOW
from tests.unit.engine.graphs import (
    MESSAGES,
    TASKS,
    Activation,
    Endless,
    Graph,
    Move,
    TokenGame,
    drawn,
    random_graph,
    smaller,
    xml_of,
)

STEPS = 12
OPEN = TaskState.READY | TaskState.STARTED


class Differs(AssertionError):
    """The engine and the token game went different ways."""


class Walk:
    """A case of a graph in the engine, kept in memory or loaded before each step, beside a token game."""

    def __init__(self, graph: Graph, *, reloading: bool) -> None:
        self.graph = graph
        self.game = TokenGame(graph)
        self.reloading = reloading
        self.process = compile_process("p", xml_of(graph), {}, {})
        self.live = LiveCase(self.process, CASE)
        self.newest: Step | None = None

    def both(self, act: Any, command: Any, chosen: set[int]) -> None:
        """Make the same move in both; both must find it endless, or neither."""
        endless = False
        try:
            act()
        except Endless:
            endless = True
        if self.reloading and self.newest is not None:
            self.live = LiveCase(self.process, CASE, self.newest.snapshot)
        answers = {f"f{index}": 1 for index in chosen}
        try:
            self.newest = self.live.advance(command, NOW, lambda name, args: answers.get(args[0], 0))
        except EngineFault as fault:
            if not endless:
                raise Differs(f"the engine failed: {fault}") from fault
            raise Endless from None
        if endless:
            raise Endless
        self.compare()

    def compare(self) -> None:
        assert self.newest is not None
        seen = Counter(w.element for w in self.newest.waiting)
        if seen != self.game.visible():
            raise Differs(f"open are {dict(seen)}, the token game has {dict(self.game.visible())}")
        if self.newest.ended != self.game.is_over:
            raise Differs(f"ended: {self.newest.ended}, the token game: {self.game.is_over}")
        if self.newest.ended and not self.game.crowded:
            written = frozenset().union(*self.game.ended)
            if keys_of(self.newest.data) != written:
                raise Differs(f"the case ends with {keys_of(self.newest.data)}, the token game with {written}")

    def task_of(self, move: Move) -> Any:
        """The engine's task for a move of the game: of several alike activations one that is just the same."""
        activation = move.activation
        if self.graph.kinds[activation.node] == "race":
            return self.racing(activation, move.event)
        for task in self.live.workflow.tasks.values():
            is_open = task.task_spec.name == activation.node and task.has_state(OPEN)
            if not is_open or not self.is_like(task, activation):
                continue
            if move.event is None:
                return self.inmost(task)
            return next(
                t for t in task.parent.children if t.task_spec.name == move.event and t._state == TaskState.WAITING
            )
        raise Differs(f"nobody opened {activation} as the token game has it")

    def inmost(self, task: Any) -> Any:
        """The task that a person completes: itself, its one instance, or the task inside of the subprocess."""
        kind = self.graph.kinds[task.task_spec.name]
        if kind == "task":
            return task
        if kind == "each":
            return next(child for child in task.children if child._state == TaskState.READY)
        inside = self.live.workflow.subprocesses[task.id].tasks.values()
        return next(inner for inner in inside if inner._state == TaskState.READY)

    def racing(self, activation: Activation, event: str | None) -> Any:
        for task in self.live.workflow.tasks.values():
            alike = self.game.crowded or keys_of(task.data) == activation.token
            if task.task_spec.name == event and task._state == TaskState.WAITING and alike:
                return task
        raise Differs(f"nobody waits for {event} as the token game has it")

    def is_like(self, task: Any, activation: Activation) -> bool:
        waiting = {}
        if self.graph.events_of(activation.node):
            for event in task.parent.children:
                if event._state == TaskState.WAITING and event.task_spec.name in self.graph.hosts:
                    waiting[event.task_spec.name] = event.internal_data.get("turns", 1)
        wanted = {e: t if self.graph.kinds[e] == "twice" else 1 for e, t in activation.events.items()}
        if self.game.crowded:
            return waiting == wanted
        return waiting == wanted and keys_of(task.data) == activation.token


def keys_of(data: dict[str, Any]) -> frozenset[str]:
    return frozenset(key for key in data if key.startswith("m"))


def play(graph: Graph, seed: int, *, reloading: bool) -> int:
    """Play one random course; the number of moves made before the end, or before the tokens went round for ever."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable walk
    walk = Walk(graph, reloading=reloading)

    def chosen() -> set[int]:
        return {index for index in range(len(graph.flows)) if rng.random() < 0.45}

    made = 0
    try:
        first = chosen()
        walk.both(lambda: walk.game.begin(first), Start({}), first)
        for number in range(STEPS):
            possible = walk.game.possible()
            if not possible:
                break
            move = rng.choice(possible)
            task, now = walk.task_of(move), chosen()
            command, key = _command(graph, move, external_id(CASE, task.id), f"m{number}")
            walk.both(lambda m=move, k=key, c=now: walk.game.move(m, k, c), command, now)
            made += 1
    except Endless:
        pass
    return made


def _command(graph: Graph, move: Move, task_id: str, key: str) -> tuple[Any, str | None]:
    if move.event is None:
        return CompleteTask(task_id, {key: 1}), key
    if graph.kinds[move.event] in MESSAGES:
        return DeliverMessage(task_id, {key: 1}), key
    return FireTimer(task_id), None


def difference(graph: Graph, seeds: range) -> str | None:
    """How the engine differs from the token game on a graph, or None."""
    for seed in seeds:
        for reloading in (False, True):
            try:
                play(graph, seed, reloading=reloading)
            except Differs as found:
                return f"seed {seed}, reloading {reloading}: {found}"
    return None


def shrunk(graph: Graph, seeds: range) -> Graph:
    """The smallest graph below this one, by single steps, on which the engine still differs."""
    for candidate in smaller(graph):
        if difference(candidate, seeds) is not None:
            return shrunk(candidate, seeds)
    return graph


# ---- what was found ----------------------------------------------------------------------------------------------------

FOUND = {
    "a repeating event straight into an inclusive gateway": drawn(
        "S>A, A>E, b>O, O>Y, O>Z, Y>E, Z>E", O="inc", b="message on A"
    ),
    "an inclusive join that two tokens enable in one step": drawn(
        "S>M, M>A, A>P, P>C, P>O, C>O, C>M, O>Z, Z>E", M="xor", P="par", C="xor", O="inc"
    ),
    "a repeating event straight into a parallel join": drawn("S>A, A>P, b>P, P>Z, Z>E", P="par", b="message on A"),
    "an event that leads back into its own activity": drawn("S>A, A>E, b>A", b="breaking on A"),
    "a message that begins its own activity once more": drawn("S>A, A>E, b>A", b="message on A"),
    "a timer that begins its own activity once more": drawn("S>A, A>B, B>E, b>A, c>B", b="once on A", c="cut on A"),
    "a reminder that comes back twice": drawn("S>A, A>E, b>B, B>A", b="twice on A"),
    "a cycle without a choice": drawn("S>A, A>B, B>A, b>E", b="breaking on B"),
    "a cycle without a choice behind one": drawn("S>C, C>A, C>E, A>B, B>A, b>E", C="xor", b="cut on B"),
    "two tokens on one input": drawn("S>F, F>A, F>B, F>C, B>M, C>M, M>J, A>J, J>Z, Z>E", F="par", M="xor", J="inc"),
    "a join behind an event": drawn("S>F, F>A, F>B, b>J, B>J, A>E, J>Z, Z>E", F="par", J="inc", b="breaking on A"),
    "the same with its flows turned round": drawn(
        "J>Z, Z>E, A>E, B>J, b>J, F>B, F>A, S>F", F="par", J="inc", b="breaking on A"
    ),
    "a parallel join behind an event": drawn(
        "S>F, F>A, F>B, b>J, B>J, A>J, J>Z, Z>E", F="par", J="par", b="message on A"
    ),
    "a token left over and a loop into its join": drawn(
        "S>F, F>A, F>B, A>J, B>M, M>J, J>C, C>X, X>M, X>E", F="par", M="xor", J="par", X="xor"
    ),
    "several tokens to one end": drawn("S>A, A>E, b>A", b="once on A"),
}


@pytest.mark.parametrize("graph", FOUND.values(), ids=FOUND.keys())
@pytest.mark.parametrize("kind", TASKS)
def test_what_was_found_once(graph: Graph, kind: str) -> None:
    """Each passed the linter and went wrong by rules 1: it never returned, crashed, or opened what nobody should have."""
    graph = replace(graph, kinds={node: kind if known == "task" else known for node, known in graph.kinds.items()})
    errors = [p for p in lint(xml_of(graph), forms={}, decisions={}, topics=()) if p.level == "error"]

    assert errors == []
    assert difference(graph, range(40)) is None


def test_the_payload_of_an_event_comes_through_a_parallel_join() -> None:
    walk = Walk(FOUND["a repeating event straight into a parallel join"], reloading=True)
    walk.both(lambda: walk.game.begin(set()), Start({}), set())
    for event, key in (("b", "m1"), (None, "m2")):
        move = Move(walk.game.open[0], event)
        command, _ = _command(walk.graph, move, external_id(CASE, walk.task_of(move).id), key)
        walk.both(lambda m=move, k=key: walk.game.move(m, k, set()), command, set())

    assert walk.newest is not None
    assert [(w.element, keys_of(w.data)) for w in walk.newest.waiting] == [("Z", {"m1", "m2"})]


# ---- at random ---------------------------------------------------------------------------------------------------------

GRAPHS = int(os.environ.get("OSM_GRAPHS", "2000"))
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_the_engine_opens_what_the_token_game_opens(part: int) -> None:
    """Joins, several tokens on a flow, events that add or divert tokens, loops into joins, flows in any order.

    OSM_GRAPHS says how many diagrams in all; of one that differs the smallest like it is shown.
    """
    made = 0
    for seed in range(part, GRAPHS, PARTS):
        graph = random_graph(random.Random(seed))  # noqa: S311 - repeatable
        try:
            made += play(graph, seed, reloading=bool(seed // PARTS % 2))
        except Differs as found:
            small = shrunk(graph, range(seed, seed + 4))
            pytest.fail(f"diagram {seed}: {found}\n{small.told()}\n{difference(small, range(seed, seed + 4))}")
    assert made > GRAPHS // PARTS


@pytest.mark.parametrize("seed", [5423, 19189, 19762])
def test_what_the_instances_of_an_activity_wrote_is_there_at_the_end(seed: int) -> None:
    """Their branch ends in the step in which another one ends: found by drawing 20,000 diagrams."""
    graph = random_graph(random.Random(seed))  # noqa: S311 - repeatable

    for reloading in (False, True):
        assert play(graph, seed, reloading=reloading)


SABOTAGE = {
    "an inclusive join that waits for nobody": (joins.InclusiveGateway, "can_fire", lambda self, w: True),
    "a parallel join that one token is enough for": (
        joins.ParallelGateway,
        "can_fire",
        lambda self, w: bool(self.arrivals(w)),
    ),
    "a join that takes all that came by a flow": (
        joins.CountingJoin,
        "taken_from",
        lambda self, w: self.arrivals(w),
    ),
    "events that outlive their activity": (tokens, "_end_watch", lambda task: None),
    "an interrupted activity that goes on": (events, "_interrupt", lambda event: None),
    "an end that ends what still lives": (joins.EndJoin, "can_fire", lambda self, w: True),
}


@pytest.mark.parametrize(("where", "name", "fault"), SABOTAGE.values(), ids=SABOTAGE.keys())
def test_a_planted_fault_is_found(monkeypatch: Any, where: Any, name: str, fault: Any) -> None:
    """The token game sees each of these faults when it is built into the engine."""
    monkeypatch.setattr(where, name, fault)

    def goes_wrong(seed: int) -> bool:
        try:
            play(random_graph(random.Random(seed)), seed, reloading=False)  # noqa: S311 - repeatable
        except (Differs, EngineFault, AttributeError, IndexError, ValueError):
            return True
        return False

    assert any(goes_wrong(seed) for seed in range(150))


ENDLESS = {
    "an inclusive gateway that leads back into itself": ("S>J, J>J, J>A, A>E", {"J": "inc"}),
    "a fork that feeds itself": ("S>M, M>P, P>M, P>A, A>E", {"M": "xor", "P": "par"}),
    "two inclusive joins that feed each other": (
        "S>M, M>P, P>M, P>J, J>E, P>K, K>J",
        {"M": "xor", "P": "par", "J": "inc", "K": "inc"},
    ),
    "events that multiply": ("S>J, J>J, J>A, A>E, b>E, c>E", {"J": "inc", "b": "message on A", "c": "message on A"}),
}


@pytest.mark.parametrize(("flows", "kinds"), ENDLESS.values(), ids=ENDLESS.keys())
def test_a_step_without_an_end_ends_in_seconds_and_changes_nothing(flows: str, kinds: dict[str, str]) -> None:
    """Whatever goes round, within a budget that counts runs, ticks and what joins look at."""
    process = compile_process("p", xml_of(drawn(flows, **kinds)), {}, {})
    begun = time.process_time()

    with pytest.raises(EngineFault, match="goes round without waiting") as fault:
        step(process, CASE, None, Start({}), NOW, lambda name, args: 1)

    assert fault.value.element
    assert time.process_time() - begun < 20
