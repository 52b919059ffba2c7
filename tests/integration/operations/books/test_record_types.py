"""The kinds of records there are, and that the form of one is never changed without a new version of its schema."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from osm_flow.domain.books.schema import RecordSchema
from osm_flow.domain.forms.schema import columns_of, fields_of, is_table, widget_of
from osm_flow.domain.journal import canonical
from osm_flow.operations.books.record_types import RecordTypeUnknown, every_type, type_of

# By kind and version: the digest of what a kept version depends on. A line is added with each new version, never changed.
KNOWN = json.loads((Path(__file__).parents[3] / "golden" / "record_forms.json").read_text(encoding="utf-8"))


def shape_of(schema: RecordSchema) -> str:
    """The digest of the fields of a schema with their types and halves; titles and hints may change."""
    shape = {
        name: [field.get("type"), widget_of(field), name in schema.personal, _columns(field)]
        for name, field in fields_of(schema.form).items()
    }
    return sha256(canonical(shape)).hexdigest()


def _columns(field: dict[str, object]) -> dict[str, list[object]]:
    columns = columns_of(field) if is_table(field) else {}
    return {name: [column.get("type"), widget_of(column)] for name, column in columns.items()}


def test_the_form_of_a_kind_changes_with_a_new_version_alone() -> None:
    now = {f"{type_.kind} {type_.schema.version}": shape_of(type_.schema) for type_ in every_type()}

    assert now
    assert {name: KNOWN.get(name) for name in now} == now


def test_the_table_of_a_kind_says_nothing_of_a_person() -> None:
    """What names a person stays in the half of a version that can be erased."""
    from osm_flow.domain.books.sealing import BookName

    for type_ in every_type():
        marked = {name: f"MARK {name}" for name in type_.schema.personal}
        row = type_.row(BookName(type_.kind, "NE-U1", 2571), "P1", {"name": "x", **marked})

        assert "MARK" not in json.dumps(row, default=str)


def test_a_kind_that_nobody_keeps() -> None:
    with pytest.raises(RecordTypeUnknown):
        type_of("spaceships")
