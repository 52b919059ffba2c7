"""What is logged is measured with few chains and with many."""

from __future__ import annotations

from sqlalchemy import func, select

from osm_flow.cli.benchmarks.sequencing import logging
from osm_flow.store.models import JournalRecord, LogLeaf, ToLog
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_all_that_is_new_is_logged_whatever_lies_beside_it(bench: WatchedBench) -> None:
    figures = logging(bench)

    assert figures.keys() == {"sqlite", "new_records", "aim"}
    assert figures["sqlite"]["cases"] == [20, 60]
    for name in ("nothing_new", "ten_new"):
        assert {figures["sqlite"][name][size]["samples"] for size in ("few", "many")} == {3}
    with bench.left_in("many_chains") as session:
        records = session.scalar(select(func.count()).select_from(JournalRecord)) or 0
        assert (session.scalar(select(func.count()).select_from(LogLeaf)) or 0) > records > 60 * 3
        assert session.scalar(select(func.count()).select_from(ToLog)) == 0
