"""Decision tables: hit policies, cells, and what is refused when they are read."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import pytest

from osm_flow.engine import DefinitionRefused, ExpressionFault, evaluate_decision
from osm_flow.engine.decisions import read_decision

HEAD = '<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d" namespace="http://test">'


def table(*rows: tuple[list[str], list[str]], inputs: str = "x", outputs: str = "out", policy: str = "UNIQUE") -> bytes:
    columns = "".join(
        f'<input id="i{n}"><inputExpression id="e{n}"><text>{escape(i)}</text></inputExpression></input>'
        for n, i in enumerate(inputs.split("|"))
    ) + "".join(f'<output id="o{n}" name="{o}"/>' for n, o in enumerate(outputs.split("|")))
    rules = ""
    for number, (tests, values) in enumerate(rows):
        cells = "".join(f"<inputEntry><text>{escape(t)}</text></inputEntry>" for t in tests)
        cells += "".join(f"<outputEntry><text>{escape(v)}</text></outputEntry>" for v in values)
        rules += f'<rule id="r{number}">{cells}</rule>'
    body = f'<decisionTable id="t" hitPolicy="{policy}">{columns}{rules}</decisionTable>'
    return f'{HEAD}<decision id="key" name="ตาราง">{body}</decision></definitions>'.encode()


def hits(cell: str, value: Any, **data: Any) -> bool:
    return bool(evaluate_decision(table(([cell], ["1"])), {"x": value, **data}))


@pytest.mark.parametrize(
    ("cell", "inside", "outside"),
    [
        ("", [1, None, "a"], []),
        ("-", [1, None], []),
        ("5", [5, 5.0], [4, "5", None]),
        ('"red"', ["red"], ["green", None]),
        ('"red", "amber"', ["red", "amber"], ["green"]),
        ("true", [True], [False, None]),
        ("null", [None], [0, ""]),
        (">= 10", [10, 11], [9, None]),
        ("< 3", [2], [3, None]),
        ("!= 3", [2, None], [3]),
        ("= 3", [3], [2]),
        ("[1..5]", [1, 3, 5], [0, 6, None]),
        ("(1..5)", [2, 4], [1, 5]),
        ("]1..5[", [2, 4], [1, 5]),
        ("[1..5)", [1], [5]),
        ("< 3, > 7", [1, 9], [5]),
        ('not("red", "amber")', ["green", None], ["red", "amber"]),
        ("not([1..5])", [0, 6, None], [1, 5]),
        ('"a,b"', ["a,b"], ["a"]),
        ("limit", [7], [8]),
        (">= limit * 2", [14], [13]),
        ("[1, 2]", [[1, 2]], [1]),
    ],
)
def test_cells(cell: str, inside: list[Any], outside: list[Any]) -> None:
    assert [v for v in inside if not hits(cell, v, limit=7)] == []
    assert [v for v in outside if hits(cell, v, limit=7)] == []


ROWS = (["> 5"], ["'big'", "1"]), (["> 2"], ["'middle'", "2"]), (["-"], ["'any'", "x * 2"])


def test_first_takes_the_first_and_collect_takes_all() -> None:
    assert evaluate_decision(table(*ROWS, outputs="name|rank", policy="FIRST"), {"x": 4}) == [
        {"name": "middle", "rank": 2}
    ]
    found = evaluate_decision(table(*ROWS, outputs="name|rank", policy="COLLECT"), {"x": 6})
    assert found == [{"name": "big", "rank": 1}, {"name": "middle", "rank": 2}, {"name": "any", "rank": 12}]


def test_unique_is_unique() -> None:
    one = table((["> 5"], ["1"]), (["<= 5"], ["2"]))
    assert evaluate_decision(one, {"x": 9}) == [{"out": 1}]
    with pytest.raises(ExpressionFault, match="two rules match, the second is r1"):
        evaluate_decision(table((["> 5"], ["1"]), (["> 6"], ["2"])), {"x": 9})
    assert evaluate_decision(table((["> 5"], ["1"])), {"x": 1}) == []


def test_every_input_must_hold() -> None:
    two = table(([">5", '"red"'], ["1"]), inputs="x|colour")
    assert evaluate_decision(two, {"x": 6, "colour": "red"}) == [{"out": 1}]
    assert evaluate_decision(two, {"x": 6, "colour": "green"}) == []


def test_an_input_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(ExpressionFault, match="no variable x"):
        evaluate_decision(table((["1"], ["1"])), {})


def test_a_variable_cannot_slip_into_the_cell() -> None:
    assert evaluate_decision(table((["1"], ["1"])), {"x": 2, "__cell__": 1}) == []


@pytest.mark.parametrize(
    "cell",
    [
        "1) or (1",
        "a.b",
        "open('x')",
        "not(1) or (2)",
        "not(1), not(2)",
        "[1..open('x')]",
        ">= ",
        "1,",
        "'a",
        "not()",
        "[1) or (1..2]",
        "x for x in y",
    ],
)
def test_a_cell_that_is_more_than_a_cell_is_refused(cell: str) -> None:
    with pytest.raises(DefinitionRefused) as raised:
        read_decision(table(([cell], ["1"])))
    assert raised.value.problems[0].element == "r0"


@pytest.mark.parametrize(
    ("xml", "code"),
    [
        (table((["1"], ["1"]), policy="ANY"), "hit_policy"),
        (table((["1"], ["1"]), policy="RULE ORDER"), "hit_policy"),
        (
            table((["1"], ["1"]), policy="COLLECT").replace(
                b'hitPolicy="COLLECT"', b'hitPolicy="COLLECT" aggregation="SUM"'
            ),
            "hit_policy",
        ),
        (table((["1", "2"], ["1"])), "cells"),
        (table((["1"], ["1"]), inputs="a.b"), "expression"),
        (table((["1"], ["exec('x')"])), "expression"),
        (table((["1"], ["1", "2"]), outputs="a|a"), "columns"),
        (table((["1"], ["1"]), outputs=""), "columns"),
        (f"{HEAD}</definitions>".encode(), "one_table"),
        (b"<html/>", "one_table"),
        (b"not xml", "not_xml"),
        (b'<!DOCTYPE d [<!ENTITY a "b">]>' + table((["1"], ["1"])), "doctype"),
        (
            f'{HEAD}<decision id="key"><literalExpression><text>1</text></literalExpression></decision></definitions>'.encode(),
            "one_table",
        ),
    ],
)
def test_tables_that_are_refused(xml: bytes, code: str) -> None:
    with pytest.raises(DefinitionRefused) as raised:
        read_decision(xml)
    assert [p.code for p in raised.value.problems] == [code]
    assert raised.value.problems[0].th
