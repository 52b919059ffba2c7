"""Which benchmarks there are. What each of them really does is tested beside it."""

from __future__ import annotations

from pathlib import Path

from osm_flow.cli.benchmarks import BENCHMARKS

ROOT = Path(__file__).parent.parent.parent.parent


def test_every_benchmark_is_explained_with_its_aim() -> None:
    table = (
        (ROOT / "docs" / "benchmarks.md").read_text("utf-8").partition("## What is measured")[2].partition("\n## ")[0]
    )
    names = [line.split("|")[1].strip(" `") for line in table.splitlines() if line.startswith("| `")]

    assert names == list(BENCHMARKS)
