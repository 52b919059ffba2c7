"""The start is timed from the command to the first answer, and memory is read while the site works."""

from __future__ import annotations

import pytest

from osm_flow.cli.benchmarks.programs import has_proc
from osm_flow.cli.benchmarks.starting import start
from tests.integration.cli.benchmarks.conftest import WatchedBench


@pytest.mark.slow
def test_a_site_is_started_twice_and_works_before_its_memory_is_read(bench: WatchedBench) -> None:
    figures = start(bench)

    keys = {"first_start_seconds", "start", "cpu_seconds", "fresh_mb", "worked_mb", "aim_seconds", "aim_mb"}
    assert figures.keys() == keys
    assert figures["first_start_seconds"] > 0
    assert (figures["start"]["samples"], figures["start"]["p50_ms"] > 0) == (1, True)
    # The loop was gone round through the pages of the running site.
    assert bench.kinds_in("start") == {"case.started": 1, "work_item.completed": 2}
    if has_proc():
        assert 0 < figures["fresh_mb"] <= figures["worked_mb"]
        assert figures["cpu_seconds"] > 0
