"""A ladder is read from its table, and says which rungs are due."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.calendar.deadlines import close_of, opening_of
from osm_flow.domain.calendar.working_days import WorkingCalendar
from osm_flow.domain.escalation import (
    LadderNotUnderstood,
    Rung,
    climbing_time,
    is_stale,
    latest_day_reached,
    read_ladder,
    role_behind,
    rungs_due,
)

CALENDAR = WorkingCalendar(holidays=frozenset({date(2026, 12, 7), date(2026, 12, 10), date(2026, 12, 31)}))
AHEAD = Rung("due-3", -3, ("doer",))
DUE = Rung("due", 0, ("doer",))
LATE = Rung("due+2", 2, ("doer", "group_head"))
LADDER = (AHEAD, DUE, LATE)
LONG_AGO = datetime(2026, 11, 1, tzinfo=UTC)
DUE_AT = close_of(date(2026, 12, 8))


def test_a_ladder_is_read_from_the_rows_of_the_table_lowest_rung_first() -> None:
    rows = [
        {"rung": "due+2", "offset": 2, "to": "doer, group_head", "action": "remind_officially"},
        {"rung": "due", "offset": 0, "to": ["doer"], "action": None},
    ]

    assert read_ladder(rows) == (DUE, Rung("due+2", 2, ("doer", "group_head"), "remind_officially"))


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"rung": "due", "offset": "2", "to": "doer"},
        {"rung": "due", "offset": True, "to": "doer"},
        {"rung": "due", "offset": 9999, "to": "doer"},
        {"rung": "due", "offset": 0, "to": ""},
        {"rung": "due", "offset": 0, "to": "somebody"},
        {"rung": "x" * 49, "offset": 0, "to": "doer"},
    ],
)
def test_a_row_without_sense_is_refused(row: dict[str, object]) -> None:
    with pytest.raises(LadderNotUnderstood):
        read_ladder([row])


def test_the_same_rung_twice_is_refused() -> None:
    with pytest.raises(LadderNotUnderstood):
        read_ladder([{"rung": "due", "offset": 0, "to": "doer"}, {"rung": "due", "offset": 1, "to": "doer"}])


@pytest.mark.parametrize(
    ("rung", "day"),
    [
        (AHEAD, date(2026, 12, 2)),  # 4, 3, 2: the 7th is a holiday, 5th and 6th a weekend
        (DUE, date(2026, 12, 8)),
        (LATE, date(2026, 12, 11)),  # 9, 11: the 10th is a holiday
    ],
)
def test_rungs_are_climbed_in_the_morning_of_a_working_day(rung: Rung, day: date) -> None:
    assert climbing_time(rung, CALENDAR, DUE_AT, LONG_AGO) == opening_of(day)


def test_what_is_due_on_a_free_day_is_reminded_of_on_the_working_day_before() -> None:
    assert climbing_time(DUE, CALENDAR, close_of(date(2026, 12, 7)), LONG_AGO) == opening_of(date(2026, 12, 4))


def test_work_that_opens_late_counts_from_the_day_it_opened() -> None:
    opened = opening_of(date(2026, 12, 14)) + timedelta(hours=1)

    assert climbing_time(DUE, CALENDAR, DUE_AT, opened) == opening_of(date(2026, 12, 14))
    assert climbing_time(LATE, CALENDAR, DUE_AT, opened) == opening_of(date(2026, 12, 16))


def test_a_reminder_ahead_is_stale_for_work_that_opened_after_it() -> None:
    assert is_stale(AHEAD, CALENDAR, DUE_AT, opening_of(date(2026, 12, 4)))
    assert not is_stale(AHEAD, CALENDAR, DUE_AT, LONG_AGO)
    assert not is_stale(DUE, CALENDAR, DUE_AT, opening_of(date(2026, 12, 9)))


def test_after_days_of_downtime_every_missed_rung_is_due_in_order() -> None:
    before = opening_of(date(2026, 12, 2)) - timedelta(seconds=1)

    assert rungs_due(LADDER, CALENDAR, DUE_AT, LONG_AGO, before) == []
    assert rungs_due(LADDER, CALENDAR, DUE_AT, LONG_AGO, opening_of(date(2026, 12, 8))) == [AHEAD, DUE]
    assert rungs_due(LADDER, CALENDAR, DUE_AT, LONG_AGO, opening_of(date(2026, 12, 20))) == [AHEAD, DUE, LATE]


@given(
    st.sampled_from([*LADDER, Rung("far", 10, ("head",))]),
    st.datetimes(datetime(2026, 11, 20), datetime(2027, 1, 10), timezones=st.just(UTC)),  # noqa: DTZ001
    st.dates(date(2026, 11, 1), date(2027, 1, 20)),
)
def test_the_latest_day_reached_tells_exactly_what_has_come_to_the_rung(rung: Rung, now: datetime, due: date) -> None:
    reached = climbing_time(rung, CALENDAR, close_of(due), LONG_AGO) <= now

    assert (due <= latest_day_reached(rung, CALENDAR, now)) == reached


@pytest.mark.parametrize(
    ("receiver", "candidates", "stage", "role"),
    [
        ("doer", ["osm_strategy"], "drafting", None),
        ("group_head", ["osm_strategy"], "monitoring", "osm_strategy_head"),
        ("group_head", ["osm_me"], None, "osm_me_head"),
        ("group_head", ["osm_secretariat"], "approval", "osm_admin_head"),
        ("group_head", ["province_planner@TH-41"], "integration", "osm_strategy_head"),
        ("group_head", ["agency_owner"], "monitoring", "osm_me_head"),
        ("director", ["osm_me"], None, "osm_director"),
        ("deputy", [], None, "cluster_deputy"),
        ("head", [], None, "cluster_head"),
    ],
)
def test_a_receiver_means_a_role_in_the_office(
    receiver: str, candidates: list[str], stage: str | None, role: str | None
) -> None:
    assert role_behind(receiver, candidates, stage) == role
