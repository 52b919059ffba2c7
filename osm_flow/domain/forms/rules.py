"""Rules across the fields of a form (`x-rules`): a small declarative vocabulary, money in exact decimals.

A rule is one check, a sentence in Thai and English, and who is spared: `when` (conditions that must all hold),
`unless` (a field that waives it), `each` (the rule speaks of every row of that table). A name means the column of the
row, else the field of the form, else the variable of the case. What is not given is not judged: that a field must be
given is a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any

from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.forms.schema import choices_of, columns_of, fields_of, find
from osm_flow.domain.forms.scope import (
    COMPARISONS,
    FormScope,
    amount,
    column_sum,
    conditions_of,
    exact,
    fiscal_bounds,
    grouped,
    holds,
    is_given,
    read_moment,
    row_scopes,
    rows_of,
)
from osm_flow.domain.json import JSON
from osm_flow.domain.search import visible


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold, where it was looked at, and the fields to mark."""

    rule: JSON
    check: str
    scope: FormScope
    paths: list[str]


def violations(schema: JSON, values: JSON, context: Mapping[str, Any]) -> Iterator[Violation]:
    """Every rule of the form that these values break, in the order in which the form lists them."""
    for rule in schema.get("x-rules", []):
        check = check_of(rule)
        for scope in _scopes(rule, schema, values, context):
            if not _applies(rule, scope):
                continue
            paths = CHECKS[check](rule, scope)
            if paths:
                yield Violation(rule, check, scope, paths)


def check_of(rule: JSON) -> str:
    """The name of the one check that a rule makes."""
    return next(key for key in CHECKS if key in rule)


def comparison_of(rule: JSON) -> str:
    """The comparison that the rule makes: equals, at_most, at_least or more_than."""
    return next(key for key in COMPARISONS if key in rule)


def _scopes(rule: JSON, schema: JSON, values: JSON, context: Mapping[str, Any]) -> Iterator[FormScope]:
    scope = FormScope(schema, values, context)
    if "each" in rule:
        yield from row_scopes(scope, rule["each"])
    else:
        yield scope


def _applies(rule: JSON, scope: FormScope) -> bool:
    waived = "unless" in rule and scope.get(rule["unless"]) not in (None, False, "")
    return not waived and all(holds(condition, scope) for condition in conditions_of(rule))


def _marked(rule: JSON, scope: FormScope) -> list[str]:
    return [scope.path(name) for name in rule["fields"]]


def _required(rule: JSON, scope: FormScope) -> list[str]:
    return [scope.path(name) for name in rule["required"] if not is_given(scope.get(name))]


def _checked(rule: JSON, scope: FormScope) -> list[str]:
    return [scope.path(name) for name in rule["checked"] if scope.get(name) is not True]


def _one_of(rule: JSON, scope: FormScope) -> list[str]:
    return [] if any(is_given(scope.get(name)) for name in rule["one_of"]) else _marked(rule, scope)


def _differs(rule: JSON, scope: FormScope) -> list[str]:
    given = [str(value).strip() for name in rule["differs"] if is_given(value := scope.get(name))]
    return _marked(rule, scope) if len(set(given)) < len(given) else []


def _unique(rule: JSON, scope: FormScope) -> list[str]:
    table, _, column = rule["unique"].partition(".")
    seen: set[str] = set()
    repeated = []
    for index, row in enumerate(rows_of(scope.values, table)):
        value = str(row.get(column, "")).strip()
        if value and value in seen:
            repeated.append(f"{table}.{index}.{column}")
        seen.add(value)
    return repeated


def _sum_of(rule: JSON, scope: FormScope) -> list[str]:
    if "by" not in rule:
        return _compared(amount(rule["sum_of"], scope), rule, scope)
    table, _, column = rule["sum_of"].partition(".")
    sums = [column_sum(rows, column) for rows in grouped(rows_of(scope.values, table), rule["by"]).values()]
    return next((paths for total in sums if (paths := _compared(total, rule, scope))), [])


def _value(rule: JSON, scope: FormScope) -> list[str]:
    return _compared(amount(rule["value"], scope), rule, scope)


