"""The expressions of diagrams and decision tables: parsing them and working them out over the variables.

No Python, no attribute access, no comprehension, no call but the functions named here. Calendar functions are asked
through a `Lookup`, whose answers the caller records, so that a replay gives the same values.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any

from simpleeval import DEFAULT_OPERATORS, EvalWithCompoundTypes, InvalidExpression, NameNotDefined

from osm_flow.domain.json import JSON
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.values import Lookup

COUNTING_FUNCTIONS = frozenset({"working_days", "calendar_days"})
CALENDAR_FUNCTIONS = COUNTING_FUNCTIONS | {"milestone", "before", "after"}
_WRAPPERS = (("${", "}"), ("#{", "}"))
_CONSTANTS = {"true": True, "false": False, "null": None}
MAX_LENGTH = 2_000
MAX_DEPTH = 60
MAX_VALUES = 100_000
MAX_INTEGER = 2**63 - 1


def strip(text: str) -> str:
    """The expression without the `${…}`, `#{…}` or leading `=` that a modeller may put round it."""
    text = text.strip()
    for opening, closing in _WRAPPERS:
        if text.startswith(opening) and text.endswith(closing):
            return text[2:-1].strip()
    return text[1:].strip() if text.startswith("=") and not text.startswith("==") else text


def is_wrapped(text: str) -> bool:
    """Whether the whole text is an expression, as its `${…}`, `#{…}` or `=` says, and no literal."""
    return strip(text) != text.strip()


def _get(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else None


def _count(items: list[Any], key: str, value: Any) -> int:
    return sum(1 for item in items if _get(item, key) == value)


def _total(items: list[Any], key: str) -> float:
    return sum(_get(item, key) or 0 for item in items)


def _any_of(items: list[Any], key: str, value: Any) -> bool:
    return any(_get(item, key) == value for item in items)


def _all_of(items: list[Any], key: str, value: Any) -> bool:
    return all(_get(item, key) == value for item in items)


def _pick(items: list[Any], key: str, value: Any) -> list[Any]:
    return [item for item in items if _get(item, key) == value]


def _field(items: list[Any], key: str) -> list[Any]:
    return [_get(item, key) for item in items]


def _role(role: str, province: str | None = None) -> str:
    return f"{role}@{province}" if province else role


PURE_FUNCTIONS: dict[str, Any] = {
    "len": len,
    "sum": sum,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "str": str,
    "int": int,
    "count": _count,
    "total": _total,
    "any_of": _any_of,
    "all_of": _all_of,
    "pick": _pick,
    "field": _field,
    "role": _role,
}
FUNCTIONS = frozenset(PURE_FUNCTIONS) | CALENDAR_FUNCTIONS | {"var"}

_VALUES = (ast.Expression, ast.Constant, ast.Name, ast.Load, ast.Subscript, ast.Slice, ast.List, ast.Tuple, ast.Dict)
_LOGIC = (ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.IfExp, ast.Call, ast.keyword)
_ARITHMETIC = (ast.USub, ast.UAdd, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_COMPARED = (ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_ALLOWED_NODES = (*_VALUES, *_LOGIC, *_ARITHMETIC, *_COMPARED)


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """The syntax tree of an expression (wrapper allowed). Raises ExpressionFault for anything but the dialect."""
    source = strip(text)
    if not source or len(source) > MAX_LENGTH:
        raise ExpressionFault(text[:80], "empty or too long")
    try:
        tree = ast.parse(source, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        raise ExpressionFault(text[:80], f"not an expression ({fault})") from None
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        for node in level:
            _check_node(text, node)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree.body
    raise ExpressionFault(text[:80], "it is nested too deeply")


def _check_node(text: str, node: ast.AST) -> None:
    if not isinstance(node, _ALLOWED_NODES):
        raise ExpressionFault(text[:80], f"{type(node).__name__} is not allowed")
    if isinstance(node, ast.Dict) and None in node.keys:
        raise ExpressionFault(text[:80], "** is not allowed")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise ExpressionFault(text[:80], f"{ast.unparse(node.func)}() is not a function of the dialect")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise ExpressionFault(text[:80], "functions take plain arguments only")


def names_in(text: str) -> set[str]:
    """The variables that an expression reads."""
    tree = parse(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called} - set(_CONSTANTS)


def _numbers(operator: Any) -> Any:
    """The operator for numbers alone: on texts and lists it would repeat or format without bound."""

    def apply(left: Any, right: Any) -> Any:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError("only numbers can be multiplied or divided")
        return operator(left, right)

    return apply


_OPERATORS = {
    **DEFAULT_OPERATORS,
    **{kind: _numbers(DEFAULT_OPERATORS[kind]) for kind in (ast.Mult, ast.Mod, ast.Div, ast.FloorDiv)},
}


class _Evaluator(EvalWithCompoundTypes):  # type: ignore[misc]
    """simpleeval without attributes; the tree was checked by `parse` before it comes here."""

    def __init__(self, functions: Mapping[str, Any], names: Mapping[str, Any]) -> None:
        super().__init__(operators=_OPERATORS, functions=dict(functions), names=names)
        self.nodes.pop(ast.Attribute, None)

    def _eval_name(self, node: ast.Name) -> Any:
        if node.id not in self.names:
            raise NameNotDefined(node.id, "")  # the library would take the function of that name
        return self.names[node.id]


def _plain(value: Any, room: int = MAX_VALUES) -> Any:
    """The value as JSON has it, so that a stored and a kept state are the same. Raises ValueError for anything else."""
    left = [room]

    def copy(item: Any, depth: int) -> Any:
        left[0] -= 1
        if left[0] < 0 or depth > 50:
            raise ValueError("the value is too big")
        if item is None or isinstance(item, str | bool):
            return item
        if isinstance(item, int) and abs(item) <= MAX_INTEGER:
            return item
        if isinstance(item, float) and math.isfinite(item):
            return item
        if isinstance(item, list | tuple):
            return [copy(inner, depth + 1) for inner in item]
        if isinstance(item, dict) and all(isinstance(key, str) for key in item):
            return {key: copy(inner, depth + 1) for key, inner in item.items()}
        raise ValueError("the value is not a number, a text, a list or an object that can be stored")

    return copy(value, 0)


def _var(data: Mapping[str, Any], name: str, default: Any = None) -> Any:
    return data.get(name, default)


def evaluate(text: str, data: Mapping[str, Any], lookup: Lookup | None = None) -> Any:
    """The value of an expression over the variables. Raises ExpressionFault with the reason.

    A calendar function without a `lookup` is a fault: nothing outside the variables may be asked.
    """
    tree = parse(text)
    functions = {**PURE_FUNCTIONS, "var": partial(_var, data)}
    for name in CALENDAR_FUNCTIONS:
        functions[name] = partial(_ask, lookup, text, name)
    try:
        return _plain(_Evaluator(functions, {**data, **_CONSTANTS}).eval(strip(text), previously_parsed=tree))
    except NameNotDefined as fault:
        raise ExpressionFault(text[:80], f"there is no variable {fault.name}") from None
    except ExpressionFault:
        raise
    except RecursionError:
        raise ExpressionFault(text[:80], "it is nested too deeply") from None
    except (InvalidExpression, TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError) as fault:
        raise ExpressionFault(text[:80], str(fault) or type(fault).__name__) from None


def _ask(lookup: Lookup | None, text: str, name: str, *args: Any) -> Any:
    if lookup is None:
        raise ExpressionFault(text[:80], f"{name}() cannot be asked here")
    return lookup(name, args)


def fill(text: str, data: JSON, lookup: Lookup | None = None) -> str:
    """The text with every `${…}` in it replaced by its value; a text without any as it is."""
    out, unread = [], text
    while "${" in unread:
        before, _, tail = unread.partition("${")
        expression, closed, unread = tail.partition("}")
        if not closed:
            raise ExpressionFault(text[:80], "a ${ is not closed")
        value = evaluate(expression, data, lookup)
        out += [before, "" if value is None else str(value)]
    return "".join([*out, unread])
