"""Reading and writing a signed checkpoint of the audit log: a C2SP signed-note with a C2SP tlog-checkpoint in it.

Only the text is read and written here; signatures are made and checked in `operations/audit/signing_keys.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from osm_flow.errors import Invalid

ED25519 = b"\x01"
DASH = "\N{EM DASH}"
LONGEST = 65_536
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
# The field and the curve of Ed25519 (RFC 8032), and what introduces such a public key in PEM (RFC 8410).
_PRIME = 2**255 - 19
_CURVE = -121665 * pow(121666, -1, _PRIME) % _PRIME
_DER = bytes.fromhex("302a300506032b6570032100")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class NoteUnreadable(Invalid):
    """This is no signed checkpoint: {reason}."""


class KeyTextWrong(NoteUnreadable):
    """This is no public key: {reason}."""


@dataclass(frozen=True)
class Signature:
    """One signature line: who says to have signed, the first four bytes of the key's hash, and what they signed."""

    name: str
    key_hash: bytes
    value: bytes

    @property
    def key_id(self) -> str:
        """The hash of the key in hexadecimal digits."""
        return self.key_hash.hex()


@dataclass(frozen=True)
class Note:
    """A signed note: `text` ends with a newline and is what the signatures are over."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        lines = (
            f"{DASH} {signature.name} {_encoded(signature.key_hash + signature.value)}\n"
            for signature in self.signatures
        )
        return f"{self.text}\n{''.join(lines)}"


@dataclass(frozen=True)
class Head:
    """What a checkpoint says: the log's origin, how many leaves it has, their root, and extension lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = (self.origin, str(self.size), _encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class VerifierKey:
    """A public key as it is given to people outside: `name+hash+base64`. One without a name may sign under any."""

    name: str
    public: bytes

    def made(self, signature: Signature) -> bool:
        """Whether a signature says that it is by this key."""
        name = self.name or signature.name
        return signature.name == name and signature.key_hash == key_hash(name, self.public)

    def is_same(self, other: VerifierKey) -> bool:
        """Whether the other is this key, which may be known without its name."""
        return self.public == other.public and (not self.name or self.name == other.name)

    @property
    def key_hash(self) -> bytes:
        """The hash by which signatures name this key."""
        return key_hash(self.name, self.public)

    @property
    def key_id(self) -> str:
        """The hash of the key in hexadecimal digits."""
        return self.key_hash.hex()

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id}+{_encoded(ED25519 + self.public)}"


