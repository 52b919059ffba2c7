"""What a random walk answers to the conditions of a diagram, so that it comes along every way."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.engine.simulation.branch_values import guesses_of
from osm_flow.engine.xml import read_xml
from tests.unit.engine.diagrams import (
    again,
    alone,
    both,
    diagram,
    element,
    end,
    flows,
    manual,
    manuals,
    many,
    start,
    xor,
)


def test_guesses_answer_the_conditions() -> None:
    xml = diagram(
        start(),
        xor("g", "b"),
        manuals("a b"),
        end(),
        element("manualTask", "c"),
        flows("s > g; g > a [n > 3 and ok]; g > b; g > c [state in ['x', 'y'] or kind == 'z']; a > e; b > e; c > e"),
    )
    found = guesses_of(read_xml(xml))
    assert set(found) == {"n", "ok", "state", "kind"}
    assert {3, 4} <= set(found["n"])
    assert set(found["ok"]) == {True, False}
    assert set(found["state"]) == {"x", "y"}
    assert "z" in found["kind"]
    assert len(found["kind"]) > 1


def test_guesses_know_variables_with_a_default() -> None:
    xml = diagram(
        start(),
        xor("g", "b"),
        manuals("a b"),
        end(),
        flows("s > g; g > a [var('again', false) or var('n', 0) > 3]; g > b; a > e; b > e"),
    )
    found = guesses_of(read_xml(xml))
    assert set(found) == {"again", "n"}
    assert set(found["again"]) == {True, False}
    assert {3, 4} <= set(found["n"])


def guessed(condition: str) -> dict[str, list[Any]]:
    """The guesses for a gateway with this condition on one of its ways."""
    xml = diagram(
        start(), xor("g", "b"), manuals("a b"), end(), flows(f"s > g; g > a [{condition}]; g > b; a > e; b > e")
    )
    return guesses_of(read_xml(xml))


@pytest.mark.parametrize(
    ("condition", "guesses"),
    [
        ("ok", {"ok": [True, False]}),
        ("not ok", {"ok": [True, False]}),
        ("ok == true", {"ok": [True, False]}),
        ("ok != false", {"ok": [False, True]}),
        ("n > 3", {"n": [3, 4, 2]}),
        ("n >= 1.5", {"n": [1.5, 2.5, 0.5]}),
        ("kind == 'z'", {"kind": ["z", "not z"]}),
        ("kind in ['x', 'y']", {"kind": ["x", "y"]}),
        ("kind in ['x']", {"kind": ["x", "not x"]}),
        ("n == 1 or n == 3", {"n": [1, 2, 0, 3, 4]}),
        ("${n > 3}", {"n": [3, 4, 2]}),
        ("var('n', 0) > 3", {"n": [3, 4, 2]}),
        ("plan['total'] > 3", {"plan": [True, False]}),
        ("len(rows) > 3", {"rows": [True, False]}),
        ("n == limit", {"n": [True, False], "limit": [True, False]}),
        ("1 == 1", {}),
    ],
)
def test_what_a_condition_compares_is_tried_on_both_sides_of_it(condition: str, guesses: dict[str, list[Any]]) -> None:
    assert guessed(condition) == guesses


def test_every_variable_has_at_least_two_answers_none_of_them_twice() -> None:
    for answers in guessed("a == 1 and b == 'x' and c and d in [5] and a == 1").values():
        assert len(answers) > 1
        assert len(answers) == len({repr(answer) for answer in answers})


def test_what_no_condition_reads_is_not_guessed() -> None:
    assert (
        guesses_of(read_xml(diagram(start(), both("g"), manuals("a b"), end(), flows("s > g > a > e; g > b > e"))))
        == {}
    )


def test_conditions_of_loops_and_of_instances_are_read_too() -> None:
    assert set(guesses_of(read_xml(alone(manual("a", again("more")))))) == {"more"}
    assert set(guesses_of(read_xml(alone(manual("a", many(number="2", until="enough == 1")))))) == {"enough"}


def test_a_condition_that_is_none_is_passed_over() -> None:
    assert guessed("open('x') and ok") == {}
