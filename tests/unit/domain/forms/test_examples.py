"""Forms filled at random: what breaks a rule is repaired, and rules that nothing can keep are told."""

from __future__ import annotations

import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from osm_flow.domain.forms.examples import NothingFits, draw_values
from osm_flow.domain.forms.rules import CHECKS, check_of, violations
from osm_flow.domain.forms.values import validate

JSON = dict[str, Any]

TEXT: JSON = {"type": "string", "maxLength": 60}
NUMBER: JSON = {"type": "number", "minimum": 0, "maximum": 10_000, "x-decimals": 2}
DAY: JSON = {"type": "string", "format": "date"}
INSTANT: JSON = {"type": "string", "format": "date-time"}
STAGES: JSON = {
    "type": "string",
    "maxLength": 9,
    "x-enum": [{"value": each, "th": each, "en": each} for each in ("tor", "signed", "paid")],
}
ROWS: JSON = {
    "type": "array",
    "minItems": 1,
    "maxItems": 8,
    "items": {
        "type": "object",
        "required": ["code", "a", "b", "c"],
        "properties": {
            "code": TEXT,
            "number": {"type": "integer", "minimum": 1, "maximum": 99},
            "group": {
                "type": "string",
                "maxLength": 9,
                "x-enum": [{"value": each, "th": each, "en": each} for each in "xyz"],
            },
            "a": NUMBER,
            "b": NUMBER,
            "c": NUMBER,
            "whole": {**NUMBER, "maximum": 10_000_000},
        },
    },
}
FIELDS: JSON = {
    "reason": TEXT,
    "other": TEXT,
    "kind": STAGES,
    "agreed": {"type": "boolean"},
    "one": NUMBER,
    "two": NUMBER,
    "total": NUMBER,
    "start": DAY,
    "end": DAY,
    "at": INSTANT,
    "fy": {"type": "integer", "minimum": 2569, "maximum": 2573},
    "rows": ROWS,
    "nickname": {"type": "string", "maxLength": 60, "pattern": "^พัฒนา", "examples": ["พัฒนา"]},
    "rank": {"type": "integer", "minimum": 1, "maximum": 1_000},
}
ALWAYS = ["one", "two", "total", "start", "end", "at", "fy", "rows", "kind", "nickname", "rank"]
CASE: JSON = {
    "last": {"stage": "signed", "spent": 50},
    "issues": [{"code": "D1"}, {"code": "D2"}],
    "around": {
        "projects": [{"nickname": "พัฒนา"}, {"nickname": "พัฒนา 1", "rank": 1}, {"rank": 2}],
        "holidays": ["2026-12-07"],
    },
    "register": [{"code": "P1", "budget": 70}],
    "code": "P1",
}

RULES: dict[str, JSON] = {
    "something is required": {"required": ["reason"]},
    "something is required of whoever says so": {
        "when": {"field": "one", "given": True},
        "required": ["reason", "other"],
    },
    "something is confirmed": {"checked": ["agreed"]},
    "one of several": {"one_of": ["reason", "other"], "fields": ["reason"]},
    "two things differ": {"differs": ["one", "two"], "fields": ["two"]},
    "a column has no repetitions": {"unique": "rows.code", "fields": ["rows"]},
    "a column of numbers has no repetitions": {"unique": "rows.number", "fields": ["rows"]},
    "parts make the total": {"sum_of": "rows.a", "equals": "total", "fields": ["total"]},
    "fields make the total": {"sum_of": ["one", "two"], "equals": "total", "fields": ["total"]},
    "parts make a hundred in every group": {"sum_of": "rows.a", "by": "group", "equals": 100, "fields": ["rows"]},
    "parts of every row make its whole": {"each": "rows", "sum_of": ["a", "b"], "equals": "c", "fields": ["c"]},
    "parts do not exceed what the case has": {"sum_of": "rows.a", "at_most": "last.spent", "fields": ["rows"]},
    "a value does not exceed another": {"value": "one", "at_most": "two", "fields": ["one"]},
    "a value is above what the case spent": {"value": "one", "at_least": "last.spent", "fields": ["one"]},
    "a value is more than a number": {"value": "one", "more_than": 9000, "fields": ["one"]},
    "a value is half of another": {"value": "one", "at_most": "two", "times": 0.5, "fields": ["one"]},
    "a value is the number of rows": {"value": "one", "equals": {"count": "rows"}, "fields": ["one"]},
    "a value is looked up": {
        "value": "one",
        "at_most": {"find": "register", "value": "budget", "where": {"code": "code"}},
        "fields": ["one"],
    },
    "a product is kept": {"each": "rows", "product_of": ["number", "a"], "equals": "whole", "fields": ["whole"]},
    "numbers do not fall": {"each": "rows", "non_decreasing": ["a", "b", "c"], "fields": ["a"]},
    "a day is not before another": {"date": "end", "not_before": "start", "days": 15, "fields": ["end"]},
    "a day is not after another": {"date": "end", "not_after": "start", "fields": ["end"]},
    "an instant is not before a day": {"date": "at", "not_before": "end", "fields": ["at"]},
    "a day is the same as another": {"date": "end", "same_day_as": "start", "fields": ["end"]},
    "a day is within working days": {"date": "end", "not_after": "start", "working_days": 3, "fields": ["end"]},
    "a day is after so many working days": {"date": "end", "not_before": "start", "working_days": 3, "fields": ["end"]},
    "days lie in the fiscal year": {"within_fiscal_year": ["start", "end", "at"], "fy": "fy"},
    "some rows are of a kind": {
        "count_of": "rows",
        "where": {"field": "group", "is": "x"},
        "at_least": 3,
        "fields": ["rows"],
    },
    "rows of a kind for all that the case lists": {
        "count_of": "rows",
        "by": "code",
        "groups": "issues.code",
        "where": {"field": "group", "in": ["x", "y"]},
        "at_least": 1,
        "fields": ["rows"],
    },
    "rows are of several kinds": {"distinct_of": "rows.group", "at_least": 3, "fields": ["rows"]},
    "a text is long enough": {"min_length": "reason", "length": 40, "fields": ["reason"]},
    "a text is not one of others": {"not_among": "nickname", "of": "around.projects", "fields": ["nickname"]},
    "a number is not one of others": {"not_among": "rank", "of": "around.projects", "fields": ["rank"]},
    "a value is so much more than half of another": {
        "value": "one",
        "at_least": "two",
        "times": 0.5,
        "plus": 100,
        "fields": ["one"],
    },
    "a stage does not go back": {"not_behind": "kind", "than": "last.stage", "fields": ["kind"]},
    "certain rows are there": {"covers": "rows.code", "all_of": "issues.code", "fields": ["rows"]},
}


