"""What a form says: its fields and their limits in both languages, and what the case already knows of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from osm_flow.domain.forms.schema import (
    DEFAULT_WIDGET,
    MAX_DEPTH,
    MAX_NODES,
    MAX_ROWS,
    MAX_TEXT,
    WIDGETS,
    FormRefused,
    Message,
    choices_of,
    columns_of,
    decimals_of,
    fields_of,
    find,
    groups_of,
    hint_of,
    is_table,
    known_rows,
    known_value,
    label_of,
    load_form,
    longest_of,
    looked_up,
    most_of,
    ref_options,
    unit_of,
    widget_of,
)

JSON = dict[str, Any]

TABLE: JSON = {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
AB = [{"value": "a", "th": "ก", "en": "A"}, {"value": "b", "th": "ข", "en": "B"}]


# ---- how a field is shown --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "widget"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "x-widget": "textarea"}, "textarea"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "datetime"),
        ({"type": "string", "format": "email"}, "text"),
        ({"type": "string", "x-enum": AB}, "select"),
        ({"type": "string", "enum": ["a"]}, "select"),
        ({"type": "string", "x-enum": AB, "x-widget": "radio"}, "radio"),
        ({"type": "number"}, "number"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "yesno"),
        (TABLE, "table"),
        ({"type": "array", "items": {"type": "string"}}, "lines"),
        ({"type": "array", "items": {"type": "string", "x-enum": AB}}, "checkboxes"),
        ({"type": "array", "items": {"type": "string"}, "x-widget": "provinces"}, "provinces"),
        ({}, "text"),
    ],
)
def test_a_field_is_shown_as_the_form_says_or_as_its_type_wants(field: JSON, widget: str) -> None:
    assert widget_of(field) == widget


def test_every_type_is_shown_in_a_way_that_it_may_be() -> None:
    assert set(DEFAULT_WIDGET) == set(WIDGETS)
    assert all(widget in WIDGETS[kind] for kind, widget in DEFAULT_WIDGET.items())


def test_a_table_is_a_list_of_rows() -> None:
    assert is_table(TABLE)
    assert list(columns_of(TABLE)) == ["name"]
    assert not is_table({"type": "array", "items": {"type": "string"}})
    assert not is_table({"type": "object"})
    assert columns_of({"type": "string"}) == {}


def test_fields_stand_in_the_order_in_which_they_are_written() -> None:
    assert list(fields_of({"properties": {"b": {}, "a": {}}})) == ["b", "a"]
    assert fields_of({}) == {}


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ({"type": "string"}, []),
        ({"type": "string", "x-enum": AB, "enum": ["a", "b"]}, AB),
        ({"type": "integer", "enum": [1]}, [{"value": 1, "th": "1", "en": "1"}]),
        ({"type": "array", "items": {"x-enum": AB}}, AB),
        ({"type": "array", "enum": ["not of the list"], "items": {}}, []),
    ],
)
def test_options_are_those_of_the_field_or_of_the_entries_of_a_list(field: JSON, choices: list[JSON]) -> None:
    assert choices_of(field) == choices


def test_the_options_that_are_given_out_are_nobodys_to_change() -> None:
    field = {"type": "string", "x-enum": list(AB)}
    choices_of(field).clear()

    assert choices_of(field) == AB


# ---- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "limit"),
    [({}, MAX_TEXT), ({"maxLength": 5}, 5), ({"maxLength": MAX_TEXT + 1}, MAX_TEXT), ({"maxLength": "x"}, MAX_TEXT)],
)
def test_a_text_is_as_long_as_the_form_says_and_never_longer_than_all_may_be(given: JSON, limit: int) -> None:
    assert longest_of(given) == limit


@pytest.mark.parametrize(
    ("given", "limit"),
    [({}, MAX_ROWS), ({"maxItems": 5}, 5), ({"maxItems": MAX_ROWS + 1}, MAX_ROWS), ({"maxItems": None}, MAX_ROWS)],
)
def test_a_list_is_as_long_as_the_form_says_and_never_longer_than_all_may_be(given: JSON, limit: int) -> None:
    assert most_of(given) == limit


@pytest.mark.parametrize(
    ("field", "decimals"),
    [
        ({"type": "integer", "x-decimals": 3}, 0),
        ({"type": "number", "x-widget": "money"}, 2),
        ({"type": "number", "x-decimals": 3}, 3),
        ({"type": "number"}, None),
    ],
)
def test_a_number_has_as_many_decimals_as_its_kind(field: JSON, decimals: int | None) -> None:
    assert decimals_of(field) == decimals


# ---- both languages --------------------------------------------------------------------------------------------------


def test_a_title_is_said_in_both_languages_and_in_thai_where_there_is_no_other() -> None:
    field = {"title": "ชื่อ", "x-en": {"title": "Name"}}

    assert (label_of(field), label_of(field, "en")) == ("ชื่อ", "Name")
    assert label_of({"title": "ชื่อ"}, "en") == "ชื่อ"
    assert (label_of(AB[0]), label_of(AB[0], "en")) == ("ก", "A")
    assert label_of({"th": "ก"}, "en") == "ก"
    assert label_of({}) == ""


def test_a_hint_is_said_in_both_languages() -> None:
    field = {"description": "เต็ม", "x-en": {"description": "In full"}}

    assert (hint_of(field), hint_of(field, "en"), hint_of({}, "en")) == ("เต็ม", "In full", "")


def test_money_is_in_baht_and_other_numbers_in_their_unit() -> None:
    money, days = {"type": "number", "x-widget": "money"}, {"type": "number", "x-unit": "วัน", "x-en": {"unit": "days"}}

    assert (unit_of(money), unit_of(money, "en")) == ("บาท", "baht")
    assert (unit_of(days), unit_of(days, "en")) == ("วัน", "days")
    assert unit_of({"type": "number", "x-unit": "วัน"}, "en") == "วัน"
    assert unit_of({"type": "number"}) == ""


def test_a_form_without_groups_is_one_group_of_all_its_fields() -> None:
    assert groups_of({"properties": {"a": {}, "b": {}}}) == [{"th": "", "en": "", "fields": ["a", "b"]}]
    assert groups_of({"properties": {"a": {}}, "x-groups": [{"th": "ก", "fields": ["a"]}]}) == [
        {"th": "ก", "fields": ["a"]}
    ]


def test_a_sentence_remembers_how_it_was_made() -> None:
    message = Message("At most {limit} fit.", limit=3)

    assert message == "At most 3 fit."
    assert (message.key, message.params, message.th) == ("At most {limit} fit.", {"limit": 3}, None)
    assert Message("A {brace} alone", th="ไทย") == "A {brace} alone"
    assert Message("x", th="ไทย").th == "ไทย"


# ---- what the case knows ---------------------------------------------------------------------------------------------

CASE: JSON = {
    "fy": 2571,
    "project": {"name": "ถนน", "budget": 5, "tags": ["ก", "ข"], "none": None},
    "replies": [
        {"concepts": [{"name": "หนึ่ง", "cost": 1.1}, {"name": "สอง", "cost": 2.2}], "agency": "ก"},
        {"concepts": [{"name": "สาม"}], "agency": "ก"},
        {"agency": "ข", "concepts": "no list"},
        "no reply",
    ],
    "empty": [],
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("fy", 2571),
        ("project.name", "ถนน"),
        ("project.tags", ["ก", "ข"]),
        ("project.nothing", None),
        ("project.name.deeper", None),
        ("nothing", None),
        ("replies.agency", ["ก", "ก", "ข"]),
        ("replies.concepts.name", ["หนึ่ง", "สอง", "สาม"]),
        ("replies.nothing", None),
        ("empty", []),
        ("empty.name", None),
        (["nothing", "project.none", "fy"], 2571),
        ([], None),
    ],
)
def test_a_path_leads_to_a_value_and_through_a_list_to_all_that_its_items_have(path: Any, value: Any) -> None:
    assert find(CASE, path) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        (None, None),
        ("project.name", "ถนน"),
        (["nothing", "fy"], 2571),
        ({"count": "replies"}, 4),
        ({"count": "replies", "where": {"agency": "ก"}}, 2),
        ({"count": "empty"}, 0),
        ({"count": "fy"}, None),
        ({"sum": "replies.concepts.cost"}, 3.3),
        ({"sum": ["replies.concepts.cost", "replies.concepts.nothing"]}, 3.3),
        ({"sum": "replies.agency"}, None),
        ({"sum": "fy"}, None),
        ({"find": "replies", "value": "concepts", "where": {"agency": "nothing"}}, None),
    ],
)
def test_what_the_case_knows_is_read_counted_or_added_up_exactly(source: Any, value: Any) -> None:
    found = known_value({"x-default-from": source} if source else {}, CASE)

    assert found == value
    assert type(found) is type(value)


def test_a_sum_of_whole_numbers_is_a_whole_number_and_true_is_none() -> None:
    rows = {"rows": [{"n": 1.5}, {"n": 2.5}, {"n": True}, {"n": "9"}]}
    total = known_value({"x-default-from": {"sum": "rows.n"}}, rows)

    assert (total, type(total)) == (4, int)


REGISTER = {
    "register": [{"code": "P1", "year": 1, "budget": 10}, {"code": "P1", "year": 2, "budget": 20}, "no item"],
    "code": "P1",
    "year": 2,
}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ({"code": "code"}, 10),
        ({"code": "code", "year": "year"}, 20),
        ({"code": "nothing"}, None),
        ({"code": "year"}, None),
    ],
)
def test_the_first_item_that_fits_is_looked_up(where: JSON, value: Any) -> None:
    source = {"find": "register", "value": "budget", "where": where}

    assert looked_up(source, REGISTER.get) == value
    assert looked_up({**source, "find": "code"}, REGISTER.get) is None


def rows_from(**source: Any) -> JSON:
    return {**TABLE, "maxItems": 3, "x-rows-from": source}


def test_a_table_gets_a_row_for_each_thing_that_the_case_lists() -> None:
    field = rows_from(**{"from": "replies", "columns": {"who": "agency", "first": ["nothing", "agency"]}})

    assert known_rows(field, CASE) == [{"who": "ก", "first": "ก"}] * 2 + [{"who": "ข", "first": "ข"}]
    assert known_rows(rows_from(**{"from": "project.tags", "columns": {"tag": "", "no": "x"}}), CASE) == [
        {"tag": "ก", "no": None},
        {"tag": "ข", "no": None},
    ]


def test_a_table_gets_a_row_for_each_group_with_the_counts_of_it() -> None:
    source = {
        "from": "replies",
        "by": "agency",
        "columns": {"who": "agency"},
        "counts": {"all": {}, "of_a": {"agency": "ก"}},
    }

    assert known_rows(rows_from(**source), CASE) == [
        {"who": "ก", "all": 2, "of_a": 2},
        {"who": "ข", "all": 1, "of_a": 0},
    ]


def test_a_table_that_the_case_has_nothing_for_is_left_to_the_person() -> None:
    assert known_rows(TABLE, CASE) is None
    assert known_rows(rows_from(**{"from": "nothing", "columns": {}}), CASE) is None
    assert known_rows(rows_from(**{"from": "fy", "columns": {}}), CASE) is None
    assert known_rows(rows_from(**{"from": "empty", "columns": {}}), CASE) == []


def test_no_more_rows_are_listed_than_the_table_may_have() -> None:
    many = {"items": [{"n": number, "g": str(number)} for number in range(9)]}

    assert len(known_rows(rows_from(**{"from": "items", "columns": {"n": "n"}}), many) or []) == 3
    by_group = rows_from(**{"from": "items", "by": "g", "columns": {"n": "n"}, "counts": {}})
    assert len(known_rows(by_group, many) or []) == 3


@pytest.mark.parametrize(
    ("reference", "options"),
    [
        ({"from": "issues"}, [("D1", "D1 ท่องเที่ยว"), ("D2", "D2"), ("D3", "D3")]),
        ({"from": "issues", "value": "name", "label": "code"}, [("ท่องเที่ยว", "ท่องเที่ยว D1"), ("D3", "D3")]),
        ({"from": "words"}, [("ก", "ก"), ("ข", "ข")]),
        ({"from": "nothing"}, None),
        ({"from": "empty"}, None),
        ({"from": "fy"}, None),
    ],
)
def test_the_case_offers_its_own_things_to_choose_from(reference: JSON, options: Any) -> None:
    case = {
        "issues": [{"code": "D1", "name": "ท่องเที่ยว"}, {"code": "D2"}, {"code": "D3", "name": "D3"}, {"other": 1}, 5],
        "words": ["ก", "ข"],
        "empty": [],
        "fy": 2571,
    }
    if reference.get("value"):
        case["issues"] = [case["issues"][0], {"code": "D3", "name": "D3"}]  # type: ignore[index]

    assert ref_options({"type": "string", "x-ref": reference}, case) == options
    assert ref_options({"type": "array", "items": {"x-ref": reference}}, case) == options


def test_a_field_without_a_reference_offers_nothing() -> None:
    assert ref_options({"type": "string"}, CASE) is None


# ---- reading a form --------------------------------------------------------------------------------------------------


def test_a_form_that_is_read_is_a_copy_with_its_options_listed() -> None:
    document = {
        "properties": {
            "choice": {"type": "string", "x-enum": AB},
            "several": {"type": "array", "items": {"type": "string", "x-enum": AB}},
            "rows": {
                "type": "array",
                "items": {"properties": {"deep": {"x-enum": AB}, "own": {"x-enum": AB, "enum": ["b"]}}},
            },
        }
    }
    form = load_form(document)
    fields = fields_of(form)

    assert fields["choice"]["enum"] == ["a", "b"]
    assert fields["several"]["items"]["enum"] == ["a", "b"]
    assert columns_of(fields["rows"])["deep"]["enum"] == ["a", "b"]
    assert columns_of(fields["rows"])["own"]["enum"] == ["b"]
    assert "enum" not in document["properties"]["choice"]


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "a form",
        {1: "a number as a keyword"},
        {"default": date(2026, 11, 20)},
        {"enum": {"a", "b"}},
        {"default": b"x"},
        {"properties": {"a": {True: 1}}},
    ],
)
def test_what_is_no_json_is_no_form(document: object) -> None:
    with pytest.raises(FormRefused):
        load_form(document)


def test_what_is_not_shaped_as_a_form_is_still_read_so_that_its_faults_can_be_told() -> None:
    odd = {
        "properties": {
            "a": "no field",
            "b": {"type": "array", "items": "none", "x-enum": AB},
            "c": {"x-enum": ["no option"]},
        }
    }

    assert fields_of(load_form(odd))["c"]["enum"] == []
    assert load_form({"properties": []}) == {"properties": []}


def nested(levels: int) -> JSON:
    """A document of so many levels below its first."""
    document: JSON = {}
    for _ in range(levels):
        document = {"x": document}
    return document


def test_a_form_may_be_as_deep_and_as_large_as_the_limits_and_no_more() -> None:
    assert load_form(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert len(load_form({"x": [0] * (MAX_NODES - 2)})["x"]) == MAX_NODES - 2
    for document in (nested(MAX_DEPTH + 1), {"x": [0] * (MAX_NODES - 1)}):
        with pytest.raises(FormRefused, match="too deep or too large"):
            load_form(document)


def test_a_few_aliases_do_not_unfold_into_millions() -> None:
    bomb: list[object] = ["x"] * 10
    for _ in range(9):
        bomb = [bomb] * 10
    loop: JSON = {}
    loop["loop"] = loop

    for document in ({"x": bomb}, loop):
        with pytest.raises(FormRefused, match="too deep or too large"):
            load_form(document)
