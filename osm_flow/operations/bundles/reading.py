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

FIRST, FORMAT = "osm-flow-bundle/1", "osm-flow-bundle/2"
PARENTS = ("parent_case_id", "parent_task_id")
MOST_FILES, MOST_BYTES, LARGEST_FILE, LARGEST_RATIO = 100_000, 1 << 30, 256 << 20, 250
_CASE = r"cases/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/(?:case|proof)\.json"
# The name of a book, as the log has it.
_BOOK = r"[a-z][a-z_]{0,31}/[A-Z0-9][A-Z0-9-]{0,15}/[0-9]{4}"
_NAME = re.compile(
    rf"{_CASE}|{_CASE.replace('(?:case|proof)', '(?:journal|payloads|states)')}l"
    r"|definitions/[0-9a-f]{64}/(?:process\.bpmn|forms\.json|decisions\.json)|attachments/[0-9a-f]{64}"
    r"|chains/[a-z][a-z_]{0,31}/[a-z0-9][a-z0-9-]{0,63}/(?:proof\.json|(?:journal|payloads)\.jsonl)"
    r"|records/(?:sets|versions)\.jsonl"
    rf"|chains/book/{_BOOK}/(?:proof\.json|(?:journal|changes|payloads|sets)\.jsonl)"
    r"|manifest\.(?:json|sig)|README\.txt|verify\.py|player\.html|checkpoint\.txt|keys\.txt|consistency\.json"
)
# The sets of records that cases name, and the versions in them.
OF_RECORDS = ("records/sets.jsonl", "records/versions.jsonl")
# The kind of the chains that are books.
BOOK = "book"
_IDS = {BOOK: re.compile(_BOOK)}
_KIND, _CHAIN = re.compile(r"[a-z][a-z_]{0,31}"), re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_INSTANT = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{6}Z", re.ASCII
)
_EXACT = 2**53 - 1
# What introduces each file of an archive: mark, version, flags, method, time and date, checksum, sizes, lengths.
_LOCAL = struct.Struct("<4s2xHH4xLLLHH")

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
_MANIFEST = {
    FIRST: {"format", "root", "payloads", "cases", "checkpoint", "files"},
    FORMAT: {"format", "root", "payloads", "chains", "not_started", "checkpoint", "files"},
}
_CASE_KEYS = {"kind", "id", "records", "head", *PARENTS}
# Records are told from other values of the JSON by the types of their fields.
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
class BundledChain:
    """One chain of another kind than a case: its records, and the texts that stand beside them."""

    about: JSON
    records: list[JSON]
    texts: list[JSON]
    proof: JSON | None


@dataclass(frozen=True)
class BundledBook(BundledChain):
    """A book: its records are entries, the texts are halves and reasons; the changes under them, and the sets that they name."""

    changes: list[JSON] = field(default_factory=list)
    sets: list[JSON] = field(default_factory=list)


@dataclass(frozen=True)
class Bundle:
    """A bundle that was read; `faults` are those of the archive and of the form of its parts.

    others      its chains that are of no case.
    sets        the sets of records that its cases name, with their `versions`.
    contents    its files by name.
    """

    manifest: JSON
    cases: list[BundledCase]
    attachments: dict[str, tuple[str, int]]
    checkpoint: bytes | None
    keys: bytes | None
    faults: list[Fault] = field(default_factory=list)
    others: list[BundledChain] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    sets: list[JSON] = field(default_factory=list)
    versions: list[JSON] = field(default_factory=list)

    @property
    def has_payloads(self) -> bool:
        """Whether the bundle was written with payloads."""
        return self.manifest["payloads"] is True

    @property
    def is_first(self) -> bool:
        """Whether it is of format 1, which signs neither where its chains end nor its files for reading."""
        return bool(self.manifest["format"] == FIRST)

    @property
    def chains(self) -> list[BundledCase | BundledChain]:
        """All chains in the order of the manifest; the first is what was exported."""
        by_id: dict[str, BundledCase | BundledChain] = {chain.about["id"]: chain for chain in self.others}
        by_id |= {case.about["id"]: case for case in self.cases}
        return [by_id[about["id"]] for about in chains_in(self.manifest)]


def chains_in(manifest: JSON) -> list[JSON]:
    """What a manifest says of its chains; format 1 knows cases only."""
    if manifest["format"] == FIRST:
        return [{"kind": "case", **about} for about in manifest["cases"]]
    chains: list[JSON] = manifest["chains"]
    return chains


