"""`osm-flow db`: tables are made and brought up to date by one command that may be repeated."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from sqlalchemy import text

from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.cases.attachments import GivenFile, attach
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.session import Store
from osm_flow.store.upgrade import _config, newest_revision
from tests.factories import NOW, later, make_case, make_person
from tests.integration.cli.shell import Shell


def test_the_database_is_upgraded_once(tmp_path: Path) -> None:
    shell = Shell(f"sqlite:///{tmp_path / 'var' / 'new.db'}", tmp_path)

    first, second = shell.json("db", "upgrade"), shell.json("db", "upgrade")

    assert first["applied"][0] == "0001"
    assert second == {"applied": [], "revision": first["revision"]}
    assert first["revision"] == first["applied"][-1] == newest_revision()
    shell.store.close()


def test_people_read_whether_there_was_anything_to_do(store: Store, tmp_path: Path) -> None:
    assert Shell(store, tmp_path).run("db", "upgrade").stdout == f"up to date ({newest_revision()})\n"

    with store.engine.execution_options(osm_begin="IMMEDIATE").begin() as connection:
        command.downgrade(_config(connection), "0014")
    assert Shell(store, tmp_path).run("db", "upgrade").stdout == f"upgraded to {newest_revision()}\n"


def test_tables_are_compared_with_their_chains_and_what_is_unproven_is_told(shell: Shell, case_id: str) -> None:
    whole = shell.json("db", "verify")
    assert whole["differences"] == []
    assert {"witnesses", "drafts", "notifications"} <= whole["unproven"].keys()
    assert "0 differences" in shell.run("db", "verify").stdout

    with shell.store.transaction() as session:
        session.execute(text("UPDATE work_items SET on_behalf_of = 'root' WHERE element = 'draft'"))
    result = shell.run("db", "verify")
    assert result.exit_code == 1
    assert "on_behalf_of was recorded as “-” and is “root”" in result.stderr
    assert "on_behalf_of บันทึกไว้ว่า “-” แต่พบ “root”" in result.stderr
    assert "on_behalf_of" in shell.run("case", "verify", "--all").stderr
    assert shell.run("db", "verify", "--only", "comments,attachments").stdout.startswith("2 tables compared, 0 diff")
    assert "No chain proves" in shell.refused("db", "verify", "--only", "notifications")


def test_rows_are_put_back_by_two_people(shell: Shell, case_id: str) -> None:
    with shell.store.transaction() as session:
        for name in ("first", "second"):
            make_person(session, name, "admin", office_id=None)
        audit_log.append_new(session)
        session.execute(text("UPDATE work_items SET on_behalf_of = 'root' WHERE element = 'draft'"))
    asking = ("db", "verify", "--rebuild", "--only", "work_items", "--reason", "ถูกแก้")
    assert "--as" in shell.run(*asking).stderr
    asked = shell.run(*asking, "--as", "first")
    assert "nothing is changed yet" in asked.stdout
    assert "ยังไม่มีการเปลี่ยนแปลงใด" in asked.stdout
    assert "Another administrator" in shell.refused("db", "rebuild", 1, "--as", "first")
    assert [one["id"] for one in shell.json("db", "rebuild", "--as", "second")["items"]] == [1]
    assert shell.run("db", "verify").exit_code == 1

    done = shell.run("db", "rebuild", 1, "--as", "second")
    assert done.exit_code == 0
    assert "1 rows put back, 0 differences left" in done.stdout
    assert "สร้างคืน 1 แถว" in done.stdout
    assert shell.json("db", "verify")["differences"] == []
    assert "already" in shell.refused("db", "rebuild", 1, "--as", "second")
    shell.run(*asking, "--as", "first")
    assert "withdrawn" in shell.run("db", "rebuild", 2, "--as", "first", "--withdraw").stdout


def test_what_cannot_be_put_back_is_named_in_both_languages(shell: Shell, case_id: str) -> None:
    with shell.store.transaction() as session:
        for name in ("first", "second"):
            make_person(session, name, "admin", office_id=None)
        anan = actor_named(session, "anan", NOW.date())
        attach(session, make_case(session).id, anan, later(5), GivenFile("a.txt", b"a"), key=None)
        session.execute(text("UPDATE attachments SET content = 'b'"))
    # Nor does the store of files have it any more.
    with shell.store.transaction() as session:
        session.execute(text("DELETE FROM files"))
    shell.run("db", "verify", "--rebuild", "--reason", "ถูกแก้", "--as", "first")
    done = shell.run("db", "rebuild", 1, "--as", "second")

    assert done.exit_code == 1
    assert "Not put back: what stood there is in no chain: take it from a backup." in done.stderr
    assert "สร้างคืนไม่ได้ เพราะสิ่งที่เคยอยู่ตรงนั้นไม่มีในสายบันทึกใด" in done.stderr
