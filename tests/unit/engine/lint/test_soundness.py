"""Joins that would wait for ever are seen before a case does; sound drawings are left in peace."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings

from osm_flow.cli.diagram_files import DiagramFile
from osm_flow.engine.lint.linter import lint
from osm_flow.engine.values import Problem
from osm_flow.resources import resource_dir
from tests.unit.engine.diagrams import (
    BESIDE,
    FORM,
    LOOPED_JOIN,
    REWORK,
    around,
    both,
    boundary,
    catch,
    element,
    end,
    flows,
    manual,
    manuals,
    on,
    plain_sub,
    race,
    some,
    start,
    sub,
    timer,
    xor,
)
from tests.unit.engine.models import Block, models, number, xml_of


def warned(xml: bytes) -> list[Problem]:
    found = lint(xml, forms={"f": FORM}, decisions={}, topics=("work",))
    assert not [p for p in found if p.level == "error"], found
    return [p for p in found if p.code == "standstill"]


CHOICE = "g > a [x]; g > b; a > j; b > j"
STANDING: dict[str, tuple[bytes, list[str]]] = {
    "choice into a parallel join": (around(xor("g", "b"), manuals("a b"), both("j"), path=f"s > g; {CHOICE}; j > e"), ["j"]),
    "straight into it": (
        around(xor("g", "b"), manuals("b"), both("j"), path="s > g; g > j [x]; g > b > j; j > e"),
        ["j"],
    ),
    "through intermediate tasks": (
        around(
            xor("g", "b"), manuals("a a2 b b2"), both("j"), path="s > g; g > a [x]; g > b; a > a2 > j; b > b2 > j; j > e"
        ),
        ["j"],
    ),
    "through another choice": (
        around(
            xor("g", "b"), manuals("a b c"), xor("h", "c"), xor("m"), both("j"),
            path="s > g; g > a [x]; g > b; b > h; h > m [y]; h > c > m; m > j; a > j; j > e",
        ),
        ["j"],
    ),
    "three ways": (
        around(xor("g", "c"), manuals("a b c"), both("j"), path="s > g; g > a [x]; g > b [y]; g > c; a > j; b > j; c > j; j > e"),
        ["j"],
    ),
    "race": (
        around(race("g"), catch("a", timer("P1D")), catch("b", on("message", "hi")), both("j"), path="s > g; g > a > j; g > b > j; j > e"),
        ["j"],
    ),
    "inclusive split": (
        around(some("g", "b"), manuals("a b"), both("j"), path=f"s > g; {CHOICE}; j > e"),
        ["j"],
    ),
    "event that interrupts": (
        around(manual("a"), boundary("t", "a", timer("P1D")), manual("b"), both("j"), path="s > a > j; t > b > j; j > e"),
        ["j"],
    ),
    "a branch of a fork that may leave": (
        around(both("p1"), xor("g", "j"), manuals("a b"), both("j"), end("e2"), path="s > p1; p1 > a > j; p1 > b > g; g > e2 [x]; g > j; j > e"),
        ["j"],
    ),
    "inside a subprocess": (
        around(sub("sp", start("i"), xor("g", "b"), manuals("a b"), both("j"), end("ie"), flows(f"i > g; {CHOICE}; j > ie")), path="s > sp > e"),
        ["j"],
    ),
    "a loop back into a join": (
        around(both("j"), manual("a"), xor("g", "e"), path="s > j; j > a > g; g > j [again]; g > e"),
        ["j"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STANDING)
def test_a_join_that_may_wait_for_ever_is_warned_of(name: str) -> None:
    xml, joins = STANDING[name]
    assert [p.element for p in warned(xml)] == joins
    assert all(p.level == "warning" for p in warned(xml))


def test_the_warning_names_what_is_waited_for_and_the_choice() -> None:
    nodes = (
        element("exclusiveGateway", "g", name="ครบหรือไม่", default="g-b"),
        manual("a", name="ตรวจแผน"),
        manual("b", name="แก้แผน"),
        element("parallelGateway", "j", name="รวมผล"),
    )
    (problem,) = warned(around(*nodes, path=f"s > g; {CHOICE}; j > e"))
    for words in (problem.th, problem.en):
        assert "“ครบหรือไม่” (g)" in words
        assert "“ตรวจแผน” (a)" in words or "“แก้แผน” (b)" in words
        assert "exclusive" in words


SOUND: dict[str, bytes] = {
    "inclusive blocks within each other": around(
        some("o", "c"), both("p1"), manuals("a c x y"), some("i", "y"), some("k"), both("j"), some("m"),
        path="s > o; o > p1 [q]; o > c; p1 > a > j; p1 > i; i > x [r]; i > y; x > k; y > k; k > j; j > m; c > m; m > e",
    ),
    "rework": REWORK,
    "join in a loop": LOOPED_JOIN,
    "loop beside": BESIDE,
    "choice that meets in a choice": around(xor("g", "b"), manuals("a b"), xor("m"), path=f"s > g; {CHOICE.replace('j', 'm')}; m > e"),
    "choice within a branch": around(
        both("p1"), xor("g", "b"), manuals("a b c"), xor("m"), both("j"),
        path="s > p1; p1 > g; g > a [x]; g > b; a > m; b > m; m > j; p1 > c > j; j > e",
    ),
    "inclusive block": around(some("g", "b"), manuals("a b"), some("m"), path=f"s > g; {CHOICE.replace('j', 'm')}; m > e"),
    "way out that ends everything": around(
        both("p1"), xor("g", "j"), manuals("a b"), both("j"), end("all", on("terminate")),
        path="s > p1; p1 > a > j; p1 > b > g; g > all [x]; g > j; j > e",
    ),
    "reminder beside a branch": around(
        both("p1"), manuals("a b"), boundary("r", "a", timer("R/P1D", "timeCycle"), cancel=False), end("e2"), both("j"),
        path="s > p1; p1 > a > j; p1 > b > j; r > e2; j > e",
    ),
    "subprocess that may be interrupted": around(
        both("p1"), plain_sub("sp", body="x"), boundary("t", "sp", timer("P1D")), manual("b"), xor("m"), both("j"),
        path="s > p1; p1 > sp > m; t > m; m > j; p1 > b > j; j > e",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SOUND)
def test_sound_drawings_are_left_in_peace(name: str) -> None:
    assert warned(SOUND[name]) == []


@pytest.mark.parametrize("path", sorted(resource_dir("bpmn").glob("*.bpmn")), ids=lambda path: path.stem)
def test_shipped_diagrams_are_left_in_peace(path: Any) -> None:
    assert DiagramFile(path).problems() == []


@given(models())
@settings(max_examples=300, deadline=None)
def test_what_is_built_of_blocks_is_left_in_peace(block: Block) -> None:
    found = lint(xml_of(number(block)), forms={"f": FORM}, decisions={}, topics=("work",))
    assert [p for p in found if p.code == "standstill"] == []
