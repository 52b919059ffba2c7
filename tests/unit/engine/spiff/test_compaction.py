"""Forgetting: a case of any length stays small, and nothing that a later step needs is lost."""

from __future__ import annotations

from typing import Any

from osm_flow.engine.spiff.snapshot import thaw
from osm_flow.engine.stepper import step
from osm_flow.engine.values import Start
from tests.unit.engine.diagrams import (
    BESIDE,
    CASE,
    NOW,
    REWORK,
    Case,
    again,
    alone,
    both,
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
    message,
    on,
    plain_sub,
    start,
    timer,
)


def tasks_in(case: Case) -> int:
    process = case.process
    assert case.snapshot is not None
    top = thaw(case.snapshot, process.spec, process.subprocess_specs, NOW, None)
    return sum(len(workflow.tasks) for workflow in top.workflows())


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


def test_a_long_loop_keeps_its_state_small() -> None:
    case = Case(alone(manual("a", again("more"))))
    case.complete("a", more=True)
    small = len(case.newest.snapshot)
    for _ in range(300):
        case.complete("a", more=True)
    assert len(case.newest.snapshot) < small + 60


def test_what_is_done_of_a_long_line_is_forgotten_step_by_step() -> None:
    names = [f"t{number}" for number in range(60)]
    case = Case(diagram(start(), manuals(" ".join(names)), end(), flows(" > ".join(["s", *names, "e"]))))
    kept = []
    for name in names[:-1]:
        case.complete(name)
        kept.append(tasks_in(case))
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] < 10


def test_a_subprocess_that_is_over_is_forgotten_with_all_that_was_in_it() -> None:
    case = Case(alone(plain_sub("a", many(number="3"), body="t1 > t2")))
    before = tasks_in(case)
    for instance in range(3):
        case.complete("t1", instance)
        case.complete("t2", instance)
    assert case.open == ["b"]
    assert tasks_in(case) < before / 3


REMINDED = diagram(
    start(),
    manual("a"),
    boundary("r", "a", timer("R/P1D", "timeCycle"), cancel=False),
    boundary("m", "a", on("message", "hi"), cancel=False),
    end(),
    end("e2"),
    end("e3"),
    flows("s > a > e; r > e2; m > e3"),
    roots=message("hi"),
)


def test_a_reminder_that_changed_nothing_leaves_nothing_behind() -> None:
    case = Case(REMINDED)
    case.fire("r")
    once = tasks_in(case)
    for _ in range(25):
        case.fire("r")
    assert tasks_in(case) == once


def test_what_a_side_path_brought_is_kept_until_the_case_ends() -> None:
    case = Case(REMINDED)
    for number in range(5):
        case.tell("m", **{f"said{number}": number})
        case.fire("r")
    case.complete("a", done=True)
    assert case.ended("e")
    assert case.data == {"done": True, **{f"said{number}": number for number in range(5)}}


def test_what_one_branch_did_long_ago_still_counts_where_the_branches_meet() -> None:
    names = [f"t{number}" for number in range(30)]
    xml = diagram(
        start(),
        both("p1"),
        manuals(" ".join(["a", *names, "z"])),
        both("p2"),
        end(),
        flows(f"s > p1; p1 > a > p2; p1 > {' > '.join(names)} > p2; p2 > z > e"),
    )
    case = Case(xml, {"v": "start", "w": "start"})
    case.complete("a", v="early")
    for name in names:
        case.complete(name, w=name)
    assert case.waiting("z").data == {"v": "early", "w": "t29"}
