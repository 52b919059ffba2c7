#!/usr/bin/env python3
"""Checks an exported history of OSM Flow offline: python3 verify.py BUNDLE.zip [--key FILE] [--checkpoint FILE]

Written from docs/audit-format.md alone; needs Python 3.11 and nothing else, and shares no code with the product.
Prints what was checked and what failed at which record. Exit code 0: everything holds; 1: something does not.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import re
import stat
import sys
import uuid
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

FORMAT = "osm-flow-bundle/1"
GENESIS = "0" * 64
CHILDREN = uuid.UUID("8d1f3f3c-9d0b-5d0e-8f59-4c0b8f7f2a11")
MOST_FILES, MOST_BYTES, LARGEST_FILE, LARGEST_LINE = 100_000, 4 << 30, 2 << 30, 64 << 20
LARGEST_RATIO, LARGEST_TEXT = 250, 64 << 20
EXACT, DEEPEST, MOST_SAID = 2**53 - 1, 100, 200

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NAME = re.compile(
    r"manifest\.json|README\.txt|verify\.py|player\.html|checkpoint\.txt|keys\.txt|attachments/[0-9a-f]{64}"
    rf"|cases/{UUID}/(?:case\.json|proof\.json|journal\.jsonl|payloads\.jsonl|states\.jsonl)"
    r"|definitions/[0-9a-f]{64}/(?:process\.bpmn|forms\.json|decisions\.json)"
)
HEX64, HEX256, SALT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{256}"), re.compile(r"[0-9a-f]{32}")
CASE_ID = re.compile(UUID)
INSTANT = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{6}Z", re.A)
SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
RECORD = {
    "case_id", "seq", "at", "kind", "actor", "actor_role", "on_behalf_of", "element", "task_id", "payload_digest",
    "definition", "engine_version", "state_digest", "prev_hash", "hash",
}  # fmt: skip
TEXTS = ("case_id", "at", "kind", "actor", "engine_version")
TEXTS_OR_NULL = ("actor_role", "on_behalf_of", "element", "task_id")
DIGESTS = ("payload_digest", "state_digest", "prev_hash", "hash")
MANIFEST = {"format", "root", "payloads", "cases", "checkpoint", "files"}
IN_MANIFEST = {"id", "records", "head", "parent_case_id", "parent_task_id"}


def _text_of(name: str) -> str:
    return rf'"{name}":"(?P<{name}>[^"\\\x00-\x1f]*)"'


def _text_or_null(name: str) -> str:
    return rf'"{name}":(?:"(?P<{name}>[^"\\\x00-\x1f]*)"|null)'


def _digest_of(name: str) -> str:
    return rf'"{name}":"(?P<{name}>[0-9a-f]{{64}})"'


def _number_of(name: str) -> str:
    return rf'"{name}":(?P<{name}>[1-9][0-9]{{0,14}})'


# A record's line as it usually is: its names in order, and no text that needs an escape. What fits is canonical JSON and
# has the right form; a line that does not is looked at piece by piece.
USUAL_RECORD = re.compile(
    ",".join([
        r"\{" + _text_of("actor"), _text_or_null("actor_role"), f'"at":"(?P<at>{INSTANT.pattern})"', _text_of("case_id"),
        r'"definition":\{' + _text_of("key"), _digest_of("sha256"), _number_of("version") + r"\}",
        _text_or_null("element"), _text_of("engine_version"), _digest_of("hash"), _text_of("kind"),
        _text_or_null("on_behalf_of"), _digest_of("payload_digest"), _digest_of("prev_hash"), _number_of("seq"),
        _digest_of("state_digest"), _text_or_null("task_id") + r"\}",
    ]), re.ASCII,
)  # fmt: skip


class Wrong(Exception):
    """What is wrong, in a sentence."""


class Report:
    """What was found, said as it is found."""

    def __init__(self) -> None:
        self.faults = 0

    def say(self, text: str) -> None:
        print(clean(text))

    def fault(self, where: str, what: str) -> None:
        self.faults += 1
        if self.faults <= MOST_SAID:
            print(f"FAULT  {clean(where)}: {clean(what)}")
        elif self.faults == MOST_SAID + 1:
            print("FAULT  … and more; only the number of the others is told")


def clean(text: object) -> str:
    """Nothing from a bundle may steer the reader's terminal."""
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in str(text)[:400])
    return shown.encode("utf-8", "backslashreplace").decode()


# ---- canonical JSON (RFC 8785) ---------------------------------------------------------------------------------


