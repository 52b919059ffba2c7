"""The topics of service tasks: what each gives back, so that a simulation can make it up and a service be held to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osm_flow.domain.projects.spending import COLOURS
from osm_flow.domain.topics import RESULT_SCHEMAS
from osm_flow.engine.definitions import read_bpmn
from osm_flow.resources import resource_dir

JSON = dict[str, Any]

LIMITS = {"string": {"maxLength", "enum"}, "number": {"maximum"}, "integer": {"maximum"}, "array": {"maxItems"}}


def parts_of(schema: JSON) -> Iterator[JSON]:
    """A schema and every schema in it."""
    yield schema
    for inner in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from parts_of(inner)


def test_the_diagrams_that_ship_name_these_topics_and_no_others() -> None:
    named = {topic for path in resource_dir("bpmn").glob("*.bpmn") for topic in read_bpmn(path.read_bytes()).topics}

    assert named == set(RESULT_SCHEMAS)


@pytest.mark.parametrize("topic", RESULT_SCHEMAS)
def test_a_result_is_an_object_that_has_all_of_its_fields(topic: str) -> None:
    schema = RESULT_SCHEMAS[topic]

    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    for part in parts_of(schema):
        if part["type"] == "object":
            assert part["required"] == list(part["properties"])


@pytest.mark.parametrize("topic", RESULT_SCHEMAS)
def test_everything_in_a_result_is_bounded_so_that_it_can_be_made_up(topic: str) -> None:
    unbounded = [
        part for part in parts_of(RESULT_SCHEMAS[topic]) if not LIMITS.get(part["type"], set(part)) & set(part)
    ]

    assert unbounded == []


def test_a_service_gives_back_what_its_topic_says_and_nothing_beside_it() -> None:
    judge = Draft202012Validator(RESULT_SCHEMAS["open_recommendations"])

    assert judge.is_valid({"opened": 3})
    for result in ({}, {"opened": -1}, {"opened": 1.5}, {"opened": "3"}, {"opened": 3, "more": 1}):
        assert not judge.is_valid(result)


def test_a_project_in_a_result_has_one_of_the_colours_and_may_say_more() -> None:
    (list_of_projects,) = RESULT_SCHEMAS["live_projects"]["properties"].values()
    project = {
        name: "x" for name, field in list_of_projects["items"]["properties"].items() if field["type"] == "string"
    }
    project |= dict.fromkeys(("budget", "committed", "disbursed"), 0.25)
    judge = Draft202012Validator(RESULT_SCHEMAS["live_projects"])

    assert judge.is_valid({"projects": [{**project, "colour": colour} for colour in COLOURS]})
    assert judge.is_valid({"projects": [{**project, "colour": "red", "last_report": {"as_of": "2026-09-30"}}]})
    assert not judge.is_valid({"projects": [{**project, "colour": "mauve"}]})
    assert not judge.is_valid({"projects": [{**project, "colour": "red", "budget": -0.25}]})
