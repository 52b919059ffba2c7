"""Logs of objects in both forms of OCEL 2.0: valid, and saying the same."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from osm_flow.documents import ocel
from osm_flow.domain.event_log import ALWAYS, OBJECT_TYPES, Link, LogEvent, LogObject
from tests.schemas.ocel import problems_of, problems_of_database

AT = "2026-11-20T02:00:00.000000Z"


class Sample:
    """One case with one work item, done by one person."""

    def objects(self) -> Iterator[LogObject]:
        yield LogObject("case:1", "case", AT, {"name": "REV-1", "office": "NE-U1", "outcome": ""})
        yield LogObject("person:p:osm_strategy", "person_in_role", ALWAYS, {"person": "p", "role": "osm_strategy"})
        yield LogObject("work_item:1", "work_item", AT, {"name": 'ร่าง "แผน"'}, (Link("case:1", "belongs to"),))

    def events(self) -> Iterator[LogEvent]:
        links = (
            Link("case:1", "belongs to"),
            Link("work_item:1", "completes"),
            Link("person:p:osm_strategy", "performed by"),
        )
        for number, type_ in enumerate(("ร่าง แผน", "รับงาน", "ร่าง แผน")):
            attributes = {"kind": "work_item.completed", "element": "draft"}
            yield LogEvent(f"e{number}", AT, type_, "complete", type_, "p", "osm_strategy", "NE-U1", attributes, links)


def as_json() -> dict[str, Any]:
    out = io.BytesIO()
    assert ocel.write_json(out, {"people": "pseudonyms"}, Sample()) == (3, 3)
    log: dict[str, Any] = json.loads(out.getvalue())
    return log


def test_the_json_form_is_valid() -> None:
    log = as_json()

    assert problems_of(log) == []
    assert [one["name"] for one in log["objectTypes"]] == list(OBJECT_TYPES)
    assert sorted(one["name"] for one in log["eventTypes"]) == ["รับงาน", "ร่าง แผน"]


def test_the_check_of_validity_sees_faults() -> None:
    log = as_json()
    log["events"][0]["relationships"].append({"objectId": "case:2", "qualifier": "belongs to"})
    log["objects"][1]["id"] = "case:1"
    log["events"][1]["type"] = "other"

    assert len(problems_of(log)) >= 3
    del log["eventTypes"]
    assert problems_of(log) == ["'eventTypes' is a required property"]


def test_an_attribute_without_a_value_is_left_out() -> None:
    case = next(one for one in as_json()["objects"] if one["type"] == "case")

    assert [given["name"] for given in case["attributes"]] == ["name", "office"]


def test_the_sqlite_form_is_valid_and_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite"

    counts = ocel.write_sqlite(path, {"people": "pseudonyms"}, Sample())

    assert counts == (3, 3)
    assert problems_of_database(path) == []
    connection = sqlite3.connect(path)
    maps = dict(connection.execute("SELECT ocel_type, ocel_type_map FROM event_map_type"))
    rows = connection.execute(f"SELECT * FROM event_{maps['ร่าง แผน']} ORDER BY 1").fetchall()  # noqa: S608
    links = connection.execute("SELECT ocel_object_id, ocel_qualifier FROM event_object WHERE ocel_event_id = 'e0'")
    assert rows[0] == ("e0", AT, "work_item.completed", "draft", "complete", "p", "osm_strategy", "NE-U1")
    assert set(links) == {
        ("case:1", "belongs to"),
        ("work_item:1", "completes"),
        ("person:p:osm_strategy", "performed by"),
    }
    assert connection.execute("SELECT * FROM object_object").fetchall() == [("work_item:1", "case:1", "belongs to")]
    connection.close()
