#!/usr/bin/env python3
"""Checks an exported history of OSM Flow offline: python3 verify.py BUNDLE.zip [--key FILE] [--checkpoint FILE]

Written from docs/audit-format.md alone; needs Python 3.11 and nothing else, and shares no code with the product.
Prints what was checked and what failed at which record; the last line says how far it holds. Exit code 0: it holds as far
as the last line says; 1: something does not; 2: wrong use; 3: nothing wrong was found, yet it is not proven.
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
import struct
import sys
import uuid
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

FIRST, FORMAT = "osm-flow-bundle/1", "osm-flow-bundle/2"
GENESIS = "0" * 64
CHILDREN = uuid.UUID("8d1f3f3c-9d0b-5d0e-8f59-4c0b8f7f2a11")
MOST_FILES, MOST_BYTES, LARGEST_FILE, LARGEST_LINE = 100_000, 4 << 30, 2 << 30, 64 << 20
LARGEST_RATIO, LARGEST_TEXT, LONGEST_NOTE = 250, 512 << 20, 65_536
EXACT, DEEPEST, MOST_SAID = 2**53 - 1, 100, 200

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
BOOK = r"[a-z][a-z_]{0,31}/[A-Z0-9][A-Z0-9-]{0,15}/[0-9]{4}"
NAME = re.compile(
    r"manifest\.(?:json|sig)|README\.txt|verify\.py|player\.html|checkpoint\.txt|keys\.txt|consistency\.json"
    r"|records/(?:sets|versions)\.jsonl"
    r"|attachments/[0-9a-f]{64}|chains/[a-z][a-z_]{0,31}/[a-z0-9][a-z0-9-]{0,63}/(?:proof\.json|journal\.jsonl|payloads\.jsonl)"
    rf"|chains/book/{BOOK}/(?:proof\.json|journal\.jsonl|changes\.jsonl|payloads\.jsonl|sets\.jsonl)"
    rf"|cases/{UUID}/(?:case\.json|proof\.json|journal\.jsonl|payloads\.jsonl|states\.jsonl)"
    r"|definitions/[0-9a-f]{64}/(?:process\.bpmn|forms\.json|decisions\.json)"
)
KIND, CHAIN_ID = re.compile(r"[a-z][a-z_]{0,31}"), re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
HEX64, HEX256, SALT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{256}"), re.compile(r"[0-9a-f]{32}")
CASE_ID, BOOK_ID = re.compile(UUID), re.compile(BOOK)
INSTANT = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])(?::[0-5]\d){2}\.\d{6}Z", re.A)
SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
RECORD = {
    "case_id", "seq", "at", "kind", "actor", "actor_role", "on_behalf_of", "element", "task_id", "payload_digest",
    "definition", "engine_version", "state_digest", "prev_hash", "hash",
}  # fmt: skip
TEXTS = ("case_id", "at", "kind", "actor", "engine_version")
TEXTS_OR_NULL = ("actor_role", "on_behalf_of", "element", "task_id")
DIGESTS = ("payload_digest", "state_digest", "prev_hash", "hash")
MANIFEST = {"format", "root", "payloads", "cases", "checkpoint", "files"}
IN_MANIFEST = {"id", "records", "head", "parent_case_id", "parent_task_id"}
IN_WAITING = {"element", "kind", "task_id", "due_at", "instance"}
MANIFEST_2 = {"format", "root", "payloads", "chains", "not_started", "checkpoint", "files"}
OF_CASE = {"id", "business_key", "office_id", "fiscal_year", "state", "outcome", "parent_case_id", "parent_task_id"}
PARENTS = ("parent_case_id", "parent_task_id")
OF_ADMINISTRATION = {"seq", "at", "kind", "actor", "actor_role", "office_id", "subject", "changes", "prev_hash", "hash"}
# The chains that are of no case and are known by their kind, with the fields of their records.
OF_READS = {"seq", "at", "kind", "book", "body", "told", "digests", "prev_hash", "hash"}
KNOWN = {"administration": OF_ADMINISTRATION, "reads": OF_READS}
# A book of records: its entries, and the changes under them.
OF_ENTRY = {"book", "seq", "at", "act", "actor", "actor_role", "on_behalf_of", "cause", "told", "reason_digest"}
OF_ENTRY |= {"confirmed", "changes_digest", "prev_hash", "hash"}
OF_VERSION = {"kind", "record", "version", "schema", "digest", "personal_digest", "prev_hash", "hash", "salt", "body"}
OF_CHANGE = {"seq", "kind", "record", "version", "schema", "digest", "personal_digest", "prev_hash", "hash"}
# A checkpoint with this line says that whoever signs it writes bundles of format 2 or later.
LATER = f"bundles {FORMAT}"
DATA = '<script type="application/json" id="data">'
# The pages that show a history, without its data, by their SHA-256: every version of the product's player.
PLAYERS = (
    "5218b8926c32b13d6151f6f1589ef88fe56886f4c59a37e2233fc8651f12c0a0",
    "323c29c8e21bc1f9829e5bb3e878548c0668a19bd6efe294badce361a5cab7c4",
    "00d0a784c84b25b7fb2e3e536912750486af1fa7418641a430543d8179cbe125",
    "cf6c4da12574ba48d29a0b231f3ca1f785977a9b1df8f319bf93f3588e45fff2",
    "b424533f5feebe92eabe16c0344d5ee108e599203178488685a10eab0b502637",
    "707c7cb0baea93d3e26532f650dba641f7c87540dbe5b4b46265435385acb32a",
)
SHOWN = ("seq", "at", "kind", "actor", "actor_role", "on_behalf_of", "element", "task_id")
PRODUCT = re.compile(r"osm-flow (\d+)\.(\d+)")


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


class Reach(NamedTuple):
    """How far a chain is proven: up to which of its records, which was at this time."""

    where: str
    proven: int
    records: int
    at: str


class Report:
    """What was found, said as it is found, and how far it reaches."""

    def __init__(self) -> None:
        self.faults = 0
        self.is_first = False  # of format 1
        self.is_trusted = False  # the verifier brought a key
        self.has_checkpoint = False
        self.is_sealed = False  # the manifest is signed by whom the verifier trusts
        self.is_compared: bool | None = None  # with the checkpoint of a witness; None: there is none
        self.reaches: list[Reach] = []

    def say(self, text: str) -> None:
        print(clean(text))

    def fault(self, where: str, what: str) -> None:
        self.faults += 1
        if self.faults <= MOST_SAID:
            print(f"FAULT  {clean(where)}: {clean(what)}")
        elif self.faults == MOST_SAID + 1:
            print("FAULT  … and more; only the number of the others is told")


def result_of(report: Report) -> tuple[int, str]:
    """The exit code, and the last line."""
    if report.faults:
        return 1, f"{report.faults} faults" if report.is_first else "does not hold"
    if not report.is_trusted:
        why = "no trusted key says who signed it" if report.has_checkpoint else "nobody signed it"
        return 3, f"nothing wrong was found, but it is NOT PROVEN: {why}"
    held = "everything holds" if report.is_first else reach_of(report)
    if report.is_compared is False:
        return 3, f"{held}; NOT compared with the given checkpoint"
    return 0, f"{held}; compared with the given checkpoint" if report.is_compared else held


def reach_of(report: Report) -> str:
    """How far the chains are proven, in words."""
    first, *others = report.reaches
    said = f"holds up to record {first.proven} of {first.records} ({first.at})"
    if others:
        proven, records = (sum(numbers) for numbers in zip(*((one.proven, one.records) for one in others), strict=True))
        said += f"; {len(others)} more chains: {proven} of {records} records"
    return said if report.is_sealed else f"{said}; NOT PROVEN: where the chains end, and what the files for reading say"


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


def _whole(number: str) -> int | float:
    """A number without a fraction; beyond 2^53 it is the double that is nearest."""
    if len(number) <= 15:
        return int(number)
    _special.append(number)
    found = int(number)
    return found if -EXACT <= found <= EXACT else float(number)


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


def is_name(name: str) -> bool:
    return 0 < len(name) <= 255 and name.isprintable() and not any(sign.isspace() or sign == "+" for sign in name)


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
        if line.lstrip().startswith("#"):
            continue
        # Beside a key there may stand its period, as in the product's own list.
        name, number, encoded = [*line.split()[0].split("+", 2), "", ""][:3]
        public = unbase64(encoded)
        if (
            len(public) != 33
            or public[0] != 1
            or not is_name(name)
            or key_hash(name, public[1:]).hex() != number.lower()
        ):
            raise Wrong(f"{line}: not a verifier key")
        keys.append(Key(name, public[1:]))
    return keys


def read_given_keys(content: bytes) -> list[Key]:
    """The keys that the verifier brought. Raises Wrong where there is none, or one that no signature can be checked by."""
    keys = read_keys(decoded(content))
    if not keys:
        raise Wrong("there is no key in it")
    for key in keys:
        if _point(key.public) is None:
            raise Wrong(f"{key.encoded}: not an Ed25519 public key")
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


class Note:
    """A signed note, read. Raises Wrong."""

    def __init__(self, content: bytes) -> None:
        text = decoded(content)
        body, blank, rest = text.rpartition("\n\n")
        if not blank or not rest.endswith("\n") or len(text) > LONGEST_NOTE:
            raise Wrong("not a signed note: a text is followed by an empty line and signatures")
        if any((ord(char) < 32 and char != "\n") or ord(char) == 127 for char in text):
            raise Wrong("not a signed note: it holds control characters")
        self.text, self.lines = (body + "\n").encode(), body.split("\n")
        self.signatures = [self._signature(line) for line in rest[:-1].split("\n")]

    @staticmethod
    def _signature(line: str) -> tuple[str, bytes, bytes]:
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        found = unbase64(encoded)
        if dash != "\u2014" or not is_name(name) or len(found) < 5:
            raise Wrong("not a signed note: a signature line is no signature line")
        return name, found[:4], found[4:]

    def signers(self, keys: list[Key]) -> list[str]:
        """The names under which these keys signed. Raises Wrong for a wrong signature of one of them."""
        found = []
        for name, number, signature in self.signatures:
            for key in keys:
                if key.is_named(name, number):
                    if not signed(key.public, self.text, signature):
                        raise Wrong(f"the signature of {name} is wrong")
                    found.append(name)
        return found


class Checkpoint(Note):
    """A checkpoint, read. Raises Wrong."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        lines = self.lines
        if len(lines) < 3 or not all(lines) or not SIZE.fullmatch(lines[1]):
            raise Wrong("not a checkpoint: a name, a size and a root stand in its first lines, and no line is empty")
        self.origin, self.size, self.extensions = lines[0], int(lines[1]), lines[3:]
        self.root = unbase64(lines[2])
        if len(self.root) != 32:
            raise Wrong("not a checkpoint: the root does not have 32 bytes")


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


