"""Completing is measured by work items that are really completed, beside rows that are really written."""

from __future__ import annotations

from sqlalchemy import text

from osm_flow.cli.benchmarks.completing import completion
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_each_timing_is_one_work_item_or_one_bare_form(bench: WatchedBench) -> None:
    figures = completion(bench)

    warming, measured = 2, 10
    assert figures.keys() == {"complete", "bare", "ratio", "aim", "records"}
    assert (figures["complete"]["samples"], figures["bare"]["samples"]) == (measured, measured)
    assert figures["ratio"] > 0
    assert bench.kinds_in("completion") == {"case.started": 1, "work_item.completed": warming + measured}
    assert figures["records"] == 1 + warming + measured
    with bench.left_in("completion") as session:
        assert session.execute(text("SELECT count(*) FROM bare_notes")).scalar() == 2 * (warming + measured)
        # The bare row changed with every post, and there was an even number of them.
        assert session.execute(text("SELECT state FROM bare_items")).scalar() == "READY"
