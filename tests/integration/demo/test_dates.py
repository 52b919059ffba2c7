"""The calendars of the demo: three fiscal years, the past of them certain, the near future announced by letter."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from osm_flow.demo import dates
from osm_flow.demo.cast import OFFICE
from osm_flow.domain.calendar.fiscal_year import MILESTONES
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.models import FiscalDate
from osm_flow.store.session import Store
from tests.unit.demo.story import TODAY, times

YEARS_LATER = datetime(2029, 6, 17, 14, 0, tzinfo=UTC)


def filled(store: Store, now: datetime) -> dict[tuple[int, str], FiscalDate]:
    with store.transaction() as session:
        seed_clusters(session)
        dates.fill(session, times(now))
    with store.reading() as session:
        return {(row.fiscal_year, row.key): row for row in session.scalars(select(FiscalDate))}


def test_each_year_has_every_milestone(store: Store) -> None:
    rows = filled(store, TODAY)

    keys = {milestone.key for milestone in MILESTONES}
    assert {year: {key for held, key in rows if held == year} for year in (2569, 2570, 2571)} == dict.fromkeys(
        (2569, 2570, 2571), keys
    )
    assert len(rows) == 3 * len(keys)
    assert {row.office_id for row in rows.values()} == {OFFICE}


def test_what_the_circular_named_goes_before_a_normal_year(sqlite_store: Store) -> None:
    rows = filled(sqlite_store, TODAY)

    assert rows[2571, "hearing_close"].date == date(2026, 9, 4)
    assert rows[2571, "committee_meeting"].date == date(2026, 12, 4)
    assert rows[2570, "hearing_close"].date == date(2025, 9, 15)
    assert rows[2571, "committee_meeting"].letter == "ที่ นร 1117/ว 2561 ลงวันที่ 19 ส.ค. 2569"


@pytest.mark.parametrize("now", [TODAY, YEARS_LATER])
def test_what_is_past_is_actual_what_is_near_announced_and_the_rest_planned(sqlite_store: Store, now: datetime) -> None:
    rows = filled(sqlite_store, now).values()

    today = times(now).today
    statuses: dict[str, list[FiscalDate]] = {"actual": [], "announced": [], "planned": []}
    for row in rows:
        statuses[row.status].append(row)
    assert all(statuses.values())
    assert max(row.date for row in statuses["actual"]) <= today
    assert today < min(row.date for row in statuses["announced"])
    assert max(row.date for row in statuses["announced"]) <= today + timedelta(days=120)
    assert min(row.date for row in statuses["planned"]) > today + timedelta(days=120)
    assert {bool(row.letter) for row in statuses["actual"] + statuses["announced"]} == {True}
    assert {row.letter for row in statuses["planned"]} == {""}
