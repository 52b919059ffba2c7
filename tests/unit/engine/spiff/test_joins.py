"""Joins: they wait for every branch on every turn, and merge what each branch changed.

The library's own joins fire early in loops and lose values where branches meet.
"""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine.spiff.joins import changed
from tests.unit.engine.diagrams import (
    BESIDE,
    LOOPED_JOIN,
    Case,
    both,
    diagram,
    end,
    flows,
    manual,
    manuals,
    plain_sub,
    some,
    start,
    start_fault,
    xor,
)


def test_a_join_in_a_loop_waits_for_both_branches_on_every_turn() -> None:
    case = Case(LOOPED_JOIN)
    for turn in range(12):
        first, second = ("a", "b") if turn % 2 else ("b", "a")
        case.complete(first)
        assert case.open == [second]
        case.complete(second)
        assert case.open == ["c"]
        case.complete("c", again=True)


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
    xml = diagram(
        start(),
        xor("l"),
        both("p1"),
        manuals("a b"),
        both("p2"),
        xor("g", "l"),
        end(),
        flows("s > l > p1; p1 > a > p2; p1 > b > p2; p2 > g; g > e [ok == true]; g > l"),
    )
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
    xml = diagram(
        start(),
        some("o1", "t6"),
        xor("l"),
        manuals("t2 t3 t4 t5 t6 t8"),
        xor("x1", "t4"),
        xor("x2"),
        xor("g", "o2"),
        some("o2"),
        end(),
        flows(
            "s > o1; o1 > l [true]; o1 > t6; l > t2 > x1; x1 > t3 [left == true]; x1 > t4; t3 > x2; t4 > x2; x2 > t5 > g; "
            "g > l [again == true]; g > o2; t6 > o2; o2 > t8 > e"
        ),
    )
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
    xml = diagram(
        start(),
        xor("l"),
        manuals("t2 t3 t4 t5 t6 t7"),
        some("o1", "t6"),
        xor("x1", "x2"),
        xor("x2"),
        some("o2"),
        xor("g", "e"),
        end(),
        flows(
            "s > l > t2 > o1; o1 > t3 [one == true]; o1 > t5 [two == true]; o1 > t6; t3 > x1; x1 > t4 [four == true]; x1 > x2; t4 > x2; "
            "x2 > o2; t5 > o2; t6 > o2; o2 > t7 > g; g > l [again == true]; g > e"
        ),
    )
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
    xml = diagram(
        start(),
        both("p1"),
        manuals("a b c"),
        xor("m"),
        both("p2"),
        end(),
        flows("s > p1; p1 > a > m; p1 > b > m; m > p2; p1 > c > p2; p2 > e"),
    )
    case = Case(xml)
    case.line("a", "b", "c")
    assert not case.newest.ended
    assert case.newest.is_stuck


def test_a_second_token_on_an_input_stays_for_the_next_firing() -> None:
    xml = diagram(
        start(),
        both("p1"),
        manuals("a b c d t"),
        xor("m") + xor("n"),
        both("p2"),
        end(),
        flows("s > p1; p1 > a > m; p1 > b > m; p1 > c > n; p1 > d > n; m > p2; n > p2; p2 > t > e"),
    )
    case = Case(xml)
    case.line("a", "b")
    assert case.open == ["c", "d"]
    case.complete("c")
    assert case.open == ["d", "t"]
    case.complete("d")
    assert case.open == ["t", "t"]
    case.line("t", "t")
    assert case.ended()


NESTED = diagram(
    start(),
    both("p1"),
    both("q1"),
    manuals("a b c t"),
    both("q2"),
    both("p2"),
    end(),
    flows("s > p1; p1 > a > p2; p1 > q1; q1 > b > q2; q1 > c > q2; q2 > p2; p2 > t > e"),
)


@pytest.mark.parametrize(("order", "last"), [("bac", "c"), ("cab", "b"), ("bca", "a"), ("abc", "c")])
def test_at_a_join_of_joins_the_branch_that_arrived_last_has_the_last_word(order: str, last: str) -> None:
    case = Case(NESTED, {"v": "start", "kept": 1})
    for name in order:
        case.complete(name, **{"v": name, f"by_{name}": True})
    assert case.waiting("t").data == {"v": last, "kept": 1, "by_a": True, "by_b": True, "by_c": True}


def test_a_branch_that_says_what_was_so_before_the_fork_has_changed_nothing() -> None:
    case = Case(NESTED, {"v": "start"})
    case.complete("a", v="new")
    case.complete("b", v="start")
    case.complete("c")
    assert case.waiting("t").data == {"v": "new"}


def test_the_ends_of_all_branches_are_merged_into_what_the_case_knows() -> None:
    xml = diagram(start(), both("p1"), manuals("a b"), end(), end("e2"), flows("s > p1; p1 > a > e; p1 > b > e2"))
    case = Case(xml, {"v": 0})
    case.complete("b", v=1, b=1)
    assert not case.newest.ended
    case.complete("a", a=1)
    assert case.ended("e")
    assert case.data == {"v": 1, "a": 1, "b": 1}


def test_a_subprocess_ends_when_the_last_of_its_branches_has_ended() -> None:
    inner = plain_sub("x", body="y")
    xml = diagram(start(), both("p1"), inner, manual("a"), end(), end("e2"), flows("s > p1; p1 > x > e; p1 > a > e2"))
    case = Case(xml)
    case.complete("a")
    assert case.open == ["y"]
    case.complete("y")
    assert case.ended("e")


def choice(*conditions: str, default: str = "") -> bytes:
    """An inclusive gateway with a branch `t1`, `t2`, … under each condition."""
    names = [f"t{number}" for number in range(1, len(conditions) + 1)]
    ways = "".join(
        f"; o1 > {name}{f' [{asked}]' if asked else ''}; {name} > o2"
        for name, asked in zip(names, conditions, strict=True)
    )
    nodes = [start(), some("o1", default), manuals(" ".join(names)), some("o2"), manual("z"), end()]
    return diagram(*nodes, flows(f"s > o1{ways}; o2 > z > e"))


@pytest.mark.parametrize(
    ("n", "chosen"), [(1, ["t1"]), (2, ["t1", "t2"]), (0, ["t3"])], ids=["one holds", "two hold", "none holds"]
)
def test_an_inclusive_gateway_takes_every_way_that_holds_else_its_default(n: int, chosen: list[str]) -> None:
    case = Case(choice("n > 0", "n > 1", "", default="t3"), {"n": n})
    assert case.open == chosen
    case.line(*reversed(chosen))
    assert case.open == ["z"]


def test_an_inclusive_gateway_without_any_way_out_is_a_fault_at_the_gateway() -> None:
    fault = start_fault(choice("n > 0", "n > 1"), {"n": 0})
    assert (fault.element, fault.reason) == ("o1", "no condition holds and there is no default flow")


SAME = ["a list"]


@pytest.mark.parametrize(
    ("base", "data", "set_by_the_branch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"a": 1, "b": None}, {"b": None}),
        ({"a": SAME}, {"a": SAME}, {}),
        ({"a": [1]}, {"a": [1]}, {}),
        ({"a": [1]}, {"a": [1, 2]}, {"a": [1, 2]}),
        ({"a": 1}, {}, {}),
    ],
)
def test_a_key_counts_only_where_the_branch_changed_it(
    base: dict[str, Any], data: dict[str, Any], set_by_the_branch: dict[str, Any]
) -> None:
    assert changed(base, data) == set_by_the_branch
