"""Every known fault of the library, each with its smallest example: impossible here."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from osm_flow.engine import CompleteTask, EngineFault, Start, inspect, step
from osm_flow.engine.runtime import LiveCase
from osm_flow.engine.snapshot import thaw
from tests.unit.engine.diagrams import (
    CASE,
    NOW,
    Case,
    both,
    boundary,
    calendar,
    call,
    compiled,
    diagram,
    end,
    flows,
    manual,
    manuals,
    many,
    plain_sub,
    service,
    some,
    start,
    start_fault,
    timer,
    xor,
)

REWORK = diagram(start(), manual("a"), xor("g", "e"), end(), flows("s > a > g; g > a [again == true]; g > e"))


def tasks_in(case: Case) -> int:
    process = case.process
    assert case.snapshot is not None
    top = thaw(case.snapshot, process.spec, process.subprocess_specs, NOW, None)
    return sum(len(workflow.tasks) for workflow in top.workflows())


# ---- a long history ------------------------------------------------------------------------------------------------


def test_2500_turns_of_rework_neither_lose_the_case_nor_grow_its_state() -> None:
    process = compiled(REWORK)
    result = step(process, CASE, None, Start({}), NOW, calendar)
    sizes = []
    for turn in range(2_500):
        (open_task,) = result.waiting
        result = step(
            process, CASE, result.snapshot, completing(open_task, {"again": True, "turn": turn}), NOW, calendar
        )
        sizes.append(len(result.snapshot))
    assert max(sizes[10:]) <= max(sizes[:10]) + 40
    result = step(process, CASE, result.snapshot, completing(result.waiting[0], {"again": False}), NOW, calendar)
    assert result.ended
    assert result.data == {"again": False, "turn": 2_499}


def completing(waiting: Any, data: dict[str, Any]) -> CompleteTask:
    return CompleteTask(waiting.task_id, data)


def test_120_turns_with_a_join_beside_a_waiting_branch_keep_the_state_small() -> None:
    case = Case(BESIDE)
    small = 0
    for turn in range(120):
        for name in ("t1", "t2") if turn % 2 else ("t2", "t1"):
            reload_and_complete(case, name)
        reload_and_complete(case, "t3", again=True)
        assert case.open == ["t1", "t2", "t4"]
        small = small or tasks_in(case)
        assert tasks_in(case) <= small + 2


def reload_and_complete(case: Case, name: str, **data: Any) -> None:
    """A step of the reloading player alone: without compaction so long a walk would be too deep."""
    command = completing(case.waiting(name), data)
    case.newest = step(case.process, CASE, case.snapshot, command, NOW, calendar)
    case.snapshot = case.newest.snapshot


def test_an_endless_automatic_loop_is_a_fault_at_its_element() -> None:
    xml = diagram(start(), xor("g"), xor("h", "g"), end(), flows("s > g > h; h > g; h > e [never == true]"))
    fault = start_fault(xml, {"never": False})
    assert fault.element in ("g", "h")
    assert "goes round" in fault.reason


def test_a_history_too_deep_is_refused_and_not_lost() -> None:
    live = LiveCase(compiled(REWORK), CASE, compacting=False)
    result = live.advance(Start({}), NOW, calendar)

    def rework() -> None:
        nonlocal result
        for _ in range(1_200):
            assert len(result.waiting) == 1
            result = live.advance(completing(result.waiting[0], {"again": True}), NOW, calendar)

    with pytest.raises(EngineFault, match="deeper"):
        rework()


@pytest.mark.parametrize("length", [380])
def test_a_long_diagram_can_be_cut_off_anywhere(length: int) -> None:
    names = [f"t{n}" for n in range(length)]
    xml = diagram(start(), manual("a"), boundary("b", "a", timer("P1D")), end("e2"), manuals(" ".join(names)), end(),
                  flows(" > ".join(["s", "a", *names, "e"])), flows("b > e2"))  # fmt: skip

    def deeply(levels: int, act: Any) -> Any:
        return deeply(levels - 1, act) if levels else act()

    case = deeply(150, lambda: Case(xml))
    deeply(150, lambda: case.fire("b"))
    assert case.ended("e2")


# ---- joins -----------------------------------------------------------------------------------------------------------

LOOPED_JOIN = diagram(start(), xor("l"), both("p1"), manuals("a b c"), both("p2"), xor("g", "e"), end(),
                      flows("s > l > p1; p1 > a > p2; p1 > b > p2; p2 > c > g; g > l [again == true]; g > e"))  # fmt: skip


def test_a_join_in_a_loop_waits_for_both_branches_on_every_turn() -> None:
    case = Case(LOOPED_JOIN)
    for turn in range(12):
        first, second = ("a", "b") if turn % 2 else ("b", "a")
        case.complete(first)
        assert case.open == [second]
        case.complete(second)
        assert case.open == ["c"]
        case.complete("c", again=True)


BESIDE = diagram(start(), both("p1"), manuals("t1 t2 t3 t4"), xor("l"), both("q1"), both("q2"), xor("g", "p2"), both("p2"), end(),
                 flows("s > p1; p1 > t4 > p2; p1 > l > q1; q1 > t1 > q2; q1 > t2 > q2; q2 > t3 > g; g > l [again == true]; g > p2; p2 > e"))  # fmt: skip


def test_a_join_in_a_loop_beside_a_waiting_branch() -> None:
    """`p2( t4 | L( p1( t1 | t2 ) > t3 ) )`: t1, t4, t2, t3(again), then t2 must leave t1 open."""
    case = Case(BESIDE)
    case.line("t1", "t4", "t2")
    case.complete("t3", again=True)
    case.complete("t2")
    assert case.open == ["t1"]
    case.complete("t1")
    assert case.open == ["t3"]
    case.complete("t3", again=False)
    assert case.ended()


def test_a_join_merges_what_each_branch_changed_whoever_comes_last() -> None:
    """`L( p( a | b ) > g )`: turn 2 sets ok in a, b comes last with its old copy."""
    xml = diagram(start(), xor("l"), both("p1"), manuals("a b"), both("p2"), xor("g", "l"), end(),
                  flows("s > l > p1; p1 > a > p2; p1 > b > p2; p2 > g; g > e [ok == true]; g > l"))  # fmt: skip
    for order in ("ab", "ba"):
        case = Case(xml)
        case.complete("a", ok=False)
        case.complete("b")
        assert case.open == ["a", "b"]
        for name in order:
            case.complete(name, **({"ok": True} if name == "a" else {}))
        assert case.ended()


def test_two_changes_of_one_value_at_a_join_are_taken_in_the_order_of_arrival() -> None:
    xml = diagram(
        start(), both("p1"), manuals("a b c"), both("p2"), end(), flows("s > p1; p1 > a > p2; p1 > b > p2; p2 > c > e")
    )
    for order in ("ab", "ba"):
        case = Case(xml)
        for name in order:
            case.complete(name, v=name)
        assert case.waiting("c").data == {"v": order[-1]}


def test_an_inclusive_join_looks_along_every_input() -> None:
    """`o( L( t2 > x( t3 | t4 ) > t5 ) | t6 ) > t8`: t6 done while t4 is open must not open t8."""
    xml = diagram(start(), some("o1", "t6"), xor("l"), manuals("t2 t3 t4 t5 t6 t8"), xor("x1", "t4"), xor("x2"), xor("g", "o2"), some("o2"), end(),
                  flows("s > o1; o1 > l [true]; o1 > t6; l > t2 > x1; x1 > t3 [left == true]; x1 > t4; t3 > x2; t4 > x2; x2 > t5 > g; "
                        "g > l [again == true]; g > o2; t6 > o2; o2 > t8 > e"))  # fmt: skip
    both_ways = xml.replace(b' default="o1-t6"', b"").replace(
        b'sourceRef="o1" targetRef="t6"></bpmn:sequenceFlow>',
        b'sourceRef="o1" targetRef="t6"><bpmn:conditionExpression>true</bpmn:conditionExpression></bpmn:sequenceFlow>',
    )
    case = Case(both_ways, {"left": False, "again": False})
    assert case.open == ["t2", "t6"]
    case.complete("t6")
    assert case.open == ["t2"]
    case.complete("t2")
    assert case.open == ["t4"]
    case.line("t4", "t5")
    assert case.open == ["t8"]


def test_an_inclusive_join_in_a_loop_does_not_look_through_itself() -> None:
    """`L( t2 > o( t3 > x( t4 | ) | t5 | t6 ) > t7 )`: turn 3, t5 done while t3 is open must not open t7."""
    xml = diagram(start(), xor("l"), manuals("t2 t3 t4 t5 t6 t7"), some("o1", "t6"), xor("x1", "x2"), xor("x2"), some("o2"), xor("g", "e"), end(),
                  flows("s > l > t2 > o1; o1 > t3 [one == true]; o1 > t5 [two == true]; o1 > t6; t3 > x1; x1 > t4 [four == true]; x1 > x2; t4 > x2; "
                        "x2 > o2; t5 > o2; t6 > o2; o2 > t7 > g; g > l [again == true]; g > e"))  # fmt: skip
    case = Case(xml, {"four": False})
    for _ in range(2):
        case.complete("t2", one=True, two=True)
        case.line("t5")
        assert case.open == ["t3"]
        case.line("t3")
        case.complete("t7", again=True)
    case.complete("t2", one=True, two=True)
    case.complete("t5")
    assert case.open == ["t3"]
    case.complete("t3", four=True)
    assert case.open == ["t4"]
    case.complete("t4")
    assert case.open == ["t7"]


def test_a_token_that_no_join_took_keeps_the_case_from_ending() -> None:
    """Two tokens on one input, one on the other: the second must not vanish in a case that calls itself complete."""
    xml = diagram(start(), both("p1"), manuals("a b c"), xor("m"), both("p2"), end(),
                  flows("s > p1; p1 > a > m; p1 > b > m; m > p2; p1 > c > p2; p2 > e"))  # fmt: skip
    case = Case(xml)
    case.line("a", "b", "c")
    assert not case.newest.ended
    assert case.newest.is_stuck


# ---- instances after a boundary event ------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["manual", "subprocess", "call", "service"])
@pytest.mark.parametrize("between", ["", "t", "g", "nested"])
def test_instances_on_the_path_of_a_boundary_event(body: str, between: str) -> None:
    node = {"manual": manual, "call": call, "service": service}.get(body, lambda n, loop: plain_sub(n, loop, body="w"))(
        "mi", many(number="2")
    )
    middle = {
        "": "",
        "t": manual("t"),
        "g": xor("g"),
        "nested": manual("t") + boundary("b2", "t", timer("PT1H")) + xor("j"),
    }[between]
    path = {"": "b1 > mi", "t": "b1 > t > mi", "g": "b1 > g > mi", "nested": "b1 > t > j > mi; b2 > j"}[between]
    xml = diagram(
        start(),
        manual("t1"),
        boundary("b1", "t1", timer("P1D")),
        middle,
        node,
        end(),
        end("e2"),
        flows(f"s > t1 > e; {path}; mi > e2"),
    )
    case = Case(xml)
    case.fire("b1")
    if between == "nested":
        case.fire("b2")
    elif between == "t":
        case.complete("t")
    name = "w" if body == "subprocess" else "mi"
    assert case.open == [name, name]
    for index in (1, 0):
        {"call": case.child, "service": case.finish}.get(body, case.complete)(name, index)
    assert case.ended("e2")
    unhurried = Case(xml)
    unhurried.complete("t1")
    assert unhurried.ended("e")


# ---- the same everywhere -----------------------------------------------------------------------------------------------

HASHING = "from tests.unit.engine.test_known_traps import walked; print(walked())"


def walked() -> str:
    """The digests of a walk through inclusive gateways, joins, boundary events, subprocesses and instances."""
    xml = diagram(start(), some("o1", "z"), *(manual(n) for n in "vwxyz"), some("o2"), plain_sub("sp", many(number="3"), body="i"),
                  boundary("b", "sp", timer("P1D"), cancel=False), end(), end("e2"),
                  flows("s > o1; o1 > v [1 in c]; o1 > w [2 in c]; o1 > x [3 in c]; o1 > y [4 in c]; o1 > z; v > o2; w > o2; x > o2; y > o2; z > o2;"
                        "o2 > sp > e; b > e2"))  # fmt: skip
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
    root = Path(__file__).parents[3]
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


# ---- data ------------------------------------------------------------------------------------------------------------


def test_a_field_named_typename_is_just_a_field() -> None:
    case = Case(REWORK, {"typename": "x", "row": {"typename": "UUID", "value": "no uuid"}})
    case.complete("a", typename="set", value=[1], again=True, deep={"rows": [{"typename": "Task"}]})
    data = case.waiting("a").data
    assert data["typename"] == "set"
    assert data["row"] == {"typename": "UUID", "value": "no uuid"}
    assert data["deep"] == {"rows": [{"typename": "Task"}]}
    case.complete("a", again=False)
    assert case.ended()


def test_values_cannot_be_changed_from_outside_nor_between_branches() -> None:
    xml = diagram(
        start(), both("p1"), manuals("a b c"), both("p2"), end(), flows("s > p1; p1 > a > p2; p1 > b > p2; p2 > c > e")
    )
    process = compiled(xml)
    live = LiveCase(process, CASE)
    given = {"plan": {"rows": [1]}}
    result = live.advance(Start(given), NOW, calendar)
    given["plan"]["rows"].append(2)
    typed = {"note": {"rows": [1]}}
    waiting = next(w for w in result.waiting if w.element == "a")
    result = live.advance(completing(waiting, typed), NOW, calendar)
    typed["note"]["rows"].append(2)
    (other,) = result.waiting
    assert other.data == {"plan": {"rows": [1]}}
    result = live.advance(completing(other, {}), NOW, calendar)
    assert result.waiting[0].data == {"plan": {"rows": [1]}, "note": {"rows": [1]}}


def test_what_a_step_gave_out_is_no_door_into_the_case() -> None:
    process = compiled(REWORK)
    result = step(process, CASE, None, Start({"plan": {"rows": [1]}}), NOW, calendar)
    result.waiting[0].data["plan"]["rows"].append(2)
    result.data["plan"]["rows"].append(3)
    after = step(process, CASE, result.snapshot, completing(result.waiting[0], {"again": True}), NOW, calendar)
    assert after.waiting[0].data["plan"] == {"rows": [1]}


@pytest.mark.parametrize("value", [10**30, {1: 2}, {"a"}, "\ud800", NOW.tzinfo])
def test_a_value_that_cannot_be_stored_is_a_fault_and_nothing_is_kept(value: Any) -> None:
    case = Case(REWORK)
    case.fault(lambda: case.complete("a", again=True, x=value))
    case.complete("a", again=False)
    assert case.ended()


def test_a_fault_inside_a_step_leaves_the_stored_state_usable() -> None:
    xml = diagram(
        start(),
        manual("a"),
        xor("g"),
        manuals("b c"),
        end(),
        end("e2"),
        flows("s > a > g; g > b [kind == 1]; g > c [kind == 2]; b > e; c > e2"),
    )
    process = compiled(xml)
    first = step(process, CASE, None, Start({}), NOW, calendar)
    for wrong in ({}, {"kind": 3}, {"kind": "x" * 10}):
        with pytest.raises(EngineFault) as raised:
            step(process, CASE, first.snapshot, completing(first.waiting[0], wrong), NOW, calendar)
        assert raised.value.element == "g"
    assert inspect(process, CASE, first.snapshot) == first.waiting
    again = step(process, CASE, first.snapshot, completing(first.waiting[0], {"kind": 2}), NOW, calendar)
    assert [w.element for w in again.waiting] == ["c"]


# ---- the shared definition -----------------------------------------------------------------------------------------------


def fingerprint(value: Any, seen: set[int] | None = None) -> Any:
    """The whole structure of a compiled process as plain values."""
    seen = set() if seen is None else seen
    if isinstance(value, str | int | float | bytes | bool | type(None)):
        return value
    if isinstance(value, dict):
        return [(str(k), fingerprint(v, seen)) for k, v in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [fingerprint(v, seen) for v in value]
    if id(value) in seen or not hasattr(value, "__dict__"):
        return type(value).__name__
    seen.add(id(value))
    return type(value).__name__, fingerprint(vars(value), seen)


def test_running_cases_never_changes_the_compiled_process() -> None:
    xml = diagram(start(), manual("a"), boundary("r", "a", timer("R/PT1H", "timeCycle"), cancel=False), both("p1"), plain_sub("sp", many(number="2"), body="i"),
                  call("k"), boundary("b", "k", timer("P1D")), xor("m"), both("p2"), xor("g", "e"), end(), end("e2"),
                  flows("s > a > p1; p1 > sp > p2; p1 > k > m; b > m; m > p2; p2 > g; g > a [again == true]; g > e; r > e2"))  # fmt: skip
    process = compiled(xml)
    before = fingerprint(process)
    assert len(str(before)) > 5_000
    for seed in range(15):
        rng = random.Random(seed)  # noqa: S311 - a repeatable walk
        case = Case(process)
        for _ in range(25):
            if case.newest.ended:
                break
            found = rng.choice(case.newest.waiting)
            if found.kind == "timer":
                case.fire(found.element)
            elif found.kind == "child":
                case.child(found.element)
            else:
                case.complete(found.element, found.instance, again=rng.random() < 0.5)
        assert fingerprint(process) == before
