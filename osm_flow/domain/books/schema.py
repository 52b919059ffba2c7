"""What a kind of record is made of: a form, with marks that say which fields name a person and who may correct which.

    x-personal: true    names a person: lies in the half of a version that can be erased
    x-decided: true     a process decides it; only that process or two people change it
    x-confirmed: true   its correction needs a second person (money, targets, what was published)

The form draws, judges, imports and exports the record like any other form; this module says how a version is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from osm_flow.domain.forms.schema import columns_of, fields_of, is_table, widget_of
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid

# Turns the values of one version of a schema into those of the next.
Upcaster = Callable[[JSON], JSON]


class FieldUnknown(Invalid):
    """A record of the kind {kind} has no field {field}."""


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

    def _marked(self, mark: str) -> frozenset[str]:
        return frozenset(name for name, field_ in self.fields.items() if field_.get(mark) is True)

    def split(self, values: JSON) -> tuple[JSON, JSON]:
        """The two halves of a version as they are kept: amounts as text, what is not given left out. Raises FieldUnknown."""
        for name in values:
            if name not in self.fields:
                raise FieldUnknown(kind=self.kind, field=name)
        kept = {name: _kept(self.fields[name], value) for name, value in values.items() if value not in (None, "", [])}
        personal = {name: value for name, value in kept.items() if name in self.personal}
        return {name: value for name, value in kept.items() if name not in personal}, personal

    def join(self, version: int, ordinary: JSON, personal: JSON) -> JSON:
        """The values of a kept version as forms know them, brought to the present version of the schema."""
        values = {**ordinary, **personal}
        for step in range(version, self.version):
            values = self.upcasters[step](values)
        return {name: _read(self.fields[name], value) for name, value in values.items() if name in self.fields}


def amount_text(value: Any) -> str:
    """An amount as a kept version spells it: baht with two decimals, `1250000.00`."""
    return f"{Decimal(str(value)):.2f}"


def _kept(field_: JSON, value: Any) -> Any:
    if is_table(field_):
        columns = columns_of(field_)
        return [{name: _kept(columns.get(name, {}), cell) for name, cell in row.items()} for row in value]
    return amount_text(value) if widget_of(field_) == "money" and value is not None else value


def _read(field_: JSON, value: Any) -> Any:
    if is_table(field_):
        columns = columns_of(field_)
        return [{name: _read(columns.get(name, {}), cell) for name, cell in row.items()} for row in value]
    if widget_of(field_) == "money" and isinstance(value, str):
        amount = Decimal(value)
        return int(amount) if amount == amount.to_integral_value() else float(amount)
    return value
