"""No word of Python or of a library reaches people: a table of bad inputs, each answered in both languages of ours."""

from __future__ import annotations

import ast
import re

import pytest

from osm_flow.engine.errors import DefinitionRefused, EngineFault, ExpressionFault
from osm_flow.engine.expressions import evaluate, fill
from osm_flow.engine.lint.linter import lint
from osm_flow.engine.sentences.habits import advice_for
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import read_xml
from tests.unit.engine.diagrams import FORM, Case, around, catch, element, manual, many, timer, user, xor

_OF_PYTHON = [
    name for name, kind in vars(ast).items() if isinstance(kind, type) and name[0].isupper() and len(name) > 3
]
_ERRORS = r"\w+(Error|Exception)\b|NoneType|Traceback|object has no|not subscriptable|unsupported operand"
_SAYINGS = r"isoformat|literal for|could not convert|out of range|must be in|month must|base 10|codec|ordinal not in"
_OF_LIBRARIES = (
    r"<string>|<unknown>|byte string|octet|xmlParse|XML_PARSE|AttValue|CData|token|scalar|tag:yaml|unhashable"
)
FOREIGN = re.compile(rf"\b({'|'.join(_OF_PYTHON)})\b|{_ERRORS}|{_SAYINGS}|{_OF_LIBRARIES}")


def judged(problems: list[Problem]) -> None:
    """Each sentence is there in both languages, in words of ours alone."""
    assert problems
    for problem in problems:
        assert not FOREIGN.search(problem.en), problem.en
        assert not FOREIGN.search(problem.th), problem.th
        assert "\n" not in problem.th + problem.en
        assert re.search("[\u0e00-\u0e7f]", problem.th), problem.th


EXPRESSIONS = (
    "a.b", "[x for x in y]", "{x for x in y}", "{x: 1 for x in y}", "(x for x in y)", "a ** 2", "lambda: 1", "{1, 2}", "f'{a}'", "(a := 1)", "[*a]",
    "await x", "(yield)", "(yield from x)", "a @ b", "a << 1", "a >> 1", "~a", "a | 1", "a & 1", "a ^ b", "b'x'", "1j", "...", "{**a}", "len(a=1)", "len(*a)",
    "a.b()", "a()()", "int('x')", "int('๕x')", "int('9' * 5000)", "before('x', 1)", "after('2026-13-45', 1)", "[1][5]", "{'a': 1}['b']", "1 / 0", "'a' * 3",
    "1e400", "9 ** 9 ** 9", "'a'[9]", "str(a, b)", "round('x')", "len(5)", "min()", "sum(['a'])", "not", "a and", "(a", "a b", "\"a", "1 +", "-'a'", "1 < 'a'",
    "[] + 1", "milestone(5)", "working_days('x')", "5['a']", "null['a']", "'a'['b']", "{'a': 1}[[]]", "[1]['a']", "round(1, 'x')", "round(1, 99)", "int([])", "int(1e300)",
)  # fmt: skip


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_that_cannot_be_used_is_told_in_our_words(text: str) -> None:
    path = "s > g; g > a [" + text.replace("&", "&") + "]; g > b; a > e; b > e"
    xml = around(xor("g", "b"), manual("a"), manual("b"), path=path)
    judged(lint(xml, forms={"f": FORM}, decisions={}, topics=()))


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_nor_does_a_running_case_tell_it_otherwise(text: str) -> None:
    assert not FOREIGN.search(reason_of(text)), reason_of(text)


def reason_of(text: str) -> str:
    """Why a case cannot work an expression out; empty when it can."""
    try:
        evaluate(text, {"a": 1, "b": "x", "x": None, "y": [1]})
    except ExpressionFault as fault:
        return fault.reason
    return ""


