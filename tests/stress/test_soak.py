"""A short soak: that it runs, breaks nothing, and measures growth as it says. The judgement needs the long one."""

from __future__ import annotations

import os

import pytest

from tests.stress import soak

REQUESTS = int(os.environ.get("OSM_STRESS_REQUESTS", "150"))


@pytest.mark.timeout(300 + REQUESTS)
def test_mixed_requests_break_nothing() -> None:
    outcome = soak.soak(REQUESTS)

    assert outcome.failures == 0, outcome.answers
    assert sum(outcome.answers.values()) == REQUESTS
    assert outcome.answers["200"] > outcome.answers["403"]
    if REQUESTS >= 50_000:
        assert outcome.grown_mb < soak.LIMIT_MB


def test_growth_is_that_of_the_last_quarter() -> None:
    warming_up = [(number * 1_000, 100.0 + number) for number in range(75)]
    flat = [(number * 1_000, 175.0) for number in range(75, 101)]
    leaking = [(number * 1_000, 175.0 + (number - 75) * 0.3) for number in range(75, 101)]

    assert soak.growth(warming_up + flat) < 0.01
    assert soak.growth(warming_up + leaking) == pytest.approx(3.0, abs=0.1)