def parse(text: str | bytes) -> Any:
    """The value of a JSON text. Raises Wrong."""
    try:
        return _decode(text.decode() if isinstance(text, bytes) else text)
    except (ValueError, RecursionError) as error:
        raise Wrong(f"not JSON: {error}") from None


def _refuse_constant(name: str) -> None:
    raise Wrong(f"not JSON: {name}")


def _fraction(number: str) -> float:
    _special.append(number)
    return float(number)


def _whole(number: str) -> int:
    if len(number) > 15:
        _special.append(number)
    return int(number)


# The numbers of the text that was read last that can be written in more than one way.
_special: list[str] = []
_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_fraction, parse_int=_whole).decode


def canonical(value: Any, depth: int = 0) -> str:
    """The value as RFC 8785 writes it."""
    if depth > DEEPEST:
        raise Wrong(f"nested more than {DEEPEST} deep")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value) if -EXACT <= value <= EXACT else _number(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return "[" + ",".join([canonical(item, depth + 1) for item in value]) + "]"
    try:
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
    except UnicodeEncodeError:
        raise Wrong("half of a surrogate pair in a text") from None
    return "{" + ",".join([f"{_text(key)}:{canonical(value[key], depth + 1)}" for key in keys]) + "}"


def _text(text: str) -> str:
    if "\0" in text:
        raise Wrong("NUL character in a text")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Wrong("half of a surrogate pair in a text") from None
    return json.dumps(text, ensure_ascii=False)


def _number(number: float) -> str:
    """As ECMAScript's Number.prototype.toString writes it."""
    try:
        number = float(number)
    except OverflowError:
        raise Wrong("a number too large") from None
    if number in (float("inf"), float("-inf")):
        raise Wrong("a number too large")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    shift = len(whole) + int(exponent or 0)
    digits = whole + fraction
    stripped = digits.lstrip("0")
    point = shift - (len(digits) - len(stripped))  # the value is 0.DIGITS times 10 to this power
    digits = stripped.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = f".{digits[1:]}" if count > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


_flat = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False).encode
# Names with letters beyond the first plane are sorted otherwise by Python than by RFC 8785.
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def parse_canonical(text: str) -> Any:
    """The value of a text that is its own canonical JSON. Raises Wrong."""
    _special.clear()
    value = parse(text)
    # Python's own writer is fast, and writes as RFC 8785 does but for escapes by number, these letters and such numbers.
    is_usual = not _special and "\\u" not in text and (text.isascii() or not _BEYOND.search(text))
    if is_usual and text.count("{") + text.count("[") <= DEEPEST and _flat(value) == text:
        return value
    if canonical(value) != text:
        raise Wrong("not canonical JSON (RFC 8785)")
    return value


def parse_file(content: bytes) -> Any:
    """The value of a file that is canonical JSON and a newline. Raises Wrong."""
    if not content.endswith(b"\n"):
        raise Wrong("the file is cut")
    return parse_canonical(decoded(content[:-1]))


# ---- Ed25519 (RFC 8032), verification only -----------------------------------------------------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def _add(a: Point, b: Point) -> Point:
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    return (f - e) * (h - g) % P, (h + g) * (f + e) % P, (h - g) * (h + g) % P, (f - e) * (f + e) % P


