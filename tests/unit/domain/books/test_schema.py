"""What a record can keep: each value as its field has it, or a named refusal; and what older versions become."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.books.schema import FieldUnknown, RecordNewer, RecordSchema, ValueUnfit
from osm_flow.domain.journal import canonical
from osm_flow.domain.json import JSON

MONEY = {"type": "number", "x-widget": "money"}
FORM: JSON = {
    "properties": {
        "name": {"type": "string", "maxLength": 20},
        "amount": MONEY,
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "ready": {"type": "boolean"},
        "lines": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2},
        "rows": {
            "type": "array",
            "maxItems": 2,
            "items": {"type": "object", "properties": {"item": {"type": "string"}, "price": MONEY}},
        },
        "contact": {"type": "string", "x-personal": True},
    }
}
SCHEMA = RecordSchema("things", 1, FORM)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["NaN", "Infinity", "-", "1.005"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["item", "price", "zz"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("name", "x" * 21),
        ("name", "a\0b"),
        ("amount", "-"),
        ("amount", "NaN"),
        ("amount", "Infinity"),
        ("amount", float("inf")),
        ("amount", True),
        ("amount", {"a": 1}),
        ("amount", 10**12),
        ("amount", 999_999_999_999.999),
        ("count", 1.5),
        ("count", True),
        ("ratio", "1"),
        ("ratio", float("nan")),
        ("ready", "yes"),
        ("lines", "text"),
        ("lines", ["a", "b", "c"]),
        ("lines", [{"a": 1}]),
        ("rows", "text"),
        ("rows", {"a": 1}),
        ("rows", ["a"]),
        ("rows", [{"item": {"a": 1}}]),
        ("rows", [{"zz": 1}]),
        ("rows", [{}, {}, {}]),
    ],
)
def test_what_does_not_fit_is_named(field: str, value: Any) -> None:
    with pytest.raises(ValueUnfit, match=field):
        SCHEMA.split({field: value})
    kept, left = SCHEMA.fit({field: value})
    SCHEMA.split(kept)
    assert left or kept[field] == [] or kept == {"rows": []}


def test_a_field_that_no_form_has() -> None:
    with pytest.raises(FieldUnknown, match="door"):
        SCHEMA.split({"door": 1})
    assert SCHEMA.fit({"door": 1, "name": "x"}) == ({"name": "x"}, ["door"])


def test_amounts_are_text_and_people_apart() -> None:
    values = {
        "name": "x",
        "amount": 12.5,
        "rows": [{"item": "a", "price": Decimal("0.005")}],
        "contact": "สมศรี",
        "lines": [],
    }

    ordinary, personal = SCHEMA.split(values)

    assert ordinary == {"name": "x", "amount": "12.50", "rows": [{"item": "a", "price": "0.01"}]}
    assert personal == {"contact": "สมศรี"}
    assert SCHEMA.join(1, ordinary, personal) == {
        "name": "x",
        "amount": 12.5,
        "rows": [{"item": "a", "price": 0.01}],
        "contact": "สมศรี",
    }


@given(st.dictionaries(st.sampled_from([*FORM["properties"], "zz"]), ANYTHING))
def test_whatever_fits_is_kept_exactly_and_nothing_breaks(values: JSON) -> None:
    kept, left = SCHEMA.fit(values)
    ordinary, personal = SCHEMA.split(kept)
    read = SCHEMA.join(1, json.loads(_canonical(ordinary)), json.loads(_canonical(personal)))

    assert SCHEMA.split(read) == (ordinary, personal)
    assert "zz" not in values or "zz" in left


def _canonical(half: JSON) -> bytes:
    # Half of a surrogate pair is text to Python and to nobody else; the journal refuses it by name.
    return canonical(json.loads(json.dumps(half).encode("utf-8", "replace")) if _is_text(half) else {})


def _is_text(half: JSON) -> bool:
    try:
        canonical(half)
    except Exception:  # noqa: BLE001 (whatever the journal refuses)
        return False
    return True


def test_older_versions_become_the_present_one_and_newer_ones_are_refused() -> None:
    second = RecordSchema("things", 2, FORM, {1: lambda values: {**values, "count": 1}})

    assert second.join(1, {"name": "x"}, {}) == {"name": "x", "count": 1}
    with pytest.raises(RecordNewer):
        SCHEMA.join(2, {"name": "x"}, {})
    with pytest.raises(ValueError, match="versions"):
        RecordSchema("things", 3, FORM, {1: lambda values: values})
