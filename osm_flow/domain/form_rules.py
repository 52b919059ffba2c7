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
from typing import Any

from osm_flow.domain.forms import JSON, columns_of, fields_of, find

BANGKOK = timedelta(hours=7)
COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "equals": lambda left, right: left == right,
    "at_most": lambda left, right: left <= right,
    "at_least": lambda left, right: left >= right,
    "more_than": lambda left, right: left > right,
}
CONDITIONS = frozenset({"is", "not", "in", "not_in", "given", "differs_from", "below"})


@dataclass(frozen=True)
class Scope:
    """What a rule can see: the values of the form, perhaps one row of one table, and the variables of the case."""

    schema: JSON
    values: JSON
    context: Mapping[str, Any]
    table: str | None = None
    index: int | None = None

    @property
    def row(self) -> JSON:
        """The row that the rule speaks of; empty outside tables."""
        return rows_of(self.values, self.table)[self.index] if self.table and self.index is not None else {}

    def get(self, name: str) -> Any:
        """The value of this name, None when nothing was given."""
        if name in self.row:
            return self.row[name]
        if name in self.values:
            return self.values[name]
        if self.owns(name) or name in fields_of(self.schema):
            return None
        return find(self.context, name)

    def owns(self, name: str) -> bool:
        """Whether the name is a column of the table that the rule speaks of."""
        return bool(self.table) and name in columns_of(fields_of(self.schema)[str(self.table)])

    def path(self, name: str) -> str:
        """The dotted path of the field, for messages."""
        return f"{self.table}.{self.index}.{name}" if self.owns(name) else name

    def number(self, name: str) -> Decimal | None:
        """The value as an exact number."""
        return exact(self.get(name))

    def day(self, name: str) -> date | None:
        """The value as a day in Thailand."""
        moment = read_moment(self.get(name))
        return (moment + BANGKOK).date() if isinstance(moment, datetime) else moment


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold, where it was looked at, and the fields to mark."""

    rule: JSON
    check: str
    scope: Scope
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
    """The one check that a rule makes."""
    return next(key for key in CHECKS if key in rule)


def is_missing(field: JSON, value: Any) -> bool:
    """Whether a field still waits for an answer; an empty text or list answers where the form has it as default."""
    return not is_given(value) and (value is None or "default" not in field or field["default"] != value)


def is_given(value: Any) -> bool:
    """Whether a person gave something: false and 0 are answers, blanks and empty lists are not."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value != []


def exact(value: Any) -> Decimal | None:
    """A JSON number as the decimal that was typed; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


def read_moment(value: Any) -> date | datetime | None:
    """A JSON date as a day, a JSON instant as a UTC time without zone; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-11-20"):
            return date.fromisoformat(value)
        instant = datetime.fromisoformat(value)
        return (instant - (instant.utcoffset() or timedelta())).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def rows_of(values: Mapping[str, Any], table: str | None) -> list[JSON]:
    """The rows of a table; whatever is not a row counts as an empty one."""
    found = values.get(table or "")
    return [row if isinstance(row, dict) else {} for row in found] if isinstance(found, list) else []


def holds(condition: JSON, scope: Scope) -> bool:
    """Whether one condition of a `when` or `where` is true."""
    value = scope.get(condition["field"])
    if "is" in condition:
        return bool(value == condition["is"])
    if "not" in condition:
        return is_given(value) and value != condition["not"]
    if "in" in condition:
        return bool(value in condition["in"])
    if "not_in" in condition:
        return is_given(value) and value not in condition["not_in"]
    if "given" in condition:
        return bool(is_given(value) == condition["given"])
    other = condition["differs_from"] if "differs_from" in condition else condition["below"]
    left, right = scope.number(condition["field"]), amount(other, scope)
    if left is None or right is None:
        return False
    return left != right if "differs_from" in condition else left < right


def conditions_of(rule: JSON, key: str = "when") -> list[JSON]:
    """The conditions of a rule; a single one may stand without a list."""
    found = rule.get(key, [])
    return [found] if isinstance(found, dict) else list(found)


def fiscal_bounds(fiscal_year: int) -> tuple[date, date]:
    """First and last day of a Thai fiscal year (Buddhist era)."""
    year = fiscal_year - 543
    return date(year - 1, 10, 1), date(year, 9, 30)


def amount(operand: Any, scope: Scope) -> Decimal | None:
    """The number that an operand means: itself, a field, the sum of fields (list) or of a column (`table.column`)."""
    if isinstance(operand, list):
        given = [number for name in operand if (number := scope.number(name)) is not None]
        return sum(given, Decimal(0)) if given else None
    if not isinstance(operand, str):
        return exact(operand)
    table, _, column = operand.partition(".")
    if column and table in fields_of(scope.schema):
        return column_sum(rows_of(scope.values, table), column)
    return scope.number(operand)


def column_sum(rows: list[JSON], column: str) -> Decimal | None:
    """The sum of what the rows give in this column; None when no row gives anything."""
    given = [number for row in rows if (number := exact(row.get(column))) is not None]
    return sum(given, Decimal(0)) if given else None


def comparison_of(rule: JSON) -> str:
    """Which comparison the rule makes: equals, at_most, at_least or more_than."""
    return next(key for key in COMPARISONS if key in rule)


def grouped(rows: list[JSON], by: str | None) -> dict[Any, list[JSON]]:
    """The rows by what they have in the column `by`; all of them in one group without it."""
    groups: dict[Any, list[JSON]] = {}
    for row in rows:
        key = row.get(by) if by else None
        if by is None or isinstance(key, str | int):
            groups.setdefault(key, []).append(row)
    return groups


