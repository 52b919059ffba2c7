"""The heart of the engine: a random model has one visible course, whoever plays it.

Players: a token game over the model's own tree, the engine kept in memory, the engine with compaction switched off,
the engine reloaded after every step, the replay of its record, and stock SpiffWorkflow where stock is right.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.util.task import TaskState

from osm_flow.engine import Process, compile_process, lint
from osm_flow.engine.rules import RULES
from osm_flow.engine.simulation.walk import Assumptions, Simulation
from tests.unit.engine.models import Block, Choice, Scope, answers, first_answers, kinds, models, number, walk, xml_of

MAX_STEPS = 40
PROFILE = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def has_nested_instances(block: Block) -> bool:
    """Instances inside instances cannot be told apart from outside by one index."""
    return any(kinds(part) & {"mi", "call", "raised"} for b in walk(block) if b.kind == "mi" for part in b.parts)


def processes_of(xml: bytes) -> Any:
    assert [p for p in lint(xml, forms={}, decisions={}, topics=()) if p.level == "error"] == []
    cache: dict[str, Process] = {}

    def find(key: str) -> Process:
        if key not in cache:
            cache[key] = compile_process(key, xml, {}, {})
        return cache[key]

    return find


def typed(choice: Choice, block: Block, rng: random.Random, number: int) -> dict[str, Any]:
    """A unique value for each act shows which data a token carries; tokens aside write only that."""
    if choice.how in ("timer", "last"):
        return {}
    own = {f"m{number}": choice.element}
    if choice.element.endswith("_judge"):
        return {**own, f"c_{choice.element.removesuffix('_judge')}": rng.random() < 0.5}
    beside = choice.how == "message" or choice.element.endswith("_extra")
    return own if beside else {**answers(block, rng), **own}


def visible(data: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if k not in ("fy", "office", "provinces", "started_by")}


def play(block: Block, seed: int, mode: Any, compacting: bool = True, old: int = 0) -> Simulation:
    """Play one random course, the token game judging every step: what is open, which data it sees, how it ends.

    The first `old` steps are taken by rules 1 of the engine.
    """
    rng = random.Random(seed)  # noqa: S311 - a repeatable walk
    begin = first_answers(block)
    game = Scope(block, begin)
    simulation = Simulation(
        processes_of(xml_of(block)), "p", mode=mode, compacting=compacting, assumed=Assumptions(begin)
    )
    simulation.rules = 1 if old else RULES
    simulation.begin()
    for turn in range(MAX_STEPS):
        simulation.rules = 1 if turn < old else RULES
        expected = game.open()
        found = simulation.opened()
        assert sorted(c.element for c in expected) == sorted(w.element for _, w in found)
        if not expected:
            break
        choice = rng.choice(expected)
        alike = [(c, w) for c, w in found if (w.element, w.instance) == (choice.element, choice.instance)]
        if choice.how == "task":
            # of several open tasks of one element, from several turns of a loop, the one with the same data
            alike = [(c, w) for c, w in alike if visible(w.data) == choice.game.data]
        assert alike, f"nobody opened {choice.element} with {choice.game.data}"
        case, waiting = alike[0]
        data = typed(choice, block, rng, turn)
        choice.game.choose(choice.how, data)
        game.settle()
        simulation.take(case, waiting, data)
    assert simulation.is_over() == game.done
    if game.done:
        assert visible(simulation.data()) == game.data
    return simulation


@pytest.mark.parametrize(
    ("mode", "compacting"), [("live", True), ("live", False), ("reload", True)], ids=["live", "uncompacted", "reload"]
)
@given(block=models(), seed=st.integers(0, 10_000))
@PROFILE
def test_the_engine_plays_as_the_token_game(mode: Any, compacting: bool, block: Block, seed: int) -> None:
    """Live, without compaction and reloaded after every step: the same tasks, the same data, the same end."""
    assume(not has_nested_instances(block))
    play(block, seed, mode, compacting)


@given(block=models(), seed=st.integers(0, 10_000))
@PROFILE
def test_replay_of_the_record_is_the_walk(block: Block, seed: int) -> None:
    """Folding the record gives every state digest again, and the same open elements."""
    assume(not has_nested_instances(block))
    simulation = play(block, seed, "reload")
    before = [step["open"] for step in simulation.walk.steps]

    simulation.replay()

    assert [step["open"] for step in simulation.walk.steps] == before


@pytest.mark.parametrize("mode", ["live", "reload"])
@given(block=models(), seed=st.integers(0, 10_000), old=st.integers(1, 12))
@PROFILE
def test_a_case_of_rules_1_goes_on_by_the_newest(mode: Any, block: Block, seed: int, old: int) -> None:
    """At whatever step the new version is installed: nothing that was open is lost, and the record replays by both."""
    assume(not has_nested_instances(block))
    simulation = play(block, seed, mode, old=old)
    before = [step["open"] for step in simulation.walk.steps]

    simulation.replay()

    assert [step["open"] for step in simulation.walk.steps] == before


HELD_OTHERWISE = Block(
    "par",
    [
        Block("task"),
        Block("seq", [Block("race", [Block("task"), Block("task")]), Block("told")]),
        Block("task"),
    ],
)


@given(block=models(), seed=st.integers(0, 10_000))
@example(block=number(HELD_OTHERWISE), seed=4066)
@settings(PROFILE, max_examples=int(os.environ.get("OSM_MODELS", "120")))
def test_live_and_reloaded_states_are_the_same_bytes(block: Block, seed: int) -> None:
    """Whether a case stayed in memory or was loaded before each step cannot be seen in its state."""
    assume(not has_nested_instances(block))
    live, reloaded = play(block, seed, "live"), play(block, seed, "reload")

    assert {c.id: c.snapshot for c in live.cases.values()} == {c.id: c.snapshot for c in reloaded.cases.values()}


# ---- stock -----------------------------------------------------------------------------------------------------------


def stock_is_right(block: Block) -> bool:
    """Stock joins fail inside loops, and instances merge differently; the rest is stock's home ground."""
    looped = {kind for b in walk(block) if b.kind == "loop" for kind in kinds(b)}
    return not looped & {"par", "mi"} and "side" not in kinds(block)


