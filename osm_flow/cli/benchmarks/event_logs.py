"""How much memory the writing of event logs needs when there are very many events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osm_flow.cli.benchmarks import programs
from osm_flow.cli.benchmarks.bench import Bench
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.journals import fill
from osm_flow.documents.event_logs import forms_by_command
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy

_PER_CASE = 20


def event_logs(bench: Bench) -> dict[str, Any]:
    """Peak memory, seconds and size of each form, each written by a program of its own."""
    events = bench.size(1_000_000, 2_000)
    figures: dict[str, Any] = {"events": events, "aim_mb": 300}
    with bench.office("event_logs") as office:
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
        fill(office, bench.now(), cases=events // _PER_CASE, per_case=_PER_CASE)
        for name, arguments in _each_form():
            path = office.context.data_dir / f"log.{name}"
            seconds, peak = programs.run(office, "mining", *arguments, "--out", str(path), "--reason", "bench")
            size = path.stat().st_size
            figures[name] = {"peak_mb": peak, "seconds": round(seconds, 1), "bytes": size}
            path.unlink()
    return figures


def _each_form() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The name of each figure and the arguments of the command that writes it."""
    for command, forms in forms_by_command().items():
        if len(forms) == 1:
            yield command, (command,)
        else:
            yield from ((f"{command}_{form}", (command, "--format", form)) for form in forms)
