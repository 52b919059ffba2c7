"""Rules across fields, one by one: what keeps them, what breaks them, which field is marked."""

from __future__ import annotations

from typing import Any

import pytest

from osm_flow.domain.forms.rules import violations

JSON = dict[str, Any]

TEXT = {"type": "string", "maxLength": 100}
NUMBER = {"type": "number"}
ROWS = {
    "type": "array",
    "maxItems": 10,
    "items": {"type": "object", "properties": {"code": TEXT, "group": TEXT, "a": NUMBER, "b": NUMBER, "c": NUMBER}},
}
FIELDS = {
    "kind": TEXT,
    "reason": TEXT,
    "waived": {"type": "boolean"},
    "first": TEXT,
    "second": TEXT,
    "one": NUMBER,
    "two": NUMBER,
    "total": NUMBER,
    "start": TEXT,
    "end": TEXT,
    "fy": {"type": "integer"},
    "rows": ROWS,
}


def marked(rule: JSON, values: JSON, context: JSON | None = None) -> list[str]:
    schema = {"properties": FIELDS, "x-rules": [{"th": "ไทย", "en": "English", **rule}]}
    return [path for found in violations(schema, values, context or {}) for path in found.paths]


@pytest.mark.parametrize(
    ("rule", "good", "bad", "paths"),
    [
        ({"required": ["reason"]}, {"reason": "x"}, {"reason": "  "}, ["reason"]),
        ({"checked": ["waived"]}, {"waived": True}, {"waived": False}, ["waived"]),
        ({"one_of": ["first", "second"], "fields": ["first"]}, {"second": "x"}, {}, ["first"]),
        (
            {"differs": ["first", "second"], "fields": ["second"]},
            {"first": "ก", "second": "ข"},
            {"first": "ก", "second": "ก "},
            ["second"],
        ),
        (
            {"unique": "rows.code", "fields": ["rows"]},
            {"rows": [{"code": "1"}, {"code": "2"}]},
            {"rows": [{"code": "1"}, {"code": " 1"}]},
            ["rows.1.code"],
        ),
        # 0.1 + 0.2 is 0.3 in money, though not in binary fractions.
        (
            {"sum_of": "rows.a", "equals": "total", "fields": ["total"]},
            {"rows": [{"a": 0.1}, {"a": 0.2}], "total": 0.3},
            {"rows": [{"a": 0.1}, {"a": 0.2}], "total": 0.31},
            ["total"],
        ),
        (
            {"sum_of": ["one", "two"], "at_most": "total", "fields": ["one"]},
            {"one": 1, "two": 2, "total": 3},
            {"one": 1, "two": 2.01, "total": 3},
            ["one"],
        ),
        (
            {"sum_of": "rows.a", "by": "group", "equals": 100, "fields": ["rows"]},
            {"rows": [{"group": "1", "a": 100}, {"group": "2", "a": 60}, {"group": "2", "a": 40}]},
            {"rows": [{"group": "1", "a": 100}, {"group": "2", "a": 60}]},
            ["rows"],
        ),
        (
            {"each": "rows", "sum_of": ["a", "b"], "equals": "c", "fields": ["c"]},
            {"rows": [{"c": 5}, {"a": 2, "b": 3, "c": 5}]},
            {"rows": [{"a": 2, "b": 3, "c": 5}, {"a": 2, "c": 5}]},
            ["rows.1.c"],
        ),
        (
            {"value": "one", "at_most": "fy", "plus": -1, "fields": ["one"]},
            {"one": 2569, "fy": 2570},
            {"one": 2570, "fy": 2570},
            ["one"],
        ),
        (
            {"value": "one", "at_least": "two", "times": 0.5, "fields": ["one"]},
            {"one": 5, "two": 10},
            {"one": 4, "two": 10},
            ["one"],
        ),
        ({"value": "one", "more_than": 0, "fields": ["one"]}, {"one": 0.01}, {"one": 0}, ["one"]),
        (
            {"each": "rows", "product_of": ["a", "b"], "equals": "c", "fields": ["c"]},
            {"rows": [{"a": 3, "b": 0.1, "c": 0.3}]},
            {"rows": [{"a": 3, "b": 0.1, "c": 0.31}]},
            ["rows.0.c"],
        ),
        (
            {"each": "rows", "non_decreasing": ["a", "b", "c"], "fields": ["a"]},
            {"rows": [{"a": 1, "c": 2}]},
            {"rows": [{"a": 1, "b": 3, "c": 2}]},
            ["rows.0.a"],
        ),
        (
            {"date": "end", "not_before": "start", "days": 15, "fields": ["end"]},
            {"start": "2026-11-01", "end": "2026-11-16"},
            {"start": "2026-11-01", "end": "2026-11-15"},
            ["end"],
        ),
        (
            {"date": "end", "not_after": "start", "days": 15, "fields": ["end"]},
            {"start": "2026-11-01", "end": "2026-11-16"},
            {"start": "2026-11-01", "end": "2026-11-17"},
            ["end"],
        ),
        # On the same day the clock decides.
        (
            {"date": "end", "not_before": "start", "fields": ["end"]},
            {"start": "2026-11-01T02:00:00Z", "end": "2026-11-01T02:00:00Z"},
            {"start": "2026-11-01T02:00:00Z", "end": "2026-11-01T01:59:00Z"},
            ["end"],
        ),
        (
            {"within_fiscal_year": ["start", "end"], "fy": "fy"},
            {"fy": 2570, "start": "2026-10-01", "end": "2027-09-30"},
            {"fy": 2570, "start": "2026-09-30", "end": "2027-10-01"},
            ["start", "end"],
        ),
        (
            {"count_of": "rows", "where": {"field": "group", "is": "x"}, "at_least": 1, "fields": ["rows"]},
            {"rows": [{"group": "x"}]},
            {"rows": [{"group": "y"}]},
            ["rows"],
        ),
        (
            {
                "count_of": "rows",
                "by": "code",
                "where": {"field": "group", "is": "x"},
                "at_least": 1,
                "fields": ["rows"],
            },
            {"rows": [{"code": "1", "group": "x"}, {"code": "1", "group": "y"}]},
            {"rows": [{"code": "1", "group": "x"}, {"code": "2", "group": "y"}]},
            ["rows"],
        ),
        (
            {"distinct_of": "rows.group", "at_least": 2, "fields": ["rows"]},
            {"rows": [{"group": "x"}, {"group": "y"}]},
            {"rows": [{"group": "x"}, {"group": "x"}]},
            ["rows"],
        ),
        (
            {"min_length": "reason", "length": 3, "fields": ["reason"]},
            {"reason": "กขค"},
            {"reason": " กข "},
            ["reason"],
        ),
        (
            {"value": "one", "equals": {"count": "rows"}, "fields": ["one"]},
            {"one": 2, "rows": [{}, {}]},
            {"one": 2, "rows": [{}]},
            ["one"],
        ),
        (
            {"value": "one", "at_most": {"product_of": ["two", "total"], "times": 0.01}, "fields": ["one"]},
            {"one": 45, "two": 90, "total": 50},
            {"one": 45.01, "two": 90, "total": 50},
            ["one"],
        ),
        (
            {"covers": "rows.code", "values": ["1", "2"], "fields": ["rows"]},
            {"rows": [{"code": "2"}, {"code": "3"}, {"code": "1"}]},
            {"rows": [{"code": "1"}]},
            ["rows"],
        ),
        ({"covers": "rows.code", "values": ["1"], "fields": ["rows"]}, {"rows": [{"code": "1"}]}, {}, ["rows"]),
        # Without the office's calendar Monday to Friday count: the 20th is a Friday.
        (
            {"date": "end", "not_after": "start", "working_days": 5, "fields": ["end"]},
            {"start": "2026-11-20", "end": "2026-11-27"},
            {"start": "2026-11-20", "end": "2026-11-28"},
            ["end"],
        ),
        (
            {"date": "end", "not_before": "start", "working_days": 2, "fields": ["end"]},
            {"start": "2026-11-20", "end": "2026-11-24"},
            {"start": "2026-11-20", "end": "2026-11-23"},
            ["end"],
        ),
        (
            {"date": "end", "same_day_as": "start", "fields": ["end"]},
            {"start": "2026-11-20", "end": "2026-11-20"},
            {"start": "2026-11-20", "end": "2026-11-21"},
            ["end"],
        ),
    ],
)
def test_each_check_tells_good_from_bad(rule: JSON, good: JSON, bad: JSON, paths: list[str]) -> None:
    assert marked(rule, good) == []
    assert marked(rule, bad) == paths