def key_hash(name: str, public: bytes) -> bytes:
    """The first four bytes of SHA-256 over the name, a newline, the kind of signature and the public key."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def is_name(name: str) -> bool:
    """Whether a key or a log may have the name: not empty, no white space, no plus sign, at most 255 characters."""
    return 0 < len(name) <= 255 and not any(sign.isspace() or sign == "+" for sign in name) and name.isprintable()


def read_note(raw: str | bytes) -> Note:
    """The signed note that a text is. Raises NoteUnreadable for anything else."""
    text = _decoded(raw)
    if len(text) > LONGEST:
        raise NoteUnreadable(reason="it is too long")
    if _CONTROL.search(text):
        raise NoteUnreadable(reason="it has a control character")
    body, blank, below = text.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise NoteUnreadable(reason="it has no signature below a blank line")
    return Note(body + "\n", tuple(map(_read_signature, below[:-1].split("\n"))))


def note_in(raw: str | bytes) -> str:
    """The checkpoint at the end of a mail that somebody saved as it came; a bare checkpoint is its own.

    Raises NoteUnreadable for what is no text.
    """
    text = _decoded(raw).replace("\r\n", "\n").strip()
    blocks = [block.strip("\n") for block in text.split("\n\n") if block.strip()]
    return "\n\n".join(blocks[-2:]) + "\n"


def read_head(note: Note) -> Head:
    """The head of the log that a note states. Raises NoteUnreadable."""
    lines = note.text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NoteUnreadable(reason="origin, size and root must stand in the first three lines")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size):
        raise NoteUnreadable(reason="the size is not a number")
    digest = _bytes_of(root)
    if len(digest) != 32:
        raise NoteUnreadable(reason="the root is not a SHA-256 digest")
    return Head(origin, int(size), digest, tuple(extensions))


def read_key(text: str) -> VerifierKey:
    """The public key in its `name+hash+base64` spelling. Raises KeyTextWrong."""
    parts = text.strip().split("+", 2)
    if len(parts) != 3 or not is_name(parts[0]):
        raise KeyTextWrong(reason="a public key is written name+hash+base64")
    try:
        raw = _bytes_of(parts[2])
    except NoteUnreadable as error:
        raise KeyTextWrong(reason=error.details["reason"]) from None
    if len(raw) != 33 or raw[:1] != ED25519:
        raise KeyTextWrong(reason="the public key is not an Ed25519 key")
    key = VerifierKey(parts[0], raw[1:])
    if key.key_id != parts[1].lower():
        raise KeyTextWrong(reason="the public key does not have the hash that stands beside it")
    return key


def read_keys(lines: Iterable[str]) -> list[VerifierKey]:
    """The public keys in a text, one a line; empty lines and lines with a # are left out. Raises KeyTextWrong."""
    return [read_key(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def read_given_keys(content: bytes) -> list[VerifierKey]:
    """The public keys in a file that a verifier brought: one a line, before a space, or one in PEM without a name.

    Raises KeyTextWrong where there is none, or what no signature can be checked by.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise KeyTextWrong(reason="it is not UTF-8") from None
    if "BEGIN PUBLIC KEY" in text:
        keys = [_read_pem(text)]
    else:
        keys = read_keys(line.split()[0] for line in text.splitlines() if line.strip())
    if not keys:
        raise KeyTextWrong(reason="there is no public key in it")
    if not all(is_point(key.public) for key in keys):
        raise KeyTextWrong(reason="the public key is not an Ed25519 key")
    return keys


def is_point(public: bytes) -> bool:
    """Whether 32 bytes are a point of the curve of Ed25519 (RFC 8032, 5.1.3), so that they can be a public key."""
    encoded = int.from_bytes(public, "little")
    sign, y = encoded >> 255, encoded & (1 << 255) - 1
    if len(public) != 32 or y >= _PRIME:
        return False
    square = (y * y - 1) * pow(_CURVE * y * y + 1, -1, _PRIME) % _PRIME
    return not sign if square == 0 else pow(square, (_PRIME - 1) // 2, _PRIME) == 1


def _read_pem(text: str) -> VerifierKey:
    lines = (word for word in text.split() if "-" not in word and word not in ("BEGIN", "PUBLIC", "KEY"))
    try:
        der = _bytes_of("".join(lines))
    except NoteUnreadable as error:
        raise KeyTextWrong(reason=error.details["reason"]) from None
    if len(der) != len(_DER) + 32 or not der.startswith(_DER):
        raise KeyTextWrong(reason="the PEM file is not an Ed25519 public key")
    return VerifierKey("", der[len(_DER) :])


def _read_signature(line: str) -> Signature:
    dash, _, signed = line.partition(" ")
    name, _, value = signed.partition(" ")
    if dash != DASH or not is_name(name):
        raise NoteUnreadable(reason="a signature line is not a dash, a name and a signature")
    raw = _bytes_of(value)
    if len(raw) < 5:
        raise NoteUnreadable(reason="a signature is too short")
    return Signature(name, raw[:4], raw[4:])


def _decoded(raw: str | bytes) -> str:
    try:
        return raw.decode() if isinstance(raw, bytes) else raw
    except UnicodeDecodeError:
        raise NoteUnreadable(reason="it is not UTF-8") from None


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _bytes_of(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteUnreadable(reason="a value is not Base64") from None
    if _encoded(value) != text:
        raise NoteUnreadable(reason="a value is not Base64 in its one spelling")
    return value