WHOLE = around(manual("a", name="x"))
NAMED = b'name="x"'
FILES: dict[str, bytes] = {
    "cut off": WHOLE[:-20], "empty": b"", "blank": b"  ", "words": b"hello", "json": b"{}", "pdf": b"%PDF-1.4", "zip": b"PK\x03\x04",
    "ampersand": WHOLE.replace(NAMED, b'name="a & b"'), "entity": WHOLE.replace(NAMED, b'name="&foo;"'), "less": WHOLE.replace(NAMED, b'name="a<b"'),
    "twice": WHOLE.replace(NAMED, b'name="x" name="y"'), "prefix": WHOLE.replace(NAMED, b'zz:name="x"'), "no quotes": WHOLE.replace(NAMED, b"name=x"),
    "nul": WHOLE.replace(NAMED, b'name="\x00"'), "control": WHOLE.replace(NAMED, b'name="\x01"'), "of no sign": WHOLE.replace(NAMED, b'name="&#0;"'),
    "not closed": WHOLE.replace(b"</bpmn:process>", b""), "two": WHOLE + WHOLE, "late": b" " + WHOLE, "deep": b"<a>" * 300 + b"</a>" * 300,
    "comment": WHOLE.replace(b"</bpmn:process>", b"<!-- -- --></bpmn:process>"), "cdata": WHOLE.replace(b"</bpmn:process>", b"<![CDATA[</bpmn:process>"),
    "version": WHOLE.replace(b'version="1.0"', b'version="9"'), "windows": WHOLE.replace(NAMED, b'name="\xa1\xd2"'), "page": b"<!doctype html><html>",
    **{
        name: WHOLE.replace(b'"UTF-8"', f'"{name}"'.encode()).replace(NAMED, 'name="ตรวจ"'.encode())
        for name in ("us-ascii", "big5", "nope", "windows-874", "tis-620", "iso-8859-11", "utf-32", "utf-7", "shift_jis", "ucs-4")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_read_is_told_in_our_words(name: str) -> None:
    problems = lint(FILES[name], forms={}, decisions={}, topics=())
    judged(problems)
    assert len(problems) == 1
    if name in (
        "us-ascii",
        "big5",
        "nope",
        "windows-874",
        "tis-620",
        "iso-8859-11",
        "utf-32",
        "utf-7",
        "shift_jis",
        "ucs-4",
        "windows",
    ):
        assert problems[0].code == "encoding"
        assert "UTF-8" in problems[0].en


def test_where_a_file_cannot_be_read_is_said() -> None:
    with pytest.raises(DefinitionRefused) as caught:
        read_xml(b"<a>\n  <b>\n</a>")
    assert caught.value.problems[0].en == "the file is not well-formed XML: b of line 2 is not closed (line 3, sign 5)"


# What only the values of a case make wrong.
STOPPED: dict[str, tuple[bytes, str]] = {
    "due": (user("a", c_dueDate="${x}").encode(), "5"),
    "due without offset": (user("a", c_dueDate="${x}").encode(), "2026-11-20T10:00"),
    "priority": (user("a", c_priority="${x}").encode(), "high"),
    "date": (catch("a", timer("x", "timeDate")).encode(), "ด่วน"),
    "period": (catch("a", timer("x")).encode(), "5"),
    "too far": (catch("a", timer("x")).encode(), "P9000Y"),
    "far too far": (catch("a", timer("x")).encode(), "P99999999999D"),
    "number": (manual("a", many(number="${x}")).encode(), "five"),
    "items": (manual("a", many("${x}", item="i")).encode(), "five"),
    "condition": (xor("a", "b").encode(), "yes"),
    "service": (element("serviceTask", "a", c_type="external", c_topic="work", c_priority="${x}").encode(), "y"),
}  # fmt: skip


@pytest.mark.parametrize("name", STOPPED)
def test_what_stops_a_case_is_told_in_our_words(name: str) -> None:
    node, value = STOPPED[name]
    path = "s > a; a > b [x]; a > c; b > e; c > e" if name == "condition" else "s > a > e"
    more = manual("b") + manual("c") if name == "condition" else ""
    xml = around(node.decode().replace('"a-b"', '"a-c"'), more, path=path)
    with pytest.raises(EngineFault) as caught:
        Case(xml, {"x": value})
    assert not FOREIGN.search(str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        ([1, "ก"], '[1, "ก"]'),
        ({"a": None}, '{"a": null}'),
        (1.5, "1.5"),
        ("x", "x"),
    ],
)
def test_values_in_a_text_are_spelled_as_the_dialect_spells_them(value: object, shown: str) -> None:
    assert fill("${x}", {"x": value}) == shown
    assert evaluate("str(x)", {"x": value}) == (shown or "null")


def test_older_records_keep_the_spelling_that_they_were_made_with() -> None:
    assert fill("${x} ${y}", {"x": True, "y": ["ก"]}, rules=1) == "True ['ก']"
    assert evaluate("str(x)", {"x": None}, rules=1) == "None"


@pytest.mark.parametrize(
    ("text", "advice"),
    [("a\n== 1", "on one line"), ("a ==\u200b 1", "nobody sees"), ("a == \u00ad'x", "nobody sees")],
)
def test_what_stands_in_an_expression_that_nobody_sees_is_said(text: str, advice: str) -> None:
    with pytest.raises(ExpressionFault):
        evaluate(text, {"a": 1})
    said = advice_for(text)

    assert said is not None
    assert advice in said.en


def test_a_sign_that_nobody_sees_in_a_time_is_said() -> None:
    problems = lint(around(catch("w", timer("P1D\u200b")), path="s > w > e"), forms={}, decisions={}, topics=())

    assert [(problem.element, "nobody sees" in problem.en) for problem in problems] == [("w", True)]


def test_conditions_on_flows_that_leave_a_task_are_told_with_the_gateway_that_is_missing() -> None:
    path = "s > a; a > b [x == 1]; a > c [x == 2]; b > e; c > e"
    (problem,) = lint(around(manual("a"), manual("b"), manual("c"), path=path), forms={}, decisions={}, topics=())

    assert (problem.element, problem.code) == ("a", "implicit_fork")
