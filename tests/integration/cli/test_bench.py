"""Every benchmark runs and prints its figures; how good they are is not for a test to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from osm_flow.cli.benchmarks import BENCHMARKS

KEYS = {
    "completion": {"complete", "bare", "ratio", "aim", "records"},
    "step_engine": {"rework", "join_in_loop", "beside_waiting", "sequential_instances", "early_steps", "aim"},
    "step_operations": {"early", "late", "ratio", "early_steps", "late_steps", "aim"},
    "start": {"first_start_seconds", "start", "cpu_seconds", "fresh_mb", "worked_mb", "aim_seconds", "aim_mb"},
    "chain": {
        "records",
        "verify_py_records_per_minute",
        "chain_only_records_per_minute",
        "bundle_bytes",
        "aim_records_per_minute",
    },
    "deep_replay": {"records", "replay_records_per_second", "verify_deep_records_per_second", "aim_records_per_second"},
    "event_logs": {"events", "xes", "ocel_json", "ocel_sqlite", "aim_mb"},
    "player": {"records", "first_ever_ms", "first_view", "bytes", "ahead_ms", "ahead_bytes", "aim_ms", "aim_bytes"},
    "inbox": {"open_items", "page", "bytes"},
}


def test_every_benchmark_is_tested() -> None:
    assert set(KEYS) == set(BENCHMARKS)


@pytest.mark.slow
@pytest.mark.parametrize("name", KEYS)
def test_a_benchmark_prints_its_figures(name: str, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("osm-flow")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OSM_")}
    answer = subprocess.run(
        [program, "bench", "--quick", "--only", name],
        env={**environ, "OSM_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    printed = json.loads(answer.stdout)
    assert printed["quick"] is True
    assert {"python", "sqlite", "cpus", "loop_ms"} <= printed["machine"].keys()
    assert printed["figures"][name].keys() - {"took_seconds"} == KEYS[name]
    assert list(tmp_path.glob("bench-*")) == []
