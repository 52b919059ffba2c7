"""Filled forms to read: what stands in each field, and what changed against an earlier version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from osm_flow.domain.forms.schema import columns_of, fields_of, groups_of, is_table, label_of, unit_of, widget_of
from osm_flow.domain.forms.scope import is_given
from osm_flow.domain.forms.typed_text import display_text
from osm_flow.domain.forms.values import Change
from osm_flow.domain.json import JSON
from osm_flow.web.forms.fields import table_size
from osm_flow.web.site.i18n import current_locale


@dataclass(frozen=True)
class Cell:
    """One value as people read it; with `mark` (added, removed, changed) and the `old` text where it changed."""

    name: str
    label: str
    text: str
    kind: str = "text"
    mark: str = ""
    old: str = ""


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    cells: list[Cell]
    mark: str = ""


@dataclass(frozen=True)
class DocumentEntry(Cell):
    """A field of the document; `rows` is None unless it is a table."""

    columns: Sequence[Cell] = ()
    rows: list[Row] | None = None
    size: str = "few"


@dataclass(frozen=True)
class Group:
    """A heading and the entries below it; groups and fields without content are left out."""

    heading: str
    entries: list[DocumentEntry] = field(default_factory=list)


def form_document(
    schema: JSON, values: Mapping[str, Any], changes: Iterable[Change] | None = None, locale: str | None = None
) -> list[Group]:
    """The document in the order of its form, in the reader's language."""
    locale = locale or current_locale()
    by_field: dict[str, list[Change]] = {}
    for change in changes or ():
        by_field.setdefault(change.field, []).append(change)
    fields = fields_of(schema)
    groups = []
    for group in groups_of(schema):
        entries = [
            _entry(name, fields[name], values.get(name), by_field.get(name, []), locale)
            for name in group["fields"]
            if is_given(values.get(name)) or name in by_field
        ]
        if entries:
            groups.append(Group(label_of(group, locale), entries))
    return groups


def form_value(schema: JSON, value: Any, locale: str | None = None) -> str:
    """A value as people read it: dates in words, options and provinces by name, lists with commas."""
    locale = locale or current_locale()
    if isinstance(value, list):
        items = (
            {**schema.get("items", {}), "x-widget": "province"} if widget_of(schema) == "provinces" else schema["items"]
        )
        separator = "\n" if widget_of(schema) == "lines" else ", "
        return separator.join(form_value(items, item, locale) for item in value)
    if widget_of(schema) == "province":
        name = current_app.jinja_env.filters.get("province_name")
        return str(name(value)) if name else str(value)
    return display_text(schema, value, locale) if value is not None else ""


def _entry(name: str, schema: JSON, value: Any, changes: list[Change], locale: str) -> DocumentEntry:
    label = label_of(schema, locale)
    if is_table(schema):
        columns = [
            Cell(key, _with_unit(column, locale), "", widget_of(column)) for key, column in columns_of(schema).items()
        ]
        rows = _rows(schema, value, changes, locale)
        size = table_size(columns_of(schema))
        return DocumentEntry(name, label, "", columns=columns, rows=rows, size=size)
    change = changes[0] if changes else None
    return DocumentEntry(
        name,
        label,
        _measured(schema, value, locale),
        widget_of(schema),
        change.kind if change else "",
        _measured(schema, change.old, locale) if change and is_given(change.old) else "",
    )


def _measured(schema: JSON, value: Any, locale: str) -> str:
    text = form_value(schema, value, locale)
    return f"{text} {unit_of(schema, locale)}".strip() if text else ""


def _with_unit(column: JSON, locale: str) -> str:
    unit = unit_of(column, locale)
    return f"{label_of(column, locale)} ({unit})" if unit else label_of(column, locale)


def _rows(schema: JSON, value: Any, changes: list[Change], locale: str) -> list[Row]:
    given = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    added = {change.row for change in changes if change.kind == "added" and change.column is None}
    rows = []
    for index, row in enumerate(given):
        touched = {change.column: change for change in changes if change.row == index and change.column}
        rows.append(Row(_cells(schema, row, touched, locale), "added" if index in added else ""))
    removed = [change.old for change in changes if change.kind == "removed" and change.column is None]
    return rows + [Row(_cells(schema, row, {}, locale), "removed") for row in removed]


def _cells(schema: JSON, row: JSON, touched: Mapping[str, Change], locale: str) -> list[Cell]:
    cells = []
    for name, column in columns_of(schema).items():
        change = touched.get(name)
        old = form_value(column, change.old, locale) if change and is_given(change.old) else ""
        text = form_value(column, row.get(name), locale)
        cells.append(
            Cell(name, _with_unit(column, locale), text, widget_of(column), change.kind if change else "", old)
        )
    return cells


def init_app(app: Flask) -> None:
    """Give the templates of forms and documents what they call."""
    app.jinja_env.globals.update(
        form_document=form_document,
        form_value=form_value,
        form_label=label_of,
        form_widget=widget_of,
        form_unit=unit_of,
    )
