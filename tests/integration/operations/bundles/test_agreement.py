"""Product and `verify.py` say the same of whatever somebody does to a bundle of any kind, down to the bytes of the archive.

`verdict_of` holds exit code and last line of one against those of the other.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from osm_flow.domain.access.actors import SYSTEM
from osm_flow.operations.audit.log import make_checkpoint
from osm_flow.operations.audit.signing_keys import Keyring
from osm_flow.operations.bundles import writing as bundle_writing
from osm_flow.operations.ledger import access_chain
from osm_flow.operations.ledger.admin_journal import AdminAct, AdminKind, record
from osm_flow.store.models import Access
from osm_flow.store.session import Store
from tests.bundles import GENESIS, Forger, hash_of, make_book, make_family, verdict_of, write_book, write_bundle
from tests.factories import later

Rng = random.Random
KINDS = ("case", "administration", "reads", "book")
# In the suite a sample; `make stress` tries many more.
EXAMPLES = int(os.environ.get("OSM_AGREEMENT", "60"))
PROFILE = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@dataclass(frozen=True)
class Desk:
    """A genuine bundle of each kind, the key that signed them, and a place to forge at."""

    bundles: dict[str, Path]
    key: tuple[str, str]
    folder: Path

    def judge(self, content: bytes) -> set[int]:
        """The exit codes, without a key, with it, and where what no signature covers is taken; each of both checkers."""
        path = self.folder / "forged.zip"
        path.write_bytes(content)
        return {verdict_of(path)[0], verdict_of(path, *self.key)[0], verdict_of(path, *self.key, "--allow-newer")[0]}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Desk:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "osm.db").write_bytes(sqlite_template.read_bytes())
    store = Store(f"sqlite:///{folder / 'osm.db'}")
    keyring = Keyring(folder / "keys", "osm.example.go.th/journal")
    bundles = {"case": write_bundle(store, make_family(store), folder / "case.zip", keyring)}
    bundles["book"] = write_book(store, make_book(store), folder / "book.zip", keyring)
    with store.transaction() as session:
        for number in range(5):
            act = AdminAct(
                AdminKind.holiday_set, f"2027-01-0{number + 1}", old={"day": None}, new={"day": f"วัน {number}"}
            )
            record(session, SYSTEM, later(100 + number), act)
    for number, chain in enumerate(("administration", "reads", "administration", "reads")):
        with store.transaction() as session:
            now = later(200 + number)
            bundle_writing.prepare_chain_export(session, chain, SYSTEM, now, reason=f"ตรวจ {number}", keyring=keyring)
            if number == 1:
                read = session.scalars(select(Access).order_by(Access.id)).first()
                assert read is not None
                access_chain.erase(session, now, access_chain.BodyTable.reads, "reason", [read.id])
                make_checkpoint(session, now + timedelta(seconds=1), SYSTEM, keyring=keyring)
        with store.reading() as session, (folder / f"{chain}.zip").open("wb") as file:
            assert bundle_writing.write_chain_bundle(session, chain, file, keyring=keyring) is None
        bundles[chain] = folder / f"{chain}.zip"
    store.close()
    return Desk(bundles, ("--key", str(keyring.folder / "trusted")), folder)


@pytest.mark.parametrize("kind", KINDS)
def test_genuine_bundles_hold(desk: Desk, kind: str) -> None:
    assert verdict_of(desk.bundles[kind], *desk.key)[0] == 0
    assert verdict_of(desk.bundles[kind])[0] == 3


# ---- what stands in the files ------------------------------------------------------------------------------------

VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    7,
    1.5,
    1e20,
    "",
    "x",
    "0" * 64,
    "\U0001f33e",
    [],
    {},
    [1],
    {"a": 1},
    "reads",
)
# Numbers as JSON may spell them, and what of them is canonical: not all that a double can say is exact.
NUMBERS = (
    b"9007199254740991",
    b"9007199254740992",
    b"9007199254740993",
    b"-9007199254740993",
    b"100000000000000000000",
    b"1000000000000000000000",
    b"1e21",
    b"1e400",
    b"-0",
    b"0.0",
    b"1.0",
    b"01",
    b"NaN",
    b"9" * 400,
    b"9" * 5_000,
    b"5e-324",
)
TEXTS = (
    b'{"a":1,"a":1}',
    b'"\\ud800"',
    b'"\\u0000"',
    b'"\\u0e01"',
    b'"\xed\xa0\x80"',
    b"[" * 99 + b"]" * 99,
    b"[" * 101 + b"]" * 101,
    b"[" * 5_000 + b"]" * 5_000,
    b" 1",
    b"'",
)
STRAYS = (
    "cases/00000000-0000-0000-0000-000000000000/case.json",
    "chains/reads/other/journal.jsonl",
    "chains/minutes/minutes/journal.jsonl",
    "chains/book/projects/NE-U1/2571/sets.jsonl",
    "chains/book/projects/NE-U2/2571/journal.jsonl",
    "chains/book/projects/journal.jsonl",
    "chains/reads/reads/changes.jsonl",
    "attachments/" + "a" * 64,
    "definitions/" + "a" * 64 + "/process.bpmn",
    "consistency.json",
    "manifest.sig",
    "Manifest.json",
    "notes.txt",
    "cases/../x",
)


def change_a_value(value: Any, rng: Rng) -> Any:
    if isinstance(value, dict) and value and rng.random() < 0.85:
        name = rng.choice(sorted(value))
        if rng.random() < 0.15:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: change_a_value(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], *([change_a_value(value[at], rng)] * rng.choice([0, 1, 1, 1, 2])), *value[at + 1 :]]
    return rng.choice(VALUES)


def edit_a_value(files: dict[str, bytes], rng: Rng) -> None:
    name, lines, at = a_line(files, rng)
    with contextlib.suppress(ValueError, RecursionError):
        lines[at] = rfc8785.dumps(change_a_value(json.loads(lines[at]), rng))
    files[name] = b"".join(line + b"\n" for line in lines)


def edit_a_number(files: dict[str, bytes], rng: Rng) -> None:
    """One number spelled as somebody might, wherever one stands."""
    name, lines, at = a_line(files, rng)
    numbers = list(re.finditer(rb"(?<=[:\[,])\d+(?=[,}\]])", lines[at]))
    assume(numbers)
    begin, end = rng.choice(numbers).span()
    lines[at] = lines[at][:begin] + rng.choice(NUMBERS) + lines[at][end:]
    files[name] = b"".join(line + b"\n" for line in lines)


def edit_a_text(files: dict[str, bytes], rng: Rng) -> None:
    """A value of JSON spelled in another way, or something that is none."""
    name, lines, at = a_line(files, rng)
    values = list(re.finditer(rb'(?<=:)(?:"[^"\\]*"|null|\d+)(?=[,}])', lines[at]))
    assume(values)
    begin, end = rng.choice(values).span()
    lines[at] = lines[at][:begin] + rng.choice(TEXTS) + lines[at][end:]
    files[name] = b"".join(line + b"\n" for line in lines)


def edit_lines(files: dict[str, bytes], rng: Rng) -> None:
    """Ends of lines and files, marks at their beginnings, lines that are empty, doubled or moved."""
    name, lines, at = a_line(files, rng)
    content = files[name]
    moved = [*lines[:at], *lines[at + 1 :], lines[at]]
    options = [
        content[:-1],
        content + b"\n",
        b"\xef\xbb\xbf" + content,
        content.replace(b"\n", b"\r\n"),
        content.replace(b'":', b'": ', 1),
        b"".join(line + b"\n" for line in [*lines[:at], lines[at], *lines[at:]]),
        b"".join(line + b"\n" for line in moved),
        b"",
    ]
    files[name] = rng.choice([one for one in options if one != content])


def edit_the_files(files: dict[str, bytes], rng: Rng) -> None:
    """A file taken out, put in, emptied, or two exchanged."""
    one, other = rng.sample(sorted(files), 2)
    what = rng.randrange(4)
    if what == 0:
        del files[one]
    elif what == 1:
        files[rng.choice(STRAYS)] = rng.choice([b"", b"{}\n", b"x"])
    elif what == 2:
        files[one] = b""
    else:
        files[one], files[other] = files[other], files[one]


def edit_the_manifest(files: dict[str, bytes], rng: Rng) -> None:
    with contextlib.suppress(ValueError, RecursionError):  # an edit before may have left what is no JSON
        files["manifest.json"] = rfc8785.dumps(change_a_value(json.loads(files["manifest.json"]), rng)) + b"\n"


def edit_a_note(files: dict[str, bytes], rng: Rng) -> None:
    """A checkpoint, a signature or the keys, letter by letter."""
    name = rng.choice(["checkpoint.txt", "manifest.sig", "keys.txt"])
    content = bytearray(files[name])
    at = rng.randrange(len(content))
    content[at : at + rng.choice([0, 1, 1, 1, 9])] = rng.choice(
        [b"", b"\n", b" ", b"=", b"A", b"\xff", b"\xe2\x80\x94 ", b"+"]
    )
    files[name] = bytes(content)


EDITS: list[Callable[[dict[str, bytes], Rng], None]] = [
    edit_a_value,
    edit_a_number,
    edit_a_text,
    edit_lines,
    edit_the_files,
    edit_the_manifest,
    edit_a_note,
]


def a_line(files: dict[str, bytes], rng: Rng) -> tuple[str, list[bytes], int]:
    names = [name for name in sorted(files) if name.endswith((".json", ".jsonl")) and files[name]]
    name = rng.choice([one for one in names if rng.random() < 0.5 or not one.startswith("definitions")] or names)
    lines = files[name].split(b"\n")[:-1] or [b""]
    return name, lines, rng.randrange(len(lines))


def seal_again(files: dict[str, bytes]) -> None:
    """Link and hash the records of each chain of another kind as if they had always been so."""
    if any(name.startswith("chains/book/") for name in files):
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError, KeyError, IndexError):
            Forger(files).seal_book_again()
        return
    for name in [name for name in files if name.startswith("chains/") and name.endswith("journal.jsonl")]:
        with contextlib.suppress(ValueError, TypeError, AttributeError, RecursionError, KeyError, IndexError):
            records, before = [json.loads(line) for line in files[name].splitlines()], GENESIS
            for one in records:
                one["prev_hash"] = before
                before = one["hash"] = hash_of(one)
            files[name] = b"".join(rfc8785.dumps(one) + b"\n" for one in records)
            manifest = json.loads(files["manifest.json"])
            manifest["chains"][0] |= {"records": len(records), "head": before}
            files["manifest.json"] = rfc8785.dumps(manifest) + b"\n"


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32), sealing=st.booleans(), fitting=st.booleans(), signed=st.booleans())
@settings(PROFILE)
def test_of_any_edit_of_any_kind_of_bundle_both_say_the_same(
    desk: Desk, kind: str, seed: int, sealing: bool, fitting: bool, signed: bool
) -> None:
    """`sealing`: chains fit again; `fitting`: so does the manifest; `signed`: the signature of before stays."""
    forger, rng = Forger.of(desk.bundles[kind]), Rng(seed)
    before = dict(forger.files)
    edits = [rng.choice(EDITS) for _ in range(rng.choice([1, 1, 1, 2]))]
    for edit in edits:
        if all(forger.files.get(name) for name in ("manifest.json", "checkpoint.txt", "manifest.sig", "keys.txt")):
            edit(forger.files, rng)
    assume(forger.files != before)
    if sealing:
        seal_again(forger.files)
    if not signed:
        forger.files.pop("manifest.sig", None)
    out = desk.folder / "edited.zip"
    try:
        forger.write(out, fitting=fitting and edit_the_manifest not in edits)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        forger.write(out, fitting=False)
    assume(forger.files != before)  # fitting may have put right what was changed in the manifest

    desk.judge(out.read_bytes())
    assert verdict_of(out, *desk.key)[0] == 1


# ---- the archive -------------------------------------------------------------------------------------------------


def packed(
    files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None, comment: bytes = b""
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            if change:
                change(info)
            archive.writestr(info, content)
        archive.comment = comment
    return out.getvalue()


def unseekable(files: dict[str, bytes]) -> bytes:
    """With a data descriptor behind each file, as a writer to a pipe leaves them."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, content: Any) -> int:
            self.written += bytes(content)
            return len(content)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            archive.writestr(name, content)
    return pipe.written