@pytest.mark.parametrize(
    ("when", "values", "applies"),
    [
        ({"field": "kind", "is": "x"}, {"kind": "x"}, True),
        ({"field": "kind", "is": "x"}, {"kind": "y"}, False),
        ({"field": "kind", "is": False}, {"kind": False}, True),
        ({"field": "kind", "not": "x"}, {"kind": "y"}, True),
        ({"field": "kind", "not": "x"}, {}, False),
        ({"field": "kind", "in": ["x", "y"]}, {"kind": "y"}, True),
        ({"field": "kind", "not_in": ["x", "y"]}, {"kind": "z"}, True),
        ({"field": "kind", "not_in": ["x", "y"]}, {"kind": "y"}, False),
        ({"field": "kind", "given": True}, {"kind": " "}, False),
        ({"field": "kind", "given": False}, {}, True),
        ({"field": "one", "differs_from": "two"}, {"one": 1, "two": 2}, True),
        ({"field": "one", "differs_from": "two"}, {"one": 1, "two": 1.0}, False),
        ({"field": "one", "differs_from": "two"}, {"one": 1}, False),
        ({"field": "one", "below": "two"}, {"one": 1, "two": 2}, True),
        ({"field": "one", "below": 100}, {"one": 100}, False),
        ([{"field": "kind", "is": "x"}, {"field": "one", "given": True}], {"kind": "x"}, False),
        ({"field": ["one", "two"], "below": "total"}, {"one": 1, "two": 2, "total": 3}, False),
        ({"field": ["one", "two"], "below": "total"}, {"one": 1, "two": 1.99, "total": 3}, True),
        (
            {"field": "one", "below": {"product_of": ["two", "total"], "times": 0.01}},
            {"one": 9, "two": 20, "total": 50},
            True,
        ),
    ],
)
def test_a_rule_speaks_only_under_its_conditions(when: Any, values: JSON, applies: bool) -> None:
    assert bool(marked({"when": when, "required": ["reason"]}, values)) is applies