def read_bundle(path: Path) -> Bundle:
    """Read the bundle in a file. Raises BundleUnreadable when nothing in it can be read."""
    faults: list[Fault] = []
    try:
        with zipfile.ZipFile(path) as archive:
            if _has_more_than(archive, path):
                faults.append(Fault("", 0, "file", "there are bytes before or behind the archive"))
            elif not _is_packed_closely(archive, path):
                said = "there are bytes between the files of the archive, or its two tables differ"
                faults.append(Fault("", 0, "file", said))
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
        self._compare(manifest)
        definitions = dict(self._definitions())
        has_payloads = manifest["payloads"] is True
        chains = chains_in(manifest)
        cases = [self._case(about, definitions, has_payloads) for about in chains if about["kind"] == "case"]
        others = [self._chain(about) for about in chains if about["kind"] != "case"]
        attachments = {
            name.partition("/")[2]: (sha256(content).hexdigest(), len(content))
            for name, content in self.contents.items()
            if name.startswith("attachments/")
        }
        checkpoint, keys = self.contents.get("checkpoint.txt"), self.contents.get("keys.txt")
        beside = [list(self._lines(name, "")) if name in self.contents else [] for name in OF_RECORDS]
        return Bundle(manifest, cases, attachments, checkpoint, keys, self.faults, others, self.contents, *beside)

    def _manifest(self) -> JSON:
        manifest = self._object("manifest.json", "")
        form = _MANIFEST.get(manifest["format"]) if isinstance(manifest.get("format"), str) else None
        right = manifest.keys() == form and isinstance(manifest["files"], dict)
        if not right or not isinstance(manifest["payloads"], bool) or not _names_chains(manifest):
            raise BundleUnreadable(reason=f"there is no manifest of {FIRST} or {FORMAT}")
        return manifest

    def _compare(self, manifest: JSON) -> None:
        named, is_first = manifest["files"], manifest["format"] == FIRST
        beside = {"manifest.json"} if is_first else {"manifest.json", "manifest.sig"}
        for name in sorted((self.contents.keys() | named.keys()) - beside):
            content = self.contents.get(name)
            if name not in named:
                self._fault("", 0, "file", f"{name}: the manifest does not name this file")
            elif content is None:
                self._fault("", 0, "file", f"{name}: the file is missing")
            elif named[name] != {"sha256": sha256(content).hexdigest(), "size": len(content)}:
                self._fault("", 0, "file", f"{name}: the file is not the one that the manifest names")
            elif is_first and name.startswith(("chains/", "records/", "consistency.json", "manifest.sig")):
                self._fault("", 0, "file", f"{name}: no file of {FIRST} has this name")

    def _definitions(self) -> Iterator[tuple[str, Definition]]:
        for name, xml in self.contents.items():
            if name.startswith("definitions/") and name.endswith("/process.bpmn"):
                folder = name.rpartition("/")[0]
                forms, decisions = (self._object(f"{folder}/{part}.json", "") for part in ("forms", "decisions"))
                digest = folder.partition("/")[2]
                if not all(isinstance(table, str) for table in decisions.values()):
                    self._fault("", 0, "definition", f"{folder}: a decision is no text")
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
            elif payloads and seq < max(payloads):
                self._fault(case_id, seq, "payload", "the payloads are not in order")
            else:
                payloads[seq] = Payload(salt, body)
        named = {record.definition_sha256 for record, _ in chain}
        history = History(
            case_id, chain, payloads, {name: definition for name, definition in definitions.items() if name in named}
        )
        states = list(self._lines(f"{folder}/states.jsonl", case_id))
        shown = self._object(f"{folder}/case.json", case_id)
        return BundledCase(about, shown, history, states, self._proof(folder, case_id))

    def _chain(self, about: JSON) -> BundledChain:
        name, is_book = about["id"], about["kind"] == BOOK
        folder = f"chains/{about['kind']}/{name}"
        records, beside = list(self._lines(f"{folder}/journal.jsonl", name)), f"{folder}/payloads.jsonl"
        texts = list(self._lines(beside, name)) if is_book or beside in self.contents else []
        if not is_book:
            return BundledChain(about, records, texts, self._proof(folder, name))
        changes, named = list(self._lines(f"{folder}/changes.jsonl", name)), f"{folder}/sets.jsonl"
        sets = list(self._lines(named, name)) if named in self.contents else []
        return BundledBook(about, records, texts, self._proof(folder, name), changes, sets)

    def _proof(self, folder: str, chain_id: str) -> JSON | None:
        name = f"{folder}/proof.json"
        return self._object(name, chain_id) if name in self.contents else None

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
        value = loaded(text)
        return value if rules.canonical(value) == text else None
    except (ValueError, RecursionError, NotStorable):
        return None


