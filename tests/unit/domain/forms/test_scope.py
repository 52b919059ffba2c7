"""What a rule of a form sees: names, exact numbers, days in Thailand, rows and groups of rows."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.calendar.fiscal_year import fiscal_year_of
from osm_flow.domain.forms.scope import (
    COMPARISONS,
    FormScope,
    amount,
    column_sum,
    conditions_of,
    exact,
    fiscal_bounds,
    grouped,
    holds,
    is_given,
    is_missing,
    read_moment,
    row_scopes,
    rows_of,
    total_of,
)

JSON = dict[str, Any]

SCHEMA: JSON = {
    "properties": {
        "name": {"type": "string"},
        "total": {"type": "number"},
        "rows": {"type": "array", "items": {"type": "object", "properties": {"name": {}, "a": {}, "b": {}}}},
    }
}
CASE: JSON = {"fy": 2571, "name": "of the case", "project": {"budget": 5}, "plans": [{"cost": 1.1}, {"cost": 2.2}]}
VALUES: JSON = {"total": 10.5, "rows": [{"a": 1, "b": 0.1}, {"a": 2, "name": "of the row"}, "no row"]}


def scope(index: int | None = None, **values: Any) -> FormScope:
    """The scope of the whole form, or of one row of its table."""
    return FormScope(SCHEMA, {**VALUES, **values}, CASE, "rows" if index is not None else None, index)


# ---- names -----------------------------------------------------------------------------------------------------------


def test_a_name_means_the_column_then_the_field_then_the_variable_of_the_case() -> None:
    assert scope(1, name="of the form").get("name") == "of the row"
    assert scope(name="of the form").get("name") == "of the form"
    assert scope(1).get("total") == 10.5
    assert scope(1).get("project.budget") == 5


def test_nothing_stands_in_for_a_field_or_a_column_that_was_left_empty() -> None:
    assert scope().get("name") is None
    assert scope(0).get("name") is None
    assert scope(0).get("fy") == 2571


def test_a_row_is_the_one_that_the_rule_speaks_of() -> None:
    assert scope(0).row == {"a": 1, "b": 0.1}
    assert scope(2).row == {}
    assert scope().row == {}


def test_a_place_is_named_with_its_row_only_where_the_row_has_it() -> None:
    assert scope(1).path("a") == "rows.1.a"
    assert scope(1).path("total") == "total"
    assert scope().path("a") == "a"
    assert scope(1).owns("a")
    assert not scope(1).owns("total")
    assert not scope().owns("a")


def test_there_is_a_scope_for_every_row() -> None:
    scopes = list(row_scopes(scope(), "rows"))

    assert [(each.table, each.index) for each in scopes] == [("rows", 0), ("rows", 1), ("rows", 2)]
    assert [each.get("a") for each in scopes] == [1, 2, None]
    assert list(row_scopes(scope(rows="no rows"), "rows")) == []


# ---- what was given --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "given_"),
    [
        (None, False),
        ("", False),
        (" \n", False),
        ([], False),
        (0, True),
        (False, True),
        ("x", True),
        ([""], True),
        ({}, True),
    ],
)
def test_false_and_nought_are_answers_and_blanks_are_none(value: Any, given_: bool) -> None:
    assert is_given(value) is given_


@pytest.mark.parametrize(
    ("field", "value", "missing"),
    [
        ({}, None, True),
        ({}, "", True),
        ({}, "x", False),
        ({"default": ""}, "", False),
        ({"default": []}, [], False),
        ({"default": "x"}, "", True),
        ({"default": None}, None, True),
    ],
)
def test_an_empty_answer_counts_where_the_form_has_it_as_default(field: JSON, value: Any, missing: bool) -> None:
    assert is_missing(field, value) is missing


# ---- numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (0.1, Decimal("0.1")),
        (7, Decimal(7)),
        (Decimal("1.10"), Decimal("1.10")),
        (True, None),
        ("5", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        ([1], None),
    ],
)
def test_a_number_is_the_decimal_that_was_typed(value: Any, number: Decimal | None) -> None:
    assert exact(value) == number


@given(st.lists(st.integers(0, 10**13).map(lambda satang: satang / 100), max_size=20))
def test_amounts_of_money_add_up_to_the_last_satang(amounts: list[float]) -> None:
    assert total_of([*amounts, None, "x", True]) == (
        sum((Decimal(str(each)) for each in amounts), Decimal(0)) if amounts else None
    )


def test_what_nobody_gave_has_no_sum() -> None:
    assert total_of([]) is None
    assert column_sum([{}, {"a": None}], "a") is None
    assert column_sum(rows_of(VALUES, "rows"), "a") == 3
    assert scope().number("name") is None


@pytest.mark.parametrize(
    ("operand", "number"),
    [
        (100, Decimal(100)),
        (0.5, Decimal("0.5")),
        ("total", Decimal("10.5")),
        ("rows.a", Decimal(3)),
        ("rows.nothing", None),
        ("plans.cost", Decimal("3.3")),
        ("project.budget", Decimal(5)),
        ("nothing", None),
        (["total", "fy", "nothing"], Decimal("2581.5")),
        (["nothing"], None),
        ({"count": "rows"}, Decimal(3)),
        ({"count": "total"}, None),
        ({"product_of": ["total", "fy"]}, Decimal("26995.5")),
        ({"product_of": ["total", "fy"], "times": 0.01}, Decimal("269.955")),
        ({"product_of": ["total", "nothing"]}, None),
        ({"find": "plans", "value": "cost", "where": {"cost": "nothing"}}, None),
        (True, None),
    ],
)
def test_an_operand_is_a_number_a_name_a_sum_a_product_or_a_count(operand: Any, number: Decimal | None) -> None:
    assert amount(operand, scope()) == number


def test_an_operand_looks_an_amount_up_with_what_the_row_says() -> None:
    operand = {"find": "plans", "value": "cost", "where": {"code": "name"}}
    plans = {"plans": [{"code": "x", "cost": 1}, {"code": "y", "cost": 2.5}]}
    row = FormScope(SCHEMA, {"rows": [{"name": "y"}]}, plans, "rows", 0)

    assert amount(operand, row) == Decimal("2.5")


@pytest.mark.parametrize(
    ("comparison", "kept"),
    [
        ("equals", [False, True, False]),
        ("at_most", [True, True, False]),
        ("at_least", [False, True, True]),
        ("more_than", [False, False, True]),
    ],
)
def test_each_comparison_knows_less_the_same_and_more(comparison: str, kept: list[bool]) -> None:
    compare = COMPARISONS[comparison]

    assert [compare(Decimal(left), Decimal(2)) for left in (1, 2, 3)] == kept


# ---- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11-20T02:00:00Z", datetime(2026, 11, 20, 2)),  # noqa: DTZ001
        ("2026-11-20T09:00:00+07:00", datetime(2026, 11, 20, 2)),  # noqa: DTZ001
        ("2026-02-30", None),
        ("soon", None),
        ("0001-01-01T00:00:00+07:00", None),
        (5, None),
        (None, None),
    ],
)
def test_a_moment_is_a_day_or_an_instant_of_world_time(text: Any, moment: date | None) -> None:
    assert read_moment(text) == moment
    assert type(read_moment(text)) is type(moment)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-20", date(2026, 11, 20)),
        ("2026-11-20T16:59:00Z", date(2026, 11, 20)),
        ("2026-11-20T17:00:00Z", date(2026, 11, 21)),
        ("2026-12-31T17:00:00Z", date(2027, 1, 1)),
        ("soon", None),
    ],
)
def test_an_instant_belongs_to_its_day_in_thailand(text: str, day: date | None) -> None:
    assert scope(name=text).day("name") == day


@given(st.dates(date(1900, 1, 1), date(2400, 1, 1)))
def test_every_day_lies_in_the_fiscal_year_that_it_belongs_to(day: date) -> None:
    first, last = fiscal_bounds(fiscal_year_of(day))

    assert first <= day <= last
    assert (first.day, first.month, last.day, last.month) == (1, 10, 30, 9)


# ---- conditions ------------------------------------------------------------------------------------------------------


def test_a_condition_may_stand_alone_or_in_a_list() -> None:
    one = {"field": "name", "is": "x"}

    assert conditions_of({"when": one}) == conditions_of({"when": [one]}) == [one]
    assert conditions_of({"where": one}, "where") == [one]
    assert conditions_of({"where": one}) == []


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        ({"field": "total", "is": 10.5}, True),
        ({"field": "name", "is": None}, True),
        ({"field": "name", "not": "x"}, False),
        ({"field": "total", "not": 1}, True),
        ({"field": "total", "in": [1, 10.5]}, True),
        ({"field": "name", "in": [None]}, True),
        ({"field": "name", "not_in": ["x"]}, False),
        ({"field": "total", "not_in": [1]}, True),
        ({"field": "total", "given": True}, True),
        ({"field": "name", "given": False}, True),
        ({"field": "total", "below": 10.5}, False),
        ({"field": "total", "below": 10.6}, True),
        ({"field": "total", "below": "nothing"}, False),
        ({"field": "total", "differs_from": 10.5}, False),
        ({"field": "total", "differs_from": "fy"}, True),
        ({"field": ["total", "fy"], "below": 2581.5}, False),
        ({"field": ["total", "fy"], "below": 2581.6}, True),
    ],
)
def test_a_condition_is_asked_of_what_the_rule_sees(condition: JSON, true: bool) -> None:
    assert holds(condition, scope()) is true


# ---- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, {"rows": None}, {"rows": "text"}, {"rows": {"a": 1}}])
def test_what_is_no_table_has_no_rows(values: JSON) -> None:
    assert rows_of(values, "rows") == []
    assert rows_of(values, None) == []


def test_whatever_is_no_row_counts_as_an_empty_one() -> None:
    assert rows_of({"rows": [{"a": 1}, None, "x"]}, "rows") == [{"a": 1}, {}, {}]


def test_rows_are_grouped_by_what_they_say_in_a_column() -> None:
    rows = [{"g": "x", "n": 1}, {"g": 2}, {"g": "x", "n": 3}, {"n": 4}, {"g": ["no key"]}]

    assert grouped(rows, "g") == {"x": [rows[0], rows[2]], 2: [rows[1]]}
    assert grouped(rows, None) == {None: rows}
    assert grouped([], "g") == grouped([], None) == {}
