"""A backup is whole, is made while the site writes, never overwrites anything, and comes back or changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from osm_flow.operations.replay.verify import verify_all
from osm_flow.store import backup, file_store
from osm_flow.store.backup import BackupExists, BackupUnusable, DatabaseNotEmpty, FilesMissing, NotSqlite
from osm_flow.store.file_folder import FileFolder
from osm_flow.store.file_store import FileDamaged
from osm_flow.store.models import Case, FileContent, KeptFile
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


# ---- files -----------------------------------------------------------------------------------------------------


def give(store: Store, content: bytes) -> str:
    with store.transaction() as session:
        return file_store.keep(session, content, "text/plain")


def lying(folder: Path) -> set[str]:
    return set(FileFolder(folder).digests())


def test_each_backup_copies_new_files_alone_and_any_comes_back_whole(
    sqlite_store: Store, other: Store, tmp_path: Path
) -> None:
    first = give(sqlite_store, b"first")
    (tmp_path / "kept").mkdir()
    done = backup.backup(sqlite_store, tmp_path / "kept" / "1.db")
    assert (done.copied, done.bytes, done.known) == (1, 5, 0)
    second = give(sqlite_store, b"second")
    done = backup.backup(sqlite_store, tmp_path / "kept" / "2.db")
    assert (done.copied, done.bytes, done.known) == (1, 6, 1)
    assert lying(tmp_path / "kept" / "files") == {first, second}

    back = backup.restore(other, tmp_path / "kept" / "1.db")

    assert (back.copied, back.missing) == (1, [])
    with other.reading() as session:
        assert file_store.read(session, first) == b"first"
        assert session.scalars(select(KeptFile.sha256)).all() == [first]
    other.close()


@pytest.mark.parametrize("harm", ["missing", "changed"])
def test_a_backup_whose_files_are_not_there_changes_nothing_unless_that_is_said(
    sqlite_store: Store, other: Store, tmp_path: Path, harm: str
) -> None:
    digest = give(sqlite_store, b"precious")
    backup.backup(sqlite_store, tmp_path / "copy.db")
    files = FileFolder(tmp_path / "files")
    if harm == "missing":
        files.delete(digest)
    else:
        files.path(digest).chmod(0o600)
        files.path(digest).write_bytes(b"other")

    with pytest.raises(FilesMissing, match=digest):
        backup.restore(other, tmp_path / "copy.db")
    assert not Path(str(other.url.database)).exists() or Path(str(other.url.database)).stat().st_size == 0
    done = backup.restore(other, tmp_path / "copy.db", without_files=True)

    assert done.missing == [digest]
    with other.reading() as session, pytest.raises(FileDamaged):
        file_store.read(session, digest)
    other.close()


def test_a_backup_names_files_that_the_store_has_lost(sqlite_store: Store, tmp_path: Path) -> None:
    digest, kept = give(sqlite_store, b"lost"), give(sqlite_store, b"kept")
    folder = file_store.folder_beside(sqlite_store.url)
    assert folder is not None
    folder.delete(digest)

    done = backup.backup(sqlite_store, tmp_path / "copy.db")

    assert (done.missing, lying(tmp_path / "files")) == ([digest], {kept})
    assert (tmp_path / "copy.db").exists()


def test_a_backup_while_files_are_given_has_every_file_that_it_names(
    sqlite_store: Store, other: Store, tmp_path: Path
) -> None:
    def write() -> None:
        for number in range(40):
            give(sqlite_store, f"file {number}".encode())

    copies = [tmp_path / f"copy{number}.db" for number in range(3)]
    at_once(write, lambda: [backup.backup(sqlite_store, copy) for copy in copies])

    for copy in copies:
        assert backup.restore(other, copy, replace=True).missing == []
    other.close()


def test_what_was_erased_leaves_the_backups_with_the_last_that_had_it(sqlite_store: Store, tmp_path: Path) -> None:
    gone, stays = give(sqlite_store, b"gone"), give(sqlite_store, b"stays")
    backup.backup(sqlite_store, tmp_path / "old.copy")
    with sqlite_store.transaction() as session:
        file_store.release(session, [gone])
    backup.backup(sqlite_store, tmp_path / "new.copy")

    assert backup.drop_unnamed(tmp_path) == 0
    (tmp_path / "old.copy").unlink()
    assert backup.drop_unnamed(tmp_path) == 1
    assert lying(tmp_path / "files") == {stays}


def test_files_of_postgresql_are_copied_apart_and_put_back(new_postgresql: Callable[[], Store], tmp_path: Path) -> None:
    store = new_postgresql()
    digests = {give(store, f"file {number}".encode()) for number in range(3)}

    assert backup.copy_files(store, tmp_path).copied == 3
    assert backup.copy_files(store, tmp_path).known == 3
    assert lying(tmp_path / "files") == digests
    with store.transaction() as session:  # as `pg_dump --exclude-table-data=file_contents` leaves it
        session.execute(delete(FileContent))

    done = backup.put_files_back(store, tmp_path)

    assert (done.copied, done.missing) == (3, [])
    with store.reading() as session:
        assert [file_store.found(session, digest) for digest in sorted(digests)] == sorted(digests)
