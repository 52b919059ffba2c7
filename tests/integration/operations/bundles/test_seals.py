"""Who signs a bundle, and when nobody does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import make_checkpoint, rotate_key
from osm_flow.operations.audit.signing_keys import Keyring, replace_lost
from osm_flow.operations.background.delivery import deliver_pending
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.cases.comments import comment
from osm_flow.operations.people.hats import actor_named
from osm_flow.store.file_store import folder_beside
from osm_flow.store.models import Case
from osm_flow.store.session import Store
from tests.bundles import Forger, make_family, run_script, verdict_of, write_bundle
from tests.factories import NOW, deploy_tests, later, make_case, make_office, make_person


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def key(keyring: Keyring) -> tuple[str, str]:
    return "--key", str(keyring.folder / "trusted")


def export(store: Store, case_id: str, path: Path, keyring: Keyring | None) -> Path:
    """The bundle as it is written now, without another checkpoint."""
    with store.reading() as session, path.open("wb") as file:
        bundle_writing.write_bundle(session, case_id, file, keyring=keyring)
    return path


def is_signed(path: Path) -> bool:
    return "manifest.sig" in Forger.of(path).files


def say(store: Store, case_id: str, minutes: int) -> None:
    with store.transaction() as session:
        anan = actor_named(session, "anan", NOW.date())
        comment(session, case_id, anan, later(minutes), body="ความเห็น", key=f"c{minutes}")


def test_a_machine_without_the_key_writes_an_unsigned_bundle_that_says_so(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id = make_family(store)
    write_bundle(store, case_id, tmp_path / "signed.zip", keyring)
    elsewhere = Keyring(tmp_path / "other" / "keys", keyring.origin)

    path = write_bundle(store, case_id, tmp_path / "x.zip", elsewhere)

    assert is_signed(tmp_path / "signed.zip")
    assert not is_signed(path)
    assert verdict_of(path, *key) == (1, "does not hold")
    assert "the manifest is not signed" in run_script(path, *key)[1]
    code, told = verdict_of(path, *key, "--allow-newer")
    assert code == 0
    assert told.endswith("NOT PROVEN: where the chains end, and what the files for reading say")


def test_records_that_are_newer_than_the_checkpoint_are_a_fault_unless_they_are_asked_for(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id = make_family(store)
    write_bundle(store, case_id, tmp_path / "signed.zip", keyring)
    say(store, case_id, 70)

    path = export(store, case_id, tmp_path / "newer.zip", keyring)

    assert not is_signed(path)
    code, said = run_script(path, *key)
    assert code == 1
    assert f"case {case_id} record 3: nothing proves this record and those after it" in said
    code, told = verdict_of(path, *key, "--allow-newer")
    assert (code, told.startswith("holds up to record 2 of 3 (2026-11-20T02:06:00.000000Z)")) == (0, True)
    assert "NOT PROVEN" in told
    assert verdict_of(path)[0] == 3


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE journal_records SET actor = 'boss' WHERE seq = 1",
        "UPDATE journal_payloads SET body = replace(body, '1.50', '9.99')",
        "DELETE FROM journal_payloads WHERE seq = 1",
        "UPDATE cases SET title = 'เรื่องอื่น'",
        "UPDATE attachments SET content = CAST('x' AS BLOB), file = NULL",
        "UPDATE files SET place = 'gone'",
        "UPDATE process_definitions SET xml = xml || ' '",
        "DELETE FROM journal_records WHERE seq = 6",
        "UPDATE log_leaves SET hash = 'x' WHERE position = 0",
    ],
)
def test_what_the_office_can_see_is_wrong_it_does_not_sign(
    sqlite_store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path, change: str
) -> None:
    case_id = make_family(sqlite_store)
    write_bundle(sqlite_store, case_id, tmp_path / "signed.zip", keyring)
    with sqlite_store.transaction() as session:
        for (trigger,) in session.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            session.execute(text(f"DROP TRIGGER {trigger}"))
        session.execute(text(change))

    path = export(sqlite_store, case_id, tmp_path / "x.zip", keyring)

    assert not is_signed(path)
    assert verdict_of(path, *key)[0] == 1


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"x"), Path.unlink], ids=["changed", "missing"])
def test_a_file_is_not_as_it_was_kept_it_does_not_sign(
    sqlite_store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    case_id = make_family(sqlite_store)
    write_bundle(sqlite_store, case_id, tmp_path / "signed.zip", keyring)
    folder = folder_beside(sqlite_store.engine.url)
    assert folder is not None
    kept = [folder.path(digest) for digest in folder.digests()]
    for path in kept:
        path.chmod(0o600)
        damage(path)

    path = export(sqlite_store, case_id, tmp_path / "x.zip", keyring)

    assert kept
    assert not is_signed(path)
    assert verdict_of(path, *key)[0] == 1


def test_keys_change_and_bundles_of_before_and_after_hold(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id = make_family(store)
    first = write_bundle(store, case_id, tmp_path / "1.zip", keyring)
    old = tmp_path / "old-key.txt"
    old.write_text((keyring.folder / "trusted").read_text())
    with store.transaction() as session:
        rotate_key(session, later(61), SYSTEM, keyring=keyring)
    second = write_bundle(store, case_id, tmp_path / "2.zip", keyring)
    with store.transaction() as session:
        replace_lost(session, keyring, SYSTEM, later(62), reason="เครื่องหาย")
    say(store, case_id, 70)
    third = write_bundle(store, case_id, tmp_path / "3.zip", keyring)

    for path in (first, second, third):
        assert is_signed(path)
        assert verdict_of(path, *key)[0] == 0
    assert verdict_of(first, "--key", str(old))[0] == 0
    for path in (second, third):  # the old key alone speaks for nothing that came after it
        assert verdict_of(path, "--key", str(old))[0] == 1


# ---- children ----------------------------------------------------------------------------------------------------


def running(store: Store, *, begun: bool) -> tuple[str, str]:
    """A case that called another, which has begun or not; and that one's id."""
    with store.transaction() as session:
        make_office(session)
        deploy_tests(session, "caller", "callee")
        make_person(session, "anan", "osm_strategy")
        case_id = make_case(session, "caller", data={"rate": 1}).id
    if begun:
        deliver_pending(store, later(1), case_id)
    with store.reading() as session:
        child = session.query(Case).filter(Case.parent_case_id == case_id).one_or_none()
        return case_id, child.id if child else ""


