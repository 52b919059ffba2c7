"""Decision tables: hit policies, cells, and what is refused when they are read."""

from __future__ import annotations

from random import Random
from typing import Any
from xml.sax.saxutils import escape

import pytest

from osm_flow.engine import DefinitionRefused, ExpressionFault, evaluate_decision
from osm_flow.engine.decisions import decision_problems, read_decision

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


# ---- cells as the standard has them ------------------------------------------------------------------------------

WIDE: list[tuple[str, list[Any], list[Any]]] = [
    # truth is no number
    ("1", [1, 1.0], [True, "1"]),
    ("0", [0, 0.0], [False, None, ""]),
    ("true", [True], [1, 1.0, "true", False, None]),
    ("false", [False], [0, None, ""]),
    ("> 0", [1, 0.5], [True, False, None, 0]),
    ("[0..1]", [0, 1, 0.5], [True, False, None]),
    ("not(1)", [2, True, None, "1"], [1, 1.0]),
    ("0, 1", [0, 1], [True, False]),
    ("!= 1", [True, 2], [1]),
    # decimals
    ("0.3", [0.3], [0.30000000000000004]),
    ("0.1 + 0.2", [0.3], [0.30000000000000004]),
    (">= 0.1 + 0.2", [0.3], [0.29]),
    ("[0.1 * 3..1]", [0.3], [0.29]),
    # ranges with brackets either way, several in a cell
    ("]1..5[", [2, 4.9], [1, 5]),
    ("]1..5]", [2, 5], [1]),
    ("[1..5[", [1, 4], [5]),
    ("(1..5]", [2, 5], [1]),
    ("]1..5[, ]7..9[", [3, 8], [1, 5, 7, 9, 6]),
    ("[1..5[, 9", [1, 9], [5]),
    ("[1..2], [4..5]", [1, 5], [3]),
    ("not(]1..5[)", [1, 5, None], [3]),
    ("not([1..2], ]4..6[)", [3, 4, 6], [1, 5]),
    ("[-5..-1]", [-5, -3, -1], [0]),
    ("[limit..limit * 2]", [7, 14], [6, 15]),
    ("[len([1, 2])..5]", [2, 5], [1]),
    ("['a'..'c']", ["a", "b", "c"], ["d"]),
    ("['2026-01-01'..'2026-12-31']", ["2026-06-15"], ["2025-12-31", "2027-01-01"]),
    (">= '2026-10-01'", ["2026-10-01", "2026-10-02"], ["2026-09-30"]),
    # the value itself
    ("? > 5", [6], [5, None, True]),
    ("? > 1 and ? < 5", [2, 4], [1, 5]),
    ("? in [1, 2, 3]", [1, 3], [4, True]),
    ("len(?) > 2", ["abc", [1, 2, 3]], ["ab", []]),
    ("'ด' in ?", ["แดง"], ["เขียว"]),
    ("? % 2 == 0", [2, 4], [1]),
    ("? == limit or ? == null", [7, None], [8]),
    ("< 0, ? > 10", [-1, 11], [5]),
    ("not(? > 5)", [5, 1], [6]),
    ("'?'", ["?"], ["x"]),
    ("'a?b', 'c'", ["a?b", "c"], ["axb"]),
    # texts and lists
    ('"ก, ข"', ["ก, ข"], ["ก"]),
    ("'it''s', 'x'", ["x"], ["it"]),
    ('"say \\"yes\\""', ['say "yes"'], ["yes"]),
    ("null, 'x'", [None, "x"], ["y"]),
    ("not(null)", [1, "", False], [None]),
    ("[true]", [[True]], [[1], True]),
    ("= 'x'", ["x"], ["y"]),
]


@pytest.mark.parametrize(("cell", "inside", "outside"), WIDE)
def test_cells_of_every_kind(cell: str, inside: list[Any], outside: list[Any]) -> None:
    assert [v for v in inside if not hits(cell, v, limit=7)] == []
    assert [v for v in outside if hits(cell, v, limit=7)] == []


