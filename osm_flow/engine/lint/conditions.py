"""Checking what gateways and loops ask: conditions that are texts, and gaps in which none of them holds."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import islice, pairwise, product
from typing import Any

from osm_flow.domain.forms.schema import fields_of
from osm_flow.engine import expressions
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.lint.examined import Ground
from osm_flow.engine.xml import child_text

_MOST_TRIED = 400
_MOST_VARIABLES = 3


def check_condition(ground: Ground, node: Any, text: str | None) -> None:
    """Check that a text is an expression, and one that can be true or false."""
    if not text:
        return
    before = len(ground.found)
    ground.expression(node, text)
    if len(ground.found) > before:
        return
    words = _text_asked(expressions.parse(text), _texts_of_forms(ground))
    if words is not None:
        th = f"{words} เป็นข้อความ ไม่ใช่เงื่อนไข ให้เทียบค่า เช่น {words} == 'yes'"
        en = f"{words} is a text and no condition: compare it, such as {words} == 'yes'"
        ground.add(node, "text_condition", th, en)
    elif _is_no_condition(text):
        th = f"{text[:80]} ไม่ใช่เงื่อนไข ให้เขียนสิ่งที่เป็นจริงหรือเท็จได้ เช่น amount > 3"
        en = f"{text[:80]} is no condition: write what can be true or false, such as amount > 3"
        ground.add(node, "text_condition", th, en)


def _is_no_condition(text: str) -> bool:
    """Whether an expression always gives a value that is neither true nor false; a number or list may be asked for."""
    kind = expressions.always_is(text)
    return kind not in (None, "true or false") and (kind != "a number" or expressions.constant_of(text)[0])


def _text_asked(tree: ast.expr, texts: set[str]) -> str | None:
    """The text that stands where something true or false is asked for: quoted, or a text field of a form."""
    match tree:
        case ast.BoolOp(values=values):
            return next((found for value in values if (found := _text_asked(value, texts)) is not None), None)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _text_asked(operand, texts)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts = (_text_asked(part, texts) for part in (test, body, orelse))
            return next((found for found in parts if found is not None), None)
        case ast.Constant(value=str(value)):
            return repr(value)
        case ast.Name(id=name) if name in texts:
            return name
    return None


def _texts_of_forms(ground: Ground) -> set[str]:
    """The variables that every form with a field of that name has as a text."""
    return {name for name, fields in _fields(ground).items() if all(field.get("type") == "string" for field in fields)}


def _fields(ground: Ground) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for form in ground.forms.values():
        for name, field in fields_of(form).items():
            found.setdefault(name, []).append(field)
    return found


# ---- gaps --------------------------------------------------------------------------------------------------------------


def check_gap(ground: Ground, node: Any, outgoing: list[Any]) -> None:
    """Warn of a gateway without a default at which, for some values, no condition holds."""
    conditions = [child_text(flow, "./bpmn:conditionExpression") for flow in outgoing]
    try:
        example = _gap([text for text in conditions if text], _fields(ground)) if all(conditions) else None
    except ExpressionFault:
        return
    if example is None:
        return
    case = ", ".join(f"{name} = {_shown(value)}" for name, value in example.items())
    th = f"ไม่มีเส้นเริ่มต้น และไม่มีเงื่อนไขใดเป็นจริง{f' เช่นเมื่อ {case}' if case else 'ได้เสมอไป'} เรื่องจะหยุด ให้กำหนดเส้นเริ่มต้น"
    en = f"there is no default flow, and no condition holds{f', for instance when {case}' if case else ' for some values'}"
    ground.add(node, "gap", th, f"{en}: the case would stop; make one flow the default", "warning")


def _shown(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return expressions.spelled(value)
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def _gap(conditions: list[str], fields: Mapping[str, list[Mapping[str, Any]]]) -> dict[str, Any] | None:
    """Values for which no condition holds; empty when that cannot be tried out; None: some condition always holds."""
    trees = [expressions.parse(text) for text in conditions]
    asked: dict[str, list[Any]] = {}
    for tree in trees:
        for place, constants in _compared(tree):
            asked.setdefault(place, []).extend(constants)
    if not asked or len(asked) > _MOST_VARIABLES:
        return None if _is_constant_true(conditions) else {}
    options = [_options(constants, fields.get(place, [])) for place, constants in asked.items()]
    for values in islice(product(*options), _MOST_TRIED):
        example = dict(zip(asked, values, strict=True))
        if not any(_holds(tree, example) for tree in trees):
            return example
    return None


def _is_constant_true(conditions: list[str]) -> bool:
    return any(expressions.constant_of(text) == (True, True) for text in conditions)


def _compared(tree: ast.expr) -> Iterator[tuple[str, list[Any]]]:
    """The variables (or parts of them) that an expression asks for, each with the constants it is compared with."""
    match tree:
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _compared(part)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _compared(operand)
        case ast.Compare(left=left, comparators=comparators):
            sides = [left, *comparators]
            constants = [c for side in sides for c in _constants(side)]
            for side in sides:
                if not isinstance(side, ast.Constant) and not _constants(side):
                    yield ast.unparse(side), constants
        case ast.Constant():
            return
        case _ if not _constants(tree):
            yield ast.unparse(tree), [True]


def _constants(node: ast.expr) -> list[Any]:
    match node:
        case ast.Constant(value=value):
            return [value]
        case ast.Name(id="true" | "false" as name):
            return [name == "true"]
        case ast.Name(id="null"):
            return [None]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return [-value]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [constant for part in parts for constant in _constants(part)]
    return []


def _options(constants: list[Any], fields: list[Mapping[str, Any]]) -> list[Any]:
    """The values worth trying: those compared with and those between; for a choice of a form what it offers."""
    offered = [option for field in fields for option in field.get("enum", [])]
    if offered:
        return offered
    numbers = sorted({c for c in constants if isinstance(c, int | float) and not isinstance(c, bool)})
    if numbers:
        between = [(low + high) / 2 for low, high in pairwise(numbers)]
        return [*numbers, *between, numbers[0] - 1, numbers[-1] + 1]
    if any(isinstance(c, str) for c in constants):
        return [*dict.fromkeys(c for c in constants if isinstance(c, str)), "…"]
    return [True, False]


def _holds(tree: ast.expr, example: Mapping[str, Any]) -> bool:
    """Whether the condition holds for these values; what cannot be worked out may hold."""
    places = {place: f"v{number}" for number, place in enumerate(example)}
    renamed = ast.unparse(_Renamed(places).visit(expressions.syntax_of(ast.unparse(tree))))
    try:
        return bool(expressions.evaluate(renamed, {places[place]: value for place, value in example.items()}))
    except ExpressionFault:
        return True


class _Renamed(ast.NodeTransformer):
    """Puts a plain name in the place of each part that is tried out."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self.places = places

    def visit(self, node: ast.AST) -> Any:
        if isinstance(node, ast.expr) and (name := self.places.get(ast.unparse(node))) is not None:
            return ast.Name(id=name, ctx=ast.Load())
        return self.generic_visit(node)