def test_a_waived_rule_is_silent() -> None:
    rule = {"unless": "waived", "required": ["reason"]}

    assert marked(rule, {"waived": True}) == []
    assert marked(rule, {"waived": False}) == ["reason"]


def test_a_name_that_the_form_does_not_have_means_a_variable_of_the_case() -> None:
    rule = {"value": "one", "at_least": "project.disbursed", "fields": ["one"]}

    assert marked(rule, {"one": 9}, {"project": {"disbursed": 10}}) == ["one"]
    assert marked(rule, {"one": 9}, {}) == []


def test_a_variable_never_stands_in_for_an_empty_field_of_the_form() -> None:
    assert marked({"required": ["reason"]}, {}, {"reason": "from the case"}) == ["reason"]


def test_wrongly_typed_values_are_left_to_the_judge_of_types() -> None:
    rules: list[JSON] = [
        {"sum_of": "rows.a", "equals": "total", "fields": ["total"]},
        {"each": "rows", "non_decreasing": ["a", "b"], "fields": ["a"]},
        {"date": "end", "not_before": "start", "fields": ["end"]},
    ]

    for rule in rules:
        assert marked(rule, {"rows": [None, "x", {"a": "1", "b": []}], "total": {}, "end": 5, "start": "soon"}) == []


# ---- what lies outside of the form ------------------------------------------------------------------------------

OTHERS = {
    "around": {"projects": [{"first": "โครงการ ก", "second": "D1", "one": 1}, {"first": "โครงการ ข", "second": "D2"}]}
}