def _times(factor: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            result = _add(result, point)
        point, factor = _add(point, point), factor >> 1
    return result


def _point(encoded: bytes) -> Point | None:
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is that of the message under the public key."""
    base = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    a, r = _point(public), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or base is None or a is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = _times(s, base), _add(r, _times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ---- checkpoints (C2SP tlog-checkpoint in a signed-note) ---------------------------------------------------------


class Key:
    """A public key; without a name it may sign under any."""

    def __init__(self, name: str | None, public: bytes) -> None:
        self.name, self.public = name, public

    @property
    def encoded(self) -> str:
        return base64.b64encode(b"\x01" + self.public).decode()

    def is_named(self, name: str, number: bytes) -> bool:
        return self.name in (None, name) and key_hash(name, self.public) == number


def key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def read_keys(text: str) -> list[Key]:
    """Verifier keys, one per line, or one public key in PEM. Raises Wrong."""
    if "BEGIN PUBLIC KEY" in text:
        der = unbase64(
            "".join(line for line in text.split() if "-" not in line and line not in ("BEGIN", "PUBLIC", "KEY"))
        )
        if len(der) != 44 or der[:12] != bytes.fromhex("302a300506032b6570032100"):
            raise Wrong("the PEM file is not an Ed25519 public key")
        return [Key(None, der[12:])]
    keys = []
    for line in filter(str.strip, text.splitlines()):
        # Beside a key there may stand its period, as in the product's own list.
        name, number, encoded = [*line.split()[0].split("+", 2), "", ""][:3]
        public = unbase64(encoded)
        if len(public) != 33 or public[0] != 1 or key_hash(name, public[1:]).hex() != number:
            raise Wrong(f"{line}: not a verifier key")
        keys.append(Key(name, public[1:]))
    return keys


def read_own_keys(text: str) -> list[Key]:
    """The keys of a bundle, which are spelled in one way only. Raises Wrong."""
    keys = read_keys(text)
    spelled = (f"{key.name}+{key_hash(key.name or '', key.public).hex()}+{key.encoded}\n" for key in keys)
    if text != "".join(spelled):
        raise Wrong("keys.txt is not a list of verifier keys")
    return keys


def unbase64(text: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(f"{text}: not base64") from None
    if base64.b64encode(found).decode() != text:
        raise Wrong(f"{text}: not the one base64 of its bytes")
    return found


class Checkpoint:
    """A checkpoint, read. Raises Wrong."""

    def __init__(self, content: bytes) -> None:
        text = decoded(content)
        body, blank, rest = text.rpartition("\n\n")
        lines = body.split("\n")
        if not blank or len(lines) < 3 or not lines[0].strip() or not rest.endswith("\n"):
            raise Wrong("not a checkpoint: a name, a size and a root are followed by an empty line and signatures")
        if not SIZE.fullmatch(lines[1]) or any(ord(char) < 32 and char != "\n" for char in text):
            raise Wrong("not a checkpoint: its size is no number, or it holds control characters")
        self.text, self.origin, self.size = (body + "\n").encode(), lines[0], int(lines[1])
        self.root = unbase64(lines[2])
        self.signatures = [self._signature(line) for line in rest[:-1].split("\n")]
        if len(self.root) != 32:
            raise Wrong("not a checkpoint: the root does not have 32 bytes")

    @staticmethod
    def _signature(line: str) -> tuple[str, bytes, bytes]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        found = unbase64(encoded)
        if dash != "\u2014" or not name or len(found) < 5:
            raise Wrong("not a checkpoint: a signature line is no signature line")
        return name, found[:4], found[4:]

    def signers(self, keys: list[Key]) -> list[str]:
        """The names under which these keys signed. Raises Wrong for a wrong signature of one of them."""
        found = []
        for name, number, signature in self.signatures:
            for key in keys:
                if key.is_named(name, number):
                    if not signed(key.public, self.text, signature):
                        raise Wrong(f"the signature of {name} on the checkpoint is wrong")
                    found.append(name)
        return found


def root_of(leaf: bytes, position: int, size: int, path: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to; None if the path does not fit the position and the size."""
    if not 0 <= position < size:
        return None
    fn, sn, r = position, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = hashlib.sha256(b"\1" + p + r).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hashlib.sha256(b"\1" + r + p).digest()
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


# ---- the container -----------------------------------------------------------------------------------------------


def decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Wrong("not UTF-8 text") from None


class Files:
    """The files of a bundle: a ZIP file, or the folder into which one was unpacked."""

    def __init__(self, path: Path, report: Report) -> None:
        self.archive: zipfile.ZipFile | None = None
        self.folder = path
        self.sizes: dict[str, int] = {}
        if path.is_dir():
            self._list_folder(report)
        else:
            self._list_archive(path, report)
        if len(self.sizes) > MOST_FILES or sum(self.sizes.values()) > MOST_BYTES:
            raise Wrong("too many files, or they are too large together; it is not read")

    def _list_folder(self, report: Report) -> None:
        for found in sorted(self.folder.rglob("*")):
            name = found.relative_to(self.folder).as_posix()
            if found.is_symlink():
                report.fault(name, "it is a link")
            elif found.is_file():
                self._take(name, found.stat().st_size, report)

    def _list_archive(self, path: Path, report: Report) -> None:
        self.archive = zipfile.ZipFile(path)
        if len(self.archive.infolist()) > MOST_FILES:
            raise Wrong("too many files; it is not read")
        with path.open("rb") as raw:
            raw.seek(-22, 2)  # where an archive without a comment has its last part
            if raw.read(4) != b"PK\5\6" or min([one.header_offset for one in self.archive.infolist()], default=0):
                report.fault(path.name, "there are bytes before or behind the archive")
        for info in self.archive.infolist():
            name = info.orig_filename
            if name != info.filename:
                report.fault(name, "a file name with characters that no file of a bundle has")
            elif stat.S_ISLNK(info.external_attr >> 16):
                report.fault(name, "it is a link")
            elif info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                report.fault(name, "encrypted, or packed in a way that a bundle is not")
            elif info.file_size > 1 << 20 and info.file_size > LARGEST_RATIO * max(info.compress_size, 1):
                raise Wrong(
                    f"{name}: {info.compress_size} bytes that unpack to {info.file_size}; a bomb, it is not read"
                )
            else:
                self._take(name, info.file_size, report)

    def _take(self, name: str, size: int, report: Report) -> None:
        if not NAME.fullmatch(name):
            report.fault(name, "no file of a bundle has this name or lies there")
        elif name in self.sizes:
            report.fault(name, "there are two files of this name")
        elif size > LARGEST_FILE:
            raise Wrong(f"{name}: larger than {LARGEST_FILE} bytes; it is not read")
        else:
            self.sizes[name] = size

    def __contains__(self, name: str) -> bool:
        return name in self.sizes

    def open(self, name: str) -> IO[bytes]:
        if name not in self.sizes:
            raise Wrong(f"{name} is missing")
        return self.archive.open(name) if self.archive else (self.folder / name).open("rb")

    def read(self, name: str) -> bytes:
        """A whole file that is small by its nature. Raises Wrong."""
        if self.sizes.get(name, 0) > LARGEST_TEXT:
            raise Wrong(f"larger than {LARGEST_TEXT} bytes")
        with self.open(name) as file:
            return file.read(LARGEST_TEXT + 1)

    def digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self.open(name) as file:
            while block := file.read(1 << 16):
                digest.update(block)
        return digest.hexdigest()

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a JSONL file. Raises Wrong for one that is not ended or too long."""
        with self.open(name) as file:
            buffered = io.BufferedReader(file, 1 << 16)  # type: ignore[type-var]
            for line in iter(partial(buffered.readline, LARGEST_LINE), b""):
                if not line.endswith(b"\n"):
                    raise Wrong("the last line is cut, or a line is too long")
                yield line[:-1]


# ---- one case ----------------------------------------------------------------------------------------------------


class Case:
    """The history of one case while it is checked."""

    def __init__(self, files: Files, about: dict[str, Any], has_payloads: bool, report: Report) -> None:
        self.files, self.about, self.report, self.has_payloads = files, about, report, has_payloads
        self.id: str = about["id"]
        self.folder = f"cases/{self.id}"
        self.count, self.head, self.at = 0, GENESIS, ""
        self.definitions: dict[str, int] = {}
        self.ended_children: list[tuple[int, str]] = []
        self.missing: list[int] = []
        self.erased: set[int] = set()
        self.attached: dict[str, tuple[int, Any]] = {}
        self.engines: set[str] = set()
        self.proof = self._proof()
        self.proven = False

    def fault(self, seq: int, what: str) -> None:
        self.report.fault(f"case {self.id}" + (f" record {seq}" if seq else ""), what)

    def check(self) -> None:
        """The chain with its payloads and states, record by record, in one pass."""
        payloads = self._numbered("payloads.jsonl", {"body", "salt", "seq"}) if self.has_payloads else iter(())
        states = self._numbered("states.jsonl", None)
        payload, state = next(payloads, None), next(states, None)
        try:
            for line in self.files.lines(f"{self.folder}/journal.jsonl"):
                record = self._record(decoded(line))
                if record is None:
                    return
                seq = record["seq"]
                while payload and payload["seq"] < seq:
                    self.fault(payload["seq"], "a payload without a record")
                    payload = next(payloads, None)
                if payload and payload["seq"] == seq:
                    self._payload(record, payload)
                    payload = next(payloads, None)
                elif self.has_payloads:
                    self.missing.append(seq)
                if state and (state["seq"], state.get("digest")) != (seq, record["state_digest"]):
                    self.fault(seq, "states.jsonl tells of another state than the record")
                state = next(states, None)
        except Wrong as wrong:
            self.fault(self.count + 1, str(wrong))
            return
        if payload or state:
            self.fault(self.count, "there are payloads or states of records that are not there")
        self._end()

    def _record(self, line: str) -> dict[str, Any] | None:
        """The record of a line after its own checks; None when nothing more can be said of the case."""
        expected = self.count + 1
        found = self._usual(line) or self._unusual(line)
        if found is None:
            return None
        record, hash_, content = found
        seq = record["seq"]
        if record["case_id"] != self.id:
            self.fault(seq, f"a record of another case ({record['case_id']})")
        if seq != expected:
            self.fault(seq, f"record {expected} should be here: one is missing, doubled or moved")
        if record["prev_hash"] != self.head:
            self.fault(seq, "the record does not follow from the one before it")
        if hashlib.sha256(content.encode()).hexdigest() != hash_:
            self.fault(seq, "the record was changed: its hash is another")
        if record["at"] <= self.at:
            self.fault(seq, "the record is not later than the one before it")
        self.count, self.head, self.at = seq, hash_, record["at"]
        self._remember(record, hash_)
        return record

    @staticmethod
    def _usual(line: str) -> tuple[dict[str, Any], str, str] | None:
        """The record of a line that is written as usual, its hash, and what is hashed: the line without the hash."""
        match = USUAL_RECORD.fullmatch(line)
        if match is None:
            return None
        record: dict[str, Any] = match.groupdict()
        record["seq"], version = int(record["seq"]), int(record.pop("version"))
        record["definition"] = {"key": record.pop("key"), "sha256": record.pop("sha256"), "version": version}
        begin, end = match.span("hash")
        return record, record.pop("hash"), line[: begin - len('"hash":"')] + line[end + len('",') :]

    def _unusual(self, line: str) -> tuple[dict[str, Any], str, str] | None:
        """The same of any other line, after saying what is wrong with its form; None when it is no record."""
        record = parse(line)
        if (wrong := shape_of(record)) is not None:
            self.fault(self.count + 1, wrong)
            return None
        hash_ = record.pop("hash")
        content = _flat(record)
        at = content.index(',"kind":')
        if f'{content[:at]},"hash":"{hash_}"{content[at:]}' != line:
            self.fault(record["seq"], "not canonical JSON (RFC 8785)")
        return record, hash_, content

    def _remember(self, record: dict[str, Any], hash_: str) -> None:
        seq = record["seq"]
        self.engines.add(record["engine_version"])
        self.definitions.setdefault(record["definition"]["sha256"], seq)
        if record["kind"] == "child.ended":
            self.ended_children.append((seq, record["task_id"] or ""))
        if self.proof and self.proof["seq"] == seq:
            self.proven = self.proof["hash"] == hash_

    def _payload(self, record: dict[str, Any], payload: dict[str, Any]) -> None:
        seq, salt, text = payload["seq"], payload["salt"], payload["body"]
        if type(salt) is not str or not SALT.fullmatch(salt) or type(text) is not str:
            self.fault(seq, "the payload has no salt or no body")
            return
        encoded = text.encode("utf-8", "surrogatepass")
        if hashlib.sha256(bytes.fromhex(salt) + encoded).hexdigest() != record["payload_digest"]:
            self.fault(seq, "the payload was changed: its digest is another")
            return
        try:
            body = parse_canonical(text)
            self._body(record, body)
        except Wrong as wrong:
            self.fault(seq, f"the payload: {wrong}")
        except (KeyError, TypeError, AttributeError):
            self.fault(seq, "the payload is no record's payload")

    def _body(self, record: dict[str, Any], body: dict[str, Any]) -> None:
        seq, data = record["seq"], body["data"]
        starts = body["command"] is not None and body["command"]["type"] == "Start"
        if starts != (seq == 1):
            raise Wrong("a case begins with its first record, and only there")
        if seq == 1:
            self._first(body["about"])
        if record["kind"] == "payloads.erased":
            self.erased |= {number for number in data["erased"] if type(number) is int and number < seq}
        if record["kind"] == "case.attached":
            self.attached[data["sha256"]] = (seq, data["size"])

    def _first(self, about: dict[str, Any]) -> None:
        for key in ("parent_case_id", "parent_task_id"):
            if (about.get(key) or None) != self.about[key]:
                raise Wrong(f"{key} is not the one of the manifest")
        shown = self.files.read(f"{self.folder}/case.json")
        case = parse_file(shown)
        for key in ("business_key", "title"):
            if case.get(key) != about[key]:
                raise Wrong(f"{key} in case.json is not the recorded one")

    def _end(self) -> None:
        if (self.count, self.head) != (self.about["records"], self.about["head"]):
            wanted = f"{self.about['records']} records ending in {self.about['head']}"
            self.fault(self.count, f"the manifest names {wanted}; the journal ends elsewhere")
        for seq in self.missing:
            if seq not in self.erased:
                self.fault(seq, "the payload is missing and no record says that it was erased")
        if self.proof is not None and not self.proven:
            self.fault(self.proof["seq"], "the record that the proof speaks of is not in the journal")

    def _numbered(self, name: str, keys: set[str] | None) -> Iterator[dict[str, Any]]:
        before = 0
        for line in self.files.lines(f"{self.folder}/{name}"):
            try:
                value = parse_canonical(decoded(line))
            except Wrong as wrong:
                raise Wrong(f"{name} after number {before}: {wrong}") from None
            if type(value) is not dict or (keys and value.keys() != keys) or type(value.get("seq")) is not int:
                raise Wrong(f"{name} after number {before}: a line of another form")
            if value["seq"] <= before:
                raise Wrong(f"{name}: number {value['seq']} is doubled or moved")
            before = value["seq"]
            yield value

    def _proof(self) -> dict[str, Any] | None:
        name = f"{self.folder}/proof.json"
        if name not in self.files:
            return None
        try:
            proof = parse_file(self.files.read(name))
            if type(proof) is not dict or proof.keys() != {"case_id", "seq", "hash", "position", "size", "path"}:
                raise Wrong("another form")
            whole = all(type(proof[key]) is int for key in ("seq", "position", "size"))
            if not whole or type(proof["path"]) is not list or not all(is_digest(one) for one in proof["path"]):
                raise Wrong("another form")
        except Wrong as wrong:
            self.report.fault(name, str(wrong))
            return None
        return proof

    def check_proof(self, checkpoint: Checkpoint) -> None:
        """That the checkpoint covers the case."""
        proof = self.proof
        if proof is None:
            self.fault(0, "there is a checkpoint, but no proof that it covers the case")
            return
        if proof["case_id"] != self.id or proof["size"] != checkpoint.size:
            self.fault(proof["seq"], "the proof is one of another case or of another checkpoint")
            return
        leaf = canonical({key: proof[key] for key in ("case_id", "seq", "hash")}).encode()
        path = [bytes.fromhex(one) for one in proof["path"]]
        if root_of(leaf, proof["position"], proof["size"], path) != checkpoint.root:
            self.fault(proof["seq"], "the checkpoint does not contain this record")


def is_digest(value: Any) -> bool:
    return type(value) is str and HEX64.fullmatch(value) is not None


def shape_of(record: Any) -> str | None:
    """What is wrong with the form of a record; None if it has all fields and each is what it should be."""
    if type(record) is not dict or record.keys() != RECORD:
        return "a line that is no record"
    definition = record["definition"]
    if type(definition) is not dict or definition.keys() != {"key", "version", "sha256"}:
        return "a record without a definition"
    texts = [*(record[key] for key in TEXTS), definition["key"]]
    texts += [value for key in TEXTS_OR_NULL if (value := record[key]) is not None]
    for text in texts:
        if type(text) is not str or "\0" in text or not (text.isascii() or is_unicode(text)):
            return "a record with a text that is none"
    digests = [record[key] for key in DIGESTS]
    if not all(type(one) is str and len(one) == 64 for one in digests) or not HEX256.fullmatch("".join(digests)):
        return "a record with a digest that is none"
    if not is_digest(definition["sha256"]) or not INSTANT.fullmatch(record["at"]):
        return "a record whose time or definition is none"
    numbers = (record["seq"], definition["version"])
    return None if all(type(one) is int and 0 < one <= EXACT for one in numbers) else "a record without a number"


def is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ---- the whole bundle ----------------------------------------------------------------------------------------------


def check_manifest(files: Files, report: Report) -> dict[str, Any]:
    """The manifest, after every file was compared with it. Raises Wrong when it cannot be used."""
    manifest = parse_file(files.read("manifest.json"))
    if type(manifest) is not dict or manifest.keys() != MANIFEST or manifest["format"] != FORMAT:
        raise Wrong(f"this is no manifest of {FORMAT}")
    if type(manifest["files"]) is not dict or type(manifest["payloads"]) is not bool:
        raise Wrong("this is no manifest: files or payloads")
    for name in sorted(files.sizes.keys() | manifest["files"].keys()):
        if name == "manifest.json":
            continue
        if name not in manifest["files"]:
            report.fault(name, "the manifest does not name this file")
        elif name not in files:
            report.fault(name, "the file is missing")
        elif manifest["files"][name] != {"sha256": files.digest(name), "size": files.sizes[name]}:
            report.fault(name, "the file was changed: its digest or size is another than in the manifest")
    check_tree(manifest, files, report)
    return manifest


def check_tree(manifest: dict[str, Any], files: Files, report: Report) -> None:
    """That the cases are the exported one and its children, each where it belongs. Raises Wrong."""
    seen: set[str] = set()
    for about in manifest["cases"] if type(manifest["cases"]) is list else ():
        if type(about) is not dict or about.keys() != IN_MANIFEST or type(about["records"]) is not int:
            raise Wrong("this is no manifest: cases")
        id_, parent, task = about["id"], about["parent_case_id"], about["parent_task_id"]
        if type(id_) is not str or not CASE_ID.fullmatch(id_) or not is_digest(about["head"]) or id_ in seen:
            raise Wrong("this is no manifest: cases")
        if (parent is None) != (task is None) or not all(one is None or type(one) is str for one in (parent, task)):
            raise Wrong("this is no manifest: cases")
        if parent is not None and id_ != child_of(parent, task):
            report.fault(f"case {id_}", "it is not the child of that task of its parent")
        if seen and parent not in seen:
            report.fault(f"case {id_}", "a case that the exported one did not call")
        if not seen and id_ != manifest["root"]:
            raise Wrong("the first case is not the exported one")
        seen.add(id_)
    if not seen:
        raise Wrong("there is no case in it")
    for name in files.sizes:
        if name.endswith("/payloads.jsonl") and not manifest["payloads"]:
            report.fault(name, "the manifest says that there are no payloads")
        if name.startswith("cases/") and name.split("/")[1] not in seen:
            report.fault(name, "a file of a case that the manifest does not name")


def child_of(parent: str, task: str) -> str:
    return str(uuid.uuid5(CHILDREN, f"{parent}\n{task}"))


def check_definition(files: Files, sha256: str) -> None:
    """That the content of a definition has its digest. Raises Wrong."""
    folder = f"definitions/{sha256}"
    content = {"xml": files.digest(f"{folder}/process.bpmn")}
    for part in ("forms", "decisions"):
        content[part] = parse_file(files.read(f"{folder}/{part}.json"))
    if hashlib.sha256(canonical(content).encode()).hexdigest() != sha256:
        raise Wrong("the process definition is not the recorded one: its digest is another")


def check_cases(files: Files, manifest: dict[str, Any], report: Report) -> list[Case]:
    cases = [Case(files, about, manifest["payloads"], report) for about in manifest["cases"]]
    ids = {case.id for case in cases}
    definitions: dict[str, str | None] = {}
    for case in cases:
        before = report.faults
        case.check()
        for sha256, seq in case.definitions.items():
            if sha256 not in definitions:
                definitions[sha256] = said_by(check_definition, files, sha256)
            if (said := definitions[sha256]) is not None:
                case.fault(seq, f"definition {sha256}: {said}")
        for seq, task in case.ended_children:
            if child_of(case.id, task) not in ids:
                case.fault(seq, "the child case that ended here is not in the bundle")
        for sha256, (seq, size) in case.attached.items() if manifest["payloads"] else ():
            if (said := said_by(check_attachment, files, sha256, size)) is not None:
                case.fault(seq, said)
        verdict = "holds" if report.faults == before else "DOES NOT HOLD"
        erased = f", {len(case.missing)} payloads erased" if case.missing else ""
        report.say(f"chain  case {case.id}: {case.count} records{erased}: {verdict}")
    named = {sha256 for case in cases for sha256 in case.definitions}
    attached = {sha256 for case in cases for sha256 in case.attached}
    for name in files.sizes:
        kind, _, rest = name.partition("/")
        if (kind == "definitions" and rest.split("/")[0] not in named) or (
            kind == "attachments" and rest not in attached
        ):
            report.fault(name, "no record names it")
    return cases


def check_attachment(files: Files, sha256: Any, size: Any) -> None:
    name = f"attachments/{sha256}"
    if files.digest(name) != sha256 or files.sizes[name] != size:
        raise Wrong("the attachment is not the recorded one")


def said_by(check: Any, *arguments: Any) -> str | None:
    try:
        check(*arguments)
    except Wrong as wrong:
        return str(wrong)
    return None


def check_checkpoint(
    files: Files,
    manifest: dict[str, Any],
    cases: list[Case],
    given: list[Key] | None,
    other: bytes | None,
    report: Report,
) -> None:
    """The signature, each case's proof, and what the verifier brought along. Raises Wrong."""
    if "checkpoint.txt" not in files:
        if manifest["checkpoint"] is not None or any(case.proof for case in cases) or "keys.txt" in files:
            raise Wrong("the checkpoint is missing")
        if given is not None or other is not None:
            raise Wrong("the bundle has no checkpoint, so nobody signed it")
        report.say(
            "note   no checkpoint: nothing shows that the chains are the original ones or that no newest record is missing"
        )
        return
    checkpoint = Checkpoint(files.read("checkpoint.txt"))
    if manifest["checkpoint"] != {"size": checkpoint.size, "root": checkpoint.root.hex()}:
        report.fault("checkpoint.txt", "it is not the checkpoint of the manifest")
    signers = checkpoint.signers(read_own_keys(decoded(files.read("keys.txt"))))
    if not signers:
        raise Wrong("the checkpoint is not signed by any key of the bundle")
    if given is not None and not (signers := checkpoint.signers(given)):
        raise Wrong("the checkpoint is not signed by the given key")
    before = report.faults
    for case in cases:
        case.check_proof(checkpoint)
        if case.proof and case.proof["seq"] < case.count:
            report.say(
                f"note   case {case.id}: records after {case.proof['seq']} are newer than the checkpoint; only their chain covers them"
            )
    if other is not None:
        compare(checkpoint, Checkpoint(other), report)
    verdict = "holds" if report.faults == before else "DOES NOT HOLD"
    report.say(f"log    {checkpoint.origin}: {checkpoint.size} records, signed by {', '.join(signers)}: {verdict}")
    if given is None:
        report.say(
            "note   the key is from inside the bundle: it proves nothing about WHO signed. Get the key from the office"
        )
        report.say("       or a witness and run this again with --key FILE.")


def compare(own: Checkpoint, other: Checkpoint, report: Report) -> None:
    if other.origin != own.origin:
        report.fault("checkpoint.txt", "the given checkpoint is one of another log")
    elif other.size == own.size and other.root != own.root:
        report.fault("checkpoint.txt", "the given checkpoint has the same size and another root: the log was forked")
    elif other.size != own.size:
        report.say(
            "note   the given checkpoint has another size; `osm-flow audit consistency` proves that one grew from the other"
        )


def check(path: Path, given: list[Key] | None, other: bytes | None, report: Report) -> None:
    """The whole bundle."""
    files = Files(path, report)
    manifest = check_manifest(files, report)
    report.say(f"files  {len(manifest['files'])} named by the manifest, by SHA-256")
    cases = check_cases(files, manifest, report)
    try:
        check_checkpoint(files, manifest, cases, given, other, report)
    except Wrong as wrong:
        report.fault("checkpoint.txt", str(wrong))
    report.say(
        f"note   written by {', '.join(sorted(set().union(*(case.engines for case in cases)))) or 'no engine'}; the"
    )
    report.say("       states themselves are recomputed by `osm-flow case verify --bundle FILE.zip --deep`, not here.")
    if not manifest["payloads"]:
        report.say("note   the bundle was made without payloads: what people typed is neither in it nor checked")


def main(arguments: list[str] | None = None) -> int:
    """The program. Never ends with a traceback, whatever the input is."""
    parser = argparse.ArgumentParser(description="Checks an exported history of OSM Flow offline.")
    parser.add_argument(
        "bundle", nargs="?", default=str(Path(__file__).parent), help="the ZIP file, or the unpacked folder"
    )
    parser.add_argument(
        "--key", help="the office's public key (verifier keys or PEM), got by another way than this bundle"
    )
    parser.add_argument("--checkpoint", help="a checkpoint that a witness kept, to compare with the one of the bundle")
    options = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    report = Report()
    try:
        given = read_keys(decoded(Path(options.key).read_bytes())) if options.key else None
        other = Path(options.checkpoint).read_bytes() if options.checkpoint else None
        check(Path(options.bundle), given, other, report)
    except Wrong as wrong:
        report.fault(options.bundle, str(wrong))
    except Exception as error:  # noqa: BLE001 (whatever a broken container makes a library raise is a fault of the bundle)
        report.fault(options.bundle, f"it cannot be read: {type(error).__name__}: {error}")
    print(f"RESULT {'everything holds' if not report.faults else f'{report.faults} faults'}")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
