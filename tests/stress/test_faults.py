"""One accident on each database in every run of the suite; `OSM_STRESS_FAULTS=all` lets all of them happen."""

from __future__ import annotations

import os

import pytest

from tests.stress import faults
from tests.stress.kills import crashes_in

SCENES = list(faults.SCENES) if os.environ.get("OSM_STRESS_FAULTS") == "all" else ["full disk", "restarted"]
PLANTED = (
    list(faults.PLANTED) if os.environ.get("OSM_STRESS_FAULTS") == "all" else ["trouble that is answered with 500"]
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SCENES)
def test_nothing_is_lost_doubled_stuck_or_answered_with_a_crash(name: str) -> None:
    report = faults.scene(name)

    assert report.is_clean, report
    assert report.answered == report.acts > 5


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PLANTED)
def test_a_fault_put_in_on_purpose_is_found(name: str) -> None:
    assert faults.find_planted(name) == {name: True}


def test_a_crash_is_shown_with_its_traceback_and_nothing_else() -> None:
    before, after = "2026-11-30 03:38:08,1 INFO x fine\n", "2026-11-30 03:38:09,2 INFO x fine again\n"
    crash = "2026-11-30 03:38:08,9 ERROR x request failed, reference AB12: POST /p\nTraceback:\n  line\nError: why\n"

    assert crashes_in(before + crash + after + crash) == [crash, crash]
