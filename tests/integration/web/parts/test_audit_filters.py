"""What lists for auditors are narrowed by."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from osm_flow.web.parts.audit_filters import period_of


@pytest.mark.parametrize(
    ("first", "last", "since", "until"),
    [
        ("20/11/2569", "20/11/2569", datetime(2026, 11, 19, 17, tzinfo=UTC), datetime(2026, 11, 20, 17, tzinfo=UTC)),
        ("1 ม.ค. 2569", "", datetime(2025, 12, 31, 17, tzinfo=UTC), None),
        ("เมื่อวาน", "31/02/2569", None, None),
    ],
)
def test_a_period_holds_both_of_its_days_whole_on_the_clock_of_the_office(
    site: Flask, first: str, last: str, since: datetime | None, until: datetime | None
) -> None:
    with site.app_context():
        assert period_of(first, last) == (since, until)
