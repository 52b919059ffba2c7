"""Pages that have much to show: the inbox of an office with very many open work items, the player of a long case."""

from __future__ import annotations

from typing import Any

from osm_flow.cli.benchmarks.bench import Bench, Browser, spread
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.journals import open_items
from osm_flow.cli.benchmarks.stepping import begin, go_round
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy


def inbox(bench: Bench) -> dict[str, Any]:
    """Time the inbox of what a role may claim: its first page and the next one, each with the count of all."""
    items = bench.size(10_000, 200)
    with bench.office("inbox") as office:
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
        open_items(office, bench.now(), items=items)
        with office.site() as browser:
            browser.get("/inbox?view=groups")
            first = [browser.get("/inbox?view=groups") for _ in range(bench.size(40, 2))]
    if any(answer.status != 200 for answer in first):
        raise RuntimeError("the inbox did not answer")
    return {"open_items": items, "page": spread([answer.seconds for answer in first]), "bytes": len(first[0].body)}


def player(bench: Bench) -> dict[str, Any]:
    """The first view of a long case: the page at its first and at its newest record, each with the diagram's picture.

    `ahead` is what the page then asks for by itself, the records next to the one that is shown.
    """
    records = bench.size(2_000, 30)
    with bench.office("player", "auditor") as office:
        actor = office.actor()
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
            case_id = begin(session, actor, bench.now()).id
        go_round(bench, office.store, case_id, actor, records - 1)
        with office.site() as browser:
            browser.get("/inbox")
            cold = _first_view(browser, case_id, records)
            views = [_first_view(browser, case_id, seq) for seq in (1, records) for _ in range(bench.size(15, 1))]
            ahead = browser.get(f"/audit/cases/{case_id}/moments?first={records - 12}&last={records}")
    return {
        "records": records,
        "first_ever_ms": round(cold[0] * 1000, 1),
        "first_view": spread([seconds for seconds, _ in views]),
        "bytes": max(size for _, size in views),
        "ahead_ms": round(ahead.seconds * 1000, 1),
        "ahead_bytes": len(ahead.body),
        "aim_ms": 1_000,
        "aim_bytes": 200_000,
    }


def _first_view(browser: Browser, case_id: str, seq: int) -> tuple[float, int]:
    """Seconds and bytes on the wire."""
    address = f"/audit/cases/{case_id}/at/{seq}"
    answers = [browser.get(address), browser.get(f"{address}/picture")]
    if any(answer.status != 200 for answer in answers):
        raise RuntimeError("the player did not answer")
    return sum(answer.seconds for answer in answers), sum(len(answer.body) for answer in answers)
