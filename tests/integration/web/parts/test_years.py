"""The fiscal years that pages offer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask, g

from osm_flow.web.parts.years import fiscal_years, year_in


@pytest.mark.parametrize(
    ("at", "years"),
    [
        (datetime(2026, 9, 30, 16, 59, tzinfo=UTC), [2571, 2570, 2569, 2568]),
        (datetime(2026, 9, 30, 17, 0, tzinfo=UTC), [2572, 2571, 2570, 2569]),
    ],
)
def test_the_years_move_on_when_october_begins_in_the_office(site: Flask, at: datetime, years: list[int]) -> None:
    with site.app_context():
        g.now = at
        assert list(fiscal_years()) == years


@pytest.mark.parametrize(
    ("text", "year"),
    [("2571", 2571), ("๒๕๗๑", 2571), ("", None), ("257", None), ("25710", None), ("-257", None), ("x", None)],
)
def test_a_year_has_four_digits(text: str, year: int | None) -> None:
    assert year_in(text) == year
