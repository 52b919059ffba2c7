"""The pages that are measured show what they are measured for."""

from __future__ import annotations

from sqlalchemy import func, select

from osm_flow.cli.benchmarks.pages import inbox, player
from osm_flow.store.models import Access, WorkItem
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_the_inbox_has_so_many_open_work_items(bench: WatchedBench) -> None:
    figures = inbox(bench)

    assert figures.keys() == {"open_items", "page", "bytes"}
    assert (figures["open_items"], figures["page"]["samples"]) == (200, 2)
    assert figures["bytes"] > 1_000
    with bench.left_in("inbox") as session:
        assert session.scalar(select(func.count()).where(WorkItem.state == "READY")) == 200


def test_the_player_shows_the_first_and_the_newest_moment_of_a_long_case(bench: WatchedBench) -> None:
    figures = player(bench)

    keys = {"records", "first_ever_ms", "first_view", "bytes", "ahead_ms", "ahead_bytes", "aim_ms", "aim_bytes"}
    assert figures.keys() == keys
    assert (figures["records"], figures["first_view"]["samples"]) == (30, 2)
    assert min(figures["first_ever_ms"], figures["ahead_ms"]) > 0
    assert min(figures["bytes"], figures["ahead_bytes"]) > 1_000
    assert bench.kinds_in("player") == {"case.started": 1, "work_item.completed": 29}
    with bench.left_in("player") as session:
        assert set(session.scalars(select(Access.actor))) == {"bench"}, "an auditor's looking at a case is recorded"