def _product_of(rule: JSON, scope: FormScope) -> list[str]:
    factors = [scope.number(name) for name in rule["product_of"]]
    product = Decimal(1)
    for factor in factors:
        if factor is None:
            return []
        product *= factor
    return _compared(product.quantize(Decimal("0.01")), rule, scope)


def _compared(left: Decimal | None, rule: JSON, scope: FormScope) -> list[str]:
    comparison = comparison_of(rule)
    right = right_side(rule, scope)
    return [] if left is None or right is None or COMPARISONS[comparison](left, right) else _marked(rule, scope)


def right_side(rule: JSON, scope: FormScope) -> Decimal | None:
    """The number that a comparison compares with: its operand, `times` a factor, `plus` an offset."""
    right = amount(rule[comparison_of(rule)], scope)
    if right is None:
        return None
    return right * (exact(rule.get("times")) or 1) + (exact(rule.get("plus")) or 0)


def _non_decreasing(rule: JSON, scope: FormScope) -> list[str]:
    given = [number for name in rule["non_decreasing"] if (number := scope.number(name)) is not None]
    return [] if given == sorted(given) else _marked(rule, scope)


def _date(rule: JSON, scope: FormScope) -> list[str]:
    other = other_day(rule)
    if "same_day_as" in rule or "working_days" in rule:
        return _day_by_calendar(rule, scope)
    days = timedelta(days=rule.get("days", 0))
    if not days and isinstance(first := read_moment(scope.get(rule["date"])), datetime):
        second = read_moment(scope.get(other))
        if isinstance(second, datetime):
            return [] if (first >= second if "not_before" in rule else first <= second) else _marked(rule, scope)
    left, right = scope.day(rule["date"]), scope.day(other)
    if left is None or right is None:
        return []
    kept = left >= right + days if "not_before" in rule else left <= right + days
    return [] if kept else _marked(rule, scope)


def other_day(rule: JSON) -> str:
    """The name of the field whose day a date is compared with."""
    return str(next(rule[word] for word in ("not_before", "not_after", "same_day_as") if word in rule))


def _day_by_calendar(rule: JSON, scope: FormScope) -> list[str]:
    """Check that a date is the very day of another, or keeps a distance in working days of the office's calendar."""
    left, right = scope.day(rule["date"]), scope.day(other_day(rule))
    if left is None or right is None:
        return []
    if "same_day_as" in rule:
        return [] if left == right else _marked(rule, scope)
    right = calendar_of(scope).add(right, rule["working_days"])
    return [] if (left >= right if "not_before" in rule else left <= right) else _marked(rule, scope)


def calendar_of(scope: FormScope) -> WorkingCalendar:
    """The working days that the surroundings of the form tell, else Monday to Friday."""
    days = {name: find(scope.context, f"around.{name}") or [] for name in ("holidays", "working")}
    read = {
        name: frozenset(day for item in listed if type(day := read_moment(item)) is date)
        for name, listed in days.items()
    }
    return WorkingCalendar(read["holidays"], read["working"])


def _within_fiscal_year(rule: JSON, scope: FormScope) -> list[str]:
    fiscal_year = scope.number(rule["fy"])
    if fiscal_year is None or not 2400 <= fiscal_year <= 3000:
        return []
    first, last = fiscal_bounds(int(fiscal_year))
    days = {name: scope.day(name) for name in rule["within_fiscal_year"]}
    return [scope.path(name) for name, day in days.items() if day is not None and not first <= day <= last]


def _count_of(rule: JSON, scope: FormScope) -> list[str]:
    table = rule["count_of"]
    where = conditions_of(rule, "where")
    rows = rows_of(scope.values, table)
    fitting = [
        rows[row.index or 0] for row in row_scopes(scope, table) if all(holds(condition, row) for condition in where)
    ]
    if "by" not in rule:
        return [] if len(fitting) >= rule["at_least"] else _marked(rule, scope)
    counts = grouped(fitting, rule["by"])
    wanted = groups_wanted(rule, scope)
    return [] if all(len(counts.get(key, [])) >= rule["at_least"] for key in wanted) else _marked(rule, scope)


