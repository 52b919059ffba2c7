"""`osm-flow backup`: a copy of the database that carries everything, and no file is overwritten."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from osm_flow.store.models import Case
from osm_flow.store.session import Store
from tests.bundles import make_family
from tests.integration.cli.shell import Shell


def test_a_backup_is_counted_and_holds_the_cases(shell: Shell, sqlite_store: Store, tmp_path: Path) -> None:
    case_id = make_family(sqlite_store)
    copy = tmp_path / "copy.db"

    files = {"files_copied": 1, "files_known": 0, "file_bytes": 8, "files_dropped": 0, "files_missing": []}
    assert shell.json("backup", copy) == {"file": str(copy), "bytes": copy.stat().st_size, **files}

    kept = Store(f"sqlite:///{copy}")
    with kept.reading() as session:
        assert case_id in session.scalars(select(Case.id)).all()
    kept.close()


def test_a_second_backup_needs_another_name(shell: Shell, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    said = shell.run("backup", copy).stdout
    assert said.splitlines()[0] == f"{copy}: {copy.stat().st_size} bytes"
    assert said.endswith("0 files copied (0 bytes), 0 there already\n")
    first = copy.read_bytes()

    assert "a backup is never overwritten" in shell.refused("backup", copy)
    assert copy.read_bytes() == first


def test_a_backup_names_the_file_it_is_to_go_to(shell: Shell) -> None:
    assert shell.run("backup").exit_code == 2
