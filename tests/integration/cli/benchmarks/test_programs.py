"""Measuring programs of their own: how long they ran, what memory they needed, and what they know of our settings."""

from __future__ import annotations

import os
import subprocess

import pytest

from osm_flow.cli.benchmarks import programs
from tests.integration.cli.benchmarks.conftest import WatchedBench

proc = pytest.mark.skipif(not programs.has_proc(), reason="only Linux tells")
STATUS = "Name:\tpython\nVmHWM:\t  204800 kB\nVmRSS:\t   51301 kB\n"


def test_a_command_that_is_refused_by_its_office_gives_no_figure(bench: WatchedBench) -> None:
    with bench.office("north") as office, pytest.raises(subprocess.CalledProcessError) as refused:
        programs.run(office, "user", "lock", "nobody")

    assert refused.value.stderr.decode() == "Error: There is no such person.\n"


def test_a_program_knows_the_settings_of_its_office_only(bench: WatchedBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSM_SMTP_URL", "smtp://mail.example.go.th")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("BENCH_TEST", "kept")
    with bench.office("north") as office:
        told = programs.environment(office)

        assert {name for name in told if name.startswith("OSM_")} == {
            "OSM_DATABASE_URL",
            "OSM_DATA_DIR",
            "OSM_SECRET_KEY",
        }
        assert told["OSM_DATABASE_URL"] == office.context.database_url
        assert len(told["OSM_SECRET_KEY"]) >= 32
        assert programs.environment(office)["OSM_SECRET_KEY"] != told["OSM_SECRET_KEY"]
    assert "PYTHONDONTWRITEBYTECODE" not in told
    assert told["BENCH_TEST"] == "kept"


@proc
def test_memory_and_time_of_a_running_program_are_read() -> None:
    used, most = programs.memory_of(os.getpid(), "VmRSS"), programs.memory_of(os.getpid(), "VmHWM")

    assert used is not None
    assert most is not None
    assert 10 < used <= most
    assert (programs.seconds_of_cpu(os.getpid()) or 0) > 0


def test_memory_is_told_in_megabytes() -> None:
    assert (programs.megabytes(STATUS, "VmHWM"), programs.megabytes(STATUS, "VmRSS")) == (200.0, 50.1)
    with pytest.raises(RuntimeError, match="VmSwap"):
        programs.megabytes(STATUS, "VmSwap")