def continues(old: tuple[int, bytes], new: tuple[int, bytes], path: list[bytes]) -> bool:
    """Whether a consistency proof shows that the log of size and root `new` begins with that of `old` (RFC 9162, 2.1.4.2)."""
    (first, old_root), (second, new_root) = old, new
    if not 0 < first < second:
        return first == second and old_root == new_root and not path
    hashes = [old_root, *path] if first & (first - 1) == 0 else path
    if not hashes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = hashlib.sha256(b"\1" + c + fr).digest(), hashlib.sha256(b"\1" + c + sr).digest()
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hashlib.sha256(b"\1" + sr + c).digest()
        fn, sn = fn >> 1, sn >> 1
    return (fr, sr, sn) == (old_root, new_root, 0)


# ---- the container -----------------------------------------------------------------------------------------------


def decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Wrong("not UTF-8 text") from None


def is_packed_closely(archive: zipfile.ZipFile, raw: IO[bytes]) -> bool:
    """Whether the files lie one behind another with nothing between them, each introduced as the table of contents says."""
    end = 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        raw.seek(info.header_offset)
        head = raw.read(30)
        if info.header_offset != end or len(head) != 30 or head[:4] != b"PK\3\4" or info.extra or info.comment:
            return False
        flags, method, crc, packed, size, name_size, extra_size = struct.unpack("<2xHH4xLLLHH", head[4:])
        name = raw.read(name_size)
        same = (info.flag_bits, info.compress_type, info.CRC, info.compress_size, info.file_size)
        if (flags, method, crc, packed, size) != same or extra_size or name != info.orig_filename.encode():
            return False
        end = info.header_offset + 30 + name_size + info.compress_size
    return end == archive.start_dir


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
            elif not is_packed_closely(self.archive, raw):
                report.fault(path.name, "there are bytes between the files of the archive, or its two tables differ")
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


# ---- the page that shows it --------------------------------------------------------------------------------------


def slim_record(record: dict[str, Any], hash_: str, body: Any) -> dict[str, Any]:
    """What the player is given of a record."""
    slim = {name: record[name] for name in SHOWN if record[name] is not None} | {"hash": hash_}
    match = PRODUCT.match(record["engine_version"])
    if record["on_behalf_of"] is not None and (match is None or (int(match[1]), int(match[2])) < (0, 2)):
        slim["as_stated"] = True
    about = body.get("about") if type(body) is dict else None
    answer = about.get("answer") if type(about) is dict else None
    return slim | ({"answer": answer} if answer and type(answer) is dict else {})


def slim_state(state: dict[str, Any], has_forms: bool) -> dict[str, Any]:
    """What the player is given of a state; pages that have no forms are of before and do not tell the work items."""
    names = ("element", "due_at", "instance", "task_id") if has_forms else ("element", "due_at", "instance")
    waiting = [[one[name] for name in names] for one in state["waiting"]]
    return {"waiting": waiting} | {name: state[name] for name in ("passed", "set", "unset") if state.get(name)}


