"""Reading the form of a kind of record: its own fields, and those that it has from the forms of tasks."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.json import JSON
from osm_flow.resources import resource_dir

# What a task demands of a field, and how it is filled in there; a record keeps what it was given.
_OF_TASKS = (
    "default",
    "const",
    "x-default-from",
    "x-offer-from",
    "x-rows-from",
    "x-ref",
    "x-show-when",
    "readOnly",
    "minLength",
    "minItems",
)
_MARKS = ("x-personal", "x-confirmed", "x-driven")


@cache
def record_form(kind: str) -> JSON:
    """The form of `forms/records/<kind>.yaml`, with the fields that `x-from` names and the marks that it lists.

    Raises KeyError for a field or a mark of a field that no form has.
    """
    form: JSON = _read(f"records/{kind}")
    source = form.pop("x-from", None)
    own = form["properties"]
    if source:
        taken = _read(source["form"])["properties"]
        form["properties"] = {**own, **{name: _without_demands(taken[name]) for name in source["fields"]}}
    for mark in _MARKS:
        for name in form.pop(mark, ()):
            form["properties"][name][mark] = True
    return form


@cache
def taken_fields(kind: str) -> tuple[str, ...]:
    """The fields that this kind of record has from the form of a task."""
    return tuple(_read(f"records/{kind}").get("x-from", {}).get("fields", ()))


def _read(name: str) -> JSON:
    path = resource_dir("forms") / f"{name}.yaml"
    return load_form(yaml.safe_load(path.read_text(encoding="utf-8")))


def _without_demands(field: JSON) -> Any:
    kept = {name: value for name, value in field.items() if name not in _OF_TASKS}
    if isinstance(kept.get("items"), dict) and "properties" in kept["items"]:
        columns = kept["items"]["properties"]
        items = {name: value for name, value in kept["items"].items() if name != "required"}
        kept["items"] = items | {"properties": {name: _without_demands(column) for name, column in columns.items()}}
    return kept
