"""The keys that sign checkpoints: private ones in files of one machine, public ones in the database.

The folder also keeps the public keys that this installation made itself (`trusted`), so that a key which somebody with
access to the database alone has slipped in is told from a real one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from sqlalchemy import select
from sqlalchemy.orm import Session

from osm_flow.domain.access.actors import Actor
from osm_flow.domain.merkle_note import (
    Head,
    Note,
    NoteUnreadable,
    Signature,
    VerifierKey,
    is_name,
    read_head,
    read_keys,
    read_note,
)
from osm_flow.domain.search import says_nothing
from osm_flow.errors import Invalid, Refused
from osm_flow.store.advisory_locks import AdvisoryLock, take
from osm_flow.store.models import SigningKey

SUCCESSOR = "successor "


class KeyMissing(Refused):
    """The private key {key_id} is not on this machine. Sign where it lies, or start a new key and say how it was lost."""


class KeyUnreadable(Refused):
    """The private key {key_id} cannot be read; its file is damaged or belongs to another key."""


class NoKeyYet(Refused):
    """There is no signing key yet. The first checkpoint makes one."""


class OriginNotAccepted(Invalid):
    """The origin of the log is one word of up to 255 characters without a plus sign, such as example.go.th/journal."""


class ReasonNeeded(Invalid):
    """Say why."""


@dataclass(frozen=True)
class Keyring:
    """The folder of private keys on this machine, and what the log is called when its first key is made."""

    folder: Path
    origin: str

    def private(self, key: VerifierKey) -> Ed25519PrivateKey:
        """The private half of a key. Raises KeyMissing, KeyUnreadable."""
        try:
            pem = self._path(key.key_id).read_bytes()
        except FileNotFoundError:
            raise KeyMissing(key_id=key.key_id) from None
        try:
            private = load_pem_private_key(pem, password=None)
        except ValueError:
            raise KeyUnreadable(key_id=key.key_id) from None
        if not isinstance(private, Ed25519PrivateKey) or private.public_key().public_bytes_raw() != key.public:
            raise KeyUnreadable(key_id=key.key_id)
        return private

    def make(self, name: str) -> VerifierKey:
        """Make a key pair: its private half readable by its owner alone, its public half among the trusted ones."""
        if not is_name(name):
            raise OriginNotAccepted
        private = Ed25519PrivateKey.generate()
        key = VerifierKey(name, private.public_key().public_bytes_raw())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self._path(key.key_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
        with (self.folder / "trusted").open("a", encoding="utf-8") as trusted:
            trusted.write(f"{key}\n")
        return key

    def trusted(self) -> list[VerifierKey]:
        """The public keys that were made on this machine or put into its file `trusted`. Raises NoteUnreadable."""
        path = self.folder / "trusted"
        if not path.exists():
            return []
        try:
            return read_keys(path.read_text(encoding="utf-8").splitlines())
        except UnicodeDecodeError:
            raise NoteUnreadable(reason="it is not UTF-8") from None

    @property
    def copies(self) -> Path:
        """The folder in which checkpoints are kept as files."""
        return self.folder.parent / "checkpoints"

    def has(self, key_id: str) -> bool:
        """Whether the private half of a key is on this machine."""
        return self._path(key_id).exists()

    def _path(self, key_id: str) -> Path:
        return self.folder / f"{key_id}.pem"


def origin_of(base_url: str) -> str:
    """The name of a log by default: the site's address without its scheme, with /journal."""
    parts = urlsplit(base_url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}/journal"


# ---- the keys over time ----------------------------------------------------------------------------------------


def kept_keys(session: Session) -> Sequence[SigningKey]:
    """All signing keys, oldest first; the period of each ends where the next begins."""
    return session.scalars(select(SigningKey).order_by(SigningKey.id)).all()


def public_half(row: SigningKey) -> VerifierKey:
    """The public key of a stored signing key."""
    return VerifierKey(row.name, bytes.fromhex(row.public_key))


def active_key(session: Session) -> SigningKey | None:
    """The key that signs now; None before the first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.id.desc()).limit(1)).one_or_none()


def key_to_sign_with(session: Session, keyring: Keyring, actor: Actor, now: datetime) -> VerifierKey:
    """The key that signs now; the first one is made here. Raises KeyMissing unless it is on this machine."""
    row = active_key(session)
    if row is None:
        return _add(session, keyring.make(keyring.origin), actor, now, how="first")
    key = public_half(row)
    keyring.private(key)
    return key


def replace_lost(session: Session, keyring: Keyring, actor: Actor, now: datetime, *, reason: str) -> VerifierKey:
    """Make a new key without the signature of the lost one before it. Raises NoKeyYet, ReasonNeeded.

    Every verification shows this as a gap: before it only the checkpoints that witnesses hold vouch for the log.
    """
    if says_nothing(reason):
        raise ReasonNeeded
    take(session, AdvisoryLock.audit_log)
    if (row := active_key(session)) is None:
        raise NoKeyYet
    return _add(session, keyring.make(row.name), actor, now, how="replaced", reason=reason.strip())


def rotate(session: Session, keyring: Keyring, head: Head, actor: Actor, now: datetime, *, reason: str = "") -> Note:
    """Replace the key: the head of the log with the successor's name in it, signed by both.

    The successor stands in what is signed, or anybody could put their signature under the last checkpoint and call
    themselves the next key. Raises NoKeyYet, KeyMissing.
    """
    if (row := active_key(session)) is None:
        raise NoKeyYet
    old = public_half(row)
    old_private = keyring.private(old)
    new = keyring.make(old.name)
    text = str(Head(old.name, head.size, head.root, (*head.extensions, f"{SUCCESSOR}{new}")))
    note = Note(text, (_signature(text, old, old_private), _signature(text, new, keyring.private(new))))
    _add(session, new, actor, now, how="rotated", reason=reason.strip(), endorsement=str(note))
    return note


def _add(
    session: Session,
    key: VerifierKey,
    actor: Actor,
    now: datetime,
    *,
    how: str,
    reason: str = "",
    endorsement: str = "",
) -> VerifierKey:
    session.add(
        SigningKey(
            key_id=key.key_id,
            name=key.name,
            public_key=key.public.hex(),
            how=how,
            reason=reason,
            endorsement=endorsement,
            actor=actor.username,
            at=now,
        )
    )
    session.flush()
    return key


# ---- signing and checking --------------------------------------------------------------------------------------


def sign(text: str, key: VerifierKey, keyring: Keyring) -> Note:
    """The text with this key's signature under it. Raises KeyMissing, KeyUnreadable."""
    return Note(text, (_signature(text, key, keyring.private(key)),))


def signed_by(note: Note, key: VerifierKey) -> bool | None:
    """Whether the key signed the note: None when it has no such signature, False when that is wrong."""
    signatures = [
        signature for signature in note.signatures if signature.name == key.name and signature.key_hash == key.key_hash
    ]
    if not signatures:
        return None
    try:
        for signature in signatures:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature.value, note.text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def is_endorsed(row: SigningKey, before: SigningKey) -> bool:
    """Whether the key before this one signed for it. Raises NoteUnreadable for a damaged endorsement."""
    note = read_note(row.endorsement)
    key = public_half(row)
    named = f"{SUCCESSOR}{key}" in read_head(note).extensions
    return named and signed_by(note, public_half(before)) is True and signed_by(note, key) is True


def _signature(text: str, key: VerifierKey, private: Ed25519PrivateKey) -> Signature:
    return Signature(key.name, key.key_hash, private.sign(text.encode()))
