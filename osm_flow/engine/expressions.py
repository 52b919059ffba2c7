"""The expressions of diagrams and decision tables: parsing them and working them out over the variables.

No Python, no attribute access, no comprehension, no call but the functions named here. Calendar functions are asked
through a `Lookup`, whose answers the caller records, so that a replay gives the same values.
"""

from __future__ import annotations

import ast
import math
import threading
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from simpleeval import (
    DEFAULT_OPERATORS,
    EvalWithCompoundTypes,
    FeatureNotAvailable,
    FunctionNotDefined,
    InvalidExpression,
    NameNotDefined,
)

from osm_flow.domain.json import JSON
from osm_flow.engine import arithmetic
from osm_flow.engine.errors import ExpressionFault
from osm_flow.engine.rules import DECIMALS, RULES
from osm_flow.engine.values import Lookup

COUNTING_FUNCTIONS = frozenset({"working_days", "calendar_days"})
CALENDAR_FUNCTIONS = COUNTING_FUNCTIONS | {"milestone", "before", "after"}
_ONE_AT_A_TIME = threading.Lock()
_WRAPPERS = (("${", "}"), ("#{", "}"))
_CONSTANTS = {"true": True, "false": False, "null": None}
MAX_LENGTH = 2_000
_MOST_BRACES = 20
MAX_DEPTH = 60
MAX_VALUES = 100_000
MAX_INTEGER = 2**63 - 1
_MOST_ARGUMENTS = 3


def strip(text: str) -> str:
    """The expression without the `${…}`, `#{…}` or leading `=` that a modeller may put round it."""
    text = text.strip()
    for opening, closing in _WRAPPERS:
        if text.startswith(opening) and text.endswith(closing) and _is_one(text[2:-1]):
            return text[2:-1].strip()
    return text[1:].strip() if text.startswith("=") and not text.startswith("==") else text


def _is_one(inner: str) -> bool:
    """Whether what stands between the first `${` and the last `}` is one expression, and not the middle of several."""
    if "${" not in inner and "#{" not in inner:
        return True
    return _is_syntax(inner)