def is_same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same; Python alone takes true for 1 and 1 for 1.0."""
    if type(one) is not type(other) or one != other:
        return False
    if type(one) is dict:
        return all(type(value) is str or is_same(value, other[key]) for key, value in one.items())
    if type(one) is list:
        return all(type(value) is str or is_same(value, other[at]) for at, value in enumerate(one))
    return True


class Player:
    """The page that shows the cases; what is in it is compared with the files while these are read."""

    def __init__(self, files: Files, report: Report) -> None:
        self.cases: list[Any] = []
        self.data: dict[str, Any] = {}
        before, mark, rest = decoded(files.read("player.html")).partition(DATA)
        data, end, after = rest.partition("</script>")
        shell = hashlib.sha256(f"{before}{mark}{end}{after}".encode()).hexdigest()
        if not mark or not end:
            raise Wrong("there are no data in it")
        if shell not in PLAYERS:
            report.say(
                "note   player.html is of a version that is not known here: only a signature speaks for what it shows"
            )
        found = parse(data)
        self.has_forms = type(found) is dict and "forms" in found
        beside = {name for name in ("forms", "sets") if type(found) is dict and name in found}
        names = {"cases", "definitions", "checkpoint"} | beside
        if type(found) is not dict or found.keys() != names:
            raise Wrong("its data are of another form")
        self.data, self.cases = found, found["cases"] if type(found["cases"]) is list else []

    def check(self, files: Files, cases: list[Case], sets: Sets) -> None:
        """The parts that belong to no single record. Raises Wrong."""
        if not is_same(self.data.get("sets"), sets.shown if sets.is_there else None):
            raise Wrong("it shows other sets of records than the files")
        texts = {name: files.read(f"definitions/{name}/process.bpmn") for case in cases for name in case.definitions}
        shown = {name: text.decode("utf-8", "replace") for name, text in texts.items()}
        checkpoint = files.read("checkpoint.txt").decode("utf-8", "replace") if "checkpoint.txt" in files else None
        if self.data["definitions"] != shown or self.data["checkpoint"] != checkpoint:
            raise Wrong("it shows other processes or another checkpoint than the files")
        if self.has_forms:
            forms = {name: parse_file(files.read(f"definitions/{name}/forms.json")) for name in texts}
            if not is_same(self.data["forms"], forms):
                raise Wrong("it shows other forms than the files")
        if len(self.cases) != len(cases):
            raise Wrong("it shows other cases than the files")


class Part:
    """What the player shows of one case."""

    def __init__(self, part: Any, has_payloads: bool, has_forms: bool) -> None:
        self.part = part
        self.has_forms = has_forms
        self.has_payloads = has_payloads
        names = {"case", "definition", "records", "states", "payloads"}
        right = type(part) is dict and part.keys() == names
        right = right and type(part["records"]) is list and type(part["states"]) is list
        right = right and type(part["payloads"]) is (dict if has_payloads else type(None))
        self.wrong: str | None = None if right else "it shows the case in another form"

    def compare(self, shown: Any, name: str, place: Any) -> None:
        """Say what differs, once."""
        if self.wrong is not None:
            return
        found = self.part[name]
        try:
            if is_same(found[place], shown):
                return
        except (IndexError, KeyError):
            pass
        self.wrong = f"it shows something else than the files: {name} {place + 1 if type(place) is int else place}"

    def end(self, case: Any, definition: Any, counts: tuple[int, int, int]) -> None:
        """That nothing more is shown than there is."""
        if self.wrong is None:
            shown = [len(self.part[name] or ()) for name in ("records", "states", "payloads")]
            if (
                not is_same(self.part["case"], case)
                or not is_same(self.part["definition"], definition)
                or shown != list(counts)
            ):
                self.wrong = "it shows something else than the files"


# ---- chains of other kinds ---------------------------------------------------------------------------------------


def read_proof(files: Files, folder: str, report: Report) -> dict[str, Any] | None:
    """The proof in the folder of a chain; None when there is none, or none that can be used."""
    name = f"{folder}/proof.json"
    if name not in files:
        return None
    try:
        proof = parse_file(files.read(name))
        if type(proof) is not dict or proof.keys() != {"case_id", "seq", "hash", "position", "size", "path"}:
            raise Wrong("another form")
        whole = all(type(proof[key]) is int for key in ("seq", "position", "size"))
        if not whole or type(proof["path"]) is not list or not all(map(is_digest, [*proof["path"], proof["hash"]])):
            raise Wrong("another form")
    except Wrong as wrong:
        report.fault(name, str(wrong))
        return None
    return proof


class Chain:
    """A chain of records of whatever kind, while it is checked."""

    def __init__(self, files: Files, about: dict[str, Any], report: Report) -> None:
        self.files, self.about, self.report = files, about, report
        self.id: str = about["id"]
        self.kind: str = about.get("kind", "case")
        self.is_case = self.kind == "case"
        self.folder = f"cases/{self.id}" if self.is_case else f"chains/{self.kind}/{self.id}"
        self.where = f"case {self.id}" if self.is_case else f"chain {self.kind} {self.id}"
        self.count, self.head, self.at = 0, GENESIS, ""
        self.proof = read_proof(files, self.folder, report)
        self.proven, self.proven_at = False, ""
        self.digested, self.beside = 0, 0
        self.is_proven = False

    def fault(self, seq: int, what: str) -> None:
        self.report.fault(self.where + (f" record {seq}" if seq else ""), what)

    def check(self) -> None:
        """The rules that hold for chains of all kinds."""
        texts = self._texts()
        text = next(texts, None)
        try:
            for line in self.files.lines(f"{self.folder}/journal.jsonl"):
                record = parse_canonical(decoded(line))
                if not self._take(record):
                    return
                while text and text["seq"] <= self.count:
                    self._text(record, text)
                    text = next(texts, None)
        except Wrong as wrong:
            self.fault(self.count + 1, str(wrong))
            return
        if text:
            self.fault(text["seq"], "a payload without a record")
        self._end()

    def _take(self, record: Any) -> bool:
        fields = KNOWN.get(self.kind)
        right = type(record) is dict and (
            record.keys() == fields if fields else record.keys() > {"seq", "prev_hash", "hash"}
        )
        if not right or type(record["seq"]) is not int or not is_digest(record["hash"]):
            self.fault(self.count + 1, "a line that is no record")
            return False
        content = canonical({key: value for key, value in record.items() if key != "hash"})
        seq, hash_ = record["seq"], record["hash"]
        if seq != self.count + 1:
            self.fault(seq, f"record {self.count + 1} should be here: one is missing, doubled or moved")
        if record["prev_hash"] != self.head:
            self.fault(seq, "the record does not follow from the one before it")
        if hashlib.sha256(content.encode()).hexdigest() != hash_:
            self.fault(seq, "the record was changed: its hash is another")
        digests = record.get("digests")
        self.digested += len(digests) if type(digests) is dict else 0
        at = record.get("at")
        self._move(seq, hash_, at if type(at) is str else "")
        return True

    def _move(self, seq: int, hash_: str, at: str) -> None:
        self.count, self.head, self.at = seq, hash_, at
        if self.proof and self.proof["seq"] == seq:
            self.proven, self.proven_at = self.proof["hash"] == hash_, at

    def _text(self, record: dict[str, Any], text: dict[str, Any]) -> None:
        self.beside += 1
        digests = record.get("digests")
        digest = digests.get(text["part"]) if type(digests) is dict else None
        content = bytes.fromhex(text["salt"]) + text["body"].encode()
        if text["seq"] != record["seq"] or digest != hashlib.sha256(content).hexdigest():
            self.fault(text["seq"], "the payload was changed: its digest is another")

    def _texts(self) -> Iterator[dict[str, Any]]:
        """What stands beside the records of such a chain, part by part."""
        name = f"{self.folder}/payloads.jsonl"
        before = (0, "")
        for line in self.files.lines(name) if name in self.files else ():
            text = parse_canonical(decoded(line))
            right = type(text) is dict and text.keys() == {"body", "part", "salt", "seq"} and type(text["seq"]) is int
            right = right and all(type(text[key]) is str for key in ("body", "part", "salt"))
            if not right or not SALT.fullmatch(text["salt"]) or (text["seq"], text["part"]) <= before:
                raise Wrong("a line of the payloads is none, doubled or moved")
            before = (text["seq"], text["part"])
            yield text

    def _end(self) -> None:
        if (self.count, self.head) != (self.about["records"], self.about["head"]):
            wanted = f"{self.about['records']} records ending in {self.about['head']}"
            self.fault(self.count, f"the manifest names {wanted}; the journal ends elsewhere")
        if self.proof is not None and not self.proven:
            self.fault(self.proof["seq"], "the record that the proof speaks of is not in the journal")

    def check_proof(self, checkpoint: Checkpoint) -> None:
        """That the checkpoint covers the chain."""
        proof = self.proof
        if proof is None:
            self.fault(0, "there is a checkpoint, but no proof that it covers the chain")
            return
        if proof["case_id"] != self.id or proof["size"] != checkpoint.size:
            self.fault(proof["seq"], "the proof is one of another chain or of another checkpoint")
            return
        leaf = canonical({key: proof[key] for key in ("case_id", "seq", "hash")}).encode()
        path = [bytes.fromhex(one) for one in proof["path"]]
        if root_of(leaf, proof["position"], proof["size"], path) != checkpoint.root:
            self.fault(proof["seq"], "the checkpoint does not contain this record")
        else:
            self.is_proven = self.proven

    @property
    def newer(self) -> int:
        """How many records nothing proves."""
        return self.count - (self.proof["seq"] if self.is_proven and self.proof else 0)

    @property
    def reach(self) -> Reach:
        return Reach(self.where, self.count - self.newer, self.count, self.proven_at or "-")


# ---- books of records --------------------------------------------------------------------------------------------


class Cursor:
    """Lines of a file of a book in the order of their places, taken one after another."""

    def __init__(self, files: Files, name: str, place: Any) -> None:
        self.name, self.place = name, place
        self.lines = files.lines(name)
        self.at: tuple[Any, ...] = ()
        self.line: dict[str, Any] | None = None
        self.move()

    def move(self) -> None:
        """To the next line. Raises Wrong for one that is none, doubled or moved."""
        text = next(self.lines, None)
        self.line = None if text is None else parse_canonical(decoded(text))
        if text is None:
            return
        at = self.place(self.line) if type(self.line) is dict else None
        if at is None or at <= self.at:
            raise Wrong(f"{self.name}: a line is none, doubled or moved")
        self.at = at

    def before(self, place: tuple[Any, ...] | None) -> Iterator[dict[str, Any]]:
        """The lines before this place; None: all that are left."""
        while self.line is not None and (place is None or self.at < place):
            line = self.line
            self.move()
            yield line

    def take(self, place: tuple[Any, ...]) -> dict[str, Any] | None:
        """The line of this place, if there is one."""
        line = self.line if self.at == place else None
        if line is not None:
            self.move()
        return line


def is_count(value: Any) -> bool:
    return type(value) is int and 0 < value <= EXACT


def is_text_or_null(value: Any) -> bool:
    return value is None or type(value) is str


def is_entry(line: Any) -> bool:
    """Whether a line has the form of an entry of a book."""
    if type(line) is not dict or line.keys() != OF_ENTRY or type(line["at"]) is not str:
        return False
    right = all(type(line[key]) is str for key in ("book", "act", "actor")) and is_count(line["seq"])
    right = right and all(is_text_or_null(line[key]) for key in ("actor_role", "on_behalf_of"))
    right = right and type(line["cause"]) is dict and type(line["told"]) is dict
    right = right and all(is_digest(line[key]) for key in ("changes_digest", "prev_hash", "hash"))
    right = right and (line["reason_digest"] is None or is_digest(line["reason_digest"]))
    second = line["confirmed"]
    if second is not None:
        right = right and type(second) is dict and second.keys() == {"by", "role", "on_behalf_of"}
        right = right and type(second["by"]) is str
        right = right and all(is_text_or_null(second[key]) for key in ("role", "on_behalf_of"))
    return right and INSTANT.fullmatch(line["at"]) is not None


def place_of_change(line: dict[str, Any]) -> tuple[int, str] | None:
    if line.keys() != OF_CHANGE or not all(type(line[key]) is str and line[key] for key in ("kind", "record")):
        return None
    right = all(is_count(line[key]) for key in ("seq", "version", "schema"))
    right = right and all(is_digest(line[key]) for key in ("digest", "prev_hash", "hash"))
    right = right and (line["personal_digest"] is None or is_digest(line["personal_digest"]))
    return (line["seq"], line["record"]) if right else None


def place_of_text(line: dict[str, Any]) -> tuple[int, str, str] | None:
    names = ("body", "part", "record", "salt")
    if line.keys() != {*names, "seq"} or not all(type(line[key]) is str for key in names):
        return None
    part, record = line["part"], line["record"]
    right = part == "reason" if record == "" else part in ("body", "personal")
    right = right and is_count(line["seq"]) and SALT.fullmatch(line["salt"]) is not None
    return (line["seq"], record, part) if right else None


def place_of_set(line: dict[str, Any]) -> tuple[str] | None:
    if line.keys() != {"digest", "members"} or not is_digest(line["digest"]) or type(line["members"]) is not list:
        return None
    before = None
    for one in line["members"]:
        if type(one) is not list or len(one) != 3 or type(one[0]) is not str:
            return None
        if before is not None and one[0] <= before:
            return None
        before = one[0]
        if not is_count(one[1]) or not is_digest(one[2]):
            return None
    return (line["digest"],)


def whole_numbers(values: Any) -> list[int]:
    return [value for value in values if type(value) is int] if type(values) is list else []


class Book(Chain):
    """A book of records while it is checked: entries, the changes under them, what these say, and sets."""

    def __init__(self, files: Files, about: dict[str, Any], report: Report) -> None:
        super().__init__(files, about, report)
        self.threads: dict[str, tuple[int, str]] = {}
        # By what was erased (record and version, or the number of the entry with the reason): the entries that say so.
        self.erased: dict[Any, list[int]] = {}
        # What is gone by law: under which entry, what, and the entry that says so.
        self.excused: list[tuple[int, str, int]] = []
        self.sets: dict[str, tuple[int, int]] = {}

    def check(self) -> None:
        """All of it in one pass, after one for what was erased; the newest version of each record is all that is kept."""
        try:
            self._find_erasures()
            changes = Cursor(self.files, f"{self.folder}/changes.jsonl", place_of_change)
            texts = Cursor(self.files, f"{self.folder}/payloads.jsonl", place_of_text)
            for line in self.files.lines(f"{self.folder}/journal.jsonl"):
                entry = parse_canonical(decoded(line))
                if not is_entry(entry):
                    raise Wrong("a line that is no entry")
                self._entry(entry)
                self._strays(texts.before((entry["seq"], "", "reason")), "a text of nothing that is there")
                reason, where = texts.take((entry["seq"], "", "reason")), "the reason"
                self._said(where, reason, entry["reason_digest"], self._erasing(entry["seq"]))
                self._under(entry, changes, texts)
            self._strays(changes.before(None), "a change under no entry")
            self._strays(texts.before(None), "a text of nothing that is there")
            self._check_sets()
        except Wrong as wrong:
            self.fault(self.count + 1, str(wrong))
            return
        self._end()

    def _find_erasures(self) -> None:
        for line in self.files.lines(f"{self.folder}/journal.jsonl"):
            if b'"act":"erased"' not in line:
                continue
            try:
                entry = parse_canonical(decoded(line))
            except Wrong:  # told when it is its turn
                continue
            if not is_entry(entry) or entry["act"] != "erased":
                continue
            halves = entry["told"].get("erased")
            for record, versions in halves.items() if type(halves) is dict else ():
                for version in whole_numbers(versions):
                    self.erased.setdefault((record, version), []).append(entry["seq"])
            for seq in whole_numbers(entry["told"].get("erased_reasons")):
                self.erased.setdefault(seq, []).append(entry["seq"])

    def _erasing(self, what: Any, seq: int | None = None) -> int | None:
        """The first entry after that in which it was written which says that it was erased."""
        return next((by for by in self.erased.get(what, ()) if by > (seq or what)), None)

    def _entry(self, entry: dict[str, Any]) -> None:
        seq, hash_ = entry["seq"], entry["hash"]
        content = canonical({key: value for key, value in entry.items() if key != "hash"})
        if entry["book"] != self.id:
            self.fault(seq, f"an entry of another book ({entry['book']})")
        if seq != self.count + 1:
            self.fault(seq, f"entry {self.count + 1} should be here: one is missing, doubled or moved")
        if entry["prev_hash"] != self.head:
            self.fault(seq, "the entry does not follow from the one before it")
        if hashlib.sha256(content.encode()).hexdigest() != hash_:
            self.fault(seq, "the entry was changed: its hash is another")
        if entry["at"] <= self.at:
            self.fault(seq, "the entry is not later than the one before it")
        self._move(seq, hash_, entry["at"])
        named = entry["told"].get("sets")
        for one in named if type(named) is list else ():
            if type(one) is dict and type(one.get("digest")) is str and type(one.get("count")) is int:
                self.sets[one["digest"]] = (seq, one["count"])

    def _under(self, entry: dict[str, Any], changes: Cursor, texts: Cursor) -> None:
        """The changes under an entry, and what each says."""
        self._strays(changes.before((entry["seq"], "")), "a change under no entry")
        sealed, between = hashlib.sha256(b"["), ""
        for change in changes.before((entry["seq"] + 1, "")):
            sealed.update(f'{between}"{change["hash"]}"'.encode())
            between = ","
            self._change(change)
            record, version = change["record"], change["version"]
            self._strays(texts.before((self.count, record, "")), "a text of nothing that is there")
            said = f"{record} version {version}"
            ordinary = texts.take((self.count, record, "body"))
            self._said(f"what {said} says", ordinary, change["digest"], None)
            personal = texts.take((self.count, record, "personal"))
            by = self._erasing((record, version), self.count)
            self._said(f"what {said} says of a person", personal, change["personal_digest"], by)
            for half in (ordinary, personal):
                self._half(half, said)
        sealed.update(b"]")
        if sealed.hexdigest() != entry["changes_digest"]:
            self.fault(self.count, "the changes under the entry are not those that it sealed")

    def _change(self, change: dict[str, Any]) -> None:
        said = f"{change['record']} version {change['version']}"
        version, before = self.threads.get(change["record"], (0, GENESIS))
        content = canonical({key: value for key, value in change.items() if key not in ("hash", "seq")})
        if change["kind"] != self.id.partition("/")[0]:
            self.fault(self.count, f"{said} is of another kind")
        if (change["version"], change["prev_hash"]) != (version + 1, before):
            self.fault(self.count, f"{said} does not follow from the version before it")
        if hashlib.sha256(content.encode()).hexdigest() != change["hash"]:
            self.fault(self.count, f"{said} was changed: its hash is another")
        self.threads[change["record"]] = (change["version"], change["hash"])

    def _said(self, what: str, text: dict[str, Any] | None, digest: str | None, erased_by: int | None) -> None:
        """A half of a version or a reason, against its digest."""
        if text is None:
            if digest is not None and erased_by is None:
                self.fault(self.count, f"{what} is gone, and no later entry says that it was erased")
            elif digest is not None:
                self.excused.append((self.count, what, erased_by or 0))
        elif erased_by is not None:
            self.fault(self.count, f"{what} was erased by law, and is here all the same")
        elif hashlib.sha256(bytes.fromhex(text["salt"]) + text["body"].encode()).hexdigest() != digest:
            self.fault(self.count, f"{what} was changed: its digest is another")

    def _half(self, half: dict[str, Any] | None, said: str) -> None:
        if half is None:
            return
        try:
            right = type(parse_canonical(half["body"])) is dict
        except Wrong:
            right = False
        if not right:
            self.fault(self.count, f"what {said} says is no canonical JSON object")

    def _strays(self, lines: Iterator[dict[str, Any]], what: str) -> None:
        for line in lines:
            self.fault(line["seq"], what)

    def _check_sets(self) -> None:
        """Each set that an entry names is there, as large as it says, and no other."""
        name = f"{self.folder}/sets.jsonl"
        missing = dict(self.sets)
        for line in Cursor(self.files, name, place_of_set).before(None) if name in self.files else ():
            seq, count = missing.pop(line["digest"], (0, -1))
            if hashlib.sha256(canonical(line["members"]).encode()).hexdigest() != line["digest"]:
                self.fault(seq, "a set was changed: its digest is another")
            elif len(line["members"]) != count:
                self.fault(seq, "a set that no entry names, or not as large as it says")
        for seq, _ in missing.values():
            self.fault(seq, "a set that the entry names is missing")

    def check_erasures(self) -> None:
        """That an erasure is proven: an entry that nothing proves excuses nothing."""
        for seq, what, by in self.excused:
            if by > self.count - self.newer:
                self.fault(seq, f"{what} is gone; entry {by} says that it was erased, which nothing proves")


class Sets:
    """The sets of records that payloads of cases name, with the versions that are in them and what these say."""

    FILES = ("records/sets.jsonl", "records/versions.jsonl")

    def __init__(self, files: Files, report: Report) -> None:
        self.files, self.report = files, report
        self.is_there = any(name in files for name in self.FILES)
        # By digest: where a record names the set, of which kind its records are, and how many it says there are.
        self.named: dict[str, tuple[str, str, int]] = {}
        self.versions: dict[tuple[str, str, int], tuple[str, Any]] = {}
        self.shown: dict[str, dict[str, Any]] = {}

    def name(self, body: Any, where: str) -> None:
        """Take note of the sets that the payload of a record names."""
        about = body.get("about") if type(body) is dict else None
        listed = about.get("sets") if type(about) is dict else None
        for one in listed if type(listed) is list else ():
            right = type(one) is dict and type(one.get("count")) is int
            if right and type(one.get("digest")) is str and type(one.get("kind")) is str:
                self.named[one["digest"]] = (where, one["kind"], one["count"])

    def check(self) -> None:
        """That each is there as it was kept, and no other."""
        try:
            self._read_versions()
            self._read_sets()
        except Wrong as wrong:
            self.report.fault("records", str(wrong))

    def _read_versions(self) -> None:
        name = self.FILES[1]
        for line in Cursor(self.files, name, place_of_version).before(None) if name in self.files else ():
            said = f"{line['record']} version {line['version']}"
            content = canonical({key: value for key, value in line.items() if key not in ("hash", "salt", "body")})
            if hashlib.sha256(content.encode()).hexdigest() != line["hash"]:
                self.report.fault(name, f"{said} was changed: its hash is another")
            if hashlib.sha256(bytes.fromhex(line["salt"]) + line["body"].encode()).hexdigest() != line["digest"]:
                self.report.fault(name, f"what {said} says was changed: its digest is another")
            values = parse_canonical(line["body"])
            if type(values) is not dict:
                raise Wrong(f"what {said} says is no JSON object")
            self.versions[line["kind"], line["record"], line["version"]] = (line["hash"], values)

    def _read_sets(self) -> None:
        name, missing = self.FILES[0], dict(self.named)
        used: set[tuple[str, str, int]] = set()
        for line in Cursor(self.files, name, place_of_set).before(None) if name in self.files else ():
            digest, members = line["digest"], line["members"]
            where, kind, count = missing.pop(digest, (name, "", -1))
            if hashlib.sha256(canonical(members).encode()).hexdigest() != digest:
                self.report.fault(where, "a set was changed: its digest is another")
            elif len(members) != count:
                self.report.fault(where, "a set that no record names, or not as large as it says")
            shown = self.shown.setdefault(digest, {})
            for record, version, hash_ in members:
                found, values = self.versions.get((kind, record, version), ("", None))
                used.add((kind, record, version))
                shown[record] = values
                if found != hash_:
                    self.report.fault(where, f"{record} version {version} of a set is missing, or another one")
        for where, _kind, _count in missing.values():
            self.report.fault(where, "a set that the record names is missing")
        if self.versions.keys() - used:
            self.report.fault(self.FILES[1], "a version that is in no set")


def place_of_version(line: dict[str, Any]) -> tuple[str, str, int] | None:
    texts = ("kind", "record", "salt", "body")
    if line.keys() != OF_VERSION or not all(type(line[key]) is str for key in texts):
        return None
    right = is_count(line["version"]) and is_count(line["schema"]) and SALT.fullmatch(line["salt"]) is not None
    right = right and all(is_digest(line[key]) for key in ("digest", "prev_hash", "hash"))
    right = right and (line["personal_digest"] is None or is_digest(line["personal_digest"]))
    return (line["kind"], line["record"], line["version"]) if right else None


# ---- one case ----------------------------------------------------------------------------------------------------


class Case(Chain):
    """The history of one case while it is checked."""

    def __init__(self, files: Files, about: dict[str, Any], has_payloads: bool, report: Report) -> None:
        super().__init__(files, about, report)
        self.has_payloads = has_payloads
        self.definitions: dict[str, int] = {}
        self.ended_children: list[tuple[int, str]] = []
        self.called: dict[str, int] = {}
        self.missing: list[int] = []
        self.erased: dict[int, int] = {}
        self.attached: dict[str, tuple[int, Any]] = {}
        self.engines: set[str] = set()
        self.names: set[str] = set()
        self.first: dict[str, Any] | None = None
        self.part: Part | None = None
        self.sets: Sets | None = None
        self.body: Any = None
        self.definition: Any = None
        self.states, self.payloads = 0, 0

    def check(self) -> None:
        """The chain with its payloads and states, record by record, in one pass."""
        payloads = self._numbered("payloads.jsonl", {"body", "salt", "seq"}) if self.has_payloads else iter(())
        states = self._numbered("states.jsonl", None)
        try:
            payload, state = next(payloads, None), next(states, None)
            for line in self.files.lines(f"{self.folder}/journal.jsonl"):
                record = self._record(decoded(line))
                if record is None:
                    return
                seq = record["seq"]
                while payload and payload["seq"] < seq:
                    self.fault(payload["seq"], "a payload without a record")
                    payload = next(payloads, None)
                self.body = None
                if payload and payload["seq"] == seq:
                    self._payload(record, payload)
                    payload = next(payloads, None)
                elif self.has_payloads:
                    self.missing.append(seq)
                if state:
                    self._state(record, state)
                state = next(states, None)
                if self.part:
                    self.part.compare(slim_record(record, self.head, self.body), "records", seq - 1)
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
        self._move(seq, hash_, record["at"])
        self._remember(record)
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

    def _remember(self, record: dict[str, Any]) -> None:
        seq = record["seq"]
        self.engines.add(record["engine_version"])
        self.definitions.setdefault(record["definition"]["sha256"], seq)
        self.names |= {record["actor"], record["on_behalf_of"] or record["actor"]}
        if self.definition is None:
            self.definition = record["definition"]
        if record["kind"] == "child.ended":
            self.ended_children.append((seq, record["task_id"] or ""))

    def _payload(self, record: dict[str, Any], payload: dict[str, Any]) -> None:
        seq, salt, text = payload["seq"], payload["salt"], payload["body"]
        self.payloads += 1
        if type(salt) is not str or not SALT.fullmatch(salt) or type(text) is not str:
            self.fault(seq, "the payload has no salt or no body")
            return
        encoded = text.encode("utf-8", "surrogatepass")
        if hashlib.sha256(bytes.fromhex(salt) + encoded).hexdigest() != record["payload_digest"]:
            self.fault(seq, "the payload was changed: its digest is another")
            return
        try:
            self.body = parse_canonical(text)
            if self.sets is not None:
                self.sets.name(self.body, f"{self.where} record {seq}")
            self._body(record, self.body)
        except Wrong as wrong:
            self.fault(seq, f"the payload: {wrong}")
        except (KeyError, TypeError, AttributeError):
            self.fault(seq, "the payload is no record's payload")
        if self.part and type(self.body) is dict:
            self.part.compare(self.body.get("data"), "payloads", str(seq))

    def _body(self, record: dict[str, Any], body: dict[str, Any]) -> None:
        seq, data = record["seq"], body["data"]
        starts = body["command"] is not None and body["command"]["type"] == "Start"
        if starts != (seq == 1):
            raise Wrong("a case begins with its first record, and only there")
        if seq == 1:
            self._first(body["about"])
        if record["kind"] == "payloads.erased":
            for number in data["erased"]:
                if type(number) is int and number < seq:
                    self.erased.setdefault(number, seq)
        if record["kind"] == "case.attached":
            self.attached[data["sha256"]] = (seq, data["size"])

    def _first(self, about: dict[str, Any]) -> None:
        for key in ("parent_case_id", "parent_task_id"):
            if (about.get(key) or None) != self.about[key]:
                raise Wrong(f"{key} is not the one of the manifest")
        self.first = {key: about[key] for key in ("business_key", "title")}

    def _state(self, record: dict[str, Any], state: dict[str, Any]) -> None:
        seq = record["seq"]
        self.states += 1
        if (state["seq"], state.get("digest")) != (seq, record["state_digest"]):
            self.fault(seq, "states.jsonl tells of another state than the record")
        if self.report.is_first:
            return
        names = {"seq", "digest", "waiting", "passed"} | ({"set", "unset"} if self.has_payloads else set())
        try:
            if state.keys() != names or type(state["waiting"]) is not list:
                raise TypeError
            for one in state["waiting"]:
                if one.keys() != IN_WAITING:
                    raise TypeError
                if one["kind"] == "child":
                    self.called.setdefault(str(one["task_id"]), seq)
            slim = slim_state(state, self.part is not None and self.part.has_forms)
        except (KeyError, TypeError, AttributeError):
            self.fault(seq, "states.jsonl tells a state in another form")
            return
        if self.part:
            self.part.compare(slim, "states", seq - 1)

    def _end(self) -> None:
        super()._end()
        for seq in self.missing:
            if seq not in self.erased:
                self.fault(seq, "the payload is missing and no record says that it was erased")
        if self.report.is_first:
            self._shown({"title", "people"})
            return
        for seq in sorted(self.erased.keys() - set(self.missing)) if self.has_payloads else ():
            self.fault(seq, "the payload was erased by law, and is here all the same")
        if self.has_payloads and self.states < self.count and self.states + 1 not in self.missing:
            self.fault(self.states + 1, "states.jsonl ends here, and the payload of this record was not erased")
        more = {"title", "people"} if self.first is not None else set()
        case = self._shown(set() if self.has_payloads and self.first is not None else {"title", "people"}, more)
        if self.part:
            self.part.end(case, self.definition, (self.count, self.states, self.payloads))

    def _shown(self, free: set[str], more: set[str] | None = None) -> Any:
        """What case.json says, compared with what is proven."""
        try:
            case = parse_file(self.files.read(f"{self.folder}/case.json"))
            if type(case) is not dict or any(case.get(key) != self.about[key] for key in ("id", *PARENTS)):
                raise Wrong("case.json is of another case than the manifest says")
            if self.first is not None and any(case.get(key) != value for key, value in self.first.items()):
                raise Wrong("case.json has another title or business key than the first record")
            if more is not None and case.keys() - free != OF_CASE | (more - free):
                raise Wrong("case.json has other fields")
            people = case.get("people", {})
            if more is not None and (type(people) is not dict or not people.keys() <= self.names):
                raise Wrong("case.json names people who are in no record")
        except Wrong as wrong:
            self.fault(0, str(wrong))
            return None
        return case

    def check_erasures(self) -> None:
        """That an erasure is proven: a record that nothing proves excuses nothing."""
        proven = self.count - self.newer
        for seq in self.missing:
            if self.erased.get(seq, 0) > proven:
                self.fault(
                    seq,
                    f"the payload is missing; record {self.erased[seq]} says that it was erased, which nothing proves",
                )

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
    is_first = type(manifest) is dict and manifest.get("format") == FIRST
    form = MANIFEST if is_first else MANIFEST_2
    if type(manifest) is not dict or manifest.keys() != form or manifest["format"] not in (FIRST, FORMAT):
        raise Wrong(f"this is no manifest of {FIRST} or {FORMAT}")
    if type(manifest["files"]) is not dict or type(manifest["payloads"]) is not bool:
        raise Wrong("this is no manifest: files or payloads")
    report.is_first = is_first
    beside = {"manifest.json"} if report.is_first else {"manifest.json", "manifest.sig"}
    for name in sorted((files.sizes.keys() | manifest["files"].keys()) - beside):
        if name not in manifest["files"]:
            report.fault(name, "the manifest does not name this file")
        elif name not in files:
            report.fault(name, "the file is missing")
        elif manifest["files"][name] != {"sha256": files.digest(name), "size": files.sizes[name]}:
            report.fault(name, "the file was changed: its digest or size is another than in the manifest")
        elif report.is_first and name.startswith(("chains/", "records/", "consistency.json", "manifest.sig")):
            report.fault(name, f"no file of {FIRST} has this name")
    if report.is_first:
        manifest["chains"] = [
            about | {"kind": "case"} if type(about) is dict else None
            for about in (manifest["cases"] if type(manifest["cases"]) is list else ())
        ]
        manifest["not_started"] = []
    check_chains(manifest, files, report)
    return manifest


def check_chains(manifest: dict[str, Any], files: Files, report: Report) -> None:
    """That the chains are those that are named, and the cases among them each where it belongs. Raises Wrong."""
    seen: set[str] = set()
    folders: set[str] = set()
    for about in manifest["chains"] if type(manifest["chains"]) is list else ():
        if type(about) is not dict or not about.keys() >= {"kind", "id", "records", "head"}:
            raise Wrong("this is no manifest: chains")
        kind, id_ = about["kind"], about["id"]
        named = BOOK_ID if kind == "book" else CHAIN_ID
        right = type(kind) is str and KIND.fullmatch(kind) and type(id_) is str and named.fullmatch(id_)
        if not right or id_ in seen or type(about["records"]) is not int or not is_digest(about["head"]):
            raise Wrong("this is no manifest: chains")
        if not seen and id_ != manifest["root"]:
            raise Wrong("the first chain is not the exported one")
        if kind == "case":
            check_place(about, seen, report)
        elif kind in KNOWN and kind != id_:
            report.fault(f"chain {kind} {id_}", "a chain of this kind has another name")
        seen.add(id_)
        folders.add(f"cases/{id_}" if kind == "case" else f"chains/{kind}/{id_}")
    if not seen:
        raise Wrong("there is no chain in it")
    for name in files.sizes:
        if name.startswith("cases/") and name.endswith("/payloads.jsonl") and not manifest["payloads"]:
            report.fault(name, "the manifest says that there are no payloads")
        if name.startswith(("cases/", "chains/")) and name.rpartition("/")[0] not in folders:
            report.fault(name, "a file of a chain that the manifest does not name")


def check_place(about: dict[str, Any], seen: set[str], report: Report) -> None:
    """That a case is the exported one, or one that a case before it called. Raises Wrong."""
    id_: str = about["id"]
    parent, task = (about.get(name, 0) for name in PARENTS)
    if about.keys() != IN_MANIFEST | {"kind"} or not CASE_ID.fullmatch(id_):
        raise Wrong("this is no manifest: cases")
    if (parent is None) != (task is None) or not all(one is None or type(one) is str for one in (parent, task)):
        raise Wrong("this is no manifest: cases")
    if parent is not None and id_ != child_of(parent, task):
        report.fault(f"case {id_}", "it is not the child of that task of its parent")
    if seen and parent not in seen:
        report.fault(f"case {id_}", "a case that the exported one did not call")
    if not seen and parent is not None:
        report.say(f"note   case {id_} was called by case {parent}, which is not in the bundle")


def child_of(parent: str, task: Any) -> str:
    return str(uuid.uuid5(CHILDREN, f"{parent}\n{task}"))


def check_definition(files: Files, sha256: str) -> None:
    """That the content of a definition has its digest. Raises Wrong."""
    folder = f"definitions/{sha256}"
    content: dict[str, Any] = {"xml": files.digest(f"{folder}/process.bpmn")}
    for part in ("forms", "decisions"):
        content[part] = parse_file(files.read(f"{folder}/{part}.json"))
        if type(content[part]) is not dict:
            raise Wrong(f"{part}.json is no object")
    if not all(type(table) is str for table in content["decisions"].values()):
        raise Wrong("a decision is no text")
    if hashlib.sha256(canonical(content).encode()).hexdigest() != sha256:
        raise Wrong("the process definition is not the recorded one: its digest is another")


def check_all(files: Files, manifest: dict[str, Any], report: Report) -> list[Chain]:
    """Every chain, and what belongs to the cases together."""
    chains = [chain_of(files, about, manifest, report) for about in manifest["chains"]]
    cases = [chain for chain in chains if isinstance(chain, Case)]
    player = open_player(files, cases, report)
    sets = Sets(files, report)
    for case in cases:
        case.sets = sets
    definitions: dict[str, str | None] = {}
    for chain in chains:
        before = report.faults
        chain.check()
        if isinstance(chain, Case):
            check_beside(files, chain, manifest, definitions)
        verdict = "holds" if report.faults == before else "DOES NOT HOLD"
        missing = f", {len(chain.missing)} payloads erased" if isinstance(chain, Case) and chain.missing else ""
        if isinstance(chain, Book) and chain.excused:
            missing = f", {len(chain.excused)} texts beside it erased"
        if chain.digested > chain.beside:
            missing = f", {chain.digested - chain.beside} texts beside it gone"
        only = (
            ""
            if chain.is_case or chain.kind in KNOWN or isinstance(chain, Book)
            else f" (kind {chain.kind}: checked as a chain only)"
        )
        report.say(f"chain  {chain.where}: {chain.count} records{missing}{only}: {verdict}")
    check_children(cases, manifest, report)
    sets.check()
    if player is not None:
        check_player(files, player, cases, sets, report)
    check_strays(files, cases, report)
    return chains


def chain_of(files: Files, about: dict[str, Any], manifest: dict[str, Any], report: Report) -> Chain:
    if about["kind"] == "case":
        return Case(files, about, manifest["payloads"], report)
    return Book(files, about, report) if about["kind"] == "book" else Chain(files, about, report)


def open_player(files: Files, cases: list[Case], report: Report) -> Player | None:
    """The player's page with each case's part of it; None where there is none to compare."""
    if report.is_first:
        return None
    for name in ("README.txt", "verify.py", *(("player.html",) if cases else ())):
        if name not in files:
            report.fault(name, "the file is missing")
    if not cases or "player.html" not in files:
        return None
    try:
        player = Player(files, report)
    except Wrong as wrong:
        report.fault("player.html", str(wrong))
        return None
    for case, part in zip(cases, player.cases, strict=False):
        case.part = Part(part, case.has_payloads, player.has_forms)
    return player


def check_player(files: Files, player: Player, cases: list[Case], sets: Sets, report: Report) -> None:
    """What the page shows, once all is read."""
    said = said_by(player.check, files, cases, sets) or next(
        (case.part.wrong for case in cases if case.part and case.part.wrong), None
    )
    if said is not None:
        report.fault("player.html", said)


def check_beside(files: Files, case: Case, manifest: dict[str, Any], definitions: dict[str, str | None]) -> None:
    """The definitions and attachments that a case names."""
    for sha256, seq in case.definitions.items():
        if sha256 not in definitions:
            definitions[sha256] = said_by(check_definition, files, sha256)
        if (said := definitions[sha256]) is not None:
            case.fault(seq, f"definition {sha256}: {said}")
    for sha256, (seq, size) in case.attached.items() if manifest["payloads"] else ():
        if (said := said_by(check_attachment, files, sha256, size)) is not None:
            case.fault(seq, said)


def check_children(cases: list[Case], manifest: dict[str, Any], report: Report) -> None:
    """That every case that was called is in the bundle, or is named as one that had not begun."""
    ids = {case.id for case in cases}
    waiting: set[tuple[str, str]] = set()
    listed: list[Any] = manifest["not_started"] if type(manifest["not_started"]) is list else [None]
    for one in listed:
        if type(one) is not dict or one.keys() != set(PARENTS) or not all(type(one[name]) is str for name in PARENTS):
            raise Wrong("this is no manifest: not_started")
        parent, task = (one[name] for name in PARENTS)
        waiting.add((parent, task))
        if parent not in ids or child_of(parent, task) in ids:
            report.fault(
                "manifest.json", "it says that a child had not begun which is here, or is of no case of the bundle"
            )
        report.say(f"note   case {parent}: the child of its task {task} had not begun when the bundle was written")
    for case in cases:
        for seq, task in case.ended_children:
            if child_of(case.id, task) not in ids:
                case.fault(seq, "the child case that ended here is not in the bundle")
        for task, seq in case.called.items():
            if child_of(case.id, task) not in ids and (case.id, task) not in waiting:
                case.fault(seq, f"a running child is missing: that of the task {task}")


def check_strays(files: Files, cases: list[Case], report: Report) -> None:
    """That no definition and no attachment is there which no record names."""
    named = {sha256 for case in cases for sha256 in case.definitions}
    attached = {sha256 for case in cases for sha256 in case.attached}
    for name in files.sizes:
        kind, _, rest = name.partition("/")
        if (kind == "definitions" and rest.split("/")[0] not in named) or (
            kind == "attachments" and rest not in attached
        ):
            report.fault(name, "no record names it")


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


# ---- who signed it -------------------------------------------------------------------------------------------------


class Given(NamedTuple):
    """What the verifier brought along."""

    keys: list[Key] | None
    checkpoint: bytes | None
    consistency: bytes | None
    allows_newer: bool


def check_checkpoint(files: Files, manifest: dict[str, Any], chains: list[Chain], given: Given, report: Report) -> None:
    """The signatures, each chain's proof, and what the verifier brought along. Raises Wrong."""
    if "checkpoint.txt" not in files:
        check_unsigned(files, manifest, chains, given, report)
        return
    checkpoint = Checkpoint(files.read("checkpoint.txt"))
    if manifest["checkpoint"] != {"size": checkpoint.size, "root": checkpoint.root.hex()}:
        report.fault("checkpoint.txt", "it is not the checkpoint of the manifest")
    own = read_own_keys(decoded(files.read("keys.txt")))
    signers = checkpoint.signers(own)
    if not signers:
        raise Wrong("the checkpoint is not signed by any key of the bundle")
    if given.keys is not None and not (signers := checkpoint.signers(given.keys)):
        raise Wrong("the checkpoint is not signed by the given key")
    report.has_checkpoint, before = True, report.faults
    if report.is_first and LATER in checkpoint.extensions:
        report.fault(
            "manifest.json", f"the checkpoint says that its bundles are of {FORMAT} or later, and this one is not"
        )
    for chain in chains:
        chain.check_proof(checkpoint)
    check_newer(chains, given, report)
    if not report.is_first:
        check_seal(files, checkpoint, own, chains, given, report)
    known = said_by(check_consistency, files, checkpoint)
    if known is not None:
        report.fault("consistency.json", known)
    elif given.checkpoint is not None:
        compare(files, checkpoint, given, report)
    verdict = "holds" if report.faults == before else "DOES NOT HOLD"
    report.say(f"log    {checkpoint.origin}: {checkpoint.size} records, signed by {', '.join(signers)}: {verdict}")
    if given.keys is None:
        report.say(
            "note   the key is from inside the bundle: it proves nothing about WHO signed. Get the key from the office"
        )
        report.say("       or a witness and run this again with --key FILE.")


