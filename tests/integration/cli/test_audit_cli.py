"""The audit log and personal data from the command line, as its user meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from osm_flow.cli import root
from osm_flow.cli.context import Context, Mail
from osm_flow.domain.actors import SYSTEM
from osm_flow.operations import witnesses, work_items
from osm_flow.operations.comments import comment
from osm_flow.operations.people import actor_named
from osm_flow.store.models import OutboxEntry
from osm_flow.store.session import Store
from tests.factories import NOW, OFFICE, deploy_unrecorded, items_of, later, make_case, make_office, make_person

NAME = "นายสมชาย ใจดี"
WORD = "command"


class Shell:
    def __init__(self, url: str, folder: Path) -> None:
        self.context = Context(
            database_url=url, data_dir=folder, base_url="https://osm.example.go.th", timezone=ZoneInfo("Asia/Bangkok"),
            mail=Mail("", "osm@example.org"), clock=lambda: later(60), make_app=_no_site,
        )  # fmt: skip

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(root, arguments, obj=self.context)

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)


def _no_site(*_: object) -> Any:
    raise AssertionError("no command here needs the site")


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    return Shell(sqlite_store.engine.url.render_as_string(hide_password=False), tmp_path)


@pytest.fixture
def case_id(sqlite_store: Store) -> str:
    """An ended case in whose second record a name stands."""
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_unrecorded(session, "review")
        for username, role in (("anan", "osm_strategy"), ("boss", "osm_director"), ("root", "admin")):
            make_person(session, username, role)
        anan, boss = (actor_named(session, name, NOW.date()) for name in ("anan", "boss"))
        case = make_case(session)
        draft = items_of(session, case)[0]
        work_items.complete(session, draft.id, anan, NOW, values={"text": f"พบ {NAME}"}, key=None)
        check = items_of(session, case)[0]
        work_items.claim(session, check.id, boss, later(2))
        work_items.complete(session, check.id, boss, later(3), values={"approved": True, "reason": "ดี"}, key=None)
        return case.id


def test_a_checkpoint_is_printed_kept_and_verified(shell: Shell, case_id: str, tmp_path: Path) -> None:
    made = shell.json("audit", "checkpoint")
    said = shell.run("audit", "checkpoint")

    assert made["size"] == 4
    assert said.stdout == made["note"]
    assert made["note"].startswith("osm.example.go.th/journal\n4\n")
    assert [path.read_text(encoding="utf-8") for path in (tmp_path / "checkpoints").iterdir()] == [made["note"]]
    report = shell.json("audit", "verify")
    assert (report["records"], report["checkpoints"], report["unlogged"], report["faults"]) == (4, 1, 0, [])
    assert shell.run("case", "verify", "--all").exit_code == 0


def test_proofs_are_printed_with_all_that_a_stranger_needs(shell: Shell, sqlite_store: Store, case_id: str) -> None:
    shell.json("audit", "checkpoint")
    with sqlite_store.transaction() as session:
        comment(session, case_id, actor_named(session, "boss", NOW.date()), later(9), body="ต่อ", key=None)
    shell.json("audit", "checkpoint")

    proof = shell.json("audit", "prove", case_id, "--record", "2")
    older = shell.json("audit", "prove", case_id, "--size", "4")
    path = shell.json("audit", "consistency", "4", "5")
    assert (proof["seq"], proof["size"], proof["checkpoint"]["size"]) == (2, 5, 5)
    assert json.loads(proof["data"])["case_id"] == case_id
    assert (older["seq"], older["size"], len(older["path"])) == (4, 4, 2)
    assert (path["old"]["size"], path["new"]["size"], len(path["path"])) == (4, 5, 1)
    for wrong in (("prove", "none"), ("prove", case_id, "--record", "9"), ("prove", case_id, "--size", "3"),
                  ("consistency", "3", "5"), ("consistency", "5", "4")):  # fmt: skip
        result = shell.run("audit", *wrong)
        assert result.exit_code == 1, wrong
        assert result.stderr.startswith("Error: ")


def test_a_cut_after_the_checkpoint_ends_with_1(shell: Shell, sqlite_store: Store, case_id: str) -> None:
    shell.json("audit", "checkpoint")
    with sqlite_store.transaction() as session:
        for table in ("journal_records", "journal_payloads"):
            session.execute(text(f"DROP TRIGGER IF EXISTS refuse_delete_of_{table}"))
            session.execute(text(f"DELETE FROM {table} WHERE seq = 4"))  # noqa: S608
        session.execute(text("UPDATE cases SET seq = 3, head = (SELECT hash FROM journal_records WHERE seq = 3)"))
        session.execute(text("UPDATE case_states SET seq = 3"))

    for command in (("audit", "verify"), ("case", "verify", "--all"), ("case", "verify", case_id)):
        result = shell.run(*command)
        assert result.exit_code == 1, command
        assert "record 4: log: the record was logged and is not there any more" in result.stderr


def test_a_witness_checks_the_mail_as_it_came(shell: Shell, sqlite_store: Store, case_id: str, tmp_path: Path) -> None:
    with sqlite_store.transaction() as session:
        witnesses.add_witness(session, OFFICE, SYSTEM, NOW, name="สตง.", email="audit@example.go.th")
    shell.json("audit", "checkpoint")
    with sqlite_store.reading() as session:
        mail = json.loads(session.scalars(select(OutboxEntry.body).where(OutboxEntry.kind == "mail")).one())["body"]
    saved, forged, future = (tmp_path / name for name in ("mail.txt", "forged.txt", "note.txt"))
    saved.write_bytes(mail.replace("\n", "\r\n").encode())
    forged.write_text(mail.replace("\n4\n", "\n9\n"), encoding="utf-8")
    future.write_text("nothing", encoding="utf-8")

    assert shell.run("audit", "verify", "--checkpoint", str(saved)).exit_code == 0
    for path, said in ((forged, "has a wrong signature"), (future, "This is no signed checkpoint")):
        result = shell.run("audit", "verify", "--checkpoint", str(path))
        assert result.exit_code == 1
        assert said in result.stderr


def test_keys_are_listed_rotated_and_replaced(shell: Shell, case_id: str, tmp_path: Path) -> None:
    assert shell.run("audit", "keys", "rotate").exit_code == 1  # there is none yet
    shell.json("audit", "checkpoint")
    shell.json("audit", "keys", "rotate", "--reason", "ครบปี")
    first, second = shell.json("audit", "keys", "list")["items"]
    assert (first["how"], second["how"], second["reason"], second["until"]) == ("first", "rotated", "ครบปี", None)
    assert first["until"] == second["from"]
    (tmp_path / "keys" / f"{second['id']}.pem").unlink()
    assert "not on this machine" in shell.run("audit", "keys", "rotate").stderr
    shell.json("audit", "keys", "new", "--reason", "ดิสก์เสีย")
    result = shell.run("audit", "verify")
    assert result.exit_code == 0
    assert f"replaced the lost key {second['id']}" in result.stderr
    trust = tmp_path / "trust.txt"
    trust.write_text(f"# the first one only\n{first['key']}\n", encoding="utf-8")
    assert shell.run("audit", "verify", "--trust", str(trust)).exit_code == 1
    trust.write_text(shell.run("audit", "keys", "list").stdout, encoding="utf-8")
    assert shell.run("audit", "verify", "--trust", str(trust)).exit_code == 0


def test_personal_data_are_found_asked_for_and_erased(
    shell: Shell, sqlite_store: Store, case_id: str, tmp_path: Path
) -> None:
    found = shell.json("privacy", "find", NAME, "--as", "root")["items"]
    assert [(one["case_id"], one["seq"]) for one in found] == [(case_id, 2)]
    asked = shell.json("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")
    assert asked["left"] == []
    assert shell.run("privacy", "approve", str(asked["id"]), "--as", "root").exit_code == 1
    assert shell.json("privacy", "approve", str(asked["id"]), "--as", "boss")["state"] == "DONE"

    assert shell.json("privacy", "requests")["items"][0]["state"] == "DONE"
    assert NAME.encode() not in Path(str(sqlite_store.url.database)).read_bytes()
    assert shell.run("case", "verify", "--all", "--deep").exit_code == 0
    assert [one["details"] for one in shell.json("privacy", "accesses")["items"]] == [""]


def test_who_asks_for_one_record_is_told_where_else_the_words_stand(shell: Shell, case_id: str) -> None:
    others = shell.json("privacy", "find", WORD, "--as", "root")["items"]
    assert len(others) > 1
    one = f"{others[0]['case_id']}:{others[0]['seq']}"
    asked = shell.json(
        "privacy", "erase", WORD, "--case", case_id, "--record", one, "--reason", "คำขอ 1", "--as", "root"
    )
    assert asked["left"] == [f"{other['case_id']}:{other['seq']}" for other in others[1:]]
    said = shell.run("privacy", "erase", WORD, "--case", case_id, "--record", one, "--reason", "คำขอ 2", "--as", "root")
    assert f"also stand in {len(others) - 1} records" in said.stdout


def test_holds_and_ages_from_the_command_line(shell: Shell, case_id: str) -> None:
    assert shell.json("privacy", "due") == {"items": [], "next": None}
    assert shell.run("privacy", "hold", "--reason", "x", "--as", "root").exit_code == 2
    assert shell.run("privacy", "hold", "--case", case_id, "--reason", "คดี", "--as", "root").exit_code == 0
    refused = shell.run("privacy", "erase", NAME, "--case", case_id, "--reason", "คำขอ 1", "--as", "root")
    assert (refused.exit_code, "legal hold" in refused.stderr) == (1, True)
    assert shell.run("privacy", "lift", "1", "--reason", "จบ", "--as", "root").exit_code == 0
    assert shell.run("privacy", "hold", "--person", "anan", "--reason", "สอบ", "--as", "root").exit_code == 0
    asked = shell.json("privacy", "erase", "-", "--case", case_id, "--whole", "--record", f"{case_id}:4",
                       "--reason", "ครบอายุ", "--as", "root")  # fmt: skip
    assert [item["seq"] for item in asked["items"]] == [4]
    assert shell.json("privacy", "refuse", str(asked["id"]), "--as", "root")["state"] == "WITHDRAWN"
