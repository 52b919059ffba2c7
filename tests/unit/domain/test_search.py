"""What people spell in several ways is found by one spelling."""

from __future__ import annotations

import pytest

from osm_flow.domain.search import searchable


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("น\u0e4d\u0e49า", "น้ำ"),  # NIKHAHIT, tone, SARA AA
        ("น\u0e49\u0e4dา", "น้ำ"),  # tone, NIKHAHIT, SARA AA
        ("น\u0e33\u0e49", "น้ำ"),  # SARA AM before its tone
        ("เเผน", "แผน"),  # two SARA E for one SARA AE
        ("ปี ๒๕๗๑", "ปี 2571"),
        ("  REV-NE-U1  ", "rev-ne-u1"),
        ("Straße", "strasse"),
    ],
)
def test_spellings_meet(typed: str, kept: str) -> None:
    assert searchable(typed) == searchable(kept) == kept


def test_nothing_is_nothing() -> None:
    assert searchable(None, "", None) == ""
