"""Numbers with commas and dates without quotes: refused wherever they are written, with what to write."""

from __future__ import annotations

import pytest

from osm_flow.engine.decisions import decision_problems
from osm_flow.engine.lint.linter import lint
from osm_flow.engine.sentences.misread import misread
from tests.unit.engine.diagrams import diagram, end, flows, start, xor
from tests.unit.engine.test_decisions import table

MEANT_OTHERWISE = [
    ("> 1,000,000", "1000000"),
    ("1,000", "1000"),
    ("[1,000..2,000]", "1000"),
    ("[0..2,000]", "2000"),
    ("not(1,500)", "1, 500"),
    ("1,050", "1050"),
    ("100,200", "100200, or several values as 100, 200"),
    ("1,000.50", "1000"),
    ("20/11/2569", "'2026-11-20'"),
    ("> 20/11/2569", "'2026-11-20'"),
    ("[20/11/2569..30/11/2569]", "'2026-11-20'"),
    ("< 2026-11-20", "'2026-11-20'"),
    ("5-1-2026", "'2026-01-05'"),
    ("2026-01-05", "'2026-01-05'"),
    ("20.11.2569", "'2026-11-20'"),
    ("[0...3]", "[1..3]"),
]


@pytest.mark.parametrize(("cell", "words"), MEANT_OTHERWISE)
def test_a_cell_of_a_table_is_refused_with_what_to_write(cell: str, words: str) -> None:
    (problem,) = decision_problems(table(([cell], ["1"])))
    assert problem.level == "error"
    assert words in problem.en
    assert words.partition(",")[0] in problem.th


@pytest.mark.parametrize("value", ["1,000", "20/11/2569", "2026-11-20"])
def test_an_output_and_an_input_are_refused_too(value: str) -> None:
    assert [p.level for p in decision_problems(table((["-"], [value])))] == ["error"]
    assert [p.level for p in decision_problems(table((["-"], ["1"]), inputs=f"x > {value}"))] == ["error"]


@pytest.mark.parametrize(
    "text",
    [
        "1, 2, 3",
        "1,2,3",
        "100, 200",
        "1000,2000",
        '"1,000"',
        "'20/11/2569'",
        "[1..3]",
        "0.5,200",
        "a1,200",
        "x / 3 / 2",
        "1.5",
        "round(x, 2)",
        "10 - 5 - 2",
        "2569 - 543",
    ],
)
def test_what_means_what_it_says_is_left_alone(text: str) -> None:
    assert misread(text) is None


@pytest.mark.parametrize("cell", ["()", "(1, 2)", "not(())"])
def test_round_brackets_that_match_nothing_are_refused(cell: str) -> None:
    (problem,) = decision_problems(table(([cell], ["1"])))
    assert "round brackets" in problem.en
    assert "วงเล็บกลม" in problem.th


@pytest.mark.parametrize("written", ["1,000,000", "100,200", "20/11/2569", "2026-11-20"])
def test_a_condition_is_refused_with_what_to_write(written: str) -> None:
    xml = diagram(start(), xor("g", "e"), end("f"), end(), flows(f"s > g > e; g > f [amount > {written}]"))
    (problem,) = lint(xml, forms={}, decisions={}, topics=())
    assert (problem.level, problem.code) == ("error", "expression")
    assert str(misread(written).en) in problem.en  # type: ignore[union-attr]
