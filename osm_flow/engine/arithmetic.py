"""Working out and comparing values as people do on paper: decimals are decimal, and true or false is no number.

A decimal goes in and comes out as JSON has it; between, each step is worked out with 50 digits in tens, so that 0.1 + 0.2
is 0.3. These are the rules from number 2 on; records of rules 1 are replayed with Python's own operators.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import (
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import partial
from itertools import product
from typing import Any

from osm_flow.domain.calendar.deadlines import MOST_DAYS

_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow])
_LONGEST = 100_000
_MOST_PLACES = 30


class Unfit(ValueError):
    """Values that an operator or a function cannot work with; the sentence says which."""


def kind_of(value: Any) -> str:
    """What people call a value of this kind."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return "true or false"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case dict():
            return "an object"
    return "such a value"


def is_number(value: Any) -> bool:
    """Whether the value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same, at whatever depth; true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def _exact(value: Any) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def _json(number: Decimal) -> float:
    return float(number)


def _numbers(what: str, work: Callable[[Any, Any], Any], exactly: Callable[[Decimal, Decimal], Decimal]) -> Any:
    """The operator for numbers alone: whole ones as they are, decimals in tens."""

    def apply(left: Any, right: Any) -> Any:
        for value in (left, right):
            if not is_number(value):
                raise Unfit(f"{kind_of(value)} cannot be {what}: only numbers can")
        try:
            if isinstance(left, int) and isinstance(right, int) and what != "divided":
                return work(left, right)
            with localcontext(_CONTEXT):
                return _json(exactly(_exact(left), _exact(right)))
        except (ZeroDivisionError, InvalidOperation):
            raise Unfit("a number cannot be divided by nought") from None
        except Overflow:
            raise Unfit("the number is too big") from None

    return apply


def _floor(left: Decimal, right: Decimal) -> Decimal:
    return (left / right).to_integral_value(ROUND_FLOOR)


_SUM = _numbers("added", lambda a, b: a + b, lambda a, b: a + b)


def _added(left: Any, right: Any) -> Any:
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            joined: Any = [left, right]
            if len(left) + len(right) > _LONGEST:
                raise Unfit("the value is too big")
            return joined[0] + joined[1]
    if isinstance(left, str) or isinstance(right, str):
        raise Unfit(f"{kind_of(left)} and {kind_of(right)} cannot be added: write str(…) round what is no text")
    return _SUM(left, right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Any:
    def apply(left: Any, right: Any) -> bool:
        numbers = is_number(left) and is_number(right)
        alike = (isinstance(left, str) and isinstance(right, str)) or (
            isinstance(left, list) and isinstance(right, list)
        )
        if not numbers and not alike:
            raise Unfit(f"{kind_of(left)} cannot be compared with {kind_of(right)}")
        return bool(compare(left, right))

    return apply


def _within(left: Any, right: Any) -> bool:
    if isinstance(right, str):
        if not isinstance(left, str):
            raise Unfit(f"{kind_of(left)} cannot be looked for in a text")
        return left in right
    if isinstance(right, dict):
        return isinstance(left, str) and left in right
    if not isinstance(right, list | tuple):
        raise Unfit(f"nothing can be looked for in {kind_of(right)}: only in a list, a text or an object")
    return any(same(left, item) for item in right)


def _negated(value: Any) -> Any:
    if not is_number(value):
        raise Unfit(f"{kind_of(value)} has no opposite: only a number has")
    return -value


def _positive(value: Any) -> Any:
    if not is_number(value):
        raise Unfit(f"{kind_of(value)} is no number")
    return value


OPERATORS: Mapping[type[ast.AST], Any] = {
    ast.Add: _added,
    ast.Sub: _numbers("subtracted", lambda a, b: a - b, lambda a, b: a - b),
    ast.Mult: _numbers("multiplied", lambda a, b: a * b, lambda a, b: a * b),
    ast.Div: _numbers("divided", lambda a, b: a / b, lambda a, b: a / b),
    ast.FloorDiv: _numbers("divided into whole parts", lambda a, b: a // b, _floor),
    ast.Mod: _numbers("divided with a rest", lambda a, b: a % b, lambda a, b: a - b * _floor(a, b)),
    ast.USub: _negated,
    ast.UAdd: _positive,
    ast.Eq: same,
    ast.NotEq: lambda left, right: not same(left, right),
    ast.Lt: _ordered(lambda a, b: a < b),
    ast.LtE: _ordered(lambda a, b: a <= b),
    ast.Gt: _ordered(lambda a, b: a > b),
    ast.GtE: _ordered(lambda a, b: a >= b),
    ast.In: _within,
    ast.NotIn: lambda left, right: not _within(left, right),
}


# ---- functions ---------------------------------------------------------------------------------------------------------


def _list(name: str, items: Any) -> list[Any]:
    if not isinstance(items, list | tuple):
        raise Unfit(f"{name}() needs a list, not {kind_of(items)}")
    return list(items)


def part_of(item: Any, key: str) -> Any:
    """The value that an object has under this name; None where it has none or is no object."""
    return item.get(key) if isinstance(item, dict) else None


def is_set(items: Any) -> bool:
    """Whether a value stands for rows that lie in records: the case has their number and sums alone."""
    if not isinstance(items, dict) or not {"set", "count", "summary"} <= items.keys():
        return False
    return isinstance(items["set"], str) and type(items["count"]) is int and isinstance(items["summary"], dict)


def counted(items: dict[str, Any], key: str, value: Any) -> int:
    """How many rows of a set have this value in a column of choices. Raises Unfit where nobody counted them by it."""
    told = items["summary"].get(key)
    if not isinstance(told, dict):
        raise Unfit(f"the rows of a set are not counted by {key}")
    number = told.get(value, 0) if isinstance(value, str) else 0
    if type(number) is not int:
        raise Unfit(f"the rows of a set are not counted by {key}")
    return number


def summed(items: dict[str, Any], key: str) -> int | float:
    """What an amount comes to in all rows of a set. Raises Unfit where nobody summed it."""
    told = items["summary"].get(key)
    if isinstance(told, bool) or not isinstance(told, int | float):
        raise Unfit(f"the rows of a set are not summed by {key}")
    return told


def _length(value: Any) -> int:
    if is_set(value):
        return int(value["count"])
    if not isinstance(value, str | list | tuple | dict):
        raise Unfit(f"len() needs a list, a text or an object, not {kind_of(value)}")
    return len(value)


def _total(numbers: list[Any]) -> int | float:
    whole: int | float = 0
    for number in numbers:
        whole = _SUM(whole, number)
    return whole


def _least(name: str, choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        items = _list(name, values[0]) if len(values) == 1 else list(values)
        if not items:
            raise Unfit(f"{name}() needs at least one value")
        if not all(map(is_number, items)) and not all(isinstance(item, str) for item in items):
            odd = next((item for item in items if not is_number(item)), items[0])
            raise Unfit(f"{name}() compares numbers with numbers, or texts with texts, not {kind_of(odd)}")
        return choose(items)

    return apply


def _number(name: str, value: Any) -> Any:
    if not is_number(value):
        raise Unfit(f"{name}() needs a number, not {kind_of(value)}")
    return value


def _rounded(value: Any, places: Any = None) -> Any:
    number = _exact(_number("round", value))
    if places is None:
        return int(number.to_integral_value(ROUND_HALF_EVEN))
    if isinstance(places, bool) or not isinstance(places, int) or abs(places) > _MOST_PLACES:
        raise Unfit(f"round() keeps at most {_MOST_PLACES} places")
    with localcontext(_CONTEXT):
        result = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    return int(result) if isinstance(value, int) else _json(result)


def _whole(value: Any) -> int:
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            raise Unfit(f"int() cannot read {value[:40]!r} as a whole number") from None
    return int(_number("int", value))


def _counted(name: str, items: Any, key: str, value: Any) -> int:
    if is_set(items):
        return counted(items, key, value)
    return sum(same(part_of(item, key), value) for item in _list(name, items))


def _totalled(items: Any, key: str) -> int | float:
    return summed(items, key) if is_set(items) else _total([part_of(item, key) or 0 for item in _list("total", items)])


def text_of(value: Any) -> str:
    """The value as a text, spelled as the dialect spells it: true, null, and lists and objects as JSON has them."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | list | tuple | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "len": _length,
    "sum": lambda items: _total(_list("sum", items)),
    "min": _least("min", min),
    "max": _least("max", max),
    "abs": lambda value: abs(_number("abs", value)),
    "round": _rounded,
    "str": text_of,
    "int": _whole,
    "count": lambda items, key, value: _counted("count", items, key, value),
    "total": _totalled,
    "any_of": lambda items, key, value: _counted("any_of", items, key, value) > 0,
    "all_of": lambda items, key, value: _counted("all_of", items, key, value) == _length(items),
    "pick": lambda items, key, value: [item for item in _list("pick", items) if same(part_of(item, key), value)],
    "field": lambda items, key: [part_of(item, key) for item in _list("field", items)],
}


