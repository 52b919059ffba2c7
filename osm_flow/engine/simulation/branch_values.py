"""Values that the conditions of a diagram compare with, so that a random simulation takes every way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.expressions import parse
from osm_flow.engine.xml import BPMN


def guesses_of(root: Any) -> dict[str, list[Any]]:
    """The values worth trying for each variable that a condition compares; for a bare name true and false."""
    guesses: dict[str, list[Any]] = {}
    for node in root.iter(f"{BPMN}conditionExpression", f"{BPMN}loopCondition", f"{BPMN}completionCondition"):
        try:
            tree = parse((node.text or "").strip())
        except ExpressionFault:
            continue
        for name, options in _compared(tree):
            known = guesses.setdefault(name, [])
            known += [o for o in options if o not in known]
    return {name: options if len(options) > 1 else [*options, *_other(options)] for name, options in guesses.items()}


def _other(options: list[Any]) -> list[Any]:
    if not options or isinstance(options[0], bool):
        return [not options[0]] if options else [True, False]
    return [options[0] + 1] if isinstance(options[0], int | float) else [f"not {options[0]}"]


def _compared(tree: ast.expr) -> Iterator[tuple[str, list[Any]]]:
    settled: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            settled.add(id(node.func))
        if isinstance(node, ast.Compare) and (name := _variable(node.left)) is not None:
            settled.add(id(node.left))
            yield name, list(_around(node))
    for node in ast.walk(tree):
        name = _variable(node) if id(node) not in settled else None
        if name is not None and name not in ("true", "false", "null"):
            yield name, [True, False]


def _variable(node: ast.AST) -> str | None:
    """The name of the variable that an expression is (a name, or `var('name', default)`); None for any other."""
    if isinstance(node, ast.Name):
        return node.id
    match node:
        case ast.Call(func=ast.Name(id="var"), args=[ast.Constant(value=str(name)), *_]):
            return name
    return None


def _around(node: ast.Compare) -> Iterator[Any]:
    for right in node.comparators:
        if isinstance(right, ast.Constant):
            yield right.value
            if isinstance(right.value, int | float) and not isinstance(right.value, bool):
                yield right.value + 1
                yield right.value - 1
        elif isinstance(right, ast.Name) and right.id in ("true", "false"):
            yield right.id == "true"
        elif isinstance(right, ast.List | ast.Tuple):
            yield from (e.value for e in right.elts if isinstance(e, ast.Constant))
