"""Drawing random values of a form that keep its schema and its rules: for the simulator and for tests."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from typing import Any

from osm_flow.domain.forms.drawing import as_json, draw_field, draw_object, draw_text
from osm_flow.domain.forms.rules import (
    Violation,
    calendar_of,
    comparison_of,
    groups_wanted,
    order_of,
    other_day,
    right_side,
    rivals,
    told,
    values_to_cover,
    violations,
)
from osm_flow.domain.forms.schema import (
    choices_of,
    columns_of,
    decimals_of,
    fields_of,
    longest_of,
    most_of,
    ref_options,
    widget_of,
)
from osm_flow.domain.forms.scope import (
    FormScope,
    amount,
    conditions_of,
    exact,
    fiscal_bounds,
    grouped,
    is_given,
    rows_of,
)
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid

_ROUNDS = 200
_ATTEMPTS = 40


class NothingFits(Invalid):
    """No values were found that keep the rules of this form."""


def draw_values(schema: JSON, rng: random.Random, context: Mapping[str, Any]) -> JSON:
    """Random values that keep the schema and its rules: drawn field by field, then repaired rule by rule.

    Raises NothingFits for a form whose rules contradict each other.
    """
    for _ in range(_ATTEMPTS):
        values = draw_object(schema, rng, context)
        for _ in range(_ROUNDS):
            broken = next(violations(schema, values, context), None)
            if broken is None:
                return values
            _REPAIRS[broken.check](broken, rng)
    raise NothingFits(schema=schema.get("title", ""))


def _column(scope: FormScope, name: str) -> tuple[JSON, JSON]:
    """The object that holds a name (the row or the form) and the field of that name."""
    if scope.owns(name):
        return scope.row, columns_of(fields_of(scope.schema)[str(scope.table)])[name]
    return scope.values, fields_of(scope.schema).get(name, {})


def _redraw(scope: FormScope, name: str, rng: random.Random) -> None:
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
    if ref_options(field, broken.scope.context):
        rows = rows_of(broken.scope.values, table)
        broken.scope.values[table] = list({row.get(column): row for row in rows}.values())
        return
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


def _share(
    cells: list[tuple[JSON, str]], total: Decimal, scope: FormScope, table: str | None, rng: random.Random
) -> None:
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


def _write(scope: FormScope, name: str, number: Decimal) -> None:
    holder, field = _column(scope, name)
    high = exact(field.get("maximum"))
    decimals = decimals_of(field)
    number = number if decimals is None else number.quantize(Decimal(1).scaleb(-decimals), ROUND_CEILING)
    low = exact(field.get("minimum"))
    above = exact(field.get("exclusiveMinimum"))
    fits = (high is None or number <= high) and (low is None or number >= low) and (above is None or number > above)
    if not field.get("readOnly") and fits:
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
    other_name = other_day(rule)
    other = scope.day(other_name)
    later = timedelta(days=rule.get("days", 0))
    holder, field = _column(scope, rule["date"])
    if other is None or not field:
        return
    if "same_day_as" in rule or "working_days" in rule:
        most = 0 if "same_day_as" in rule else rule["working_days"]
        least = most if "not_before" in rule else 0
        holder[rule["date"]] = _as_date(
            calendar_of(scope).add(other, rng.randint(least, most)) if most else other, field
        )
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
    """Make enough rows fit: change one that is there, or add one that fits."""
    rule, scope = broken.rule, broken.scope
    table = rule["count_of"]
    field = fields_of(scope.schema)[table]
    rows = scope.values.setdefault(table, [])
    fitting = {
        condition["field"]: condition.get("is", condition.get("in", [None])[0])
        for condition in conditions_of(rule, "where")
        if "is" in condition or "in" in condition
    }
    groups = grouped(rows, rule.get("by"))
    wanted = {key: groups.get(key, []) for key in groups_wanted(rule, scope)} if "by" in rule else groups
    for key, group in list(wanted.items()) or [(None, [])]:
        if group and (len(rows) >= most_of(field) or rng.random() < 0.4):
            rng.choice(group).update(fitting)
        else:
            added = {**draw_object(field["items"], rng, scope.context), **fitting}
            _add_row(rows, field, {**added, rule["by"]: key} if "by" in rule else added, rng)


def _add_row(rows: list[JSON], field: JSON, row: JSON, rng: random.Random) -> None:
    """One row more; where the table is full, in place of one that is there."""
    if len(rows) >= most_of(field):
        rows.pop(rng.randrange(len(rows)))
    rows.append(row)


def _vary(broken: Violation, rng: random.Random) -> None:
    table, _, column = broken.rule["distinct_of"].partition(".")
    field = fields_of(broken.scope.schema)[table]
    rows = broken.scope.values.setdefault(table, [])
    while len(rows) < min(broken.rule["at_least"], most_of(field)):
        rows.append(draw_object(field["items"], rng, broken.scope.context))
    for row in rows:
        row[column] = draw_field(columns_of(field)[column], rng, broken.scope.context)


def _lengthen(broken: Violation, rng: random.Random) -> None:
    name = broken.rule["min_length"]
    holder, field = _column(broken.scope, name)
    holder[name] = draw_text({**field, "minLength": broken.rule["length"]}, rng)


def _tell_from_others(broken: Violation, rng: random.Random) -> None:
    """Give the field a value that no item outside of the form has."""
    name = broken.rule["not_among"]
    holder, field = _column(broken.scope, name)
    taken = {told(item.get(name)) for item in rivals(broken.rule, broken.scope)}
    number = int(field.get("minimum", 1)) if field["type"] == "integer" else 1
    base = str(holder.get(name, ""))[: longest_of(field) - 5]
    while told(number if field["type"] == "integer" else f"{base} {number}") in taken:
        number += 1
    holder[name] = number if field["type"] == "integer" else f"{base} {number}"


def _catch_up(broken: Violation, rng: random.Random) -> None:
    holder, _ = _column(broken.scope, broken.rule["not_behind"])
    order = order_of(broken.rule, broken.scope)
    holder[broken.rule["not_behind"]] = rng.choice(order[order.index(broken.scope.get(broken.rule["than"])) :])


def _cover(broken: Violation, rng: random.Random) -> None:
    rule, scope = broken.rule, broken.scope
    table, _, column = rule["covers"].partition(".")
    field = fields_of(scope.schema)[table]
    wanted = values_to_cover(rule, scope)
    if column:
        if table not in scope.values:
            scope.values[table] = draw_field(field, rng, scope.context)
        rows = scope.values[table]
        missing = [value for value in wanted if value not in [row.get(column) for row in rows]]
        for value in missing:
            _add_row(rows, field, {**draw_object(field["items"], rng, scope.context), column: value}, rng)
    else:
        scope.values[table] = list(dict.fromkeys([*(scope.get(table) or []), *wanted]))


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
    "not_among": _tell_from_others,
    "not_behind": _catch_up,
    "covers": _cover,
}
