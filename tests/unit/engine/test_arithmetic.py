"""Values are worked out and compared as on paper: decimals in tens, true is no number; older records by older rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.engine import EngineFault, ExpressionFault, Start, step
from osm_flow.engine.arithmetic import kind_of, same
from osm_flow.engine.expressions import evaluate, fill
from tests.unit.engine.diagrams import CASE, NOW, around, calendar, compiled, element, manuals, xor
from tests.unit.engine.test_decisions import table

DATA = {
    "judged": {"set": "d", "count": 3, "summary": {"result": {"Y1": 2, "N": 1}, "amount": 250.5}},
    "a": 0.1,
    "b": 0.2,
    "rows": [{"n": 0.1}, {"n": 0.2}, {"n": True}, {"n": 1}],
    "yes": True,
    "ten": "10",
}

# Facts that the standard's own collection of tests states, in our dialect; and what forms would say of the same sums.
FACTS: list[tuple[str, Any]] = [
    ("null == null", True),
    ("null != null", False),
    ("true == true", True),
    ("true == null", False),
    ("false == 0", False),
    ("true == 1", False),
    ("true != 1", True),
    ("0 == 0.00", True),
    ("-0 == 0", True),
    ("100 == null", False),
    ("100 == '100'", False),
    ("12300 == 1.23e4", True),
    ("0.000123 == 1.23e-4", True),
    ("'foo' == 'Foo'", False),
    ("'foo' == 100", False),
    ("[1, 2, 3] == [1, 2, 3]", True),
    ("[1, 1, 1] == [1, 1, 1, 1]", False),
    ("[1, 2, 3] == [3, 2, 1]", False),
    ("[] == null", False),
    ("[] == 0", False),
    ("{} == []", False),
    ("{'foo': 'bar', 'bar': 1} == {'bar': 1, 'foo': 'bar'}", True),
    ("1 in [2, 3, 1]", True),
    ("true in [false, 2, 3]", False),
    ("true in [1]", False),
    ("1 in [true]", False),
    ("10 * -10", -100),
    ("-10 + -5", -15),
    ("1.2345 + 2.234", 3.4685),
    ("100 / 10", 10),
    ("a + b", 0.3),
    ("a + b == 0.3", True),
    ("a * 3 == 0.3", True),
    ("0.3 - b == a", True),
    ("1.1 * 1.1", 1.21),
    ("4.35 * 100", 435),
    ("1.15 + 2.3 <= 3.45", True),
    ("0.3 / 0.1", 3),
    ("0.3 // 0.1", 3),
    ("0.3 % 0.1", 0),
    ("-7.5 % 2", 0.5),
    ("-7.5 // 2", -4),
    ("7 // 2 + 7 % 2", 4),
    ("round(2.675, 2)", 2.68),
    ("round(2.5)", 2),
    ("round(1234, -2)", 1200),
    ("sum([0.1, 0.2, 0.3])", 0.6),
    ("sum([])", 0),
    ("total([{'n': 0.1}, {'n': 0.2}, {}], 'n')", 0.3),
    ("count(rows, 'n', 1)", 1),
    ("count(rows, 'n', true)", 1),
    ("any_of(rows, 'n', false)", False),
    ("pick(rows, 'n', 1)", [{"n": 1}]),
    ("any_of(judged, 'result', 'N')", True),
    ("any_of(judged, 'result', 'Y2')", False),
    ("all_of(judged, 'result', 'Y1')", False),
    ("count(judged, 'result', 'Y1')", 2),
    ("total(judged, 'amount')", 250.5),
    ("len(judged)", 3),
    ("min([0.3, a + b])", 0.3),
    ("str(true)", "true"),
    ("str(a + b)", "0.3"),
    ("9007199254740993 + 0", 9007199254740993),
    ("'a' + 'b'", "ab"),
    ("[1] + [2]", [1, 2]),
    ("[1, 2] < [1, 3]", True),
    ("'2026-01-02' > '2026-01-01'", True),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), FACTS)
def test_what_is_so(text: str, value: Any) -> None:
    found = evaluate(text, DATA)
    assert found == value
    assert isinstance(found, bool) == isinstance(value, bool)


WRONG = {
    "true + 1": "true or false cannot be added",
    "yes * 2": "true or false cannot be multiplied",
    "yes > 0": "true or false cannot be compared with a number",
    "1 < 'a'": "a number cannot be compared with a text",
    "ten > 9": "a text cannot be compared with a number",
    "null > 1": "nothing (null) cannot be compared with a number",
    "-yes": "has no opposite",
    "-'a'": "a text has no opposite",
    "'a' + 1": "write str(…)",
    "'a' - 'b'": "a text cannot be subtracted",
    "1 / 0": "divided by nought",
    "1.5 % 0": "divided by nought",
    "1 // 0": "divided by nought",
    "1e308 * 10": "",
    "sum([true])": "true or false cannot be added",
    "pick(judged, 'result', 'N')": "pick() needs a list",
    "field(judged, 'result')": "field() needs a list",
    "any_of(judged, 'name', 'N')": "the rows of a set are not counted by name",
    "count(judged, 'amount', 1)": "the rows of a set are not counted by amount",
    "total(judged, 'result')": "the rows of a set are not summed by result",
    "sum(5)": "sum() needs a list, not a number",
    "max([1, 'a'])": "compares numbers with numbers",
    "min([])": "at least one value",
    "abs('a')": "abs() needs a number, not a text",
    "round(true)": "round() needs a number, not true or false",
    "round(1, 99)": "at most 30 places",
    "int('x')": "int() cannot read 'x'",
    "int(true)": "int() needs a number",
    "len(5)": "len() needs a list, a text or an object, not a number",
    "1 in 5": "nothing can be looked for in a number",
    "1 in 'a'": "a number cannot be looked for in a text",
    "field(5, 'a')": "field() needs a list",
    "rows[9]": "the list has no such place",
    "rows['x']": "do not go together",
    "{'a': 1}['b']": "there is no b in the object",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_worked_out_is_said_in_our_words(text: str) -> None:
    with pytest.raises(ExpressionFault) as raised:
        evaluate(text, DATA)
    said = str(raised.value)
    assert WRONG[text] in said
    assert not [
        w for w in ("instances of", "operand", "literal", "subscript", "<class", "index out", "decimal.") if w in said
    ]


@given(st.integers(-(10**9), 10**9), st.integers(-(10**9), 10**9), st.sampled_from("+-*"))
def test_amounts_in_hundredths_are_exact(left: int, right: int, sign: str) -> None:
    worked = evaluate(f"a {sign} b", {"a": left / 100, "b": right / 100})
    hundredths = {"+": left + right, "-": left - right}.get(sign)
    exact = hundredths / 100 if hundredths is not None else left * right / 10_000
    assert worked == exact


@given(st.integers(-(10**12), 10**12), st.integers(1, 10**6))
def test_whole_numbers_are_as_they_were(left: int, right: int) -> None:
    for sign in ("+", "-", "*", "//", "%"):
        text = f"a {sign} b"
        assert evaluate(text, {"a": left, "b": right}) == evaluate(text, {"a": left, "b": right}, rules=1)


def test_by_the_older_rules_everything_is_as_it_was_recorded() -> None:
    assert evaluate("a + b", DATA, rules=1) == 0.1 + 0.2
    assert evaluate("true + 1", DATA, rules=1) == 2
    assert evaluate("true == 1", DATA, rules=1) is True
    assert evaluate("true in [1]", DATA, rules=1) is True
    assert evaluate("sum([true, 1])", DATA, rules=1) == 2
    assert evaluate("str(true)", DATA, rules=1) == "True"
    assert evaluate("total(rows, 'n')", DATA, rules=1) == sum(row["n"] for row in DATA["rows"])  # type: ignore[attr-defined, misc]
    assert fill("${a + b}", DATA, rules=1) == str(0.1 + 0.2)
    assert fill("${a + b}", DATA) == "0.3"


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "nothing (null)"), (True, "true or false"), (1, "a number"), (1.5, "a number"), ("x", "a text"), ([], "a list"), ({}, "an object")],
)  # fmt: skip
def test_every_kind_of_value_has_a_name(value: Any, kind: str) -> None:
    assert kind_of(value) == kind


def test_sameness_goes_down_to_the_last_value() -> None:
    assert same({"a": [1, {"b": True}]}, {"a": [1.0, {"b": True}]})
    assert not same({"a": [1, {"b": True}]}, {"a": [1, {"b": 1}]})
    assert not same([True], [1])


# ---- in a case ---------------------------------------------------------------------------------------------------------

GATE = around(xor("g", "b"), manuals("a b"), path="s > g; g > a [x + y == 0.3]; g > b; a > e; b > e")


@pytest.mark.parametrize(("rules", "way"), [(1, "b"), (2, "a")])
def test_a_gateway_works_by_the_rules_of_its_record(rules: int, way: str) -> None:
    taken = step(compiled(GATE), CASE, None, Start({"x": 0.1, "y": 0.2}), NOW, calendar, rules)
    assert [w.element for w in taken.waiting] == [way]


ASKED = around(xor("g", "b"), manuals("a b"), path="s > g; g > a [answer]; g > b; a > e; b > e")


@pytest.mark.parametrize("answer", ["no", "false", "yes", ""])
def test_a_text_is_no_condition(answer: str) -> None:
    process = compiled(ASKED)
    with pytest.raises(EngineFault, match="not true or false: compare it") as raised:
        step(process, CASE, None, Start({"answer": answer}), NOW, calendar)
    assert raised.value.element == "g"
    taken = step(process, CASE, None, Start({"answer": answer}), NOW, calendar, 1)
    assert [w.element for w in taken.waiting] == ["a" if answer else "b"]


@pytest.mark.parametrize(
    ("answer", "way"), [(True, "a"), (False, "b"), (None, "b"), (3, "a"), (0, "b"), ([1], "a"), ([], "b")]
)
def test_what_is_there_or_not_is_a_condition(answer: Any, way: str) -> None:
    taken = step(compiled(ASKED), CASE, None, Start({"answer": answer}), NOW, calendar)
    assert [w.element for w in taken.waiting] == [way]


@pytest.mark.parametrize(("rules", "found"), [(1, [{"out": 0.1 + 0.2}]), (2, [{"out": 0.3}])])
def test_a_table_works_by_the_rules_of_its_record(rules: int, found: Any) -> None:
    decision = element("businessRuleTask", "d", c_decisionRef="D", c_resultVariable="r")
    xml = around(decision, manuals("a"), path="s > d > a > e")
    tables = {"D": table((["1"], ["x + y"]), inputs="one")}
    process = compiled(xml, decisions=tables)
    taken = step(process, CASE, None, Start({"x": 0.1, "y": 0.2, "one": 1}), NOW, calendar, rules)
    assert taken.data["r"] == found
    assert step(process, CASE, None, Start({"x": 0.1, "y": 0.2, "one": 1}), NOW, calendar, rules).digest == taken.digest
