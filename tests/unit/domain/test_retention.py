"""How long what is in an ended case is kept: classes as they are written, and the first day without."""

from __future__ import annotations

from datetime import date

import pytest

from osm_flow.domain.retention import ORDINARY, PERMANENT, RetentionUnknown, retention_of


@pytest.mark.parametrize(
    ("text", "years", "then"),
    [
        ("permanent", None, "keep"),
        ("10y", 10, "erase"),
        ("1y", 1, "erase"),
        ("99y", 99, "erase"),
        ("2y-anonymise", 2, "anonymise"),
    ],
)
def test_a_class_is_read_as_it_is_written(text: str, years: int | None, then: str) -> None:
    found = retention_of(text)

    assert (found.key, found.years, found.then) == (text, years, then)


@pytest.mark.parametrize("text", [None, ""])
def test_a_process_that_says_nothing_keeps_its_papers_as_ordinary_ones(text: str | None) -> None:
    assert retention_of(text) == ORDINARY
    assert (ORDINARY.years, ORDINARY.then) == (10, "erase")


@pytest.mark.parametrize(
    "text", ["for ever", "Permanent", "0y", "100y", "10", "y", "10y ", " 10y", "10y-erase", "10Y", "-1y", "1.5y", "๑๐y"]
)
def test_a_class_that_nobody_knows_is_refused(text: str) -> None:
    with pytest.raises(RetentionUnknown):
        retention_of(text)


@pytest.mark.parametrize(
    ("text", "ended", "first_day_without"),
    [
        ("10y", date(2026, 11, 20), date(2036, 11, 20)),
        ("1y", date(2026, 12, 31), date(2027, 12, 31)),
        ("2y-anonymise", date(2027, 1, 1), date(2029, 1, 1)),
        ("4y", date(2028, 2, 29), date(2032, 2, 29)),
        ("1y", date(2028, 2, 29), date(2029, 3, 1)),
    ],
)
def test_it_is_kept_until_the_same_day_of_the_year_that_the_class_says(
    text: str, ended: date, first_day_without: date
) -> None:
    assert retention_of(text).ends_on(ended) == first_day_without


def test_what_is_permanent_never_ends() -> None:
    assert retention_of("permanent") is PERMANENT
    assert PERMANENT.ends_on(date(2026, 11, 20)) is None
