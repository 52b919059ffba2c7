"""How a project is read, and what amounts, reports and agreed changes make of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from osm_flow.operations.projects.register import as_json, budget_of, money, number, rounded
from osm_flow.store.models import Project


def project(**changes: Any) -> Project:
    fields: dict[str, Any] = {
        "code": "P1",
        "name_th": "ถนน",
        "agency_th": "แขวงทางหลวง",
        "budget_type": "capital",
        "requested": Decimal(1000),
        "committed": Decimal(0),
        "disbursed": Decimal("12.50"),
        "state": "signed",
    }
    return Project(**{**fields, **changes})


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (0, "0.00"),
        (12.345, "12.34"),
        ("1500.5", "1500.50"),
        (-3, "-3.00"),
        (999_999_999_999, "999999999999.00"),
        (10**12, None),
        ("1,500", None),
        ("", None),
        ("NaN", None),
        ("Infinity", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_an_amount_is_baht_with_two_decimals_or_none(value: object, amount: str | None) -> None:
    assert money(value) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize(("amount", "kept"), [("900.00", 900), ("900.50", 900.5), ("-1", -1), ("0", 0)])
def test_whole_amounts_are_kept_without_a_fraction(amount: str, kept: float) -> None:
    assert number(Decimal(amount)) == kept
    assert type(number(Decimal(amount))) is type(kept)


def test_percentages_have_two_decimals() -> None:
    assert (rounded(Decimal("20.666")), rounded(Decimal("24.001"))) == (20.67, 24)


def test_a_project_may_spend_what_was_approved_else_what_was_asked_for() -> None:
    assert budget_of(project()) == 1000
    assert budget_of(project(approved=Decimal(0))) == 0


def test_forms_see_reports_and_contracts_only_where_there_are_any() -> None:
    plain = as_json(project(province_id="TH-41"))

    assert plain == {
        "code": "P1",
        "name": "ถนน",
        "agency": "แขวงทางหลวง",
        "province": "TH-41",
        "budget_type": "capital",
        "budget": 1000,
        "committed": 0,
        "disbursed": 12.5,
        "result": None,
        "state": "signed",
        "colour": None,
    }
    reported = project(last_report='{"stage": "signed"}', contracted=Decimal("700.5"))
    assert as_json(reported) == plain | {"province": None, "last_report": {"stage": "signed"}, "contract_value": 700.5}
