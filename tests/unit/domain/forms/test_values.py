"""What people put into forms: judged, prefilled, compared."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from osm_flow.domain.forms.schema import Message
from osm_flow.domain.forms.values import Filled, changes, faults_in, keep_known, prefill, validate

JSON = dict[str, Any]


def text(**more: Any) -> JSON:
    return {"title": "ช่อง", "x-en": {"title": "Field"}, "type": "string", "maxLength": 10, **more}


def form(**fields: JSON) -> JSON:
    return {"type": "object", "additionalProperties": False, "properties": fields}


MONEY = {"title": "เงิน", "type": "number", "x-widget": "money", "minimum": 0, "maximum": 999999999999.99}
TABLE = {
    "title": "ตาราง",
    "type": "array",
    "x-widget": "table",
    "maxItems": 3,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {"name": text(), "budget": MONEY},
    },
}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (text(), 5, "Text is expected here."),
        (text(), None, "Text is expected here."),
        (text(), "กขคงจฉชซฌญฎ", "At most 10 characters fit here."),
        (text(minLength=3), "กข", "At least 3 characters are needed here."),
        (text(), "a\0b", "This holds characters that cannot be kept."),
        (text(), "a\ud800", "This holds characters that cannot be kept."),
        (text(), "a\x1bb", "This holds characters that cannot be kept."),
        (
            text(pattern="^ก", **{"x-pattern": {"th": "ต้องขึ้นต้นด้วย ก", "en": "It begins with ก."}}),
            "ข",
            "It begins with ก.",
        ),
        (text(**{"x-enum": [{"value": "a", "th": "ก", "en": "A"}]}), "b", "Choose one of the options."),
        (text(**{"x-widget": "date", "format": "date"}), "2026-02-30", "A date is expected here."),
        (text(**{"x-widget": "date", "format": "date"}), "0001-01-01", "A date is expected here."),
        (text(**{"x-widget": "date", "format": "date"}), "2026-W47-5", "A date is expected here."),
        (
            text(maxLength=40, **{"x-widget": "datetime"}),
            "2026-11-20T09:00:00+07:00",
            "A date with a time is expected here.",
        ),
        (text(maxLength=40, **{"x-widget": "datetime"}), "2026-11-20T02:30Z", "A date with a time is expected here."),
        (text(maxLength=40, **{"x-widget": "datetime"}), "20261120T023000Z", "A date with a time is expected here."),
        (text(**{"x-widget": "province"}), "Loei", "Choose one of the options."),
        ({"type": "boolean"}, "true", "Yes or no is expected here."),
        ({"type": "boolean", "const": True}, False, "This must be confirmed."),
        ({"type": "integer"}, 1.5, "A whole number is expected here."),
        ({"type": "integer"}, True, "A number is expected here."),
        ({"type": "number"}, float("nan"), "A number is expected here."),
        ({"type": "number"}, float("inf"), "A number is expected here."),
        ({"type": "number"}, 2**53 + 1, "This number is too large."),
        ({"type": "number", "exclusiveMinimum": 0}, 0, "More than 0 is expected here."),
        ({"type": "number", "minimum": 1}, 0, "At least 1 is expected here."),
        ({"type": "number", "maximum": 1000}, 1001, "At most 1,000 is expected here."),
        (MONEY, 0.005, "At most 2 decimals fit here."),
        (TABLE, "x", "A list is expected here."),
        (TABLE, [{"name": "ก"}] * 4, "At most 3 entries fit."),
        ({**TABLE, "minItems": 2}, [{"name": "ก"}], "At least 2 entries are needed."),
        (
            {"type": "array", "maxItems": 3, "uniqueItems": True, "items": text()},
            ["ก", "ก"],
            "The same entry is there twice.",
        ),
        (
            {**TABLE, "uniqueItems": True},
            [{"name": "ก", "budget": 1}, {"budget": 1.0, "name": "ก"}],
            "The same entry is there twice.",
        ),
        (text(), [[[[[[]]]]]], "This is nested too deeply."),
        (text(), b"x", "This is not a kind of value that a form can hold."),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_named(field: JSON, value: object, message: str) -> None:
    errors = validate(form(it=field), {"it": value})

    assert message in errors.values()
    assert all(path.split(".")[0] == "it" for path in errors)


@pytest.mark.parametrize("amount", [0, 0.07, 0.1, 1.13, 1234567.89, 999999999999.99, 4.35])
def test_money_is_judged_in_exact_decimals(amount: float) -> None:
    assert validate(form(it=MONEY), {"it": amount}) == {}


@pytest.mark.parametrize("name", ["typename", "stranger", "a\0b"])
def test_an_unknown_field_is_refused_by_name(name: str) -> None:
    errors = validate(form(it=text()), {"it": "ก", name: 1})

    assert list(errors) == [name.replace("\0", "\ufffd")]


def test_typename_is_refused_even_where_a_form_has_it() -> None:
    assert validate(form(typename=text()), {"typename": "x"}) == {"typename": "This name may not be used."}


def test_rows_are_judged_cell_by_cell() -> None:
    errors = validate(form(rows=TABLE), {"rows": [{"name": "ก", "budget": -1}, {"budget": 2, "typename": "x"}, "row"]})

    assert errors == {
        "rows.0.budget": "At least 0 is expected here.",
        "rows.1.typename": "This name may not be used.",
        "rows.1.name": "This must be filled in.",
        "rows.2": "A row of the table is expected here.",
    }


def test_values_that_are_no_mapping_are_refused() -> None:
    assert validate(form(it=text()), ["it"]) == {"": "The values of a form are a mapping of fields."}


@pytest.mark.parametrize("blank", ["", "   ", "\n"])
def test_a_blank_text_is_no_answer(blank: str) -> None:
    schema = {**form(it=text()), "required": ["it"]}

    assert validate(schema, {"it": blank}) == {"it": "This must be filled in."}


def test_an_empty_default_is_an_answer() -> None:
    schema = {**form(note=text(default=""), rows={**TABLE, "default": []}), "required": ["note", "rows"]}

    assert validate(schema, {"note": "", "rows": []}) == {}
    assert set(validate(schema, {})) == {"note", "rows"}


def test_false_is_an_answer() -> None:
    assert validate({**form(it={"type": "boolean"}), "required": ["it"]}, {"it": False}) == {}


def test_a_message_can_be_said_in_another_language() -> None:
    message = validate(form(it=text()), {"it": "x" * 11})["it"]

    assert (message.key, message.params) == ("At most {limit} characters fit here.", {"limit": 10})


def test_a_broken_rule_brings_its_own_thai() -> None:
    schema = form(it=text(), other=text())
    schema["x-rules"] = [{"th": "ต้องต่างกัน", "en": "They differ.", "differs": ["it", "other"], "fields": ["other"]}]

    message = validate(schema, {"it": "x", "other": "x"})["other"]

    assert (message, message.th) == ("They differ.", "ต้องต่างกัน")


ISSUE = text(**{"x-ref": {"from": "issues", "value": "code", "label": "name"}})


@pytest.mark.parametrize(
    ("context", "errors"),
    [
        ({"issues": [{"code": "D1", "name": "ท่องเที่ยว"}]}, {"it": "Choose one of the options."}),
        ({"issues": []}, {}),
        ({}, {}),
    ],
)
def test_options_come_from_the_case_and_nobody_is_blocked_by_a_missing_list(context: JSON, errors: JSON) -> None:
    assert validate(form(it=ISSUE), {"it": "D2"}, context) == errors


def test_a_province_belongs_to_the_cluster_of_the_case() -> None:
    schema = form(it=text(**{"x-widget": "province"}))

    assert validate(schema, {"it": "TH-50"}, {"provinces": ["TH-41"]}) == {"it": "Choose one of the options."}
    assert validate(schema, {"it": "TH-41"}, {"provinces": ["TH-41"]}) == {}


def test_what_the_case_knows_cannot_be_changed() -> None:
    schema = form(it=text(readOnly=True, **{"x-default-from": "project.name"}))

    assert validate(schema, {"it": "B"}, {"project": {"name": "A"}}) == {"it": "This cannot be changed here."}
    assert validate(schema, {"it": "A"}, {"project": {"name": "A"}}) == {}


def test_prefilling_takes_what_the_case_knows_before_the_default() -> None:
    schema = form(
        a=text(default="d", **{"x-default-from": ["missing", "x.y"]}),
        b=text(default="d"),
        c=text(**{"x-default-from": "n"}),
    )

    assert prefill(schema, {"x": {"y": "known"}, "n": 7}) == {"a": "known", "b": "d"}


def test_prefilling_a_table_makes_one_row_of_each_thing_the_case_lists() -> None:
    schema = form(rows={**TABLE, "x-rows-from": {"from": "kpis.kpis", "columns": {"name": "title", "budget": "cost"}}})
    case = {"kpis": {"kpis": [{"title": "ก", "cost": 5}, {"title": "ข", "cost": "far"}, {}]}}

    assert prefill(schema, case) == {"rows": [{"name": "ก", "budget": 5}, {"name": "ข"}]}


def test_rows_that_the_case_lists_are_there_also_where_the_person_has_more_to_fill_in() -> None:
    """A spending plan opens with each project and its total; its quarters are what is asked for."""
    table = copy.deepcopy(TABLE)
    table["items"]["required"] = ["name", "budget"]
    schema = form(rows={**table, "x-rows-from": {"from": "projects", "columns": {"name": "name"}}})

    assert prefill(schema, {"projects": [{"name": "ก"}, {"name": "ข"}]}) == {"rows": [{"name": "ก"}, {"name": "ข"}]}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ({"count": "opinions.items"}, 3),
        ({"count": "opinions.items", "where": {"disposition": "accept"}}, 2),
        ({"sum": "replies.concepts.cost"}, 3.3),
        ({"sum": ["replies.concepts.cost", "replies.concepts.more"]}, 8.3),
        ({"count": "nothing"}, None),
        ({"sum": "nothing.here"}, None),
    ],
)
def test_figures_are_counted_and_added_up_for_the_person(source: JSON, value: object) -> None:
    case = {
        "opinions": {"items": [{"disposition": "accept"}, {"disposition": "accept"}, {"disposition": "decline"}]},
        "replies": [{"concepts": [{"cost": 1.1}, {"cost": 2.2, "more": 5}]}, {"concepts": []}, {}],
    }

    assert prefill(form(it={"title": "x", "type": "number", "x-default-from": source}), case).get("it") == value


def test_only_what_the_form_knows_is_kept_of_an_older_document() -> None:
    assert keep_known(form(it=text()), {"it": "ก", "gone": 1}) == {"it": "ก"}


def test_changes_are_found_field_by_field_and_cell_by_cell() -> None:
    schema = form(it=text(), same=MONEY, new=text(), rows=TABLE)
    old = {"it": "a", "same": 5, "rows": [{"name": "x", "budget": 1}, {"name": "y"}, {"name": "z"}]}
    new = {"it": "b", "same": 5.0, "new": "n", "rows": [{"name": "y"}, {"name": "x", "budget": 2}, {"name": "w"}]}

    found = [(c.field, c.kind, c.row, c.column, c.old, c.new) for c in changes(schema, old, new)]

    assert found == [
        ("it", "changed", None, None, "a", "b"),
        ("new", "added", None, None, None, "n"),
        ("rows", "changed", 1, "budget", 1, 2),
        ("rows", "added", 2, None, None, {"name": "w"}),
        ("rows", "removed", None, None, {"name": "z"}, None),
    ]


def test_nothing_changed_is_no_change() -> None:
    values = {"it": "a", "rows": [{"name": "x"}, {"name": "x"}]}

    assert changes(form(it=text(), rows=TABLE), values, values) == []


@pytest.mark.parametrize(
    ("typed", "is_taken"),
    [
        ("อด 0017.2/1234", True),
        ("รายงาน.pdf", True),
        ("รายงาน.pdf, ภาพ, 1.png", True),
        ("ใบตรวจรับพัสดุ ที่ 3", True),
        ("แผน.pdf", False),
        ("รายงาน.pdf, แผน.PDF", False),
    ],
)
def test_a_file_that_is_named_is_attached(typed: str, is_taken: bool) -> None:
    """Letters and papers kept elsewhere are fine; what looks like a file's name must be one of the case's files."""
    schema = form(it=text(maxLength=100, **{"x-widget": "file-ref"}))
    around = {"around": {"files": ["รายงาน.pdf", "ภาพ, 1.png", "1.png"]}}

    assert (validate(schema, {"it": typed}, around) == {}) is is_taken
    assert validate(schema, {"it": typed}) == {}


COUNTED = {
    "type": "array",
    "maxItems": 10,
    "x-rows-from": {
        "from": "opinions.items",
        "by": "group",
        "columns": {"group": "group"},
        "counts": {"all": {}, "kept": {"disposition": "accept"}},
    },
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "group": text(readOnly=True),
            "all": {"type": "integer", "readOnly": True},
            "kept": {"type": "integer"},
        },
    },
}
OPINIONS = {
    "opinions": {
        "items": [{"group": "a", "disposition": "accept"}, {"group": "b"}, {"group": "a"}, {"disposition": "accept"}]
    }
}


def test_a_table_counts_what_the_case_lists() -> None:
    assert prefill(form(it=COUNTED), OPINIONS) == {
        "it": [{"group": "a", "all": 2, "kept": 1}, {"group": "b", "all": 1, "kept": 0}]
    }


def test_what_the_case_says_of_a_row_cannot_be_changed() -> None:
    schema = form(it=COUNTED)

    assert validate(schema, {"it": [{"group": "a", "all": 2, "kept": 7}]}, OPINIONS) == {}
    changed = {"it": [{"group": "b", "all": 1}, {"group": "a", "all": 3}]}
    assert validate(schema, changed, OPINIONS) == {"it.1.group": "This cannot be changed here."}
    assert validate(schema, changed, {}) == {}


def test_prefilling_looks_up_the_fitting_item_of_a_list() -> None:
    source = {"find": "around.register", "value": "budget", "where": {"name": "change.name"}}
    schema = form(it={"type": "number", "x-default-from": source})
    register = {"around": {"register": [{"name": "ก", "budget": 1}, {"name": "ข", "budget": 2.5}]}}

    assert prefill(schema, {**register, "change": {"name": "ข"}}) == {"it": 2.5}
    assert prefill(schema, {**register, "change": {"name": "ค"}}) == {}
    assert prefill(schema, register) == {}


def test_what_cannot_be_read_is_told_first_and_is_not_said_to_be_missing_too() -> None:
    schema = {**form(a=text(), b=text()), "required": ["a"]}

    found = faults_in(schema, Filled({"b": 5}, {"a": Message("A number is expected here.")}))

    assert list(found.items()) == [("a", "A number is expected here."), ("b", "Text is expected here.")]
    assert faults_in(schema, Filled({"a": "ก"}, {})) == {}
