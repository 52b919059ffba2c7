"""`osm-flow bench` prints its figures; how good they are is not for a test to say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from osm_flow.cli.benchmarks import BENCHMARKS
from tests.integration.cli.shell import Shell


@pytest.mark.slow
def test_the_chosen_benchmarks_print_their_figures(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("osm-flow")
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OSM_")}
    answer = subprocess.run(
        [program, "bench", "--quick", "--only", "step_engine", "--only", "chain"],
        env={**environ, "OSM_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    printed = json.loads(answer.stdout)
    assert printed["quick"] is True
    assert {"python", "sqlite", "cpus", "loop_ms"} <= printed["machine"].keys()
    assert list(printed["figures"]) == ["step_engine", "chain"]
    assert all(figures["took_seconds"] >= 0 for figures in printed["figures"].values())
    assert list(tmp_path.glob("bench-*")) == []
    said = [line for line in answer.stderr.splitlines() if line.startswith("measuring")]
    assert said == ["measuring step_engine …", "measuring chain …"]


def test_every_benchmark_can_be_chosen(shell: Shell) -> None:
    wrong = shell.run("bench", "--only", "speed")

    assert (wrong.exit_code, wrong.stdout) == (2, "")
    assert all(f"'{name}'" in wrong.stderr for name in BENCHMARKS)
