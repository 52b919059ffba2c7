"""Which forms are refused at deployment, and why."""

from __future__ import annotations

import copy
import random
from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osm_flow.domain.forms.schema import FormRefused, load_form
from osm_flow.domain.forms.soundness import check_form
from osm_flow.domain.forms.values import random_values, validate

JSON = dict[str, Any]

SOUND: JSON = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "แบบ",
    "x-en": {"title": "Form"},
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"title": "ชื่อ", "x-en": {"title": "Name"}, "type": "string", "maxLength": 50},
        "choice": {
            "title": "เลือก",
            "x-en": {"title": "Choice"},
            "type": "string",
            "maxLength": 8,
            "x-enum": [{"value": "a", "th": "ก", "en": "A"}],
        },
        "rows": {
            "title": "ตาราง",
            "x-en": {"title": "Rows"},
            "type": "array",
            "maxItems": 5,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"title": "ก", "x-en": {"title": "A"}, "type": "number", "minimum": 0}},
            },
        },
    },
    "x-rules": [{"th": "ไม่เกิน", "en": "At most.", "sum_of": "rows.a", "at_most": 100, "fields": ["rows"]}],
}


def changed(path: str, value: Any) -> list[str]:
    form = copy.deepcopy(SOUND)
    node: Any = form
    *parents, last = path.split("/")
    for part in parents:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return check_form(load_form(form), house_rules=True)


def test_a_sound_form_has_no_problems() -> None:
    assert check_form(load_form(copy.deepcopy(SOUND)), house_rules=True) == []


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("$schema", "http://json-schema.org/draft-07/schema", "2020-12"),
        ("title", None, "title in Thai"),
        ("x-en", {}, "English title"),
        ("description", "ไทยเท่านั้น", "both languages"),
        ("$ref", "http://evil.example/schema", "'$ref' is not part of the vocabulary"),
        ("additionalProperties", True, "additionalProperties: false"),
        ("required", ["nobody"], "'nobody' does not exist"),
        ("properties", {}, "at least one field"),
        ("properties/typename", SOUND["properties"]["name"], "this name cannot be used"),
        ("properties/csrf_token", SOUND["properties"]["name"], "this name cannot be used"),
        ("properties/a-b", SOUND["properties"]["name"], "this name cannot be used"),
        ("properties/name/maxLength", None, "maxLength"),
        ("properties/name/maxLength", 10_000_000, "maxLength"),
        ("properties/name/type", "object", "the type must be one of"),
        ("properties/name/x-widget", "money", "cannot show"),
        (
            "properties/name",
            {**SOUND["properties"]["name"], "x-widget": "date", "format": "date-time"},
            "format and the widget",
        ),
        ("properties/name/x-widget", "radio", "needs options"),
        ("properties/name/pattern", "^x", "examples"),
        ("properties/name/x-default-from", {"count": "a", "sum": "b"}, "count or sum"),
        ("properties/name/$ref", "#", "vocabulary"),
        ("properties/name/x-unit", "คน", "unit is needed in both"),
        ("properties/choice/enum", ["b"], "must list the same values"),
        ("properties/choice/x-enum/0/en", "", "Thai and English name"),
        ("properties/rows/maxItems", None, "maxItems"),
        ("properties/rows/maxItems", 501, "from 1 to 500"),
        ("properties/rows/items/additionalProperties", None, "additionalProperties"),
        ("properties/rows/items/properties", {}, "at least one column"),
        ("properties/rows/items/properties/b", {**SOUND["properties"]["rows"]}, "cannot hold lists"),
        ("properties/rows/x-rows-from", {"from": "x", "columns": {"z": "y"}}, "names the column 'z'"),
        ("properties/rows/x-records", {"kind": "projects", "code": "a"}, "needs kind, code and columns"),
        ("properties/rows/x-records", {"kind": "p", "code": "a", "columns": {"a": "b"}}, "each column once"),
        ("properties/rows/x-records", {"kind": "p", "code": "z", "columns": {"a": "b"}}, "each column once"),
        ("properties/rows/x-records", {"kind": "p", "code": "b", "columns": {"a": "b"}, "else": 1}, "and knows"),
        (
            "properties/rows/x-records",
            {"kind": "p", "code": "z", "columns": {"a": "b"}, "which": {"a": "name"}},
            "in a table of the record",
        ),
        ("x-groups", [{"th": "ก", "en": "A", "fields": ["name"]}], "exactly one group"),
        ("x-rules/0/sum_of", "rows.z", "there is no field 'rows.z'"),
        ("x-rules/0/differs", ["name", "choice"], "exactly one check"),
        ("x-rules/0/equals", 5, "exactly one of equals"),
        ("x-rules/0/th", "", "Thai and one in English"),
        ("x-rules/0/when", {"field": "name", "like": "x"}, "a condition is a field and one of"),
        ("x-rules/0/each", "name", "is no table"),
        ("x-rules/0/python", "1/0", "vocabulary"),
        ("properties/name/minLength", "2", "minLength is a whole number"),
        ("properties/name/maxLength", True, "maxLength is a whole number"),
        ("properties/name/readOnly", "yes", "readOnly is true or false"),
        ("properties/choice/enum", [], "enum is a list with at least one option"),
        ("properties/rows/items/properties/a/minimum", "0", "minimum is a number"),
        ("properties/rows/items/minProperties", 1, "'minProperties' is not part of the vocabulary"),
        ("required", ["name", "name"], "each once"),
        ("properties/name", "text", "not built as a form is"),
    ],
)
def test_an_unsound_form_is_refused_with_the_reason(path: str, value: Any, problem: str) -> None:
    problems = changed(path, value)

    assert any(problem in found for found in problems), problems


