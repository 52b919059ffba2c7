"""What forms with rows in records say to records: every mark of the shipped forms fits the record, and rows come back as they went."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from osm_flow.domain.books.form_rows import (
    code_of,
    holds_reference,
    is_reference,
    reference,
    rows_of,
    tables_in_records,
    with_rows,
    without_rows,
)
from osm_flow.domain.forms.schema import choices_of, columns_of, fields_of, load_form, longest_of, most_of
from osm_flow.domain.forms.values import random_values
from osm_flow.operations.books.record_types import type_of
from tests.unit.domain.forms.test_shipped import dice

FORMS = Path(__file__).parents[4] / "forms"
SHIPPED = {path.stem: load_form(yaml.safe_load(path.read_text(encoding="utf-8"))) for path in FORMS.glob("*.yaml")}
MARKED = [(key, name) for key, form in SHIPPED.items() for name in tables_in_records(form)]


def parts_of(key: str, name: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The table, how it is kept, the fields of its record, and where in the record its columns lie."""
    field = tables_in_records(SHIPPED[key])[name]
    how = field["x-records"]
    known = fields_of(type_of(how["kind"]).schema.form)
    return field, how, known, columns_of(known[how["into"]]) if how.get("into") else known


@pytest.mark.parametrize(("key", "name"), MARKED)
def test_every_column_of_a_shipped_form_has_its_place_in_the_record(key: str, name: str) -> None:
    field, how, known, held = parts_of(key, name)
    columns, fields = columns_of(field), fields_of(SHIPPED[key])

    pairs = [(columns[column], held.get(target)) for column, target in how["columns"].items()]
    pairs += [
        (fields[source], held.get(target)) for target, source in {**how.get("with", {}), **how.get("which", {})}.items()
    ]
    for given, kept in pairs:
        assert kept is not None
        assert given["type"] == kept["type"]
        if given["type"] == "string" and not choices_of(given):
            assert longest_of(given) <= longest_of(kept)
        offered = {choice["value"] for choice in choices_of(given)}
        assert not choices_of(kept) or offered <= {choice["value"] for choice in choices_of(kept)}
    assert set(how.get("shown", {}).values()) <= known.keys()
    assert not type_of(how["kind"]).schema.personal & {*how["columns"].values(), *how.get("shown", {}).values()}
    if how.get("into"):
        assert most_of(known[how["into"]]) >= (most_of(field) if how.get("many") else 1)


@pytest.mark.parametrize(("key", "name"), MARKED)
def test_rows_come_back_as_they_went_into_their_records(key: str, name: str) -> None:
    field, how, _, _ = parts_of(key, name)
    register = [{"code": f"P{number}", "name": f"โครงการ {number}", "budget": 5} for number in range(1, 9)]
    around = dict.fromkeys(("register", "planned", "shortlisted"), register)
    context = {"fy": 2571, "province": "TH-41", "around": around}
    context["plan_assembly"] = {"projects": [{"project": one["code"], "name": one["name"]} for one in register]}
    for seed in range(40):
        values = random_values(SHIPPED[key], dice(seed), context)
        # A row that enters a new record has its code by then.
        rows = [row for row in values.get(name, []) if code_of(field, row)]
        if len({code_of(field, row) for row in rows}) < len(rows) and not how.get("many"):
            continue
        records: dict[str, Any] = {
            one["code"]: {"name": one["name"], "results": [{"level": "old"}]} for one in register
        }
        for code in {code_of(field, row) for row in rows}:
            mine = [row for row in rows if code_of(field, row) == code]
            records[code] |= with_rows(field, values, mine, records[code])
        kept = reference(field, values, rows, {"kind": "projects", "digest": "d" * 64})

        assert is_reference(kept)
        named = {code: records[code] for code in records if code in {code_of(field, row) for row in rows}}
        shown = how.get("shown", {})
        expected = [
            {**{column: value for column, value in row.items() if value is not None and column not in shown}}
            | {column: records[code_of(field, row)][source] for column, source in shown.items()}
            for row in sorted(rows, key=lambda row: code_of(field, row))
        ]
        assert rows_of(kept, named) == expected
        assert kept["count"] == len(rows)


def test_only_what_has_the_whole_shape_is_a_reference() -> None:
    field = tables_in_records(SHIPPED["allocation"])["items"]
    right = reference(field, {}, [{"project": "P1", "amount": 8}], {"kind": "projects", "digest": "d" * 64})

    assert is_reference(right)
    assert holds_reference({"a": [{"b": right}]})
    for name in right:
        assert not is_reference({key: value for key, value in right.items() if key != name}), name
        assert not is_reference({**right, name: 5.5}), name
    wrong = [
        {**right, "more": 1},
        {**right, "set": "d" * 63},
        {**right, "count": True},
        {**right, "columns": {"a": 1}},
        [],
    ]
    assert not any(map(holds_reference, wrong))


def test_fields_that_a_revision_strikes_out_are_empty_unless_others_wrote_them() -> None:
    field = tables_in_records(SHIPPED["allocation"])["items"]
    kept = reference(field, {}, [{"project": "P1", "amount": 8}], {"kind": "projects", "digest": "d" * 64})
    said = {"allotted": 8, "allotted_on": "2027-10-05", "name": "ก"}

    assert without_rows(kept, said, {**said, "name": "ข"}) == {"allotted": None, "allotted_on": None}
    assert without_rows(kept, said, {**said, "allotted": 9}) == {}


def test_what_a_row_leaves_empty_its_record_says_no_more_and_other_rows_stay() -> None:
    field = tables_in_records(SHIPPED["allocation"])["items"]
    before = {"allotted": 5, "budget_code": "1" * 20, "allotted_on": "2026-10-01"}

    changed = with_rows(field, {"received_on": "2027-10-05"}, [{"project": "P1", "amount": 8}], before)

    assert changed == {"allotted": 8, "budget_code": None, "allotted_on": "2027-10-05"}
    judged = tables_in_records(SHIPPED["review_result"])["items"]
    said = with_rows(
        judged, {"level": "bb"}, [{"project": "P1", "result": "Y1"}], {"results": [{"level": "knb", "result": "N"}]}
    )
    assert said == {"results": [{"level": "knb", "result": "N"}, {"level": "bb", "result": "Y1"}]}
