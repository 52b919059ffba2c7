"""What can never go on: joins whose missing tokens cannot come any more, in the whole case, a branch or a subprocess."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine.standstills import Standstill, standstills
from tests.unit.engine.diagrams import (
    ROOTS,
    Case,
    around,
    both,
    boundary,
    catch,
    element,
    end,
    flows,
    manual,
    manuals,
    many,
    on,
    plain_sub,
    race,
    some,
    start,
    sub,
    timer,
    xor,
)

CHOICE = "g > a [x]; g > b; a > j; b > j"


def found(case: Case) -> list[Standstill]:
    assert case.snapshot is not None
    return list(standstills(case.process, case.newest and "00000000-0000-4000-8000-000000000001", case.snapshot))


def told(case: Case) -> list[tuple[str | None, tuple[str, ...], tuple[str, ...]]]:
    return [(s.element, s.arrived, s.missing) for s in found(case)]


def chosen(*inner: str, path: str, x: bool = True, do: tuple[str, ...] = (), **data: Any) -> Case:
    case = Case(around(*inner, path=path), {"x": x, **data})
    case.line(*do)
    return case


# what is drawn, the path, what is done, whether everything stands, what is found
ONE_WAY: dict[str, tuple[tuple[str, ...], str, tuple[str, ...], bool, list[Any]]] = {
    "a choice into a parallel join": (
        (xor("g", "b"), manuals("a b"), both("j")),
        f"s > g; {CHOICE}; j > e",
        ("a",),
        True,
        [("j", ("a",), ("b",))],
    ),
    "straight into it": (
        (xor("g", "b"), manuals("a b"), both("j")),
        "s > a > g; g > j [x]; g > b > j; j > e",
        ("a",),
        True,
        [("j", ("g",), ("b",))],
    ),
    "through more steps": (
        (xor("g", "b"), manuals("a a2 b b2"), both("j")),
        "s > g; g > a [x]; g > b; a > a2 > j; b > b2 > j; j > e",
        ("a", "a2"),
        True,
        [("j", ("a2",), ("b2",))],
    ),
    "before it is known": (
        (xor("g", "b"), manuals("a a2 b b2"), both("j")),
        "s > g; g > a [x]; g > b; a > a2 > j; b > b2 > j; j > e",
        ("a",),
        False,
        [],
    ),
    "one branch of three, the others go on": (
        (both("p1"), xor("g", "b"), manuals("a b c d"), both("j"), end("e2")),
        f"s > p1; p1 > g; p1 > c > e2; {CHOICE}; j > d > e",
        ("a",),
        False,
        [("j", ("a",), ("b",))],
    ),
    "a join behind a join": (
        (both("p1"), xor("g", "b"), manuals("a b c"), both("j"), both("k")),
        f"s > p1; p1 > g; p1 > c > k; {CHOICE}; j > k; k > e",
        ("a", "c"),
        True,
        [("j", ("a",), ("b",)), ("k", ("c",), ("j",))],
    ),
    "an inclusive join behind a join": (
        (both("p1"), xor("g", "b"), manuals("a b c"), both("j"), some("k")),
        f"s > p1; p1 > g; p1 > c > k; {CHOICE}; j > k; k > e",
        ("a", "c"),
        True,
        [("j", ("a",), ("b",)), ("k", ("c",), ("j",))],
    ),
    "a sound fork": (
        (both("p1"), manuals("a b"), both("j")),
        "s > p1; p1 > a > j; p1 > b > j; j > e",
        ("a",),
        False,
        [],
    ),
    "a choice that meets in a choice": (
        (xor("g", "b"), manuals("a b"), xor("j")),
        f"s > g; {CHOICE}; j > e",
        (),
        False,
        [],
    ),
    "a way back that may still bring it": (
        (both("p1"), manuals("a b"), xor("m"), xor("h", "j"), both("j")),
        "s > p1; p1 > a > j; p1 > m > b > h; h > m [y]; h > j; j > e",
        ("a",),
        False,
        [],
    ),
}


@pytest.mark.parametrize("name", ONE_WAY)
def test_a_join_that_waits_for_what_cannot_come_is_found(name: str) -> None:
    inner, path, do, stuck, wanted = ONE_WAY[name]
    case = chosen(*inner, path=path, do=do, y=False)

    assert told(case) == wanted
    assert case.newest.is_stuck == stuck


def test_the_words_name_what_is_drawn_in_both_languages() -> None:
    nodes = (
        xor("g", "b"),
        manual("a", name="ตรวจแผน"),
        manual("b", name="แก้แผน"),
        element("parallelGateway", "j", name="รวมผล"),
    )
    (standstill,) = found(chosen(*nodes, path=f"s > g; {CHOICE}; j > e", do=("a",)))

    assert "“รวมผล” (j) รอ “แก้แผน” (b)" in standstill.words.th
    assert "“รวมผล” (j) waits for “แก้แผน” (b)" in standstill.words.en
    assert "“ตรวจแผน” (a)" in standstill.words.th
    assert "“ตรวจแผน” (a)" in standstill.words.en


def test_a_join_without_a_name_is_told_by_its_kind() -> None:
    (standstill,) = found(chosen(xor("g", "b"), manuals("a b"), both("j"), path=f"s > g; {CHOICE}; j > e", do=("a",)))

    assert standstill.words.en.startswith("parallel gateway j waits for manual task b")
    assert standstill.words.th.startswith("เกตเวย์ขนาน j รอ งาน b")


def test_a_token_has_the_same_name_as_long_as_it_stands() -> None:
    case = chosen(
        both("p1"), xor("g", "b"), manuals("a b c d"), both("j"), end("e2"),
        path=f"s > p1; p1 > g; p1 > c > d > e2; {CHOICE}; j > e", do=("a",),
    )  # fmt: skip
    before = [s.task_id for s in found(case)]
    case.complete("c")
    assert [s.task_id for s in found(case)] == before != []


INSIDE = (start("i"), xor("g", "b"), manuals("a b"), both("j"), end("ie"), flows(f"i > g; {CHOICE}; j > ie"))


def test_a_subprocess_that_stands_is_found_though_the_case_waits_for_its_clock() -> None:
    case = chosen(
        sub("sp", *INSIDE), boundary("t", "sp", timer("P9D")), end("e2"), path="s > sp > e; t > e2", do=("a",)
    )
    assert case.open == ["t"]
    assert told(case) == [("j", ("a",), ("b",))]


def test_a_join_behind_a_subprocess_that_stands_is_found_with_it() -> None:
    case = chosen(
        both("p1"),
        sub("sp", *INSIDE),
        manual("c"),
        both("k"),
        path="s > p1; p1 > sp > k; p1 > c > k; k > e",
        do=("a", "c"),
    )
    assert case.newest.is_stuck
    assert told(case) == [("k", ("c",), ("sp",)), ("j", ("a",), ("b",))]


def test_each_instance_that_stands_is_found() -> None:
    case = chosen(sub("sp", many(number="2"), *INSIDE), path="s > sp > e")
    case.complete("a", 0)
    assert told(case) == [("j", ("a",), ("b",))]
    case.complete("a", 1)
    assert told(case) == [("j", ("a",), ("b",))] * 2
    assert len({s.task_id for s in found(case)}) == 2
    assert case.newest.is_stuck


def test_an_event_that_interrupts_leaves_the_join_behind_its_task_waiting() -> None:
    nodes = (manual("a"), boundary("t", "a", timer("P1D")), manual("b"), both("j"))
    case = Case(around(*nodes, path="s > a > j; t > b > j; j > e"))
    case.fire("t")
    assert told(case) == []
    case.complete("b")
    assert told(case) == [("j", ("b",), ("a",))]
    assert case.newest.is_stuck


def test_of_a_race_only_one_comes() -> None:
    nodes = (race("g"), catch("m", on("message", "hi")), catch("t", timer("P1D")), both("j"))
    case = Case(around(*nodes, path="s > g; g > m > j; g > t > j; j > e", roots=ROOTS))
    case.fire("t")
    assert told(case) == [("j", ("t",), ("m",))]


def test_a_branch_that_may_end_everything_is_waited_for() -> None:
    nodes = (both("p1"), xor("g", "b"), manuals("a b c"), both("j"), end("all", on("terminate")))
    case = chosen(*nodes, path=f"s > p1; p1 > g; p1 > c > all; {CHOICE}; j > e", do=("a",))
    assert told(case) == []
    case.complete("c")
    assert case.ended("all")


def test_a_repeated_reminder_beside_it_cannot_help() -> None:
    nodes = (
        sub("sp", *INSIDE),
        boundary("r", "sp", timer("R/P1D", "timeCycle"), cancel=False),
        manual("late"),
        end("e2"),
    )
    case = chosen(*nodes, path="s > sp > e; r > late > e2", do=("a",))
    case.fire("r")
    assert told(case) == [("j", ("a",), ("b",))]


def test_without_a_join_something_is_said_only_where_nothing_waits() -> None:
    case = Case(around(manual("a"), plain_sub("b", body="c"), path="s > a > b > e"))
    assert case.snapshot is not None
    assert standstills(case.process, "x", case.snapshot) == ()
    (standstill,) = standstills(case.process, "x", case.snapshot, waiting=False)
    assert standstill.element is None