def with_field(whole: bytes, mark: bytes, offset: int, value: bytes, rng: Rng) -> bytes:
    """A field of one header of the archive made another: `mark` is that of the header's kind."""
    places = [found.start() for found in re.finditer(re.escape(mark), whole)]
    at = rng.choice(places) + offset
    return whole[:at] + value + whole[at + len(value) :]


LOCAL, CENTRAL, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
HEADERS = {  # where in which header how many bytes stand
    "version": (LOCAL, 4, 2),
    "flags": (LOCAL, 6, 2),
    "method": (LOCAL, 8, 2),
    "time": (LOCAL, 10, 4),
    "checksum": (LOCAL, 14, 4),
    "packed size": (LOCAL, 18, 4),
    "size": (LOCAL, 22, 4),
    "length of the name": (LOCAL, 26, 2),
    "length of more": (LOCAL, 28, 2),
    "maker": (CENTRAL, 4, 2),
    "listed flags": (CENTRAL, 8, 2),
    "listed method": (CENTRAL, 10, 2),
    "listed time": (CENTRAL, 12, 4),
    "listed checksum": (CENTRAL, 16, 4),
    "listed packed size": (CENTRAL, 20, 4),
    "listed size": (CENTRAL, 24, 4),
    "listed length of the name": (CENTRAL, 28, 2),
    "listed length of more": (CENTRAL, 30, 2),
    "length of the comment": (CENTRAL, 32, 2),
    "disk": (CENTRAL, 34, 2),
    "attributes": (CENTRAL, 38, 4),
    "offset": (CENTRAL, 42, 4),
    "disks": (END, 4, 4),
    "entries here": (END, 8, 2),
    "entries": (END, 10, 2),
    "size of the table": (END, 12, 4),
    "offset of the table": (END, 16, 4),
    "length of the last comment": (END, 20, 2),
}