def form(*rules: JSON) -> JSON:
    """A form whose rules are these."""
    spoken = [{"th": "ไทย", "en": "English", **rule} for rule in rules]
    return {"type": "object", "properties": FIELDS, "required": ALWAYS, "x-rules": spoken}


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - dice for tests, not a secret


@pytest.mark.parametrize("name", RULES)
def test_whatever_a_rule_asks_is_given(name: str) -> None:
    schema = form(RULES[name])
    judge = Draft202012Validator(schema)

    for seed in range(8):
        values = draw_values(schema, dice(seed), CASE)
        assert list(violations(schema, values, CASE)) == []
        judge.validate(values)
        assert validate(schema, values, CASE) == {}


def test_there_is_an_example_here_of_every_check_of_the_vocabulary() -> None:
    assert {check_of(rule) for rule in RULES.values()} == set(CHECKS)


def test_several_rules_are_kept_together() -> None:
    names = [
        "parts make the total",
        "a column has no repetitions",
        "numbers do not fall",
        "rows are of several kinds",
        "days lie in the fiscal year",
        "a day is not before another",
        "a stage does not go back",
    ]
    schema = form(*(RULES[name] for name in names))

    for seed in range(8):
        assert list(violations(schema, draw_values(schema, dice(seed), CASE), CASE)) == []


@pytest.mark.parametrize(
    "rules",
    [
        [{"value": "one", "more_than": 10, "fields": ["one"]}, {"value": "one", "at_most": 5, "fields": ["one"]}],
        [{"value": "one", "at_least": 10_001, "fields": ["one"]}],
        [{"count_of": "rows", "where": {"field": "group", "is": "nobody"}, "at_least": 9, "fields": ["rows"]}],
    ],
    ids=["two that contradict", "beyond the field", "more rows than fit"],
)
def test_rules_that_nothing_can_keep_are_told(rules: list[JSON]) -> None:
    with pytest.raises(NothingFits):
        draw_values(form(*rules), dice(1), {})


def test_the_same_dice_draw_the_same_values_and_others_draw_others() -> None:
    schema = form(RULES["parts make the total"])

    assert draw_values(schema, dice(1), CASE) == draw_values(schema, dice(1), CASE)
    assert draw_values(schema, dice(1), CASE) != draw_values(schema, dice(2), CASE)


def test_of_two_things_that_differ_the_one_that_may_be_changed_is_changed() -> None:
    locked = {**TEXT, "readOnly": True, "x-default-from": "last.stage"}
    free = {"type": "string", "maxLength": 9, "x-enum": STAGES["x-enum"]}
    schema = {
        "type": "object",
        "properties": {"before": locked, "now": free},
        "required": ["before", "now"],
        "x-rules": [{"th": "ไทย", "en": "English", "differs": ["before", "now"], "fields": ["now"]}],
    }

    for seed in range(10):
        values = draw_values(schema, dice(seed), CASE)
        assert values["before"] == "signed" != values["now"]


def test_what_nobody_may_change_is_not_changed_to_keep_a_rule() -> None:
    locked = {**NUMBER, "readOnly": True, "x-default-from": "last.spent"}
    schema = {
        "type": "object",
        "properties": {"spent": locked, "one": NUMBER},
        "required": ["spent", "one"],
        "x-rules": [{"th": "ไทย", "en": "English", "value": "one", "at_most": "spent", "fields": ["one"]}],
    }

    for seed in range(10):
        values = draw_values(schema, dice(seed), CASE)
        assert values["spent"] == 50
        assert values["one"] <= 50