def loaded(text: str | bytes) -> Any:
    """The value of a JSON text; numbers beyond 2^53 are doubles. Raises ValueError, RecursionError."""
    return json.loads(text, parse_int=_whole)


def _whole(digits: str) -> int | float:
    """A number without a fraction. Beyond 2^53 it is the double that RFC 8785 writes so, or none."""
    number = int(digits) if len(digits) < 400 else 0
    return number if -_EXACT <= number <= _EXACT and len(digits) < 400 else float(digits)


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


def _is_packed_closely(archive: zipfile.ZipFile, path: Path) -> bool:
    """Whether the files lie one behind another with nothing between them, each introduced as the table of contents says."""
    end = 0
    with path.open("rb") as raw:
        for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
            raw.seek(info.header_offset)
            head = raw.read(_LOCAL.size)
            if info.header_offset != end or len(head) != _LOCAL.size or info.extra or info.comment:
                return False
            fields = _LOCAL.unpack(head)
            name = raw.read(fields[6])
            same = (b"PK\x03\x04", info.flag_bits, info.compress_type, info.CRC, info.compress_size, info.file_size)
            if fields[:6] != same or fields[7] or name != info.orig_filename.encode():
                return False
            end = info.header_offset + _LOCAL.size + len(name) + info.compress_size
    return end == archive.start_dir


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
    if not all(type(fields[name]) in types[name] for name in types):
        return None
    return (Record(**fields), hash_) if _is_spelled(Record(**fields), hash_) else None


def _is_spelled(record: Record, hash_: str) -> bool:
    """Whether digests, times and numbers of a record have their one spelling."""
    digests = (hash_, record.payload_digest, record.state_digest, record.prev_hash, record.definition_sha256)
    numbers = (record.seq, record.definition_version)
    spelled = all(map(is_digest, digests)) and _INSTANT.fullmatch(record.at) is not None
    return spelled and all(0 < number <= _EXACT for number in numbers)


def is_digest(value: Any) -> bool:
    """Whether a value is a SHA-256 digest in hexadecimal digits."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def is_number(value: Any) -> bool:
    """Whether a value is a number as records and entries count: 1, 2, 3 …"""
    return type(value) is int and 0 < value <= _EXACT


def is_instant(value: Any) -> bool:
    """Whether a value is an instant as records have it."""
    return isinstance(value, str) and _INSTANT.fullmatch(value) is not None


def _names_chains(manifest: JSON) -> bool:
    """Whether a manifest lists chains that can be looked for, the exported one first."""
    listed = manifest["cases"] if manifest["format"] == FIRST else manifest["chains"]
    if not isinstance(listed, list) or not listed or not all(isinstance(about, dict) for about in listed):
        return False
    chains = chains_in(manifest)
    if not all(map(_names_a_chain, chains)) or not _names_parents(manifest.get("not_started", [])):
        return False
    ids = [about["id"] for about in chains]
    return len(set(ids)) == len(ids)


def _names_parents(listed: Any) -> bool:
    return isinstance(listed, list) and all(
        isinstance(one, dict) and one.keys() == set(PARENTS) and all(isinstance(one[name], str) for name in PARENTS)
        for one in listed
    )


def _names_a_chain(about: JSON) -> bool:
    if not about.keys() >= {"kind", "id", "records", "head"}:
        return False
    kind, id_ = about["kind"], about["id"]
    if not all(isinstance(text, str) for text in (kind, id_)) or type(about["records"]) is not int:
        return False
    named = _IDS.get(kind, _CHAIN).fullmatch(id_) is not None
    right = _KIND.fullmatch(kind) is not None and named and is_digest(about["head"])
    return right and (kind != "case" or _names_a_case(about))


def _names_a_case(about: JSON) -> bool:
    if about.keys() != _CASE_KEYS or not _UUID.fullmatch(about["id"]):
        return False
    parent, task = (about[name] for name in PARENTS)
    return (parent is None) == (task is None) and all(one is None or isinstance(one, str) for one in (parent, task))
