"""Data by the thousand are true where a measurement looks: chains that hold, work items that an inbox shows."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from osm_flow.cli.benchmarks.bench import BenchOffice
from osm_flow.cli.benchmarks.diagrams import files
from osm_flow.cli.benchmarks.journals import fill, lengthen, open_items
from osm_flow.cli.benchmarks.stepping import begin, go_round
from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.definitions.deployments import deploy
from osm_flow.operations.replay.verify import verify_all, verify_deep
from osm_flow.operations.work_items.inbox import home_for
from osm_flow.store.models import Candidate, Case, JournalRecord, WorkItem
from tests.integration.cli.benchmarks.conftest import WatchedBench


def deployed(bench: WatchedBench, office: BenchOffice) -> None:
    with office.store.transaction() as session:
        deploy(session, files("rework"), SYSTEM, bench.now())


def test_a_lengthened_journal_is_sealed_and_its_case_goes_on(bench: WatchedBench) -> None:
    with bench.office("north") as office:
        deployed(bench, office)
        with office.store.transaction() as session:
            case_id = begin(session, office.actor(), bench.now()).id
        with office.store.transaction() as session:
            lengthen(session, case_id, 20)

        go_round(bench, office.store, case_id, office.actor(), 1)

        with office.store.reading() as session:
            assert verify_deep(session, case_id).faults == []
            assert session.get_one(Case, case_id).seq == 22
            query = select(JournalRecord.kind).order_by(JournalRecord.seq)
            kinds = session.scalars(query).all()
    assert kinds == ["case.started", *["case.commented"] * 20, "work_item.completed"]


def test_a_filled_office_has_so_many_cases_with_so_many_records_each(bench: WatchedBench) -> None:
    with bench.office("north") as office:
        deployed(bench, office)

        fill(office, bench.now(), cases=7, per_case=6)

        with office.store.reading() as session:
            assert set(Counter(session.scalars(select(JournalRecord.case_id))).values()) == {6}
            assert session.scalar(select(func.count()).select_from(Case)) == 7
            assert session.scalar(select(func.count()).select_from(WorkItem)) == 7 * 3
            assert len(set(session.scalars(select(Case.business_key)))) == 7
            # Every completion is of a work item that is there: an event log finds an object for each event.
            of_items = select(JournalRecord.task_id).where(JournalRecord.task_id.is_not(None))
            assert set(session.scalars(of_items)) == set(session.scalars(select(WorkItem.id)))
            assert any(faults for _, faults in verify_all(session)), "made up, as the module says"


def test_open_work_items_are_in_the_inbox_of_the_group(bench: WatchedBench) -> None:
    with bench.office("north") as office:
        deployed(bench, office)

        open_items(office, bench.now(), items=45)

        with office.store.reading() as session:
            assert home_for(session, office.actor(), bench.now()).unclaimed.total == 45
            assert sorted(Counter(session.scalars(select(WorkItem.case_id))).values()) == [5, 20, 20]
            assert session.scalar(select(func.count()).select_from(Candidate)) == 45
