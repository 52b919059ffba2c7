"""The linter on flows: what leads where, what a gateway asks, and what nothing leads to."""

from __future__ import annotations

import pytest

from tests.unit.engine.diagrams import (
    Refusals,
    around,
    both,
    boundary,
    diagram,
    each,
    end,
    flows,
    manual,
    manuals,
    plain_sub,
    refused,
    some,
    start,
    sub,
    timer,
    waiting,
    xor,
)

GATE = "s > g; g > a [x]; g > b; a > e; b > e"

REFUSED: Refusals = {
    ("p", "one_start"): {
        "several starts": around(manual("a"), start("s2"), path="s > a > e; s2 > a"),
        "no start": diagram(manual("a"), end(), flows("a > e")),
    },
    ("p", "no_end"): {
        "no end": diagram(start(), manual("a"), flows("s > a")),
    },
    ("x", "plain_start"): {
        "subprocess with a timer start": around(sub("a", start("x", timer("PT1H")), end("y"), flows("x > y"))),
    },
    ("b", "dead_end"): {
        "dead end": around(xor("g", "a"), manuals("a b"), path="s > g; g > b [x]; g > a > e"),
    },
    ("b1", "dead_end"): {
        "boundary that leads nowhere": around(manual("a"), boundary("b1", "a", timer("PT1H"))),
    },
    ("b", "unreachable"): {
        "unreachable": around(manuals("a b"), path="s > a > e; b > e"),
    },
    ("a", "implicit_fork"): {
        "implicit fork": around(manuals("a b"), path="s > a > e; a > b > e"),
    },
    ("a-nobody", "loose_flow"): {
        "loose flow": around(manual("a"), path="s > a > e; a > nobody"),
    },
    ("in-e", "crosses"): {
        "flow across a border": around(
            sub("a", start("x"), manual("in"), end("y"), flows("x > in > y")), path="s > a > e; in > e"
        ),
    },
    ("g-s", "into_event"): {
        "flow into the start": around(manual("a"), xor("g", "e"), path="s > a > g; g > s [x]; g > e"),
    },
    ("e-a", "from_end"): {
        "flow out of the end": around(manual("a"), path="s > a > e; e > a"),
    },
    ("p1", "same_pair"): {
        "two flows of one pair": around(both("p1"), both("p2"), path="s > p1 > p2 > e").replace(
            b"</bpmn:process>", flows("p1 > p2").replace("p1-p2", "f2").encode() + b"</bpmn:process>"
        ),
    },
    ("g-a", "no_condition"): {
        "choice without condition": around(xor("g"), manuals("a b"), path="s > g; g > a; g > b; a > e; b > e"),
    },
    ("g", "default"): {
        "default that is no way out": around(
            xor("g", "nobody"), manuals("a b"), path="s > g; g > a [x]; g > b [y]; a > e; b > e"
        ),
    },
    ("g-a", "default_condition"): {
        "default with a condition": around(xor("g", "a"), manuals("a b"), path=GATE),
    },
    ("a-e", "ignored_condition"): {
        "condition on a task's flow": around(manual("a"), path="s > a; a > e [x]"),
    },
    ("g-a", "ignored_condition"): {
        "condition on a parallel gateway": around(both("g"), manuals("a b"), path=GATE),
    },
    ("g-a", "expression"): {
        "condition that calls": around(xor("g", "b"), manuals("a b"), path=GATE.replace("[x]", "[open('x')]")),
        "condition with an attribute": around(xor("g", "b"), manuals("a b"), path=GATE.replace("[x]", "[x.y]")),
    },
}


@pytest.mark.parametrize(("xml", "where"), each(REFUSED))
def test_it_is_refused_with_its_element(xml: bytes, where: tuple[str, str]) -> None:
    assert where in refused(xml)


ALLOWED = {
    "line": around(manual("a")),
    "choice with a default": around(xor("g", "b"), manuals("a b"), path=GATE),
    "choice with conditions alone": around(xor("g"), manuals("a b"), path=GATE.replace("g > b", "g > b [y]")),
    "one way out needs no condition": around(xor("g"), manual("a"), path="s > g > a > e"),
    "inclusive choice": around(
        some("g", "b"), manuals("a b"), some("j"), path="s > g; g > a [x]; g > b; a > j; b > j > e"
    ),
    "fork": around(both("g"), manuals("a b"), path="s > g; g > a > e; g > b > e"),
    "way back": around(xor("m"), manual("a"), xor("g", "e"), path="s > m > a > g; g > m [again]; g > e"),
    "reached through a boundary event": waiting(boundary("b1", "a", timer("PT1H"))),
    "reached inside a subprocess": around(plain_sub("a", body="b > c")),
    "several ends": around(xor("g", "e"), end("e2"), path="s > g; g > e2 [x]; g > e"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_right_is_let_through(name: str) -> None:
    assert refused(ALLOWED[name]) == []


def test_a_subprocess_is_held_to_the_same_as_the_process_around_it() -> None:
    assert ("a", "one_start") in refused(around(sub("a", manual("b"), end("ie"), flows("b > ie"))))
    assert ("a", "no_end") in refused(around(sub("a", start("is"), manual("b"), flows("is > b"))))
    lonely = sub("a", start("is"), manuals("b c"), end("ie"), flows("is > b > ie; c > ie"))
    assert refused(around(lonely)) == [("c", "unreachable")]


def test_what_only_an_unreachable_element_leads_to_is_unreachable_too() -> None:
    assert refused(around(manuals("a b c"), path="s > a > e; b > c > e")) == [
        ("b", "unreachable"),
        ("c", "unreachable"),
    ]


def test_a_boundary_event_of_an_unreachable_task_is_not_reached() -> None:
    lonely = manual("b") + boundary("b1", "b", timer("PT1H"))
    found = refused(around(manual("a"), lonely, path="s > a > e; b > e; b1 > e"))
    assert found == [("b", "unreachable"), ("b1", "unreachable")]
