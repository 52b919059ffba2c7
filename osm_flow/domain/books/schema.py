"""What a kind of record is made of: a form, with marks that say which fields name a person and who may correct which.

    x-personal: true    names a person: lies in the half of a version that can be erased
    x-decided: true     a process decides it; only that process or two people change it
    x-confirmed: true   its correction needs a second person (money, targets, what was published)
    x-driven: true      only its process changes it: nobody corrects it

The form draws, judges, imports and exports the record like any other form; this module says how a version is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from osm_flow.domain.forms.schema import columns_of, fields_of, is_table, longest_of, most_of, widget_of
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid, Refused

# Turns the values of one version of a schema into those of the next.
Upcaster = Callable[[JSON], JSON]

_SATANG = Decimal("0.01")
# Beyond this no column of money keeps an amount.
_TOO_MUCH = Decimal(10) ** 12
_LARGEST = 2**53


class FieldUnknown(Invalid):
    """A record of the kind {kind} has no field {field}."""


class ValueUnfit(Invalid):
    """What was given for {field} does not fit it."""


class RecordNewer(Refused):
    """This record was written by a newer version of the program. Nothing is changed by an older one."""


@dataclass(frozen=True)
class RecordSchema:
    """A kind of record: its form, the version of that form, and what leads from earlier versions to it.

    kind       the word of books, addresses and tables: `projects`.
    upcasters  by the version that they start from; one for each earlier version.
    """

    kind: str
    version: int
    form: JSON
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = [step for step in range(1, self.version) if step not in self.upcasters]
        if missing:
            raise ValueError(f"nothing leads on from the versions {missing} of {self.kind}")

    @cached_property
    def fields(self) -> dict[str, JSON]:
        """The fields, in the order in which they are written."""
        return fields_of(self.form)

    @cached_property
    def personal(self) -> frozenset[str]:
        """The fields that name a person."""
        return self._marked("x-personal")

    @cached_property
    def decided(self) -> frozenset[str]:
        """The fields that a process decides."""
        return self._marked("x-decided")

    @cached_property
    def confirmed(self) -> frozenset[str]:
        """The fields whose correction needs a second person: those marked so, and those that a process decided."""
        return self._marked("x-confirmed") | self.decided

    @cached_property
    def correctable(self) -> tuple[str, ...]:
        """The fields that people correct, in their order: none that names a person or a file, none that only a process changes."""
        barred = self.personal | self._marked("x-driven")
        return tuple(name for name, field_ in self.fields.items() if name not in barred and not _is_file(field_))

    def form_of(self, names: Collection[str]) -> JSON:
        """The form of these fields alone, in their order."""
        fields = {name: field_ for name, field_ in self.form["properties"].items() if name in names}
        kept = {name: value for name, value in self.form.items() if name not in ("x-groups", "x-rules")}
        return kept | {"properties": fields, "required": [name for name in kept.get("required", ()) if name in fields]}

    def _marked(self, mark: str) -> frozenset[str]:
        return frozenset(name for name, field_ in self.fields.items() if field_.get(mark) is True)

    def split(self, values: JSON) -> tuple[JSON, JSON]:
        """The two halves of a version as they are kept: amounts as text, what is not given left out.

        Raises FieldUnknown, and ValueUnfit naming the field, row and column that do not fit.
        """
        for name in values:
            if name not in self.fields:
                raise FieldUnknown(kind=self.kind, field=name)
        given = {name: value for name, value in values.items() if _is_given(value)}
        kept = {name: _kept(self.fields[name], value, name) for name, value in given.items()}
        personal = {name: value for name, value in kept.items() if name in self.personal}
        return {name: value for name, value in kept.items() if name not in personal}, personal

    def fit(self, values: JSON) -> tuple[JSON, list[str]]:
        """What of these values a record can keep, for what no form judged: and what is left out, by field, row and column."""
        kept: JSON = {}
        left: list[str] = []
        for name, value in values.items():
            field_ = self.fields.get(name)
            if field_ is None:
                left.append(name)
            elif is_table(field_) and isinstance(value, list):
                kept[name] = _fitting_rows(field_, value, name, left)
            elif not _is_given(value) or _fits(field_, value, name):
                kept[name] = value
            else:
                left.append(name)
        return kept, left

    def join(self, version: int, ordinary: JSON, personal: JSON) -> JSON:
        """The values of a kept version as forms know them, brought to the present version of the schema. Raises RecordNewer.

        A version that says nothing, of a record that was taken back, says nothing in any version of the schema.
        """
        if version > self.version:
            raise RecordNewer
        values = {**ordinary, **personal}
        if not values:
            return {}
        for step in range(version, self.version):
            values = self.upcasters[step](values)
        return {name: _read(self.fields[name], value) for name, value in values.items() if name in self.fields}


def _is_file(field_: JSON) -> bool:
    return any("file" in widget_of(one) for one in (field_, field_.get("items", {})) if isinstance(one, dict))


def amount_text(value: Any) -> str:
    """An amount as a kept version spells it: baht with two decimals, `1250000.00`. Raises ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("no amount")
    try:
        amount = Decimal(str(value))
        rounded = amount.quantize(_SATANG, ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError("no amount") from None
    if not amount.is_finite() or abs(rounded) >= _TOO_MUCH:
        raise ValueError("no amount that is kept")
    return f"{rounded:.2f}"


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, str | list) and not value)