def test_by_the_rules_before_truth_was_a_number_and_decimals_were_binary() -> None:
    def old(cell: str, value: Any) -> bool:
        return bool(evaluate_decision(table(([cell], ["1"])), {"x": value}, 1))

    assert (old("1", True), old("> 0", True), old("[0..1]", True)) == (True, True, True)
    assert not old("0.1 + 0.2", 0.3)
    assert evaluate_decision(table((["-"], ["0.1 + 0.2"])), {"x": 1}, 1) == [{"out": 0.1 + 0.2}]
    assert evaluate_decision(table((["-"], ["0.1 + 0.2"])), {"x": 1}) == [{"out": 0.3}]


PYTHON = (
    "instances of",
    "unsupported operand",
    "invalid literal",
    "not supported between",
    "<unknown>",
    "object is not",
)


@pytest.mark.parametrize(
    ("cell", "output", "value", "words"),
    [
        ("> 5", "1", "abc", "a text cannot be compared with a number"),
        ("[1..5]", "1", "abc", "a text cannot be compared with a number"),
        ("> 5", "1", [1], "a list cannot be compared with a number"),
        ("'x' in ?", "1", 5, "nothing can be looked for in a number"),
        ("? + 1", "1", 5, "must be true or false"),
        ("-", "1 / 0", 5, "divided by nought"),
        ("-", "'a' + 1", 5, "cannot be added"),
        ("-", "int('x')", 5, "cannot read"),
        ("-", "x['a']", 5, "do not go together"),
        ("-", "nobody", 5, "no variable nobody"),
        ("-", "[1][9]", 5, "no such place"),
        ("-", "{'a': 1}['b']", 5, "there is no b in the object"),
        ("-", "len(5)", 5, "len() needs a list"),
        ("-", "sum([true])", 5, "true or false cannot be added"),
        ("-", "min([])", 5, "at least one"),
        ("-", "true + 1", 5, "true or false cannot be added"),
    ],
)
def test_what_goes_wrong_is_said_in_our_words_with_row_and_column(
    cell: str, output: str, value: Any, words: str
) -> None:
    with pytest.raises(ExpressionFault) as raised:
        evaluate_decision(table((["1"], ["1"]), ([cell], [output]), policy="FIRST"), {"x": value})
    said = str(raised.value)
    assert words in said
    assert "key, row 2, column " in said
    assert "__cell__" not in said
    assert not [python for python in PYTHON if python in said]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("a && b", "write and instead of &&"),
        ("date('2026-01-01')", "'2026-11-20'"),
        ("@'2026-01-01'", "'2026-11-20'"),
        ("plan.title", "plan['title']"),
        ("[1..open('x')]", "open() is not a function"),
        ("= a = b", "write == instead of ="),
        ("count(x)", "takes 3, not 1"),
        (r"'\ud800'", "cannot be stored"),
        ("1e999", "cannot be stored"),
    ],
)
def test_a_cell_that_is_refused_names_its_row_and_column_and_what_to_write(cell: str, words: str) -> None:
    (problem,) = decision_problems(table((["1"], ["1"]), ([cell], ["1"])))
    assert (problem.element, problem.code) == ("r1", "expression")
    assert problem.en.startswith("row 2, column x: ")
    assert words in problem.en
    assert problem.th.startswith("แถวที่ 2 ช่อง x: ")
    assert not [python for python in (*PYTHON, "invalid syntax") if python in problem.en]


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("ANY", "use FIRST"),
        ("PRIORITY", "most important row first"),
        ("RULE ORDER", "use COLLECT"),
        ("OUTPUT ORDER", "use COLLECT"),
        ("SOME", "UNIQUE, FIRST or COLLECT"),
    ],
)
def test_another_hit_policy_is_answered_with_the_one_to_use(policy: str, words: str) -> None:
    (problem,) = decision_problems(table((["1"], ["1"]), policy=policy))
    assert words in problem.en


def test_what_would_be_ignored_in_a_table_is_told() -> None:
    plain = table((["1"], ["1"]))
    default = plain.replace(
        b'name="out"/>', b'name="out"><defaultOutputEntry><text>1</text></defaultOutputEntry></output>'
    )
    allowed = plain.replace(b"</inputExpression>", b"</inputExpression><inputValues><text>1</text></inputValues>")
    groovy = plain.replace(b"<decisionTable ", b'<decisionTable expressionLanguage="groovy" ')
    assert [(p.code, p.level) for p in decision_problems(default)] == [("ignored", "error")]
    assert [(p.code, p.level) for p in decision_problems(allowed)] == [("ignored", "warning")]
    assert [(p.code, p.level) for p in decision_problems(groovy)] == [("language", "error")]
    assert decision_problems(plain) == []


