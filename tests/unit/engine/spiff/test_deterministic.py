"""The same run everywhere: ids, order and time come from the case alone, and ending a task ends all that is below it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osm_flow.engine.errors import EngineFault
from osm_flow.engine.rules import RULES
from osm_flow.engine.spiff import deterministic
from osm_flow.engine.spiff.deterministic import CaseWorkflow
from osm_flow.engine.spiff.snapshot import thaw
from osm_flow.engine.stepper import LiveCase, step
from osm_flow.engine.values import Command, CompleteTask, FireTimer, Replan, Start, Step
from tests.unit.engine.diagrams import (
    CASE,
    LOOPED_JOIN,
    NOW,
    Case,
    boundary,
    calendar,
    compiled,
    completing,
    diagram,
    end,
    flows,
    manual,
    manuals,
    many,
    plain_sub,
    properties,
    some,
    start,
    sub,
    timer,
    user,
)


@pytest.mark.parametrize("length", [380])
def test_a_long_diagram_can_be_cut_off_anywhere(length: int) -> None:
    names = [f"t{n}" for n in range(length)]
    xml = diagram(
        start(),
        manual("a"),
        boundary("b", "a", timer("P1D")),
        end("e2"),
        manuals(" ".join(names)),
        end(),
        flows(" > ".join(["s", "a", *names, "e"])),
        flows("b > e2"),
    )

    def deeply(levels: int, act: Any) -> Any:
        return deeply(levels - 1, act) if levels else act()

    case = deeply(150, lambda: Case(xml))
    deeply(150, lambda: case.fire("b"))
    assert case.ended("e2")


HASHING = "from tests.unit.engine.spiff.test_deterministic import walked; print(walked())"


def walked() -> str:
    """The digests of a walk through inclusive gateways, joins, boundary events, subprocesses and instances."""
    xml = diagram(
        start(),
        some("o1", "z"),
        *(manual(n) for n in "vwxyz"),
        some("o2"),
        plain_sub("sp", many(number="3"), body="i"),
        boundary("b", "sp", timer("P1D"), cancel=False),
        end(),
        end("e2"),
        flows(
            "s > o1; o1 > v [1 in c]; o1 > w [2 in c]; o1 > x [3 in c]; o1 > y [4 in c]; o1 > z; v > o2; w > o2; x > o2; y > o2; z > o2;"
            "o2 > sp > e; b > e2"
        ),
    )
    case = Case(xml, {"c": [1, 2, 3, 4], "plan": {"b": 1, "a": 2}})
    digests = [case.newest.digest]
    rng = random.Random(5)  # noqa: S311 - a repeatable walk
    while not case.newest.ended:
        found = rng.choice(case.newest.waiting)
        if found.kind == "timer":
            digests.append(case.fire("b").digest)
        else:
            digests.append(
                case.complete(found.element, found.instance, **{f"k{len(digests)}": {"n": len(digests)}}).digest
            )
    return " ".join(digests)


def test_the_bytes_of_a_state_do_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).parents[4]
    outputs = set()
    for seed in ("0", "1", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)}
        done = subprocess.run(
            [sys.executable, "-c", HASHING], env=environment, cwd=root, capture_output=True, text=True, check=True
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().split()) > 8


def test_when_a_case_is_saved_and_loaded_makes_no_difference() -> None:
    process = compiled(LOOPED_JOIN)
    walks = []
    for pattern in range(8):
        live = LiveCase(process, CASE)
        result = live.advance(Start({"plan": {"rows": [1]}}), NOW, calendar)
        digests = [result.digest]
        for number, name in enumerate(["b", "a", "c", "a", "b", "c"]):
            if pattern >> (number % 3) & 1:
                live = LiveCase(process, CASE, result.snapshot)
            waiting = next(w for w in result.waiting if w.element == name)
            result = live.advance(completing(waiting, {"plan": {"rows": [number]}, "again": number < 4}), NOW, calendar)
            digests.append(result.digest)
        assert result.ended
        walks.append(digests)
    assert all(digests == walks[0] for digests in walks)


def fresh(xml: bytes, data: dict[str, Any] | None = None) -> CaseWorkflow:
    """A workflow in memory that has not run yet."""
    process = compiled(xml)
    workflow = CaseWorkflow(process.spec, process.subprocess_specs, NOW, calendar)
    workflow.task_tree.data = data or {}
    return workflow


LINE = diagram(start(), manuals("a b"), end(), flows("s > a > b > e"))


def test_ids_and_times_are_counted_and_not_drawn() -> None:
    first, second = fresh(LINE), fresh(LINE)
    assert [task.id for task in first.tasks.values()] == list(range(1, len(first.tasks) + 1))
    assert [task.id for task in first.tasks.values()] == [task.id for task in second.tasks.values()]
    assert first.next_id() == len(first.tasks) + 1
    before = first.ticks
    assert (first.tick(), first.tick()) == (before + 1, before + 2)
    assert all(0 < task.last_state_change <= before for task in first.tasks.values())


def test_the_same_walk_names_its_tasks_the_same_whenever_it_is_walked() -> None:
    walks = []
    for days in (0, 400):
        case = Case(LOOPED_JOIN)
        case.now = NOW + timedelta(days=days)
        case.line("b", "a")
        case.complete("c", again=True)
        walks.append([waiting.task_id for waiting in case.newest.waiting])
    assert walks[0] == walks[1]
    assert len(walks[0]) == 2


def test_a_new_step_forgets_what_the_one_before_gave_out() -> None:
    workflow = fresh(LINE)
    workflow.throw_out("message", "msg.hi", "a", {"x": 1})
    workflow.passed.append(("spec", 1, None))
    later = NOW + timedelta(hours=1)
    workflow.begin_step(later, None)
    assert (workflow.thrown, workflow.passed, workflow.now) == ([], [], later)
    assert workflow.script_engine.lookup is None


def test_data_are_shared_between_tasks_and_never_changed_in_place() -> None:
    workflow = fresh(LINE, {"x": 1})
    task = workflow.task_tree
    shared = task.data
    task.set_data(y=2)
    assert shared == {"x": 1}
    assert task.data == {"x": 1, "y": 2}


def test_ending_a_task_ends_every_subprocess_below_it() -> None:
    deep = sub("a", start("as"), plain_sub("b", many(number="2"), body="t"), end("ae"), flows("as > b > ae"))
    xml = diagram(
        start(),
        deep,
        boundary("x", "a", timer("P1D")),
        manuals("c d"),
        end(),
        end("e2"),
        flows("s > a > c > e; x > d > e2"),
    )
    case = Case(xml)
    assert case.open == ["t", "t", "x"]
    assert len(workflows(case)) == 4
    case.fire("x")
    assert case.open == ["d"]
    assert len(workflows(case)) == 1


def workflows(case: Case) -> list[Any]:
    """The workflow of a case and those of its subprocesses, as they are stored."""
    assert case.snapshot is not None
    return thaw(case.snapshot, case.process.spec, case.process.subprocess_specs, NOW, None).workflows()


def test_what_a_reminder_sent_off_lives_on_when_its_activity_is_over() -> None:
    xml = diagram(
        start(),
        manual("a"),
        boundary("r", "a", timer("PT1H"), cancel=False),
        plain_sub("side", body="t"),
        end(),
        end("e2"),
        flows("s > a > e; r > side > e2"),
    )
    case = Case(xml)
    case.fire("r")
    case.complete("a")
    assert case.open == ["t"]
    case.complete("t", late=True)
    assert case.ended()
    assert case.data == {"late": True}


def test_each_period_of_a_date_counts_from_when_it_was_first_asked_for() -> None:
    """A calendar that moved later asks milestones and distances anew; periods of other lengths do not stand in for it."""
    dates = {"c_dueDate": "after(working_days(2), 1)", "c_followUpDate": "calendar_days(3)"}
    case = Case(diagram(start(), user("a", **dates), end(), flows("s > a > e")))

    def moved(name: str, args: tuple[Any, ...]) -> Any:
        if name != "after":
            return "2030-01-01T00:00:00+00:00"
        return (datetime.fromisoformat(args[0]) + timedelta(days=7 * args[1])).isoformat()

    case.replan(moved)
    assert case.waiting("a").due_at == NOW + timedelta(days=2 + 7)
    assert case.waiting("a").follow_up_at == NOW + timedelta(days=3)


BESIDE_A_TIMER = diagram(
    start(),
    manual("a"),
    boundary("b", "a", timer("P1D")),
    manual("mi", many(number="2")),
    end(),
    end("e2"),
    flows("s > a > e; b > mi > e2"),
)


def test_a_state_has_the_digest_that_journals_kept_of_it() -> None:
    """Another digest here is another stored state: it wants new rules of the engine and a reader of these."""
    case = Case(BESIDE_A_TIMER, {"x": 1})
    digests = [case.newest.digest, case.fire("b").digest, case.complete("mi", 1, y=2).digest]

    assert [digest[:16] for digest in digests] == ["812b9da044102155", "e6cf7bddd88e1420", "18037082706c06ec"]


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (1, ["da05f48aa071a509", "e2db16e2645ad3de", "79c48241bb6f1a88"]),
        (2, ["a8afdb015e4f7dd1", "faa277dd5cd688fa", "5e2d163371a21469"]),
    ],
)
def test_older_rules_give_the_digests_that_journals_kept_of_them(rules: int, kept: list[str]) -> None:
    live = LiveCase(compiled(BESIDE_A_TIMER), CASE)

    def moved(command: Command) -> Step:
        return live.advance(command, NOW, calendar, rules)

    first = moved(Start({"x": 1}))
    second = moved(FireTimer(next(w.task_id for w in first.waiting if w.element == "b")))
    third = moved(CompleteTask(next(w.task_id for w in second.waiting if w.instance == 1), {"y": 2}))

    digests = [step.digest[:16] for step in (first, second, third)]
    assert digests == kept


def test_a_step_by_rules_that_are_not_known_yet_is_refused() -> None:
    with pytest.raises(EngineFault, match="newer than this version"):
        LiveCase(compiled(BESIDE_A_TIMER), CASE).advance(Start({}), NOW, calendar, RULES + 1)


def test_a_step_by_rules_older_than_the_state_is_refused() -> None:
    case = Case(BESIDE_A_TIMER, {"x": 1})

    with pytest.raises(EngineFault, match=f"rules {RULES}"):
        step(case.process, CASE, case.newest.snapshot, Replan(), NOW, calendar, 1)


def test_a_step_without_an_end_ends_all_the_same(monkeypatch: Any) -> None:
    """Whatever keeps a step going, it counts: the budget ends it, also where no task is run."""
    monkeypatch.setattr(deterministic, "MOST_TICKS", 50)

    with pytest.raises(EngineFault, match="without waiting for anybody"):
        Case(diagram(start(), manual("a", many(number="100")), end(), flows("s > a > e")))


SHUFFLED = diagram(
    start(),
    user("a", properties(document="doc", subject="${rows}")),
    manual("each", many("rows", item="row")),
    manual("both", many("rows", item="row", sequential=True), properties(collect="all")),
    end(),
    flows("s > a > each > both > e"),
)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_names_is_no_part_of_a_state(rng: random.Random) -> None:
    """A form, a record and a loaded state hold the same values in another order: the digests are the same."""

    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(item) for item in value]
        if not isinstance(value, dict):
            return value
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    begin = {"rows": {"z": {"b": 1, "a": [2, {"d": 3, "c": 4}]}, "y": {"q": 1, "p": 2}}, "n": 1, "m": 2}
    values = {"k": {"v": 1, "u": {"t": 2, "s": 3}}, "j": [{"h": 1, "g": 2}]}

    def digests(order: Any) -> list[str]:
        case = Case(SHUFFLED, order(begin))
        steps = [case.newest, case.complete("a", **order(values))]
        while case.newest.waiting:
            first = case.newest.waiting[0]
            steps.append(case.complete(first.element, first.instance, **order(values)))
        return [step.digest for step in steps]

    assert digests(shuffled) == digests(lambda value: value)
