"""`osm-flow restore`: a backup back into the database, never over cases unless that is said."""

from __future__ import annotations

from pathlib import Path

from osm_flow.store.session import Store
from osm_flow.store.upgrade import newest_revision
from tests.bundles import make_family
from tests.integration.cli.shell import Shell


def test_a_backup_is_restored(shell: Shell, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"

    assert shell.run("backup", copy).exit_code == 0
    assert "--replace" in shell.refused("restore", copy)
    said = shell.run("restore", copy, "--replace").stdout
    assert said == f"restored {copy} ({newest_revision()}), 0 files put back, 1 were there\n"
    assert shell.run("case", "verify", case_id).exit_code == 0


def test_a_database_without_tables_takes_a_backup_and_is_up_to_date(
    shell: Shell, sqlite_store: Store, tmp_path: Path
) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"
    shell.json("backup", copy)
    other = Shell(f"sqlite:///{tmp_path / 'other.db'}", tmp_path)

    files = {"files_copied": 1, "files_known": 0, "file_bytes": 8, "files_missing": []}
    assert other.json("restore", copy) == {"file": str(copy), "revision": newest_revision(), **files}
    assert other.json("case", "show", case_id)["id"] == case_id
    other.store.close()


def test_a_file_that_is_no_backup_changes_nothing(shell: Shell, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    junk = tmp_path / "junk.db"
    junk.write_bytes(b"no database")

    assert "Nothing was changed" in shell.refused("restore", junk, "--replace")
    assert shell.run("restore", tmp_path / "missing.db").exit_code == 2
    assert shell.run("case", "verify", case_id).exit_code == 0