def check_unsigned(files: Files, manifest: dict[str, Any], chains: list[Chain], given: Given, report: Report) -> None:
    """A bundle without a checkpoint. Raises Wrong where it had one, or where the verifier knows who should have signed."""
    left = any(name in files for name in ("keys.txt", "manifest.sig", "consistency.json"))
    if manifest["checkpoint"] is not None or any(chain.proof for chain in chains) or left:
        raise Wrong("the checkpoint is missing")
    if given.keys is not None or given.checkpoint is not None:
        raise Wrong("the bundle has no checkpoint, so nobody signed it")
    report.say(
        "note   no checkpoint: nothing shows that the chains are the original ones or that no newest record is missing"
    )


def check_newer(chains: list[Chain], given: Given, report: Report) -> None:
    """Records that no proof covers, and what they alone say was erased."""
    is_strict = given.keys is not None and not given.allows_newer
    for chain in chains:
        if chain.is_proven and chain.newer:
            last = chain.count - chain.newer
            if is_strict:
                chain.fault(last + 1, "nothing proves this record and those after it (--allow-newer takes them)")
            else:
                report.say(
                    f"note   {chain.where}: records after {last} are newer than the checkpoint; only their chain covers them"
                )
        if isinstance(chain, Case | Book) and chain.is_proven and (is_strict or not report.is_first):
            chain.check_erasures()


