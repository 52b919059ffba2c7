"""Reading a bundle that anybody may have changed: histories, and a list of what is wrong with the file."""

from __future__ import annotations

import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from osm_flow.domain import journal as rules
from osm_flow.domain.journal import Fault, NotStorable, Record
from osm_flow.domain.json import JSON
from osm_flow.errors import Invalid
from osm_flow.operations.replay.history import Definition, History, Payload

FORMAT = "osm-flow-bundle/1"
MOST_FILES, MOST_BYTES, LARGEST_FILE, LARGEST_RATIO = 100_000, 1 << 30, 256 << 20, 250
_CASE = r"cases/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/(?:case|proof)\.json"
_NAME = re.compile(
    rf"{_CASE}|{_CASE.replace('(?:case|proof)', '(?:journal|payloads|states)')}l"
    r"|definitions/[0-9a-f]{64}/(?:process\.bpmn|forms\.json|decisions\.json)|attachments/[0-9a-f]{64}"
    r"|manifest\.json|README\.txt|verify\.py|player\.html|checkpoint\.txt|keys\.txt"
)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
)
_MANIFEST = {"format", "root", "payloads", "cases", "checkpoint", "files"}
_CASE_KEYS = {"id", "records", "head", "parent_case_id", "parent_task_id"}
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "str | None": (str, type(None))}


class BundleUnreadable(Invalid):
    """The bundle cannot be read: {reason}"""


