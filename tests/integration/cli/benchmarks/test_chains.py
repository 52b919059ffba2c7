"""What is proved in these measurements is true: chains that hold, states that are replayed one by one."""

from __future__ import annotations

from sqlalchemy import func, select

from osm_flow.cli.benchmarks.chains import chain, deep_replay
from osm_flow.operations.replay.verify import verify_all
from osm_flow.store.models import Case, LogCheckpoint, LogLeaf
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_a_bundle_of_so_many_sealed_records_is_verified(bench: WatchedBench) -> None:
    figures = chain(bench)

    assert figures.keys() == {
        "records",
        "bundle_bytes",
        "verify_py_records_per_minute",
        "chain_only_records_per_minute",
        "aim_records_per_minute",
    }
    assert figures["records"] == 301
    assert figures["bundle_bytes"] > 301 * 64, "each record has a hash that nothing can shorten"
    assert figures["chain_only_records_per_minute"] > 0
    assert bench.kinds_in("chain") == {"case.started": 1, "case.commented": 300}
    with bench.left_in("chain") as session:
        assert [faults for _, faults in verify_all(session)] == [[]]
        (case_id,) = session.scalars(select(Case.id))
        assert session.scalar(select(func.count()).where(LogLeaf.case_id == case_id)) == 301
        assert session.scalar(select(func.count()).select_from(LogCheckpoint)) == 1


def test_every_state_of_the_loop_is_replayed(bench: WatchedBench) -> None:
    figures = deep_replay(bench)

    assert figures.keys() == {
        "records",
        "replay_records_per_second",
        "verify_deep_records_per_second",
        "aim_records_per_second",
    }
    assert figures["records"] == 41
    assert figures["replay_records_per_second"] > 0
    assert figures["verify_deep_records_per_second"] > 0
    assert bench.kinds_in("deep_replay") == {"case.started": 1, "work_item.completed": 40}