def groups_wanted(rule: JSON, scope: FormScope) -> list[Any]:
    """The groups that must each have enough rows: those of the rows, and those that the case lists (`groups`)."""
    listed = find(scope.context, rule["groups"]) if "groups" in rule else None
    named = [key for key in listed if isinstance(key, str | int)] if isinstance(listed, list) else []
    return list(dict.fromkeys([*grouped(rows_of(scope.values, rule["count_of"]), rule["by"]), *named]))


def _distinct_of(rule: JSON, scope: FormScope) -> list[str]:
    table, _, column = rule["distinct_of"].partition(".")
    values = {str(row[column]) for row in rows_of(scope.values, table) if is_given(row.get(column))}
    return [] if len(values) >= rule["at_least"] else _marked(rule, scope)


def _min_length(rule: JSON, scope: FormScope) -> list[str]:
    value = scope.get(rule["min_length"])
    return _marked(rule, scope) if isinstance(value, str) and len(visible(value)) < rule["length"] else []


def _not_among(rule: JSON, scope: FormScope) -> list[str]:
    own = told(scope.get(rule["not_among"]))
    if own is None:
        return []
    return _marked(rule, scope) if any(told(item.get(rule["not_among"])) == own for item in rivals(rule, scope)) else []


def rivals(rule: JSON, scope: FormScope) -> list[Mapping[str, Any]]:
    """The items outside the form that a value must differ from: those that are `same` in these columns, not `apart`."""
    paths = [rule["of"]] if isinstance(rule["of"], str) else rule["of"]
    lists = [items for path in paths if isinstance(items := find(scope.context, path), list)]

    def agrees(item: Mapping[str, Any], column: str) -> bool:
        own = told(scope.get(column))
        return own is not None and told(item.get(column)) == own

    return [
        item
        for item in chain.from_iterable(lists)
        if isinstance(item, Mapping)
        and all(agrees(item, column) for column in rule.get("same", ()))
        and not (rule.get("apart") and all(agrees(item, column) for column in rule["apart"]))
    ]


def told(value: Any) -> str | None:
    """The value as it is compared with others: blanks and letter case make no difference; None for nothing."""
    if not is_given(value) or isinstance(value, list | Mapping):
        return None
    number = exact(value)
    return " ".join(str(value).split()).casefold() if number is None else str(number.normalize())


def _not_behind(rule: JSON, scope: FormScope) -> list[str]:
    order = order_of(rule, scope)
    own, other = scope.get(rule["not_behind"]), scope.get(rule["than"])
    behind = own in order and other in order and order.index(own) < order.index(other)
    return _marked(rule, scope) if behind else []


def order_of(rule: JSON, scope: FormScope) -> list[Any]:
    """The options of the field whose order counts, first to last."""
    name = rule["not_behind"]
    columns = columns_of(fields_of(scope.schema)[scope.table]) if scope.table else {}
    return [choice["value"] for choice in choices_of(columns.get(name) or fields_of(scope.schema)[name])]


def _covers(rule: JSON, scope: FormScope) -> list[str]:
    table, _, column = rule["covers"].partition(".")
    given = [row.get(column) for row in rows_of(scope.values, table)] if column else scope.get(table)
    if not isinstance(given, list):
        given = []
    return [] if all(value in given for value in values_to_cover(rule, scope)) else _marked(rule, scope)


def values_to_cover(rule: JSON, scope: FormScope) -> list[Any]:
    """The values that a list must hold: the `values` of the rule, or those that the case lists at `all_of`."""
    listed = rule["values"] if "values" in rule else find(scope.context, rule["all_of"])
    return listed if isinstance(listed, list) else []


CHECKS: Mapping[str, Callable[[JSON, FormScope], list[str]]] = {
    "required": _required,
    "checked": _checked,
    "one_of": _one_of,
    "differs": _differs,
    "unique": _unique,
    "sum_of": _sum_of,
    "value": _value,
    "product_of": _product_of,
    "non_decreasing": _non_decreasing,
    "date": _date,
    "within_fiscal_year": _within_fiscal_year,
    "count_of": _count_of,
    "distinct_of": _distinct_of,
    "min_length": _min_length,
    "not_among": _not_among,
    "not_behind": _not_behind,
    "covers": _covers,
}
