"""The fields of a form page keep what was typed, word for word, until it can be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.datastructures import MultiDict

from osm_flow.domain.forms.schema import load_form
from osm_flow.web.forms import page as form_page
from osm_flow.web.forms.fields import Surroundings, TableField, table_size

SCHEMA = load_form(
    {
        "title": "ฟอร์ม",
        "type": "object",
        "required": [],
        "properties": {
            "amount": {"title": "จำนวน", "type": "number", "x-widget": "money"},
            "agreed": {"title": "ตกลง", "type": "boolean", "x-widget": "checkbox"},
            "issues": {"title": "ประเด็น", "type": "array", "x-widget": "lines", "items": {"type": "string"}},
            "rows": {
                "title": "รายการ",
                "type": "array",
                "x-widget": "table",
                "maxItems": 4,
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"title": "ชื่อ", "type": "string"},
                        "cost": {"title": "ราคา", "type": "number", "x-widget": "money"},
                    },
                },
            },
        },
    }
)


@pytest.fixture(autouse=True)
def asked() -> Iterator[None]:
    """A request of somebody who reads Thai."""
    with Flask(__name__).test_request_context("/"):
        g.locale = "th"
        yield


def fields(*pairs: tuple[str, str]) -> dict[str, Any]:
    return dict(form_page.submitted(SCHEMA, MultiDict(pairs)).form_fields)


def test_what_cannot_be_read_is_kept_and_told_at_its_place() -> None:
    amount = fields(("amount", "ประมาณ ๕ ล้าน"))["amount"]

    assert amount.text == "ประมาณ ๕ ล้าน"
    assert list(amount.faults) == ["amount"]


@pytest.mark.parametrize(("posted", "said"), [([], False), ([("agreed", "true")], True), ([("agreed", "on")], False)])
def test_a_box_says_yes_only_when_it_is_ticked(posted: list[tuple[str, str]], said: bool) -> None:
    assert fields(*posted)["agreed"].result() is said


def test_lines_lose_blanks_and_repetitions_but_no_order() -> None:
    issues = fields(("issues", "ถนน\r\n\r\nน้ำ\nถนน\n"))["issues"]

    assert issues.result() == ["ถนน", "น้ำ"]


def table(*pairs: tuple[str, str]) -> TableField:
    field = fields(*pairs)["rows"]
    assert isinstance(field, TableField)
    return field


def test_blank_rows_are_offered_only_while_they_fit() -> None:
    three = [(f"rows-{index}-name", "ก") for index in range(3)]

    assert len(table().shown_rows) == 3
    assert len(table(*three).shown_rows) == 4
    assert len(table(*three, ("rows-9-name", "ก")).shown_rows) == 4


def test_totals_leave_out_what_cannot_be_read() -> None:
    assert table(("rows-0-cost", "1,000"), ("rows-1-cost", "มาก"), ("rows-2-cost", "0.50")).totals() == {
        "cost": "1,000.50"
    }


@pytest.mark.parametrize(
    ("name", "owned"),
    [
        ("rows-0-name", True),
        ("rows-99999-cost", True),
        ("rows-paste", True),
        ("rows-999999-name", False),
        ("rows--name", False),
        ("rows-0-other", False),
        ("rows-0", False),
        ("row-0-name", False),
    ],
)
def test_a_table_owns_its_cells_and_its_paste_box(name: str, owned: bool) -> None:
    assert table().owns(name) is owned


def test_provinces_are_offered_by_name_and_only_those_of_the_case() -> None:
    field = {"type": "string", "x-widget": "province"}
    names = {"TH-41": "อุดรธานี"}

    def around(context: dict[str, Any]) -> Surroundings:
        return Surroundings("th", context, names.__getitem__)

    assert around({"provinces": ["TH-41"]}).options(field) == [("TH-41", "อุดรธานี")]
    assert around({"provinces": "TH-41"}).options(field) is None
    assert around({}).options(field) is None


@pytest.mark.parametrize(
    ("columns", "size"), [(1, "few"), (3, "few"), (4, "some"), (6, "many"), (7, "many"), (8, "wide")]
)
def test_a_table_is_as_wide_as_its_columns(columns: int, size: str) -> None:
    assert table_size({str(number): {} for number in range(columns)}) == size