def _fits(field_: JSON, value: Any, place: str) -> bool:
    try:
        _kept(field_, value, place)
    except ValueUnfit:
        return False
    return True


def _fitting_rows(field_: JSON, rows: list[Any], place: str, left: list[str]) -> list[JSON]:
    columns, kept = columns_of(field_), []
    for number, row in enumerate(rows[: most_of(field_)], 1):
        if not isinstance(row, dict):
            left.append(f"{place}.{number}")
            continue
        known = {name: cell for name, cell in row.items() if name in columns and _is_given(cell)}
        fitting = {name: cell for name, cell in known.items() if _fits(columns[name], cell, name)}
        left += [
            f"{place}.{number}.{name}" for name in row if name not in columns or name in known.keys() - fitting.keys()
        ]
        if fitting:
            kept.append(fitting)
    left += [f"{place}.{number}" for number in range(most_of(field_) + 1, len(rows) + 1)]
    return kept


def _kept(field_: JSON, value: Any, place: str) -> Any:
    """The value as it is kept. Raises ValueUnfit where it is none of this field."""
    if is_table(field_):
        return _kept_rows(field_, value, place)
    if field_.get("type") == "array":
        items = field_.get("items", {})
        if not isinstance(value, list) or len(value) > most_of(field_):
            raise ValueUnfit(field=place)
        return [_scalar(items, item, place) for item in value]
    return _scalar(field_, value, place)


def _kept_rows(field_: JSON, rows: Any, place: str) -> list[JSON]:
    columns = columns_of(field_)
    if not isinstance(rows, list) or len(rows) > most_of(field_):
        raise ValueUnfit(field=place)
    kept = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not row.keys() <= columns.keys():
            raise ValueUnfit(field=f"{place}.{number}")
        given = {name: cell for name, cell in row.items() if _is_given(cell)}
        kept.append({name: _kept(columns[name], cell, f"{place}.{number}.{name}") for name, cell in given.items()})
    return kept


def _scalar(field_: JSON, value: Any, place: str) -> Any:
    kind = field_.get("type", "string")
    if widget_of(field_) == "money":
        try:
            return amount_text(value)
        except ValueError:
            raise ValueUnfit(field=place) from None
    if kind == "boolean":
        fits = isinstance(value, bool)
    elif kind == "integer":
        fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST
    elif kind == "number":
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST
    else:
        fits = isinstance(value, str) and len(value) <= longest_of(field_) and "\0" not in value
    if not fits:
        raise ValueUnfit(field=place)
    return value


def _read(field_: JSON, value: Any) -> Any:
    if is_table(field_):
        columns = columns_of(field_)
        return [{name: _read(columns.get(name, {}), cell) for name, cell in row.items()} for row in value]
    if widget_of(field_) == "money" and isinstance(value, str):
        amount = Decimal(value)
        return int(amount) if amount == amount.to_integral_value() else float(amount)
    return value
