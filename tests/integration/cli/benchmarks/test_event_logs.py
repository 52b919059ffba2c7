"""Event logs are written by programs of their own, in every form, of every event that there is."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from osm_flow.cli.benchmarks.event_logs import event_logs
from osm_flow.cli.benchmarks.programs import has_proc
from osm_flow.store.models import Access, JournalRecord
from tests.integration.cli.benchmarks.conftest import WatchedBench


@pytest.mark.slow
def test_each_form_of_log_is_written_and_measured(bench: WatchedBench) -> None:
    figures = event_logs(bench)

    assert figures.keys() == {"events", "xes", "ocel_json", "ocel_sqlite", "aim_mb"}
    assert figures["events"] == 2_000
    for name in ("xes", "ocel_json", "ocel_sqlite"):
        assert figures[name]["bytes"] > 2_000 * 100, "an event takes a hundred bytes at the very least"
        assert (figures[name]["peak_mb"] or 0) > 20 or not has_proc()
    with bench.left_in("event_logs") as session:
        assert session.scalar(select(func.count()).select_from(JournalRecord)) == 2_000
        # Taking data out is recorded, so the three programs left a trace.
        assert session.scalars(select(Access.reason)).all() == ["bench"] * 3