def check_seal(
    files: Files, checkpoint: Checkpoint, own: list[Key], chains: list[Chain], given: Given, report: Report
) -> None:
    """The signature of the manifest, which covers all that is in the bundle. Raises Wrong."""
    if "manifest.sig" not in files:
        said = (
            "the manifest is not signed: where the chains end, what people read and what was erased last is not proven"
        )
        if given.keys is not None and not given.allows_newer:
            report.fault("manifest.json", f"{said} (--allow-newer takes it so)")
        else:
            report.say(f"note   {said}")
        return
    note = Note(files.read("manifest.sig"))
    if note.text.decode() != f"{checkpoint.origin}\n{FORMAT}\n{files.digest('manifest.json')}\n":
        raise Wrong("manifest.sig signs another manifest, or one of another log")
    if len(note.signatures) != 1 or not note.signers(own):
        raise Wrong("the manifest is not signed by one key of the bundle")
    if given.keys is not None and not note.signers(given.keys):
        raise Wrong("the manifest is not signed by the given key")
    for chain in chains:
        if chain.newer:
            chain.fault(chain.count, "the manifest is signed, and the proof is one of another record than the newest")
    report.is_sealed = given.keys is not None


def read_consistency(files: Files) -> dict[str, Any]:
    """What consistency.json says: proofs from earlier checkpoints to that of the bundle. Raises Wrong."""
    found = parse_file(files.read("consistency.json"))
    if type(found) is not dict or found.keys() != {"hashes", "proofs", "size"} or type(found["size"]) is not int:
        raise Wrong("another form")
    hashes, proofs = found["hashes"], found["proofs"]
    if type(hashes) is not list or not all(map(is_digest, hashes)) or type(proofs) is not list:
        raise Wrong("another form")
    for proof in proofs:
        if type(proof) is not dict or proof.keys() != {"path", "root", "size"} or type(proof["path"]) is not list:
            raise Wrong("another form")
        if type(proof["size"]) is not int or not is_digest(proof["root"]):
            raise Wrong("another form")
        if not all(type(number) is int and 0 <= number < len(hashes) for number in proof["path"]):
            raise Wrong("another form")
    return found