def syntax_of(source: str) -> ast.Expression:
    """The syntax tree of a source text; everything in the engine that reads one does so here.

    One at a time: CPython counts the depth of the trees it builds for all threads together, and two that build at once can
    fail with "AST constructor recursion depth mismatch" (gh-106905).
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source, mode="eval")


def _is_syntax(source: str) -> bool:
    try:
        syntax_of(source.strip())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def is_wrapped(text: str) -> bool:
    """Whether the whole text is an expression, as its `${…}`, `#{…}` or `=` says, and no literal."""
    return strip(text) != text.strip()


def _count(items: Any, key: str, value: Any) -> int:
    if arithmetic.is_set(items):
        return arithmetic.counted(items, key, value)
    return sum(1 for item in items if arithmetic.part_of(item, key) == value)


def _total(items: Any, key: str) -> float:
    if arithmetic.is_set(items):
        return arithmetic.summed(items, key)
    return sum(arithmetic.part_of(item, key) or 0 for item in items)


def _any_of(items: Any, key: str, value: Any) -> bool:
    if arithmetic.is_set(items):
        return arithmetic.counted(items, key, value) > 0
    return any(arithmetic.part_of(item, key) == value for item in items)


def _all_of(items: Any, key: str, value: Any) -> bool:
    if arithmetic.is_set(items):
        return arithmetic.counted(items, key, value) == int(items["count"])
    return all(arithmetic.part_of(item, key) == value for item in items)


def _pick(items: list[Any], key: str, value: Any) -> list[Any]:
    return [item for item in items if arithmetic.part_of(item, key) == value]


def _field(items: list[Any], key: str) -> list[Any]:
    return [arithmetic.part_of(item, key) for item in items]


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


# What people call the parts of other languages that are no part of ours.
_REFUSED: dict[type[ast.AST], str] = {
    ast.Attribute: "a dot behind a name",
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "for … in …"),
    ast.Pow: "a power",
    ast.Lambda: "lambda",
    ast.Set: "a set in braces",
    **dict.fromkeys((ast.JoinedStr, ast.FormattedValue), "a text f'…'"),
    ast.Await: "await",
    **dict.fromkeys((ast.Yield, ast.YieldFrom), "yield"),
    ast.MatMult: "@",
    **dict.fromkeys((ast.LShift, ast.RShift), "<< or >>"),
    ast.Invert: "~",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
    ast.Starred: "*",
    ast.NamedExpr: ":=",
}


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.expr:
    """The syntax tree of an expression (wrapper allowed). Raises ExpressionFault for anything but the dialect."""
    source = strip(text)
    if not source or len(source) > MAX_LENGTH:
        raise ExpressionFault(text[:80], "empty or too long")
    try:
        tree = syntax_of(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        raise ExpressionFault(text[:80], "it cannot be read") from fault
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
        raise ExpressionFault(text[:80], f"{_REFUSED.get(type(node), 'such a thing')} is not allowed")
    if isinstance(node, ast.Dict) and None in node.keys:
        raise ExpressionFault(text[:80], "** is not allowed")
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            raise ExpressionFault(text[:80], f"{ast.unparse(node.func)}() is not a function of the dialect")
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            raise ExpressionFault(text[:80], "functions take plain arguments only")


# How many values each function takes: at least, at most.
_ARITIES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(("len", "abs", "str", "int", "sum", "milestone", "working_days", "calendar_days"), (1, 1)),
    **dict.fromkeys(("total", "field", "before", "after"), (2, 2)),
    **dict.fromkeys(("count", "any_of", "all_of", "pick"), (3, 3)),
    **dict.fromkeys(("round", "role", "var"), (1, 2)),
    **dict.fromkeys(("min", "max"), (1, 100)),
}


def constant_faults(text: str) -> list[str]:
    """What an expression that can be read holds and could never be worked out or kept: found before any case is."""
    tree = parse(text)
    unreadable = list(dict.fromkeys(fault for node in ast.walk(tree) if (fault := _constant_fault(node))))
    return unreadable or list(dict.fromkeys(_certain_faults(text, tree)))


def _certain_faults(text: str, tree: ast.expr) -> Iterator[str]:
    """Why parts of an expression can be worked out for no values of the variables at all."""
    if _is_constant(tree) and not isinstance(tree, ast.Slice):  # a slice alone is no value
        try:
            _worked_out(text, tree, {}, None, RULES)
        except ExpressionFault as fault:
            yield fault.reason
        return
    below = [reason for part in _parts(tree) for reason in _certain_faults(text, part)]
    yield from below
    if not below and (own := _own_fault(text, tree)) is not None:
        yield own


def _is_constant(tree: ast.AST) -> bool:
    """Whether a part of an expression asks neither for a variable nor for the calendar."""
    called, read = _names(tree)
    return called <= PURE_FUNCTIONS.keys() and not read


def _names(tree: ast.AST) -> tuple[set[str], set[str]]:
    """The functions that an expression calls, and the variables that it reads."""
    functions = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    called = {name.id for name in names if id(name) in functions}
    return called, {name.id for name in names if id(name) not in functions} - _CONSTANTS.keys()


def spelled(value: Any) -> str:
    """A constant as the dialect spells it."""
    return next((name for name, constant in _CONSTANTS.items() if constant is value), None) or str(value)


def _parts(tree: ast.expr) -> list[ast.expr]:
    called = tree.func if isinstance(tree, ast.Call) else None
    return [part for part in ast.iter_child_nodes(tree) if isinstance(part, ast.expr) and part is not called]


def _own_fault(text: str, tree: ast.expr) -> str | None:
    """Why the outermost operator or function of a part can work with none of the values that may come to it."""
    pairs: list[tuple[ast.AST, ast.expr, ast.expr]]
    match tree:
        case ast.BinOp(left=left, op=op, right=right):
            pairs = [(op, left, right)]
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            pairs = list(zip(ops, [left, *comparators], comparators, strict=False))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return arithmetic.never(_OPERATORS_BY_RULES[True][type(sign)], _possible(text, operand))
        case ast.Call(func=ast.Name(id=name), args=args) if name in arithmetic.CALENDAR:
            return arithmetic.never(arithmetic.CALENDAR[name], *(_possible(text, part) for part in args))
        case ast.Call(func=ast.Name(id=name), args=args) if name in arithmetic.FUNCTIONS:
            lists = [_possible(text, part) for part in args[:_MOST_ARGUMENTS]]
            return arithmetic.never(arithmetic.FUNCTIONS[name], *lists) if len(args) <= _MOST_ARGUMENTS else None
        case _:
            return None
    faults = (
        arithmetic.never(_OPERATORS_BY_RULES[True][type(op)], _possible(text, left), _possible(text, right))
        for op, left, right in pairs
    )
    return next((fault for fault in faults if fault is not None), None)


def _possible(text: str, tree: ast.expr) -> list[Any]:
    """Values that a part of an expression may have: its own if it is constant, else examples of all it can give."""
    if _is_constant(tree):
        try:
            return [_worked_out(text, tree, {}, None, RULES)]
        except ExpressionFault:
            return arithmetic.EXAMPLES  # told of that part already
    match tree:
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return [True, False]
        case ast.BinOp(op=ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv() | ast.Mod()):
            return arithmetic.NUMBERS
        case ast.Call(func=ast.Name(id="len" | "int" | "count" | "round" | "total" | "sum" | "abs")):
            return arithmetic.NUMBERS
        case ast.Call(func=ast.Name(id="str" | "role" | "working_days" | "calendar_days")):
            return arithmetic.TEXTS
        case ast.Call(func=ast.Name(id="any_of" | "all_of")):
            return [True, False]
        case ast.List():
            return arithmetic.LISTS
        case ast.Tuple():
            return [()]
        case ast.Dict():
            return [{}]
    return arithmetic.EXAMPLES


def always_is(text: str) -> str | None:
    """What kind of value an expression gives whatever the variables are, such as `a text`; None: it may be several."""
    values = _possible(text, parse(text))
    kinds = {arithmetic.kind_of(value) for value in values}
    return kinds.pop() if len(kinds) == 1 else None


def _constant_fault(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ARITIES:
        least, most = _ARITIES[node.func.id]
        given = len(node.args)
        if not least <= given <= most:
            return f"{node.func.id}() takes {least if least == most else f'{least} to {most}'}, not {given}"
    if not isinstance(node, ast.Constant) or isinstance(node.value, bool | None):
        return None
    if isinstance(node.value, str):
        kept = "\0" not in node.value and not any("\ud800" <= sign <= "\udfff" for sign in node.value)
        return None if kept else "it holds signs that cannot be stored"
    if isinstance(node.value, int):
        return None if abs(node.value) <= MAX_INTEGER else "it holds a number that cannot be stored"
    if isinstance(node.value, float):
        return None if math.isfinite(node.value) else "it holds a number that cannot be stored"
    return "it holds a value that cannot be stored"


def constant_of(text: str) -> tuple[bool, Any]:
    """Whether an expression is the same whatever the variables are, and then its value; a fault of its own is none."""
    if not _is_constant(parse(text)):
        return False, None
    try:
        return True, evaluate(text, {})
    except ExpressionFault:
        return False, None


def names_in(text: str) -> set[str]:
    """The variables that an expression reads."""
    return _names(parse(text))[1]


def _numbers(operator: Any) -> Any:
    """The operator for numbers alone: on texts and lists it would repeat or format without bound."""

    def apply(left: Any, right: Any) -> Any:
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError("only numbers can be multiplied or divided")  # rules 1; told as `_reason` words it
        return operator(left, right)

    return apply


_OPERATORS = {
    **DEFAULT_OPERATORS,
    **{kind: _numbers(DEFAULT_OPERATORS[kind]) for kind in (ast.Mult, ast.Mod, ast.Div, ast.FloorDiv)},
}


_OPERATORS_BY_RULES = {False: _OPERATORS, True: {**_OPERATORS, **arithmetic.OPERATORS}}
_FUNCTIONS_BY_RULES = {False: PURE_FUNCTIONS, True: {**PURE_FUNCTIONS, **arithmetic.FUNCTIONS}}


class _Evaluator(EvalWithCompoundTypes):  # type: ignore[misc]
    """simpleeval without attributes; the tree was checked by `parse` before it comes here."""

    def __init__(self, functions: Mapping[str, Any], names: Mapping[str, Any], rules: int) -> None:
        super().__init__(operators=_OPERATORS_BY_RULES[rules >= DECIMALS], functions=dict(functions), names=names)
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
            raise _Unstorable("the value is too big")
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
        raise _Unstorable("the value is not a number, a text, a list or an object that can be stored")

    return copy(value, 0)


def _var(data: Mapping[str, Any], name: str, default: Any = None) -> Any:
    return data.get(name, default)


def evaluate(text: str, data: Mapping[str, Any], lookup: Lookup | None = None, rules: int = RULES) -> Any:
    """The value of an expression over the variables, by these rules of the engine. Raises ExpressionFault with the reason.

    A calendar function without a `lookup` is a fault: nothing outside the variables may be asked.
    """
    return _worked_out(text, parse(text), data, lookup, rules)


def _worked_out(text: str, tree: ast.expr, data: Mapping[str, Any], lookup: Lookup | None, rules: int) -> Any:
    functions = {**_FUNCTIONS_BY_RULES[rules >= DECIMALS], "var": partial(_var, data)}
    for name in CALENDAR_FUNCTIONS:
        functions[name] = partial(_ask, lookup, text, name)
    try:
        return _plain(_Evaluator(functions, {**data, **_CONSTANTS}, rules).eval(strip(text), previously_parsed=tree))
    except NameNotDefined as fault:
        raise ExpressionFault(text[:80], f"there is no variable {fault.name}") from None
    except ExpressionFault:
        raise
    except RecursionError:
        raise ExpressionFault(text[:80], "it is nested too deeply") from None
    except (InvalidExpression, TypeError, ValueError, KeyError, IndexError, ArithmeticError, AttributeError) as fault:
        raise ExpressionFault(text[:80], _reason(fault)) from fault


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (FeatureNotAvailable, "it asks for what the dialect does not have"),
    (FunctionNotDefined, "it calls what is no function of the dialect"),
    (InvalidExpression, "the value is too big"),
    (IndexError, "the list has no such place"),
    (ZeroDivisionError, "a number cannot be divided by nought"),
    (ArithmeticError, "the number is too big"),
    (TypeError, "its values do not go together"),
)


def _reason(fault: Exception) -> str:
    """Why an expression cannot be worked out, in our own words."""
    if isinstance(fault, arithmetic.Unfit | _Unstorable):
        return str(fault)
    if isinstance(fault, KeyError):
        return f"there is no {str(fault.args[0])[:40]} in the object" if fault.args else "there is no such part"
    return next((reason for kind, reason in _REASONS if isinstance(fault, kind)), "its values do not go together")


class _Unstorable(ValueError):
    """A value that cannot be kept."""


def _ask(lookup: Lookup | None, text: str, name: str, *args: Any) -> Any:
    if lookup is None:
        raise ExpressionFault(text[:80], f"{name}() cannot be asked here")
    return lookup(name, args)


@lru_cache(maxsize=4096)
def pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """The text as pairs: what stands before a `${…}`, and the expression in it; None after the last one.

    An expression ends at the first brace with which it can be read. Raises ExpressionFault for one that is not closed.
    """
    found: list[tuple[str, str | None]] = []
    unread = text
    while "${" in unread:
        before, _, tail = unread.partition("${")
        ends = [place for place, sign in enumerate(tail) if sign == "}"]
        if not ends:
            raise ExpressionFault(text[:80], "a ${ is not closed")
        # `{'a': 1}['a']` has a brace of its own; where nothing can be read, the first one ends it.
        readable = (place for place in ends[:_MOST_BRACES] if _is_syntax(tail[:place]))
        end = ends[0] if len(ends) == 1 else next(readable, ends[0])
        found.append((before, tail[:end]))
        unread = tail[end + 1 :]
    return (*found, (unread, None))


def fill(text: str, data: JSON, lookup: Lookup | None = None, rules: int = RULES) -> str:
    """The text with every `${…}` in it replaced by its value; a text without any as it is."""
    out = []
    for before, expression in pieces(text):
        value = evaluate(expression, data, lookup, rules) if expression is not None else None
        if rules >= DECIMALS:
            out += [before, "" if value is None else arithmetic.text_of(value)]
        else:
            out += [before, "" if value is None else str(value)]
    return "".join(out)
