"""How much memory the writing of event logs needs when there are very many events."""

from __future__ import annotations

from typing import Any

from osm_flow.cli.benchmarks import programs
from osm_flow.cli.benchmarks.bench import Bench
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.journals import fill
from osm_flow.domain.actors import SYSTEM
from osm_flow.operations.deployments import deploy

_PER_CASE = 20
_FORMS = {
    "xes": ("xes",),
    "ocel_json": ("ocel", "--format", "json"),
    "ocel_sqlite": ("ocel", "--format", "sqlite"),
}


def event_logs(bench: Bench) -> dict[str, Any]:
    """Peak memory, seconds and size of each form, each written by a program of its own."""
    events = bench.size(1_000_000, 2_000)
    found: dict[str, Any] = {"events": events, "aim_mb": 300}
    with bench.office("event_logs") as office:
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
        fill(office, bench.now(), cases=events // _PER_CASE, per_case=_PER_CASE)
        for name, arguments in _FORMS.items():
            path = office.context.data_dir / f"log.{name}"
            seconds, peak = programs.run(office, "mining", *arguments, "--out", str(path), "--reason", "bench")
            size = path.stat().st_size
            found[name] = {"peak_mb": peak, "seconds": round(seconds, 1), "bytes": size}
            path.unlink()
    return found
