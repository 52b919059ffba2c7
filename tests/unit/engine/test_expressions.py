"""Expressions: what the dialect gives, what it refuses, and where it stops."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

import osm_flow
from osm_flow.engine import ExpressionFault
from osm_flow.engine.expressions import evaluate, fill, is_wrapped, names_in, parse, strip, syntax_of
from tests.together import at_once

ROWS = [{"code": "A", "state": "red", "spent": 5}, {"code": "B", "state": "green", "spent": 7.5}, {"code": "C"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("${ amount >= 10 and not closed }", True),
        ("#{amount}", 12),
        ("= amount - 2", 10),
        ("amount == 12", True),
        ("plan['title']", "แผน"),
        ("rows[0]['code']", "A"),
        ("rows[-1]['code']", "C"),
        ("[1, 'a', true, null]", [1, "a", True, None]),
        ("(1, (2, 3))", [1, [2, 3]]),
        ("{'a': amount}", {"a": 12}),
        ("'big' if amount > 10 else 'small'", "big"),
        ("2 in [1, 2]", True),
        ("amount not in [1, 2]", True),
        ("missing_one is null", True),
        ("7 // 2 + 7 % 2", 4),
        ("len(rows)", 3),
        ("sum([1, 2])", 3),
        ("min(3, 4) + max([1, 2]) + abs(-1)", 6),
        ("round(2.567, 1)", 2.6),
        ("str(4) + 'x'", "4x"),
        ("int('5')", 5),
        ("count(rows, 'state', 'red')", 1),
        ("total(rows, 'spent')", 12.5),
        ("any_of(rows, 'state', 'red')", True),
        ("all_of(rows, 'state', 'red')", False),
        ("pick(rows, 'state', 'green')", [ROWS[1]]),
        ("field(rows, 'code')", ["A", "B", "C"]),
        ("var('nothing', 3)", 3),
        ("var('amount', 3)", 12),
        ("role('province_planner', 'TH-38')", "province_planner@TH-38"),
        ("role('osm_head')", "osm_head"),
    ],
)
def test_the_dialect(text: str, value: Any) -> None:
    data = {"amount": 12, "closed": False, "plan": {"title": "แผน"}, "rows": ROWS, "missing_one": None}
    assert evaluate(text, data) == value


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('os').system('id')",
        "().__class__",
        "x.__class__",
        "x.key",
        "open('/etc/passwd')",
        "eval('1')",
        "[i for i in x]",
        "{i for i in x}",
        "(i for i in x)",
        "{k: v for k, v in x}",
        "lambda: 1",
        "(y := 1)",
        "f'{x}'",
        "x if y",
        "1; 2",
        "import os",
        "x = 1",
        "*x",
        "[*x]",
        "{**x}",
        "len(*x)",
        "len(x=1)",
        "str.format('{}')",
        "x['a'](1)",
        "(len)(x)(1)",
        "await x",
        "yield",
        "2 ** 2",
        "1 << 2",
        "1 | 2",
        "~1",
        "1 @ 2",
        "getattr(x, 'y')",
        "print(1)",
        "dict(a=1)",
        "globals()",
        "vars()",
        "type(x)",
        "",
        "   ",
        "${}",
        "\x00",
        "x" * 2_001,
        "((((",
        "'",
    ],
)
def test_anything_beyond_the_dialect_is_refused_before_it_is_run(attack: str) -> None:
    with pytest.raises(ExpressionFault):
        parse(attack)


@pytest.mark.parametrize(
    "text",
    [
        "'a' * 10",
        "[0] * 1000",
        "'%0999999999d' % 1",
        "9 / 0",
        "missing",
        "'a' + 1",
        "rows['x']",
        "rows[9]",
        "len(5)",
        "1 < 'a'",
        "int('x')",
        "len",
        "total == 3",
        "1e308 * 10",
        "9223372036854775807 + 1",
        "{1: 2}",
        "-'a'",
        "rows()",
    ],
)
def test_what_has_no_storable_value_is_a_fault_that_quotes_it(text: str) -> None:
    with pytest.raises(ExpressionFault) as raised:
        evaluate(text, {"rows": [1]})
    assert text[:20] in str(raised.value)


@pytest.mark.parametrize(
    "bomb",
    [
        "-" * 1_900 + "1",
        "1" + " + 1" * 100,
        "not " * 450 + "1",
        "+".join(["9" * 300] * 6),
        "[" * 95 + "]" * 95,
        "x + x + x + x + x + x + x + x + x + x + x",
        "[y, y, y, y, y, y, y, y, y, y, y]",
    ],
)
def test_an_expression_never_takes_long(bomb: str) -> None:
    began = time.monotonic()
    with pytest.raises(ExpressionFault):
        evaluate(bomb, {"x": "a" * 20_000, "y": [0] * 20_000})
    assert time.monotonic() - began < 5


def test_a_variable_cannot_take_the_place_of_a_constant_or_a_function() -> None:
    data = {"true": False, "null": 5, "len": 1, "True": 0}
    assert evaluate("[true, null, True]", data) == [True, None, True]
    assert evaluate("len([1])", data) == 1
    assert evaluate("len", data) == 1


def test_a_value_is_a_copy() -> None:
    data = {"plan": {"rows": [1]}}
    evaluate("plan", data)["rows"].append(2)
    assert data == {"plan": {"rows": [1]}}


def test_the_calendar_is_asked_through_the_lookup_alone() -> None:
    asked: list[Any] = []

    def lookup(name: str, args: tuple[Any, ...]) -> Any:
        asked.append((name, args))
        return "2026-12-01T00:00:00+00:00"

    assert evaluate("before(milestone('plan', fy), 2)", {"fy": 2571}, lookup) == "2026-12-01T00:00:00+00:00"
    assert asked == [("milestone", ("plan", 2571)), ("before", ("2026-12-01T00:00:00+00:00", 2))]
    with pytest.raises(ExpressionFault, match="cannot be asked here"):
        evaluate("working_days(3)", {})


def test_wrappers_and_names() -> None:
    assert [strip(t) for t in ("${a}", "#{ a }", "=a", "a", "a == b")] == ["a", "a", "a", "a", "a == b"]
    assert [is_wrapped(t) for t in ("${a}", "a", " = a")] == [True, False, True]
    assert names_in("a + len(b) + c['d'] + true") == {"a", "b", "c"}


def test_filling_a_text() -> None:
    assert fill("ถึง ${name} ปี ${fy}${nothing}", {"name": "ก", "fy": 2571, "nothing": None}) == "ถึง ก ปี 2571"
    assert fill("ไม่มี", {}) == "ไม่มี"
    for broken in ("${name", "${1 +}", "${nobody}"):
        with pytest.raises(ExpressionFault):
            fill(broken, {"name": 1})


def test_trees_are_built_one_at_a_time_whoever_asks() -> None:
    """CPython 3.11 counts the depth of trees for all threads together (gh-106905)."""
    deep = [" + ".join(["(" * 20 + f"a{number}" + ")" * 20] * 30) for number in range(40)]

    def build() -> None:
        for _ in range(3):
            for text in deep:
                syntax_of(text)

    at_once(*[build] * 8)


def test_nothing_else_in_the_package_builds_trees() -> None:
    package = Path(str(osm_flow.__file__)).parent
    places = [
        path.name
        for path in package.rglob("*.py")
        if re.search(r"\bast\.parse\(|\bliteral_eval\(|PyCF_ONLY_AST", path.read_text(encoding="utf-8"))
    ]

    assert places == ["expressions.py"]
    assert (package / "engine" / "expressions.py").read_text(encoding="utf-8").count("ast.parse(") == 1
