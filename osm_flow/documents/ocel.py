"""Event logs of objects as OCEL 2.0, in its JSON and its SQLite form, written as they are read.

The published JSON schema has every attribute value as text, so every attribute is declared and written as text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import orjson

from osm_flow.domain.event_log import Link, LogEvent, LogObject

EVENT_ATTRIBUTES: Final = ("kind", "element", "transition", "resource", "role", "group")
OBJECT_ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "case": ("name", "definition", "version", "office", "fiscal_year", "province", "stage", "state", "outcome"),
    "work_item": ("name", "element", "stage", "state", "province", "due_at"),
    "person_in_role": ("person", "role"),
    "project": ("name", "agency", "province", "fiscal_year", "state"),
    "document": ("key", "province"),
    "meeting": ("name",),
}


class Source(Protocol):
    """An event log that can be read twice: its objects, then its events, which name none but these objects."""

    def objects(self) -> Iterable[LogObject]: ...

    def events(self) -> Iterable[LogEvent]: ...


def attributes_of(event: LogEvent) -> dict[str, str]:
    """The attributes of an event that have a value, in the order in which they are declared."""
    known = {
        **event.attributes,
        "transition": event.transition,
        "resource": event.resource,
        "role": event.role,
        "group": event.group,
    }
    return {name: known[name] for name in EVENT_ATTRIBUTES if known.get(name)}


# ---- JSON ------------------------------------------------------------------------------------------------------


def write_json(out: BinaryIO, about: Mapping[str, str], source: Source) -> tuple[int, int]:
    """Write the log as JSON; the numbers of objects and events written.

    The types of events come last, when all of them are known. `log` is ours: what the file is about.
    """
    out.write(b'{"log":' + orjson.dumps(dict(about)) + b',\n"objectTypes":')
    out.write(orjson.dumps([_declared(name, attributes) for name, attributes in OBJECT_ATTRIBUTES.items()]))
    out.write(b',\n"objects":[')
    objects = _write_all(out, (_object_json(entry) for entry in source.objects()))
    out.write(b'],\n"events":[')
    types: dict[str, None] = {}
    events = _write_all(out, (_event_json(entry, types) for entry in source.events()))
    declared = [_declared(name, EVENT_ATTRIBUTES) for name in types]
    out.write(b'],\n"eventTypes":' + orjson.dumps(declared) + b"}\n")
    return objects, events


def _write_all(out: BinaryIO, values: Iterable[dict[str, object]]) -> int:
    count = 0
    for value in values:
        out.write((b",\n" if count else b"\n") + orjson.dumps(value))
        count += 1
    return count


def _declared(name: str, attributes: Sequence[str]) -> dict[str, object]:
    return {"name": name, "attributes": [{"name": attribute, "type": "string"} for attribute in attributes]}


def _object_json(item: LogObject) -> dict[str, object]:
    attributes = [{"name": name, "value": value, "time": item.at} for name, value in item.attributes.items() if value]
    return {"id": item.id, "type": item.type, "attributes": attributes, "relationships": _links_json(item.links)}


def _event_json(event: LogEvent, types: dict[str, None]) -> dict[str, object]:
    types[event.type] = None
    return {
        "id": event.id,
        "type": event.type,
        "time": event.at,
        "attributes": [{"name": name, "value": value} for name, value in attributes_of(event).items()],
        "relationships": _links_json(event.links),
    }


def _links_json(links: Iterable[Link]) -> list[dict[str, str]]:
    return [{"objectId": link.object_id, "qualifier": link.qualifier} for link in links]


# ---- SQLite ----------------------------------------------------------------------------------------------------

_TABLES: Final = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT NOT NULL UNIQUE);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES event_map_type (ocel_type));
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT NOT NULL REFERENCES object_map_type (ocel_type));
CREATE TABLE event_object (
    ocel_event_id TEXT NOT NULL REFERENCES event (ocel_id),
    ocel_object_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier)
);
CREATE TABLE object_object (
    ocel_source_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_target_id TEXT NOT NULL REFERENCES object (ocel_id),
    ocel_qualifier TEXT NOT NULL,
    PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier)
);
CREATE TABLE osm_log (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def write_sqlite(path: Path, about: Mapping[str, str], source: Source) -> tuple[int, int]:
    """Write the log as a new SQLite database; the numbers of objects and events written.

    `osm_log` is ours: what the file is about. The types of events are numbered because their names are Thai sentences.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # A new file that is thrown away if this fails: nothing has to survive a crash.
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(_TABLES)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO osm_log VALUES (?, ?)", about.items())
        objects = _write_objects(connection, source.objects())
        events = _write_events(connection, source.events())
        connection.execute("COMMIT")
    return objects, events


def _write_objects(connection: sqlite3.Connection, objects: Iterable[LogObject]) -> int:
    for name, attributes in OBJECT_ATTRIBUTES.items():
        _make_type(connection, "object", name, name, ("ocel_changed_field", *attributes))
    count = 0
    for item in objects:
        count += 1
        connection.execute("INSERT INTO object VALUES (?, ?)", (item.id, item.type))
        values = [item.attributes.get(name) or None for name in OBJECT_ATTRIBUTES[item.type]]
        _insert(connection, f"object_{item.type}", [item.id, item.at, None, *values])
        connection.executemany(
            "INSERT INTO object_object VALUES (?, ?, ?)",
            [(item.id, link.object_id, link.qualifier) for link in item.links],
        )
    return count


def _write_events(connection: sqlite3.Connection, events: Iterable[LogEvent]) -> int:
    tables: dict[str, str] = {}
    count = 0
    for event in events:
        count += 1
        if event.type not in tables:
            tables[event.type] = f"type{len(tables) + 1}"
            _make_type(connection, "event", event.type, tables[event.type], EVENT_ATTRIBUTES)
        connection.execute("INSERT INTO event VALUES (?, ?)", (event.id, event.type))
        known = attributes_of(event)
        values = [known.get(name) for name in EVENT_ATTRIBUTES]
        _insert(connection, f"event_{tables[event.type]}", [event.id, event.at, *values])
        connection.executemany(
            "INSERT INTO event_object VALUES (?, ?, ?)",
            [(event.id, link.object_id, link.qualifier) for link in event.links],
        )
    return count


def _make_type(connection: sqlite3.Connection, of: str, name: str, table: str, attributes: Sequence[str]) -> None:
    connection.execute(f"INSERT INTO {of}_map_type VALUES (?, ?)", (name, table))  # noqa: S608 (our own two names)
    columns = ", ".join(f'"{attribute}" TEXT' for attribute in attributes)
    connection.execute(
        f'CREATE TABLE "{of}_{table}" (ocel_id TEXT NOT NULL REFERENCES {of} (ocel_id), ocel_time TEXT NOT NULL, {columns})'
    )


def _insert(connection: sqlite3.Connection, table: str, values: Sequence[str | None]) -> None:
    marks = ", ".join("?" * len(values))
    connection.execute(f'INSERT INTO "{table}" VALUES ({marks})', values)  # noqa: S608 (a name made here)
