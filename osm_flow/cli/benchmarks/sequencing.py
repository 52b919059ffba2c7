"""What it costs to have new records logged, with few chains and with very many: only what is new should count."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from osm_flow.cli.benchmarks.bench import Bench, BenchOffice, ratio, spread, timed
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.journals import fill, lengthen
from osm_flow.cli.benchmarks.registers import settle
from osm_flow.cli.benchmarks.stepping import begin
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import append_new
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.models import Case

_NEW = 10


def logging(bench: Bench) -> dict[str, Any]:
    """Milliseconds of logging nothing and ten new records, with 200 and with 20,000 cases, on each database."""
    return {**{name: _with_chains(bench, name) for name in bench.databases()}, "new_records": _NEW, "aim": 1.5}


def _with_chains(bench: Bench, database: str) -> dict[str, Any]:
    sizes = (bench.size(200, 20), bench.size(20_000, 60))
    with (
        bench.office("few_chains", database=database) as few,
        bench.office("many_chains", database=database) as many,
    ):
        offices = (few, many)
        cases = [_begin(bench, office, size) for office, size in zip(offices, sizes, strict=True)]
        nothing: tuple[list[float], list[float]] = ([], [])
        ten: tuple[list[float], list[float]] = ([], [])
        for _ in range(bench.size(40, 3)):
            for which, office in enumerate(offices):
                nothing[which].append(timed(_log, office, 0))
                with office.store.transaction() as session:
                    for case_id in cases[which]:
                        lengthen(session, case_id, 1)
                ten[which].append(timed(_log, office, len(cases[which])))
    return {
        "cases": list(sizes),
        **{
            name: {"few": spread(found[0]), "many": spread(found[1]), "ratio": ratio(found[1], found[0])}
            for name, found in (("nothing_new", nothing), ("ten_new", ten))
        },
    }


def _begin(bench: Bench, office: BenchOffice, size: int) -> list[str]:
    """Ten cases that go on beside very many that are logged; the ids of the ten."""
    actor = office.actor()
    with office.store.transaction() as session:
        deploy(session, files("rework"), SYSTEM, bench.now())
        ids = [begin(session, actor, bench.now()).id for _ in range(_NEW)]
    fill(office, bench.now(), cases=size, per_case=3)
    with office.store.transaction() as session:
        session.execute(update(Case).where(Case.id.not_in(ids)).values(seq=3))
        append_new(session)
    settle(office)
    return ids


def _log(office: BenchOffice, expected: int) -> None:
    with office.store.transaction() as session:
        if append_new(session) != expected:
            raise RuntimeError("not all that was new was logged")
