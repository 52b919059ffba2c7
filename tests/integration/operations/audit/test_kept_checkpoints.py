"""A database that went back to an older copy: the machine does not sign over what it signed, until a person says so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM, Actor
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.domain.kinds import in_language
from osm_flow.domain.merkle_note import Head
from osm_flow.operations.audit import checkpoints, kept_checkpoints, signing_keys
from osm_flow.operations.audit import log as audit_log
from osm_flow.operations.audit.checkpoints import NothingTurnedBack
from osm_flow.operations.audit.kept_checkpoints import LogTurnedBack
from osm_flow.operations.audit.merkle_tree import LogTree
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.background.leases import Tally
from osm_flow.operations.ledger.admin_journal import changes_of
from osm_flow.operations.reasons import ReasonMissing
from osm_flow.store.models import AdminRecord, Incident
from osm_flow.store.session import Store
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person
from tests.integration.cli.shell import Shell


@pytest.fixture
def shell(sqlite_store: Store, tmp_path: Path) -> Shell:
    """An installation that signed, was backed up, went on and signed again; `older.db` is the backup."""
    shell = Shell(sqlite_store, tmp_path)
    with sqlite_store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_person(session, "ekachai", "admin", office_id=None)
        make_person(session, "somchai", "osm_strategy")
        make_case(session)
    shell.json("audit", "checkpoint")
    shell.json("backup", tmp_path / "older.db")
    for _ in range(2):
        _begin(sqlite_store)
        shell.json("audit", "checkpoint")
    return shell


def _begin(store: Store) -> None:
    with store.transaction() as session:
        make_case(session, now=later(5))


def _go_back(shell: Shell) -> None:
    shell.json("restore", shell.context.data_dir / "older.db", "--replace")


def _actor(store: Store, name: str) -> Actor:
    with store.transaction() as session:
        return make_person(session, name, "admin", office_id=None)


@pytest.mark.parametrize("goes_on", [0, 1, 2, 5])
def test_after_a_restore_nothing_is_signed_however_far_the_work_goes_on(shell: Shell, goes_on: int) -> None:
    """Shorter than what was signed, as long, and longer."""
    _go_back(shell)
    for _ in range(goes_on):
        _begin(shell.store)
    before = {path: path.read_bytes() for path in shell.context.keyring.copies.rglob("*.txt")}

    for refused in (("audit", "checkpoint"), ("audit", "keys", "rotate")):
        assert "that the database does not continue" in shell.refused(*refused)
    assert checkpoints.sign_daily(shell.store, later(60 * 24), "a", shell.context.keyring) == Tally(left=1)

    assert {path: path.read_bytes() for path in shell.context.keyring.copies.rglob("*.txt")} == before
    with shell.store.reading() as session:
        (incident,) = session.scalars(select(Incident)).all()
    assert (incident.case_id, incident.kind) == (None, "signing")
    assert "accept-older" in incident.message


def test_work_and_exports_go_on_meanwhile(shell: Shell, tmp_path: Path) -> None:
    _go_back(shell)
    _begin(shell.store)
    (case,) = [item["id"] for item in shell.json("case", "list")["items"]][:1]

    exported = shell.run("case", "export", case, "--bundle", tmp_path / "case.zip", "--reason", "ตรวจ")

    assert exported.exit_code == 0, exported.output


def test_it_is_done_where_the_key_to_sign_with_lies_on_another_machine(shell: Shell) -> None:
    _go_back(shell)
    (private,) = shell.context.keyring.folder.glob("*.pem")
    private.rename(private.with_suffix(".away"))

    told = shell.run("audit", "accept-older", "--reason", "กู้จากสำรอง", "--as", "ekachai")

    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("2 checkpoints set aside in ")
    assert "the log is not signed yet: The private key" in told.stderr
    assert "there is nothing to accept" in shell.refused("audit", "accept-older", "--reason", "x", "--as", "ekachai")


def test_a_person_who_says_so_with_a_reason_has_it_signed_on_and_recorded(shell: Shell) -> None:
    _go_back(shell)
    _begin(shell.store)

    report = shell.json("audit", "accept-older", "--reason", "ดิสก์เสีย กู้จากสำรองเมื่อวาน", "--as", "ekachai")

    assert report["set_aside"] == 2
    with shell.store.reading() as session:
        record = session.scalars(select(AdminRecord).where(AdminRecord.kind == "log.turned_back")).one()
        changes = changes_of(record)
    assert (record.actor, changes["reason"]["new"]) == ("ekachai", "ดิสก์เสีย กู้จากสำรองเมื่อวาน")
    assert changes["records"]["old"] > 0
    assert changes["checkpoints"] == {"old": 2, "new": 0}
    set_aside = list(Path(report["folder"]).glob("0*.txt"))
    assert len(set_aside) == 2
    verified = shell.run("audit", "verify")
    assert verified.exit_code == 0, verified.stderr
    assert "2 checkpoints were set aside: ดิสก์เสีย กู้จากสำรองเมื่อวาน" in verified.stderr
    _begin(shell.store)
    assert shell.json("audit", "checkpoint")["size"] > report["checkpoint"]["size"]


def _incidents(store: Store) -> list[Incident]:
    with store.reading() as session:
        return list(session.scalars(select(Incident).order_by(Incident.id)))


def test_the_scheduler_says_that_it_could_not_sign_and_the_incident_ends_when_it_can(shell: Shell) -> None:
    _go_back(shell)
    _begin(shell.store)

    refused = shell.run("scheduler", "--once")

    assert refused.exit_code == 1
    assert "checkpoints could not run: This machine keeps a checkpoint" in refused.stderr
    assert "failures 1; more is left to do" in refused.output
    (opened,) = _incidents(shell.store)
    assert opened.resolved_at is None
    assert "เครื่องนี้เก็บจุดตรวจ" in in_language(opened.kind, opened.message, "th")
    assert "This machine keeps" in in_language(opened.kind, opened.message, "en")

    shell.json("audit", "accept-older", "--reason", "กู้คืน", "--as", "ekachai")

    (settled,) = _incidents(shell.store)
    assert (settled.resolved_by, settled.note) == ("system", "ลงนามได้อีกครั้งแล้ว (the audit log is signed again)")
    with shell.store.reading() as session:
        kinds = [(row.kind, row.actor) for row in session.scalars(select(AdminRecord).order_by(AdminRecord.seq))]
    assert kinds[-2:] == [("log.turned_back", "ekachai"), ("system_incident.resolved", "system")]
    assert shell.json("scheduler", "--once")["unfinished"] is False
    assert len(_incidents(shell.store)) == 1


def test_the_incident_ends_by_itself_when_the_newer_database_comes_back(shell: Shell, tmp_path: Path) -> None:
    """By the sweep, without waiting for the evening, and once."""
    _go_back(shell)
    keyring = shell.context.keyring
    checkpoints.sign_daily(shell.store, later(10), "a", keyring)
    for path in keyring.copies.glob("0*.txt"):  # as if they had been put there by mistake
        path.rename(tmp_path / path.name)

    assert checkpoints.sign_daily(shell.store, later(11), "a", keyring) == Tally(done=1)
    assert checkpoints.sign_daily(shell.store, later(12), "a", keyring) == Tally()
    (settled,) = _incidents(shell.store)
    assert settled.resolved_at == later(11)


def test_another_machine_does_not_say_that_this_one_can_sign(shell: Shell, tmp_path: Path) -> None:
    """What only the folder of one machine tells is over when that machine says so."""
    _go_back(shell)
    keyring = shell.context.keyring
    other = Keyring(tmp_path / "other" / "keys", keyring.origin)
    shutil.copytree(keyring.folder, other.folder)
    checkpoints.sign_daily(shell.store, later(10), "a", keyring)

    for minute in range(11, 20, 2):
        checkpoints.sign_daily(shell.store, later(60 * 24 + minute), "b", other)
        checkpoints.sign_daily(shell.store, later(60 * 24 + minute + 1), "a", keyring)

    assert [row.resolved_at for row in _incidents(shell.store)] == [None]


def test_whoever_holds_the_checkpoints_set_aside_still_sees_it(shell: Shell) -> None:
    _go_back(shell)
    report = shell.json("audit", "accept-older", "--reason", "กู้คืน", "--as", "ekachai")
    kept = max(Path(report["folder"]).glob("0*.txt"))

    assert shell.run("audit", "verify", "--checkpoint", kept).exit_code == 1


def test_going_back_twice_is_to_be_said_twice(shell: Shell) -> None:
    for _ in range(2):
        _go_back(shell)
        shell.refused("audit", "checkpoint")
        shell.json("audit", "accept-older", "--reason", "กู้คืน", "--as", "ekachai")
    assert "there is nothing to accept" in shell.refused("audit", "accept-older", "--reason", "x", "--as", "ekachai")


def test_only_an_administrator_with_a_reason_may_say_so(shell: Shell) -> None:
    _go_back(shell)

    shell.refused("audit", "accept-older", "--reason", "กู้คืน", "--as", "somchai")
    shell.refused("audit", "accept-older", "--reason", " ", "--as", "ekachai")
    shell.refused("audit", "accept-older", "--reason", "กู้คืน", "--as", "nobody")
    assert "does not continue" in shell.refused("audit", "checkpoint")


def test_a_log_that_went_on_and_what_is_not_ours_in_the_folder_stop_nothing(shell: Shell) -> None:
    keyring = shell.context.keyring
    for path in keyring.copies.glob("*.txt"):
        shutil.copyfile(path, path.with_name(f"9{path.name[1:]}"))  # by its name the largest, not by what is signed
    (keyring.copies / "notes.txt").write_text("ของเจ้าหน้าที่", encoding="utf-8")
    (keyring.copies / f"{10**11}-x.txt").write_text("osm.example.go.th/journal\n999\nAAAA\n", encoding="utf-8")
    _begin(shell.store)

    shell.json("audit", "checkpoint")
    with shell.store.transaction() as session:
        assert kept_checkpoints.contradicting(LogTree(session), keyring) == []


def test_on_both_databases_the_log_must_continue_what_is_kept(store: Store, tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys", "osm.example.go.th/journal")
    admin = _actor(store, "ekachai")
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "review")
        make_case(session)
    with store.transaction() as session:
        checkpoints.sign_and_send(session, NOW, SYSTEM, keyring=keyring)
    checkpoints.keep_copies(store, keyring)
    with store.transaction() as session:
        # As the log of the machine would be in an older copy: it has less than was signed.
        with pytest.raises(NothingTurnedBack):
            checkpoints.accept_older(session, keyring, admin, NOW, reason="x")
        with pytest.raises(NotYourRole):
            checkpoints.accept_older(session, keyring, make_person(session, "kanya"), NOW, reason="x")
        with pytest.raises(ReasonMissing):
            checkpoints.accept_older(session, keyring, admin, NOW, reason=" ")
    (copy,) = keyring.copies.glob("*.txt")
    head = next(kept_checkpoints.kept_checkpoints(keyring)).head
    copy.write_text(str(_signed_over(keyring, head.size + 7)), encoding="utf-8")

    with store.transaction() as session, pytest.raises(LogTurnedBack):
        audit_log.make_checkpoint(session, later(1), SYSTEM, keyring=keyring)
    with store.transaction() as session:
        assert len(checkpoints.accept_older(session, keyring, admin, NOW, reason="กู้คืน")) == 1


def _signed_over(keyring: Keyring, size: int) -> object:
    (key,) = keyring.trusted()
    return signing_keys.sign(str(Head(key.name, size, bytes(32))), key, keyring)