# ---- what can be said of a cell before any case asks -------------------------------------------------------------------

NEVER = {
    "working_days(3)": "asks the calendar", "> working_days(3)": "asks the calendar", '[1.."a"]': "range", "[null..3]": "compared", "? + 1": "true or false",
    "[3..1]": "range", "(1..1)": "range", "]1..1]": "range", "[true..false]": "compared", '["b".."a"]': "range", "[1...3]": "range", "? > 3 and ? < 1": "no value",
    "? > 1 and ? < 'a'": "no value", "1 or 2": "1, 2", '"a" or "b"': '"a", "b"', "not 'a'": 'not("a")', "1e400": "1e400 cannot be used", "≥1": ">=", "≠ 3": "!=", "๕": "0-9",
    "< ๕": "0-9", "> 1 and < 5": "? > 1 and ? < 5", "1..5": "[1..5]", "in [1..5]": "[1..5]", "len(?)": "true or false", "? in []": "no value", "> true": "compared",
}  # fmt: skip


@pytest.mark.parametrize("cell", NEVER)
def test_a_cell_that_always_fails_or_never_matches_is_told_with_what_to_write(cell: str) -> None:
    (problem,) = decision_problems(table(([cell], ["1"])))
    assert (problem.level, problem.code) == ("error", "expression")
    assert NEVER[cell] in problem.en
    assert cell in problem.en
    assert cell in problem.th
    assert "__cell__" not in problem.th + problem.en


@pytest.mark.parametrize("place", ["input", "output"])
def test_the_calendar_is_asked_nowhere_in_a_table(place: str) -> None:
    xml = (
        table((["-"], ["working_days(3)"])) if place == "output" else table((["1"], ["1"]), inputs="milestone('close')")
    )
    (problem,) = decision_problems(xml)
    assert "asks the calendar" in problem.en


def _matching(random: Random) -> tuple[str, object]:
    """A cell and a value that it matches."""
    number, more, text = random.randint(-9, 9), random.choice((0.5, 1, 3)), random.choice(("a", "ก", "2026-11-20", ""))
    return random.choice(
        (
            (f"{number}", number), (f'"{text}"', text), (f"> {number}", number + 1), (f"<= {number}", number), (f"!= {number}", number + 1),
            (f"[{number}..{number + more}]", number), (f"({number}..{number + more})", number + more / 2), (f"]{number}..{number + more}]", number + more),
            (f'["{text}".."{text}z"]', text), (f'("{text}".."{text}z")', f"{text}y"), (f'not("{text}")', f"{text}!"), (f"not({number}, {number + 1})", number - 1),
            (f"{number}, {number + 5}", number + 5), ("true", True), ("false", False), ("null", None), ("-", 1), ("", 1), (f"? in [{number}, {number + 1}]", number),
            (f"? not in [{number}]", number + 1), (f'? in ["{text}"]', text), ("? is null", None), (f'"{text}" in ?', text + "x"), (f"? > {number} and ? < {number + more}", number + more / 2),
            (f"[{number}]", [number]), (f'> "{text}", "{text}"', text), (f"not([{number}..{number + more}])", number - 1), ("len(?) > 2", "abc"), ("any_of(?, 'a', 1)", [{"a": 1}]),
            ("> limit", 99), ("[low..high]", 5), ("low or high", 1), ("? is not null", 0), (f"? == {number} or ? > {number}", number + 1),
        )
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(300))
def test_a_cell_that_matches_something_is_never_told_to_match_nothing(seed: int) -> None:
    cell, value = _matching(Random(seed))  # noqa: S311
    given = {"x": value, "limit": 1, "low": 1, "high": 9}
    assert evaluate_decision(table(([cell], ["1"])), given) == [{"out": 1}]
    assert decision_problems(table(([cell], ["1"]))) == []