@pytest.mark.parametrize(
    ("rule", "values", "paths"),
    [
        ({}, {"first": "โครงการ ค"}, []),
        ({}, {"first": " โครงการ   ก "}, ["first"]),
        ({}, {}, []),
        # only those of the same issue count
        ({"same": ["second"]}, {"first": "โครงการ ก", "second": "D1"}, ["first"]),
        ({"same": ["second"]}, {"first": "โครงการ ก", "second": "D2"}, []),
        ({"same": ["second"]}, {"first": "โครงการ ก"}, []),
        # those of the same agency do not
        ({"apart": ["second"]}, {"first": "โครงการ ก", "second": "D1"}, []),
        ({"apart": ["second"]}, {"first": "โครงการ ก", "second": "D2"}, ["first"]),
    ],
)
def test_a_value_differs_from_those_outside(rule: JSON, values: JSON, paths: list[str]) -> None:
    whole = {"not_among": "first", "of": ["around.projects", "around.missing"], "fields": ["first"], **rule}

    assert marked(whole, values, OTHERS) == paths
    assert marked(whole, values) == []


def test_numbers_are_told_apart_as_numbers() -> None:
    rule = {"not_among": "one", "of": "around.projects", "fields": ["one"]}

    assert marked(rule, {"one": 1.0}, OTHERS) == ["one"]
    assert marked(rule, {"one": 2}, OTHERS) == []


STAGES = {
    "type": "string",
    "x-enum": [{"value": value, "th": value, "en": value} for value in ("tor", "signed", "paid")],
}


@pytest.mark.parametrize(
    ("before", "now", "paths"),
    [
        ("signed", "paid", []),
        ("signed", "signed", []),
        ("signed", "tor", ["stage"]),
        (None, "tor", []),
        ("signed", None, []),
    ],
)
def test_stages_go_forward_only(before: str | None, now: str | None, paths: list[str]) -> None:
    rule = {"th": "ไทย", "en": "English", "not_behind": "stage", "than": "last.stage", "fields": ["stage"]}
    schema = {"properties": {"stage": STAGES}, "x-rules": [rule]}

    found = violations(schema, {"stage": now} if now else {}, {"last": {"stage": before}} if before else {})

    assert [path for one in found for path in one.paths] == paths


def test_every_group_that_the_case_lists_is_counted() -> None:
    rule = {
        "count_of": "rows",
        "by": "code",
        "groups": "issues.code",
        "where": {"field": "group", "is": "outcome"},
        "at_least": 1,
        "fields": ["rows"],
    }
    values = {"rows": [{"code": "D1", "group": "outcome"}]}

    assert marked(rule, values, {"issues": [{"code": "D1"}]}) == []
    assert marked(rule, values, {"issues": [{"code": "D1"}, {"code": "D2"}]}) == ["rows"]


def test_an_amount_is_looked_up_in_a_list_outside() -> None:
    found = {"find": "register", "value": "budget", "where": {"code": "first"}}
    rule = {"value": "one", "at_most": found, "fields": ["one"]}
    register = {"register": [{"code": "P1", "budget": 10}, {"code": "P2", "budget": 20}]}

    assert marked(rule, {"first": "P2", "one": 20}, register) == []
    assert marked(rule, {"first": "P1", "one": 20}, register) == ["one"]
    assert marked(rule, {"first": "P3", "one": 20}, register) == []
    assert marked(rule, {"one": 20}, register) == []


def test_a_path_through_a_list_outside_is_summed() -> None:
    rule = {"value": "total", "equals": ["plan.projects.amount", "one"], "fields": ["total"]}
    plan = {"plan": {"projects": [{"amount": 1.1}, {"amount": 2.2}]}}

    assert marked(rule, {"total": 3.3}, plan) == []
    assert marked(rule, {"total": 3.4, "one": 0.1}, plan) == []
    assert marked(rule, {"total": 3.4}, plan) == ["total"]


def test_working_days_know_the_holidays_around() -> None:
    rule = {"date": "end", "not_after": "start", "working_days": 1, "fields": ["end"]}
    values = {"start": "2026-12-04", "end": "2026-12-08"}

    assert marked(rule, values) == ["end"]
    assert marked(rule, values, {"around": {"holidays": ["2026-12-07"]}}) == []
