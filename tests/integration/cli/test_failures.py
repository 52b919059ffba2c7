"""A database or a file that cannot be used: one sentence, exit code 1, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from osm_flow.cli import failures
from osm_flow.store.upgrade import newest_revision
from tests.integration.cli.shell import Shell


@pytest.mark.parametrize("command", [["case", "list"], ["audit", "verify"], ["user", "list"], ["timer", "list"]])
def test_a_database_without_tables_says_what_to_run(tmp_path: Path, command: list[str]) -> None:
    said = Shell(f"sqlite:///{tmp_path}/new.db", tmp_path).refused(*command)
    assert "no tables yet" in said
    assert "osm-flow db upgrade" in said


def test_tables_of_an_older_version_say_what_to_run(shell: Shell) -> None:
    with shell.store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        session.execute(text("ALTER TABLE cases RENAME COLUMN title TO old_title"))
    said = shell.refused("case", "list")
    assert "0001" in said
    assert newest_revision() in said
    assert "osm-flow db upgrade" in said


def test_tables_of_a_newer_version_say_so(shell: Shell) -> None:
    with shell.store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        session.execute(text("ALTER TABLE cases RENAME COLUMN title TO new_title"))
    assert "newer than this program" in shell.refused("case", "list")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(bytes(range(256)) * 20)
    junk = Shell(f"sqlite:///{tmp_path}/junk.db", tmp_path)
    for command in (["case", "list"], ["db", "upgrade"], ["backup", str(tmp_path / "copy.db")]):
        assert "file is not a database" in junk.refused(*command)
    assert not list(tmp_path.glob("copy*"))


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    said = Shell(f"sqlite:///{tmp_path}/x.db", tmp_path / "file" / "var").refused("case", "list")
    assert "file" in said
    assert "Not a directory" in said


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    said = Shell("postgresql+psycopg://nobody@127.0.0.1:1/nothing", tmp_path).run("case", "list")
    assert said.exit_code == 1
    assert said.stderr.startswith("Error: The database cannot be used: ")


def test_a_backup_into_a_missing_folder_names_the_folder(shell: Shell, tmp_path: Path) -> None:
    said = shell.refused("backup", str(tmp_path / "missing" / "copy.db"))
    assert "missing" in said
    assert "No such file or directory" in said


def test_a_bundle_into_a_missing_folder_is_no_export(shell: Shell, tmp_path: Path) -> None:
    target = tmp_path / "missing" / "x.zip"
    said = shell.refused("case", "export", "any", "--bundle", str(target), "--reason", "ตรวจ")
    assert "missing" in said
    # Of a case that does not exist nothing is left lying about either.
    assert "There is no such case" in shell.refused(
        "case", "export", "any", "--bundle", str(tmp_path / "x.zip"), "--reason", "ตรวจ"
    )
    assert not list(tmp_path.glob("x.zip*"))


def test_keys_that_are_no_text(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in shell.refused("audit", "verify", "--trust", str(tmp_path / "keys.txt"))


def test_a_fault_of_the_program_keeps_its_traceback(shell: Shell) -> None:
    fault = IntegrityError("INSERT", {}, type("IntegrityError", (Exception,), {})("unique"))
    assert failures.sentence_for(fault, shell.context) is None
    assert failures.sentence_for(RuntimeError("a bug"), shell.context) is None
