"""How much of a project's budget is disbursed against the government's target, and the colour that says so."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

Colour = Literal["green", "yellow", "orange", "red", "not_reported", "not_due"]

COLOURS: tuple[Colour, ...] = ("green", "yellow", "orange", "red", "not_reported", "not_due")
# Cumulative disbursement targets by quarter, percent of the budget, where no resolution of the year is given.
USUAL_TARGETS = {1: Decimal(32), 2: Decimal(52), 3: Decimal(75), 4: Decimal(93)}
_YELLOW, _ORANGE = Decimal("0.90"), Decimal("0.75")


def disbursed_percent(budget: Decimal, disbursed: Decimal) -> Decimal:
    """The disbursed amount as a percentage of the budget, unrounded; 0 without a budget."""
    return disbursed / budget * 100 if budget else Decimal(0)


def used_percent(budget: Decimal, disbursed: Decimal, committed: Decimal) -> Decimal:
    """The disbursed and committed amounts as a percentage of the budget, unrounded; 0 without a budget."""
    return disbursed_percent(budget, disbursed + committed)


def colour_of(percent: Decimal, target: Decimal) -> Colour:
    """The colour of a project: green at the target, yellow from 90 % of it, orange from 75 % of it, red below."""
    if percent >= target:
        return "green"
    reached = percent / target
    return "yellow" if reached >= _YELLOW else "orange" if reached >= _ORANGE else "red"