def same_files_otherwise(files: dict[str, bytes], rng: Rng) -> dict[str, bytes]:
    """Archives that hold the same files in other ways, by what is different about them."""
    whole, names = packed(files), sorted(files)
    entry = whole.index(LOCAL, 4)
    rng.shuffle(names)
    links = lambda info: setattr(info, "external_attr", 0o120777 << 16)  # noqa: E731 (one of a table of changes)
    extra = lambda info: setattr(info, "extra", b"\x99\x99\x04\x00abcd")  # noqa: E731
    return {
        "another order": packed({name: files[name] for name in names}),
        "stored": packed(files, lambda info: setattr(info, "compress_type", zipfile.ZIP_STORED)),
        "bzip2": packed(files, lambda info: setattr(info, "compress_type", zipfile.ZIP_BZIP2)),
        "lzma": packed(files, lambda info: setattr(info, "compress_type", zipfile.ZIP_LZMA)),
        "another date": packed(files, lambda info: setattr(info, "date_time", (2026, 1, 1, 0, 0, 0))),
        "links": packed(files, links),
        "extra fields": packed(files, extra),
        "comments": packed(files, lambda info: setattr(info, "comment", b"x")),
        "a last comment": packed(files, comment=b"x"),
        "a folder": packed({**files, "cases/": b""}),
        "descriptors": unseekable(files),
        "bytes before": b"x" + whole,
        "bytes behind": whole + b"x",
        "bytes between": whole[:entry] + b"x" + whole[entry:],
        "twice": whole + whole,
        "cut": whole[: rng.randrange(len(whole))],
    }


