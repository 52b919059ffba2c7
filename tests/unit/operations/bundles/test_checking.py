"""Checking a bundle: each kind of forgery has its fault, and an honest bundle says what its proof is worth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from osm_flow.domain.merkle_note import VerifierKey
from osm_flow.operations.audit.merkle_tree import root_of
from osm_flow.operations.bundles.checking import BundleReport, check_bundle
from tests import rfc6962
from tests.bundles import GOLDEN, Forger, keys_of

KEPT = GOLDEN / "recommendation.zip"
ORIGIN = "golden.osm-flow.example/journal"
TRUSTED = keys_of(GOLDEN / "keys.txt")


def path_to(leaves: list[bytes], position: int) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1, over leaf hashes."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if position < split:
        return [*path_to(leaves[:split], position), rfc6962.root_of(leaves[split:])]
    return [*path_to(leaves[split:], position - split), rfc6962.root_of(leaves[:split])]


@pytest.mark.parametrize("size", [*range(1, 18), 31, 32, 33])
def test_an_inclusion_proof_leads_to_the_root(size: int) -> None:
    data = [bytes([number]) for number in range(size)]
    leaves = [rfc6962.leaf_hash(leaf) for leaf in data]
    root = rfc6962.root_of(leaves)

    for position in range(size):
        path = path_to(leaves, position)
        assert root_of(data[position], position, size, path) == root
        assert root_of(b"other", position, size, path) != root
        assert root_of(data[position], position, size, [*path, root]) is None
        if path:
            assert root_of(data[position], position, size, path[:-1]) is None
    assert root_of(data[0], size, size, path_to(leaves, 0)) is None
    assert root_of(data[0], -1, size, path_to(leaves, 0)) is None


# ---- honest ------------------------------------------------------------------------------------------------------


def test_an_honest_bundle_is_proved_by_the_key_that_is_trusted() -> None:
    report = check_bundle(KEPT, trusted=TRUSTED, replaying=True)

    assert (report.faults, report.notes, report.signers) == ([], [], [ORIGIN])
    assert [(case.is_complete, case.compared) for case in report.cases] == [(True, 15)]


def test_a_key_from_inside_proves_nothing_about_who_signed() -> None:
    report = check_bundle(KEPT)

    assert (report.faults, [case.compared for case in report.cases], report.signers) == ([], [0], [ORIGIN])
    assert report.notes == ["the key is from inside the bundle: it proves nothing about who signed"]


def test_a_stranger_s_key_did_not_sign() -> None:
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw()

    report = check_bundle(KEPT, trusted=[VerifierKey(ORIGIN, public)])

    assert [(fault.code, fault.message) for fault in report.faults] == [
        ("signature", "the checkpoint is not signed by a trusted key")
    ]
    assert report.signers == []


# ---- forged ------------------------------------------------------------------------------------------------------


@pytest.fixture
def forger() -> Forger:
    return Forger.of(KEPT)


def checked(forger: Forger, folder: Path, **more: Any) -> BundleReport:
    return check_bundle(forger.write(folder / "forged.zip"), **more)


def change(forger: Forger, name: str, **values: Any) -> None:
    """Other values in a JSON file of the case, or of the bundle."""
    path = name if name in forger.files else f"cases/{forger.ids()[0]}/{name}"
    forger.files[path] = rfc8785.dumps({**json.loads(forger.files[path]), **values}) + b"\n"


def drop(forger: Forger, *names: str) -> None:
    for name in names:
        forger.files.pop(name if name in forger.files else f"cases/{forger.ids()[0]}/{name}")


def edit(name: str, act: Callable[[list[dict[str, Any]]], None]) -> Callable[[Forger], None]:
    return lambda forger: forger.edit(forger.ids()[0], act, name)


def change_body(number: int, act: Callable[[dict[str, Any]], None]) -> Callable[[Forger], None]:
    """Another payload, with every digest and hash made to fit it."""

    def forge(forger: Forger) -> None:
        def rewrite(lines: list[dict[str, Any]]) -> None:
            body = json.loads(lines[number - 1]["body"])
            act(body)
            lines[number - 1]["body"] = rfc8785.dumps(body).decode()

        forger.edit(forger.ids()[0], rewrite, "payloads")
        forger.seal_again(forger.ids()[0])
        drop(forger, "checkpoint.txt", "keys.txt", "proof.json")
        change(forger, "manifest.json", checkpoint=None)

    return forge


@pytest.mark.parametrize(
    ("forge", "seq", "code", "words"),
    [
        (
            lambda f: change(f, "case.json", id="other"),
            0,
            "case",
            "case.json is of another case than the manifest says",
        ),
        (lambda f: change(f, "case.json", title="x"), 1, "case", "another title or business key than the first record"),
        (lambda f: change(f, "case.json", parent_case_id="x"), 0, "case", "case.json is of another case"),
        (edit("states", lambda lines: lines[4].update(digest="0" * 64)), 5, "states", "another state than the record"),
        (edit("states", lambda lines: lines.append(lines[-1])), 15, "states", "tells of records that are not there"),
        (edit("payloads", lambda lines: lines[4].update(salt="00")), 5, "payload", "changed after it was written"),
        (edit("payloads", lambda lines: lines.pop(4)), 5, "payload", "missing and no record says why"),
        (edit("journal", lambda lines: lines.pop()), 15, "proof", "not in the journal"),
        (change_body(1, lambda body: body["about"].update(title="x")), 1, "case", "another title or business key"),
        (change_body(1, lambda body: body["about"].update(parent_case_id="x")), 1, "case", "names another parent"),
        (
            change_body(1, lambda body: body["command"].update(type="Replan")),
            1,
            "payload",
            "begins with its first record",
        ),
        (
            change_body(3, lambda body: body["command"].update(type="Start")),
            3,
            "payload",
            "begins with its first record",
        ),
        (change_body(3, lambda body: body.pop("data")), 3, "payload", "the payload is no record's payload"),
        (lambda f: change(f, "manifest.json", root="other"), 0, "case", "the exported case did not call this one"),
        (lambda f: change(f, "manifest.json", checkpoint=None), 0, "checkpoint", "not the checkpoint of the manifest"),
        (lambda f: drop(f, "checkpoint.txt"), 0, "checkpoint", "the checkpoint is missing"),
        (lambda f: drop(f, "proof.json"), 0, "proof", "no proof that it covers the case"),
        (lambda f: drop(f, "keys.txt"), 0, "signature", "not signed by a key of the bundle"),
        (lambda f: change(f, "proof.json", position="0"), 0, "proof", "the proof is none"),
        (lambda f: change(f, "proof.json", more=1), 0, "proof", "the proof is none"),
        (lambda f: change(f, "proof.json", size=1), 15, "proof", "the checkpoint does not contain this record"),
        (lambda f: change(f, "proof.json", hash="0" * 64), 15, "proof", "the checkpoint does not contain this record"),
    ],
)
def test_each_forgery_has_its_fault(
    forger: Forger, tmp_path: Path, forge: Callable[[Forger], None], seq: int, code: str, words: str
) -> None:
    forge(forger)

    faults = checked(forger, tmp_path).faults

    assert any((fault.seq, fault.code) == (seq, code) and words in fault.message for fault in faults), faults


def test_a_journal_that_ends_elsewhere_than_the_manifest_says_is_told(forger: Forger, tmp_path: Path) -> None:
    case_id = forger.ids()[0]
    forger.edit(case_id, lambda lines: lines.pop())
    path = forger.write(tmp_path / "forged.zip", fitting=False)

    told = [(fault.seq, fault.message) for fault in check_bundle(path).faults if fault.code == "head"]

    assert told == [(14, "the journal does not end where the manifest says")]


@pytest.mark.parametrize(
    "name",
    [
        f"attachments/{'a' * 64}",
        f"definitions/{'b' * 64}/forms.json",
        f"cases/{'0' * 8}-0000-0000-0000-{'0' * 12}/case.json",
    ],
)
def test_what_no_case_and_no_record_names_is_told(forger: Forger, tmp_path: Path, name: str) -> None:
    forger.files[name] = b"{}\n"

    told = [fault.message for fault in checked(forger, tmp_path).faults]

    assert told == [f"{name}: no case and no record names it"]


def test_an_attachment_must_be_the_recorded_one(tmp_path: Path) -> None:
    forger = Forger.of(GOLDEN / "plan_drafting.zip")
    (name,) = (name for name in forger.files if name.startswith("attachments/"))
    forger.files[name] += b"more"

    told = {(fault.code, fault.message) for fault in checked(forger, tmp_path).faults}

    assert told == {("attachment", "the attachment is not the recorded one")}


def test_a_child_that_ended_must_be_there(tmp_path: Path) -> None:
    forger = Forger.of(GOLDEN / "annual_cycle.zip")
    gone = forger.manifest["cases"][1]["id"]
    kept = [about for about in forger.manifest["cases"] if about["id"] != gone and about["parent_case_id"] != gone]
    for name in [name for name in forger.files if name.startswith(f"cases/{gone}/")]:
        del forger.files[name]
    change(forger, "manifest.json", cases=kept)

    told = {(fault.code, fault.message) for fault in checked(forger, tmp_path).faults}

    assert ("child", "the child case that ended here is not in the bundle") in told


# ---- with the engine ---------------------------------------------------------------------------------------------


def test_only_the_engine_sees_that_states_tell_something_else(forger: Forger, tmp_path: Path) -> None:
    """Digests are those of the records; what `states.jsonl` says of their content is not."""
    forger.edit(forger.ids()[0], lambda lines: lines[2].update(passed=["elsewhere"]), "states")

    assert checked(forger, tmp_path).faults == []
    told = [(fault.seq, fault.code) for fault in checked(forger, tmp_path, replaying=True).faults]
    assert told == [(3, "states")]


def test_without_payloads_the_rest_holds_and_nothing_can_be_replayed(forger: Forger, tmp_path: Path) -> None:
    drop(forger, "payloads.jsonl")
    change(forger, "manifest.json", payloads=False)

    report = checked(forger, tmp_path, trusted=TRUSTED, replaying=True)

    assert (report.faults, [case.compared for case in report.cases], report.signers) == ([], [0], [ORIGIN])
    assert report.notes == ["the bundle has no payloads, so nothing can be replayed"]


def test_payloads_that_the_manifest_denies_are_told(forger: Forger, tmp_path: Path) -> None:
    change(forger, "manifest.json", payloads=False)

    assert [fault.message for fault in checked(forger, tmp_path).faults] == [
        "there are payloads, and the manifest says that there are none"
    ]