def check_consistency(files: Files, checkpoint: Checkpoint) -> None:
    """That each proof in consistency.json is one. Raises Wrong."""
    if "consistency.json" not in files:
        return
    found = read_consistency(files)
    if found["size"] != checkpoint.size:
        raise Wrong("it is of another checkpoint")
    for proof in found["proofs"]:
        path = [bytes.fromhex(found["hashes"][number]) for number in proof["path"]]
        old = proof["size"], bytes.fromhex(proof["root"])
        if not continues(old, (checkpoint.size, checkpoint.root), path):
            raise Wrong(f"the checkpoint of {proof['size']} records is not proven to be an earlier one")


def compare(files: Files, own: Checkpoint, given: Given, report: Report) -> None:
    """The checkpoint that a witness kept, with that of the bundle."""
    other = Checkpoint(note_in(given.checkpoint or b""))
    report.is_compared = False
    if other.origin != own.origin:
        report.fault("checkpoint.txt", "the given checkpoint is one of another log")
    elif given.keys is not None and not other.signers(given.keys):
        report.fault("checkpoint.txt", "the given checkpoint is not signed by the given key")
    elif other.size == own.size:
        report.is_compared = other.root == own.root
        if not report.is_compared:
            report.fault(
                "checkpoint.txt", "the given checkpoint has the same size and another root: the log was forked"
            )
    elif (path := path_between(files, own, other, given)) is None:
        old, new = sorted((own.size, other.size))
        report.say(
            f"note   the given checkpoint has {other.size} records, and no proof for it is here: it was NOT compared."
        )
        report.say(
            f"       Ask the office for `osm-flow audit consistency {old} {new} --json` and give it as --consistency FILE."
        )
    else:
        earlier, later = sorted(((own.size, own.root), (other.size, other.root)))
        report.is_compared = continues(earlier, later, path)
        if not report.is_compared:
            report.fault(
                "checkpoint.txt",
                "the given checkpoint is not proven to be of the same log: it was forked, or the proof is wrong",
            )


