"""Valid values out of thin air: for the simulator, which fills forms as a person might, and for tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any

from osm_flow.domain.form_rules import (
    Scope,
    Violation,
    amount,
    comparison_of,
    conditions_of,
    exact,
    fiscal_bounds,
    grouped,
    is_given,
    right_side,
    rows_of,
    violations,
)
from osm_flow.domain.forms import (
    JSON,
    choices_of,
    columns_of,
    decimals_of,
    fields_of,
    is_table,
    known_value,
    longest_of,
    most_of,
    ref_options,
    widget_of,
)
from osm_flow.errors import Invalid

_ROUNDS = 200
_ATTEMPTS = 40
_WORDS = ("พัฒนา", "ถนน", "ตลาด", "ท่องเที่ยว", "น้ำ", "เกษตร", "ชุมชน", "ศูนย์", "ปรับปรุง", "ส่งเสริม", "review", "ก.ข. 1")
_PROVINCES = ("TH-38", "TH-39", "TH-41", "TH-42", "TH-43")


class NothingFits(Invalid):
    """No values were found that keep the rules of this form."""


def draw_values(schema: JSON, rng: random.Random, context: Mapping[str, Any]) -> JSON:
    """Values that keep the schema and its rules: drawn field by field, then repaired rule by rule.

    Raises NothingFits for a form whose rules contradict each other.
    """
    for _ in range(_ATTEMPTS):
        values = _object(schema, rng, context)
        for _ in range(_ROUNDS):
            broken = next(violations(schema, values, context), None)
            if broken is None:
                return values
            _REPAIRS[broken.check](broken, rng)
    raise NothingFits(schema=schema.get("title", ""))


def _object(schema: JSON, rng: random.Random, context: Mapping[str, Any]) -> JSON:
    required = schema.get("required", [])
    drawn = {}
    for name, field in fields_of(schema).items():
        if name in required or rng.random() < 0.5:
            drawn[name] = draw_field(field, rng, context)
    return drawn


def draw_field(field: JSON, rng: random.Random, context: Mapping[str, Any]) -> Any:
    """A valid value of one field."""
    known = known_value(field, context) if field.get("readOnly") else None
    if known is not None:
        return known
    if field["type"] != "array":
        return _scalar(field, rng, context)
    low = max(1, field.get("minItems", 0))
    count = rng.randint(low, max(low, min(most_of(field), low + 3)))
    if is_table(field):
        return [_object(field["items"], rng, context) for _ in range(count)]
    choices = [choice["value"] for choice in choices_of(field)]
    if choices:
        return _some(choices, count, rng)
    if widget_of(field) == "provinces":
        return _some(_provinces(context), count, rng)
    options = ref_options(field, context)
    if options:
        return _some([value for value, _ in options], count, rng)
    return [f"{_text(field['items'], rng)[: longest_of(field['items']) - 3]} {index}" for index in range(count)]


def _some(options: list[Any], count: int, rng: random.Random) -> list[Any]:
    """Some of the options, in the order in which a page lists them."""
    chosen = rng.sample(options, min(count, len(options)))
    return [option for option in options if option in chosen]


def _scalar(field: JSON, rng: random.Random, context: Mapping[str, Any]) -> Any:
    choices = choices_of(field)
    options = ref_options(field, context)
    if choices:
        return rng.choice(choices)["value"]
    if options:
        return rng.choice(options)[0]
    if field["type"] == "boolean":
        return field.get("const", rng.random() < 0.5)
    if field["type"] in ("integer", "number"):
        return _number(field, rng)
    day = date(2026, 10, 1) + timedelta(days=rng.randint(0, 364))
    match widget_of(field):
        case "date":
            return day.isoformat()
        case "datetime":
            return f"{day.isoformat()}T{rng.randint(1, 9):02}:{rng.choice((0, 30)):02}:00Z"
        case "province":
            return rng.choice(_provinces(context))
    return _text(field, rng)


def _provinces(context: Mapping[str, Any]) -> list[str]:
    found = context.get("provinces")
    return list(found) if isinstance(found, list) and found else list(_PROVINCES)


def _text(field: JSON, rng: random.Random) -> str:
    if "pattern" in field:
        return str(rng.choice(field.get("examples") or [""]))
    words = [rng.choice(_WORDS)]
    wanted = max(field.get("minLength", 1), min(longest_of(field), rng.randint(1, 24)))
    while len(" ".join(words)) < wanted:
        words.append(rng.choice(_WORDS))
    return " ".join(words)[: longest_of(field)].strip() or "ก"


def _number(field: JSON, rng: random.Random) -> int | float:
    decimals = decimals_of(field) or 0
    step = Decimal(1).scaleb(-decimals)
    low = exact(field.get("minimum"))
    if low is None:
        above = exact(field.get("exclusiveMinimum"))
        low = above + step if above is not None else Decimal(0)
    high, below = exact(field.get("maximum")), exact(field.get("exclusiveMaximum"))
    high = below - step if high is None and below is not None else high
    high = min(high if high is not None else low + 10_000_000, low + 10_000_000)
    drawn = low + Decimal(rng.randint(0, 1000)) * (high - low) / 1000
    return as_json(max(low, drawn.quantize(step, ROUND_DOWN)))


def as_json(number: Decimal) -> int | float:
    """An exact number as JSON keeps it."""
    return int(number) if number == number.to_integral_value() else float(number)


def _column(scope: Scope, name: str) -> tuple[JSON, JSON]:
    """Where a name is kept (the row or the form) and its field."""
    if scope.owns(name):
        return scope.row, columns_of(fields_of(scope.schema)[str(scope.table)])[name]
    return scope.values, fields_of(scope.schema).get(name, {})


def _redraw(scope: Scope, name: str, rng: random.Random) -> None:
    holder, field = _column(scope, name)
    if field and not field.get("readOnly"):
        holder[name] = draw_field(field, rng, scope.context)


def _fill(broken: Violation, rng: random.Random) -> None:
    for name in broken.rule.get("required") or [rng.choice(broken.rule["one_of"])]:
        if not is_given(broken.scope.get(name)):
            _redraw(broken.scope, name, rng)


def _confirm(broken: Violation, rng: random.Random) -> None:
    for name in broken.rule["checked"]:
        holder, _ = _column(broken.scope, name)
        holder[name] = True


def _tell_apart(broken: Violation, rng: random.Random) -> None:
    _redraw(broken.scope, rng.choice(broken.rule["differs"]), rng)


def _drop_repeated(broken: Violation, rng: random.Random) -> None:
    table, _, column = broken.rule["unique"].partition(".")
    field = columns_of(fields_of(broken.scope.schema)[table])[column]
    for index, row in enumerate(rows_of(broken.scope.values, table)):
        if field["type"] == "integer":
            row[column] = int(field.get("minimum", 1)) + index
        elif field["type"] == "string" and not choices_of(field) and "pattern" not in field:
            row[column] = f"{str(row.get(column, 'ก'))[: longest_of(field) - 5]} {index + 1}"
        elif is_given(row.get(column)):
            row[column] = draw_field(field, rng, broken.scope.context)


def _balance(broken: Violation, rng: random.Random) -> None:
    """Either share the total out over the parts, or write the sum of the parts where the total stands."""
    rule, scope = broken.rule, broken.scope
    parts, total = rule["sum_of"], rule[comparison_of(rule)]
    if "by" in rule:
        table, _, column = parts.partition(".")
        wanted = amount(total, scope) or Decimal(0)
        for rows in grouped(rows_of(scope.values, table), rule["by"]).values():
            _share([(row, column) for row in rows], wanted, scope, table, rng)
        return
    written = isinstance(total, str) and "." not in total and _column(scope, total)[1]
    if written and rng.random() < 0.5:
        _write(scope, str(total), amount(parts, scope) or Decimal(0))
        return
    wanted = right_side(rule, scope) or Decimal(0)
    if isinstance(parts, list):
        _share([(_column(scope, name)[0], name) for name in parts], wanted, scope, scope.table, rng)
    else:
        table, _, column = parts.partition(".")
        _share([(row, column) for row in rows_of(scope.values, table)], wanted, scope, table, rng)


def _share(cells: list[tuple[JSON, str]], total: Decimal, scope: Scope, table: str | None, rng: random.Random) -> None:
    if not cells:
        return
    columns = columns_of(fields_of(scope.schema)[table]) if table else fields_of(scope.schema)
    decimals = decimals_of(columns[cells[0][1]])
    step = Decimal(1).scaleb(-(2 if decimals is None else decimals))
    weights = [rng.randint(1, 5) for _ in cells]
    shares = [(total * weight / sum(weights)).quantize(step, ROUND_DOWN) for weight in weights]
    shares[-1] += total - sum(shares)
    for (holder, name), share in zip(cells, shares, strict=True):
        holder[name] = as_json(share)


def _write(scope: Scope, name: str, number: Decimal) -> None:
    holder, field = _column(scope, name)
    high = exact(field.get("maximum"))
    decimals = decimals_of(field)
    number = number if decimals is None else number.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)
    if not field.get("readOnly") and (high is None or number <= high):
        holder[name] = as_json(number)


def _compare(broken: Violation, rng: random.Random) -> None:
    """Move one of the two numbers onto the other, or shrink the bounded one."""
    rule, scope = broken.rule, broken.scope
    comparison = comparison_of(rule)
    left, right = rule["value"] if "value" in rule else rule["product_of"], rule[comparison]
    if isinstance(left, list):
        product = Decimal(1)
        for name in left:
            product *= scope.number(name) or Decimal(0)
        _write(scope, str(right), product.quantize(Decimal("0.01")))
        _redraw(scope, left[0], rng) if rng.random() < 0.3 else None
        return
    known = right_side(rule, scope)
    if isinstance(right, str) and "." not in right and _column(scope, right)[1] and rng.random() < 0.5:
        offset = exact(rule.get("plus")) or Decimal(0)
        _write(scope, right, ((scope.number(left) or Decimal(0)) - offset) / (exact(rule.get("times")) or 1))
    elif known is not None:
        _write(scope, left, known + (1 if comparison == "more_than" else 0))


def _order(broken: Violation, rng: random.Random) -> None:
    names = [name for name in broken.rule["non_decreasing"] if is_given(broken.scope.get(name))]
    numbers = sorted(broken.scope.number(name) or Decimal(0) for name in names)
    for name, number in zip(names, numbers, strict=True):
        _write(broken.scope, name, number)


def _move_date(broken: Violation, rng: random.Random) -> None:
    rule, scope = broken.rule, broken.scope
    other_name = rule.get("not_before") or rule["not_after"]
    other = scope.day(other_name)
    later = timedelta(days=rule.get("days", 0))
    holder, field = _column(scope, rule["date"])
    if other is None or not field:
        return
    gap = timedelta(days=rng.randint(0, 20)) * (1 if "not_before" in rule else -1)
    other_holder, other_field = _column(scope, other_name)
    own = scope.day(rule["date"])
    if other_field and not other_field.get("readOnly") and own is not None and rng.random() < 0.3:
        other_holder[other_name] = _as_date(own - later - gap, other_field)
    else:
        holder[rule["date"]] = _as_date(other + later + gap, field)


def _as_date(day: date, field: JSON) -> str:
    if widget_of(field) == "datetime":
        return f"{day.isoformat()}T02:00:00Z"
    return day.isoformat()


def _into_year(broken: Violation, rng: random.Random) -> None:
    rule, scope = broken.rule, broken.scope
    first, last = fiscal_bounds(int(scope.number(rule["fy"]) or 0))
    for name in rule["within_fiscal_year"]:
        holder, field = _column(scope, name)
        if field and is_given(scope.get(name)):
            holder[name] = _as_date(first + timedelta(days=rng.randint(0, (last - first).days)), field)


def _have_rows(broken: Violation, rng: random.Random) -> None:
    """Make rows fit: change one that is there, or add one that fits."""
    rule, scope = broken.rule, broken.scope
    table = rule["count_of"]
    field = fields_of(scope.schema)[table]
    rows = scope.values.setdefault(table, [])
    fitting = {
        condition["field"]: condition.get("is", condition.get("in", [None])[0])
        for condition in conditions_of(rule, "where")
        if "is" in condition or "in" in condition
    }
    for key, group in list(grouped(rows, rule.get("by")).items()) or [(None, [])]:
        if group and (len(rows) >= most_of(field) or rng.random() < 0.4):
            rng.choice(group).update(fitting)
        else:
            added = {**_object(field["items"], rng, scope.context), **fitting}
            rows.append({**added, rule["by"]: key} if "by" in rule else added)


def _vary(broken: Violation, rng: random.Random) -> None:
    table, _, column = broken.rule["distinct_of"].partition(".")
    field = fields_of(broken.scope.schema)[table]
    rows = broken.scope.values.setdefault(table, [])
    while len(rows) < min(broken.rule["at_least"], most_of(field)):
        rows.append(_object(field["items"], rng, broken.scope.context))
    for row in rows:
        row[column] = draw_field(columns_of(field)[column], rng, broken.scope.context)


def _lengthen(broken: Violation, rng: random.Random) -> None:
    name = broken.rule["min_length"]
    holder, field = _column(broken.scope, name)
    holder[name] = _text({**field, "minLength": broken.rule["length"]}, rng)


_REPAIRS: Mapping[str, Callable[[Violation, random.Random], None]] = {
    "required": _fill,
    "checked": _confirm,
    "one_of": _fill,
    "differs": _tell_apart,
    "unique": _drop_repeated,
    "sum_of": _balance,
    "value": _compare,
    "product_of": _compare,
    "non_decreasing": _order,
    "date": _move_date,
    "within_fiscal_year": _into_year,
    "count_of": _have_rows,
    "distinct_of": _vary,
    "min_length": _lengthen,
}
