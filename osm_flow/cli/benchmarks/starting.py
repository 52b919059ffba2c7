"""How long the site takes to start, and how much memory one that has worked needs."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from osm_flow.cli.benchmarks import programs
from osm_flow.cli.benchmarks.bench import Bench, BenchOffice, Browser, spread
from osm_flow.cli.benchmarks.diagrams import TYPED, files
from osm_flow.cli.benchmarks.stepping import begin
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.work_items.inbox import InboxFilter, inbox_for

_PAGES = ("/", "/inbox", "/inbox?view=groups", "/cases", "/calendar", "/definitions", "/team")


def start(bench: Bench) -> dict[str, Any]:
    """From the command to the first answer, with a database that is up to date (and once with one that is not)."""
    with bench.office("start", "osm_director") as office:
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
            begin(session, office.actor(), bench.now())
        with programs.server(office) as (_, _, first):
            pass
        times, cpu, fresh, worked = [], None, None, None
        for _ in range(bench.size(5, 1)):
            with programs.server(office) as (port, pid, seconds):
                times.append(seconds)
                cpu = programs.seconds_of_cpu(pid)
                fresh = programs.memory_of(pid, "VmRSS")
                worked = _work(bench, office, port, pid)
    return {
        "first_start_seconds": round(first, 3),
        "start": spread(times),
        "cpu_seconds": cpu,
        "aim_seconds": 2.0,
        "fresh_mb": fresh,
        "worked_mb": worked,
        "aim_mb": 200,
    }


def _work(bench: Bench, office: BenchOffice, port: int, pid: int) -> float | None:
    """What the server needs at most after a while of pages and completions."""
    with closing(Browser(port)) as browser:
        browser.sign_in()
        token = browser.get("/inbox").value_of("csrf_token")
        for turn in range(bench.size(40, 2)):
            browser.get(_PAGES[turn % len(_PAGES)])
            with office.store.reading() as session:
                item = inbox_for(session, office.actor(), bench.now(), InboxFilter("groups"), limit=1).items[0]
            browser.get(f"/work-items/{item.id}")
            values = {**TYPED, "csrf_token": token, "idempotency_key": f"{pid}-{turn}"}
            browser.post(f"/work-items/{item.id}/complete", values)
        return programs.memory_of(pid, "VmHWM")