# ---- what can be said before any case is ---------------------------------------------------------------------------------

NUMBERS: list[Any] = [1, 0, -1, 0.5]
TEXTS: list[Any] = ["a", "", "1", "2026-11-20"]
LISTS: list[Any] = [[], [1], ["a"], [{}]]
# Of each kind of value so many that whatever an operator can work with is among them.
EXAMPLES: list[Any] = [*NUMBERS, *TEXTS, *LISTS, {}, None, True, False]


def never(work: Callable[..., Any], *values: list[Any]) -> str | None:
    """Why an operator or a function works with none of these values, whichever of each list comes; None: it does."""
    reason = None
    for chosen in product(*values):
        try:
            work(*chosen)
        except Unfit as fault:
            reason = reason or str(fault)
        except (TypeError, ValueError, ArithmeticError):
            return None
        else:
            return None
    return reason


def _days(name: str, days: Any) -> None:
    if isinstance(days, bool) or not isinstance(days, int):
        raise Unfit(f"{name}() needs a whole number of days, not {kind_of(days) if not is_number(days) else days}")
    if abs(days) > MOST_DAYS:
        raise Unfit(f"{name}() counts at most {MOST_DAYS} days")


def _milestone(key: Any) -> None:
    if not isinstance(key, str):
        raise Unfit(f"milestone() needs the key of a milestone as a text, not {kind_of(key)}")


def _from_a_date(name: str, instant: Any, days: Any) -> None:
    _days(name, days)
    if instant is None:
        return
    if not isinstance(instant, str):
        raise Unfit(f"{name}() needs a date as a text, not {kind_of(instant)}")
    try:
        moment = datetime.fromisoformat(instant)
    except ValueError:
        raise Unfit(f"{name}() cannot read {instant[:40]!r} as a date") from None
    if moment.tzinfo is None and len(instant) != len("2026-11-20"):
        raise Unfit(f"{name}() needs the offset of a time: write +07:00 after {instant[:40]!r}")


# What the functions of the calendar refuse whatever the calendar holds.
CALENDAR: Mapping[str, Callable[..., None]] = {
    "working_days": partial(_days, "working_days"),
    "calendar_days": partial(_days, "calendar_days"),
    "milestone": _milestone,
    "before": partial(_from_a_date, "before"),
    "after": partial(_from_a_date, "after"),
}
