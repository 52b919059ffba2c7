"""Decision tables (DMN 1.3, one table a file): hit policies UNIQUE, FIRST and COLLECT over the same expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from osm_flow.domain.json import JSON
from osm_flow.engine.errors import DefinitionRefused, ExpressionFault
from osm_flow.engine.expressions import evaluate, parse
from osm_flow.engine.values import Problem
from osm_flow.engine.xml import encoding_fault, local_name, read_xml

_INTERVAL = re.compile(r"^([\[\(\]])\s*(.+?)\s*\.\.\s*(.+?)\s*([\]\)\[])$")
_COMPARISON = re.compile(r"^(<=|>=|!=|<|>|==|=)\s*(.+)$", re.DOTALL)
_NEGATION = re.compile(r"^not\s*\((.*)\)$", re.DOTALL)
_CELL = "__cell__"


@dataclass(frozen=True)
class DecisionTable:
    """A decision table that has been checked: input expressions, output names, and rules."""

    key: str
    name: str
    hit_policy: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    rules: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]


def _nodes(node: Any, name: str) -> list[Any]:
    return [child for child in node if isinstance(child.tag, str) and local_name(child) == name]


def _text(node: Any) -> str:
    texts = _nodes(node, "text")
    return (texts[0].text or "").strip() if texts else ""


@lru_cache(maxsize=64)
def read_decision(xml: bytes) -> DecisionTable:
    """Read and check a decision table. Raises DefinitionRefused naming the rule and the cell."""
    root = read_xml(xml)
    decisions = _nodes(root, "decision")
    tables = [t for d in decisions for t in _nodes(d, "decisionTable")]
    if local_name(root) != "definitions" or len(decisions) != 1 or len(tables) != 1:
        raise _refused("", "one_table", "ไฟล์ต้องมีตารางการตัดสินใจหนึ่งตาราง", "the file must hold one decision table")
    decision, table = decisions[0], tables[0]
    policy = table.get("hitPolicy", "UNIQUE")
    key = decision.get("id", "")
    if policy not in ("UNIQUE", "FIRST", "COLLECT") or table.get("aggregation"):
        raise _refused(
            key, "hit_policy", "ใช้ได้เฉพาะ UNIQUE, FIRST หรือ COLLECT", "use UNIQUE, FIRST or COLLECT without aggregation"
        )
    inputs = tuple(_input_expression(key, i) for i in _nodes(table, "input"))
    outputs = tuple(o.get("name") or "" for o in _nodes(table, "output"))
    if not inputs or not all(outputs) or len(set(outputs)) < len(outputs):
        raise _refused(key, "columns", "ตารางต้องมีข้อมูลเข้าและชื่อผลลัพธ์", "the table needs inputs and named outputs")
    rules = tuple(_rule(rule, len(inputs), len(outputs)) for rule in _nodes(table, "rule"))
    return DecisionTable(key, decision.get("name", key), policy, inputs, outputs, rules)


def decision_problems(xml: bytes) -> list[Problem]:
    """What is wrong with a decision table, before any process uses it."""
    try:
        read_decision(xml)
    except DefinitionRefused as refused:
        return refused.problems
    fault = encoding_fault(read_xml(xml))
    return [fault] if fault is not None else []


def _input_expression(key: str, node: Any) -> str:
    expressions = _nodes(node, "inputExpression")
    expression = _text(expressions[0]) if expressions else ""
    try:
        parse(expression)
    except ExpressionFault as fault:
        raise _refused(key, "expression", str(fault), str(fault)) from None
    return expression


def _rule(rule: Any, width: int, results: int) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    name = rule.get("id", "")
    tests = tuple(_text(e) for e in _nodes(rule, "inputEntry"))
    values = tuple(_text(e) for e in _nodes(rule, "outputEntry"))
    if len(tests) != width or len(values) != results:
        raise _refused(name, "cells", "จำนวนช่องของกฎไม่ตรงกับตาราง", "the rule has not one cell for each column")
    try:
        for test in tests:
            parse(_condition(test))
        for value in values:
            parse(value or "null")
    except ExpressionFault as fault:
        raise _refused(name, "expression", str(fault), str(fault)) from None
    return name, tuple(_condition(test) for test in tests), tuple(value or "null" for value in values)


def _refused(element: str, code: str, th: str, en: str) -> DefinitionRefused:
    return DefinitionRefused([Problem(element, code, th, en)])


def _condition(cell: str) -> str:
    """The expression over `__cell__` that a cell stands for. Raises ExpressionFault for a part that is no expression."""
    cell = cell.strip()
    if cell in ("", "-"):
        return "True"
    negated = _NEGATION.match(cell)
    if negated:
        if negated.group(1).strip() in ("", "-"):
            raise ExpressionFault(cell, "not() needs something to negate")
        return f"not ({_condition(negated.group(1))})"
    return " or ".join(f"({_single(part)})" for part in _split(cell))


def _single(part: str) -> str:
    interval = _INTERVAL.match(part)
    if interval:
        low = ">=" if interval.group(1) == "[" else ">"
        high = "<=" if interval.group(4) == "]" else "<"
        parse(interval.group(2))
        parse(interval.group(3))
        return f"{_CELL} is not None and {_CELL} {low} ({interval.group(2)}) and {_CELL} {high} ({interval.group(3)})"
    comparison = _COMPARISON.match(part)
    if comparison:
        operator = {"=": "=="}.get(comparison.group(1), comparison.group(1))
        known = "" if operator in ("==", "!=") else f"{_CELL} is not None and "
        parse(comparison.group(2))
        return f"{known}{_CELL} {operator} ({comparison.group(2)})"
    parse(part)  # alone first: `1) or (1` must not become a part of the whole
    return f"{_CELL} == ({part})"


def _split(cell: str) -> list[str]:
    """The parts of a cell between commas outside quotes and brackets."""
    parts, depth, quote, current = [], 0, "", ""
    for sign in cell:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        if sign == "," and not quote and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += sign
    return [*parts, current.strip()]


def evaluate_decision(xml: bytes, data: JSON) -> list[JSON]:
    """The outputs of the rules that match, in table order. Raises ExpressionFault, or for UNIQUE with two matches."""
    table = read_decision(xml)
    asked = [evaluate(expression, data) for expression in table.inputs]
    hits: list[JSON] = []
    for name, tests, values in table.rules:
        if all(evaluate(test, {**data, _CELL: value}) for test, value in zip(tests, asked, strict=True)):
            hits.append({o: evaluate(v, data) for o, v in zip(table.outputs, values, strict=True)})
            if table.hit_policy == "FIRST":
                break
            if table.hit_policy == "UNIQUE" and len(hits) > 1:
                raise ExpressionFault(table.key, f"two rules match, the second is {name}, but the table is UNIQUE")
    return hits
