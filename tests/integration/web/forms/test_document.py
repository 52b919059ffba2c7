"""Filled forms to read: what stands in each field, and what changed against an earlier version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, g

from osm_flow.domain.forms.schema import load_form
from osm_flow.domain.forms.values import changes
from osm_flow.web.forms.document import DocumentEntry, form_document, form_value
from osm_flow.web.site import filters

JSON = dict[str, Any]

SCHEMA = load_form(
    {
        "title": "รายงาน",
        "type": "object",
        "properties": {
            "when": {"title": "วันที่", "x-en": {"title": "Day"}, "type": "string", "format": "date", "x-widget": "date"},
            "where": {"title": "จังหวัด", "type": "string", "x-widget": "province"},
            "issues": {"title": "ประเด็น", "type": "array", "x-widget": "lines", "items": {"type": "string"}},
            "projects": {
                "title": "โครงการ",
                "type": "array",
                "x-widget": "table",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"title": "ชื่อ", "type": "string"},
                        "budget": {"title": "วงเงิน", "type": "number", "x-widget": "money"},
                    },
                },
            },
        },
    }
)


@pytest.fixture(autouse=True)
def asked() -> Iterator[None]:
    """A request of somebody who reads Thai."""
    app = Flask(__name__)
    filters.init_app(app)
    with app.test_request_context("/"):
        g.locale = "th"
        yield


def entries(values: JSON, before: JSON | None = None) -> dict[str, DocumentEntry]:
    changed = None if before is None else changes(SCHEMA, before, values)
    return {entry.name: entry for group in form_document(SCHEMA, values, changed) for entry in group.entries}


def test_values_are_read_as_people_say_them_and_empty_fields_are_left_out() -> None:
    shown = entries({"when": "2026-11-20", "where": "TH-41", "issues": ["น้ำ", "ถนน"], "projects": []})

    assert {name: entry.text for name, entry in shown.items()} == {
        "when": "20 พ.ย. 2569",
        "where": "อุดรธานี",
        "issues": "น้ำ\nถนน",
    }
    assert entries({}) == {}


def test_the_document_is_in_the_language_of_the_reader_or_the_one_asked_for() -> None:
    g.locale = "en"
    assert entries({"when": "2026-11-20"})["when"].label == "Day"
    assert form_document(SCHEMA, {"when": "2026-11-20"}, locale="th")[0].entries[0].label == "วันที่"


def test_a_field_that_was_emptied_stays_to_show_what_it_said() -> None:
    shown = entries({"where": "TH-41"}, {"when": "2026-11-20", "where": "TH-39"})

    assert (shown["when"].mark, shown["when"].text, shown["when"].old) == ("removed", "", "20 พ.ย. 2569")
    assert (shown["where"].mark, shown["where"].text, shown["where"].old) == ("changed", "อุดรธานี", "หนองบัวลำภู")


def test_rows_are_marked_whole_and_cells_by_themselves() -> None:
    before = {"projects": [{"name": "ก", "budget": 1}, {"name": "ข", "budget": 2}]}
    after = {"projects": [{"name": "ก", "budget": 5000}, {"name": "ค", "budget": 3}]}

    rows = entries(after, before)["projects"].rows or []

    assert [(row.mark, row.cells[0].text) for row in rows] == [("", "ก"), ("added", "ค"), ("removed", "ข")]
    budget = rows[0].cells[1]
    assert (budget.mark, budget.old != "", budget.text != budget.old) == ("changed", True, True)


def test_a_table_that_holds_something_else_is_shown_without_rows() -> None:
    assert entries({"projects": "ไม่มี"})["projects"].rows == []
    assert form_value({"type": "string"}, None) == ""
