"""A short run of the kill driver on each database, and the proof that it would find what it looks for."""

from __future__ import annotations

import os

import pytest

from tests.stress import kills

KILLS = int(os.environ.get("OSM_STRESS_KILLS", "3"))


@pytest.mark.timeout(120 + 40 * KILLS)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_nothing_is_lost_doubled_or_stuck_when_the_server_is_killed(database: str) -> None:
    report = kills.run(database, kills=KILLS)

    assert report.is_clean, report
    assert (report.kills, report.answered) == (KILLS, report.acts)
    assert report.acts > 5


@pytest.mark.long
@pytest.mark.timeout(600)
def test_faults_put_in_on_purpose_are_found() -> None:
    assert kills.find_planted(kills=1) == dict.fromkeys(kills.PLANTED, True)
