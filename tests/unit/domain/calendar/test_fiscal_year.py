"""The fiscal year and its milestones fall as the budget calendar says."""

import html
import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osm_flow.domain.calendar.fiscal_year import (
    MILESTONES,
    fiscal_year_bounds,
    fiscal_year_of,
    typical_dates,
)
from osm_flow.resources import resource_dir


@pytest.mark.parametrize(
    ("day", "fiscal_year"),
    [
        (date(2026, 9, 30), 2569),
        (date(2026, 10, 1), 2570),
        (date(2026, 11, 20), 2570),
        (date(2027, 1, 1), 2570),
        (date(2027, 9, 30), 2570),
    ],
)
def test_the_fiscal_year_is_named_after_the_year_in_which_it_ends(day: date, fiscal_year: int) -> None:
    assert fiscal_year_of(day) == fiscal_year


def test_fiscal_year_2570_runs_from_october_2569_to_september_2570() -> None:
    assert fiscal_year_bounds(2570) == (date(2026, 10, 1), date(2027, 9, 30))


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_every_day_lies_in_the_fiscal_year_it_is_said_to_lie_in(day: date) -> None:
    first, last = fiscal_year_bounds(fiscal_year_of(day))

    assert first <= day <= last


@given(st.integers(2500, 2650))
def test_fiscal_years_follow_each_other_without_a_gap(fiscal_year: int) -> None:
    assert fiscal_year_bounds(fiscal_year + 1)[0] - fiscal_year_bounds(fiscal_year)[1] == timedelta(days=1)


def test_a_normal_year_2571_falls_as_the_offices_know_it() -> None:
    dates = typical_dates(2571)

    assert dates["hearing_close"] == date(2026, 9, 15)
    assert dates["committee_meeting"] == date(2026, 11, 20)
    assert dates["plan_submit"] == date(2026, 11, 30)
    assert dates["subcommittee"] == date(2026, 12, 15)
    assert dates["budget_request"] == date(2027, 1, 31)
    assert dates["act_published"] == date(2027, 9, 15)
    assert dates["year_start"] == date(2027, 10, 1)
    assert dates["q1_cut"] == date(2027, 12, 31)
    assert dates["q2_agency"] == date(2028, 4, 10)
    assert dates["q2_report"] == date(2028, 4, 30)
    assert dates["q4_bb"] == date(2028, 10, 15)
    assert dates["year_end"] == date(2028, 9, 30)


def test_proposals_come_in_the_order_in_which_they_fall() -> None:
    dates = list(typical_dates(2571).values())

    assert dates == sorted(dates)


def test_each_milestone_has_one_key_and_a_name_in_both_languages() -> None:
    assert len({milestone.key for milestone in MILESTONES}) == len(MILESTONES)
    assert all(milestone.name_th and milestone.name_en for milestone in MILESTONES)


def test_data_are_cut_on_the_last_day_of_each_quarter() -> None:
    dates = typical_dates(2570)

    ends = [date(2026, 12, 31), date(2027, 3, 31), date(2027, 6, 30), date(2027, 9, 30)]
    assert [dates[f"q{quarter}_cut"] for quarter in (1, 2, 3, 4)] == ends


@given(st.integers(2500, 2650))
def test_the_quarters_of_every_year_end_with_the_year(fiscal_year: int) -> None:
    dates = typical_dates(fiscal_year)
    cuts = [dates[f"q{quarter}_cut"] for quarter in (1, 2, 3, 4)]

    assert cuts[-1] == fiscal_year_bounds(fiscal_year)[1]
    assert [(cut + timedelta(days=1)).day for cut in cuts] == [1, 1, 1, 1]
    assert [(cut + timedelta(days=1)).month for cut in cuts] == [1, 4, 7, 10]


def test_every_date_that_a_shipped_diagram_names_is_a_milestone() -> None:
    texts = [html.unescape(path.read_text(encoding="utf-8")) for path in resource_dir("bpmn").glob("*.bpmn")]
    named = {
        key for text in texts for key in re.findall(r"milestone\('(\w+)'\)|name=\"milestone\" value=\"(\w+)\"", text)
    }
    quarterly = {part for text in texts for part in re.findall(r"milestone\('q' \+ .+? \+ '(_\w+)'\)", text)}

    known = {milestone.key for milestone in MILESTONES}
    assert {key for pair in named for key in pair if key} <= known
    assert {f"q{quarter}{part}" for quarter in (1, 2, 3, 4) for part in quarterly} <= known
    assert quarterly >= {"_cut", "_report"}
