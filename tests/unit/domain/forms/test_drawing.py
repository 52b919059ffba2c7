"""Single fields filled at random: whatever is drawn is something that a person could have given."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osm_flow.domain.forms.drawing import as_json, draw_field, draw_object, draw_text
from osm_flow.domain.forms.values import validate

JSON = dict[str, Any]

AB = {"x-enum": [{"value": "a", "th": "ก", "en": "A"}, {"value": "b", "th": "ข", "en": "B"}], "enum": ["a", "b"]}
TEXT: JSON = {"type": "string", "maxLength": 40}
ROW: JSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": TEXT, "n": {"type": "integer", "minimum": 1, "maximum": 3}},
}
FIELDS: dict[str, JSON] = {
    "text": TEXT,
    "one letter": {"type": "string", "maxLength": 1},
    "long text": {"type": "string", "minLength": 200, "maxLength": 250},
    "text of a kind": {"type": "string", "maxLength": 9, "pattern": "^A-[0-9]$", "examples": ["A-1", "A-2"]},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "option": {"type": "string", "maxLength": 9, **AB},
    "province": {"type": "string", "maxLength": 9, "x-widget": "province"},
    "thing of the case": {"type": "string", "maxLength": 99, "x-ref": {"from": "issues"}},
    "yes or no": {"type": "boolean"},
    "confirmation": {"type": "boolean", "const": True},
    "whole number": {"type": "integer"},
    "few": {"type": "integer", "minimum": 2, "maximum": 3},
    "above": {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 8},
    "below nought": {"type": "number", "minimum": -5, "maximum": -4, "x-decimals": 1},
    "money": {"type": "number", "x-widget": "money", "minimum": 0, "maximum": 999999999999.99},
    "money above nought": {"type": "number", "x-widget": "money", "exclusiveMinimum": 0},
    "one number": {"type": "integer", "minimum": 7, "maximum": 7},
    "lines": {
        "type": "array",
        "minItems": 2,
        "maxItems": 4,
        "uniqueItems": True,
        "items": {"type": "string", "maxLength": 9},
    },
    "options": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string", "maxLength": 9, **AB}},
    "provinces": {"type": "array", "maxItems": 5, "x-widget": "provinces", "items": {"type": "string", "maxLength": 9}},
    "things of the case": {
        "type": "array",
        "maxItems": 2,
        "items": {"type": "string", "maxLength": 99, "x-ref": {"from": "issues"}},
    },
    "table": {"type": "array", "x-widget": "table", "minItems": 2, "maxItems": 3, "items": ROW},
}
CASE: JSON = {"issues": [{"code": "D1", "name": "ก"}, {"code": "D2", "name": "ข"}], "provinces": ["TH-41", "TH-39"]}


def drawn(field: JSON, context: JSON | None = None, times: int = 60) -> list[Any]:
    return [draw_field(field, dice(seed), context or {}) for seed in range(times)]


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - dice for tests, not a secret


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("context", [{}, CASE], ids=["of itself", "in a case"])
def test_what_is_drawn_fits_its_field(name: str, context: JSON) -> None:
    schema = {"type": "object", "properties": {"it": FIELDS[name]}, "required": ["it"]}
    judge = Draft202012Validator(schema)

    for value in drawn(FIELDS[name], context):
        assert validate(schema, {"it": value}, context) == {}
        judge.validate({"it": value})


@pytest.mark.parametrize("name", ["option", "thing of the case", "yes or no", "text of a kind"])
def test_every_possible_answer_is_drawn_sooner_or_later(name: str) -> None:
    assert len(set(drawn(FIELDS[name], CASE))) == 2


def test_options_of_a_list_stand_in_the_order_of_the_page_each_once() -> None:
    both = [value for value in drawn(FIELDS["options"]) if len(value) == 2]

    assert both
    assert all(value == ["a", "b"] for value in both)


def test_provinces_are_those_of_the_case_where_it_has_some() -> None:
    assert set(drawn(FIELDS["province"], CASE)) == {"TH-41", "TH-39"}
    assert "TH-38" in {each for value in drawn(FIELDS["provinces"]) for each in value}
    assert set(drawn(FIELDS["province"], {"provinces": []})) > {"TH-38"}


def test_what_the_case_knows_and_nobody_may_change_is_taken_as_it_is() -> None:
    field = {**TEXT, "readOnly": True, "x-default-from": "project.name"}

    assert set(drawn(field, {"project": {"name": "วัดโพธิ์ชัย"}})) == {"วัดโพธิ์ชัย"}
    assert "วัดโพธิ์ชัย" not in drawn({**field, "readOnly": False}, {"project": {"name": "วัดโพธิ์ชัย"}})
    assert drawn(field, {})


LISTED: JSON = {
    "type": "array",
    "maxItems": 5,
    "x-rows-from": {"from": "kpis", "columns": {"name": "title", "target": "goal"}},
    "items": {
        "type": "object",
        "properties": {
            "name": {**TEXT, "readOnly": True},
            "target": {"type": "integer", "readOnly": True, "minimum": 1, "maximum": 9},
            "actual": {"type": "integer", "minimum": 0, "maximum": 9},
        },
    },
}


def test_rows_that_the_case_lists_are_kept_and_only_the_rest_of_them_is_filled_in() -> None:
    case = {"kpis": [{"title": "รายได้", "goal": 7}, {"title": "นักท่องเที่ยว"}, {}]}
    tables = drawn(LISTED, case)

    assert all([row["name"] for row in table] == ["รายได้", "นักท่องเที่ยว"] for table in tables)
    assert all(table[0]["target"] == 7 and "target" not in table[1] for table in tables)
    assert len({row.get("actual") for table in tables for row in table}) > 3


def test_a_table_that_may_be_changed_freely_is_drawn_freely() -> None:
    free = {**LISTED, "items": {"type": "object", "required": ["name"], "properties": {"name": TEXT}}}

    assert {len(table) for table in drawn(free, {"kpis": [{"title": "รายได้"}]})} > {1, 2}


def test_a_form_always_has_what_it_requires_and_sometimes_the_rest() -> None:
    schema = {"required": ["a"], "properties": {"a": TEXT, "b": TEXT}}
    forms = [draw_object(schema, dice(seed), {}) for seed in range(40)]

    assert all("a" in form for form in forms)
    assert {"b" in form for form in forms} == {True, False}


@pytest.mark.parametrize(("least", "most"), [(1, 1), (5, 5), (24, 25), (30, 40), (0, 3)])
def test_a_text_is_as_long_as_it_may_be_and_never_blank(least: int, most: int) -> None:
    for seed in range(60):
        text = draw_text({"minLength": least, "maxLength": most}, dice(seed))
        assert max(1, least) <= len(text) <= most
        assert text.strip() == text


def test_a_text_of_a_kind_that_gives_no_example_is_left_empty() -> None:
    assert draw_text({"pattern": "^x$"}, dice(1)) == ""


@pytest.mark.parametrize(
    ("number", "json", "kind"),
    [("3.00", 3, int), ("0", 0, int), ("3.10", 3.1, float), ("-0.5", -0.5, float), ("1E+2", 100, int)],
)
def test_an_exact_number_is_kept_as_json_has_it(number: str, json: float, kind: type) -> None:
    assert as_json(Decimal(number)) == json
    assert type(as_json(Decimal(number))) is kind
