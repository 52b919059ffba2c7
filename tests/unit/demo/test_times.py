"""The story's days keep their distance from today, whenever the demo is loaded."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from tests.unit.demo.story import TODAY, times

YEARS_LATER = datetime(2029, 6, 17, 14, 0, tzinfo=UTC)


def test_on_the_day_it_is_written_for_the_story_stands_as_written() -> None:
    story = times()

    assert (story.today, story.year) == (date(2026, 11, 20), 2570)
    assert story.day("2569-11-03") == date(2026, 11, 3)
    assert story.iso("2568-10-01") == "2025-10-01"
    assert story.thai("2569-11-12") == "12 พ.ย. 2569"
    assert (story.be("2569-11-12"), story.fiscal_year(2570)) == (2569, 2570)


def test_today_begins_in_bangkok() -> None:
    assert times(datetime(2026, 11, 20, 18, 0, tzinfo=UTC)).today == date(2026, 11, 21)


def test_every_day_moves_by_the_same_distance() -> None:
    early, late = times(), times(YEARS_LATER)

    assert late.day("2569-11-20") == late.today == date(2029, 6, 17)
    distances = {late.day(day) - early.day(day) for day in ("2568-09-21", "2569-02-28", "2569-12-31")}
    assert distances == {timedelta(days=940)}
    assert (late.be("2569-11-12"), late.fiscal_year(2570)) == (2572, 2572)


def test_the_days_of_the_law_keep_their_place_in_the_fiscal_year() -> None:
    """Whichever day of a fiscal year it is, that year begins and its quarters end on the same days."""
    for now in (datetime(2028, 10, 1, 2, tzinfo=UTC), datetime(2029, 2, 28, 2, tzinfo=UTC), YEARS_LATER):
        law = times(now).law
        assert (law.day("2569-10-01"), law.day("2570-03-31"), law.day("2570-09-30")) == (
            date(2028, 10, 1),
            date(2029, 3, 31),
            date(2029, 9, 30),
        )
    assert times(datetime(2029, 10, 1, 2, tzinfo=UTC)).law.day("2569-10-01") == date(2029, 10, 1)
    assert times().law.done("2569-10-04") == "2026-10-02", "a Sunday becomes the Friday before"


def test_what_is_to_be_overdue_lies_working_days_ago() -> None:
    assert times().working_days_ago(6) == datetime(2026, 11, 12, 2, 0, tzinfo=UTC)
    assert times(datetime(2026, 11, 22, 2, 0, tzinfo=UTC)).working_days_ago(1, 14) == datetime(
        2026, 11, 20, 7, tzinfo=UTC
    )


def test_today_and_later_has_not_happened() -> None:
    assert times().this_morning == datetime(2026, 11, 19, 17, 0, tzinfo=UTC)


def test_acts_lie_at_an_hour_of_bangkok_on_a_working_day() -> None:
    story = times()

    assert story.at("2569-11-20", 13, 30) == datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    assert story.at("2569-11-22") == datetime(2026, 11, 20, 2, 0, tzinfo=UTC), "a Sunday becomes the Friday before"
    assert story.instant("2569-11-20") == "2026-11-20T02:00:00Z"


def test_a_normal_calendar_moves_as_the_story_does() -> None:
    assert times().moved(date(2026, 12, 15)) == date(2026, 12, 15)
    late = times(YEARS_LATER)
    year = late.year - times(TODAY).year
    assert late.moved(date(2026 + year, 11, 20)) == late.today