def row_scopes(scope: Scope, table: str) -> Iterator[Scope]:
    """One scope per row of a table."""
    for index in range(len(rows_of(scope.values, table))):
        yield Scope(scope.schema, scope.values, scope.context, table, index)


def _scopes(rule: JSON, schema: JSON, values: JSON, context: Mapping[str, Any]) -> Iterator[Scope]:
    scope = Scope(schema, values, context)
    if "each" in rule:
        yield from row_scopes(scope, rule["each"])
    else:
        yield scope


def _applies(rule: JSON, scope: Scope) -> bool:
    waived = "unless" in rule and scope.get(rule["unless"]) not in (None, False, "")
    return not waived and all(holds(condition, scope) for condition in conditions_of(rule))


def _marked(rule: JSON, scope: Scope) -> list[str]:
    return [scope.path(name) for name in rule["fields"]]


def _required(rule: JSON, scope: Scope) -> list[str]:
    return [scope.path(name) for name in rule["required"] if not is_given(scope.get(name))]


def _checked(rule: JSON, scope: Scope) -> list[str]:
    return [scope.path(name) for name in rule["checked"] if scope.get(name) is not True]


def _one_of(rule: JSON, scope: Scope) -> list[str]:
    return [] if any(is_given(scope.get(name)) for name in rule["one_of"]) else _marked(rule, scope)


def _differs(rule: JSON, scope: Scope) -> list[str]:
    given = [str(value).strip() for name in rule["differs"] if is_given(value := scope.get(name))]
    return _marked(rule, scope) if len(set(given)) < len(given) else []


def _unique(rule: JSON, scope: Scope) -> list[str]:
    table, _, column = rule["unique"].partition(".")
    seen: set[str] = set()
    repeated = []
    for index, row in enumerate(rows_of(scope.values, table)):
        value = str(row.get(column, "")).strip()
        if value and value in seen:
            repeated.append(f"{table}.{index}.{column}")
        seen.add(value)
    return repeated


def _sum_of(rule: JSON, scope: Scope) -> list[str]:
    if "by" not in rule:
        return _compared(amount(rule["sum_of"], scope), rule, scope)
    table, _, column = rule["sum_of"].partition(".")
    sums = [column_sum(rows, column) for rows in grouped(rows_of(scope.values, table), rule["by"]).values()]
    return next((paths for total in sums if (paths := _compared(total, rule, scope))), [])


def _value(rule: JSON, scope: Scope) -> list[str]:
    return _compared(amount(rule["value"], scope), rule, scope)


def _product_of(rule: JSON, scope: Scope) -> list[str]:
    factors = [scope.number(name) for name in rule["product_of"]]
    product = Decimal(1)
    for factor in factors:
        if factor is None:
            return []
        product *= factor
    return _compared(product.quantize(Decimal("0.01")), rule, scope)


def _compared(left: Decimal | None, rule: JSON, scope: Scope) -> list[str]:
    comparison = comparison_of(rule)
    right = right_side(rule, scope)
    return [] if left is None or right is None or COMPARISONS[comparison](left, right) else _marked(rule, scope)


def right_side(rule: JSON, scope: Scope) -> Decimal | None:
    """What a comparison compares with: its operand, `times` a factor, `plus` an offset."""
    right = amount(rule[comparison_of(rule)], scope)
    if right is None:
        return None
    return right * (exact(rule.get("times")) or 1) + (exact(rule.get("plus")) or 0)


def _non_decreasing(rule: JSON, scope: Scope) -> list[str]:
    given = [number for name in rule["non_decreasing"] if (number := scope.number(name)) is not None]
    return [] if given == sorted(given) else _marked(rule, scope)


def _date(rule: JSON, scope: Scope) -> list[str]:
    other = rule.get("not_before") or rule["not_after"]
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


def _within_fiscal_year(rule: JSON, scope: Scope) -> list[str]:
    fiscal_year = scope.number(rule["fy"])
    if fiscal_year is None or not 2400 <= fiscal_year <= 3000:
        return []
    first, last = fiscal_bounds(int(fiscal_year))
    days = {name: scope.day(name) for name in rule["within_fiscal_year"]}
    return [scope.path(name) for name, day in days.items() if day is not None and not first <= day <= last]


def _count_of(rule: JSON, scope: Scope) -> list[str]:
    table = rule["count_of"]
    where = conditions_of(rule, "where")
    rows = rows_of(scope.values, table)
    fitting = [
        rows[row.index or 0] for row in row_scopes(scope, table) if all(holds(condition, row) for condition in where)
    ]
    if "by" not in rule:
        return [] if len(fitting) >= rule["at_least"] else _marked(rule, scope)
    counts = grouped(fitting, rule["by"])
    groups = grouped(rows, rule["by"])
    return [] if all(len(counts.get(key, [])) >= rule["at_least"] for key in groups) else _marked(rule, scope)


def _distinct_of(rule: JSON, scope: Scope) -> list[str]:
    table, _, column = rule["distinct_of"].partition(".")
    found = {str(row[column]) for row in rows_of(scope.values, table) if is_given(row.get(column))}
    return [] if len(found) >= rule["at_least"] else _marked(rule, scope)


def _min_length(rule: JSON, scope: Scope) -> list[str]:
    value = scope.get(rule["min_length"])
    return _marked(rule, scope) if isinstance(value, str) and len(value.strip()) < rule["length"] else []


CHECKS: Mapping[str, Callable[[JSON, Scope], list[str]]] = {
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
}
