"""The colour of a project says how far its spending is from the target."""

from __future__ import annotations

from decimal import Decimal

import pytest

from osm_flow.domain.projects.spending import colour_of, disbursed_percent, used_percent


def test_the_worked_example() -> None:
    budget, disbursed, committed = Decimal(10_000_000), Decimal(2_500_000), Decimal(4_000_000)

    assert disbursed_percent(budget, disbursed) == Decimal(25)
    assert used_percent(budget, disbursed, committed) == Decimal(65)
    assert colour_of(Decimal(25), Decimal(72)) == "red"  # 25/72 = 34.7 %


@pytest.mark.parametrize(
    ("percent", "colour"),
    [("50", "green"), ("49.99", "yellow"), ("45", "yellow"), ("44.99", "orange"), ("37.5", "orange"), ("37.49", "red")],
)
def test_colours_at_their_bounds(percent: str, colour: str) -> None:
    assert colour_of(Decimal(percent), Decimal(50)) == colour


def test_nothing_is_due_while_the_target_is_zero() -> None:
    assert colour_of(Decimal(0), Decimal(0)) == "green"


def test_no_budget_is_no_division() -> None:
    assert disbursed_percent(Decimal(0), Decimal(5)) == 0
