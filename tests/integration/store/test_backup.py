"""A backup is whole, is made while the site writes, never overwrites anything, and comes back or changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from osm_flow.operations.replay.verify import verify_all
from osm_flow.store import backup
from osm_flow.store.backup import BackupExists, BackupUnusable, DatabaseNotEmpty, NotSqlite
from osm_flow.store.models import Case
from osm_flow.store.session import Store
from tests.bundles import make_family
from tests.factories import deploy_tests, make_case, make_office
from tests.together import at_once


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'elsewhere' / 'osm.db'}")


def test_what_was_backed_up_comes_back(sqlite_store: Store, other: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"

    backup.backup(sqlite_store, copy)
    backup.restore(other, copy)

    with other.reading() as session:
        assert session.get_one(Case, case_id).business_key
        assert [faults for _, faults in verify_all(session)] == [[], []]
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
    other.close()


def test_a_backup_while_others_write_is_one_moment(sqlite_store: Store, other: Store, tmp_path: Path) -> None:
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")

    def write() -> None:
        for _ in range(15):
            with sqlite_store.transaction() as session:
                make_case(session)

    copies = [tmp_path / f"copy{number}.db" for number in range(3)]

    def copy_all() -> None:
        for copy in copies:
            backup.backup(sqlite_store, copy)

    at_once(write, copy_all)

    for copy in copies:
        backup.restore(other, copy, replace=True)
        with other.reading() as session:
            assert [faults for _, faults in verify_all(session) if faults] == []
    other.close()


def test_an_existing_file_is_not_overwritten(sqlite_store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_bytes(b"precious")

    with pytest.raises(BackupExists):
        backup.backup(sqlite_store, copy)
    assert copy.read_bytes() == b"precious"


def test_a_database_with_cases_is_only_replaced_when_that_is_said(
    sqlite_store: Store, other: Store, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    backup.backup(sqlite_store, copy)
    case_id = make_family(sqlite_store)

    with pytest.raises(DatabaseNotEmpty):
        backup.restore(sqlite_store, copy)
    with sqlite_store.reading() as session:
        assert session.get(Case, case_id) is not None

    backup.restore(sqlite_store, copy, replace=True)
    with sqlite_store.reading() as session:
        assert session.get(Case, case_id) is None


@pytest.mark.parametrize("kind", ["text", "empty", "foreign", "damaged"])
def test_what_is_no_backup_changes_nothing(sqlite_store: Store, tmp_path: Path, kind: str) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"
    if kind == "foreign":
        with sqlite3.connect(copy) as connection:
            connection.execute("CREATE TABLE other (id)")
        connection.close()
    elif kind == "damaged":
        backup.backup(sqlite_store, copy)
        content = bytearray(copy.read_bytes())
        content[4096:60_000] = bytes(60_000 - 4096)
        copy.write_bytes(content)
    else:
        copy.write_bytes(b"" if kind == "empty" else b"no database at all" * 1000)

    with pytest.raises(BackupUnusable):
        backup.restore(sqlite_store, copy, replace=True)
    with sqlite_store.reading() as session:
        assert session.get(Case, case_id) is not None


def test_postgresql_is_told_of_its_own_means(new_postgresql: Callable[[], Store], tmp_path: Path) -> None:
    with pytest.raises(NotSqlite):
        backup.backup(new_postgresql(), tmp_path / "copy.db")
