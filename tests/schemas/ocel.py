"""What OCEL 2.0 asks of a log, written down from its specification (section 8 JSON, section 6 relational).

Two kinds of rules: the published JSON schema's (what must be there, and that values are text), and the constraints that
no schema can say: ids are unique, types are declared, and every relationship leads to an object of the log.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

TEXT = {"type": "string"}
INSTANT = {"type": "string", "format": "date-time"}


def _list_of(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    item = {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}
    return {"type": "array", "items": item}


_TYPES = _list_of({"name": TEXT, "attributes": _list_of({"name": TEXT, "type": TEXT})})
_LINKS = _list_of({"objectId": TEXT, "qualifier": TEXT})
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["eventTypes", "objectTypes", "events", "objects"],
    "properties": {
        "eventTypes": _TYPES,
        "objectTypes": _TYPES,
        "events": _list_of(
            {"id": TEXT, "type": TEXT, "time": INSTANT},
            {"attributes": _list_of({"name": TEXT, "value": TEXT}), "relationships": _LINKS},
        ),
        "objects": _list_of(
            {"id": TEXT, "type": TEXT},
            {"attributes": _list_of({"name": TEXT, "value": TEXT, "time": INSTANT}), "relationships": _LINKS},
        ),
    },
}


def problems_of(log: dict[str, Any]) -> list[str]:
    """What is wrong with a log in its JSON form; empty when it is valid."""
    found = [error.message for error in Draft202012Validator(SCHEMA).iter_errors(log)]
    return found or [*_problems_of(log, "event"), *_problems_of(log, "object")]


def _problems_of(log: dict[str, Any], what: str) -> Iterator[str]:
    declared = {one["name"]: {attribute["name"] for attribute in one["attributes"]} for one in log[f"{what}Types"]}
    objects = {one["id"] for one in log["objects"]}
    ids = [one["id"] for one in log[f"{what}s"]]
    if len(ids) != len(set(ids)):
        yield f"two {what}s have one id"
    for one in log[f"{what}s"]:
        for at in [given["time"] for given in [one, *one["attributes"]] if "time" in given]:
            if datetime.fromisoformat(at).tzinfo is None:
                yield f"{one['id']} has a time without an offset"
        if one["type"] not in declared:
            yield f"{one['id']} is of a type that is not declared"
        elif undeclared := {given["name"] for given in one["attributes"]} - declared[one["type"]]:
            yield f"{one['id']} has attributes that are not declared: {undeclared}"
        links = [(link["objectId"], link["qualifier"]) for link in one["relationships"]]
        if len(links) != len(set(links)):
            yield f"{one['id']} says a relationship twice"
        if not objects.issuperset(id_ for id_, _ in links):
            yield f"{one['id']} leads to an object that is not there"


def problems_of_database(path: Path) -> list[str]:
    """What is wrong with a log in its relational form."""
    connection = sqlite3.connect(path)
    try:
        return [*_foreign(connection), *_unmapped(connection, "event"), *_unmapped(connection, "object")]
    finally:
        connection.close()


def _foreign(connection: sqlite3.Connection) -> Iterator[str]:
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"row {row} of {table} refers to nothing in {parent}"


def _unmapped(connection: sqlite3.Connection, what: str) -> Iterator[str]:
    """Each row of `event` (`object`) must be in the table of its type, and each such table must have an id and a time."""
    counted = dict(connection.execute(f"SELECT ocel_type, count(*) FROM {what} GROUP BY ocel_type"))  # noqa: S608
    for type_, table in connection.execute(f"SELECT ocel_type, ocel_type_map FROM {what}_map_type"):  # noqa: S608
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{what}_{table}")')]
        if columns[:2] != ["ocel_id", "ocel_time"]:
            yield f"{what}_{table} does not begin with id and time: {columns}"
        elif counted.pop(type_, 0) != connection.execute(f'SELECT count(*) FROM "{what}_{table}"').fetchone()[0]:  # noqa: S608
            yield f"{what}_{table} has not the rows of its type"
    if counted:
        yield f"types without a table: {sorted(counted)}"