@dataclass(frozen=True)
class BundledCase:
    """One case of a bundle: its history, and what the manifest and its folder say of it."""

    about: JSON
    shown: JSON
    history: History
    states: list[JSON]
    proof: JSON | None


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read; `faults` are those of the archive and of the form of its parts."""

    manifest: JSON
    cases: list[BundledCase]
    attachments: dict[str, tuple[str, int]]
    checkpoint: bytes | None
    keys: bytes | None
    faults: list[Fault] = field(default_factory=list)

    @property
    def has_payloads(self) -> bool:
        """Whether the bundle was written with payloads."""
        return self.manifest["payloads"] is True


def read_bundle(path: Path) -> Bundle:
    """Read the bundle in a file. Raises BundleUnreadable when nothing in it can be read."""
    faults: list[Fault] = []
    try:
        with zipfile.ZipFile(path) as archive:
            if _has_more_than(archive, path):
                faults.append(Fault("", 0, "file", "there are bytes before or behind the archive"))
            contents = dict(_contents(archive, faults))
    except BundleUnreadable:
        raise
    except _BROKEN as error:
        raise BundleUnreadable(reason=f"{type(error).__name__}: {error}") from error
    return _Reader(contents, faults).read()


class _Reader:
    def __init__(self, contents: dict[str, bytes], faults: list[Fault]) -> None:
        self.contents = contents
        self.faults = faults

    def read(self) -> Bundle:
        manifest = self._manifest()
        self._compare(manifest["files"])
        definitions = dict(self._definitions())
        cases = [self._case(about, definitions, manifest["payloads"] is True) for about in manifest["cases"]]
        attachments = {
            name.partition("/")[2]: (sha256(content).hexdigest(), len(content))
            for name, content in self.contents.items()
            if name.startswith("attachments/")
        }
        checkpoint, keys = self.contents.get("checkpoint.txt"), self.contents.get("keys.txt")
        return Bundle(manifest, cases, attachments, checkpoint, keys, self.faults)

    def _manifest(self) -> JSON:
        manifest = self._object("manifest.json", "")
        cases = manifest.get("cases")
        right = manifest.keys() == _MANIFEST and manifest["format"] == FORMAT and isinstance(manifest["files"], dict)
        right = right and isinstance(manifest["payloads"], bool)
        if not right or not isinstance(cases, list) or not cases or not all(map(_names_a_case, cases)):
            raise BundleUnreadable(reason=f"there is no manifest of {FORMAT}")
        return manifest

    def _compare(self, named: JSON) -> None:
        for name in sorted(self.contents.keys() | named.keys() - {"manifest.json"}):
            content = self.contents.get(name)
            if name == "manifest.json":
                continue
            if name not in named:
                self._fault("", 0, "file", f"{name}: the manifest does not name this file")
            elif content is None:
                self._fault("", 0, "file", f"{name}: the file is missing")
            elif named[name] != {"sha256": sha256(content).hexdigest(), "size": len(content)}:
                self._fault("", 0, "file", f"{name}: the file is not the one that the manifest names")

    def _definitions(self) -> Iterator[tuple[str, Definition]]:
        for name, xml in self.contents.items():
            if name.startswith("definitions/") and name.endswith("/process.bpmn"):
                folder = name.rpartition("/")[0]
                forms, decisions = (self._object(f"{folder}/{part}.json", "") for part in ("forms", "decisions"))
                digest = folder.partition("/")[2]
                yield digest, Definition(digest, xml, forms, {key: str(table) for key, table in decisions.items()})

    def _case(self, about: JSON, definitions: dict[str, Definition], has_payloads: bool) -> BundledCase:
        case_id = about["id"]
        folder = f"cases/{case_id}"
        chain = list(self._records(case_id))
        payloads: dict[int, Payload] = {}
        for line in self._lines(f"{folder}/payloads.jsonl", case_id) if has_payloads else ():
            seq, salt, body = line.get("seq"), line.get("salt"), line.get("body")
            if not (type(seq) is int and isinstance(salt, str) and isinstance(body, str) and len(line) == 3):
                self._fault(case_id, 0, "payload", "a line of the payloads is none")
            elif seq in payloads:
                self._fault(case_id, seq, "payload", "there are two payloads of this record")
            else:
                payloads[seq] = Payload(salt, body)
        named = {record.definition_sha256 for record, _ in chain}
        history = History(
            case_id, chain, payloads, {name: definition for name, definition in definitions.items() if name in named}
        )
        proof = self._object(f"{folder}/proof.json", case_id) if f"{folder}/proof.json" in self.contents else None
        states = list(self._lines(f"{folder}/states.jsonl", case_id))
        return BundledCase(about, self._object(f"{folder}/case.json", case_id), history, states, proof)

    def _records(self, case_id: str) -> Iterator[tuple[Record, str]]:
        for number, line in enumerate(self._lines(f"cases/{case_id}/journal.jsonl", case_id), start=1):
            record = _record_of(line)
            if record is None:
                self._fault(case_id, number, "record", "a line of the journal is no record")
                return
            if record[0].case_id != case_id:
                self._fault(case_id, number, "case", f"a record of another case ({record[0].case_id[:40]})")
            yield record

    def _lines(self, name: str, case_id: str) -> Iterator[JSON]:
        content = self.contents.get(name)
        if content is None:
            self._fault(case_id, 0, "file", f"{name}: the file is missing")
            return
        if content and not content.endswith(b"\n"):
            self._fault(case_id, content.count(b"\n") + 1, "record", f"{name}: the last line is cut")
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            value = self._parsed(line, case_id, number)
            if value is None:
                return
            yield value

    def _object(self, name: str, case_id: str) -> JSON:
        content = self.contents.get(name)
        if content is None:
            self._fault(case_id, 0, "file", f"{name}: the file is missing")
            return {}
        if not content.endswith(b"\n"):
            self._fault(case_id, 0, "file", f"{name}: the file is cut")
        return self._parsed(content[:-1], case_id, 0) or {}

    def _parsed(self, text: bytes, case_id: str, number: int) -> JSON | None:
        value = parsed(text)
        if not isinstance(value, dict):
            self._fault(case_id, number, "record", "this is no canonical JSON object (RFC 8785)")
            return None
        return value

    def _fault(self, case_id: str, seq: int, code: str, message: str) -> None:
        self.faults.append(Fault(case_id, seq, code, message))


def parsed(text: bytes) -> Any:
    """The value of a text that is its own canonical JSON; None for any other text."""
    try:
        value = json.loads(text)
        return value if rules.canonical(value) == text else None
    except (ValueError, RecursionError, NotStorable):
        return None


def _contents(archive: zipfile.ZipFile, faults: list[Fault]) -> Iterator[tuple[str, bytes]]:
    """The files of the archive; what a bundle cannot hold is a fault, what is too large to look at refuses the whole."""
    infos = archive.infolist()
    if len(infos) > MOST_FILES or sum(info.file_size for info in infos) > MOST_BYTES:
        raise BundleUnreadable(reason="it holds too much")
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        if not _NAME.fullmatch(name) or name != info.filename or stat.S_ISLNK(info.external_attr >> 16):
            faults.append(Fault("", 0, "file", f"{name[:200]!r}: no file of a bundle has this name or lies there"))
        elif name in seen:
            faults.append(Fault("", 0, "file", f"{name}: there are two files of this name"))
        elif info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            faults.append(Fault("", 0, "file", f"{name}: packed in a way that a bundle is not"))
        elif info.file_size > LARGEST_FILE or _is_bomb(info):
            raise BundleUnreadable(reason=f"{name}: {info.compress_size} bytes that unpack to {info.file_size}")
        else:
            seen.add(name)
            try:
                content = archive.read(info)
            except _BROKEN as error:  # the other files are read all the same
                faults.append(Fault("", 0, "file", f"{name}: the file is damaged ({error})"))
                continue
            yield name, content


def _has_more_than(archive: zipfile.ZipFile, path: Path) -> bool:
    """Whether the file holds bytes that are no part of the archive, where nobody would look for them."""
    with path.open("rb") as raw:
        raw.seek(-22, 2)  # where an archive without a comment has its last part
        return raw.read(4) != b"PK\x05\x06" or min((info.header_offset for info in archive.infolist()), default=0) > 0


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > 1 << 20 and info.file_size > LARGEST_RATIO * max(info.compress_size, 1)


def _record_of(line: JSON) -> tuple[Record, str] | None:
    fields = dict(line)
    hash_, definition = fields.pop("hash", None), fields.pop("definition", None)
    if not isinstance(hash_, str) or not isinstance(definition, dict) or len(definition) != 3:
        return None
    fields |= {f"definition_{name}": value for name, value in definition.items()}
    if fields.keys() != Record.__dataclass_fields__.keys():
        return None
    types = {name: _TYPES[str(column.type)] for name, column in Record.__dataclass_fields__.items()}
    return (Record(**fields), hash_) if all(type(fields[name]) in types[name] for name in types) else None


def _names_a_case(about: Any) -> bool:
    if not isinstance(about, dict) or about.keys() != _CASE_KEYS:
        return False
    texts = (about["id"], about["head"], about["parent_case_id"] or "", about["parent_task_id"] or "")
    return type(about["records"]) is int and all(isinstance(text, str) for text in texts)
