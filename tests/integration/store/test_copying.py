"""A whole installation on SQLite becomes the same one on PostgreSQL, or nothing is kept there."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from osm_flow.operations.audit.log_checks import check_log
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.replay.verify import verify_all_deep
from osm_flow.operations.sweeps import sweep_all
from osm_flow.store import copying, file_store
from osm_flow.store.database import db
from osm_flow.store.models import Case, JournalRecord, LoggedCase, Office, Timer
from osm_flow.store.session import Store
from tests.bundles import make_family
from tests.factories import (
    NOW,
    deploy_tests,
    later,
    make_case,
    make_person,
    make_project,
)
from tests.integration.cli.shell import Shell

Fresh = Callable[[], Store]


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    """Cases of several kinds, one erased, a project with money in it, a signed log, timers that are not due yet."""
    shell = Shell(sqlite_store, tmp_path)
    make_family(sqlite_store)
    with sqlite_store.transaction() as session:
        deploy_tests(session, "three_timers", "review")
        make_person(session, "ekachai", "admin", office_id=None)
        make_project(session, "P-1", requested=Decimal("12345678901.05"))
        make_case(session, "three_timers", title="เรื่องที่มีตัวจับเวลา 🌾")
        kanya = make_person(session, "kanya", "osm_strategy", "osm_director")
        for _ in range(3):
            case = make_case(session, "review")
            comment(session, case.id, kanya, later(1), body="ความเห็น \N{KHMER VOWEL SIGN II}", key=None)
    shell.json("audit", "checkpoint")
    return shell


def _url(store: Store) -> str:
    return store.url.render_as_string(hide_password=False)


def _elsewhere(rows: dict[str, int]) -> dict[str, int]:
    """The counts without those of the bytes of files, which lie beside SQLite and within PostgreSQL."""
    return {table: count for table, count in rows.items() if table != "file_contents"}


def _rows(store: Store) -> dict[str, int]:
    with store.reading() as session:
        tables = db.metadata.sorted_tables
        return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


@pytest.fixture
def empty(new_postgresql: Fresh, postgresql_url: str) -> Store:
    """Without any table, as `createdb` leaves it."""
    store = new_postgresql()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    return store


def test_everything_is_there_and_every_chain_holds(shell: Shell, empty: Store) -> None:
    report = shell.json("db", "copy", _url(empty))

    assert report["faults"] == 0
    assert report["rows"] == _rows(empty)
    # The file that lay in a folder lies in the database there.
    assert report["rows"] | {"file_contents": 0} == _rows(shell.store)
    assert report["rows"]["files"] == report["rows"]["file_contents"] == 1
    assert report["rows"]["journal_records"] > 10
    with empty.reading() as session:
        assert {name: result.faults for name, result in verify_all_deep(session) if result.faults} == {}
        log = check_log(session, trusted=shell.context.keyring.trusted())
        assert (log.faults, log.checkpoints) == ([], 1)
        assert session.scalar(select(func.count()).select_from(LoggedCase))


def test_work_goes_on_there_under_new_numbers_and_the_same_key(shell: Shell, empty: Store, tmp_path: Path) -> None:
    shell.json("db", "copy", _url(empty))
    there = Shell(empty, tmp_path)

    with empty.transaction() as session:
        kanya = make_person(session, "somying", "osm_strategy")
        case = make_case(session, "review")
        comment(session, case.id, kanya, later(3), body="ต่อจากเดิม", key=None)
    report = sweep_all(empty, NOW.replace(year=NOW.year + 1), "a")

    assert report.failures == 0
    with empty.reading() as session:
        assert session.scalars(select(Timer)).all() == []
    there.json("audit", "checkpoint")
    assert there.run("case", "verify", "--all", "--deep").exit_code == 0
    assert there.run("audit", "verify").exit_code == 0


@pytest.mark.parametrize("what", ["office", "foreign"])
def test_a_database_with_rows_is_left_as_it_is(shell: Shell, new_postgresql: Fresh, what: str) -> None:
    target = new_postgresql()
    with target.engine.begin() as connection:
        if what == "foreign":
            connection.exec_driver_sql("CREATE TABLE somebody_elses AS SELECT 1 AS one")
        else:
            connection.execute(
                text("INSERT INTO offices (id, name_th, name_en, region_th, region_en) VALUES ('x','x','x','x','x')")
            )

    assert "already has rows" in shell.refused("db", "copy", _url(target))

    with target.reading() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 0
        assert session.scalar(select(func.count()).select_from(Office)) == (what == "office")


def test_a_row_that_does_not_fit_keeps_nothing(shell: Shell, empty: Store) -> None:
    """SQLite keeps any length; PostgreSQL does not."""
    with shell.store.engine.begin() as connection:
        connection.execute(text("UPDATE cases SET title = :long"), {"long": "ก" * 300})

    said = shell.refused("db", "copy", _url(empty))

    assert "A row of cases cannot be kept" in said
    assert set(_rows(empty).values()) == {0}


def test_a_table_that_nobody_knows_is_not_left_behind_unsaid(shell: Shell, empty: Store) -> None:
    with shell.store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE notes_of_ours (text TEXT)")

    assert "notes_of_ours" in shell.refused("db", "copy", _url(empty))


def test_what_was_wrong_before_is_told_and_still_copied(shell: Shell, empty: Store) -> None:
    with shell.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER refuse_update_of_journal_records")
        connection.execute(text("UPDATE journal_records SET actor = 'forger' WHERE seq = 1"))

    result = shell.run("db", "copy", _url(empty))

    assert result.exit_code == 1
    assert "that it had" in result.stdout
    assert _elsewhere(_rows(empty)) == _elsewhere(_rows(shell.store))


def test_what_arrives_otherwise_than_it_left_keeps_nothing(
    shell: Shell, empty: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a driver would that rounds, trims or recodes on its way."""
    honest = copying._digest

    def off(row: object) -> int:
        calls.append(1)
        return honest(row) + (len(calls) == 40)

    calls = list[int]()
    monkeypatch.setattr(copying, "_digest", off)

    assert "is not what was read" in shell.refused("db", "copy", _url(empty))
    assert set(_rows(empty).values()) == {0}


