"""Two JSON values are told apart field by field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.differences import Difference, differences, is_same

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("กขab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abก"), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [Difference(("a",), "changed", 1, True)]),
        (
            {},
            {"a": {"b": [1, 2]}},
            [Difference(("a", "b", 0), "added", None, 1), Difference(("a", "b", 1), "added", None, 2)],
        ),
        (
            {"a": {"b": 1, "c": 2}},
            {"a": {"c": 3}},
            [Difference(("a", "b"), "removed", 1, None), Difference(("a", "c"), "changed", 2, 3)],
        ),
        ({"a": [1, 2]}, {"a": [1]}, [Difference(("a", 1), "removed", 2, None)]),
        ({"a": [1]}, {"a": {"0": 1}}, [Difference(("a",), "changed", [1], {"0": 1})]),
        ({"a": None}, {}, [Difference(("a",), "removed", None, None)]),
        ({}, {"a": []}, [Difference(("a",), "added", None, [])]),
    ],
)
def test_differences_are_told_field_by_field(old: Any, new: Any, expected: list[Difference]) -> None:
    assert list(differences(old, new)) == expected


@given(JSONS, JSONS)
def test_nothing_differs_exactly_when_both_are_the_same(old: Any, new: Any) -> None:
    assert is_same(old, old)
    assert (list(differences(old, new)) == []) is is_same(old, new)


@given(JSONS, JSONS)
def test_differences_of_the_way_back_are_the_mirror(old: Any, new: Any) -> None:
    mirrored = {"added": "removed", "removed": "added", "changed": "changed"}
    there = [(one.path, one.kind, one.old, one.new) for one in differences(old, new)]
    back = [(one.path, mirrored[one.kind], one.new, one.old) for one in differences(new, old)]

    assert there == back