PLAIN: JSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"enum": ["a", "b"], "type": "string"},
        "day": {"type": "string", "format": "date"},
        "count": {"type": "integer", "minimum": 1, "exclusiveMaximum": 3},
        "tags": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "number"}}}},
    },
    "required": ["name", "kind", "day", "count", "tags", "rows"],
}


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ({"type": "boolean", "const": False}, "const is true"),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, "'format' is not part of the vocabulary"),
    ],
)
def test_what_the_judge_would_pass_over_is_refused_at_deployment(field: JSON, problem: str) -> None:
    problems = check_form(load_form({**PLAIN, "properties": {"it": field}, "required": []}))

    assert any(problem in each for each in problems), problems


def test_plain_json_schema_works_though_it_keeps_no_house_rules() -> None:
    form = load_form(copy.deepcopy(PLAIN))

    assert check_form(form) == []
    assert check_form(form, house_rules=True) != []
    for seed in range(50):
        values = random_values(form, random.Random(seed))  # noqa: S311 - dice for a test
        Draft202012Validator(form).validate(values)
        assert validate(form, values) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [("kind", "c"), ("day", "soon"), ("count", 3), ("name", "x" * 20_001), ("tags", ["x"] * 501), ("rows", [{"b": 1}])],
)
def test_plain_json_schema_is_judged_with_limits_of_our_own(name: str, value: Any) -> None:
    assert any(path.split(".")[0] == name for path in validate(load_form(copy.deepcopy(PLAIN)), {name: value}))


def test_rules_that_contradict_each_other_are_noticed() -> None:
    contradiction = {"th": "ก", "en": "a", "value": "n", "more_than": 10, "fields": ["n"]}
    number = {"title": "เลข", "x-en": {"title": "Number"}, "type": "number", "minimum": 0, "maximum": 5}
    form = {**copy.deepcopy(SOUND), "properties": {"n": number}, "required": ["n"], "x-rules": [contradiction]}

    assert check_form(form) == ["The rules contradict each other: no values were found that keep them all."]


def test_options_are_written_once_and_enum_follows() -> None:
    form = load_form(copy.deepcopy(SOUND))

    assert form["properties"]["choice"]["enum"] == ["a"]


def looped() -> JSON:
    form: JSON = {"title": "x"}
    form["properties"] = {"self": form}
    return form


def bomb() -> JSON:
    level: Any = ["x"] * 10
    for _ in range(8):
        level = [level] * 10
    return {"title": level}


@pytest.mark.parametrize(
    "document",
    [None, [], "text", {1: "x"}, {"default": date(2026, 11, 20)}, {"x": {1, 2}}, looped(), bomb()],
    ids=["nothing", "list", "text", "number key", "date", "set", "loop", "bomb"],
)
def test_what_is_no_plain_mapping_is_no_form(document: object) -> None:
    with pytest.raises(FormRefused):
        load_form(document)
