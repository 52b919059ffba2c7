"""The values that a rule of a form reads: fields, rows and variables of the case, as exact numbers and days."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from osm_flow.domain.calendar.deadlines import local_day
from osm_flow.domain.forms.schema import columns_of, fields_of, find, looked_up
from osm_flow.domain.json import JSON
from osm_flow.domain.search import says_nothing

COMPARISONS: Mapping[str, Callable[[Decimal, Decimal], bool]] = {
    "equals": lambda left, right: left == right,
    "at_most": lambda left, right: left <= right,
    "at_least": lambda left, right: left >= right,
    "more_than": lambda left, right: left > right,
}
CONDITIONS = frozenset({"is", "not", "in", "not_in", "given", "differs_from", "below"})


@dataclass(frozen=True)
class FormScope:
    """The values that a rule reads: those of the form, perhaps one row of one table, and the variables of the case."""

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
        """The value as an exact number; the sum of the numbers where a path gathers several."""
        value = self.get(name)
        return total_of(value) if isinstance(value, list) else exact(value)

    def day(self, name: str) -> date | None:
        """The value as a day in Thailand."""
        moment = read_moment(self.get(name))
        return local_day(moment.replace(tzinfo=UTC)) if isinstance(moment, datetime) else moment


def is_missing(field: JSON, value: Any) -> bool:
    """Whether a required field lacks an answer; an empty text or list is one where the form has it as default."""
    return not is_given(value) and (value is None or "default" not in field or field["default"] != value)


def is_given(value: Any) -> bool:
    """Whether a person gave a value: false and 0 are answers, blanks and empty lists are not."""
    if isinstance(value, str):
        return not says_nothing(value)
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
    rows = values.get(table or "")
    return [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else []


def holds(condition: JSON, scope: FormScope) -> bool:
    """Whether one condition of a `when` or `where` is true."""
    value = None if isinstance(condition["field"], list) else scope.get(condition["field"])
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
    left, right = amount(condition["field"], scope), amount(other, scope)
    if left is None or right is None:
        return False
    return left != right if "differs_from" in condition else left < right


def conditions_of(rule: JSON, key: str = "when") -> list[JSON]:
    """The conditions of a rule; a single one may stand without a list."""
    conditions = rule.get(key, [])
    return [conditions] if isinstance(conditions, dict) else list(conditions)


def fiscal_bounds(fiscal_year: int) -> tuple[date, date]:
    """The first and the last day of a Thai fiscal year (Buddhist era)."""
    year = fiscal_year - 543
    return date(year - 1, 10, 1), date(year, 9, 30)


def amount(operand: Any, scope: FormScope) -> Decimal | None:
    """The number that an operand means: itself, a field, the sum of fields (list) or of a column (`table.column`).

    `{find: list, value: column, where: {column: field}}` is what the first fitting item of a list says,
    `{product_of: [a, b], times: 0.01}` a product, `{count: list}` how many items a list has.
    """
    if isinstance(operand, dict):
        if "count" in operand:
            return _count(operand["count"], scope)
        return exact(looked_up(operand, scope.get)) if "find" in operand else _product(operand, scope)
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
    return total_of([row.get(column) for row in rows])


def total_of(values: list[Any]) -> Decimal | None:
    """The sum of the numbers among the values; None when there is none."""
    given = [number for value in values if (number := exact(value)) is not None]
    return sum(given, Decimal(0)) if given else None


def _count(name: str, scope: FormScope) -> Decimal | None:
    listed = scope.get(name)
    return Decimal(len(listed)) if isinstance(listed, list) else None


def _product(operand: JSON, scope: FormScope) -> Decimal | None:
    product = exact(operand.get("times", 1))
    for name in operand["product_of"]:
        factor = scope.number(name)
        product = None if factor is None or product is None else product * factor
    return product


def grouped(rows: list[JSON], by: str | None) -> dict[Any, list[JSON]]:
    """The rows by what they have in the column `by`; all of them in one group without it."""
    groups: dict[Any, list[JSON]] = {}
    for row in rows:
        key = row.get(by) if by else None
        if by is None or isinstance(key, str | int):
            groups.setdefault(key, []).append(row)
    return groups


def row_scopes(scope: FormScope, table: str) -> Iterator[FormScope]:
    """The scopes of the rows of a table, one for each row."""
    for index in range(len(rows_of(scope.values, table))):
        yield FormScope(scope.schema, scope.values, scope.context, table, index)