def path_between(files: Files, own: Checkpoint, other: Checkpoint, given: Given) -> list[bytes] | None:
    """The consistency proof between two checkpoints; None if nobody gave one. Raises Wrong."""
    if given.consistency is not None:
        try:
            shown = json.loads(given.consistency)
            sizes = shown["old"]["size"], shown["new"]["size"]
            path = [bytes.fromhex(one) for one in shown["path"]]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise Wrong("the given proof of consistency is none") from None
        return path if sizes == tuple(sorted((own.size, other.size))) else None
    if "consistency.json" in files:
        found = read_consistency(files)
        for proof in found["proofs"]:
            if proof["size"] == other.size:
                return [bytes.fromhex(found["hashes"][number]) for number in proof["path"]]
    return None


def note_in(content: bytes) -> bytes:
    """The checkpoint at the end of a mail that somebody saved as it came; a bare checkpoint is its own."""
    text = decoded(content).replace("\r\n", "\n").strip()
    blocks = [block.strip("\n") for block in text.split("\n\n") if block.strip()]
    return ("\n\n".join(blocks[-2:]) + "\n").encode()


def check(path: Path, given: Given, report: Report) -> None:
    """The whole bundle."""
    report.is_trusted = given.keys is not None
    files = Files(path, report)
    manifest = check_manifest(files, report)
    report.say(f"files  {len(manifest['files'])} named by the manifest, by SHA-256")
    chains = check_all(files, manifest, report)
    try:
        check_checkpoint(files, manifest, chains, given, report)
    except Wrong as wrong:
        report.fault("checkpoint.txt", str(wrong))
    report.reaches = [chain.reach for chain in chains]
    engines = sorted(set().union(*(chain.engines for chain in chains if isinstance(chain, Case))))
    if engines:
        report.say(f"note   written by {', '.join(engines)}; the")
        report.say(
            "       states themselves are recomputed by `osm-flow case verify --bundle FILE.zip --deep`, not here."
        )
    if not manifest["payloads"]:
        report.say("note   the bundle was made without payloads: what people typed is neither in it nor checked")
    if report.is_first:
        report.say(f"note   {FIRST}: nobody signed where the chains end, nor what the files for reading say")
    elif not report.faults:
        for one in report.reaches:
            report.say(f"proven {one.where}: up to record {one.proven} of {one.records} ({one.at})")


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
    parser.add_argument(
        "--consistency", help="the office's proof that leads from that checkpoint to the bundle's, or back"
    )
    parser.add_argument(
        "--allow-newer", action="store_true", help="take what no signature covers; the last line says what that is"
    )
    options = parser.parse_args(arguments)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    report = Report()
    at = options.bundle
    try:
        at = options.key or at
        keys = read_given_keys(Path(options.key).read_bytes()) if options.key else None
        other = Path(at := options.checkpoint).read_bytes() if options.checkpoint else None
        proof = Path(at := options.consistency).read_bytes() if options.consistency else None
        at = options.bundle
        check(Path(options.bundle), Given(keys, other, proof, options.allow_newer), report)
    except Wrong as wrong:
        report.fault(at, str(wrong))
    except Exception as error:  # noqa: BLE001 (whatever a broken container makes a library raise is a fault of the bundle)
        report.fault(at, f"it cannot be read: {type(error).__name__}: {error}")
    code, verdict = result_of(report)
    print(f"RESULT {clean(verdict)}")
    return code


if __name__ == "__main__":
    sys.exit(main())