def test_a_running_child_is_missed_by_name(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id, child = running(store, begun=True)
    path = write_bundle(store, case_id, tmp_path / "x.zip", keyring)
    assert verdict_of(path, *key)[0] == 0

    forger = Forger.of(path)
    for name in [name for name in forger.files if child in name]:
        del forger.files[name]
    chains = [about for about in forger.manifest["chains"] if about["id"] != child]
    forger.files["manifest.json"] = json.dumps({**forger.manifest, "chains": chains}).encode()
    code, said = run_script(forger.write(tmp_path / "forged.zip"))

    assert code == 1
    assert f"FAULT  case {case_id} record 1: a running child is missing" in said
    assert verdict_of(tmp_path / "forged.zip")[0] == 1


def test_a_child_that_has_not_begun_is_no_fault_and_is_told(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id, _ = running(store, begun=False)

    path = write_bundle(store, case_id, tmp_path / "x.zip", keyring)

    assert len(Forger.of(path).manifest["not_started"]) == 1
    assert verdict_of(path, *key)[0] == 0
    assert "had not begun when the bundle was written" in run_script(path, *key)[1]


def test_a_child_alone_holds_and_its_parent_is_named(
    store: Store, keyring: Keyring, key: tuple[str, str], tmp_path: Path
) -> None:
    case_id, child = running(store, begun=True)

    path = write_bundle(store, child, tmp_path / "x.zip", keyring)

    assert verdict_of(path, *key)[0] == 0
    assert f"case {child} was called by case {case_id}, which is not in the bundle" in run_script(path, *key)[1]


def test_a_proof_of_another_record_than_the_newest_is_a_fault_by_name(
    store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    """A manifest that the office signed would not be one of such a bundle; here the forger signs it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    case_id = make_family(store)
    write_bundle(store, case_id, tmp_path / "signed.zip", keyring)
    say(store, case_id, 70)
    forger = Forger.of(export(store, case_id, tmp_path / "newer.zip", keyring))
    forger.private = Ed25519PrivateKey.generate()
    code, said = run_script(forger.write(tmp_path / "x.zip"))

    assert code == 1
    assert "is not signed by one key of the bundle" in said
    with store.transaction() as session:
        make_checkpoint(session, later(71), SYSTEM, keyring=keyring)
    signing = Forger.of(export(store, case_id, tmp_path / "later.zip", keyring))
    signing.private = keyring.private(keyring.trusted()[0])
    for name in ("checkpoint.txt", "keys.txt", "consistency.json", f"cases/{case_id}/proof.json", "manifest.json"):
        signing.files.pop(name, None)
        if name in forger.files:
            signing.files[name] = forger.files[name]
    for name in [name for name in signing.files if name.endswith("/proof.json")]:
        signing.files[name] = forger.files[name]
    signing.fit_player()
    code, said = run_script(signing.write(tmp_path / "x.zip"), "--key", str(keyring.folder / "trusted"))
    assert code == 1
    assert f"case {case_id} record 3: the manifest is signed, and the proof is one of another record" in said
    assert verdict_of(tmp_path / "x.zip", "--key", str(keyring.folder / "trusted"), "--allow-newer")[0] == 1