ALLOWED = {"another order", "stored", "another date"}


@pytest.mark.parametrize("kind", KINDS)
def test_of_the_same_files_packed_otherwise_both_say_the_same(desk: Desk, kind: str) -> None:
    files = Forger.of(desk.bundles[kind]).files

    for name, content in same_files_otherwise(files, Rng(7)).items():
        (desk.folder / "packed.zip").write_bytes(content)
        code, told = verdict_of(desk.folder / "packed.zip", *desk.key)
        assert (name, code) == (name, 0 if name in ALLOWED else 1), told


@pytest.mark.parametrize("field", HEADERS)
@given(seed=st.integers(0, 2**32))
@settings(PROFILE, max_examples=max(4, EXAMPLES // 20))
def test_of_any_field_of_the_archive_both_say_the_same(desk: Desk, field: str, seed: int) -> None:
    rng = Rng(seed)
    mark, offset, width = HEADERS[field]
    value = struct.pack("<I", rng.choice([0, 1, 8, 9, 12, 0x800, 0xFFFF, 0xFFFFFFFF, rng.randrange(1 << 32)]))[:width]
    whole = packed(Forger.of(desk.bundles["administration"]).files)
    path = desk.folder / "field.zip"
    path.write_bytes(with_field(whole, mark, offset, value, rng))

    verdict_of(path, *desk.key)
    verdict_of(path)
