"""Reading a bundle that strangers may have touched: what it holds, what is wrong with it, and what is not read at all."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from osm_flow.operations.bundles.reading import Bundle, BundleUnreadable, parsed, read_bundle
from tests.bundles import GOLDEN, Forger

KEPT = GOLDEN / "recommendation.zip"


@pytest.fixture
def forger() -> Forger:
    return Forger.of(KEPT)


def read(forger: Forger, folder: Path, *, fitting: bool = True) -> Bundle:
    return read_bundle(forger.write(folder / "forged.zip", fitting=fitting))


def told(bundle: Bundle) -> list[tuple[int, str, str]]:
    return [(fault.seq, fault.code, fault.message) for fault in bundle.faults]


def test_everything_in_a_bundle_is_there_after_reading() -> None:
    bundle = read_bundle(KEPT)

    (case,) = bundle.cases
    assert (bundle.faults, bundle.has_payloads) == ([], True)
    assert (case.about["id"], case.shown["id"], case.history.case_id) == (bundle.manifest["root"],) * 3
    assert [record.seq for record, _ in case.history.chain] == list(range(1, case.about["records"] + 1))
    assert case.history.chain[-1][1] == case.about["head"]
    assert case.history.payloads.keys() == {record.seq for record, _ in case.history.chain}
    assert len(case.states) == len(case.history.chain)
    assert all(definition.is_whole for definition in case.history.definitions.values())
    assert case.proof is not None
    assert case.proof["size"] == bundle.manifest["checkpoint"]["size"]
    assert bundle.keys == (GOLDEN / "keys.txt").read_bytes()


def test_attachments_are_known_by_their_own_digest_and_size() -> None:
    bundle = read_bundle(GOLDEN / "plan_drafting.zip")

    with zipfile.ZipFile(GOLDEN / "plan_drafting.zip") as archive:
        contents = {name: archive.read(name) for name in archive.namelist() if name.startswith("attachments/")}
    assert len(contents) == 1
    assert bundle.attachments == {
        name.partition("/")[2]: (sha256(content).hexdigest(), len(content)) for name, content in contents.items()
    }


# ---- what is read, with its faults -------------------------------------------------------------------------------


def test_every_file_is_compared_with_what_the_manifest_names(forger: Forger, tmp_path: Path) -> None:
    case_id = forger.ids()[0]
    forger.files["README.txt"] += b"more"
    del forger.files["verify.py"]
    forger.files[f"attachments/{'a' * 64}"] = b"nobody named this"

    bundle = read(forger, tmp_path, fitting=False)

    assert told(bundle) == [
        (0, "file", "README.txt: the file is not the one that the manifest names"),
        (0, "file", f"attachments/{'a' * 64}: the manifest does not name this file"),
        (0, "file", "verify.py: the file is missing"),
    ]
    assert bundle.cases[0].history.case_id == case_id


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/etc/passwd", "cases/x/case.json", "definitions/short/forms.json", "new.txt"]
)
def test_a_file_that_no_bundle_has_is_told_and_not_read(forger: Forger, tmp_path: Path, name: str) -> None:
    forger.files[name] = b"x"

    faults = told(read(forger, tmp_path))

    assert [message.endswith("no file of a bundle has this name or lies there") for _, _, message in faults[:1]] == [
        True
    ]
    assert {code for _, code, _ in faults} == {"file"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_told_and_the_first_is_read(forger: Forger, tmp_path: Path) -> None:
    path = forger.write(tmp_path / "forged.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("checkpoint.txt", b"another one")

    bundle = read_bundle(path)

    assert told(bundle) == [(0, "file", "checkpoint.txt: there are two files of this name")]
    assert bundle.checkpoint == forger.files["checkpoint.txt"]


def edit_journal(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Forger], None]:
    return lambda forger: forger.edit(forger.ids()[0], change)


def edit_payloads(change: Callable[[list[dict[str, Any]]], None]) -> Callable[[Forger], None]:
    return lambda forger: forger.edit(forger.ids()[0], change, "payloads")


def cut_the_journal(forger: Forger) -> None:
    name = f"cases/{forger.ids()[0]}/journal.jsonl"
    forger.files[name] = forger.files[name][:-10]


def spell_a_line_otherwise(forger: Forger) -> None:
    name = f"cases/{forger.ids()[0]}/journal.jsonl"
    forger.files[name] = forger.files[name].replace(b'{"actor"', b'{ "actor"', 1)


def drop_the_states(forger: Forger) -> None:
    del forger.files[f"cases/{forger.ids()[0]}/states.jsonl"]


@pytest.mark.parametrize(
    ("edit", "seq", "code", "words"),
    [
        (edit_journal(lambda lines: lines[3].update(seq="4")), 4, "record", "a line of the journal is no record"),
        (edit_journal(lambda lines: lines[3].update(more=1)), 4, "record", "a line of the journal is no record"),
        (edit_journal(lambda lines: lines[3].pop("hash")), 4, "record", "a line of the journal is no record"),
        (edit_journal(lambda lines: lines[3].update(definition=[])), 4, "record", "a line of the journal is no record"),
        (edit_journal(lambda lines: lines[3].update(case_id="other")), 4, "case", "a record of another case (other)"),
        (edit_payloads(lambda lines: lines[0].pop("salt")), 0, "payload", "a line of the payloads is none"),
        (edit_payloads(lambda lines: lines[0].update(seq=True)), 0, "payload", "a line of the payloads is none"),
        (edit_payloads(lambda lines: lines.append(lines[1])), 2, "payload", "there are two payloads of this record"),
        (cut_the_journal, 15, "record", "the last line is cut"),
        (spell_a_line_otherwise, 1, "record", "this is no canonical JSON object (RFC 8785)"),
        (drop_the_states, 0, "file", "states.jsonl: the file is missing"),
    ],
)
def test_a_line_that_is_none_is_a_fault_of_its_record(
    forger: Forger, tmp_path: Path, edit: Callable[[Forger], None], seq: int, code: str, words: str
) -> None:
    edit(forger)
    path = tmp_path / "forged.zip"
    manifest = {**forger.manifest, "files": {}}
    forger.files["manifest.json"] = rfc8785.dumps(manifest) + b"\n"
    forger.write(path, fitting=False)

    faults = [fault for fault in told(read_bundle(path)) if "the manifest does not name" not in fault[2]]

    assert [(number, kind) for number, kind, _ in faults] == [(seq, code)]
    assert faults[0][2].endswith(words)


# ---- what is not read at all -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"format": "osm-flow-bundle/2"},
        {"payloads": "yes"},
        {"cases": []},
        {"cases": [{"id": "x"}]},
        {"files": []},
        {"more": 1},
    ],
)
def test_a_bundle_whose_manifest_is_none_is_refused(forger: Forger, tmp_path: Path, change: dict[str, Any]) -> None:
    forger.files["manifest.json"] = rfc8785.dumps({**forger.manifest, **change}) + b"\n"

    with pytest.raises(BundleUnreadable, match="there is no manifest of osm-flow-bundle/1"):
        read(forger, tmp_path, fitting=False)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all", KEPT.read_bytes()[:1000]])
def test_what_is_no_archive_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)

    with pytest.raises(BundleUnreadable, match="The bundle cannot be read"):
        read_bundle(path)
    with pytest.raises(BundleUnreadable):
        read_bundle(tmp_path / "not there.zip")


def test_a_file_that_swells_is_not_unpacked(forger: Forger, tmp_path: Path) -> None:
    forger.files["README.txt"] = bytes(2 << 20)

    with pytest.raises(BundleUnreadable, match=r"README\.txt: \d+ bytes that unpack to 2097152"):
        read(forger, tmp_path)


# ---- one spelling ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b'{"a":1,"b":[true,null]}', {"a": 1, "b": [True, None]}),
        ('"ก"'.encode(), "ก"),
        (b'{"b":1,"a":2}', None),
        (b'{"a": 1}', None),
        (b'{"a":1.0}', None),
        (b'{"a":1,"a":1}', None),
        (b'"\\u0e01"', None),
        (b"NaN", None),
        (b"\xff", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_text_is_read_only_in_its_one_spelling(text: bytes, value: Any) -> None:
    assert parsed(text) == value


def test_a_bundle_without_a_manifest_is_refused(forger: Forger, tmp_path: Path) -> None:
    del forger.files["manifest.json"]

    with pytest.raises(BundleUnreadable, match="there is no manifest"):
        read(forger, tmp_path, fitting=False)


@pytest.mark.parametrize(("before", "behind"), [(b"#!/bin/sh\n", b""), (b"", b"more"), (b"", bytes(40))])
def test_bytes_around_the_archive_are_told(tmp_path: Path, before: bytes, behind: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(before + KEPT.read_bytes() + behind)

    assert told(read_bundle(path)) == [(0, "file", "there are bytes before or behind the archive")]