def test_nobody_writes_to_the_source_meanwhile(shell: Shell, empty: Store) -> None:
    with copying.copied(shell.store, empty), shell.store.engine.connect() as other:
        assert other.exec_driver_sql("PRAGMA busy_timeout = 50").scalar() == 50
        with pytest.raises(Exception, match="locked"):
            other.exec_driver_sql("UPDATE cases SET title = 'x'")


def test_wrong_addresses_are_told_apart(shell: Shell, tmp_path: Path) -> None:
    assert "cannot be copied into itself" in shell.refused("db", "copy", shell.url)
    assert shell.run("db", "copy", "no address").exit_code == 2
    old = Shell(f"sqlite:///{tmp_path / 'nothing.db'}", tmp_path)
    assert "Run: osm-flow db upgrade" in old.refused("db", "copy", f"sqlite:///{tmp_path / 'target.db'}")
    old.store.close()


def test_back_to_sqlite_it_is_the_same(shell: Shell, empty: Store, tmp_path: Path) -> None:
    shell.json("db", "copy", _url(empty))
    back = tmp_path / "back.db"

    report = Shell(empty, tmp_path).json("db", "copy", f"sqlite:///{back}")

    assert _elsewhere(report["rows"]) == _elsewhere(_rows(shell.store))
    with shell.store.reading() as session:
        heads = dict(session.execute(select(Case.id, Case.head)).all())
    again = Store(f"sqlite:///{back}")
    with again.reading() as session:
        assert dict(session.execute(select(Case.id, Case.head)).all()) == heads
        assert session.scalar(select(func.count()).select_from(JournalRecord)) == report["rows"]["journal_records"]
    again.close()


def test_files_come_along_to_where_the_other_database_keeps_them(shell: Shell, empty: Store) -> None:
    with shell.store.transaction() as session:
        kept, lost = (file_store.keep(session, content, "text/plain") for content in (b"kept", b"lost"))
    folder = file_store.folder_beside(shell.store.url)
    assert folder is not None
    folder.delete(lost)

    shell.json("db", "copy", _url(empty))

    with empty.reading() as session:
        assert file_store.read(session, kept) == b"kept"
        assert file_store.found(session, lost) is None
