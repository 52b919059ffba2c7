"""Contests through real servers, few enough for every run of the suite; `make stress` holds thousands."""

from __future__ import annotations

import os

import pytest

from tests.stress import races

CONTESTS = int(os.environ.get("OSM_CONTESTS", "30"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost_doubled_stuck_or_unproven(kind: str) -> None:
    found = races.in_a_folder(kind, CONTESTS, 240)

    assert found.is_clean, (found.as_json(), found.faults, found.lost, found.doubled, found.stuck, found.unproven)
    assert found.contests == CONTESTS
    assert found.answers["302"] > CONTESTS
    assert found.answers["409"] > 0


@pytest.mark.long
@pytest.mark.parametrize("fault", ["a key that is forgotten"])
def test_a_planted_fault_is_found(fault: str) -> None:
    assert not races.in_a_folder("sqlite", 12, 120, before=races.SABOTAGE[fault]).is_clean
