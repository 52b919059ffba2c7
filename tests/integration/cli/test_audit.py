"""`osm-flow audit`: the log over all journals, its checkpoints, proofs and keys, as their user meets them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit import witnesses
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.ledger import access_chain
from osm_flow.operations.people.hats import actor_named
from osm_flow.operations.people.offices import seed_clusters
from osm_flow.store.models import Access, LoggedCase, OutboxEntry
from osm_flow.store.session import Store
from tests.bundles import Forger, make_book, run_script, verdict_of
from tests.factories import NOW, OFFICE, later, make_person
from tests.integration.cli.shell import PASSWORD, Shell


@pytest.fixture
def shell(an_hour_later: Shell) -> Shell:
    return an_hour_later


# ---- repairing -------------------------------------------------------------------------------------------------


def test_a_log_that_stopped_is_repaired_from_the_command_line(shell: Shell, sqlite_store: Store, case_id: str) -> None:
    shell.json("audit", "checkpoint")
    assert "nothing to repair" in shell.run("audit", "repair", "--reason", "ลอง").stderr
    with sqlite_store.transaction() as session:
        session.execute(update(LoggedCase).where(LoggedCase.case_id == case_id).values(seq=1))
    stopped = shell.run("audit", "checkpoint")

    assert (stopped.exit_code, "an administrator repairs" in stopped.stderr) == (1, True)
    assert shell.run("audit", "repair").exit_code == 2
    assert shell.json("audit", "repair", "--reason", "จดไว้ไม่ตรง") == {"notes": 1, "added": 0}
    assert shell.run("audit", "verify").exit_code == 0
    told = shell.json("audit", "administration", "--kind", "log.repaired")["items"]
    assert told[0]["changes"]["reason"]["new"] == "จดไว้ไม่ตรง"


def test_a_damaged_tree_is_named_and_made_again_from_the_command_line(shell: Shell, case_id: str) -> None:
    with shell.store.transaction() as session:
        for number in range(140):
            comment(session, case_id, actor_named(session, "boss", NOW.date()), later(9), body=str(number), key=None)
    shell.json("audit", "checkpoint")
    with shell.store.transaction() as session:
        session.execute(text("UPDATE log_nodes SET hash = :false WHERE level = 7"), {"false": "0" * 64})

    verified, signing = shell.run("audit", "verify"), shell.refused("audit", "checkpoint")
    exporting = shell.refused("case", "export", case_id, "--bundle", shell.context.data_dir / "x.zip", "--reason", "x")

    assert (verified.exit_code, "osm-flow audit rebuild" in verified.stderr) == (1, True)
    assert "osm-flow audit rebuild" in signing
    assert "osm-flow audit rebuild" in exporting
    assert shell.run("audit", "rebuild").exit_code == 2
    assert "do not allow" in shell.refused("audit", "rebuild", "--reason", "ดิสก์เสีย", "--as", "anan")
    done = shell.run("audit", "rebuild", "--reason", "ดิสก์เสีย")
    assert done.stdout == (
        "1 false and 0 lacking hashes made again from 144 leaves, which lead to all 2 signed roots\n"
    )
    assert "nothing to make again" in shell.refused("audit", "rebuild", "--reason", "อีก")
    assert shell.run("audit", "verify").exit_code == 0
    (told,) = shell.json("audit", "administration", "--kind", "log.rebuilt")["items"]
    assert told["changes"]["reason"]["new"] == "ดิสก์เสีย"


def test_a_tree_that_would_have_to_be_made_up_is_not_made(shell: Shell, case_id: str) -> None:
    shell.json("audit", "checkpoint")
    with shell.store.transaction() as session:
        session.execute(text("DROP TRIGGER refuse_update_of_log_leaves"))
        session.execute(text("UPDATE log_leaves SET hash = :false WHERE position = 2"), {"false": "0" * 64})

    refused = shell.run("audit", "rebuild", "--reason", "ลอง")

    assert refused.exit_code == 1
    assert f"{case_id} record 3: log: the record is not the one that was logged" in refused.stderr
    assert (
        "Error: The leaves of the audit log do not lead to the signed root of 4 records (checkpoint 1 of"
        in refused.stderr
    )
    assert "Nothing was changed" in refused.stderr


# ---- checkpoints and proofs ------------------------------------------------------------------------------------


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


def test_what_is_not_logged_yet_is_told(shell: Shell, case_id: str) -> None:
    assert shell.run("audit", "verify").stdout == (
        "0 records logged (0 of administration, 0 of reads), 0 checkpoints, 4 records not logged yet, 0 faults\n"
    )


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
    told = shell.run("audit", "prove", case_id, "--record", "2").stdout
    assert told.startswith(f"record 2 of {case_id} is leaf 1 of 5\ndata {proof['data']}\nleaf {proof['leaf']}\npath ")
    assert told.endswith(proof["checkpoint"]["note"])
    assert shell.run("audit", "consistency", "4", "5").stdout.splitlines() == [
        f"old 4 {path['old']['root']}",
        f"new 5 {path['new']['root']}",
        f"path {path['path'][0]}",
    ]
    for wrong in (
        ("prove", "none"),
        ("prove", case_id, "--record", "9"),
        ("prove", case_id, "--size", "3"),
        ("consistency", "3", "5"),
        ("consistency", "5", "4"),
    ):
        result = shell.run("audit", *wrong)
        assert result.exit_code == 1, wrong
        assert result.stderr.startswith("Error: ")


def test_nothing_is_proved_before_the_first_checkpoint(shell: Shell, case_id: str) -> None:
    assert "checkpoint" in shell.refused("audit", "prove", case_id)


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


# ---- keys ------------------------------------------------------------------------------------------------------


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


def test_a_list_of_keys_says_which_of_them_are_on_this_machine(shell: Shell, case_id: str, tmp_path: Path) -> None:
    shell.json("audit", "checkpoint")
    shell.json("audit", "keys", "rotate")
    first, second = shell.json("audit", "keys", "list")["items"]

    (tmp_path / "keys" / f"{first['id']}.pem").unlink()

    assert [item["here"] for item in shell.json("audit", "keys", "list")["items"]] == [False, True]
    told = shell.run("audit", "keys", "list").stdout.splitlines()
    assert told == [
        f"{first['key']}  first {first['from']} to {first['until']}",
        f"{second['key']}  rotated {second['from']} to now",
    ]


# ---- administration --------------------------------------------------------------------------------------------


@pytest.fixture
def administered(shell: Shell) -> Shell:
    """After a person was made, given a position, locked and unlocked."""
    with shell.store.transaction() as session:
        seed_clusters(session)
    made = ["create", "anucha", "--name", "อนุชา"], ["give", "anucha", "--role", "osm_me", "--office", "NE-U1"]
    for arguments in (*made, ["password", "anucha"], ["lock", "anucha"], ["unlock", "anucha"]):
        assert shell.run("user", *arguments).exit_code == 0
    return shell


def test_what_commands_change_is_shown_to_auditors(administered: Shell) -> None:
    shown = administered.json("audit", "people")
    of_one = administered.json("audit", "administration", "--kind", "person.locked")
    checked = administered.run("audit", "verify", "--json")

    assert shown["next"] is None
    assert [(item["kind"], item["actor"], item["subject"]) for item in reversed(shown["items"])] == [
        (kind, "system", "anucha")
        for kind in ("person.created", "position.given", "person.password_set", "person.locked", "person.unlocked")
    ]
    assert [item["changes"] for item in of_one["items"]] == [{"locked": {"old": False, "new": True}}]
    assert "locked: False -> True" in administered.run("audit", "people", "--about", "anucha").stdout
    assert PASSWORD not in administered.run("audit", "people").stdout
    assert (checked.exit_code, json.loads(checked.stdout)["administration"]) == (0, 5)


def test_records_of_administration_are_narrowed(administered: Shell) -> None:
    for wanted, count in (
        ("people --about anucha", 5),
        ("people --about nobody", 0),
        ("people --actor system", 5),
        ("people --actor anucha", 0),
        ("administration --kind person.locked --kind person.unlocked", 2),
    ):
        assert len(administered.json("audit", *wanted.split())["items"]) == count, wanted
    assert "Begin at the first one" in administered.refused("audit", "people", "--after", "made-up")
    assert administered.run("audit", "administration", "--kind", "person.hired").exit_code == 2


# ---- whose keys are believed -----------------------------------------------------------------------------------


def test_without_a_trusted_key_the_log_is_not_proven_and_that_is_said(
    shell: Shell, case_id: str, tmp_path: Path
) -> None:
    shell.json("audit", "checkpoint")
    assert shell.json("audit", "verify")["proven"] is True
    (tmp_path / "keys" / "trusted").unlink()

    verified = shell.run("audit", "verify")

    assert verified.exit_code == 3
    assert verified.stdout.strip().endswith("the database's own keys were believed")
    assert "NOT PROVEN" in shell.run("case", "verify", "--all").stderr


@pytest.mark.parametrize("key", ["zz", "", "00", "ff" * 31])
def test_a_stored_key_that_is_none_is_a_fault_and_no_traceback(
    shell: Shell, sqlite_store: Store, case_id: str, key: str
) -> None:
    shell.json("audit", "checkpoint")
    with sqlite_store.transaction() as session:
        for (trigger,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(text("UPDATE signing_keys SET public_key = :key"), {"key": key})

    for command in (("audit", "verify"), ("case", "verify", "--all")):
        result = shell.run(*command)
        assert result.exit_code == 1
        assert isinstance(result.exception, SystemExit), result.exception
        assert "is no key" in result.stderr


# ---- the records of administration as a bundle -----------------------------------------------------------------


def test_the_records_of_administration_leave_as_a_bundle_that_strangers_can_check(
    administered: Shell, tmp_path: Path
) -> None:
    bundle, trusted = tmp_path / "administration.zip", tmp_path / "keys" / "trusted"

    exported = administered.run("audit", "export", "--bundle", bundle, "--reason", "ตรวจประจำปี")

    assert exported.stdout == f"{bundle}: {bundle.stat().st_size} bytes\n", exported.output
    code, told = verdict_of(bundle, "--key", str(trusted))
    forger = Forger.of(bundle)
    (chain,) = forger.manifest["chains"]
    assert (chain["kind"], chain["id"]) == ("administration", "administration")
    assert chain["records"] >= 5
    assert (code, told.startswith(f"holds up to record {chain['records']} of {chain['records']} (")) == (0, True)
    assert administered.run("case", "verify", "--bundle", bundle).exit_code == 0
    with administered.store.reading() as session:
        reads = session.scalars(select(Access).where(Access.kind == "administration.exported")).all()
        assert [(read.actor, read.reason) for read in reads] == [("system", "ตรวจประจำปี")]
    name = "chains/administration/administration/journal.jsonl"
    for change in (
        lambda lines: lines.pop(),
        lambda lines: lines.insert(0, lines[-1]),
        lambda lines: lines.__setitem__(1, lines[1].replace(b"osm_me", b"admin!")),
        lambda lines: lines.__setitem__(1, b"{}"),
    ):
        lines = forger.files[name].splitlines()
        change(lines)
        forged = Forger({**forger.files, name: b"".join(line + b"\n" for line in lines)})
        assert verdict_of(forged.write(tmp_path / "forged.zip"))[0] == 1


def test_the_records_of_reads_leave_in_the_same_way_with_the_words_beside_them(
    administered: Shell, tmp_path: Path
) -> None:
    for number in (1, 2):
        first = tmp_path / f"{number}.zip"
        assert administered.run("audit", "export", "--bundle", first, "--reason", f"เหตุ {number}").exit_code == 0
    bundle, key = tmp_path / "reads.zip", ("--key", str(tmp_path / "keys" / "trusted"))

    exported = administered.run("audit", "export", "--chain", "reads", "--bundle", bundle, "--reason", "ตรวจ")

    assert exported.exit_code == 0, exported.output
    forger = Forger.of(bundle)
    (chain,) = forger.manifest["chains"]
    code, told = verdict_of(bundle, *key)
    assert (code, told.startswith(f"holds up to record {chain['records']} of {chain['records']} (")) == (0, True)
    texts = forger.files["chains/reads/reads/payloads.jsonl"].decode()
    assert "เหตุ 1" in texts
    assert "เหตุ 2" in texts
    assert verdict_of(bundle)[0] == 3
    changed = Forger({**forger.files, "chains/reads/reads/payloads.jsonl": texts.replace("เหตุ 1", "เหตุ 9").encode()})
    assert verdict_of(changed.write(tmp_path / "forged.zip"))[0] == 1


def test_a_book_leaves_by_its_name_and_is_verified_like_every_bundle(administered: Shell, tmp_path: Path) -> None:
    name = make_book(administered.store)
    bundle, key = tmp_path / "book.zip", ("--key", str(tmp_path / "keys" / "trusted"))
    asked = ("audit", "export", "--chain", name, "--bundle", bundle)

    administered.refused(*asked)
    assert not bundle.exists()
    assert administered.run("audit", "export", "--chain", "minutes", "--bundle", bundle, "--reason", "x").exit_code == 2
    unknown = administered.run("audit", "export", "--chain", "letters/NE-U1/2571", "--bundle", bundle, "--reason", "x")
    assert (unknown.exit_code, "There is no book letters/NE-U1/2571" in unknown.stderr) == (1, True), unknown.output
    exported = administered.run(*asked, "--reason", "ตรวจทะเบียน")

    assert exported.stdout == f"{bundle}: {bundle.stat().st_size} bytes\n", exported.output
    assert verdict_of(bundle, *key) == (0, "holds up to record 6 of 6 (2026-11-20T02:06:00.000000Z)")
    checked = administered.run("case", "verify", "--bundle", bundle)
    assert (checked.exit_code, "2 texts beside it gone" in checked.output) == (0, True), checked.output
    with administered.store.reading() as session:
        (read,) = session.scalars(select(Access).where(Access.kind == "book.exported")).all()
    assert (read.subject, read.reason) == (name, "ตรวจทะเบียน")


def test_what_was_erased_beside_the_records_of_reads_is_told_and_no_fault(administered: Shell, tmp_path: Path) -> None:
    administered.run("audit", "export", "--bundle", tmp_path / "1.zip", "--reason", "เหตุ 1")
    with administered.store.transaction() as session:
        read = session.scalars(select(Access)).one()
        access_chain.erase(session, NOW + timedelta(hours=2), access_chain.BodyTable.reads, "reason", [read.id])
    bundle = tmp_path / "reads.zip"

    administered.run("audit", "export", "--chain", "reads", "--bundle", bundle, "--reason", "ตรวจ")

    assert verdict_of(bundle, "--key", str(tmp_path / "keys" / "trusted"))[0] == 0
    assert "1 texts beside it gone" in run_script(bundle)[1]
    assert "เหตุ 1" not in "".join(content.decode() for content in Forger.of(bundle).files.values())


def test_only_who_sees_the_audit_of_all_exports_the_records_of_administration(
    administered: Shell, tmp_path: Path
) -> None:
    with administered.store.transaction() as session:
        make_person(session, "malee", "auditor", office_id=None)
        make_person(session, "somsri", "auditor", office_id="NE-U1")
    bundle = tmp_path / "administration.zip"
    asked = ("audit", "export", "--bundle", bundle)

    administered.refused(*asked, "--as", "somsri", "--reason", "ตรวจ")
    administered.refused(*asked, "--as", "malee")
    assert not bundle.exists()
    assert administered.run(*asked, "--as", "malee", "--reason", "ตรวจ").exit_code == 0
