"""Projects by the thousand are true records, and what is measured of them is what it says."""

from __future__ import annotations

from sqlalchemy import func, select

from osm_flow.cli.benchmarks.registers import act_on_record, check_of_records, fill_registers, register
from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.comparing.checks import compare
from osm_flow.store.models import Book, Project, RecordChange
from tests.integration.cli.benchmarks.conftest import WatchedBench


def test_filled_registers_verify_and_lie_in_the_books_of_every_office(bench: WatchedBench) -> None:
    with bench.office("north") as office:
        fill_registers(office, bench.now(), projects_=60, versions=2)

        with office.store.reading() as session:
            assert check_log(session).faults == []
            assert list(compare(session, ("projects",))) == []
            assert session.scalar(select(func.count()).select_from(Project)) == 60
            assert session.scalar(select(func.count()).select_from(RecordChange)) == 120
            assert len(set(session.scalars(select(Book.office_id)))) == 18


def test_the_register_is_timed_for_who_sees_one_office_and_who_sees_all(bench: WatchedBench) -> None:
    figures = register(bench)

    assert figures.keys() == {"sqlite", "aim_p95_ms"}
    assert figures["sqlite"]["projects"] == 1_000
    for seen in ("of_one_office", "of_all_offices"):
        assert {page["samples"] for page in figures["sqlite"][seen].values()} == {1}
        assert {"first_page", "found_by_half_a_name", "search_box", "project"} <= figures["sqlite"][seen].keys()


def test_an_act_on_a_record_is_measured_beside_a_comment(bench: WatchedBench) -> None:
    figures = act_on_record(bench)

    assert figures.keys() == {"sqlite", "aim_cpu_ratio"}
    of_sqlite = figures["sqlite"]
    assert of_sqlite.keys() == {"act", "comment", "ratio", "act_cpu", "comment_cpu", "cpu_ratio", "versions"}
    assert (of_sqlite["act"]["samples"], of_sqlite["versions"]) == (7, 8)
    assert bench.kinds_in("act_on_record") == {"case.started": 1, "case.commented": 7}


def test_the_check_compares_and_rebuilds_every_row(bench: WatchedBench) -> None:
    figures = check_of_records(bench)

    assert (figures["tenth"]["changes"], figures["whole"]["changes"]) == (180, 1_800)
    assert min(figures["whole"][name]["seconds"] for name in ("verify", "rebuild")) > 0
    with bench.left_in("check_of_records_360") as session:
        assert list(compare(session, ("projects",))) == []
        assert session.scalar(select(func.sum(Project.disbursed))) == sum(4_000 + number for number in range(360))
