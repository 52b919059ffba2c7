"""A bundle holds a case with all that proves it, and is the same bytes for the same state."""

from __future__ import annotations

import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.domain.access.policy import NotYourRole
from osm_flow.operations.audit.log import append_new
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.ledger.access_log import ExportReasonMissing
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, Checked, record
from osm_flow.operations.privacy import sensitivity
from osm_flow.store.models import Access, Case
from osm_flow.store.sensitive_cases import narrow, with_reasons
from osm_flow.store.session import Store
from tests.bundles import (
    Forger,
    keys_of,
    make_family,
    product_faults,
    run_script,
    run_script_alone,
    write_bundle,
)
from tests.factories import NOW, later, make_case, make_person


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys", "osm.example.go.th/journal")


@pytest.fixture
def trusted(keyring: Keyring) -> Path:
    return keyring.folder / "trusted"


def test_a_bundle_holds_everything_and_both_checkers_pass_it(
    store: Store, keyring: Keyring, trusted: Path, tmp_path: Path
) -> None:
    case_id = make_family(store)
    path = write_bundle(store, case_id, tmp_path / "case.zip", keyring)

    bundle = Forger.of(path)
    parent, child = bundle.ids()
    assert parent == case_id
    for folder in (f"cases/{parent}", f"cases/{child}"):
        for name in ("case.json", "journal.jsonl", "payloads.jsonl", "states.jsonl", "proof.json"):
            assert f"{folder}/{name}" in bundle.files
    names = {name.partition("/")[0] for name in bundle.files}
    assert {
        "manifest.json",
        "README.txt",
        "verify.py",
        "player.html",
        "checkpoint.txt",
        "keys.txt",
        "attachments",
    } <= names
    assert product_faults(path) == []
    assert product_faults(path, keys_of(trusted)) == []
    assert run_script(path)[0] == 3
    code, said = run_script_alone(path, "--key", str(trusted))
    assert (code, said.splitlines()[-1]) == (
        0,
        "RESULT holds up to record 2 of 2 (2026-11-20T02:06:00.000000Z); 1 more chains: 6 of 6 records",
    )
    assert "signed by osm.example.go.th/journal: holds" in said
    assert "1 payloads erased" in said


def test_the_same_state_gives_the_same_bytes(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    case_id = make_family(store)

    first = write_bundle(store, case_id, tmp_path / "1.zip", keyring).read_bytes()

    assert write_bundle(store, case_id, tmp_path / "2.zip", keyring).read_bytes() == first


def test_without_payloads_nothing_typed_is_in_it_and_the_rest_verifies(
    store: Store, keyring: Keyring, trusted: Path, tmp_path: Path
) -> None:
    case_id = make_family(store)
    path = write_bundle(store, case_id, tmp_path / "case.zip", keyring, payloads=False)

    everything = b"".join(Forger.of(path).files.values()).decode()
    for typed in ("งานแม่", "1.50", "คุณanan", "a.csv", "คำขอตาม PDPA"):
        assert typed not in everything
    assert product_faults(path, keys_of(trusted)) == []
    assert run_script(path, "--key", str(trusted))[0] == 0


def test_erased_texts_are_in_no_later_bundle(store: Store, keyring: Keyring, tmp_path: Path) -> None:
    path = write_bundle(store, make_family(store), tmp_path / "case.zip", keyring)

    assert "ชื่อของผู้ร้อง" not in b"".join(Forger.of(path).files.values()).decode()


def test_without_a_key_there_is_no_checkpoint_and_that_is_said(store: Store, tmp_path: Path) -> None:
    path = write_bundle(store, make_family(store), tmp_path / "case.zip", None)

    code, said = run_script(path)

    assert code == 3
    assert said.splitlines()[-1] == "RESULT nothing wrong was found, but it is NOT PROVEN: nobody signed it"
    assert "no checkpoint" in said
    assert product_faults(path) == []
    assert Forger.of(path).manifest["checkpoint"] is None


def test_an_unpacked_bundle_is_checked_too(store: Store, keyring: Keyring, trusted: Path, tmp_path: Path) -> None:
    path = write_bundle(store, make_family(store), tmp_path / "case.zip", keyring)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)

    assert run_script(folder, "--key", str(trusted))[0] == 0
    journal = next(folder.rglob("journal.jsonl"))
    journal.write_bytes(journal.read_bytes().replace(b"anan", b"boss").replace(b"system", b"sistem"))
    assert run_script(folder)[0] == 1