class Stock:
    """Stock SpiffWorkflow on the same file."""

    def __init__(self, xml: bytes, data: dict[str, Any]) -> None:
        parser = BpmnParser()
        parser.add_bpmn_str(xml)
        self.workflow = BpmnWorkflow(parser.get_spec("p"), parser.get_subprocess_specs("p"))
        self.workflow.task_tree.data.update(data)
        self.workflow.do_engine_steps()

    def opened(self) -> list[Any]:
        return list(self.workflow.get_tasks(state=TaskState.READY, manual=True))

    def take(self, task: Any, data: dict[str, Any]) -> None:
        task.data.update(data)
        task.run()
        self.workflow.do_engine_steps()


@given(block=models(extra=False), seed=st.integers(0, 10_000))
@PROFILE
def test_stock_opens_the_same_tasks_where_stock_is_right(block: Block, seed: int) -> None:
    """On its home ground the library as it comes opens the same tasks as our classes on top of it."""
    assume(stock_is_right(block) and not has_nested_instances(block))
    rng = random.Random(seed)  # noqa: S311 - a repeatable walk
    begin = first_answers(block)
    xml = xml_of(block).replace(b" == true", b"")
    stock = Stock(xml, begin)
    simulation = Simulation(processes_of(xml), "p", assumed=Assumptions(begin))
    simulation.begin()
    for turn in range(MAX_STEPS):
        ours = sorted(simulation.opened(), key=lambda pair: (pair[1].element, pair[1].instance or 0))
        theirs = sorted(stock.opened(), key=lambda task: task.task_spec.bpmn_id)
        assert [w.element for _, w in ours] == [t.task_spec.bpmn_id for t in theirs]
        if not ours:
            break
        singles = [i for i, (_, w) in enumerate(ours) if w.instance is None]
        index = rng.choice(singles) if singles else 0
        # each variable of a choice is written by everybody, so that the order of merging cannot decide a gateway
        data = {**begin, f"m{turn}": 1}
        case, waiting = ours[index]
        stock.take(theirs[index], data)
        simulation.take(case, waiting, data)
    assert simulation.is_over() == stock.workflow.is_completed()
