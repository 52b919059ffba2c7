"""Hostile requests to every route, few enough for every run of the suite; `make stress` sends many more."""

from __future__ import annotations

import os

import pytest

from tests.stress import hostile

REQUESTS = int(os.environ.get("OSM_HOSTILE", "1200"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_whatever_is_sent_is_answered_and_is_no_fault_of_the_server(kind: str) -> None:
    found = hostile.attack(kind, REQUESTS if kind == "sqlite" else REQUESTS // 2, 30)

    assert found.is_clean, (found.as_json(), found.faults)
    assert len(found.routes) == found.total
    assert len(found.entered) > 40, found.as_json()
    assert found.answers["200"] > 50
    assert found.answers["302"] > 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", ["a query that is read as a number without looking"])
def test_a_planted_fault_is_found(fault: str) -> None:
    assert not hostile.attack("sqlite", 700, 30, before=hostile.SABOTAGE[fault]).is_clean