@pytest.mark.parametrize("before", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("behind", [b"", b"PK or not", bytes(40)])
def test_nothing_hides_before_or_behind_the_archive(
    store: Store, keyring: Keyring, trusted: Path, tmp_path: Path, before: bytes, behind: bytes
) -> None:
    path = write_bundle(store, make_family(store), tmp_path / "case.zip", keyring)
    path.write_bytes(before + path.read_bytes() + behind)

    code, said = run_script(path, "--key", str(trusted))

    is_whole = not before and not behind
    assert code == (0 if is_whole else 1)
    assert ("bytes before or behind" in said) is not is_whole
    assert [fault for fault in product_faults(path) if "bytes before or behind" not in fault] == []
    assert bool(product_faults(path)) is not is_whole


def test_a_bundle_without_a_manifest_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "manifest.json is missing" in run_script(tmp_path / "empty")[1]


def test_who_may_not_see_the_audit_may_not_export(store: Store, keyring: Keyring) -> None:
    case_id = make_family(store)
    with store.transaction() as session:
        worker = make_person(session, "worker", "osm_strategy")
        auditor = make_person(session, "auditor", "auditor")

        with pytest.raises(NotYourRole):
            bundle_writing.prepare_export(session, case_id, worker, NOW, reason="อยากรู้", keyring=keyring)
        with pytest.raises(ExportReasonMissing):
            bundle_writing.prepare_export(session, case_id, auditor, NOW, reason=" ", keyring=keyring)
        assert (
            bundle_writing.prepare_export(session, case_id, auditor, NOW, reason="ตรวจ", keyring=keyring).id == case_id
        )
        read = session.scalars(select(Access)).one()
    assert (read.kind, read.actor, read.reason) == ("case.exported", "auditor", "ตรวจ")


def test_the_player_needs_no_network_and_no_text_can_break_out_of_its_data(
    store: Store, keyring: Keyring, tmp_path: Path
) -> None:
    page = (
        Forger.of(write_bundle(store, make_family(store), tmp_path / "case.zip", keyring)).files["player.html"].decode()
    )

    assert "default-src 'none'" in page
    assert "src=" not in page.partition('id="data">')[0]
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert "<" not in data
    assert "งานแม่" in data


def test_a_case_that_began_between_two_checkpoints_is_exported_with_its_proof(
    store: Store, keyring: Keyring, trusted: Path, tmp_path: Path
) -> None:
    """Logged already, and newer than the newest checkpoint."""
    write_bundle(store, make_family(store), tmp_path / "first.zip", keyring)
    with store.transaction() as session:
        case_id = make_case(session, "callee").id
    with store.transaction() as session:
        append_new(session)

    path = write_bundle(store, case_id, tmp_path / "second.zip", keyring)

    assert run_script(path, "--key", str(trusted))[0] == 0
    assert Forger.of(path).manifest["checkpoint"] is not None


def test_no_bundle_leaves_without_a_sensitive_case_below(
    store: Store, keyring: Keyring, trusted: Path, tmp_path: Path
) -> None:
    parent_id = make_family(store)
    with store.transaction() as session:
        child = session.scalars(select(Case).where(Case.parent_case_id == parent_id)).one()
        sensitivity.mark(session, child.id, SYSTEM, NOW, reason="เรื่องร้องเรียน")
        auditor, root = make_person(session, "seer", "auditor"), make_person(session, "root", "admin")
    for actor in (auditor, root):
        with store.transaction() as session:
            narrow(session, actor)
            with pytest.raises(bundle_writing.ClosedBelow):
                bundle_writing.prepare_export(session, parent_id, actor, NOW, reason="ตรวจ", keyring=keyring)

    with store.transaction() as session:
        sensitivity.say_why(session, child.id, auditor, NOW, reason="ตามหนังสือร้องเรียน")
    with store.transaction() as session:
        seeing = with_reasons(session, auditor, NOW)
        narrow(session, seeing)
        bundle_writing.prepare_export(session, parent_id, seeing, NOW, reason="ตรวจ", keyring=keyring)
        exported = session.scalars(select(Access.case_id).where(Access.kind == "case.exported")).all()
    assert sorted(exported) == sorted([parent_id, child.id])
    path = write_bundle(store, parent_id, tmp_path / "case.zip", keyring)
    assert Forger.of(path).ids() == [parent_id, child.id]
    assert product_faults(path, keys_of(trusted)) == []


# ---- many records ------------------------------------------------------------------------------------------------


def test_what_is_kept_on_the_disk_while_it_is_written_gives_the_same_bytes(
    store: Store, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.transaction() as session:
        for number in range(300):
            act = AdminAct(AdminKind.holiday_set, f"{number}", old={"n": number}, new={"n": "ก" * 500})
            record(session, SYSTEM, later(number), act)
        bundle_writing.prepare_chain_export(
            session, "administration", SYSTEM, later(400), reason="ตรวจ", keyring=keyring
        )

    def written(name: str) -> bytes:
        with store.reading() as session, (tmp_path / name).open("wb") as file:
            assert bundle_writing.write_chain_bundle(session, "administration", file, keyring=keyring) is None
        return (tmp_path / name).read_bytes()

    in_memory = written("1.zip")
    monkeypatch.setattr(bundle_writing, "_IN_MEMORY", 100)

    assert written("2.zip") == in_memory
    assert product_faults(tmp_path / "2.zip", keys_of(keyring.folder / "trusted")) == []


def test_the_records_of_a_book_are_not_gathered_in_memory(
    sqlite_store: Store, keyring: Keyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """10,000 records of a kilobyte, as the database would give them one after another."""

    def many(*_: object) -> Iterator[tuple[dict[str, object], list[dict[str, object]]]]:
        for number in range(10_000):
            hash_ = sha256(str(number).encode()).hexdigest()
            yield {"seq": number + 1, "hash": hash_, "prev_hash": hash_, "kind": hash_ * 14}, []

    book = replace(bundle_writing.BOOKS["administration"], exported=many, checked=lambda _: Checked(10_000, []))
    monkeypatch.setattr(bundle_writing, "BOOKS", {"administration": book})
    with sqlite_store.reading() as session, (tmp_path / "many.zip").open("wb") as file:
        tracemalloc.start()
        bundle_writing.write_chain_bundle(session, "administration", file, keyring=keyring)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < 12 << 20
    with zipfile.ZipFile(tmp_path / "many.zip") as archive:
        assert archive.getinfo("chains/administration/administration/journal.jsonl").file_size > 10_000_000
