"""Steps early and late in a case's life: both cases really go that far, and what lies behind does not weigh on them."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select

from osm_flow.cli.benchmarks.diagrams import DIAGRAMS, files
from osm_flow.cli.benchmarks.stepping import EARLY, begin, go_round, in_engine, through_operations
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.store.models import JournalRecord, WorkItem
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_every_diagram_is_stepped_early_and_late_in_the_engine(bench: WatchedBench) -> None:
    figures = in_engine(bench)

    assert figures.keys() == {*DIAGRAMS, "early_steps", "aim"}
    for key in DIAGRAMS:
        found = figures[key]
        assert (found["late_steps"], found["early"]["samples"], found["late"]["samples"]) == (60, 10, 10), key
        early, late = found["state_bytes"]
        assert late <= early * 1.1, "what is done is forgotten, so that a late state is no larger"


def test_two_cases_are_stepped_in_turn_through_everything_but_the_page(bench: WatchedBench) -> None:
    figures = through_operations(bench)

    late, measured = 40, 6
    assert figures.keys() == {"early", "late", "ratio", "early_steps", "late_steps", "aim"}
    assert (figures["early_steps"], figures["late_steps"]) == (EARLY, late)
    assert (figures["early"]["samples"], figures["late"]["samples"]) == (measured, measured)
    with bench.left_in("step_operations") as session:
        cases = Counter(session.scalars(select(JournalRecord.case_id)))
    assert sorted(cases.values()) == [1 + EARLY + measured, 1 + late + measured]


def test_a_case_goes_round_as_often_as_it_is_told(bench: WatchedBench) -> None:
    with bench.office("loop") as office:
        actor = office.actor()
        with office.store.transaction() as session:
            deploy(session, files("rework"), SYSTEM, bench.now())
            case_id = begin(session, actor, bench.now()).id

        go_round(bench, office.store, case_id, actor, 3)

        with office.store.reading() as session:
            items = session.execute(select(WorkItem.element, WorkItem.state).order_by(WorkItem.opened_at)).all()
    done = [("draft", "COMPLETED"), ("check", "COMPLETED"), ("draft", "COMPLETED")]
    assert [tuple(item) for item in items] == [*done, ("check", "READY")]
