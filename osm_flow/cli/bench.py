"""`osm-flow bench`: figures of speed and memory as one JSON document; docs/benchmarks.md says how to read them."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import sys
from time import perf_counter
from typing import Any

import click

from osm_flow import __version__
from osm_flow.cli.benchmarks import BENCHMARKS
from osm_flow.cli.benchmarks.bench import Bench, throw_away, timed
from osm_flow.cli.context import Context


@click.command()
@click.option(
    "--only", "names", multiple=True, type=click.Choice(list(BENCHMARKS)), help="One figure; may be repeated."
)
@click.option("--quick", is_flag=True, help="Small sizes: shows that everything runs, not how fast it is.")
@click.option(
    "--postgresql", default="", metavar="URL", help="A server on which databases may be made, to measure there, too."
)
@click.pass_obj
def bench(context: Context, names: tuple[str, ...], quick: bool, postgresql: str) -> None:
    """Measure speed and memory; print the figures as JSON."""
    figures: dict[str, Any] = {}
    with throw_away(context.data_dir) as folder:
        running = Bench(context, folder, quick, postgresql)
        for name in names or BENCHMARKS:
            click.echo(f"measuring {name} …", err=True)
            began = perf_counter()
            figures[name] = BENCHMARKS[name](running)
            figures[name]["took_seconds"] = round(perf_counter() - began, 1)
    click.echo(json.dumps({"machine": _machine(), "quick": quick, "figures": figures}, ensure_ascii=False, indent=2))


def _loop() -> None:
    """Always the same work for one core, by which figures of different machines can be compared."""
    total = 0
    for number in range(3_000_000):
        total += number


def _machine() -> dict[str, Any]:
    return {
        "osm_flow": __version__,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "loop_ms": round(timed(_loop) * 1000, 1),
        "load_1min": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
